from dataclasses import replace

import numpy as np
import pytest

from features.sequence import CATALOGUE, COLUMN, MISSING
from models.evenness import change, verdicts_unevenness
from models.judged_cases import ABSTAINED, JudgedCases
from tests.running.judged_persons import OLD

# (case, observed_s, loiter_s, unpaid_exit); OLD gives 150 from 60 s on, 400 from 400 s, 250 for unpaid; high is 400.
ROWS = [
    (0, 60, 100, 0), (0, 70, 450, 0), (0, 80, 450, 0), (0, 90, 0, 0),
    (1, 60, 450, 900), (1, 70, 0, 900),
    (2, 3, 100, 0), (2, 4, 450, 0),
    (3, 3, 0, 900), (3, 60, 0, 0),
    (4, 60, 0, 0),
]  # fmt: skip


def cases() -> JudgedCases:
    values = np.full((len(ROWS), len(CATALOGUE)), MISSING, np.int32)
    for name, column in (("observed_s", 1), ("loiter_s", 2), ("unpaid_exit", 3)):
        values[:, COLUMN[name]] = [row[column] for row in ROWS]
    values[:, COLUMN["posed_permille"]] = 900
    return JudgedCases(
        values=values,
        case=np.array([row[0] for row in ROWS]),
        agreed=np.array([True, False, True, False, True]),
        weights=np.array([1_000, 2_000, 3_000, 4_000, 5_000]),
        sampled=np.array([False, False, True, True, True]),
        groups=np.array(["d1 a", "d1 a", "d1 b", "d2 a", "d2 b"]),
        slices={"camera": np.array(["a", "a", "b", "a", "b"])},
        camera_hours={"d1 a": 1_000, "d1 b": 500, "d2 a": 250, "d2 b": 1},
    )


def test_the_highest_row_of_a_case_counts_and_of_equal_ones_the_last() -> None:
    said = cases().said(OLD)
    assert said.row.tolist() == [2, 4, -1, 8, 10]
    assert said.score.tolist() == [400, 650, ABSTAINED, 250, 0]
    assert said.probability_permille.tolist() == [650, 650, 0, 350, 50]
    assert said.above_low.tolist() == [True, True, False, True, False]


def test_an_alarm_needs_the_high_band_and_an_objective_event_at_once() -> None:
    assert cases().said(OLD).alarmed.tolist() == [False, True, False, False, False]


def test_cases_are_taken_with_their_rows_groups_and_hours() -> None:
    whole = cases()
    chosen = whole.take(np.array([False, True, False, True, False]))
    assert chosen.case.tolist() == [0, 0, 1, 1]
    assert chosen.values[:, COLUMN["loiter_s"]].tolist() == [450, 0, 0, 0]
    assert chosen.weights.tolist() == [2_000, 4_000]
    assert chosen.slices["camera"].tolist() == ["a", "a"]
    assert whole.hours == pytest.approx(1.751)
    assert chosen.hours == pytest.approx(1.25)
    assert chosen.said(OLD).score.tolist() == [650, 250]


def judged(parts: int, size: int, agreed: list[float]) -> tuple[JudgedCases, np.ndarray[tuple[int], np.dtype[np.str_]]]:
    """Cases in equal parts, each with a share that is judged worth a look, in 20 groups across the parts."""
    count = parts * size
    part = np.repeat(np.arange(parts), size)
    whole = replace(
        cases(),
        values=np.zeros((count, len(CATALOGUE)), np.int32),
        case=np.arange(count),
        agreed=np.arange(count) % size < size * np.array(agreed)[part],
        weights=np.full(count, 1_000),
        sampled=np.ones(count, np.bool_),
        groups=(np.arange(count) % 20).astype(np.str_),
        slices={},
    )
    return whole, part.astype(np.str_)


@pytest.mark.parametrize(
    ("agreed", "told", "least", "most"),
    [
        ([0.3, 0.3], [300, 300], 1, 1.05),
        ([0.4, 0.2], [400, 200], 1, 1.05),
        ([0.6, 0.2], [300, 300], 2, 3.1),
        ([0.2, 0.6], [300, 300], 2, 3.1),
        ([0.3, 0.3, 0.9], [300, 300, 300], 2, 3.1),
    ],
)
def test_verdicts_are_uneven_where_equal_scores_are_judged_otherwise(
    agreed: list[float], told: list[int], least: float, most: float
) -> None:
    whole, parts = judged(len(agreed), 200, agreed)
    permille = np.repeat(np.array(told, np.int32), 200)
    assert least <= verdicts_unevenness(whole, permille, parts, 1) <= most


def test_a_small_part_and_one_that_is_not_known_say_nothing() -> None:
    whole, parts = judged(2, 200, [0.6, 0.2])
    permille = np.full(400, 300, np.int32)
    assert verdicts_unevenness(whole, permille, np.where(parts == "0", "", parts), 1) == 1
    few = whole.take(np.arange(400) < 215)
    assert verdicts_unevenness(few, permille[:215], np.where(np.arange(215) < 200, "", "1"), 1) == 1


@pytest.mark.parametrize(
    ("before", "after", "expected", "low_within"),
    [
        ([0.2, 0.2], [0.2, 0.2], 1, (0.5, 1)),
        ([0.2, 0.2], [0.4, 0.1], 4, (1.5, 4)),
        ([0.4, 0.1], [0.4, 0.1], 4, (1, 1)),
        ([0.1, 0.4], [0.4, 0.1], 4, (0, 1)),
        ([0.2, 0.2], [0.02, 0.01], 0, (0, 0)),
    ],
)
def test_what_grew_more_uneven_is_told(
    before: list[float], after: list[float], expected: float, low_within: tuple[float, float]
) -> None:
    whole, parts = judged(2, 200, before)
    changed, _ = judged(2, 200, after)
    found = change(whole.agreed, changed.agreed, whole.weights, parts, whole.groups, 1)
    assert found.after == pytest.approx(expected, rel=0.05)
    assert low_within[0] <= found.low <= low_within[1]
