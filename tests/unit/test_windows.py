"""Sliding sums and the last seconds of the gait, against sums made anew for every second."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.fold import FOLD, UNUSUAL, WINDOWED, Folds
from features.keypoints import Int16s
from features.runs import Runs
from features.segments import GAIT_SAMPLES, NO_SAMPLE, NOT_SEEN, SEGMENT, SEGMENT_MS, Segments
from features.windows import (
    BEARING,
    GAIT_S,
    GAIT_VALUES,
    MOTION,
    Ring,
    Timeline,
    empty_rings,
    recent_gait,
    slide,
    slide_gait,
)

GAPS = st.one_of(st.just(1), st.integers(1, 9), st.integers(50, 70), st.integers(61, 400))
TRACKS = st.lists(st.lists(GAPS, min_size=1, max_size=25), min_size=1, max_size=4)


class Slid:
    """Rings and folds over blocks of seconds of some tracks; track t is in slot 2 t + 1."""

    def __init__(self, tracks: int) -> None:
        self.minute, self.bearing, self.gait = empty_rings(2 * tracks + 1)
        self.folds: Folds = np.zeros(2 * tracks + 1, FOLD)

    def take(self, track: Int16s, rows: Segments, values: Int16s) -> tuple[Folds, Ring]:
        """Fold rows by track and second; the fold after each and its last seconds of gait."""
        tracks = Runs(np.flatnonzero(np.append(True, np.diff(track) != 0)), len(rows))
        slot = 2 * track[tracks.starts].astype(np.int64) + 1
        before, folds = self.folds[slot], np.zeros(len(rows), FOLD)
        folds["end_ms"] = rows["second_ms"] + SEGMENT_MS
        timeline = Timeline.of(rows, tracks, slot, before)
        slide(self.minute, folds, before, timeline, values, MOTION)
        slide(self.bearing, folds, before, timeline, values[:, : len(UNUSUAL)], BEARING)
        recent = slide_gait(self.gait, timeline, rows, np.arange(len(rows)))
        self.folds[slot] = folds[tracks.lasts]
        kept = recent_gait(self.gait, slot, folds["end_ms"][tracks.lasts] - SEGMENT_MS)
        assert np.array_equal(kept, recent[tracks.lasts])
        return folds, recent


def seconds_of(gaps: list[list[int]], seed: int) -> tuple[Int16s, Segments, Int16s]:
    """Tracks, segments and windowed values, by track and second."""
    random = np.random.default_rng(seed)
    track = np.repeat(np.arange(len(gaps)), [len(one) for one in gaps]).astype(np.int16)
    rows = np.zeros(len(track), SEGMENT)
    rows["second_ms"] = 1_000 * np.concatenate([1_699 + np.cumsum(one) for one in gaps])
    for name in ("ankles_across", "ankles_down"):
        rows[name] = random.integers(-900, 900, rows[name].shape)
    for name in ("knee_min_cdeg", "knee_max_cdeg", "arm_range", "lean_cdeg", "sway_cdeg"):
        rows[name] = random.integers(0, 18_000, rows[name].shape)
    rows["strides"] = random.integers(-900, 900, rows["strides"].shape)
    return track, rows, random.integers(-30_000, 30_000, (len(rows), len(WINDOWED))).astype(np.int16)


def gait_values(row: np.void) -> list[int]:
    ankles, extremes = ("ankles_across", "ankles_down"), ("knee_min_cdeg", "knee_max_cdeg", "arm_range")
    names = (*ankles, *extremes, "lean_cdeg", "sway_cdeg", "strides")
    return [int(value) for name in names for value in np.ravel(row[name])]


@settings(max_examples=150, deadline=None)
@given(TRACKS, st.integers(0, 2**32 - 1), st.lists(st.integers(0, 4_000), max_size=5))
def test_sums_are_those_of_the_last_seconds_in_any_blocks(gaps: list[list[int]], seed: int, cuts: list[int]) -> None:
    track, rows, values = seconds_of(gaps, seed)
    second = rows["second_ms"] // 1_000
    slid = Slid(len(gaps))
    folds, gait = np.zeros(len(rows), FOLD), np.zeros((len(rows), GAIT_S, GAIT_VALUES), np.int16)
    bounds = [0, *sorted(1_700 + cut for cut in cuts), 10**9]
    for start, stop in pairwise(bounds):
        some = np.flatnonzero((start <= second) & (second < stop))
        if len(some):
            folds[some], gait[some] = slid.take(track[some], rows[some], values[some])
    for at in range(len(rows)):
        age = np.where(track == track[at], second[at] - second, -1)
        for name, window_s in (("minute", 60), ("ten", 10)):
            expected = values[(age >= 0) & (age < window_s)].sum(axis=0, dtype=np.int64)
            assert folds[name][at].tolist() == expected.tolist()
        assert folds["unusual"][at].tolist() == folds["ten"][at][: len(UNUSUAL)].tolist()
        unseen = [NO_SAMPLE] * (2 * GAIT_SAMPLES) + [NOT_SEEN] * 8 + [0] * 7
        recent = [unseen] * GAIT_S
        for earlier in np.flatnonzero((age >= 0) & (age < GAIT_S)):
            recent[GAIT_S - 1 - age[earlier]] = gait_values(rows[earlier])
        assert gait[at].tolist() == recent


def test_a_gap_longer_than_the_window_leaves_nothing_of_before() -> None:
    for gap_s, minute, ten in ((1, 2, 2), (9, 2, 2), (10, 2, 1), (59, 2, 1), (60, 1, 1), (61, 1, 1), (600, 1, 1)):
        track, rows, values = seconds_of([[1, gap_s]], 1)
        values[:] = 1
        folds, _ = Slid(1).take(track, rows, values)
        assert (folds["minute"][-1, 0], folds["ten"][-1, 0]) == (minute, ten)
