"""Watching the live view: the sources it comes from, and the screen that follows it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event
from typing import Protocol

import redis
from kafka.errors import KafkaError
from rich.console import Console
from rich.live import Live as Screen

from features.site import Site
from streams.clock import Stopwatch
from streams.kafka.areas import Areas
from streams.kafka.clients import redis_client
from streams.kafka.reach import reach_kafka, reach_redis
from streams.kafka.refusal import RefusedError
from streams.live.memory import MemoryView
from streams.live.redis_view import RedisView
from streams.live.table import Frame, live_table
from streams.live.topics_reader import TopicsReader
from streams.live.view import LivePage
from streams.settings import Settings

EVERY_S = 1.0
PERSONS_MAX = 300


class Source(Protocol):
    """Where a live view comes from: its name, and why it is not up to date, empty where it is."""

    name: str
    trouble: str

    def page(self, area: str | None) -> LivePage:
        """The view now, or as it last was."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class RedisSource:
    """The view that workers write to Redis."""

    name = "Redis"

    def __init__(self, view: RedisView) -> None:
        self.trouble = ""
        self._view = view
        self._page, self._read = LivePage([], [], []), Stopwatch()

    def page(self, area: str | None) -> LivePage:
        """The view now, or as it last was."""
        try:
            self._page, self._read, self.trouble = self._view.page(PERSONS_MAX, area), Stopwatch(), ""
        except redis.RedisError:
            self.trouble = f"Redis does not answer; as it was {self._read.seconds:.0f} s ago"
        return self._page

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        Event().wait(seconds)


class TopicsSource:
    """A view of one's own, from the topics; of cameras' health these say nothing."""

    name = "the topics, which do not tell how cameras are"

    def __init__(self, topics: TopicsReader, view: MemoryView) -> None:
        self.trouble = ""
        self._topics, self._view = topics, view
        for items in topics.items_so_far():
            view.take(items)

    def page(self, area: str | None) -> LivePage:
        """The view now."""
        return self._view.page(PERSONS_MAX, area)

    def wait(self, seconds: float) -> None:
        """Let time pass and take in what comes."""
        watch = Stopwatch()
        while (left_ms := int(1_000 * (seconds - watch.seconds))) > 0:
            try:
                self._view.take(self._topics.read(left_ms))
                self.trouble = ""
            except KafkaError as error:
                self.trouble = f"Kafka does not answer: {error}"
                Event().wait(left_ms / 1_000)


@contextmanager
def redis_source(settings: Settings, areas: Areas, now: Callable[[], int]) -> Iterator[Source]:
    """The view in the Redis that the settings name.

    Raises:
        RefusedError: it does not answer, or the settings name none.
    """
    if settings.redis is None:
        raise RefusedError("$.redis", "where the Redis of the live view is", "nothing")
    reach_redis(settings.redis)
    with redis_client(settings.redis) as client:
        yield RedisSource(RedisView(client, settings.redis.prefix, settings.live, areas, now))


@contextmanager
def topics_source(settings: Settings, areas: Areas, now: Callable[[], int]) -> Iterator[Source]:
    """A view from the topics.

    Raises:
        RefusedError: Kafka does not answer, or has not all of the topics.
    """
    reach_kafka(settings.kafka)
    with closing(TopicsReader(settings.kafka, settings.live, areas, now)) as topics:
        yield TopicsSource(topics, MemoryView(settings.live, areas, now))


def show_once(source: Source, site: Site, area: str | None, now: Callable[[], int], console: Console) -> None:
    """Print the view as it is now."""
    console.print(live_table(source.page(area), _frame(source, site, now(), console, None)))


def follow(source: Source, site: Site, area: str | None, now: Callable[[], int], console: Console) -> None:
    """Show the view on a screen of its own until interrupted; the terminal is then as it was."""
    with Screen(console=console, screen=True, auto_refresh=False) as screen:
        while True:
            page = source.page(area)
            screen.update(live_table(page, _frame(source, site, now(), console, console.height)), refresh=True)
            source.wait(EVERY_S)


def _frame(source: Source, site: Site, now_ms: int, console: Console, height: int | None) -> Frame:
    offset = site.utc_offset_minutes
    return Frame(site.name, source.name, now_ms, offset, console.width, height, PERSONS_MAX, source.trouble)
