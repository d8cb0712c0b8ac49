"""Runs of rows that belong together, such as the frames of one second of one track, reduced in one call."""

from dataclasses import dataclass
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
