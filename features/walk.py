"""A walk as a whole: what a few seconds of one person's segments say about it. It describes, and nothing else."""

import numpy as np
from numpy.typing import NDArray

from features.gait import gait_features
from features.keypoints import Int32s, Int64s
from features.segments import NO_SAMPLE, NOT_SEEN, SEGMENT_MS, Segments
from features.sequence import MISSING

WALK = ("step_asymmetry", "knee_range", "trunk_lean", "step_length")
SIDED = ("ankle_ahead", "knee_range_differs")
OUTER_TENTH = 10


def walk(segments: Segments) -> Int32s:
    """What a walk is like, whichever side is which.

    Args:
        segments: (seconds,) of one track, in order.

    Returns:
        (4,) int32 in the order of `WALK`: step_asymmetry, knee_range and trunk_lean as the catalogue has them over
        these seconds, and step_length, the span of the ankles' offset from one another without its outer tenths,
        permille of the torso. All MISSING where there is no gait.
    """
    seconds = _in_a_window(segments)
    across, down = (seconds[name].reshape(1, -1) for name in ("ankles_across", "ankles_down"))
    extremes = (
        seconds[name][None] for name in ("knee_min_cdeg", "knee_max_cdeg", "arm_range", "lean_cdeg", "sway_cdeg")
    )
    _, asymmetry, _, knee_range, _, lean, _, _ = gait_features(across, down, *extremes)[0].tolist()
    step_length = max(_inner_span(across), _inner_span(down))
    values = (asymmetry, knee_range, lean, step_length)
    return np.full(len(WALK), MISSING, np.int32) if asymmetry == MISSING else np.array(values, np.int32)


def sides(segments: Segments) -> Int64s:
    """What tells left from right, each negated in a mirror.

    Args:
        segments: (seconds,) of one track.

    Returns:
        (2,) int64 in the order of `SIDED`: by how much the left ankle is ahead of the right one in the picture on
        average, permille of the torso, and by how much the left knee bends and stretches more, hundredths of a degree.
    """
    samples = segments["ankles_across"].astype(np.int64)
    seen = samples != NO_SAMPLE
    ahead = int(np.where(seen, samples, 0).sum()) // max(1, int(seen.sum()))
    left, right = (_range(segments["knee_min_cdeg"][:, side], segments["knee_max_cdeg"][:, side]) for side in (0, 1))
    return np.array([ahead, left - right])


def _range(smallest: NDArray[np.int16], largest: NDArray[np.int16]) -> int:
    seen = smallest != NOT_SEEN
    return int(largest[seen].max()) - int(smallest[seen].min()) if seen.any() else 0


def _inner_span(samples: NDArray[np.int16]) -> int:
    known = np.sort(samples[samples != NO_SAMPLE].astype(np.int64))
    outer = len(known) // OUTER_TENTH
    return int(known[-1 - outer] - known[outer]) if len(known) else 0


def _in_a_window(segments: Segments) -> Segments:
    """A segment for every second from the first to the last, with nothing seen in those that are not there."""
    second = (segments["second_ms"] - segments["second_ms"][:1]) // SEGMENT_MS
    window = np.zeros(int(second.max(initial=-1)) + 1, segments.dtype)
    for name in ("knee_min_cdeg", "knee_max_cdeg", "arm_range", "lean_cdeg", "sway_cdeg"):
        window[name] = NOT_SEEN
    for name in ("ankles_across", "ankles_down"):
        window[name] = NO_SAMPLE
    window[second] = segments
    return window
