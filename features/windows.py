"""Sliding sums over the last ten seconds and the last minute of many tracks, and the last seconds of their gait."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.fold import UNUSUAL, WINDOWED, Folds
from features.gait import gait_features
from features.keypoints import Int16s, Int32s, Int64s, Ints
from features.runs import Runs
from features.segments import GAIT_SAMPLES, NO_SAMPLE, NOT_SEEN, SEGMENT_MS, STRIDES, Segments

MINUTE_S, TEN_S, GAIT_S = 60, 10, 8
_ACROSS, _DOWN = slice(0, GAIT_SAMPLES), slice(GAIT_SAMPLES, 2 * GAIT_SAMPLES)
_KNEE_MIN, _KNEE_MAX, _ARM, _LEAN, _SWAY = slice(32, 34), slice(34, 36), slice(36, 38), 38, 39
_STRIDES = slice(40, 40 + len(STRIDES))
GAIT_VALUES = 40 + len(STRIDES)
_TRACK_STRIDE = 1 << 33  # more than any second, so that sorted keys keep tracks apart

Ring = NDArray[np.int16]  # (slots, seconds, values), a second's values at the second modulo their number


def empty_rings(slots: int) -> tuple[Ring, Ring, Ring]:
    """(slots, 60, quantities), (slots, 10, UNUSUAL) and (slots, 8, gait values), nothing in them."""
    minute = np.zeros((slots, MINUTE_S, len(WINDOWED)), np.int16)
    bearing = np.zeros((slots, TEN_S, len(UNUSUAL)), np.int16)
    return minute, bearing, np.tile(_unseen(), (slots, GAIT_S, 1))


@dataclass(frozen=True, slots=True)
class Timeline:
    """The seconds of a block's tracks.

    Attributes:
        tracks: the rows of each track.
        slot: (tracks,) where each track's rings are.
        end: (tracks,) the second after the last one before the block.
        track: (rows,) place of each row's track.
        second: (rows,) ascending within each track; the time of day is of no matter, only the count since the epoch.
        passed: (rows,) seconds since the one before.
    """

    tracks: Runs
    slot: Ints
    end: Int64s
    track: Int64s
    second: Int64s
    passed: Int64s

    @classmethod
    def of(cls, rows: Segments, tracks: Runs, slot: Ints, before: Folds) -> "Timeline":
        """The timeline of segments by track and second, (rows,), after folds (tracks,)."""
        second = rows["second_ms"] // SEGMENT_MS
        known = before["end_ms"] > 0
        end = np.where(known, before["end_ms"] // SEGMENT_MS, second[tracks.starts])
        track = tracks.spread(np.arange(len(slot)))
        return cls(tracks, slot, end, track, second, second - tracks.previous(second, end - 1))

    def look_up(self, ring: Ring, values: Int16s, track: Int64s, second: Int64s) -> Int16s:
        """What tracks showed in seconds, from the block or else from before it.

        Args:
            ring: as it was before the block.
            values: (rows + 1, values) of the block, the last row for seconds without any.
            track: (wanted,) places of tracks.
            second: (wanted,) none older than the ring reaches.
        """
        keys = self.track * _TRACK_STRIDE + self.second
        wanted = track * _TRACK_STRIDE + second
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = values[np.where(keys[at] == wanted, at, len(keys))]
        old = np.flatnonzero(second < self.end[track])
        found[old] = ring[self.slot[track[old]], second[old] % ring.shape[1]]
        return found

    def leaving(self, window_s: int) -> tuple[Runs, Int64s, Int64s]:
        """The seconds that each row pushes out of a window: a run for each row, and track and second of each."""
        count = np.minimum(self.passed, window_s)
        starts = np.cumsum(count) - count
        rows = Runs(starts, int(count.sum()))
        first = self.second - self.passed - window_s + 1
        return rows, rows.spread(self.track), np.arange(rows.rows) + rows.spread(first - starts)

    def keep(self, ring: Ring, values: Int16s) -> None:
        """Put the block's last seconds into a ring; `values` as for `look_up`."""
        window_s = ring.shape[1]
        _, track, second = self.leaving(window_s)
        ring[self.slot[track], second % window_s] = values[-1]
        late = np.flatnonzero(self.second > self.tracks.spread(self.second[self.tracks.lasts]) - window_s)
        ring[self.slot[self.track[late]], self.second[late] % window_s] = values[late]


