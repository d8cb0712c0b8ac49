"""Sine and cosine from + - * alone, so that every machine gives the same bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RADIANS_A_TURN = 6.283185307179586
_ODD_POWERS = (1.0, -1 / 6, 1 / 120, -1 / 5_040, 1 / 362_880, -1 / 39_916_800, 1 / 6_227_020_800)


def sine(turns: Any) -> Floats:  # noqa: ANN401 - a number or an array of them
    """Sine of angles in turns, right to 1e-9.

    Args:
        turns: (...) whole turns; 0.25 is a right angle.

    Returns:
        (...) float64.

    Source: Taylor series to the 13th power on the quarter turn round 0.
    """
    whole = np.asarray(turns, np.float64)
    rest = whole - np.rint(whole)
    folded = np.where(np.abs(rest) > 1 / 4, np.copysign(1 / 2, rest) - rest, rest)
    angle = RADIANS_A_TURN * folded
    square = angle * angle
    total = np.full_like(angle, _ODD_POWERS[-1])
    for factor in reversed(_ODD_POWERS[:-1]):
        total = total * square + factor
    return np.asarray(total * angle)


def cosine(turns: Any) -> Floats:  # noqa: ANN401 - a number or an array of them
    """Cosine of angles in turns, as `sine`."""
    return sine(np.asarray(turns, np.float64) + 1 / 4)
