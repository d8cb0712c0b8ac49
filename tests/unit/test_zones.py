import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.site import Camera, Site, Thresholds, Zone
from features.zones import PLACE_LIMIT_MM, Ground, ZoneTable

LEFT = Zone("left", "shelf", [(0, 0), (10, 0), (10, 10), (0, 10)])
RIGHT = Zone("right", "till", [(10, 0), (20, 0), (20, 10), (10, 10)], face=(15, 0), loiter_after_s=7)
BACK = Zone("back", "restricted", [(0, 10), (20, 10), (10, 30)])
SITE = Site(
    cameras=[Camera("empty"), Camera("shop", [LEFT, RIGHT, BACK]), Camera("other", [RIGHT])],
    thresholds=Thresholds(loiter_after_s=50, restricted_loiter_after_s=11),
)
TABLE = ZoneTable(SITE)
Triangle = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def member(camera: int, x: float, y: float) -> int:
    quarters = (np.array([round(4 * value)], np.int16) for value in (x, y))
    return int(TABLE.membership(np.array([camera], np.int32), *quarters)[0])


@pytest.mark.parametrize(
    ("camera", "x", "y", "zones"),
    [
        (1, 5, 5, 0b001),
        (1, 0, 0, 0b001),
        (1, 10, 5, 0b010),
        (1, 20, 5, 0b000),
        (1, 9.75, 9.75, 0b001),
        (1, 5, 10, 0b100),
        (1, 10, 29, 0b100),
        (1, 2, 29, 0b000),
        (2, 15, 5, 0b001),
        (2, 5, 5, 0b000),
        (0, 5, 5, 0b000),
        (-1, 5, 5, 0b000),
    ],
)
def test_membership(camera: int, x: float, y: float, zones: int) -> None:
    assert member(camera, x, y) == zones


def test_bits_faces_and_thresholds() -> None:
    assert TABLE.bits("shelf").tolist() == [0, 1, 0, 0]
    assert TABLE.bits("till").tolist() == [0, 2, 1, 0]
    assert TABLE.bits("opt-out").tolist() == [0, 0, 0, 0]
    assert TABLE.face[1].tolist() == [[20, 20], [60, 0], [40, 66]]
    assert TABLE.loiter_s[1].tolist() == [50, 7, 11]


@pytest.mark.parametrize("site", [Site(), Site(cameras=[Camera("bare")])])
def test_a_site_without_zones_has_nobody_in_one(site: Site) -> None:
    nowhere = ZoneTable(site).membership(np.array([-1, -1]), np.array([0, 1]), np.array([0, 1]))
    assert nowhere.tolist() == [0, 0]


def test_a_polygon_without_area_has_a_face() -> None:
    line = Zone("line", "shelf", [(0, 0), (4, 4), (8, 8)])
    table = ZoneTable(Site(cameras=[Camera("a", [line])]))
    assert table.face[0].tolist() == [[16, 16]]


def test_the_thirty_second_zone_has_a_bit() -> None:
    table = ZoneTable(Site(cameras=[Camera("a", [LEFT] * 32)]))
    assert table.membership(np.array([0]), np.array([4]), np.array([4])).tolist() == [2**32 - 1]


CORNER = st.tuples(st.integers(-9, 9), st.integers(-9, 9))


@given(CORNER, CORNER, CORNER, CORNER)
def test_of_neighbours_one_claims_each_point(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]
) -> None:
    """Triangles abc and acd claim together, edges included, what abcd claims: no point twice, none of them lost."""
    parts = ([a, b, c], [a, c, d], [a, b, c, d])
    zones = [Zone(f"z{place}", "shelf", [(x / 4, y / 4) for x, y in part]) for place, part in enumerate(parts)]
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(-10, 11), np.arange(-10, 11)))
    bits = ZoneTable(Site(cameras=[Camera("a", zones)])).membership(np.zeros(len(x), np.int32), x, y)
    assert np.array_equal((bits & 1) ^ (bits >> np.uint32(1) & 1), bits >> np.uint32(2))


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-40, 120), st.integers(-40, 160)), min_size=1, max_size=30))
def test_a_point_is_placed_alike_alone_and_among_others(points: list[tuple[int, int, int]]) -> None:
    camera, x, y = np.array(points, np.int32).T
    alone = [
        int(TABLE.membership(camera[row : row + 1], x[row : row + 1], y[row : row + 1])[0]) for row in range(len(x))
    ]
    assert TABLE.membership(camera, x, y).tolist() == alone


def ground(homography: tuple[tuple[float, float, float], ...] | None) -> Ground:
    rows = None if homography is None else (homography[0], homography[1], homography[2])
    return Ground(Site(cameras=[Camera("plain"), Camera("mapped", homography=rows)]))


def located(place: Ground, camera: int, x: int, y: int, height: int) -> list[int]:
    columns = (np.array([value], np.int16) for value in (x, y, height))
    found = place.locate(np.array([camera], np.int32), *columns)
    assert all(column.dtype == np.int32 for column in found)
    return [int(column[0]) for column in found]


@pytest.mark.parametrize(
    ("camera", "x", "y", "height", "expected"),
    [
        (0, 400, -8, 680, [400, -8, 2_500]),
        (0, 1, 1, 0, [1, 1, 425_000]),
        (-1, 1, 1, 680, [1, 1, 2_500]),
        (1, 400, 200, 680, [1_005, 1_500, 1_000]),
    ],
)
def test_places_on_the_ground(camera: int, x: int, y: int, height: int, expected: list[int]) -> None:
    assert located(ground(((10, 0, 5), (0, 30, 0), (0, 0, 1))), camera, x, y, height) == expected


@pytest.mark.parametrize(
    ("homography", "expected"),
    [
        (((1, 0, 0), (0, 1, 0), (0, 0, 0)), [PLACE_LIMIT_MM, PLACE_LIMIT_MM]),
        (((-1, 0, 0), (0, 0, 0), (0, 0, 0)), [-PLACE_LIMIT_MM, 0]),
        (((1e300, 0, 0), (0, -1e308, 0), (0, 0, 1e-300)), [PLACE_LIMIT_MM, -PLACE_LIMIT_MM]),
        (((0, 0, 0), (0, 0, 0), (0, 0, 0)), [0, 0]),
    ],
)
def test_infinity_is_cut_without_a_warning(
    homography: tuple[tuple[float, float, float], ...], expected: list[int]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert located(ground(homography), 1, 40, 40, 100)[:2] == expected
