"""What the lanes of a worker ask of the broker, through Faust's consumer and producer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar, cast

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from streams.clock import Stopwatch
from streams.kafka.step import Outgoing
from streams.kafka.topics import ACTED_ON, INPUTS, TOPICS, Topic, full_name
from streams.operations.logs import logger
from streams.settings import Kafka

AGAIN_S = 0.5
T = TypeVar("T")

log = logger("broker")


class OversleptError(Exception):
    """A worker that was held up for longer than its session; it must join its group anew."""


class FaustBroker:
    """Sends, and tells how far the topics of the given partitions reach."""

    def __init__(self, app: faust.App, kafka: Kafka, session_s: float) -> None:
        self._app, self._session_s = app, session_s
        self._awake = Stopwatch()
        self._names = {topic: full_name(topic, kafka) for topic in TOPICS}
        self._asked: asyncio.Task[dict[TP, int]] | None = None
        self._next: asyncio.Task[dict[TP, int]] | None = None

    async def ends(self, partition: int) -> dict[str, int]:
        """By input topic, the offset after the last message; asked for after this call, once for all who ask."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._ask_after(self._asked))
        found = await asyncio.shield(self._next)
        return {topic.name: found.get(TP(self._names[topic], partition)) or 0 for topic in INPUTS}

    async def _ask_after(self, before: asyncio.Task[dict[TP, int]] | None) -> dict[TP, int]:
        if before is not None:
            await asyncio.wait([before])
        self._asked, self._next = asyncio.current_task(), None
        names = {self._names[topic] for topic in INPUTS}
        mine = [tp for tp in self._app.consumer.assignment() if tp.topic in names]
        return dict(await self.insist(lambda: self._app.consumer.highwaters(*mine)))

    async def send(self, partition: int, outgoing: Iterable[Outgoing]) -> object:
        """Send to a partition of the outgoing messages' topics, and wait until the broker has all of it.

        What is acted on is sent after the broker has all the rest: nobody sees a score that is not sealed.
        """
        first, then = list[Outgoing](), list[Outgoing]()
        for one in outgoing:
            (then if one.topic in ACTED_ON else first).append(one)
        return [await self._send(partition, ones) for ones in (first, then) if ones]

    async def _send(self, partition: int, outgoing: list[Outgoing]) -> object:
        by_topic = dict[str, list[Outgoing]]()
        for one in outgoing:
            by_topic.setdefault(self._names[one.topic], []).append(one)
        producer = (await self._app.maybe_start_producer())._ensure_producer()  # noqa: SLF001 - Faust sends one by one
        sent = [
            await producer.send_batch(batch, topic, partition=partition)
            for topic, ones in by_topic.items()
            for batch in _batches(producer, ones)
        ]
        return await asyncio.gather(*sent)

    async def commit(self, partition: int, ends: dict[str, int]) -> None:
        """Tell the group how far the state reaches; a worker reads on from its state, whatever was committed."""
        offsets = {TP(self._names[topic], partition): ends[topic.name] for topic in INPUTS if ends[topic.name]}
        if offsets:
            consumer = cast("Consumer", self._app.consumer)
            await consumer._commit(offsets)  # noqa: SLF001 - Faust commits what was delivered, not what is saved

    async def seek(self, topic: Topic, partition: int, offset: int) -> None:
        """Read a partition on from an offset, unless it is just being given away."""
        with suppress(KafkaError):
            await self._app.consumer.seek(TP(self._names[topic], partition), offset)

    def beat(self) -> None:
        """Say that the worker is at work; to be said several times in a session.

        Raises:
            OversleptError: it was not said for so long that the partitions may be another worker's by now.
        """
        self._check_awake()
        self._awake = Stopwatch()

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until the broker takes it, as long as the partitions are surely still this worker's.

        Raises:
            OversleptError: they may not be.
        """
        while True:
            self._check_awake()
            try:
                return await attempt()
            except KafkaError as error:
                log.warning("the broker did not take it, trying again", error=str(error) or type(error).__name__)
                await asyncio.sleep(AGAIN_S)

    def _check_awake(self) -> None:
        if self._awake.seconds > self._session_s:
            raise OversleptError(f"this worker did nothing for {self._awake.seconds:.1f} s, its session is longer over")


def _batches(producer: AIOKafkaProducer, outgoing: list[Outgoing]) -> Iterator[BatchBuilder]:
    """Messages of one partition in as few batches as hold them: three times as fast as one by one."""
    batch, empty = producer.create_batch(), True
    for one in outgoing:
        told = {"timestamp": None, "key": one.key, "value": one.value, "headers": list(one.headers)}
        if batch.append(**told) is None and not empty:
            yield batch
            batch = producer.create_batch()
            batch.append(**told)
        empty = False
    batch.close()
    yield batch
