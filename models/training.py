"""Training: an additive model of what reviewers agreed with, turned into a scorecard and judged on unseen groups."""

import hashlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features.events import Rejection
from features.keypoints import Bools, Int32s, Int64s, Ints
from features.sequence import CATALOGUE
from models.bundle import TrainingReport
from models.calibration import Calibration
from models.calibration_learning import Calibrated, calibrate
from models.evaluation import WEIGHT_OF_ONE, auc, group_folds
from models.scorecard import SCORE_MAX, Scorecard, ScoredFeature, check_scorecard

FOLDS = 5
BINS = 48  # of one feature, at most
RIDGE = 1.0  # of the logistic regression's steps
SHAPE_UNITS = 1_000_000  # shapes are rounded to millionths of a logit
MILLION = 1_000_000

Floats = NDArray[np.float64]
Edges = list[Int64s]
Logit = Callable[[Ints], Floats]
ModelName = Literal["boosted", "logistic"]
Fit = Callable[[Ints, Bools, Floats, Edges, int], Logit]

RAISING = tuple(column for column, spec in enumerate(CATALOGUE) if spec.direction == "raises")


class Trained(NamedTuple):
    """What training yields; `unseen_scores` (rows,) are from scorecards that have not seen the row's group."""

    scorecard: Scorecard
    calibration: Calibration
    report: TrainingReport
    unseen_scores: Int32s


class _Rows(NamedTuple):
    """What is learned from; `order` is the place of each row in what came."""

    values: Ints
    labels: Bools
    groups: Ints
    weights: Ints
    order: Ints

    def take(self, chosen: Any) -> "_Rows":  # noqa: ANN401 - whatever indexes an array
        return _Rows(*(column[chosen] for column in self))

    @property
    def weighing(self) -> Floats:
        """(rows,) of mean 1."""
        return np.asarray(self.weights / self.weights.mean())


class _Trial(NamedTuple):
    """A kind of model over all folds: mean AUC of the model and of its scorecards, and these scores of each row."""

    auc_model: float
    auc_scorecard: float
    scores: Int32s


def train(values: Int32s, labels: Bools, groups: Ints, seed: int, weights: Ints | None = None) -> Trained:
    """The better of two additive models as a scorecard, the same bytes for the same rows and seed.

    Only features that may raise a score enter. A missing value counts as the lowest, so that it is never evidence.

    Args:
        values: (rows, features) in the catalogue's order.
        labels: (rows,) whether a reviewer agreed.
        groups: (rows,) what must not be both learned from and judged on, such as a visit or a site.
        seed: of the folds and of the trees.
        weights: (rows,) for how many persons each stands, in thousandths; each for one without.

    Raises:
        Rejection: if there are too few groups to judge on.
    """
    with threadpool_limits(1):
        rows = _prepared(values, labels, groups, weights)
        folds = _folds(rows, seed)
        trials = {name: _try(fit, rows, folds, seed) for name, fit in MODELS.items()}
        kept = max(trials, key=lambda name: trials[name].auc_model)
        edges = _edges(rows.values)
        scorecard = scorecard_of(MODELS[kept](rows.values, rows.labels, rows.weighing, edges, seed), edges)
        calibrated = calibrate(trials[kept].scores, rows.labels, rows.weights, folds)
    check_scorecard(scorecard)
    unseen = np.zeros(len(rows.labels), np.int32)
    unseen[rows.order] = trials[kept].scores
    return Trained(scorecard, calibrated.calibration, _report(kept, trials, rows, folds, calibrated, seed), unseen)


def _prepared(values: Int32s, labels: Bools, groups: Ints, weights: Ints | None = None) -> _Rows:
    """The scored columns in an order that does not depend on how the rows came."""
    scored = np.maximum(values[:, RAISING], 0).astype(np.int32)
    counted = np.full(len(labels), WEIGHT_OF_ONE) if weights is None else np.asarray(weights, np.int64)
    order = np.lexsort((counted, *scored.T, labels, groups))
    whole = _Rows(scored, np.asarray(labels, np.bool_), np.asarray(groups), counted, np.arange(len(labels)))
    return whole.take(order)


