"""Limbs of two bones: where the knee or the elbow is."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STRETCHED = 0.999
_TINY = 1e-9


def joint(
    root: Floats, tip: Floats, upper: float, lower: float, towards: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """The middle joint of a limb by the law of cosines.

    Args:
        root: (3, frames) hip or shoulder.
        tip: (3, frames) where ankle or wrist shall be.
        upper: length of thigh or upper arm, in the unit of the places.
        lower: length of shank or forearm.
        towards: where the joint points when the limb bends.

    Returns:
        (3, frames) the joint, and (3, frames) the tip, pulled in where it was out of reach.
    """
    along = tip - root
    distance = np.maximum(_length(along), _TINY)
    direction = along / distance
    reached = np.clip(distance, abs(upper - lower) + _TINY, _STRETCHED * (upper + lower))
    foot = (upper * upper - lower * lower + reached * reached) / (2 * reached)
    height = np.sqrt(np.maximum(upper * upper - foot * foot, 0))
    return root + foot * direction + height * _across(direction, towards), root + reached * direction


def _across(direction: Floats, towards: tuple[float, float, float]) -> Floats:
    """(3, frames) unit vectors at right angles to `direction`, as near as can be to `towards`."""
    wanted = np.array(towards)[:, None]
    along = wanted[0] * direction[0] + wanted[1] * direction[1] + wanted[2] * direction[2]
    across = wanted - along * direction
    unit: Floats = across / np.maximum(_length(across), _TINY)
    return unit


def _length(vector: Floats) -> Floats:
    length: Floats = np.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])
    return length
