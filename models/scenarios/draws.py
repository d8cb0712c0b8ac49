"""Random numbers that are the same bits on every machine: uniform ones, and sums of uniform integers."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T")

_SUMMED = 12  # uniform numbers of variance 1/12 each
_LEVELS = 1 << 16


class Draws:
    """A stream of draws of its own for each seed, such as (seed, visit); no logarithm or root of a library in it."""

    def __init__(self, *seed: int) -> None:
        self._generator = Generator(PCG64(seed))

    def uniform(self, low: float, high: float) -> float:
        """A number of `[low, high)`."""
        return low + (high - low) * float(self._generator.random())

    def whole(self, low: int, high: int) -> int:
        """An integer of `[low, high]`."""
        return int(self._generator.integers(low, high, endpoint=True))

    def chance(self, permille: int) -> bool:
        """True so many times in a thousand."""
        return self.whole(0, 999) < permille

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.whole(0, len(options) - 1)]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """Different options in a random order, all of them if there are no more than `count`."""
        order = np.argsort(self.uniforms(len(options)), kind="stable")
        return [options[at] for at in order[:count].tolist()]

    def uniforms(self, *shape: int) -> Floats:
        """Independent numbers of `[0, 1)`."""
        return self._generator.random(shape)

    def normals(self, *shape: int) -> Floats:
        """Independent numbers of mean 0 and variance 1, none beyond 6.

        Source: sum of twelve uniform numbers, after the Irwin-Hall distribution (Irwin 1927, Hall 1927).
        """
        summed = self._generator.integers(0, _LEVELS, (_SUMMED, *shape), np.uint16).sum(axis=0, dtype=np.int32)
        normals: Floats = (summed - _SUMMED * (_LEVELS - 1) / 2) / _LEVELS
        return normals
