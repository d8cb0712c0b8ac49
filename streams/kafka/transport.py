"""Faust's way to Kafka with one number changed that is no setting of Faust.

A client asks a broker for one thing at a time. When it asks for purchases, of which there may be none for hours, Faust
lets the broker answer "none" only after 1.5 s, and until then no pose is read. Here it answers after `FETCH_WAIT_MS`.
"""

from typing import ClassVar

import aiokafka
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types.transports import ConsumerT

from streams.kafka.delivery import QuickDelivery

FETCH_WAIT_MS = 10


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - it is read when the consumer starts
        return consumer


class _Consumer(QuickDelivery, Consumer):
    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(Transport):
    """Kafka, asked for rare messages without keeping frequent ones waiting."""

    Consumer: ClassVar[type[ConsumerT]] = _Consumer
