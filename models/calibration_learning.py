"""Which kind of calibration holds on groups that it has not seen, and beta calibration, the smooth one of the two."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.keypoints import PERMILLE, Bools, Int32s, Ints
from models.calibration import Calibration, fit_calibration
from models.evaluation import WEIGHT_OF_ONE, brier, calibration_error
from models.scorecard import SCORE_MAX

SLOPES_FREE = ([0, 1, 2], [0, 2], [1, 2], [2])  # a slope that would fall is 0
RIDGE = 1e-9  # for scores that are all the same
STEPS_MAX, STEP_MIN, LOGIT_MAX = 100, 1e-9, 500.0

CalibrationKind = Literal["isotonic", "beta"]
Floats = NDArray[np.float64]


class Calibrated(NamedTuple):
    """The calibration that was kept, of all rows, and what was measured on rows of other folds.

    Attributes:
        error: of the kept kind, over ten bins.
        brier: of each kind.
        permille: (rows,) of the kept kind, from calibrations that were learned on the other folds.
    """

    calibration: Calibration
    kind: CalibrationKind
    error: float
    brier: dict[CalibrationKind, float]
    permille: Int32s


def calibrate(scores: Ints, agreed: Bools, weights: Ints, folds: Ints) -> Calibrated:
    """The kind whose probabilities are closer to the labels of folds it has not seen; of equal ones the steps.

    Args:
        scores: (rows,) 0..1000, of models that have not seen the row.
        agreed: (rows,) bool.
        weights: (rows,) for how many persons each stands, in thousandths.
        folds: (rows,) 0, 1, ...
    """
    unseen = {kind: _unseen(fit, scores, agreed, weights, folds) for kind, fit in KINDS.items()}
    off = {kind: brier(permille, agreed, weights) for kind, permille in unseen.items()}
    kept = min(KINDS, key=lambda kind: off[kind])
    error = calibration_error(unseen[kept], agreed, weights)
    return Calibrated(KINDS[kept](scores, agreed, weights), kept, error, off, unseen[kept])


def fit_beta(scores: Ints, agreed: Bools, weights: Ints | None = None) -> Calibration:
    """A smooth rise of three numbers, written as steps of a permille.

    As by `fit_calibration`, one agreement at the lowest score and one disagreement at the highest are assumed besides.

    Args:
        scores: (rows,) 0..1000, at least one.
        agreed: (rows,) bool, whether the reviewer agreed.
        weights: (rows,) for how many persons each stands, in thousandths; each for one without.

    Source: beta calibration, Kull et al. 2017 (AISTATS), the logit a ln s - b ln(1 - s) + c with a, b of at least 0.
    """
    counted = np.full(len(scores), WEIGHT_OF_ONE) if weights is None else weights
    known = _logarithms(np.concatenate([scores, [scores.min(), scores.max()]]))
    labels = np.concatenate([agreed, [True, False]]).astype(np.float64)
    weighing = np.concatenate([counted, [WEIGHT_OF_ONE] * 2]) / counted.sum()
    fits = [_curve(known, labels, weighing, free) for free in SLOPES_FREE]
    slopes = min((fit for fit in fits if (fit[:2] >= 0).all()), key=lambda fit: _loss(known, labels, weighing, fit))
    return _as_steps(_likely(_logarithms(np.arange(SCORE_MAX + 1)), slopes))


def _curve(known: Floats, labels: Floats, weighing: Floats, free: list[int]) -> Floats:
    """(3,) what makes the loss smallest by Newton's method, where all but the free ones are 0."""
    slopes = np.zeros(known.shape[1])
    used = known[:, free]
    for _ in range(STEPS_MAX):
        likely = _likely(known, slopes)
        rise = (used * (weighing * (likely - labels))[:, None]).sum(axis=0) + RIDGE * slopes[free]
        bend = (used[:, :, None] * used[:, None, :] * (weighing * likely * (1 - likely))[:, None, None]).sum(axis=0)
        step = np.zeros(len(slopes))
        step[free] = np.linalg.solve(bend + RIDGE * np.eye(len(free)), rise)
        before = _loss(known, labels, weighing, slopes)
        while _loss(known, labels, weighing, slopes - step) > before and np.abs(step).max() > STEP_MIN:
            step /= 2
        slopes = slopes - step
        if np.abs(step).max() <= STEP_MIN:
            break
    return slopes


def _loss(known: Floats, labels: Floats, weighing: Floats, slopes: Floats) -> float:
    logits = (known * slopes).sum(axis=1)
    return float((weighing * (np.logaddexp(0, logits) - labels * logits)).sum() + RIDGE * (slopes**2).sum() / 2)


def _likely(known: Floats, slopes: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip((known * slopes).sum(axis=1), -LOGIT_MAX, LOGIT_MAX))))


def _logarithms(scores: Ints) -> Floats:
    """(rows, 3) ln s, -ln(1 - s) and 1 of scores brought between 0 and 1."""
    share = (scores + 0.5) / (SCORE_MAX + 1)
    return np.stack([np.log(share), -np.log1p(-share), np.ones(len(scores))], axis=1)


def _as_steps(likely: Floats) -> Calibration:
    """The calibration of the probabilities of all scores."""
    permille = np.maximum.accumulate(np.clip(np.rint(PERMILLE * likely), 1, PERMILLE - 1).astype(np.int64))
    starts = np.flatnonzero(np.diff(permille, prepend=-1))
    return Calibration(tuple(starts.tolist()), tuple(permille[starts].tolist()))


KINDS: dict[CalibrationKind, Callable[[Ints, Bools, Ints], Calibration]] = {
    "isotonic": fit_calibration,
    "beta": fit_beta,
}


def _unseen(fit: Callable[[Ints, Bools, Ints], Calibration], scores: Ints, *others: NDArray[Any]) -> Int32s:
    """(rows,) permille from calibrations that were learned on the other folds."""
    agreed, weights, folds = others
    permille = np.zeros(len(scores), np.int32)
    for fold in np.unique(folds):
        seen, unseen = folds != fold, folds == fold
        permille[unseen] = fit(scores[seen], agreed[seen], weights[seen]).probability_permille(scores[unseen])
    return permille
