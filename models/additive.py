"""An additive model of small data: a smooth effect of each value, whose sum is a logit, and nothing else."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Bools, Ints
from models.evaluation import Groups, f1, held_out

Floats = NDArray[np.float64]

QUANTILES = 40
SCORE_MAX = 3.0  # standard deviations; what is further out is all the same
BEND = 0.25  # of the kernel exp(-BEND d^2): two values 2 deviations apart have .37 to do with each other
EVIDENCE = 12.0  # weight of the labels against the size of the effects
STEPS_MAX, STEP_MIN = 50, 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """Values as normal scores: by how many standard deviations as unusual a normal variable would be off.

    Attributes:
        quantiles: (features, QUANTILES) of what was learned from, ascending.
    """

    quantiles: Floats

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The scale of values (rows, features)."""
        return cls(np.quantile(values, np.linspace(0, 1, QUANTILES), axis=0).T)

    def scores(self, values: Floats) -> Floats:
        """(rows, features) within 3 deviations, of values (rows, features)."""
        columns = [np.interp(column, at, _NORMAL) for column, at in zip(values.T, self.quantiles, strict=True)]
        return np.asarray(np.clip(np.stack(columns, axis=1), -SCORE_MAX, SCORE_MAX))


_LEVELS = np.linspace(0, 1, QUANTILES).clip(1e-3, 1 - 1e-3)
_NORMAL = np.array([NormalDist().inv_cdf(level) for level in _LEVELS.tolist()])


@dataclass(frozen=True, slots=True)
class Additive:
    """Kernel logistic regression with a kernel that is a mean over features, so that each has an effect of its own.

    Attributes:
        scale: of the values.
        rows: (learned, features) normal scores of what was learned from.
        weights: (learned,).

    Source: Wahba 1990, chapters 1 and 10 (smoothing splines, additive models); fitted as in Zhu and Hastie 2005
    (J. Comput. Graph. Stat. 14:185).
    """

    scale: Scale
    rows: Floats
    weights: Floats

    @classmethod
    def fit(cls, values: Floats, labels: Bools) -> Self:
        """The model of values (rows, features) and labels (rows,)."""
        return cls._fit(values, labels)[0]

    @classmethod
    def _fit(cls, values: Floats, labels: Bools) -> tuple[Self, Floats]:
        """The model, and the kernel of what it learned from."""
        scale = Scale.of(values)
        rows = scale.scores(values)
        kernel = _kernel(rows, rows)
        return cls(scale, rows, _weights(kernel, labels)), kernel

    @classmethod
    def with_threshold(cls, values: Floats, labels: Bools, groups: Groups) -> tuple[Self, float]:
        """The model, and the logit above which to flag: F1 is best there if each group is judged by the others."""
        model, kernel = cls._fit(values, labels)
        return model, best_threshold(left_out(kernel, model.weights, labels, groups), labels)

    def logits(self, values: Floats) -> Floats:
        """(rows,) the sums of the effects."""
        return np.asarray(_kernel(self.scale.scores(values), self.rows) @ self.weights)

    def effects(self, scores: Floats) -> Floats:
        """(rows, features) what each value adds to the logit, of normal scores."""
        kernels = map(_kernel_of_one, scores.T, self.rows.T)
        effects: Floats = np.stack([kernel @ self.weights for kernel in kernels], axis=1) / scores.shape[1]
        return effects


def _kernel(rows: Floats, others: Floats) -> Floats:
    """(rows, others) the mean over the features."""
    total = np.zeros((len(rows), len(others)))
    for column, other in zip(rows.T.astype(np.float32), others.T.astype(np.float32), strict=True):
        total += _kernel_of_one(column, other)
    mean: Floats = total / rows.shape[1]
    return mean


def _kernel_of_one(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """(rows, others) of one feature."""
    apart: NDArray[Any] = rows[:, None] - others
    apart *= apart
    apart *= -BEND
    np.exp(apart, out=apart)
    return apart


def _weights(kernel: Floats, labels: Bools) -> Floats:
    """The weights w that make half of w K w plus EVIDENCE times the log loss of K w smallest, by Newton's method."""
    logits = np.zeros(len(labels))
    for _ in range(STEPS_MAX):
        noise, aims = _step(logits, labels)
        weights: Floats = np.asarray(np.linalg.solve(kernel + np.diag(noise), aims), np.float64)
        before, logits = logits, np.asarray(kernel @ weights)
        if np.abs(logits - before).max() < STEP_MIN:
            break
    return weights


def _step(logits: Floats, labels: Bools) -> tuple[Floats, Floats]:
    """A least squares problem with the same next step: (rows,) variances of noise, and what logits aim at."""
    likely = probability(logits)
    spread = np.maximum(likely * (1 - likely), 1e-9)
    return 1 / (EVIDENCE * spread), logits + (labels - likely) / spread


def left_out(kernel: Floats, weights: Floats, labels: Bools, groups: Groups) -> Floats:
    """(rows,) about the logits that rows get without their own group: exact for the last step of Newton's method.

    Args:
        kernel: (rows, rows).
        weights: (rows,) learned with it.
        labels: (rows,).
        groups: (rows,) what is left out together, mirror images with their originals.

    Source: Rasmussen and Williams 2006, equations 5.10 to 5.12, with groups for single rows.
    """
    noise, aims = _step(kernel @ weights, labels)
    inverse = np.linalg.inv(kernel + np.diag(noise))
    logits = np.empty(len(labels))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        logits[rows] = aims[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], weights[rows])
    return logits


def best_threshold(logits: Floats, labels: Bools) -> float:
    """The logit above which flagging gives the largest F1; the lowest of equals."""
    thresholds = np.unique(logits)
    return float(thresholds[np.argmax([f1(logits > threshold, labels) for threshold in thresholds])])


class Unseen(NamedTuple):
    """What rows get from models that have not seen their group: (rows,) logits, and the threshold of each model."""

    logits: Floats
    thresholds: Floats

    @property
    def flagged(self) -> Bools:
        """(rows,) whether the logit is above the threshold."""
        return np.asarray(self.logits > self.thresholds)


def unseen(values: Floats, labels: Bools, groups: Groups, fold: Ints, mirrored: Floats | None = None) -> Unseen:
    """What each row gets from a model that has not seen its group; its threshold rests on what was learned from.

    Args:
        values: (rows, features).
        labels: (rows,).
        groups: (rows,) what must not be on both sides.
        fold: (rows,) which groups are judged together.
        mirrored: values of the same rows in a mirror, learned from as well.

    Raises:
        GroupOnBothSidesError: a group is spread over folds.
    """
    copies = [values] if mirrored is None else [values, mirrored]
    logits, thresholds = np.zeros((2, len(values)))
    for others, own in held_out(groups, fold):
        model, threshold = Additive.with_threshold(
            np.concatenate([copy[others] for copy in copies]),
            np.tile(labels[others], len(copies)),
            np.tile(groups[others], len(copies)),
        )
        logits[own], thresholds[own] = model.logits(values[own]), threshold
    return Unseen(logits, thresholds)


def unseen_logits(values: Floats, labels: Bools, groups: Groups, fold: Ints, mirrored: Floats | None = None) -> Floats:
    """(rows,) the logits of `unseen`."""
    return unseen(values, labels, groups, fold, mirrored).logits


def probability(logits: Floats) -> Floats:
    """(rows,) 0..1 of logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))
