"""How well scores rank and probabilities hold, with intervals and folds of whole groups."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.keypoints import PERMILLE, Bools, Ints

RELIABILITY_BINS = 10
WEIGHT_OF_ONE = 1_000  # weights say for how many persons a row stands, in thousandths
DRAWS = 1_000
INTERVAL_PERCENT = (2.5, 97.5)

Floats = NDArray[np.float64]
Groups = NDArray[Any]


class Interval(NamedTuple):
    """Where 95 % of the bootstrap's values lie; nan where it had none."""

    low: float
    high: float


class GroupOnBothSidesError(Exception):
    """A group was learned from and judged on."""


def auc(scores: NDArray[Any], labels: Bools, weights: Ints | None = None) -> float:
    """Share of pairs of a positive and a negative row that the scores put in the right order, ties half.

    Args:
        scores: (rows,) numbers, larger is more positive.
        labels: (rows,) bool.
        weights: (rows,) for how much each counts; all for the same without.

    Returns:
        0..1; nan where one of the classes is empty.

    Source: the Mann-Whitney statistic over mid-ranks, Hanley and McNeil 1982 (Radiology 143:29).
    """
    counted = np.ones(len(labels), np.int64) if weights is None else weights
    distinct, place = np.unique(scores, return_inverse=True)
    right = np.bincount(place[labels], counted[labels], len(distinct))
    wrong = np.bincount(place[~labels], counted[~labels], len(distinct))
    pairs = right.sum() * wrong.sum()
    return float((right * (2 * wrong.cumsum() - wrong)).sum() / (2 * pairs)) if pairs else float("nan")


def roc(scores: NDArray[Any], labels: Bools) -> tuple[Floats, Floats]:
    """The share of negative and of positive rows that reach each threshold, from none to all.

    Args:
        scores: (rows,) numbers, larger is more positive.
        labels: (rows,) bool, both classes among them.

    Returns:
        (distinct scores + 1,) false positive and true positive rates, ascending; their area is `auc`.
    """
    distinct, place = np.unique(-scores, return_inverse=True)
    right = np.bincount(place[labels], minlength=len(distinct)).cumsum()
    wrong = np.bincount(place[~labels], minlength=len(distinct)).cumsum()
    return np.concatenate([[0.0], wrong / wrong[-1]]), np.concatenate([[0.0], right / right[-1]])


