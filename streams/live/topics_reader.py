"""The live view read back from the topics: scores, alerts and dispositions, as far back as any of them is shown."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from features.events import Disposition, Rejection
from models.records import Score
from streams.clock import Stopwatch
from streams.contracts.cloudevents import alert_of
from streams.kafka.areas import Areas
from streams.kafka.clients import kafka_python
from streams.kafka.messages import decode_fact
from streams.kafka.refusal import RefusedError
from streams.kafka.topics import ALERTS, DISPOSITIONS, SCORES, full_name
from streams.live.items import items_of
from streams.live.view import Item, News
from streams.settings import Kafka, Live

RECORDS_MAX = 5_000  # of one poll
WAIT_MS = 250
SILENT_MAX_S = 30.0

_scores = msgspec.json.Decoder(Score)


class TopicsReader:
    """Items from the topics, first those since `expires` ago and then what comes; `now` is the wall clock in ms.

    News are told when their message was written. What cannot be read is left out and counted in `unread`.

    Raises:
        RefusedError: Kafka does not answer, or has not all of the topics.
    """

    def __init__(self, kafka: Kafka, live: Live, areas: Areas, now: Callable[[], int]) -> None:
        self.unread = 0
        self._live, self._areas, self._now = live, areas, now
        self._kinds = {full_name(topic, kafka): topic for topic in (SCORES, ALERTS, DISPOSITIONS)}
        where = ", ".join(kafka.brokers)
        try:
            self._consumer = KafkaConsumer(
                **kafka_python(kafka), group_id=None, enable_auto_commit=False, max_poll_records=RECORDS_MAX
            )
        except KafkaError as error:
            got = str(error) or type(error).__name__
            raise RefusedError("$.kafka.brokers", f"a broker that answers at {where}", got) from None
        try:
            self._ends = self._begin()
        except KafkaError as error:
            self.close()
            got = str(error) or type(error).__name__
            raise RefusedError("$.kafka.brokers", f"a broker that answers at {where}", got) from None
        except BaseException:
            self.close()
            raise

    def read(self, wait_ms: int) -> list[Item]:
        """What came, waiting for something at most so long."""
        batches = self._consumer.poll(timeout_ms=wait_ms)
        return [item for records in batches.values() for record in records for item in self._items(record)]

    def at_end(self) -> bool:
        """Whether everything was read that was there at the beginning."""
        return all(self._consumer.position(partition) >= end for partition, end in self._ends.items())

    def items_so_far(self) -> Iterator[list[Item]]:
        """What was there at the beginning.

        Raises:
            RefusedError: the broker was silent for `SILENT_MAX_S` with more to read.
        """
        silence = Stopwatch()
        while not self.at_end():
            if items := self.read(WAIT_MS):
                silence = Stopwatch()
                yield items
            elif silence.seconds > SILENT_MAX_S:
                raise RefusedError("$.kafka.brokers", "a broker that goes on", f"nothing for {SILENT_MAX_S:g} s")

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _begin(self) -> dict[TopicPartition, int]:
        """Go to the first message of each partition that still counts; where each ends."""
        since = {
            TopicPartition(name, partition): max(0, self._now() - self._shown_ms(name))
            for name in self._kinds
            for partition in self._partitions(name)
        }
        self._consumer.assign(list(since))
        ends: dict[TopicPartition, int] = self._consumer.end_offsets(list(since))
        for partition, found in self._consumer.offsets_for_times(since).items():
            self._consumer.seek(partition, found.offset if found else ends[partition])
        return ends

    def _partitions(self, name: str) -> set[int]:
        partitions: set[int] | None = self._consumer.partitions_for_topic(name)
        if not partitions:
            raise RefusedError("$.kafka.prefix", f"a broker with the topic {name}", "one without it")
        return partitions

    def _shown_ms(self, name: str) -> int:
        seconds = self._live.person_expires_s if self._kinds[name] is SCORES else self._live.alert_expires_s
        return 1_000 * seconds

    def _items(self, record: Any) -> list[Item]:  # noqa: ANN401 - kafka-python has no types
        try:
            news = self._news(record)
        except (msgspec.MsgspecError, UnicodeDecodeError, Rejection):
            self.unread += 1
            return []
        return items_of(news, self._live, self._areas)

    def _news(self, record: Any) -> News:  # noqa: ANN401 - kafka-python has no types
        told_ms, topic = min(record.timestamp, self._now()), self._kinds[record.topic]
        if topic is SCORES:
            return News(told_ms, scores=[_scores.decode(record.value)])
        if topic is ALERTS:
            return News(told_ms, alerts=[alert_of(record.value)])
        fact = decode_fact(record.value)
        return News(told_ms, dispositions=[fact] if isinstance(fact, Disposition) else [])
