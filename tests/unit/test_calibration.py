import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from features.events import Rejection
from models.calibration import Calibration, check_calibration, fit_calibration
from models.evaluation import auc, calibration_error, chance_error, group_folds, precision_recall

LABELLED = st.lists(st.tuples(st.integers(0, 1_000), st.booleans()), min_size=1, max_size=60)


def test_each_score_takes_the_step_below_it() -> None:
    calibration = Calibration((0, 300, 700), (50, 400, 900))
    scores = np.array([0, 299, 300, 699, 700, 1_000], np.int32)
    assert calibration.probability_permille(scores).tolist() == [50, 50, 400, 400, 900, 900]


@given(LABELLED)
def test_the_fit_is_isotonic_regression(labelled: list[tuple[int, bool]]) -> None:
    scores, agreed = np.array([s for s, _ in labelled]), np.array([a for _, a in labelled])
    calibration = fit_calibration(scores, agreed)
    check_calibration(calibration)
    assumed = np.append(scores, [scores.min(), scores.max()]), np.append(agreed, [True, False])
    expected = IsotonicRegression().fit(*assumed).predict(scores) * 1_000
    assert np.abs(calibration.probability_permille(scores.astype(np.int32)) - expected).max() <= 0.5 + 1e-6


@given(LABELLED)
def test_nothing_is_certain(labelled: list[tuple[int, bool]]) -> None:
    calibration = fit_calibration(np.array([s for s, _ in labelled]), np.array([a for _, a in labelled]))
    assert calibration.permille[0] > 0
    assert calibration.permille[-1] < 1_000


@pytest.mark.parametrize(
    ("scores", "permille", "field"),
    [
        ((1,), (0,), "$.calibration.scores"),
        ((0, 5, 5), (0, 1, 2), "$.calibration.scores"),
        ((0, 5), (0,), "$.calibration.permille"),
        ((0, 5), (2, 1), "$.calibration.permille"),
    ],
)
def test_refused_calibrations(scores: tuple[int, ...], permille: tuple[int, ...], field: str) -> None:
    with pytest.raises(Rejection) as refused:
        check_calibration(Calibration(scores, permille))
    assert refused.value.field == field


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_counts_pairs_and_half_of_the_ties(labelled: list[tuple[int, bool]]) -> None:
    positives, negatives = [s for s, a in labelled if a], [s for s, a in labelled if not a]
    found = auc(np.array([s for s, _ in labelled]), np.array([a for _, a in labelled]))
    if not positives or not negatives:
        assert np.isnan(found)
        return
    won = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    assert found == pytest.approx(won / (len(positives) * len(negatives)))


def test_calibration_error_of_ten_bins() -> None:
    permille = np.array([0, 50, 950, 1_000])
    assert calibration_error(permille, np.array([False, False, True, True])) == pytest.approx(0.025)
    assert calibration_error(permille, np.array([True, True, False, False])) == pytest.approx(0.975)
    assert calibration_error(np.zeros(0, np.int64), np.zeros(0, np.bool_)) == 0


def test_right_probabilities_show_an_error_that_shrinks_with_the_rows() -> None:
    few, many = (chance_error(np.arange(0, 1_000, step), 1, 200) for step in (20, 1))
    assert 0.08 < few < 0.16
    assert many < few / 3
    assert chance_error(np.array([0, 1_000]), 1, 10) == 0


def test_precision_and_recall() -> None:
    flagged, labels = np.array([True, True, False, False]), np.array([True, False, True, True])
    assert precision_recall(flagged, labels) == (1 / 2, 1 / 3)
    assert np.isnan(precision_recall(~flagged & flagged, labels)[0])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.integers(2, 5), st.integers(0, 99))
def test_folds_keep_groups_whole(groups: list[int], folds: int, seed: int) -> None:
    drawn = group_folds(np.array(groups), folds, seed).tolist()
    assert len(set(zip(groups, drawn, strict=True))) == len(set(groups))
    assert set(drawn) == set(range(min(folds, len(set(groups)))))
