"""The wall clock; read here and nowhere else, for showing progress and speed, never for a score."""

import time


def now_ms() -> int:
    """Milliseconds since 1970 by the wall clock, as messages and log lines are stamped."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds of a clock that nobody sets, for how long ago something was."""
    return time.monotonic()


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start
