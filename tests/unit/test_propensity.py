import numpy as np
import pytest

from models.propensity import WEIGHT_MAX, Answers, drawn, effective_cases, weigh

PERSONS = [f"hall/{place}/1700000000" for place in range(20_000)]


@pytest.mark.parametrize("rate_permille", [0, 10, 50, 500, 1_000])
def test_as_many_are_drawn_as_the_rate_says(rate_permille: int) -> None:
    share = np.mean([drawn(person, "a salt", rate_permille) for person in PERSONS])
    deviation = np.sqrt(rate_permille * (1_000 - rate_permille) / len(PERSONS)) / 1_000
    assert abs(share - rate_permille / 1_000) <= 4 * deviation


def test_who_is_drawn_at_a_rate_is_drawn_at_any_higher_one_and_by_the_salt() -> None:
    few, many = ({each for each in PERSONS if drawn(each, "a salt", rate)} for rate in (50, 200))
    assert few < many
    assert few != {each for each in PERSONS if drawn(each, "other", 50)}
    assert drawn("hall/1/1700000000", "a salt", 50) == drawn("hall/1/1700000000", "a salt", 50)


@pytest.mark.parametrize(
    ("called", "rate_permille", "of_called", "of_drawn", "weights", "capped"),
    [
        ([True, False], [100, 100], (1, 1), (1, 1), [1_000, 10_000], 0),
        ([True, False], [100, 100], (4, 2), (3, 2), [2_000, 15_000], 0),
        ([False, False], [1_000, 200], (0, 0), (2, 2), [1_000, 5_000], 0),
        ([False, False], [10, 9], (0, 0), (1, 1), [100_000, 100_000], 1),
        ([True], [1], (500, 2), (0, 0), [100_000], 1),
    ],
)
def test_weights_are_persons_for_a_case(
    called: list[bool],
    rate_permille: list[int],
    of_called: tuple[int, int],
    of_drawn: tuple[int, int],
    weights: list[int],
    capped: int,
) -> None:
    found = weigh(np.array(called), np.array(rate_permille), Answers(*of_called), Answers(*of_drawn))
    assert found.weights.tolist() == weights
    assert found.capped == capped
    assert max(weights) <= 1_000 * WEIGHT_MAX


def test_cases_of_one_weight_are_worth_as_many_as_there_are() -> None:
    assert effective_cases(np.full(7, 3_000)) == pytest.approx(7)
    assert effective_cases(np.array([100_000, 1_000, 1_000])) == pytest.approx(102**2 / (100**2 + 2))
    assert effective_cases(np.zeros(0, np.int64)) == 0
