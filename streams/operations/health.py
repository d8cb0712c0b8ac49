"""Whether a worker lives and whether it is ready, as an orchestrator asks."""

import sys
from collections.abc import Iterator
from threading import get_ident
from types import FrameType

from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily

from streams import clock
from streams.operations.logs import without_secrets

STACK_SHOWN = 12
LOOP = "loop"


class Condition(Struct, frozen=True):
    """One thing that must hold before a worker is ready."""

    name: str
    ok: bool
    text: str


class Liveness(Struct, frozen=True):
    """Whether the worker's loop moves.

    Attributes:
        alive: it moved within the limit.
        text: the same in words.
        silent_s: seconds since it last moved, to the millisecond.
        limit_s: how long it may be silent; with more it is not alive.
        stuck_at: innermost last, the functions and lines in which the loop's thread is, while it is not alive.
    """

    alive: bool
    text: str
    silent_s: float
    limit_s: float
    stuck_at: list[str]


class Readiness(Struct, frozen=True):
    """Whether all conditions hold, and each of them."""

    ready: bool
    conditions: list[Condition]


class Health:
    """Liveness and readiness; the worker's loop tells, any thread may ask.

    `stuck_after_s` is how long the loop may go without a beat: longer than its longest round.
    """

    def __init__(self, stuck_after_s: float = 30.0) -> None:
        self._limit_s = stuck_after_s
        self._beat_at = clock.monotonic()
        self._thread = get_ident()
        self._conditions: dict[str, Condition] = {}

    def beat(self) -> None:
        """Say from the loop that it moves."""
        self._beat_at = clock.monotonic()
        self._thread = get_ident()

    def set(self, name: str, ok: bool, text: str) -> None:  # noqa: FBT001 - it is the value
        """Say whether a condition holds, and in words what is so or is missing."""
        self._conditions[name] = Condition(name, ok, without_secrets(text))

    def liveness(self) -> Liveness:
        """Whether the loop moves, and if not, where it is stuck."""
        silent_s = round(clock.monotonic() - self._beat_at, 3)
        alive = silent_s <= self._limit_s
        stuck_at = [] if alive else _stack(self._thread)
        text = f"the loop moved {silent_s:.1f} s ago"
        if not alive:
            where = f", in {stuck_at[-1]}" if stuck_at else ", its thread has ended"
            text = f"the loop has not moved for {silent_s:.3f} s, expected at most {self._limit_s:g} s{where}"
        return Liveness(alive, text, silent_s, self._limit_s, stuck_at)

    def readiness(self) -> Readiness:
        """Whether all conditions hold, the loop's moving among them; not before the first was told."""
        alive = self.liveness()
        told = [*self._conditions.copy().values()]
        ready = alive.alive and bool(told) and all(condition.ok for condition in told)
        return Readiness(ready, [Condition(LOOP, alive.alive, alive.text), *told])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The same for Prometheus."""
        text = "Seconds since the worker's loop last moved; /healthz fails beyond the limit."
        yield GaugeMetricFamily("vigil_loop_silence_seconds", text, clock.monotonic() - self._beat_at)
        text = "1 for each condition of /readyz that holds, 0 for each that does not."
        ready = GaugeMetricFamily("vigil_ready", text, labels=["condition"])
        for condition in self.readiness().conditions:
            ready.add_metric([condition.name], condition.ok)
        yield ready


def _stack(thread: int) -> list[str]:
    """Where a thread is, innermost last: names and lines, no values."""
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001 - documented, for just this
    places: list[str] = []
    while frame is not None and len(places) < STACK_SHOWN:
        places.append(f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return places[::-1]
