"""The audit log of a run made again from its journal, and compared leaf by leaf."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
import numpy as np

from features.sequence import CATALOGUE
from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from streams.audit.erasures import AUDIT, erasures_of, opener_of
from streams.audit.errors import AuditError
from streams.audit.reader import LogReader
from streams.audit.records import Beginning, Content, Kind, Record, Tombstone, decode_record, open_entry
from streams.audit.records import Entry as SealedEntry
from streams.audit.rows import Kept, Opener
from streams.audit.sealing import VIGIL, Sealing, beginning
from streams.audit.source import folder_source
from streams.audit.versions import beginning_of
from streams.audit.visit_keys import RecordedKeys
from streams.pipeline import Said


class Differs(NamedTuple):
    """The first leaf that is not what the journal gives: fields as (name, sealed, replayed)."""

    leaf: int
    fields: list[tuple[str, object, object]]


class DiffersError(AuditError):
    """A log that is not what its journal gives."""

    def __init__(self, differs: Differs) -> None:
        name, sealed, replayed = differs.fields[0]
        super().__init__(name, sealed, replayed, f"leaf {differs.leaf}")
        self.differs = differs


class Replayed(NamedTuple):
    """What was made again.

    Attributes:
        scores, alerts, dispositions: how many records of each kind.
        journal: digest of the whole journal.
    """

    scores: int
    alerts: int
    dispositions: int
    journal: bytes


@dataclass(slots=True)
class RunReplay:
    """Makes the log of a run again, leaf by leaf, with the keys the run left, and compares.

    Visits that were erased are left out: that they were, the log says itself.

    Raises, from `take` and `finish`:
        DiffersError: the first leaf that differs.
        AuditError: a key is missing.
    """

    opener: Opener
    erased: frozenset[bytes]
    sealed: Iterator[bytes]
    sealing: Sealing
    leaf: int = 0
    counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, site: Site, bundle: Bundle, size: int, normality: Normality | None = None) -> Self:
        """Ready for the first entry, after the log's beginning was compared."""
        erased = erasures_of(folder)
        opener = opener_of(folder, [camera.name for camera in site.cameras], erased)
        source = folder_source(folder / AUDIT)
        sealed, begun = LogReader(source, size).entries(0, size), beginning_of(source)
        keys = RecordedKeys(b"", opener.held, ring=dict(opener.keys))
        replay = cls(opener, erased.visits, sealed, Sealing(keys))
        replay._compare(beginning(site, bundle, normality, begun.vigil if begun else VIGIL))
        return replay

    def take(self, kept: Kept, said: Said) -> None:
        """Compare the leaves of an entry of the journal."""
        for row in kept.rows:
            if row.visit not in self.opener.keys and row.visit not in self.erased:
                where = f"position {row.position}"
                raise AuditError("key", f"that of {row.visit.hex()}", "none, and no tombstone of it", where)
        for leaf in self.sealing.take(kept, said):
            self._compare(leaf.value)

    def forget(self, present: Container[str]) -> None:
        """The keys stay: they are in a file."""

    def finish(self) -> Replayed:
        """The journal has ended; so must the log."""
        if (more := self._next()) is not None:
            raise DiffersError(Differs(self.leaf, [("record", self._told(decode_record(more)), "none")]))
        scores, alerts, dispositions = (self.counts.get(kind, 0) for kind in Kind)
        return Replayed(scores, alerts, dispositions, self.sealing.journal)

    def _next(self) -> bytes | None:
        """The next leaf that is not of an erased visit."""
        for leaf in self.sealed:
            record = decode_record(leaf, f"leaf {self.leaf}")
            if not isinstance(record, Tombstone) and getattr(record, "visit", None) not in self.erased:
                return leaf
            self.leaf += 1
        return None

    def _compare(self, replayed: bytes) -> None:
        sealed = self._next()
        if sealed != replayed:
            raise DiffersError(Differs(self.leaf, self._fields(sealed, replayed)))
        record = decode_record(replayed)
        if isinstance(record, SealedEntry):
            self.counts[record.kind] = self.counts.get(record.kind, 0) + 1
        self.leaf += 1

    def _fields(self, sealed: bytes | None, replayed: bytes) -> list[tuple[str, object, object]]:
        here = self._told(decode_record(sealed, f"leaf {self.leaf}")) if sealed is not None else {}
        there = self._told(decode_record(replayed))
        names = [name for name in (here | there) if here.get(name) != there.get(name)]
        return [(name, here.get(name, "none"), there.get(name, "none")) for name in names] or [("record", here, there)]

    def _told(self, record: Record) -> dict[str, object]:
        """A record in words, opened by the keys of its visit."""
        if isinstance(record, Beginning):
            digests = {name: getattr(record, name).hex() for name in ("site", "bundle", "normality")}
            return {**digests, "scoring_version": record.scoring_version, "vigil": record.vigil}
        if isinstance(record, Tombstone):
            return {"erased": [visit.hex() for visit in record.visits], "reason": record.reason}
        told: dict[str, object] = {"kind": record.kind, "position": record.position, "visit": record.visit.hex()}
        key = self.opener.keys.get(record.visit)
        return told | (_content(open_entry(record, key)) if key else {})


def _content(content: Content) -> dict[str, object]:
    """The fields of what was published, and by name the sequence features of a score."""
    values = np.frombuffer(content.values, "<i4").tolist()
    features = dict(zip((spec.name for spec in CATALOGUE), values, strict=False))
    return (
        {"journal": content.journal.hex()} | msgspec.json.decode(content.published, type=dict[str, object]) | features
    )
