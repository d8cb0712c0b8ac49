"""The pinhole camera that films a scenario, and what stands in its way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scenarios.trigonometry import cosine, sine

Floats = NDArray[np.float64]
Point = tuple[float, float]
Point3 = tuple[float, float, float]
Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

MM_PER_M = 1_000
_DEPTH_MIN_M = 0.1


@dataclass(frozen=True, slots=True)
class Panel:
    """An upright panel across the view, metres: a display stand, a pillar."""

    left: float
    right: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Pinhole:
    """A camera above the origin of its ground, x to the right and y away from it, in metres.

    Attributes:
        height_m: of the lens above the ground.
        tilt_deg: of the optical axis below the horizon.
        focal_px: focal length.
        width_px: of the picture.
        height_px: of the picture.
        panels: what hides what is behind.
    """

    height_m: float
    tilt_deg: float
    focal_px: float
    width_px: int
    height_px: int
    panels: tuple[Panel, ...] = ()

    def project(self, points: Floats) -> Floats:
        """Where points are in the picture.

        Args:
            points: (3, ...) metres: x, y and z up from the ground.

        Returns:
            (2, ...) pixels, x to the right and y down.
        """
        tilt_sine, tilt_cosine = self._tilt()
        below = self.height_m - points[2]
        depth = np.maximum(points[1] * tilt_cosine + below * tilt_sine, _DEPTH_MIN_M)
        down = below * tilt_cosine - points[1] * tilt_sine
        across_px = self.width_px / 2 + self.focal_px * points[0] / depth
        return np.stack((across_px, self.height_px / 2 + self.focal_px * down / depth))

    def pixel(self, point: Point3) -> Point:
        """Where a point is in the picture, to the quarter pixel."""
        x, y = np.rint(4 * self.project(np.array(point))) / 4
        return float(x), float(y)

    def hidden(self, points: Floats) -> NDArray[np.bool_]:
        """(...) whether a panel is between the lens and each point of (3, ...) metres."""
        behind = np.zeros(points.shape[1:], np.bool_)
        for panel in self.panels:
            share = panel.y / np.maximum(points[1], _DEPTH_MIN_M)
            across = share * points[0]
            up = self.height_m + share * (points[2] - self.height_m)
            behind |= (share < 1) & (panel.left < across) & (across < panel.right) & (up < panel.height)
        return behind

    def homography(self) -> Matrix:
        """From pixels to millimetres on the ground: the adjugate of the projection of the ground plane."""
        tilt_sine, tilt_cosine = self._tilt()
        middle_x, middle_y, focal, high = self.width_px / 2, self.height_px / 2, self.focal_px, self.height_m
        depth = (0.0, tilt_cosine, high * tilt_sine)
        across = (focal, middle_x * depth[1], middle_x * depth[2])
        down = (0.0, middle_y * depth[1] - focal * tilt_sine, middle_y * depth[2] + focal * high * tilt_cosine)
        x, y, w = _adjugate((across, down, depth))
        return _scaled(x, MM_PER_M / w[2]), _scaled(y, MM_PER_M / w[2]), _scaled(w, 1 / w[2])

    def _tilt(self) -> tuple[float, float]:
        return float(sine(self.tilt_deg / 360)), float(cosine(self.tilt_deg / 360))


def outline(points: Sequence[Point]) -> list[Point]:
    """The corners of the convex hull, in order.

    Source: monotone chain, Andrew 1979 (Inf. Process. Lett. 9:216).
    """
    ordered = sorted(set(points))
    return _half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1]


def _half_hull(ordered: Sequence[Point]) -> list[Point]:
    hull: list[Point] = []
    for point in ordered:
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_right(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0


def _adjugate(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )


def _scaled(row: Point3, factor: float) -> Point3:
    return row[0] * factor, row[1] * factor, row[2] * factor
