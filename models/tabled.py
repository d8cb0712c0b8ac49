"""A small additive model as tables of integers: the same probability of the same values on every machine."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from features.events import Name, Rejection
from features.keypoints import Int32s, Int64s, Ints
from models.calibration import Calibration, check_calibration
from models.scorecard import SCORE_MAX

MILLILOGITS = 1_000
MILLILOGITS_OF_POINT = 10  # calibration is of points: 0 at -5 logits, 1,000 at 5
LARGEST = 20_000

Edge = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Effect = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]


class Effects(Struct, frozen=True, forbid_unknown_fields=True):
    """What a value adds: `millilogits[b]` from `edges[b - 1]` up to, not including, `edges[b]`; edges ascend."""

    value: Name
    edges: tuple[Edge, ...]
    millilogits: Annotated[tuple[Effect, ...], Meta(min_length=1)]


class Tabled(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The effects of each value, whose sum is a logit, and how often what had such a logit was what is looked for."""

    effects: Annotated[tuple[Effects, ...], Meta(min_length=1)]
    calibration: Calibration

    @cached_property
    def _tables(self) -> list[tuple[Int64s, Int32s]]:
        return [(np.array(one.edges, np.int64), np.array(one.millilogits, np.int32)) for one in self.effects]

    def millilogits(self, values: Ints) -> Int32s:
        """(rows,) of values (rows, effects)."""
        given = [
            effects[np.searchsorted(edges, column, "right")]
            for (edges, effects), column in zip(self._tables, values.T, strict=True)
        ]
        total: Int32s = np.sum(given, axis=0, dtype=np.int32)
        return total

    def permille(self, values: Ints) -> Int32s:
        """(rows,) the probability, permille, of values (rows, effects)."""
        return self.calibration.probability_permille(points_of(self.millilogits(values)))


def points_of(millilogits: Ints) -> Int32s:
    """(rows,) 0..1000, as calibrations take them."""
    points: Int32s = np.clip(millilogits // MILLILOGITS_OF_POINT + SCORE_MAX // 2, 0, SCORE_MAX).astype(np.int32)
    return points


def check_tabled(tabled: Tabled, values: Sequence[str], field: str) -> None:
    """Refuses a model of other values, or one that is no function of them.

    Raises:
        Rejection: naming the first wrong field below `field`.
    """
    names = [one.value for one in tabled.effects]
    if names != list(values):
        raise Rejection(f"{field}.effects", f"those of {', '.join(values)}", ", ".join(names))
    for at, one in enumerate(tabled.effects):
        if any(lower >= upper for lower, upper in pairwise(one.edges)):
            raise Rejection(f"{field}.effects[{at}].edges", "ascending edges", str(list(one.edges)))
        if len(one.millilogits) != len(one.edges) + 1:
            expected = f"{len(one.edges) + 1} values"
            raise Rejection(f"{field}.effects[{at}].millilogits", expected, str(len(one.millilogits)))
    check_calibration(tabled.calibration, f"{field}.calibration")
