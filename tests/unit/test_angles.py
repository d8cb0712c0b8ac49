import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.angles import angle_at_cdeg, arctangent_cdeg

WHOLE = st.integers(-65_535, 65_535)


@pytest.mark.parametrize(
    ("y", "x", "cdeg"),
    [
        (0, 0, 0),
        (0, 5, 0),
        (5, 5, 4_500),
        (5, 0, 9_000),
        (5, -5, 13_500),
        (0, -5, 18_000),
        (-5, -5, -13_500),
        (-5, 0, -9_000),
        (-5, 5, -4_500),
        (-1, -65_535, 18_000),
        (1, 2, 2_657),
        (577_350, 1_000_000, 3_000),
    ],
)
def test_arctangent_in_all_octants(y: int, x: int, cdeg: int) -> None:
    assert arctangent_cdeg(np.array([y]), np.array([x])).tolist() == [cdeg]


@given(WHOLE, WHOLE)
def test_arctangent_is_right_to_a_hundredth(y: int, x: int) -> None:
    found = int(arctangent_cdeg(np.array([y]), np.array([x]))[0])
    apart = abs(found - 100 * math.degrees(math.atan2(y, x))) % 36_000
    assert min(apart, 36_000 - apart) <= 0.51
    assert -18_000 < found <= 18_000


@given(st.lists(st.tuples(WHOLE, WHOLE), min_size=2, max_size=40), st.data())
def test_any_split_gives_the_same_bytes(points: list[tuple[int, int]], data: st.DataObject) -> None:
    y, x = np.array(points).T
    cut = data.draw(st.integers(0, len(points)))
    parts = np.concatenate([arctangent_cdeg(y[:cut], x[:cut]), arctangent_cdeg(y[cut:], x[cut:])])
    assert parts.tobytes() == arctangent_cdeg(y, x).tobytes()


@pytest.mark.parametrize(
    ("a", "b", "c", "cdeg"),
    [
        ((0, 0), (0, 10), (0, 20), 18_000),
        ((0, 0), (0, 10), (10, 10), 9_000),
        ((0, 0), (0, 10), (10, 0), 4_500),
        ((0, 0), (0, 10), (0, 3), 0),
        ((0, 10), (0, 10), (0, 3), 0),
    ],
)
def test_angle_at_a_point(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], cdeg: int) -> None:
    columns = (np.array([value]) for value in (*a, *b, *c))
    assert angle_at_cdeg(*columns).tolist() == [cdeg]


@given(st.tuples(WHOLE, WHOLE), st.tuples(WHOLE, WHOLE), st.tuples(WHOLE, WHOLE))
def test_angle_at_a_point_is_the_same_from_either_side(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]
) -> None:
    there = angle_at_cdeg(*(np.array([value], np.int32) for value in (*a, *b, *c)))
    back = angle_at_cdeg(*(np.array([value], np.int32) for value in (*c, *b, *a)))
    assert there.tolist() == back.tolist()
    assert 0 <= there[0] <= 18_000


def test_narrow_integers_are_widened() -> None:
    low, high = np.array([-32_768], np.int16), np.array([32_767], np.int16)
    assert angle_at_cdeg(high, low, low, low, low, high).tolist() == [9_000]
