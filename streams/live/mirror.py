"""What a worker shows: its own view at once, and the same in Redis as soon as Redis takes it."""

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct

from streams import clock
from streams.kafka.areas import Areas
from streams.live.items import items_of
from streams.live.memory import MemoryView
from streams.live.redis_writer import RedisWriter
from streams.live.view import LiveAlert, LiveCamera, LivePerson, News
from streams.operations.logs import logger
from streams.settings import Live, Redis

PERSONS_SHOWN = 100

log = logger("live")


class LiveJson(Struct, frozen=True):
    """What /live answers.

    Attributes:
        time_ms: now, by the wall clock.
        redis: whether Redis has all of this, or `none` where the settings name none.
        persons: those worth a look first.
        alerts: the open ones, the latest first.
        cameras: by name.
    """

    time_ms: int
    redis: Literal["up", "down", "none"]
    persons: list[LivePerson]
    alerts: list[LiveAlert]
    cameras: list[LiveCamera]


class Mirror:
    """The live view of one worker; `now` is the wall clock in ms.

    `offer`, `start` and `stop` belong to the worker's event loop, `as_json` may be called by any thread.

    Attributes:
        view: what this worker knows.
    """

    def __init__(self, live: Live, areas: Areas, redis: Redis | None, now: Callable[[], int] = clock.now_ms) -> None:
        self.view = MemoryView(live, areas, now)
        self._live, self._areas, self._now = live, areas, now
        self._writer = RedisWriter(redis, self.view.items, now) if redis else None

    @property
    def up(self) -> bool | None:
        """Whether Redis has all of the view; None without Redis, and before it was first tried."""
        return self._writer.up if self._writer else None

    @property
    def text(self) -> str:
        """How it stands with Redis, in words."""
        return self._writer.text if self._writer else "the settings name no Redis: only this worker has its live view"

    def offer(self, news: News) -> None:
        """Show news at once, and in Redis as soon as possible; waits for nothing and never raises."""
        try:
            items = items_of(news, self._live, self._areas)
            self.view.take(items)
            if self._writer:
                self._writer.queue(items)
        except Exception:  # the view must not stop the work
            log.exception("news are not in the live view")

    def forget(self, is_gone: Callable[[str], bool]) -> None:
        """Show persons no more; `vigil erase-topics` takes them out of Redis."""
        self.view.forget(is_gone)

    def as_json(self, limit: int = PERSONS_SHOWN, area: str | None = None) -> bytes:
        """A `LiveJson` of now with at most `limit` persons."""
        redis: Literal["up", "down", "none"] = "none" if self._writer is None else "up" if self.up else "down"
        page = self.view.page(limit, area)
        return msgspec.json.encode(LiveJson(self._now(), redis, page.persons, page.alerts, page.cameras))

    async def start(self) -> None:
        """Begin to write to Redis, if the settings name one."""
        if self._writer:
            self._writer.start()

    async def stop(self, within_s: float = 2.0) -> None:
        """Write what waits, as far as it goes in the time, and end."""
        if self._writer:
            await self._writer.stop(within_s)
