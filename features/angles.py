"""Angles from + - * / alone, so that every machine and every split into blocks gives the same bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Int32s

HALF_TURN_CDEG = 18_000
_CDEG_OF_RADIAN = 5_729.577951308232
_ODD_POWERS = (
    1.0, -0.3333314528, 0.1999355085, -0.1420889944, 0.1065626393, -0.0752896400, 0.0429096138, -0.0161657367,
    0.0028662257,
)  # fmt: skip

Numbers = NDArray[Any]  # integers or float64, elementwise and widened before anything is subtracted


def arctangent_cdeg(y: Numbers, x: Numbers) -> Int32s:
    """The direction of (x, y) as numpy's arctan2 has it, right to .01 degree.

    Args:
        y: (...) any unit.
        x: (...) the same unit; finite.

    Returns:
        (...) int32 hundredths of a degree, over -18,000 and at most 18,000; 0 where both are 0.

    Source: Abramowitz and Stegun 1964, 4.4.49 (error below 2e-8 rad on 0..1), folded to the eight octants.
    """
    rise, run = np.asarray(y, np.float64), np.asarray(x, np.float64)
    steep, flat = np.abs(rise), np.abs(run)
    larger = np.maximum(steep, flat)
    angle = _of_ratio(np.minimum(steep, flat) / np.where(larger > 0, larger, 1.0))
    angle = np.where(steep > flat, HALF_TURN_CDEG / 2 - angle, angle)
    angle = np.where(run < 0, HALF_TURN_CDEG - angle, angle)
    rounded = np.rint(angle).astype(np.int32)
    return np.where((rise < 0) & (rounded < HALF_TURN_CDEG), -rounded, rounded)


def angle_at_cdeg(ax: Numbers, ay: Numbers, bx: Numbers, by: Numbers, cx: Numbers, cy: Numbers) -> Int32s:
    """The angle at b between the directions to a and to c.

    Args:
        ax: (...) of any one unit, as the others; below 2**25, so that the products are exact.
        ay: (...).
        bx: (...).
        by: (...).
        cx: (...).
        cy: (...).

    Returns:
        (...) int32 hundredths of a degree, 0..18,000; 0 also where a or c is b.

    Source: arctangent of |cross product| over dot product.
    """
    vertex_x, vertex_y = np.asarray(bx, np.float64), np.asarray(by, np.float64)
    ux, uy, vx, vy = ax - vertex_x, ay - vertex_y, cx - vertex_x, cy - vertex_y
    return arctangent_cdeg(np.abs(ux * vy - uy * vx), ux * vx + uy * vy)


def _of_ratio(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    square = ratio * ratio
    total = np.full_like(square, _ODD_POWERS[-1])
    for factor in reversed(_ODD_POWERS[:-1]):
        total *= square
        total += factor
    total *= ratio
    total *= _CDEG_OF_RADIAN
    return total
