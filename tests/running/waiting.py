"""Waiting for a condition instead of for a time."""

import time
from collections.abc import Callable


class NotInTimeError(AssertionError):
    """Something that was waited for did not happen."""


def wait_for(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait for a condition: the seconds it took.

    Raises:
        NotInTimeError: it did not come true in time.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > within_s:
            raise NotInTimeError(f"{what}: not within {within_s:g} s")
        time.sleep(0.02)
    return time.monotonic() - start