MOTION = {"minute": MINUTE_S, "ten": TEN_S}
BEARING = {"unusual": TEN_S}


def slide(ring: Ring, folds: Folds, before: Folds, timeline: Timeline, values: Int16s, sums: Mapping[str, int]) -> None:
    """Fill in the sums over the last seconds, and keep as many of them as the ring holds.

    Args:
        ring: of quantities, changed in place.
        folds: (rows,) whose sums are filled in.
        before: (tracks,) before the block.
        timeline: of the rows.
        values: (rows, quantities) of each second.
        sums: names in the fold, and over how many seconds each is.
    """
    filled = np.concatenate([values, np.zeros((1, values.shape[1]), np.int16)])
    for name, window_s in sums.items():
        rows, track, second = timeline.leaving(window_s)
        gone = rows.sum(timeline.look_up(ring, filled, track, second).T)
        folds[name] = timeline.tracks.running_sum(values.T - gone, before[name].T).T
    timeline.keep(ring, filled)


def slide_gait(ring: Ring, timeline: Timeline, seconds: Segments, shown: Int64s) -> Ring:
    """Keep the last seconds of the gait, and give those up to and with each of the rows `shown`, as `recent_gait`."""
    values = np.concatenate([_gait_values(seconds), _unseen()[None]])
    wanted = timeline.second[shown, None] + np.arange(1 - GAIT_S, 1)
    recent = timeline.look_up(ring, values, np.repeat(timeline.track[shown], GAIT_S), wanted.reshape(-1))
    timeline.keep(ring, values)
    return recent.reshape(len(shown), GAIT_S, GAIT_VALUES)


def recent_gait(gait: Ring, slot: Ints, second_ms: Int64s) -> Ring:
    """(tracks, 8, gait values) oldest first, up to and with the given second."""
    order = (second_ms[:, None] // SEGMENT_MS + 1 + np.arange(GAIT_S)) % GAIT_S
    recent: Ring = gait[slot[:, None], order]
    return recent


@dataclass(frozen=True, slots=True)
class Gaits:
    """The gait of tracks over their last seconds.

    Attributes:
        ankles: (rows, samples) across and down, left less right, permille of the torso.
        knee_min, knee_max: (rows, seconds, 2) hundredths of a degree.
        strides: (rows, seconds, 7) in the order of `STRIDES`.
        features: (rows, 8) as `gait_features` has them.
    """

    ankles: tuple[Int16s, Int16s]
    knee_min: Int16s
    knee_max: Int16s
    strides: Int16s
    features: Int32s

    @classmethod
    def of(cls, recent: Ring) -> "Gaits":
        """Of what `recent_gait` gave."""
        across, down = (np.ascontiguousarray(recent[:, :, part]).reshape(len(recent), -1) for part in (_ACROSS, _DOWN))
        knee_min, knee_max, *others = (recent[:, :, part] for part in (_KNEE_MIN, _KNEE_MAX, _ARM, _LEAN, _SWAY))
        features = gait_features(across, down, knee_min, knee_max, *others)
        return cls((across, down), knee_min, knee_max, recent[:, :, _STRIDES], features)


def last_seconds(segments: Segments) -> Ring:
    """(1, 8, gait values) of one track, oldest first, from its segments (seconds,) in order, at least one."""
    second = segments["second_ms"] // SEGMENT_MS
    recent = np.tile(_unseen(), (1, GAIT_S, 1))
    late = np.flatnonzero(second > second[-1] - GAIT_S)
    recent[0, second[late] - second[-1] - 1] = _gait_values(segments[late])
    return recent


def _gait_values(seconds: Segments) -> Int16s:
    """(rows, gait values)."""
    names = (
        *("ankles_across", "ankles_down", "knee_min_cdeg", "knee_max_cdeg", "arm_range", "lean_cdeg", "sway_cdeg"),
        "strides",
    )
    return np.concatenate([seconds[name].reshape(len(seconds), -1) for name in names], axis=1)


def _unseen() -> NDArray[np.int16]:
    values = np.full(GAIT_VALUES, NOT_SEEN, np.int16)
    values[: 2 * GAIT_SAMPLES] = NO_SAMPLE
    values[_STRIDES] = 0
    return values
