"""Runs of rows that belong together, such as the frames of one second of one track, reduced in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Int64s


@dataclass(frozen=True, slots=True)
class Runs:
    """Consecutive runs that cover all rows.

    Attributes:
        starts: (runs,) int64, ascending, the first row of each run; no run is empty.
        rows: how many rows there are.
    """

    starts: Int64s
    rows: int

    @property
    def counts(self) -> Int64s:
        """(runs,) rows in each run."""
        return np.diff(self.starts, append=self.rows)

    def sum(self, values: NDArray[Any]) -> Int64s:
        """(..., runs) exact sums of integers or bools (..., rows)."""
        return np.add.reduceat(values, self.starts, axis=-1, dtype=np.int64)

    def smallest(self, values: NDArray[Any]) -> NDArray[Any]:
        """(..., runs) smallest value of each run."""
        return np.minimum.reduceat(values, self.starts, axis=-1)

    def largest(self, values: NDArray[Any]) -> NDArray[Any]:
        """(..., runs) largest value of each run."""
        return np.maximum.reduceat(values, self.starts, axis=-1)

    def spread(self, per_run: NDArray[Any]) -> NDArray[Any]:
        """(..., rows) each run's value repeated over its rows."""
        return np.repeat(per_run, self.counts, axis=-1)

    def running_sum(self, values: NDArray[Any], before: NDArray[Any]) -> Int64s:
        """(..., rows) sums of integers or bools up to each row of its run, upon what (..., runs) was there before."""
        total = np.cumsum(values, axis=-1, dtype=np.int64)
        sums: Int64s = total - self.spread(total[..., self.starts] - values[..., self.starts] - before)
        return sums

    def running_largest(self, values: Int64s, before: NDArray[Any]) -> Int64s:
        """(rows,) largest up to each row of its run and of what (runs,) was there before."""
        raised = values.copy()
        raised[self.starts] = np.maximum(values[self.starts], before)
        apart = raised.max(initial=0) - raised.min(initial=0) + 1
        floor = self.spread(np.arange(len(self.starts)) * apart)
        largest: Int64s = np.maximum.accumulate(raised + floor) - floor
        return largest

    def previous(self, values: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
        """(..., rows) the value of the row before, and at the start of a run what (..., runs) was there before."""
        shifted = np.roll(values, 1, axis=-1)
        shifted[..., self.starts] = before
        return shifted

    @property
    def lasts(self) -> Int64s:
        """(runs,) the last row of each run."""
        return self.starts + self.counts - 1


@dataclass(frozen=True, slots=True)
class Waves:
    """Rows laid out in turns: what was before each run, then the first rows of all runs, then the second ones, and on.

    Longer runs stand first, so that a wave and what came just before it are two slices of the same length.

    Attributes:
        first: (runs,) where what was before a run stands.
        place: (rows,) where each row stands.
        spans: of each wave, where what came just before it stands and where itself.
    """

    first: Int64s
    place: Int64s
    spans: list[tuple[slice, slice]]

    @classmethod
    def of(cls, runs: Runs) -> "Waves":
        """The waves of runs."""
        counts = runs.counts
        first = np.empty(len(counts), np.int64)
        first[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        turn = np.arange(runs.rows) - runs.spread(runs.starts)
        width = np.bincount(turn)
        starts = len(counts) + np.cumsum(width) - width
        bounds = zip([0, *starts.tolist()], starts.tolist(), width.tolist(), strict=False)
        spans = [(slice(was, was + wide), slice(now, now + wide)) for was, now, wide in bounds]
        return cls(first, starts[turn] + runs.spread(first), spans)

    def lay(self, before: Sequence[Any], rows: Sequence[Any]) -> Int64s:
        """(columns, runs + rows) int64 laid out, from columns of (runs,) and of (rows,), or a number for all."""
        laid = np.empty((max(len(before), len(rows)), len(self.first) + len(self.place)), np.int64)
        for at, (old, new) in enumerate(zip_longest(before, rows, fillvalue=0)):
            laid[at, self.first], laid[at, self.place] = old, new
        return laid
