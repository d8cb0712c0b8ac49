"""Gathering a contest: a person's records out of the log, and what the journal has of the person and nobody else."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from features.basket import JOINED_PERMILLE
from features.segments import Attribution, SegmentBlock, Segments, TrackChange
from features.site import Camera
from streams.audit.errors import UnusableError
from streams.audit.note import Signer, Verifier
from streams.audit.visit_entries import Found, ProvableLog, keys_of
from streams.contesting.contest import (
    FORMAT,
    Contest,
    ContestedChange,
    ContestedPurchase,
    ContestedRecord,
    ContestedTrack,
    Told,
    sealed,
)
from streams.runs import RunFolder


def gather(
    run: RunFolder,
    person: str,
    log: ProvableLog,
    visit_keys: Path,
    verifiers: Sequence[Verifier],
    signers: Sequence[Signer] = (),
) -> Contest:
    """All that a run has of a person, with proofs.

    Args:
        run: finished.
        person: full name, or that of a track of the person.
        log: the run's, or the published one with the same entries.
        visit_keys: file of the run's keys.
        verifiers: public keys of the log.
        signers: who sign for the whole file.

    Raises:
        AuditError: an entry does not lead to the log's root, or is not what its key sealed.
        UnusableError: the keys are missing, or those of the person.
        TableError: the journal cannot be read.
    """
    person, names = _whole(run, person)
    found = list(log.entries(keys_of(visit_keys, names)))
    records = [_record(log, one) for one in found if one.key]
    if not records:
        raise UnusableError("keys", f"those of {person}", "none: erased, or nothing was sealed", str(visit_keys))
    told_by = {one.said.person for one in records}
    contest = Contest(
        format=FORMAT,
        person=person,
        names=sorted(told_by),
        log_keys=list(dict.fromkeys(one.vkey for one in (*verifiers, *(signer.verifier for signer in signers)))),
        beginnings=[log.prove(one.entry).encoded.decode() for one in found if not one.key],
        records=records,
        bundle=run.bundle,
        told=_told(run, names),
    )
    return sealed(msgspec.json.decode(msgspec.json.encode(contest), type=Contest), signers)


def _whole(run: RunFolder, name: str) -> tuple[str, set[str]]:
    """The person whom a name is of, and all tracks that are taken to be the person by now."""
    together = ((person, tracks) for person, tracks in run.tracks.items() if name in tracks and person != name)
    return next(together, (name, run.tracks[name]))


def _record(log: ProvableLog, found: Found) -> ContestedRecord:
    opened = found.open(f"{log.place}: leaf {found.entry}")
    proof = log.prove_opened(found).encoded.decode()
    return ContestedRecord(found.entry, opened.published, opened.features, opened.journal.hex(), proof)


def _told(run: RunFolder, names: set[str]) -> Told:
    gathering = Gathering(names)
    for entry in run.entries():
        if isinstance(entry, SegmentBlock):
            gathering.segments(entry)
        elif isinstance(entry, Attribution):
            gathering.purchase(entry)
        elif isinstance(entry, TrackChange):
            gathering.change(entry)
    return Told(
        site=run.site.name,
        utc_offset_minutes=run.site.utc_offset_minutes,
        cameras=gathering.seen_by(run.site.cameras),
        thresholds=run.site.thresholds,
        timing=run.site.timing,
        customers_remembered=run.site.memory.customers,
        tracks=gathering.tracks(run.site.cameras),
        purchases=gathering.purchases,
        changes=gathering.changes,
    )


@dataclass(slots=True)
class Gathering:
    """What the journal has of these tracks; of others it keeps no name and nothing they did."""

    names: set[str]
    rows: dict[str, list[Segments]] = field(default_factory=lambda: defaultdict(list))
    cameras: dict[str, int] = field(default_factory=dict)
    purchases: list[ContestedPurchase] = field(default_factory=list)
    changes: list[ContestedChange] = field(default_factory=list)

    def segments(self, block: SegmentBlock) -> None:
        """Keep the seconds of the tracks."""
        for place in (place for place, track in enumerate(block.tracks) if track in self.names):
            self.cameras[block.tracks[place]] = int(block.cameras[place])
            self.rows[block.tracks[place]].append(block.rows[block.track == place])

    def purchase(self, one: Attribution) -> None:
        """Keep a purchase that may be the person's; what was bought only if it counted."""
        own = sum(share for track, share in one.candidates if track in self.names)
        if not own:
            return
        counted = own >= JOINED_PERMILLE
        self.purchases.append(
            ContestedPurchase(
                time_ms=one.time_ms,
                store=one.store,
                till=one.till,
                share_permille=own,
                others=sum(track not in self.names for track, _ in one.candidates),
                explicit=one.explicit,
                counted=counted,
                receipt=one.receipt if counted else None,
                lines=one.lines if counted else [],
            )
        )

    def change(self, one: TrackChange) -> None:
        """Keep news about the tracks, without the names of others."""
        track, other = (name if name in self.names else None for name in (one.track, one.other))
        if track or other:
            news = one.change
            self.changes.append(ContestedChange(news.kind, one.time_ms, news.confidence, track, other))

    def seen_by(self, cameras: list[Camera]) -> list[Camera]:
        """The cameras that saw the tracks."""
        return [cameras[place] for place in sorted(set(self.cameras.values()))]

    def tracks(self, cameras: list[Camera]) -> list[ContestedTrack]:
        """The tracks with their seconds, in the order in which they began."""
        return [
            ContestedTrack.of(track, cameras[self.cameras[track]].name, np.concatenate(rows))
            for track, rows in sorted(self.rows.items(), key=lambda one: (int(one[1][0]["second_ms"][0]), one[0]))
        ]
