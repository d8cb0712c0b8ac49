"""Items on their way to Redis: in order, in the background, and whole again after every loss.

Nothing waits for Redis and nothing fails with it. Whatever Redis missed while it was away, too slow or emptied is made
good by writing everything that is known once more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from streams.kafka.clients import redis_client_async
from streams.live.redis_layout import ITEMS_PER_SCRIPT, WRITE, mirror_key, write_arguments
from streams.live.view import Item
from streams.operations.logs import logger
from streams.settings import Redis, hide_credentials

WAITING_MAX = 20_000  # items; beyond it everything that is known is written instead
WRITE_WITHIN_S = 5.0
LOOK_EVERY_S = 1.0  # whether Redis is there and whole, while there is no news
AGAIN_AFTER_S = 0.1  # the first wait; each is twice the one before
AGAIN_AFTER_MAX_S = 5.0
MARK_MS = 60_000

log = logger("live")


class RedisWriter:
    """Writes items to Redis; `known` gives all that there is to know, `now` the wall clock in ms.

    Attributes:
        up: whether Redis has all of it; None before it was first tried.
    """

    def __init__(self, redis: Redis, known: Callable[[], list[Item]], now: Callable[[], int]) -> None:
        self.up: bool | None = None
        self._redis, self._known, self._now = redis, known, now
        self._mark = mirror_key(redis.prefix, uuid4().hex)
        self._waiting = deque[Item]()
        self._whole = True  # everything that is known has to be written
        self._news, self._idle = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def text(self) -> str:
        """How it stands, in words."""
        where = hide_credentials(self._redis.url)
        if self.up is None:
            return f"Redis at {where} was not tried yet"
        if self.up:
            return f"Redis at {where} has the live view"
        return f"Redis at {where} does not answer; it gets the whole live view when it does, and no score waits for it"

    def queue(self, items: list[Item]) -> None:
        """Have items written after those that wait."""
        self._idle.clear()
        if not self._whole:
            self._waiting += items
        if len(self._waiting) > WAITING_MAX:
            self._write_whole()
        self._news.set()

    def start(self) -> None:
        """Begin to write, in the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live-view")

    async def stop(self, within_s: float) -> None:
        """Write what waits, as far as it goes in the time, and end."""
        if self._task is None:
            return
        if self.up is not False:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), within_s)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    async def _run(self) -> None:
        wait_s = AGAIN_AFTER_S
        while True:
            try:
                async with redis_client_async(self._redis) as client:
                    client.set_retry(Retry(NoBackoff(), 0))
                    await self._write_on(client)
            except Exception as error:  # noqa: BLE001 - the view must not stop the work
                wait_s = AGAIN_AFTER_S if self.up else min(2 * wait_s, AGAIN_AFTER_MAX_S)
                self._lost(error)
            await asyncio.sleep(wait_s)

    async def _write_on(self, client: AsyncRedis) -> None:
        """Write what comes, until Redis is lost."""
        while True:
            if self._whole:
                await self._write_known(client)
            elif self._waiting:
                part = min(len(self._waiting), ITEMS_PER_SCRIPT)
                await self._write(client, [self._waiting.popleft() for _ in range(part)])
            else:
                self._idle.set()
                self._news.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S)
                if not self._waiting:
                    await self._write(client, [])

    async def _write_known(self, client: AsyncRedis) -> None:
        """Write everything; the mark comes first, so Redis being emptied meanwhile is seen by its absence."""
        async with asyncio.timeout(WRITE_WITHIN_S):
            await client.set(self._mark, b"", px=MARK_MS)
        self._whole = False
        known = self._known()
        for start in range(0, len(known), ITEMS_PER_SCRIPT):
            await self._write(client, known[start : start + ITEMS_PER_SCRIPT])
        if not self._whole:
            self._found()

    async def _write(self, client: AsyncRedis, items: list[Item]) -> None:
        """Write some items in one round trip, two where Redis does not know the script."""
        calls = list(write_arguments(self._redis.prefix, items, self._now()))
        answers = await self._send(client, calls, load=False)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            answers = await self._send(client, calls, load=True)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        if not answers[0]:
            self._write_whole()

    async def _send(self, client: AsyncRedis, calls: list[tuple[Any, ...]], *, load: bool) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        pipeline.pexpire(self._mark, MARK_MS)
        if load:
            pipeline.script_load(WRITE.text)
        for arguments in calls:
            pipeline.evalsha(WRITE.sha, 0, *arguments)
        async with asyncio.timeout(WRITE_WITHIN_S):
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    def _write_whole(self) -> None:
        self._idle.clear()
        self._waiting.clear()
        self._whole = True

    def _found(self) -> None:
        if not self.up:
            log.info("redis has the live view", redis=hide_credentials(self._redis.url))
        self.up = True

    def _lost(self, error: Exception) -> None:
        if self.up is not False:
            why = str(error) or type(error).__name__
            log.warning("redis lost, the work goes on", redis=hide_credentials(self._redis.url), why=why)
        self.up = False
        self._write_whole()
