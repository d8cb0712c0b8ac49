import numpy as np
import pytest

from features.bearing import QUANTITIES
from models.learning_curve import Point, enough_after, learning_curve
from models.normality_learning import PHASES, Observed


def observed(tracks: int, seconds: int, *, unusual_from: int | None = None, camera: int = 0) -> Observed:
    """Persons one after another; from one of them on they are more unusual than anybody before."""
    rows = tracks * seconds
    track = np.repeat(np.arange(tracks), seconds)
    values = np.random.default_rng(camera).integers(0, 1_000, (len(QUANTITIES), rows))
    if unusual_from is not None:
        values += np.where(track >= unusual_from, 1_000, 0)
    hips = np.zeros((2, rows), np.int32)
    return Observed(np.full(rows, camera, np.int32), track, np.arange(rows) * 1_000, values.astype(np.int16), hips)


def test_persons_like_those_learned_from_look_as_rare_as_they_should() -> None:
    curve = learning_curve(observed(200, 50), ["floor"])
    assert [round(point.person_hours * 3_600 * PHASES / 50) for point in curve] == [20, 40, 80, 160]
    assert [point.cameras for point in curve] == [1, 1, 1, 1]
    assert 5 <= curve[-1].rare_permille <= 15
    assert enough_after(curve) is not None


def test_who_came_early_says_little_of_who_comes_later() -> None:
    curve = learning_curve(observed(200, 50, unusual_from=100), ["floor"])
    assert curve[0].rare_permille > 300
    assert curve[-1].rare_permille < 20
    assert enough_after(curve) == curve[-1].person_hours


def test_parts_in_which_nothing_can_be_learned_are_left_out() -> None:
    assert len(learning_curve(observed(60, 50), ["floor"])) == 2
    assert learning_curve(observed(10, 50), ["floor"]) == []


def test_cameras_are_counted_apart() -> None:
    both = Observed.concatenate([observed(200, 50), observed(30, 50, camera=1)])
    assert [point.cameras for point in learning_curve(both, ["floor", "door"])] == [1, 1, 1, 2]


ENOUGH = [
    ([], None),
    ([(1, 1, 30)], None),
    ([(1, 1, 20)], 1),
    ([(1, 1, 10), (2, 2, 10), (4, 2, 10)], 2),
    ([(1, 2, 10), (2, 2, 30), (4, 2, 10)], 4),
    ([(1, 2, 10), (2, 2, 30)], None),
]


@pytest.mark.parametrize(("points", "hours"), ENOUGH)
def test_enough_is_where_it_stays_so_with_all_cameras(
    points: list[tuple[float, int, int]], hours: float | None
) -> None:
    assert enough_after([Point(*point) for point in points]) == hours
