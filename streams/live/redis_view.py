"""The live view in Redis, where every worker writes and everyone may look."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import redis
from redis.exceptions import NoScriptError

from streams.kafka.areas import Areas
from streams.live.items import items_of
from streams.live.redis_layout import (
    READ,
    WRITE,
    Script,
    decoded,
    patterns,
    read_arguments,
    value_key,
    write_arguments,
)
from streams.live.view import (
    ITEMS_MAX,
    Answer,
    Item,
    LiveAlert,
    LiveCamera,
    LivePage,
    LivePerson,
    News,
    Withdrawal,
    open_alerts,
)
from streams.settings import Live

Kind = TypeVar("Kind", bound=Item)
KEYS_AT_ONCE = 1_000


class RedisView:
    """The live view below a prefix in Redis; every method is one round trip.

    `client` answers in bytes, `now` is the wall clock in ms. A view that is only read needs no areas. All methods raise
    redis.RedisError where Redis does not answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        live: Live,
        areas: Areas,
        now: Callable[[], int],
        items_max: int = ITEMS_MAX,
    ) -> None:
        self._client, self._prefix = client, prefix
        self._live, self._areas, self._now, self._most = live, areas, now, items_max

    def apply(self, news: News) -> None:
        """Take news in; repeated and superseded news change nothing."""
        self.take(items_of(news, self._live, self._areas))

    def take(self, items: Iterable[Item]) -> None:
        """Take items in, each if it is newer than what is held of its name."""
        self._call(WRITE, list(write_arguments(self._prefix, items, self._now(), self._most)))

    def ranked(self, limit: int, area: str | None = None) -> list[LivePerson]:
        """Persons, those worth a look first at the top."""
        return self._read((LivePerson, limit, area))[0]

    def person(self, name: str) -> LivePerson | None:
        """A person's latest score, if it is shown."""
        value: Any = self._client.get(value_key(self._prefix, LivePerson, name))
        return next(iter(decoded(LivePerson, [value] if value else [])), None)

    def alerts(self, area: str | None = None) -> list[LiveAlert]:
        """Open alerts, the latest first."""
        return open_alerts(*self._read(*self._of_alerts(area)))

    def cameras(self, area: str | None = None) -> list[LiveCamera]:
        """The cameras' health, by name."""
        return self._read((LiveCamera, self._most, area))[0]

    def page(self, limit: int, area: str | None = None) -> LivePage:
        """Persons, open alerts and cameras."""
        wanted = ((LivePerson, limit, area), *self._of_alerts(area), (LiveCamera, self._most, area))
        persons, alerts, withdrawals, answers, cameras = self._read(*wanted)
        return LivePage(persons, open_alerts(alerts, withdrawals, answers), cameras)

    def expire(self, now_ms: int) -> None:
        """Drop what expires at or before a time of the wall clock."""
        self._call(WRITE, list(write_arguments(self._prefix, (), now_ms, self._most)))

    def clear(self) -> None:
        """Remove all of the view, and nothing else, from Redis."""
        for pattern in patterns(self._prefix):
            keys = list[bytes]()
            for key in self._client.scan_iter(match=pattern, count=KEYS_AT_ONCE):
                keys.append(key)
                if len(keys) == KEYS_AT_ONCE:
                    self._client.unlink(*keys)
                    keys.clear()
            if keys:
                self._client.unlink(*keys)

    def _of_alerts(self, area: str | None) -> tuple[tuple[type[Item], int, str | None], ...]:
        return (LiveAlert, self._most, area), (Withdrawal, self._most, None), (Answer, self._most, None)

    def _read(self, *wanted: tuple[type[Any], int, str | None]) -> list[list[Any]]:
        values = self._call(READ, [read_arguments(self._prefix, *each) for each in wanted])
        return [decoded(kind, found) for (kind, _, _), found in zip(wanted, values, strict=True)]

    def _call(self, script: Script, calls: list[tuple[Any, ...]]) -> list[Any]:
        """What a script answers to each call; Redis is given the script again if it has forgotten it."""
        for again in (False, True):
            pipeline = self._client.pipeline(transaction=False)
            if again:
                pipeline.script_load(script.text)
            for arguments in calls:
                pipeline.evalsha(script.sha, 0, *arguments)
            answers: list[Any] = pipeline.execute(raise_on_error=False)[again:]
            wrong = [answer for answer in answers if isinstance(answer, Exception)]
            if not wrong:
                return answers
            if again or not isinstance(wrong[0], NoScriptError):
                break
        raise wrong[0]
