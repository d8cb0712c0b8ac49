"""Calibration: from a score to how often reviewers agreed with such a score."""

from functools import cached_property
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from features.events import Rejection
from features.keypoints import PERMILLE, Bools, Int32s, Ints
from models.evaluation import WEIGHT_OF_ONE
from models.scorecard import SCORE_MAX

ScorePoint = Annotated[int, Meta(ge=0, le=SCORE_MAX)]
Permille = Annotated[int, Meta(ge=0, le=PERMILLE)]


class Calibration(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Steps: from `scores[s]` on, a reviewer would agree with `permille[s]`. Both ascend, the first score is 0."""

    scores: Annotated[tuple[ScorePoint, ...], Meta(min_length=1)]
    permille: Annotated[tuple[Permille, ...], Meta(min_length=1)]

    @cached_property
    def _table(self) -> Int32s:
        steps = np.searchsorted(self.scores, np.arange(SCORE_MAX + 1), "right") - 1
        return np.array(self.permille, np.int32)[steps]

    def probability_permille(self, scores: Int32s) -> Int32s:
        """(rows,) int32 permille of reviewers that would agree, for scores (rows,) of 0..1000."""
        return self._table[scores]


def fit_calibration(scores: Ints, agreed: Bools, weights: Ints | None = None) -> Calibration:
    """The monotone steps closest to the labels, by pooling adjacent violators in exact integers.

    Nothing is certain: one more agreement at the lowest score and one more disagreement at the highest are assumed.

    Args:
        scores: (rows,) 0..1000, at least one.
        agreed: (rows,) bool, whether the reviewer agreed.
        weights: (rows,) for how many persons each stands, in thousandths; each for one without.

    Source: isotonic regression, Ayer et al. 1955 (Ann. Math. Statist. 26:641); for scores Zadrozny and Elkan 2002.
    """
    distinct, place = np.unique(scores, return_inverse=True)
    counted = np.full(len(scores), WEIGHT_OF_ONE) if weights is None else weights
    rows, agreements = np.zeros(len(distinct), np.int64), np.zeros(len(distinct), np.int64)
    np.add.at(rows, place, counted)
    np.add.at(agreements, place[agreed], counted[agreed])
    agreements[0] += WEIGHT_OF_ONE
    rows[0] += WEIGHT_OF_ONE
    rows[-1] += WEIGHT_OF_ONE
    pools: list[tuple[int, int, int]] = []
    for pool in zip(distinct.tolist(), agreements.tolist(), rows.tolist(), strict=True):
        pools.append(pool)
        while len(pools) > 1 and _out_of_order(*pools[-2:]):
            (start, *lower), (_, *upper) = pools[-2:]
            pools[-2:] = [(start, lower[0] + upper[0], lower[1] + upper[1])]
    return _steps(pools)


def _out_of_order(lower: tuple[int, int, int], upper: tuple[int, int, int]) -> bool:
    return lower[1] * upper[2] >= upper[1] * lower[2]


def _steps(pools: list[tuple[int, int, int]]) -> Calibration:
    permille = [(2 * PERMILLE * agreements + rows) // (2 * rows) for _, agreements, rows in pools]
    starts = [0, *(start for start, _, _ in pools[1:])]
    return Calibration(tuple(starts), tuple(permille))


def check_calibration(calibration: Calibration, field: str = "$.calibration") -> None:
    """Refuses steps that are not a monotone function of every score.

    Raises:
        Rejection: naming the first wrong field below `field`.
    """
    scores, permille = calibration.scores, calibration.permille
    if scores[0] or any(lower >= upper for lower, upper in pairwise(scores)):
        raise Rejection(f"{field}.scores", "ascending scores from 0 on", str(list(scores)))
    if len(permille) != len(scores):
        raise Rejection(f"{field}.permille", f"{len(scores)} values, one a score", str(len(permille)))
    if any(lower > upper for lower, upper in pairwise(permille)):
        raise Rejection(f"{field}.permille", "values that never fall", str(list(permille)))
