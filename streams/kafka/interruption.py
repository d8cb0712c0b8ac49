"""Ending a command where it is safe: what is at hand is finished, and the next signal ends it at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the program was asked to end, while `with Interruption()` is entered; in the main thread only."""

    def __init__(self) -> None:
        self._asked = False
        self._before = dict[signal.Signals, Any]()

    def __call__(self) -> bool:
        """Whether it was asked."""
        return self._asked

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def never() -> bool:
    """For whoever is not to be interrupted."""
    return False
