"""Where on a site a point is: the zones it lies in and its place on the ground."""

import numpy as np
from numpy.typing import NDArray

from features.keypoints import QUARTERS, Bools, Int32s, Int64s, Ints
from features.site import Camera, Point, Site, Zone, ZoneKind

Uint32s = NDArray[np.uint32]
Corners = list[tuple[int, int]]

POINT_LIMIT_PX4 = 2**20  # farther corners are pulled in; products of such integers are exact
PLACE_LIMIT_MM = 1_000_000_000  # differences of two places still fit 32 bits
STATURE_UM = 1_700_000
HEIGHT_MIN_PX4 = 4
CALIBRATED_UM = 1_000
_BOX_CORNERS = 4


class ZoneTable:
    """The zones of all cameras as integers. Everything has one more row than cameras, without zones, for camera -1.

    Attributes:
        face: (cameras + 1, zones, 2) int32 quarter pixels, the zone's face or else the centroid of its polygon.
        loiter_s: (cameras + 1, zones) int32 seconds, the zone's own or else the site's threshold for its kind.
    """

    def __init__(self, site: Site) -> None:
        cameras = [*(camera.zones for camera in site.cameras), []]
        shape = (len(cameras), max(len(zones) for zones in cameras))
        self._kind = np.full(shape, "", np.dtype("U16"))
        self._box = np.zeros((shape[1], 4, shape[0]), np.int32)
        self._upright = np.zeros((shape[1], shape[0]), np.bool_)  # the zone is its box
        self._edges = np.zeros((shape[1], _corners_max(cameras), 4, shape[0]), np.int64)
        self.face: Int32s = np.zeros((*shape, 2), np.int32)
        self.loiter_s: Int32s = np.zeros(shape, np.int32)
        for camera, zones in enumerate(cameras):
            for place, zone in enumerate(zones):
                self._set(site, camera, place, zone)

    def _set(self, site: Site, camera: int, place: int, zone: Zone) -> None:
        corners = [_quarters(point) for point in zone.polygon]
        across, down = zip(*corners, strict=True)
        self._kind[camera, place] = zone.kind
        self._box[place, :, camera] = min(across), min(down), max(across), max(down)
        self._upright[place, camera] = _is_upright(corners)
        self._edges[place, : len(corners), :, camera] = _edges(corners)
        self.face[camera, place] = _quarters(zone.face) if zone.face else _centroid(corners)
        self.loiter_s[camera, place] = zone.loiter_after_s or _site_loiter_s(site, zone.kind)

    def bits(self, kind: ZoneKind) -> Uint32s:
        """(cameras + 1,) masks of the zones of a kind."""
        values = np.left_shift(np.uint32(1), np.arange(self._kind.shape[1], dtype=np.uint32))
        masks: Uint32s = np.bitwise_or.reduce(np.where(self._kind == kind, values, np.uint32(0)), axis=1)
        return masks

    def membership(self, camera: Ints, x: Ints, y: Ints) -> Uint32s:
        """In which zones points are. Of zones that share an edge exactly one claims a point on it.

        Args:
            camera: (rows,) place in the site, or -1.
            x: (rows,) quarter pixels.
            y: (rows,) quarter pixels.

        Returns:
            (rows,) bit z is set in zone z of the row's camera.

        Source: crossing number with half-open edges in exact integers (Franklin 1970, PNPOLY).
        """
        member: Uint32s = np.zeros(len(camera), np.uint32)
        for zone, box in enumerate(self._box):
            left, top, right, bottom = np.take(box, camera, axis=1)
            inside = (left <= x) & (x < right) & (top <= y) & (y < bottom)
            near = np.flatnonzero(inside & ~self._upright[zone][camera])
            inside[near] = self._inside(zone, camera[near], x[near].astype(np.int64), y[near].astype(np.int64))
            member |= inside.astype(np.uint32) << np.uint32(zone)
        return member

    def _inside(self, zone: int, camera: Ints, x: Int64s, y: Int64s) -> Bools:
        inside = np.zeros(len(camera), np.bool_)
        if not len(camera):
            return inside
        for edge in self._edges[zone]:
            x1, y1, x2, y2 = np.take(edge, camera, axis=1)
            inside ^= (y1 <= y) & (y < y2) & ((x - x1) * (y2 - y1) < (x2 - x1) * (y - y1))
        return inside


