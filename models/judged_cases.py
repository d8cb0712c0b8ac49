"""Judged cases: persons with a verdict, what was known of them by then, and what a bundle would have said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Bools, Int32s, Int64s, Ints
from features.sequence import COLUMN
from models.bundle import ELEVATED, HIGH, Bundle
from models.decision import judge

ABSTAINED = -1  # the score of a person of whom a bundle says nothing

UNTOLD = ""

Names = NDArray[np.str_]
Slices = Mapping[str, Names]
"""Ways to part persons, by name: (cases,) the name of the part each is in, `UNTOLD` where it cannot be told."""


class Said(NamedTuple):
    """What a bundle would have said of each case: (cases,) each.

    Attributes:
        row: the one of the highest score, of equal ones the last; -1 where it abstains from all.
        score: of that row, or `ABSTAINED`.
        probability_permille: that goes with it; 0 where it abstains.
        above_low: whether it would have been elevated or high at any time.
        alarmed: whether it would have been high with an objective event, at any time.
    """

    row: Int64s
    score: Int32s
    probability_permille: Int32s
    above_low: Bools
    alarmed: Bools


@dataclass(frozen=True)
class JudgedCases:
    """Persons with a verdict: (cases,) each, their rows one case after another.

    Attributes:
        values: (rows, features) in the catalogue's order, of instants up to the verdict.
        case: (rows,) place of each row's case, ascending.
        agreed: whether a reviewer found a look worthwhile.
        weights: for how many persons each stands, in thousandths.
        sampled: whether it is of the random sample.
        groups: text, the day and camera; never on both sides of a split.
        slices: ways to part them.
        camera_hours: of each group, how long somebody was seen there, in thousandths.
    """

    values: Int32s
    case: Int64s
    agreed: Bools
    weights: Ints
    sampled: Bools
    groups: Names
    slices: Slices
    camera_hours: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.agreed)

    @cached_property
    def hours(self) -> float:
        """Camera-hours of the groups of these cases."""
        return max(1, sum(self.camera_hours.get(group, 0) for group in np.unique(self.groups).tolist())) / 1_000

    def take(self, chosen: Bools) -> "JudgedCases":
        """The chosen cases (cases,) with their rows."""
        rows, place = chosen[self.case], np.cumsum(chosen) - 1
        return replace(
            self,
            values=self.values[rows],
            case=place[self.case[rows]],
            agreed=self.agreed[chosen],
            weights=self.weights[chosen],
            sampled=self.sampled[chosen],
            groups=self.groups[chosen],
            slices={name: part[chosen] for name, part in self.slices.items()},
        )

    def said(self, bundle: Bundle) -> Said:
        """What a bundle would have said."""
        judged = judge(self.values, bundle)
        scores = np.where(judged.abstained, ABSTAINED, judged.scores).astype(np.int32)
        row = self._highest(scores)
        score = np.where(row < 0, ABSTAINED, scores[row]).astype(np.int32)
        probability = np.where(row < 0, 0, bundle.calibration.probability_permille(np.maximum(score, 0)))
        called = (scores >= bundle.bands[HIGH].enter) & (judged.events > 0)
        above = score >= bundle.bands[ELEVATED].enter
        return Said(row, score, probability.astype(np.int32), above, np.bincount(self.case, called, len(self)) > 0)

    def observed_s(self, rows: Int64s) -> Int32s:
        """Seconds for which the person of each row had been seen."""
        return np.asarray(self.values[rows, COLUMN["observed_s"]])

    def _highest(self, scores: Int32s) -> Int64s:
        """(cases,) the row of the highest score that does not abstain, of equal ones the last; -1 without."""
        order = np.lexsort((np.arange(len(scores)), scores, self.case))
        last = np.searchsorted(self.case[order], np.arange(len(self)), "right") - 1
        there = (last >= 0) & (self.case[order[last]] == np.arange(len(self)))
        row = np.where(there, order[last], -1)
        return np.where(there & (scores[row] != ABSTAINED), row, -1).astype(np.int64)