def _folds(rows: _Rows, seed: int) -> Ints:
    """(rows,) folds that all hold both classes, as many of at most five as the groups allow."""
    for folds in range(min(FOLDS, len(np.unique(rows.groups))), 1, -1):
        drawn = group_folds(rows.groups, folds, seed)
        if all(len(np.unique(rows.labels[drawn == fold])) == len((False, True)) for fold in range(folds)):
            return drawn
    raise Rejection("groups", "two folds of groups with both labels in each", f"{len(np.unique(rows.groups))} groups")


def _try(fit: Fit, rows: _Rows, folds: Ints, seed: int) -> _Trial:
    scores, aucs = np.zeros(len(rows.labels), np.int32), []
    for fold in range(int(folds.max()) + 1):
        seen, unseen = rows.take(folds != fold), rows.take(folds == fold)
        edges = _edges(seen.values)
        logit = fit(seen.values, seen.labels, seen.weighing, edges, seed)
        scores[folds == fold] = _scores(scorecard_of(logit, edges), unseen.values)
        ranked = logit(unseen.values), scores[folds == fold]
        aucs.append([auc(each, unseen.labels, unseen.weights) for each in ranked])
    auc_model, auc_scorecard = np.array(aucs).mean(axis=0).tolist()
    return _Trial(auc_model, auc_scorecard, scores)


def _scores(scorecard: Scorecard, values: Ints) -> Int32s:
    catalogue = np.zeros((len(values), len(CATALOGUE)), np.int32)
    catalogue[:, RAISING] = values
    return scorecard.scores(catalogue)


def _edges(values: Ints) -> Edges:
    """Where each feature's bins may start: its values above 0, or as many quantiles of these."""
    return [_quantiles(column[column > 0].astype(np.int64)) for column in values.T]