class Ground:
    """The ground under all cameras."""

    def __init__(self, site: Site) -> None:
        maps = [_homography(camera) for camera in site.cameras]
        self._calibrated = np.array([*(camera.homography is not None for camera in site.cameras), False])
        self._maps = np.array([*maps, np.eye(3)], np.float64).transpose(1, 2, 0).copy()

    def locate(self, camera: Ints, foot_x_px4: Ints, foot_y_px4: Ints, height_px4: Ints) -> tuple[Int32s, ...]:
        """Places on the ground, and what a unit of them is worth.

        Args:
            camera: (rows,) place in the site, or -1.
            foot_x_px4: (rows,) quarter pixels.
            foot_y_px4: (rows,) quarter pixels.
            height_px4: (rows,) height of the body in the picture, taken as 1 px at least.

        Returns:
            x, y and micrometres per unit, (rows,) int32 each: millimetres and 1,000 where the camera has a homography,
            with points at and beyond the horizon cut to 1,000 km; else quarter pixels, of which a body is 1.70 m high.

        Source: mean adult stature 1.65 m (NCD-RisC 2016, eLife 5:e13410: men about 1.71, women 1.59), shoes and hair.
        """
        calibrated = np.flatnonzero(self._calibrated[camera])
        x, y = foot_x_px4.astype(np.int32), foot_y_px4.astype(np.int32)
        um_per_unit = STATURE_UM // np.maximum(height_px4.astype(np.int32), HEIGHT_MIN_PX4)
        if len(calibrated):
            feet = (x[calibrated] / QUARTERS, y[calibrated] / QUARTERS)
            x[calibrated], y[calibrated] = self._project(camera[calibrated], *feet)
            um_per_unit[calibrated] = CALIBRATED_UM
        return x, y, um_per_unit

    def _project(self, camera: Ints, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Int32s, Int32s]:
        rows = np.take(self._maps, camera, axis=2)
        with np.errstate(all="ignore"):
            across, down, depth = (of_x * x + of_y * y + rest for of_x, of_y, rest in rows)
            return _millimetres(across / depth), _millimetres(down / depth)


def _millimetres(values: NDArray[np.float64]) -> Int32s:
    known = np.where(np.isnan(values), 0.0, values)
    whole: Int32s = np.rint(np.clip(known, -PLACE_LIMIT_MM, PLACE_LIMIT_MM)).astype(np.int32)
    return whole


def _homography(camera: Camera) -> NDArray[np.float64]:
    return np.eye(3) if camera.homography is None else np.array(camera.homography, np.float64)


def _site_loiter_s(site: Site, kind: ZoneKind) -> int:
    thresholds = site.thresholds
    return thresholds.restricted_loiter_after_s if kind == "restricted" else thresholds.loiter_after_s


def _corners_max(cameras: list[list[Zone]]) -> int:
    return max((len(zone.polygon) for zones in cameras for zone in zones), default=0)


def _quarters(point: Point) -> tuple[int, int]:
    x, y = (round(max(-POINT_LIMIT_PX4, min(value * QUARTERS, POINT_LIMIT_PX4))) for value in point)
    return x, y


def _edges(corners: Corners) -> list[tuple[int, int, int, int]]:
    """Each edge as x, y of its upper and of its lower end, so that neighbours agree on it."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    ordered = [sorted(pair, key=lambda corner: corner[1]) for pair in pairs]
    return [(*upper, *lower) for upper, lower in ordered]


def _is_upright(corners: Corners) -> bool:
    """Whether the area is its bounding box: four different corners, neighbours of which share one coordinate."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    turns = [x1 == x2 for (x1, y1), (x2, y2) in pairs if x1 == x2 or y1 == y2]
    return len(set(corners)) == _BOX_CORNERS and turns in ([True, False] * 2, [False, True] * 2)


def _centroid(corners: Corners) -> tuple[int, int]:
    """Of the area (shoelace formula), or of the corners where there is no area."""
    pairs = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    twice = [(x1 + x2, y1 + y2, x1 * y2 - x2 * y1) for (x1, y1), (x2, y2) in pairs]
    area = 3 * sum(cross for _, _, cross in twice)
    if area == 0:
        return sum(x for x, _ in corners) // len(corners), sum(y for _, y in corners) // len(corners)
    return sum(x * cross for x, _, cross in twice) // area, sum(y * cross for _, y, cross in twice) // area
