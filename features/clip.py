"""A clip of one person as one row: how each quantity of the limbs lies and moves over its frames."""

import numpy as np

from features.body import Floats
from features.keypoints import PersonFrames
from features.limbs import limbs

SUMMARIES = ("mean", "spread", "low", "high", "trend", "movement")
LOW_PERCENT, HIGH_PERCENT = 10, 90


def clip_values(frames: PersonFrames) -> dict[str, Floats]:
    """The six summaries of each quantity of `limbs`, single frames that stand out left out.

    Args:
        frames: (rows,) of one person in order of time, at least one.

    Returns:
        (6,) by quantity, in the order of `SUMMARIES`: mean, standard deviation, tenth and ninetieth percentile, the
        slope of a straight line, a frame, and the mean distance from one frame to the next, which tells a hand that
        works from one that was moved once.
    """
    return {name: _summaries(_without_spikes(values)) for name, values in limbs(frames).items()}


def _without_spikes(values: Floats) -> Floats:
    """The median of each value, the one before and the one after."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0))


def _summaries(values: Floats) -> Floats:
    at = np.arange(len(values)) - (len(values) - 1) / 2
    slope = (values * at).sum() / max(1.0, (at * at).sum())
    low, high = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT))
    movement = np.abs(np.diff(values)).sum() / max(1, len(values) - 1)
    return np.array([values.mean(), values.std(), low, high, slope, movement])
