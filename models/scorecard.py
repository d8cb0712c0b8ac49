"""The scorecard: points for the bins of a few features, and the score as their exact sum."""

from bisect import bisect_right
from functools import cached_property
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from features.events import Rejection
from features.keypoints import Int32s, Int64s
from features.sequence import CATALOGUE, COLUMN, MISSING, FeatureSpec

SCORE_MAX = 1_000

Points = Annotated[int, Meta(ge=0, le=SCORE_MAX)]
Edge = Annotated[int, Meta(ge=1)]


class Contribution(Struct, frozen=True, gc=False):
    """What one feature added to a score, and the value it added it for, in the feature's unit."""

    feature: str
    value: int
    unit: str
    points: int


class Change(Struct, frozen=True, gc=False):
    """A feature whose value, had it been `at_most` instead, would have saved `points`."""

    feature: str
    value: int
    at_most: int
    unit: str
    points: int


class ScoredFeature(Struct, frozen=True, forbid_unknown_fields=True):
    """A feature and its points: `points[b]` for values from `edges[b - 1]` up to, not including, `edges[b]`.

    Edges ascend and start above 0, points never fall and start at 0. So a higher value never lowers a score, and
    `MISSING`, which lies below every edge, never raises one.
    """

    feature: str
    edges: Annotated[tuple[Edge, ...], Meta(min_length=1)]
    points: Annotated[tuple[Points, ...], Meta(min_length=2)]

    @property
    def spec(self) -> FeatureSpec:
        """The feature's entry in the catalogue."""
        return CATALOGUE[COLUMN[self.feature]]

    def points_at(self, value: int) -> int:
        """The points of a value."""
        return self.points[bisect_right(self.edges, value)]

    def least_change(self, value: int, needed: int) -> Change | None:
        """The change that saves the least points that are at least `needed`, or none if all of them are fewer."""
        before = self.points_at(value)
        kept = bisect_right(self.points, before - needed)
        if not kept:
            return None
        return Change(self.feature, value, self.edges[kept - 1] - 1, self.spec.unit, before - self.points[kept - 1])


