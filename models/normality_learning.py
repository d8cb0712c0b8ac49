"""Learning what is normal: tables of bearing from the unlabelled person-frames of a site."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Self

import numpy as np

from features.bearing import UNKNOWN, bearing, hips_of
from features.body import Body
from features.closing import runs_of_seconds
from features.events import TIME_MS_END, TRACK_END, Rejection
from features.keypoints import NO_TRACK, PERMILLE, Bools, Int16s, Int32s, Int64s, Ints, PersonFrames
from features.segments import SEGMENT_MS
from features.watermark import second_of
from models.normality import LEVELS_PERMILLE, CameraTables, Cell, Learned, Normality, Table, seal

PHASES = 5  # a second of a track is looked at from each fifth of a second on
SAMPLES_PER_TRACK_MAX = 30  # at one place; or who stays long would be all that is normal there
SAMPLES_MAX = 600  # of one table, those nearest to it; the last quantile leaves three of them above
CELLS_ACROSS = 24  # along the longer side of where hips were seen

TRACKS_MIN = 20
SAMPLES_MIN = SAMPLES_MAX

TRACK_BITS = (TRACK_END - 1).bit_length()
_LEVELS = np.array(LEVELS_PERMILLE)


@dataclass(frozen=True, slots=True)
class Observed:
    """Person-seconds with a pose.

    Attributes:
        camera: (seconds,) int32, the camera's place in the site.
        track: (seconds,) int64 tracker ids.
        second_ms: (seconds,) int64, when each begins.
        bearing: (quantities, seconds) int16.
        hips: (2, seconds) int32 quarter pixels.
    """

    camera: Int32s
    track: Int64s
    second_ms: Int64s
    bearing: Int16s
    hips: Int32s

    @classmethod
    def of(cls, frames: PersonFrames, phase_ms: int = 0) -> Self:
        """The seconds of person-frames in any order, each beginning `phase_ms` before the full second."""
        kept = (frames.track != NO_TRACK) & (frames.confidence > 0).any(axis=0)
        order = np.lexsort((frames.time_ms, frames.track, frames.camera))
        ordered = frames.take(order[kept[order]])
        ordered = replace(ordered, time_ms=ordered.time_ms + phase_ms)
        body, runs = Body.of(ordered), runs_of_seconds(ordered)
        first = runs.starts
        second_ms = second_of(ordered.time_ms[first]) - phase_ms
        values, hips = bearing(ordered, body, runs), hips_of(body, runs)
        return cls(ordered.camera[first], ordered.track[first], second_ms, values, hips)

    @classmethod
    def in_all_phases(cls, frames: PersonFrames, start_ms: int = 0, end_ms: int = TIME_MS_END + SEGMENT_MS) -> Self:
        """The seconds that begin at each fifth of a second: more to learn from, of the kind that is scored.

        Args:
            frames: in any order.
            start_ms: a full second; of each phase those seconds are taken that begin by less than one before it.
            end_ms: a full second, of which the same is true, where they are no longer taken.
        """
        parts = []
        for phase_ms in range(0, SEGMENT_MS, SEGMENT_MS // PHASES):
            shifted_ms = frames.time_ms + phase_ms
            parts.append(cls.of(frames.take((shifted_ms >= start_ms) & (shifted_ms < end_ms)), phase_ms))
        return cls.concatenate(parts)

    @classmethod
    def concatenate(cls, parts: "Sequence[Observed]") -> Self:
        """The seconds of all parts."""
        columns = zip(*(astuple(part) for part in parts), strict=True)
        return cls(*(np.concatenate(column, axis=-1) for column in columns))

    def take(self, rows: Ints | Bools) -> Self:
        """The named seconds."""
        return type(self)(*(column[..., rows] for column in astuple(self)))

    def in_order(self) -> Self:
        """The seconds by camera, track and time."""
        return self.take(np.lexsort((self.second_ms, self.track, self.camera)))

    def __len__(self) -> int:
        return len(self.camera)


def learn(observed: Observed, cameras: Sequence[str]) -> Normality:
    """The tables of all cameras of which enough was seen.

    Args:
        observed: in all phases, in any order.
        cameras: the names of the site's cameras.

    Raises:
        Rejection: no camera has enough; says what is missing of each.
    """
    ordered = observed.in_order()
    of_camera = {name: ordered.take(ordered.camera == place) for place, name in enumerate(cameras)}
    missing = {name: reason for name, seen in of_camera.items() if (reason := too_little(seen))}
    enough = [name for name in cameras if name not in missing]
    if not enough:
        raise Rejection(
            "recordings", "enough of at least one camera", "; ".join(f"{n}: {why}" for n, why in missing.items())
        )
    used = Observed.concatenate([of_camera[name] for name in enough])
    return seal(Normality(tuple(_learn_camera(name, of_camera[name]) for name in enough), elsewhere_of(used)))


def millibits(normality: Normality, seen: Observed, cameras: Sequence[str]) -> Int32s:
    """(quantities, seconds) what each quantity gives at each second's own camera.

    Args:
        normality: the model.
        seen: seconds.
        cameras: the names of the site's cameras.
    """
    return normality.at(cameras).millibits(seen.camera, seen.bearing, seen.hips)


def scores(normality: Normality, seen: Observed, cameras: Sequence[str]) -> Int64s:
    """(seconds,) thousandths of a bit, the sums of `millibits`."""
    return np.asarray(millibits(normality, seen, cameras).sum(axis=0, dtype=np.int64))


def too_little(seen: Observed) -> str:
    """Why this is too little of a camera to learn from; empty where it is enough."""
    _, counts = np.unique(seen.track, return_counts=True)
    samples = int(np.minimum(counts, SAMPLES_PER_TRACK_MAX).sum())
    if len(counts) < TRACKS_MIN:
        return f"{len(counts)} tracks with poses of at least {TRACKS_MIN}"
    if samples < SAMPLES_MIN:
        return f"{samples // PHASES} s of different persons of at least {SAMPLES_MIN // PHASES}"
    return ""


def elsewhere_of(seen: Observed) -> Table:
    """The quantiles without regard to the place, at most as many samples of each track as count at one place.

    The seconds must be in order.
    """
    return _table(seen.bearing[:, _spread_over_tracks(seen)])


def _learn_camera(name: str, seen: Observed) -> CameraTables:
    spans = np.ptp(seen.hips, axis=1)
    cell_px4 = max(1, -(-int(spans.max()) // CELLS_ACROSS))
    cells = np.unique(seen.hips // cell_px4, axis=1).T
    tables = tuple(_table(seen.bearing[:, _nearest(seen, cell, cell_px4)]) for cell in cells)
    named: tuple[Cell, ...] = tuple((int(column), int(row)) for column, row in cells)
    learned = Learned(len(np.unique(seen.track)), len(seen) // PHASES, len(_spread_over_tracks(seen)))
    return CameraTables(name, cell_px4, named, tables, learned)


def _nearest(seen: Observed, cell: Ints, cell_px4: int) -> Int64s:
    """The samples nearest to the middle of a cell, not more than a few of each track."""
    middle = cell * cell_px4 + cell_px4 // 2
    apart = ((seen.hips.astype(np.int64) - middle[:, None]) ** 2).sum(axis=0)
    order = np.argsort(apart, kind="stable")
    return order[_place_in_track(seen.track[order]) < SAMPLES_PER_TRACK_MAX][:SAMPLES_MAX]


def _spread_over_tracks(seen: Observed) -> Int64s:
    """Samples of each track, evenly over it."""
    named = seen.camera.astype(np.int64) << TRACK_BITS | seen.track
    _, place, counts = np.unique(named, return_inverse=True, return_counts=True)
    of_track = counts[place]
    kept = np.minimum(of_track, SAMPLES_PER_TRACK_MAX)
    turn = _place_in_track(place)
    return np.flatnonzero((turn + 1) * kept // of_track > turn * kept // of_track)


def _place_in_track(track: Ints) -> Int64s:
    """(rows,) how many rows of the same track come before each."""
    order = np.argsort(track, kind="stable")
    begins = np.flatnonzero(np.diff(track[order], prepend=-1))
    counts = np.diff(begins, append=len(track))
    place = np.empty(len(track), np.int64)
    place[order] = np.arange(len(track)) - np.repeat(begins, counts)
    return place


def _table(samples: Int16s) -> Table:
    """The quantiles of each quantity over its known samples; where it was never known, none is ever exceeded."""
    return tuple(_quantiles(row[row != UNKNOWN]) for row in samples)


def _quantiles(values: Int16s) -> tuple[int, ...]:
    if not len(values):
        return (-UNKNOWN - 1,) * len(LEVELS_PERMILLE)
    ranks = -(-_LEVELS * (len(values) - 1) // PERMILLE)
    return tuple(np.sort(values)[ranks].tolist())
