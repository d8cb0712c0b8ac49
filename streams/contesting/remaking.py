"""What was seen, folded again: the seconds that a contest tells give the features that were sealed, or they are others.

As long as a track is a person by itself, its features follow from its own seconds and from purchases alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from features.closing import Layout
from features.events import TIME_MS_END
from features.keypoints import Int32s
from features.person import person_step
from features.segments import SEGMENT_MS, SegmentBlock, Segments
from features.sequence import CATALOGUE
from features.site import Site
from models.decision import KINDS
from models.records import Score, ScoreKind
from streams.audit.errors import AuditError, FormatError
from streams.contesting.contest import Contest, ContestedRecord, ContestedTrack, Told
from streams.pipeline import Scoring

OF_PURCHASES = frozenset(spec.name for spec in CATALOGUE if spec.family == "basket")


class _Instant(NamedTuple):
    track: str
    time_ms: int
    kind: ScoreKind


def check_seconds(contest: Contest, where: str) -> int:
    """Check that the seconds told give what was sealed with the scores of single tracks; how many scores that are.

    Raises:
        AuditError: a score's features, but for those of purchases where there are some, come out otherwise, or a score
            that must have been published is not there.
    """
    alone_until_ms = min((change.time_ms for change in contest.told.changes), default=TIME_MS_END)
    remade = {at: values for at, values in _remade(contest, where) if at.time_ms <= alone_until_ms}
    checked, found = 0, set[_Instant]()
    for at, record in enumerate(contest.records):
        said = record.said
        if isinstance(said, Score) and said.time_ms <= alone_until_ms and said.kind != "withdrawn":
            instant = _Instant(said.person, said.time_ms, said.kind)
            _check_score(record, remade.get(instant), contest.told, f"{where}: records[{at}]")
            checked += 1
            found.add(instant)
    for missing in sorted(instant for instant in remade.keys() - found if instant.kind != "interim"):
        raise AuditError("records", f"the {missing.kind} score of {missing.track} at {missing.time_ms}", "none", where)
    return checked


def _check_score(record: ContestedRecord, values: Int32s | None, told: Told, where: str) -> None:
    if values is None:
        raise AuditError("told.tracks", f"seconds up to {record.said.time_ms}", "none that end there", where)
    for spec, value in zip(CATALOGUE, values.tolist(), strict=True):
        sealed = record.features[spec.name]
        if value != sealed and not (told.purchases and spec.name in OF_PURCHASES):
            raise AuditError(f"{spec.name} by the seconds told", sealed, value, where)


def _remade(contest: Contest, where: str) -> Iterator[tuple[_Instant, Int32s]]:
    """The features of each track at each of its instants."""
    told = contest.told
    site = Site(cameras=told.cameras, thresholds=told.thresholds, timing=told.timing)
    layout = Layout.of(site)
    names = [camera.name for camera in told.cameras]
    for at, track in enumerate(told.tracks):
        field = f"told.tracks[{at}]"
        if track.camera not in names:
            raise AuditError(f"{field}.camera", f"one of {', '.join(names)}", track.camera, where)
        rows = _rows(track, field, where)
        camera, owners = np.array([names.index(track.camera)], np.int32), np.zeros(len(rows), np.int32)
        block = SegmentBlock([track.track], camera, owners, rows)
        if len(rows):
            scoring = Scoring.start(site, contest.bundle, layout)
            with np.errstate(all="ignore"):  # of numbers that no journal has
                features = person_step(scoring.persons, block, scoring.places)
            for one in map(features.row, range(len(features))):
                yield _Instant(track.track, one.time_ms, KINDS[one.kind]), one.values


def _rows(track: ContestedTrack, field: str, where: str) -> Segments:
    """The seconds of a track, one after another as a journal has them."""
    try:
        rows = track.rows
    except FormatError as wrong:
        raise FormatError(f"{field}.{wrong.field}", wrong.expected, wrong.got, where) from None
    start_ms, frames = rows["second_ms"], rows["frames"]
    if (frames < 0).any() or not frames[:-1].all():
        raise FormatError(f"{field}.columns.frames", "more than 0, but for the end", "others", where)
    if (start_ms < 0).any() or (start_ms >= TIME_MS_END).any() or (np.diff(start_ms) < 0).any():
        raise FormatError(f"{field}.columns.second_ms", "times in order", "others", where)
    if (start_ms[frames > 0] % SEGMENT_MS).any():
        raise FormatError(f"{field}.columns.second_ms", "whole seconds", "others", where)
    return rows
