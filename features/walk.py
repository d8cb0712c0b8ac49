"""A walk as a whole: what a few seconds of one person's segments say about it. It describes, and nothing else."""

from typing import Protocol

import numpy as np

from features.keypoints import Int16s, Int32s, Int64s, Ints
from features.segments import NO_SAMPLE, NOT_SEEN, Segments
from features.sequence import MISSING
from features.windows import Gaits, last_seconds

WALK = ("step_asymmetry", "knee_range", "trunk_lean", "step_length")
SIDED = ("ankle_ahead", "knee_range_differs")
KINDS = ("gait_normal", "gait_antalgic_left", "gait_antalgic_right")
OUTER_TENTH = 10


class WalkModel(Protocol):
    """Tells kinds of walking apart."""

    def kinds(self, values: Ints) -> Int32s:
        """(rows, 3) permille of `KINDS`, together 1,000, of values (rows, 6) in the order of `WALK` and `SIDED`."""


def walks(gaits: Gaits) -> Int32s:
    """What walks are like, and which side does what.

    Args:
        gaits: of the last seconds of (rows,) tracks.

    Returns:
        (rows, 6) int32. In the order of `WALK`: step_asymmetry, knee_range and trunk_lean as the catalogue has them,
        and step_length, the span of the ankles' offset from one another without its outer tenths, permille of the
        torso. In the order of `SIDED`: by how much the left ankle is ahead of the right one in the picture on average,
        permille of the torso, and by how much the left knee bends and stretches more, hundredths of a degree. All of
        `WALK` are MISSING where there is no gait.
    """
    across, down = gaits.ankles
    _, asymmetry, _, knee_range, _, lean, _, _ = gaits.features.T
    length = np.maximum(_inner_span(across), _inner_span(down))
    like = np.stack([asymmetry, knee_range, lean, np.where(asymmetry == MISSING, MISSING, length)])
    return np.concatenate([like, _sides(across, gaits.knee_min, gaits.knee_max)]).T.astype(np.int32)


def kinds_of(gaits: Gaits, model: WalkModel | None) -> Int32s:
    """(rows, 3) permille of `KINDS`; MISSING where there is no gait, and without a model."""
    kinds = np.full((len(gaits.features), len(KINDS)), MISSING, np.int32)
    if model is not None:
        values = walks(gaits)
        walking = np.flatnonzero((values[:, : len(WALK)] != MISSING).all(axis=1))
        kinds[walking] = model.kinds(values[walking])
    return kinds


def walk(segments: Segments) -> Int32s:
    """(6,) what the last seconds of one track are like as a walk, as `walks` has it; segments (seconds,) in order."""
    values: Int32s = walks(Gaits.of(last_seconds(segments)))[0]
    return values


def _sides(across: Int16s, knee_min: Int16s, knee_max: Int16s) -> Int64s:
    seen = across != NO_SAMPLE
    ahead = np.where(seen, across, 0).sum(axis=1, dtype=np.int64) // np.maximum(seen.sum(axis=1), 1)
    known = knee_min != NOT_SEEN
    most = np.where(known, knee_max, 0).max(axis=1).astype(np.int64)
    ranges = np.where(known.any(axis=1), most - np.where(known, knee_min, np.iinfo(np.int16).max).min(axis=1), 0)
    return np.stack([ahead, ranges[:, 0] - ranges[:, 1]])


def _inner_span(samples: Int16s) -> Int64s:
    """(rows,) of (rows, samples)."""
    ordered, rows = np.sort(samples, axis=1).astype(np.int64), np.arange(len(samples))
    known = (samples != NO_SAMPLE).sum(axis=1)
    outer, last = known // OUTER_TENTH, samples.shape[1] - 1
    span = ordered[rows, last - outer] - ordered[rows, np.minimum(last - known + 1 + outer, last)]
    return np.where(known > 0, span, 0)
