"""A walk as a whole: what a few seconds of one person's segments say about it. It describes, and nothing else."""

from typing import Protocol

import numpy as np

from features.keypoints import Bools, Int16s, Int32s, Int64s, Ints
from features.segments import GAIT_SAMPLES, NO_SAMPLE, NOT_SEEN, Segments
from features.sequence import MISSING
from features.strides import Pooled
from features.windows import Gaits, last_seconds

WALK = ("speed_uneven", "knee_range", "lean_ahead", "step_length")
SIDED = ("speed_by_foot",)
KINDS = ("gait_normal", "gait_antalgic_left", "gait_antalgic_right")
OUTER_TENTH = 10


class WalkModel(Protocol):
    """Tells kinds of walking apart."""

    def kinds(self, values: Ints) -> Int32s:
        """(rows, 3) permille of `KINDS`, together 1,000, of values (rows, 5) in the order of `WALK` and `SIDED`."""


def walks(gaits: Gaits) -> Int32s:
    """What walks are like, and which side does what, from the seconds in which the persons get on.

    Args:
        gaits: of the last seconds of (rows,) tracks.

    Returns:
        (rows, 5) int32. In the order of `WALK`: by how much speed goes with the foot that is ahead, permille; the range
        of the knee that bends more, hundredths of a degree; how far the shoulders are ahead of the hips, permille of
        the torso; and the span of the ankles' offset from one another without its outer tenths, permille of the torso.
        In the order of `SIDED`: how speed goes with the left foot ahead, permille. All are MISSING where there is no
        walk: who stands, rolls or is hardly seen has none.
    """
    walking = gaits.strides[:, :, 0] > 0
    pooled = Pooled.of(gaits.strides)
    knee = _knee_range(np.where(walking[:, :, None], gaits.knee_min, NOT_SEEN), gaits.knee_max)
    sampled = np.repeat(walking, GAIT_SAMPLES, axis=1)
    length = np.maximum(*(_inner_span(np.where(sampled, samples, NO_SAMPLE)) for samples in gaits.ankles))
    values = np.stack([np.abs(pooled.speed_by_foot), knee, pooled.lean_ahead, length, pooled.speed_by_foot], axis=1)
    return np.where((pooled.known & (knee != MISSING))[:, None], values, MISSING).astype(np.int32)


def walked(values: Ints) -> Bools:
    """(rows,) whether there is a walk, of what `walks` gave."""
    return np.asarray(values[:, WALK.index("step_length")] != MISSING)


def kinds_of(gaits: Gaits, model: WalkModel | None) -> Int32s:
    """(rows, 3) permille of `KINDS`; MISSING where there is no walk, and without a model."""
    kinds = np.full((len(gaits.features), len(KINDS)), MISSING, np.int32)
    if model is not None:
        values = walks(gaits)
        walking = np.flatnonzero(walked(values))
        kinds[walking] = model.kinds(values[walking])
    return kinds


def walk(segments: Segments) -> Int32s:
    """(5,) what the last seconds of one track are like as a walk, as `walks` has it; segments (seconds,) in order."""
    values: Int32s = walks(Gaits.of(last_seconds(segments)))[0]
    return values


def _knee_range(knee_min: Int16s, knee_max: Int16s) -> Int64s:
    """(rows,) of the knee with the larger one, of (rows, seconds, 2); seconds whose least angle is not seen are out."""
    known = knee_min != NOT_SEEN
    most = np.where(known, knee_max, 0).max(axis=1).astype(np.int64)
    least = np.where(known, knee_min, np.iinfo(np.int16).max).min(axis=1)
    larger: Int64s = np.where(known.any(axis=1), most - least, MISSING).max(axis=1)
    return larger


def _inner_span(samples: Int16s) -> Int64s:
    """(rows,) of (rows, samples)."""
    ordered, rows = np.sort(samples, axis=1).astype(np.int64), np.arange(len(samples))
    known = (samples != NO_SAMPLE).sum(axis=1)
    outer, last = known // OUTER_TENTH, samples.shape[1] - 1
    span = ordered[rows, last - outer] - ordered[rows, np.minimum(last - known + 1 + outer, last)]
    return np.where(known > 0, span, 0)
