"""The live view in Redis, written anew from the topics."""

from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

from streams.kafka.areas import Areas
from streams.kafka.clients import redis_client
from streams.live.memory import MemoryView
from streams.live.redis_view import RedisView
from streams.live.topics_reader import TopicsReader
from streams.live.view import ITEMS_MAX
from streams.settings import Kafka, Live, Redis


class Rebuilt(NamedTuple):
    """What a view holds after it was written anew; `unread` messages could not be read."""

    persons: int
    alerts: int
    unread: int


def rebuild(kafka: Kafka, redis: Redis, live: Live, areas: Areas, now: Callable[[], int]) -> Rebuilt:
    """Write the live view in Redis anew: first read all, then remove what is there, then write.

    Workers that are at work notice, and write what they know as well; whatever is newer counts, so nothing is lost.

    Raises:
        RefusedError: Kafka does not answer, or has not all of the topics.
        redis.RedisError: Redis does not answer.
    """
    known = MemoryView(live, areas, now)
    with closing(TopicsReader(kafka, live, areas, now)) as topics:
        for items in topics.items_so_far():
            known.take(items)
    with redis_client(redis) as client:
        view = RedisView(client, redis.prefix, live, areas, now)
        view.clear()
        view.take(known.items())
    return Rebuilt(len(known.ranked(ITEMS_MAX)), len(known.alerts()), topics.unread)
