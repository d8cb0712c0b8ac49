"""Runs whose persons were reviewed: who was to be looked at, and what their journals tell of these."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from features.closing import Layout
from features.events import Disposition
from features.person import person_step
from features.segments import SegmentBlock
from features.sequence import SECOND, WITHDRAWN, FeatureRows
from features.site import Site
from models.bundle import Bundle
from streams.audit.run_log import JOURNAL
from streams.jobs import Progress
from streams.learning.review_sample import (
    ReviewSample,
    check_sample,
    file_sha256,
    load_sample,
    persons_called,
    persons_scored,
)
from streams.pipeline import Scoring
from streams.runs import RunFolder, RunFolderError

SLOT_MS = 600_000  # camera-hours are made of the ten minutes in which a camera saw anybody


@dataclass(slots=True)
class Reviewed:
    """A run with who was to be looked at, and what of it counts.

    Attributes:
        called: whom an alert was raised for.
        drawn: of the random sample, without an alert.
        rate_permille: at which they were drawn; 0 without a sample.
        rows: of all these, by person and instant, that stand in the end.
        dispositions: of the journal.
        slots: ten minutes of a camera in which somebody was seen.
    """

    run: RunFolder
    called: set[str]
    drawn: set[str]
    rate_permille: int
    rows: FeatureRows
    dispositions: list[Disposition]
    slots: set[tuple[str, int]]


def with_samples(runs: Sequence[RunFolder], paths: Iterable[Path]) -> list[ReviewSample | None]:
    """The sample of each run, checked.

    Raises:
        RunFolderError: a sample is of none of the runs, was changed, or is the second of one; or a person is in two.
    """
    journals = {file_sha256(run.folder / JOURNAL): place for place, run in enumerate(runs)}
    found: list[ReviewSample | None] = [None] * len(runs)
    for path in paths:
        sample = load_sample(path)
        if sample.journal not in journals:
            raise RunFolderError(
                f"{path}: expected the sample of one of the --journal runs, got one of another journal"
            )
        place = journals[sample.journal]
        if found[place]:
            raise RunFolderError(f"{path}: expected one sample of {runs[place].folder}, got a second")
        check_sample(sample, runs[place], path)
        found[place] = sample
    _refuse_shared(runs)
    return found


def _refuse_shared(runs: Sequence[RunFolder]) -> None:
    for one, other in combinations(runs, 2):
        if shared := one.scores.keys() & other.scores.keys():
            name = min(shared)
            raise RunFolderError(f"{other.folder}: expected persons of its own, got {name}, who is in {one.folder} too")


def review(run: RunFolder, sample: ReviewSample | None, bundle: Bundle, progress: Progress) -> Reviewed:
    """Replay a run's journal for the persons who were to be looked at.

    Args:
        run: finished.
        sample: drawn of it, checked.
        bundle: whose corpus says how unusual a basket is.
        progress: told of rows of the journal.

    Raises:
        TableError: the journal cannot be read.
    """
    scored = set(persons_scored(run))
    called = persons_called(run) & scored
    drawn = {one.person for one in sample.persons} - called if sample else set[str]()
    replay = _Replay.start(run.site, bundle, called | drawn)
    for entry in run.entries():
        if isinstance(entry, Disposition):
            replay.dispositions.append(entry)
        if isinstance(entry, SegmentBlock):
            replay.see(entry)
            progress(len(entry))
        replay.keep(person_step(replay.scoring.persons, entry, replay.scoring.places))
    rate = sample.rate_permille if sample else 0
    return Reviewed(run, called, drawn, rate, _standing(replay.rows), replay.dispositions, replay.slots)


@dataclass(slots=True)
class _Replay:
    scoring: Scoring
    cameras: list[str]
    wanted: set[str]
    rows: list[FeatureRows] = field(default_factory=list)
    dispositions: list[Disposition] = field(default_factory=list)
    slots: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def start(cls, site: Site, bundle: Bundle, wanted: set[str]) -> "_Replay":
        return cls(Scoring.start(site, bundle, Layout.of(site)), [camera.name for camera in site.cameras], wanted)

    def see(self, block: SegmentBlock) -> None:
        there = block.rows["frames"] > 0
        seen = np.stack([block.cameras[block.track[there]], block.rows["second_ms"][there] // SLOT_MS])
        self.slots.update((self.cameras[camera], slot) for camera, slot in np.unique(seen, axis=1).T.tolist())

    def keep(self, rows: FeatureRows) -> None:
        if not len(rows):
            return
        wanted = np.array([name in self.wanted for name in rows.persons])
        kept = wanted[rows.person] & (rows.kind != SECOND)
        if kept.any():
            self.rows.append(rows.take(kept).compact())


def _standing(parts: list[FeatureRows]) -> FeatureRows:
    """The last revision of each person and instant, by person and time, without what was withdrawn."""
    rows = FeatureRows.concatenate(parts) if parts else FeatureRows.of([])
    order = np.lexsort((np.arange(len(rows)), rows.revision, rows.time_ms, rows.person))
    person, time_ms = rows.person[order], rows.time_ms[order]
    last = np.ones(len(rows), np.bool_)
    last[:-1] = (person[1:] != person[:-1]) | (time_ms[1:] != time_ms[:-1])
    kept = order[last]
    return rows.take(kept[rows.kind[kept] != WITHDRAWN])
