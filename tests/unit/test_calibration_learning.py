import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.keypoints import Bools, Ints
from models.calibration import check_calibration, fit_calibration
from models.calibration_learning import KINDS, CalibrationKind, calibrate, fit_beta
from models.evaluation import auc, brier, calibration_error

LABELLED = st.lists(st.tuples(st.integers(0, 1_000), st.booleans(), st.integers(1, 9)), min_size=1, max_size=40)


def columns(labelled: list[tuple[int, bool, int]]) -> tuple[Ints, Bools, Ints]:
    scores, agreed, times = zip(*labelled, strict=True)
    return np.array(scores), np.array(agreed), np.array(times)


def drawn_by(likely: NDArray[np.float64], seed: int = 1) -> Bools:
    return np.random.default_rng(seed).random(len(likely)) < likely


@pytest.mark.parametrize("kind", KINDS)
@given(labelled=LABELLED)
def test_both_kinds_are_calibrations_that_are_certain_of_nothing(
    kind: CalibrationKind, labelled: list[tuple[int, bool, int]]
) -> None:
    scores, agreed, times = columns(labelled)
    calibration = KINDS[kind](scores, agreed, 1_000 * times)
    check_calibration(calibration)
    assert calibration.permille[0] > 0
    assert calibration.permille[-1] < 1_000


@pytest.mark.parametrize("kind", KINDS)
@given(labelled=LABELLED)
def test_a_weight_is_as_many_rows(kind: CalibrationKind, labelled: list[tuple[int, bool, int]]) -> None:
    scores, agreed, times = columns(labelled)
    weighted = KINDS[kind](scores, agreed, 1_000 * times)
    repeated = KINDS[kind](np.repeat(scores, times), np.repeat(agreed, times), np.full(int(times.sum()), 1_000))
    at = scores.astype(np.int32)
    off = np.abs(weighted.probability_permille(at) - repeated.probability_permille(at)).max()
    assert off <= (0 if kind == "isotonic" else 10)  # where nothing tells a curve from others, it ends a little beside


@given(labelled=LABELLED)
def test_a_weight_is_as_many_rows_in_every_figure(labelled: list[tuple[int, bool, int]]) -> None:
    scores, agreed, times = columns(labelled)
    repeated, labels = np.repeat(scores, times), np.repeat(agreed, times)
    for figure in (auc, brier, calibration_error):
        assert figure(scores, agreed, times) == pytest.approx(figure(repeated, labels), nan_ok=True)


def test_beta_finds_the_curve_it_was_made_of() -> None:
    scores = np.random.default_rng(0).integers(0, 1_001, 40_000)
    share = (scores + 0.5) / 1_001
    likely = 1 / (1 + np.exp(-(1.5 * np.log(share) - 0.5 * np.log1p(-share) - 0.7)))
    told = fit_beta(scores, drawn_by(likely)).probability_permille(scores.astype(np.int32)) / 1_000
    assert np.abs(told - likely).max() < 0.02


@pytest.mark.parametrize(("kind", "rows"), [("beta", 1_000), ("isotonic", 40_000)])
def test_the_kind_is_kept_that_holds_on_other_folds(kind: str, rows: int) -> None:
    scores = np.random.default_rng(2).integers(0, 1_001, rows)
    smooth, stairs = scores / 1_000, np.where(scores < 300, 0.05, np.where(scores < 320, 0.8, 0.82))
    agreed = drawn_by(smooth if kind == "beta" else stairs)
    found = calibrate(scores, agreed, np.full(rows, 1_000), np.arange(rows) % 5)
    assert found.kind == kind
    assert found.brier[found.kind] == min(found.brier.values())
    assert found.error < 0.06


def test_rows_of_one_weight_are_rows_without_weights() -> None:
    scores, agreed = np.array([0, 10, 10, 400, 900]), np.array([False, False, True, True, True])
    assert fit_calibration(scores, agreed) == fit_calibration(scores, agreed, np.full(5, 1_000))