def f1(flagged: Bools, labels: Bools) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is flagged rightly."""
    right = int((flagged & labels).sum())
    return 2 * right / max(1, int(flagged.sum()) + int(labels.sum()))


def bootstrap(figure: Callable[[Ints], float], groups: Groups, seed: int, draws: int = DRAWS) -> Interval:
    """The interval of a figure over which groups happened to be in the data.

    Args:
        figure: of row numbers, some of them several times; nan where it has none, such as without a positive.
        groups: (rows,) what is drawn as a whole: a video, a person, a source.
        seed: of the draws.
        draws: how many.

    Source: percentile bootstrap over clusters, Efron and Tibshirani 1993, chapters 13 and 8.
    """
    _, place = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    drawn = group_draws(len(members), seed, draws)
    values = np.array([figure(np.concatenate([members[group] for group in each])) for each in drawn])
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, INTERVAL_PERCENT).tolist() if len(known) else (float("nan"), float("nan"))
    return Interval(low, high)


def group_draws(groups: int, seed: int, draws: int = DRAWS) -> Iterator[Ints]:
    """(groups,) places of groups, drawn with replacement, so many times."""
    random = np.random.default_rng(seed)
    return (random.integers(0, groups, groups) for _ in range(draws))


def rate_interval(count: int, hours: float) -> Interval:
    """Where a rate an hour lies with 95 %, of so many events in so many hours.

    Source: Garwood 1936 (Biometrika 28:437), with the quantiles of Wilson and Hilferty 1931 (PNAS 17:684); exact for 0.
    """
    if not count:
        return Interval(0.0, -float(np.log(0.025)) / hours)
    low, high = (
        degree * (1 - 1 / (9 * degree) + sign * 1.96 / (3 * float(np.sqrt(degree)))) ** 3
        for degree, sign in ((count, -1), (count + 1, 1))
    )
    return Interval(low / hours, high / hours)


def refuse_shared(learned_from: Groups, judged_on: Groups) -> None:
    """Makes sure that no group is on both sides of a split.

    Raises:
        GroupOnBothSidesError: naming some of those that are.
    """
    shared = np.intersect1d(learned_from, judged_on)
    if len(shared):
        some = ", ".join(map(str, shared[:5].tolist()))
        raise GroupOnBothSidesError(f"expected groups to learn from or to judge on, got {len(shared)} in both: {some}")


def held_out(groups: Groups, fold: Ints) -> Iterator[tuple[Ints, Ints]]:
    """For each fold the rows of all others, to learn from, and its own, to judge on.

    Args:
        groups: (rows,) what must not be on both sides.
        fold: (rows,) as `group_folds` gives it, or one number a group.

    Raises:
        GroupOnBothSidesError: a group is spread over folds.
    """
    for each in np.unique(fold):
        seen, unseen = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        refuse_shared(groups[seen], groups[unseen])
        yield seen, unseen


def calibration_error(probability_permille: Ints, labels: Bools, weights: Ints | None = None) -> float:
    """Expected calibration error over ten bins of equal width.

    Args:
        probability_permille: (rows,) 0..1000.
        labels: (rows,) bool.
        weights: (rows,) for how much each counts, whole numbers; all for the same without.

    Returns:
        0..1, mean distance of what was said from what came true; 0 without rows.

    Source: Naeini et al. 2015 (AAAI-15).
    """
    counted = np.ones(len(labels), np.int64) if weights is None else weights
    bins = np.minimum(probability_permille * RELIABILITY_BINS // PERMILLE, RELIABILITY_BINS - 1)
    surplus = np.zeros(RELIABILITY_BINS, np.int64)
    np.add.at(surplus, bins, counted * (probability_permille.astype(np.int64) - PERMILLE * labels.astype(np.int64)))
    return int(np.abs(surplus).sum()) / (PERMILLE * max(1, int(counted.sum())))


def chance_error(probability_permille: Ints, seed: int, draws: int = DRAWS) -> float:
    """The calibration error that probabilities show on so few rows though each of them is right: less cannot be told.

    Args:
        probability_permille: (rows,) 0..1000.
        seed: of the labels that are drawn by them.
        draws: how often.
    """
    random = np.random.default_rng(seed)
    drawn = (random.integers(0, PERMILLE, len(probability_permille)) < probability_permille for _ in range(draws))
    return float(np.mean([calibration_error(probability_permille, labels) for labels in drawn]))


def brier(probability_permille: Ints, labels: Bools, weights: Ints | None = None) -> float:
    """Mean squared distance of probabilities from what came true, 0..1; 0 without rows.

    Source: Brier 1950 (Mon. Weather Rev. 78:1).
    """
    counted = np.ones(len(labels), np.int64) if weights is None else weights
    off = probability_permille.astype(np.int64) - PERMILLE * labels.astype(np.int64)
    return int((counted * off * off).sum()) / (PERMILLE * PERMILLE * max(1, int(counted.sum())))


def precision_recall(flagged: Bools, labels: Bools) -> tuple[float, float]:
    """Share of the flagged rows that are positive, and of the positive rows that are flagged; nan where none is."""
    right = int((flagged & labels).sum())
    return _share(right, int(flagged.sum())), _share(right, int(labels.sum()))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def group_folds(groups: Groups, folds: int, seed: int) -> Ints:
    """(rows,) fold 0..folds-1 of each row, whole groups together, drawn by the seed."""
    names, place = np.unique(groups, return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % folds
    return np.asarray(fold_of_group[place])
