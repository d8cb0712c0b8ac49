"""Faust's way to Kafka, mended in places that no setting reaches.

A client asks a broker for one thing at a time. When it asks for purchases, of which there may be none for hours, Faust
lets the broker answer "none" only after 1.5 s, and until then no pose is read. Here it answers after `FETCH_WAIT_MS`.

Once the state is read, Faust lets partitions go on, seeks them to what was committed and then empties the streams'
queues. What is read in between is lost: it was in the queues, and is passed over when it comes again. Here partitions
go on when the queues are empty, and whether a message came before is for the lanes to tell.

Faust reads in a thread of its own, but seeks in the caller's: now and then the reader finds gone what it was reading
(KeyError in aiokafka's fetcher), and the worker ends. Here the reading thread seeks.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, cast

import aiokafka
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from faust.types.transports import ConsumerT

from streams.kafka.delivery import QuickDelivery

FETCH_WAIT_MS = 10


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - it is read when the consumer starts
        return consumer

    async def seek_here(self, partition: TP, offset: int) -> None:
        """Seek; to be called in this thread."""
        self.seek(partition, offset)


class _NotRead(dict[TP, int | None]):
    """Knows of nothing that it was read.

    Faust passes over what it has read, also where a partition was sought back meanwhile; lanes know better.
    """

    def __getitem__(self, tp: TP) -> int | None:
        return None


class _Consumer(QuickDelivery, Consumer):
    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as Faust's
        self._held_back = set[TP]()
        super().__init__(*arguments, **named)
        self._read_offset = _NotRead()

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek in the thread that reads; Faust does it in this one, in the middle of what the other is doing."""
        thread = cast("_ConsumerThread", self._thread)
        await thread.call_thread(thread.seek_here, partition, offset)

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Read no more of partitions."""
        paused = set(tps)
        self._held_back -= paused
        self._buffered_partitions -= paused
        super().pause_partitions(paused)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Read partitions on: those of the state at once, those of streams when the flow is resumed."""
        resumed = set(tps)
        streams = {tp for tp in resumed if not self._is_changelog_tp(tp)}
        self._held_back |= streams
        super().resume_partitions(resumed - streams)

    def resume_flow(self) -> None:
        """Let messages flow, also those of the streams that were held back."""
        super().resume_flow()
        super().resume_partitions(self._held_back)
        self._held_back = set()


class PromptTransport(Transport):
    """Kafka, asked for rare messages without keeping frequent ones waiting."""

    Consumer: ClassVar[type[ConsumerT]] = _Consumer
