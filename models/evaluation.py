"""How well scores rank and probabilities hold: AUC, calibration error, precision and recall, folds of whole groups."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.keypoints import PERMILLE, Bools, Ints

RELIABILITY_BINS = 10


def auc(scores: NDArray[Any], labels: Bools) -> float:
    """Share of pairs of a positive and a negative row that the scores put in the right order, ties half.

    Args:
        scores: (rows,) numbers, larger is more positive.
        labels: (rows,) bool.

    Returns:
        0..1; nan where one of the classes is empty.

    Source: the Mann-Whitney statistic over mid-ranks, Hanley and McNeil 1982 (Radiology 143:29).
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    twice_ranks = 2 * counts.cumsum() - counts + 1
    twice_won = int(twice_ranks[place[labels]].sum()) - positives * (positives + 1)
    return twice_won / (2 * positives * negatives)


def calibration_error(probability_permille: Ints, labels: Bools) -> float:
    """Expected calibration error over ten bins of equal width.

    Args:
        probability_permille: (rows,) 0..1000.
        labels: (rows,) bool.

    Returns:
        0..1, mean distance of what was said from what came true; 0 without rows.

    Source: Naeini et al. 2015 (AAAI-15).
    """
    bins = np.minimum(probability_permille * RELIABILITY_BINS // PERMILLE, RELIABILITY_BINS - 1)
    surplus = np.zeros(RELIABILITY_BINS, np.int64)
    np.add.at(surplus, bins, probability_permille.astype(np.int64) - PERMILLE * labels.astype(np.int64))
    return int(np.abs(surplus).sum()) / (PERMILLE * max(1, len(labels)))


def precision_recall(flagged: Bools, labels: Bools) -> tuple[float, float]:
    """Share of the flagged rows that are positive, and of the positive rows that are flagged; nan where none is."""
    right = int((flagged & labels).sum())
    return _share(right, int(flagged.sum())), _share(right, int(labels.sum()))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def group_folds(groups: Ints, folds: int, seed: int) -> Ints:
    """(rows,) fold 0..folds-1 of each row, whole groups together, drawn by the seed."""
    names, place = np.unique(groups, return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % folds
    return np.asarray(fold_of_group[place])
