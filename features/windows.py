"""Sliding sums over the last ten seconds and the last minute of many tracks, and the last seconds of their gait."""

import numpy as np
from numpy.typing import NDArray

from features.fold import WINDOWED, Folds
from features.gait import gait_features
from features.keypoints import Int32s, Int64s, Ints
from features.segments import GAIT_SAMPLES, NO_SAMPLE, NOT_SEEN, SEGMENT_MS, Segments

MINUTE_S, TEN_S, GAIT_S = 60, 10, 8
_ACROSS, _DOWN = slice(0, GAIT_SAMPLES), slice(GAIT_SAMPLES, 2 * GAIT_SAMPLES)
_KNEE_MIN, _KNEE_MAX, _ARM, _LEAN, _SWAY = slice(32, 34), slice(34, 36), slice(36, 38), 38, 39
GAIT_VALUES = 40

Ring = NDArray[np.int16]


def empty_rings(slots: int) -> tuple[Ring, Ring]:
    """(slots, 60, quantities) and (slots, 8, gait values), nothing in them."""
    return np.zeros((slots, MINUTE_S, len(WINDOWED)), np.int16), np.tile(_unseen(), (slots, GAIT_S, 1))


def slide(ring: Ring, gait: Ring, folds: Folds, slot: Ints, second_ms: Int64s) -> None:
    """Move the windows on to a second, over any seconds between, so that what is too old is gone from the sums."""
    second = second_ms // SEGMENT_MS
    skipped = np.where(folds["end_ms"] > 0, second - folds["end_ms"] // SEGMENT_MS, 0)
    long = skipped >= MINUTE_S
    if long.any():
        ring[slot[long]], gait[slot[long]] = 0, _unseen()
        folds["minute"][long] = folds["ten"][long] = skipped[long] = 0
    for back in range(int(skipped.max(initial=0)), 0, -1):
        rows = np.flatnonzero(skipped >= back)
        _expire(ring, gait, folds, rows, slot[rows], second[rows] - back)
    _expire(ring, gait, folds, slice(None), slot, second)


def _expire(ring: Ring, gait: Ring, folds: Folds, rows: Ints | slice, slot: Ints, second: Int64s) -> None:
    place = second % MINUTE_S
    folds["minute"][rows] -= ring[slot, place]
    folds["ten"][rows] -= ring[slot, (second - TEN_S) % MINUTE_S]
    ring[slot, place] = 0
    gait[slot, second % GAIT_S] = _unseen()


def add(ring: Ring, folds: Folds, slot: Ints, second_ms: Int64s, values: NDArray[np.int16]) -> None:
    """Add a second's quantities, (tracks, quantities), to the sums."""
    ring[slot, second_ms // SEGMENT_MS % MINUTE_S] = values
    folds["minute"] += values
    folds["ten"] += values


def add_gait(gait: Ring, slot: Ints, second: Segments) -> None:
    """Keep what a second showed of the gait."""
    names = ("ankles_across", "ankles_down", "knee_min_cdeg", "knee_max_cdeg", "arm_range", "lean_cdeg", "sway_cdeg")
    values = [second[name].reshape(len(second), -1) for name in names]
    gait[slot, second["second_ms"] // SEGMENT_MS % GAIT_S] = np.concatenate(values, axis=1)


def recent_gait(gait: Ring, slot: Ints, second_ms: Int64s) -> Ring:
    """(tracks, 8, gait values) oldest first, up to and with the given second."""
    order = (second_ms[:, None] // SEGMENT_MS + 1 + np.arange(GAIT_S)) % GAIT_S
    recent: Ring = gait[slot[:, None], order]
    return recent


def gait_of(recent: Ring) -> Int32s:
    """(tracks, 8) gait features of what `recent_gait` gave."""
    tracks = len(recent)
    signals = (np.ascontiguousarray(recent[:, :, part]).reshape(tracks, -1) for part in (_ACROSS, _DOWN))
    extremes = (recent[:, :, part] for part in (_KNEE_MIN, _KNEE_MAX, _ARM, _LEAN, _SWAY))
    return gait_features(*signals, *extremes)


def _unseen() -> NDArray[np.int16]:
    values = np.full(GAIT_VALUES, NOT_SEEN, np.int16)
    values[: 2 * GAIT_SAMPLES] = NO_SAMPLE
    return values