def _quantiles(values: Int64s) -> Int64s:
    distinct = np.unique(values)
    if len(distinct) <= BINS:
        return distinct
    return np.unique(np.sort(values)[np.arange(BINS) * len(values) // BINS])


def fit_boosted(values: Ints, labels: Bools, weighing: Floats, _edges: Edges, seed: int) -> Logit:
    """Boosted trees of one feature each whose effects never fall.

    Source: Friedman 2001 (Ann. Statist. 29:1189), as scikit-learn's HistGradientBoostingClassifier.
    """
    trees = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=300,
        max_leaf_nodes=4,
        l2_regularization=1.0,
        early_stopping=False,
        monotonic_cst=[1] * values.shape[1],
        interaction_cst="no_interactions",
        random_state=seed,
    ).fit(values, labels, weighing)

    def logit(rows: Ints) -> Floats:
        return np.asarray(trees.decision_function(rows))

    return logit


def fit_logistic(values: Ints, labels: Bools, weighing: Floats, edges: Edges, _seed: int) -> Logit:
    """Logistic regression on bins, each edge a step of at least 0, without BLAS.

    Source: isotonic coding after Tutz and Gertheiss 2016 (Stat. Model. 16:161).
    """
    starts = np.cumsum([1, *map(len, edges)])
    bins = _bins(values, edges)

    def logit_of(steps: Floats, bins: Ints) -> Floats:
        total = np.full(bins.shape[1], steps[0])
        for column, start, end in zip(bins, starts[:-1], starts[1:], strict=True):
            total += np.concatenate([[0.0], np.cumsum(steps[start:end])])[column]
        return total

    def loss(steps: Floats) -> tuple[float, Floats]:
        logits = logit_of(steps, bins)
        residual = weighing * (1 / (1 + np.exp(-logits)) - labels)
        slope = np.concatenate([[residual.sum()], *map(_above, bins, np.diff(starts), [residual] * len(bins))])
        held = np.concatenate([[0.0], RIDGE * steps[1:]])
        fitted = (weighing * np.logaddexp(0, logits)).sum() - (weighing * logits)[labels].sum()
        return float(fitted + (held * steps).sum() / 2), slope + held

    bounds = [(None, None)] + [(0, None)] * (int(starts[-1]) - 1)
    steps = minimize(loss, np.zeros(starts[-1]), jac=True, bounds=bounds, method="L-BFGS-B").x

    def logit(rows: Ints) -> Floats:
        return logit_of(steps, _bins(rows, edges))

    return logit


def _bins(values: Ints, edges: Edges) -> Ints:
    """(features, rows) bin of each value."""
    return np.array([np.searchsorted(starts, column, "right") for column, starts in zip(values.T, edges, strict=True)])


def _above(bins: Ints, steps: int, weights: Floats) -> Floats:
    """(steps,) sum of the weights of the rows in bins above each step."""
    per_bin = np.bincount(bins, weights, steps + 1)
    return np.asarray(np.cumsum(per_bin[::-1])[::-1][1:], np.float64)


MODELS: dict[ModelName, Fit] = {"logistic": fit_logistic, "boosted": fit_boosted}


def scorecard_of(logit: Logit, edges: Edges) -> Scorecard:
    """An additive model as integer points that make at most 1000 together.

    Laid end to end, the shapes of the features are one line; each edge's points are read off it, rounded, so that the
    largest points sum to 1000 exactly.

    Args:
        logit: of values (rows, raising features), the sum of one effect a feature.
        edges: of each raising feature, where its effect is read.
    """
    shapes = [_shape(logit, column, edges) for column in range(len(edges))]
    ends = np.cumsum([0, *(shape[-1] for shape in shapes)])
    scored = [
        _feature(CATALOGUE[column].name, starts, _points(before + shape, int(ends[-1])))
        for column, starts, shape, before in zip(RAISING, edges, shapes, ends[:-1], strict=True)
        if shape[-1]
    ]
    return Scorecard(tuple(feature for feature in scored if feature.points[-1]))


def _shape(logit: Logit, column: int, edges: Edges) -> Int64s:
    """(edges + 1,) effect of a feature at 0 and at each of its edges, in millionths of a logit, the first 0."""
    rows = np.zeros((len(edges[column]) + 1, len(edges)), np.int32)
    rows[1:, column] = edges[column]
    effects = logit(rows)
    rounded = np.rint((effects - effects[0]) * SHAPE_UNITS).astype(np.int64)
    return np.asarray(np.maximum.accumulate(rounded))


def _points(line: Int64s, length: int) -> Int64s:
    read = (2 * SCORE_MAX * line + length) // (2 * length)
    return np.asarray(read - read[0])


def _feature(name: str, edges: Int64s, points: Int64s) -> ScoredFeature:
    """The bins of different points."""
    rises = np.flatnonzero(np.diff(points))
    return ScoredFeature(name, tuple(edges[rises].tolist()), (0, *points[rises + 1].tolist()))


def _report(
    kept: ModelName, trials: dict[ModelName, _Trial], rows: _Rows, folds: Ints, calibrated: Calibrated, seed: int
) -> TrainingReport:
    trial = trials[kept]
    return TrainingReport(
        model=kept,
        seed=seed,
        folds=int(folds.max()) + 1,
        rows=len(rows.labels),
        positives=int(rows.labels.sum()),
        groups=len(np.unique(rows.groups)),
        values_sha256=_digest(rows),
        auc_boosted_ppm=_ppm(trials["boosted"].auc_model),
        auc_logistic_ppm=_ppm(trials["logistic"].auc_model),
        auc_scorecard_ppm=_ppm(trial.auc_scorecard),
        auc_loss_ppm=_ppm(trial.auc_model) - _ppm(trial.auc_scorecard),
        calibration_error_ppm=_ppm(calibrated.error),
        calibration=calibrated.kind,
        brier_isotonic_ppm=_ppm(calibrated.brier["isotonic"]),
        brier_beta_ppm=_ppm(calibrated.brier["beta"]),
    )


def _digest(rows: _Rows) -> str:
    columns = [rows.values.astype("<i4"), rows.labels.astype("u1"), rows.groups.astype("<i8")]
    if (rows.weights != WEIGHT_OF_ONE).any():
        columns.append(rows.weights.astype("<i8"))
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def _ppm(share: float) -> int:
    return round(share * MILLION)
