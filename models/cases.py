"""Cases: all that a journal tells of each person by the time it ended, and what was said of it meanwhile."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.closing import Layout
from features.identity import Identities, person_of
from features.keypoints import PERMILLE, Bools, Int32s, Int64s, Ints
from features.person import PersonState, person_step
from features.segments import Entry, Erased, SegmentBlock
from features.sequence import CATALOGUE, FINAL, FeatureRows
from features.site import Site
from features.visit import Places
from models.bundle import BANDS, HIGH, LOW, Bundle
from models.decision import Decisions, DecisionState, decide

NEVER_MS = -1
Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Cases:
    """Persons whose visits ended: (cases,) each, values (cases, features).

    Attributes:
        persons: names.
        camera: names of the cameras that saw them first.
        first_ms: the first second in which they were seen.
        last_ms: the last one.
        height_px: mean body height in the picture; 0 where it was never seen.
        hidden_permille: share of the person-frames in which shoulders or hips were hidden.
        in_view: the mean number of persons in the camera's picture, the person among them, in tenths.
        values: of the features at the end, in the catalogue's order.
        score: of these values.
        band: the highest that was reached, as a place in `BANDS`.
        abstained: whether too little was seen of them for a verdict at the end.
        alerts: that were raised and not taken back.
        high_ms: when the high band was first reached; `NEVER_MS` if never.
        alert_ms: when the first alert was raised; likewise.
    """

    persons: Names
    camera: Names
    first_ms: Int64s
    last_ms: Int64s
    height_px: Ints
    hidden_permille: Ints
    in_view: Ints
    values: Int32s
    score: Int32s
    band: Ints
    abstained: Bools
    alerts: Ints
    high_ms: Int64s
    alert_ms: Int64s

    def __len__(self) -> int:
        return len(self.persons)

    @property
    def in_high(self) -> Bools:
        """(cases,) whether the band was reached from which on alerts are raised."""
        return np.asarray(self.band == HIGH)

    @property
    def alerted(self) -> Bools:
        """(cases,) whether an alert stands."""
        return np.asarray(self.alerts > 0)

    def take(self, kept: Ints) -> Self:
        """The cases at some places."""
        return type(self)(*(getattr(self, column.name)[kept] for column in fields(self)))

    @classmethod
    def concatenate(cls, parts: "Sequence[Cases]") -> Self:
        """The cases of all parts, one after another."""
        return cls(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)))


@dataclass(slots=True)
class _Seen:
    """What the segments of a track amount to."""

    camera: str
    first_ms: int
    last_ms: int = 0
    seconds: int = 0
    frames: int = 0
    posed: int = 0
    heights_px4: int = 0
    in_view: int = 0

    def join(self, other: "_Seen") -> "_Seen":
        """The two tracks of one person."""
        eldest = min(self, other, key=lambda seen: seen.first_ms)
        sums = ("seconds", "frames", "posed", "heights_px4", "in_view")
        added = (getattr(self, name) + getattr(other, name) for name in sums)
        return _Seen(eldest.camera, eldest.first_ms, max(self.last_ms, other.last_ms), *added)


@dataclass(slots=True)
class _Told:
    """What was said of a person."""

    band: int = LOW
    abstained: bool = True
    high_ms: int = NEVER_MS
    alert_ms: int = NEVER_MS
    alerts: int = 0


@dataclass(slots=True)
class CaseReader:
    """Takes the entries of a journal through the person step and the decision, and keeps what becomes of persons."""

    site: Site
    bundle: Bundle
    places: Places
    state: PersonState
    decisions: DecisionState = field(default_factory=DecisionState)
    seen: dict[str, _Seen] = field(default_factory=dict)
    told: dict[str, _Told] = field(default_factory=dict)
    ended: dict[str, Int32s] = field(default_factory=dict)

    @classmethod
    def start(cls, site: Site, bundle: Bundle) -> Self:
        """Nothing read yet."""
        state = PersonState(Identities.start(site, bundle.corpus))
        return cls(site, bundle, Places(site, Layout.of(site).zones), state)

    def take(self, entry: Entry | Erased) -> None:
        """Take in an entry."""
        if isinstance(entry, SegmentBlock):
            self._see(entry)
        rows = person_step(self.state, entry, self.places)
        if len(rows):
            self._end(rows)
            decided = decide(self.decisions, rows, self.bundle, self.site)
            self.decisions = decided.state
            self.hear(decided)

    def cases(self) -> Cases:
        """Everybody whose visit ended so far and who was ever scored, in order of their names."""
        seen: dict[str, _Seen] = {}
        for track, its in self.seen.items():
            person = person_of(self.state.identities, track)
            seen[person] = seen[person].join(its) if person in seen else its
        persons = sorted(self.ended.keys() & seen.keys())
        return _cases(persons, [seen[name] for name in persons], [self.told[name] for name in persons], self)

    def _see(self, block: SegmentBlock) -> None:
        rows = block.rows
        there = rows["frames"] > 0
        where = np.stack((block.cameras[block.track[there]].astype(np.int64), rows["second_ms"][there]))
        _, place, count = np.unique(where, axis=1, return_inverse=True, return_counts=True)
        in_view = np.zeros(len(rows), np.int64)
        in_view[there] = count[place.reshape(-1)]
        sums = [there, rows["frames"], rows["posed"], rows["frames"] * rows["height_px4"].astype(np.int64), in_view]
        totals = [np.bincount(block.track, each, len(block.tracks)).astype(np.int64).tolist() for each in sums]
        first_ms, last_ms = _extremes(block)
        for at, track in enumerate(block.tracks):
            camera = self.site.cameras[block.cameras[at]].name
            part = _Seen(camera, first_ms[at], last_ms[at], *(total[at] for total in totals))
            self.seen[track] = self.seen[track].join(part) if track in self.seen else part

    def _end(self, rows: FeatureRows) -> None:
        for at in np.flatnonzero(rows.kind == FINAL).tolist():
            person = rows.persons[rows.person[at]]
            self.ended[person] = rows.values[at]
            self.told.setdefault(person, _Told())

    def hear(self, decided: Decisions) -> None:
        """Take in what was said of persons: an alert that was taken back counts no more."""
        for score in decided.scores:
            told = self.told.setdefault(score.person, _Told())
            told.abstained = score.score is None
            told.band = max(told.band, BANDS.index(score.band or BANDS[LOW]))
            if told.band == HIGH and told.high_ms == NEVER_MS:
                told.high_ms = score.time_ms
        for alert in decided.alerts:
            told = self.told[alert.person]
            told.alerts += -1 if alert.withdraws else 1
            if told.alert_ms == NEVER_MS:
                told.alert_ms = alert.time_ms


def _extremes(block: SegmentBlock) -> tuple[list[int], list[int]]:
    first = np.full(len(block.tracks), np.iinfo(np.int64).max)
    last = np.zeros(len(block.tracks), np.int64)
    np.minimum.at(first, block.track, block.rows["second_ms"])
    np.maximum.at(last, block.track, block.rows["second_ms"])
    return first.tolist(), last.tolist()


def _cases(persons: list[str], seen: list[_Seen], told: list[_Told], reader: CaseReader) -> Cases:
    values = np.array([reader.ended[name] for name in persons], np.int32).reshape(-1, len(CATALOGUE))
    frames = np.array([max(1, each.frames) for each in seen], np.int64)
    seconds = np.array([max(1, each.seconds) for each in seen], np.int64)
    return Cases(
        np.array(persons, np.str_),
        np.array([each.camera for each in seen], np.str_),
        np.array([each.first_ms for each in seen], np.int64),
        np.array([each.last_ms for each in seen], np.int64),
        np.array([each.heights_px4 for each in seen], np.int64) // (4 * frames),
        PERMILLE - PERMILLE * np.array([each.posed for each in seen], np.int64) // frames,
        10 * np.array([each.in_view for each in seen], np.int64) // seconds,
        values,
        reader.bundle.scorecard.scores(values),
        np.array([each.band for each in told], np.int64),
        np.array([each.abstained for each in told], np.bool_),
        np.array([each.alerts for each in told], np.int64),
        np.array([each.high_ms for each in told], np.int64),
        np.array([each.alert_ms for each in told], np.int64),
    )


def cases_of(entries: Iterable[Entry], site: Site, bundle: Bundle) -> Cases:
    """The cases of a whole journal."""
    reader = CaseReader.start(site, bundle)
    for entry in entries:
        reader.take(entry)
    return reader.cases()
