"""Making tables of an additive model that was learned from few groups, with probabilities of groups it had not seen."""

from collections.abc import Callable, Sequence

import numpy as np

from features.keypoints import Bools, Int32s, Ints
from models.additive import Additive, probability
from models.calibration import Calibration, fit_calibration
from models.evaluation import Groups, group_folds, held_out
from models.tabled import LARGEST, MILLILOGITS, Effects, Tabled, points_of

BINS = 32
FOLDS = 5
SEED = 1
STEPS = 20  # of Newton's method

Part = tuple[Ints, Bools]
Learner = Callable[[Sequence[str], Ints, Bools], tuple[Effects, ...]]


def learn_tabled(
    names: Sequence[str],
    values: Ints,
    labels: Bools,
    groups: Groups,
    *,
    mirrored: Part | None = None,
    learn: Learner | None = None,
) -> Tabled:
    """The tables of a model, calibrated on what models of other groups say.

    Args:
        names: of the values.
        values: (rows, values).
        labels: (rows,) what is looked for.
        groups: (rows,) what must not be on both sides.
        mirrored: values and labels of the same rows in a mirror, learned from as well.
        learn: the effects; without one, `effects_of`.
    """
    learn = learn or effects_of
    copies = [(values, labels), *([mirrored] if mirrored else [])]
    whole = np.concatenate([copy for copy, _ in copies]), np.concatenate([labels for _, labels in copies])
    effects, twice = learn(names, *whole), np.tile(groups, len(copies))
    unseen = np.zeros(len(twice), np.int32)
    for seen, own in held_out(twice, group_folds(twice, FOLDS, SEED)):
        part = learn(names, whole[0][seen], whole[1][seen])
        unseen[own] = Tabled(part, Calibration((0,), (0,))).millilogits(whole[0][own])
    return Tabled(effects, fit_calibration(points_of(unseen), whole[1]))


def effects_of(names: Sequence[str], values: Ints, labels: Bools) -> tuple[Effects, ...]:
    """The effects that an additive model learns, read off in the middle of each of at most 32 bins.

    Args:
        names: of the values.
        values: (rows, values) to learn from.
        labels: (rows,).
    """
    model = Additive.fit(values.astype(np.float64), labels)
    bins = [_bins(column) for column in values.T]
    most = max(len(middles) for _, middles in bins)
    grid = np.stack([np.resize(middles, most) for _, middles in bins], axis=1)
    read = np.rint(MILLILOGITS * model.effects(model.scale.scores(grid)))
    return tuple(
        Effects(name, tuple(edges.tolist()), tuple(_limited(column[: len(middles)])))
        for name, (edges, middles), column in zip(names, bins, read.T, strict=True)
    )


def straight_effects_of(names: Sequence[str], values: Ints, labels: Bools) -> tuple[Effects, ...]:
    """Straight effects that are 0 at 0, as of what a mirror turns round; read off as those of `effects_of` are.

    Args:
        names: of the values.
        values: (rows, values) to learn from, with their mirror images.
        labels: (rows,).

    Source: logistic regression with a penalty of half the squared slopes, a value's root mean square as its unit.
    """
    unit = np.maximum(np.sqrt(np.mean(np.square(values, dtype=np.float64), axis=0)), 1)
    rows, slopes = values / unit, np.zeros(values.shape[1])
    for _ in range(STEPS):
        likely = probability(rows @ slopes)
        curved = (rows * (likely * (1 - likely))[:, None]).T @ rows + np.eye(len(slopes))
        slopes += np.linalg.solve(curved, rows.T @ (labels - likely) - slopes)
    bins = [_bins(column) for column in values.T]
    return tuple(
        Effects(name, tuple(edges.tolist()), tuple(_limited(np.rint(MILLILOGITS * slope * middles).astype(np.int32))))
        for name, (edges, middles), slope in zip(names, bins, slopes / unit, strict=True)
    )


def _bins(column: Ints) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Where bins of about as many rows begin, and the median of each."""
    edges = np.unique(np.quantile(column, np.arange(1, BINS) / BINS, method="higher").astype(np.int64))
    edges = edges[edges > column.min()]
    place = np.searchsorted(edges, column, "right")
    return edges, np.array([np.median(column[place == at]) for at in range(len(edges) + 1)])


def _limited(column: Int32s) -> list[int]:
    return [int(value) for value in np.clip(column, -LARGEST, LARGEST)]