class Scorecard(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """An additive scorecard in integers: `base` and the points of each feature, together at most 1000."""

    features: tuple[ScoredFeature, ...]
    base: Points = 0

    @cached_property
    def columns(self) -> Int64s:
        """(scored features,) place of each in the catalogue."""
        return np.array([COLUMN[scored.feature] for scored in self.features], np.int64)

    @cached_property
    def _units(self) -> tuple[tuple[str, str], ...]:
        return tuple((scored.feature, scored.spec.unit) for scored in self.features)

    @cached_property
    def _highest(self) -> Int32s:
        return np.array([scored.spec.high for scored in self.features], np.int32)

    @cached_property
    def _table(self) -> Int32s:
        """The points of every value from `MISSING` to the largest, feature after feature."""
        tables = [
            np.array(scored.points, np.int32)[np.searchsorted(scored.edges, np.arange(MISSING, high + 1), "right")]
            for scored, high in zip(self.features, self._highest.tolist(), strict=True)
        ]
        return np.concatenate(tables) if tables else np.zeros(0, np.int32)

    @cached_property
    def _offsets(self) -> Int64s:
        """Where in the table each feature's value 0 stands."""
        lengths = self._highest.astype(np.int64) + 1 - MISSING
        return np.cumsum(lengths) - lengths - MISSING

    def contributions(self, values: Int32s) -> Int32s:
        """Points of each scored feature.

        Args:
            values: (rows, features) in the catalogue's order.

        Returns:
            (rows, scored features) int32, in the scorecard's order.
        """
        scored = np.clip(values[:, self.columns], MISSING, self._highest)
        points: Int32s = self._table[scored + self._offsets]
        return points

    def scores(self, values: Int32s) -> Int32s:
        """(rows,) int32 0..1000: `base` and all contributions, exactly, of values (rows, features)."""
        return self.totals(self.contributions(values))

    def totals(self, contributions: Int32s) -> Int32s:
        """(rows,) int32 scores of contributions (rows, scored features)."""
        totals: Int32s = contributions.sum(axis=1, dtype=np.int32) + np.int32(self.base)
        return totals

    def reasons(self, values: list[int], points: list[int]) -> list[Contribution]:
        """One row's contributions by name, the largest first, without those of no points.

        Args:
            values: of the scored features, in the scorecard's order.
            points: the row of `contributions`.
        """
        named = [
            Contribution(feature, value, unit, given)
            for (feature, unit), value, given in zip(self._units, values, points, strict=True)
            if given
        ]
        return sorted(named, key=lambda contribution: -contribution.points)

    def counterfactual(self, values: list[int], threshold: int) -> list[Change]:
        """The smallest change that would have brought the score under a threshold.

        One feature if one suffices, the one that has to give up the fewest points; else the fewest features, those
        with the most points whole and the last of them as little as suffices.

        Args:
            values: one row's values of the scored features, in the scorecard's order.
            threshold: 1..1000, in points.

        Returns:
            The changes in the order they are made; none if the score is below already or `base` alone is not.
        """
        if threshold <= self.base:
            return []
        pairs = zip(self.features, values, strict=True)
        given = [(points, scored, value) for scored, value in pairs if (points := scored.points_at(value))]
        given.sort(key=lambda entry: -entry[0])
        needed = self.base + sum(points for points, _, _ in given) - threshold + 1
        return _fewest_changes(given, needed) if needed > 0 else []


def _fewest_changes(given: list[tuple[int, ScoredFeature, int]], needed: int) -> list[Change]:
    whole: list[Change] = []
    for at, (points, scored, value) in enumerate(given):
        enough = [change for _, each, its in given[at:] if (change := each.least_change(its, needed))]
        if enough:
            return [*whole, min(enough, key=lambda change: change.points)]
        if change := scored.least_change(value, points):
            whole.append(change)
        needed -= points
    return []


def check_scorecard(scorecard: Scorecard, field: str = "$.scorecard") -> None:
    """Refuses a scorecard that could punish what may not be punished, or that could leave 0..1000.

    Raises:
        Rejection: naming the first wrong field below `field`.
    """
    names = [scored.feature for scored in scorecard.features]
    for at, scored in enumerate(scorecard.features):
        path = f"{field}.features[{at}]"
        if scored.feature in names[:at]:
            raise Rejection(f"{path}.feature", "each feature once", f"{scored.feature} again")
        _check_feature(scored, path)
    largest = scorecard.base + sum(scored.points[-1] for scored in scorecard.features)
    if largest > SCORE_MAX:
        raise Rejection(field, f"base and largest points of at most {SCORE_MAX} together", str(largest))


def _check_feature(scored: ScoredFeature, path: str) -> None:
    if scored.feature not in COLUMN:
        raise Rejection(f"{path}.feature", "a feature of the catalogue", scored.feature)
    if scored.spec.direction != "raises":
        raise Rejection(
            f"{path}.feature", "a feature that may raise a score", f"{scored.feature}, which only describes"
        )
    if any(lower >= upper for lower, upper in pairwise(scored.edges)):
        raise Rejection(f"{path}.edges", "ascending edges", str(list(scored.edges)))
    if scored.edges[-1] > scored.spec.high:
        raise Rejection(f"{path}.edges", f"edges of at most {scored.spec.high}", str(scored.edges[-1]))
    if len(scored.points) != len(scored.edges) + 1:
        raise Rejection(f"{path}.points", f"{len(scored.edges) + 1} points", str(len(scored.points)))
    if scored.points[0] or any(lower > upper for lower, upper in pairwise(scored.points)):
        raise Rejection(f"{path}.points", "points that start at 0 and never fall", str(list(scored.points)))
