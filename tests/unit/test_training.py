import numpy as np
import pytest
from numpy.typing import NDArray

from features.events import Rejection
from features.keypoints import Bools, Int32s, Ints
from features.sequence import CATALOGUE, COLUMN, MISSING
from models.bundle import Band, Bundle, dump
from models.calibration import check_calibration
from models.scorecard import check_scorecard
from models.training import MODELS, RAISING, ModelName, _edges, _folds, _prepared, _try, train

LOSS_PPM_MAX = 5_000
DESCRIBING = [column for column in range(len(CATALOGUE)) if column not in RAISING]


def additive_problem(rows: int = 4_000, seed: int = 0) -> tuple[Int32s, Bools, Ints]:
    """Labels whose log-odds are a sum of monotone effects; half of the values 0, some missing."""
    rng = np.random.default_rng(seed)
    values = np.zeros((rows, len(CATALOGUE)), np.int32)
    logit: NDArray[np.float64] = np.full(rows, -3.5)
    for column in RAISING:
        high = CATALOGUE[column].high
        values[:, column] = np.minimum(high, rng.exponential(high / 5, rows)) * (rng.random(rows) < 0.5)
        logit += rng.uniform(0.5, 2) * np.log1p(8 * values[:, column] / high)
        values[rng.random(rows) < 0.05, column] = MISSING
    return values, rng.random(rows) < 1 / (1 + np.exp(-logit)), rng.integers(0, 120, rows)


def packed(values: Int32s, labels: Bools, groups: Ints, seed: int) -> bytes:
    trained = train(values, labels, groups, seed)
    bands = (Band("low", 0, 0), Band("elevated", 200, 150), Band("high", 400, 350))
    return dump(Bundle(1, trained.scorecard, trained.calibration, bands, training=trained.report))


def some_of(problem: tuple[Int32s, Bools, Ints]) -> tuple[Int32s, Bools, Ints]:
    values, labels, groups = problem
    return values[:1_500].copy(), labels[:1_500], groups[:1_500]


@pytest.fixture(scope="module")
def problem() -> tuple[Int32s, Bools, Ints]:
    return additive_problem()


def test_the_scorecard_keeps_what_the_model_knows(problem: tuple[Int32s, Bools, Ints]) -> None:
    trained = train(*problem, seed=3)
    check_scorecard(trained.scorecard)
    check_calibration(trained.calibration)
    assert trained.report.auc_loss_ppm <= LOSS_PPM_MAX
    assert trained.report.auc_scorecard_ppm > 800_000
    assert trained.report.calibration_error_ppm < 50_000
    assert sum(scored.points[-1] for scored in trained.scorecard.features) == 1_000


@pytest.mark.parametrize("model", MODELS)
def test_either_model_loses_little_as_a_scorecard(problem: tuple[Int32s, Bools, Ints], model: ModelName) -> None:
    rows = _prepared(*problem)
    trial = _try(MODELS[model], rows, _folds(rows, 3), 3)
    assert trial.auc_model - trial.auc_scorecard <= LOSS_PPM_MAX / 1e6


@pytest.mark.parametrize("model", MODELS)
def test_models_are_additive_and_monotone(problem: tuple[Int32s, Bools, Ints], model: ModelName) -> None:
    rows = _prepared(*problem)
    logit = MODELS[model](rows.values, rows.labels, rows.weighing, _edges(rows.values), 3)
    some = rows.values[:200]
    nothing = logit(np.zeros((1, len(RAISING)), np.int32))
    effects = [logit(np.where(np.arange(len(RAISING)) == column, some, 0)) - nothing for column in range(len(RAISING))]
    assert np.allclose(logit(some), np.sum(effects, axis=0) + nothing)
    for column, spec in enumerate(CATALOGUE[at] for at in RAISING):
        rising = np.zeros((spec.high + 1, len(RAISING)), np.int32)
        rising[:, column] = np.arange(spec.high + 1)
        assert (np.diff(logit(rising)) >= -1e-9).all()


def test_the_same_rows_in_any_order_and_seed_give_the_same_bytes(problem: tuple[Int32s, Bools, Ints]) -> None:
    values, labels, groups = some_of(problem)
    order = np.random.default_rng(1).permutation(len(labels))
    assert packed(values, labels, groups, 5) == packed(values[order], labels[order], groups[order], 5)


def test_what_only_describes_never_enters(problem: tuple[Int32s, Bools, Ints]) -> None:
    values, labels, groups = some_of(problem)
    plain = packed(values, labels, groups, 5)
    values[:, DESCRIBING] = labels[:, None] * 500
    assert packed(values, labels, groups, 5) == plain


def test_missing_is_the_lowest_value(problem: tuple[Int32s, Bools, Ints]) -> None:
    values, labels, groups = some_of(problem)
    assert (values == MISSING).any()
    assert packed(values, labels, groups, 5) == packed(np.maximum(values, 0), labels, groups, 5)


def test_what_lowers_a_label_gets_no_points(problem: tuple[Int32s, Bools, Ints]) -> None:
    values, labels, groups = some_of(problem)
    values[:, COLUMN["crouch_60s"]] = np.where(labels, 0, 900)
    values[:, COLUMN["head_turns_60s"]] = np.where(labels, MISSING, 30)
    scored = {scored.feature for scored in train(values, labels, groups, 5).scorecard.features}
    assert scored
    assert not scored & {"crouch_60s", "head_turns_60s"}


def test_labels_without_cause_still_give_a_valid_bundle() -> None:
    values = np.zeros((40, len(CATALOGUE)), np.int32)
    trained = train(values, np.arange(40) % 2 == 0, np.arange(40) // 4, 0)
    assert trained.scorecard.features == ()
    assert trained.scorecard.scores(values).tolist() == [0] * 40
    assert trained.report.auc_scorecard_ppm == 500_000


def test_a_single_group_cannot_be_judged() -> None:
    values = np.zeros((4, len(CATALOGUE)), np.int32)
    with pytest.raises(Rejection, match="groups: expected two folds"):
        train(values, np.array([True, False, True, False]), np.zeros(4, np.int64), 0)
