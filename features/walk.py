"""A walk as a whole: what a few seconds of one person say about it. It describes, and nothing else."""

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Int32s, Int64s
from features.segments import NO_SAMPLE, NOT_SEEN, Segments
from features.sequence import MISSING
from features.strides import lean_ahead, speed_by_foot

WALK = ("speed_uneven", "knee_range", "lean_ahead", "step_length")
SIDED = ("speed_by_foot",)
OUTER_TENTH = 10


def walk(segments: Segments, strides: Int64s) -> Int32s:
    """What a walk is like, whichever side is which.

    Seconds in which the person gets on count, or, where there is none, all of them: who stands takes no steps.

    Args:
        segments: (seconds,) of one track, at least one, in order.
        strides: (7, seconds) of the same seconds.

    Returns:
        (4,) int32 in the order of `WALK`: by how much speed goes with the foot that is ahead, permille; the range of
        the knee that bends more, hundredths of a degree; how far the shoulders are ahead of the hips, permille of the
        torso; and the span of the ankles' offset from one another without its outer tenths, permille of the torso.
        MISSING where ankles or knees were not seen.
    """
    walking = strides[0] > 0
    seconds = segments[walking] if walking.any() else segments
    knee = max(_range(seconds["knee_min_cdeg"][:, side], seconds["knee_max_cdeg"][:, side]) for side in (0, 1))
    length = max(_inner_span(seconds[name]) for name in ("ankles_across", "ankles_down"))
    return np.array([abs(speed_by_foot(strides)), knee, lean_ahead(strides), length], np.int32)


def sides(strides: Int64s) -> Int64s:
    """What tells left from right, negated in a mirror.

    Args:
        strides: (7, seconds) of one track.

    Returns:
        (1,) int64 in the order of `SIDED`: permille, negative where the person is slower with the left foot ahead.
    """
    return np.array([speed_by_foot(strides)])


def _range(smallest: NDArray[np.int16], largest: NDArray[np.int16]) -> int:
    seen = smallest != NOT_SEEN
    return int(largest[seen].max()) - int(smallest[seen].min()) if seen.any() else MISSING


def _inner_span(samples: NDArray[np.int16]) -> int:
    known = np.sort(samples[samples != NO_SAMPLE].astype(np.int64))
    outer = len(known) // OUTER_TENTH
    return int(known[-1 - outer] - known[outer]) if len(known) else MISSING
