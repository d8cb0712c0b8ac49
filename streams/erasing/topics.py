"""Erasing persons from the topics: lanes are asked to, and what can be read without a key is deleted after them.

What is asked for stands in the topic `erasures` with all that is to be done, so whoever is interrupted is gone on with.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from features.events import Rejection
from features.site import Site
from streams.audit.records import Tombstone, decode_record
from streams.audit.rows import Opener
from streams.audit.visit_keys import VisitKey
from streams.clock import Stopwatch, now_ms
from streams.codecs.journal import decode_rows
from streams.erasing.closure import Visits
from streams.kafka.clients import kafka_python
from streams.kafka.erasure import VISITS_MAX, Erasure, decode_erasure, digest
from streams.kafka.interruption import never
from streams.kafka.lane_seal import decode_key, read_leaves
from streams.kafka.messages import CONTENT_TYPE, JSON
from streams.kafka.record import Arrived, Follower
from streams.kafka.topics import AUDIT, ERASURES, INPUTS, JOURNAL, READABLE, VISIT_KEYS, Topic, full_name
from streams.settings import Kafka

LOOK_AGAIN_S = 0.2
Progress = Callable[[int], None]


class NotYetError(Exception):
    """What has been asked for and is not done yet: which erasures, and what they wait for."""


@dataclass(slots=True)
class Partition:
    """The visits of a partition and the keys they are sealed with."""

    visits: Visits
    opener: Opener
    keys: dict[bytes, VisitKey] = field(default_factory=dict)

    def ids(self, names: set[str]) -> list[str]:
        """The ids of all keys of these names, hexadecimal."""
        return sorted(key.id.hex() for key in self.keys.values() if key.name in names)


def read_visits(kafka: Kafka, site: Site, progress: Progress) -> list[Partition]:
    """What the journals of all partitions say of visits.

    Raises:
        Rejection: a message is not what workers write with this site.
        KafkaError: the broker cannot be reached or refuses.
    """
    cameras = [camera.name for camera in site.cameras]
    keys: list[dict[bytes, VisitKey]] = [{} for _ in range(kafka.partitions)]
    found = [Partition(Visits(site), Opener(own, cameras), own) for own in keys]
    for one in _everything(kafka, VISIT_KEYS):
        if one.value is None:
            keys[one.partition].pop(bytes.fromhex((one.key or b"").decode("ascii")), None)
        else:
            key = decode_key(one.value)
            keys[one.partition][key.id] = key
    for one in _everything(kafka, JOURNAL):
        for kept in found[one.partition].opener.open(decode_rows(one.value or b"")):
            found[one.partition].visits.take(kept.entry)
        progress(1)
    return found


def _everything(kafka: Kafka, topic: Topic) -> Iterator[Arrived]:
    with closing(Follower(kafka, [topic])) as follower:
        for many in follower.arriving(0, never):
            yield from many


def asked_for(
    partition: int, found: Partition, names: set[str], before: Mapping[str, int], reason: str
) -> Iterator[Erasure]:
    """The messages that ask for the erasure of these names, which are all of a closure."""
    ids, at_ms = found.ids(names), now_ms()
    customers = sorted({digest(one) for name in names for one in found.visits.customers.get(name, ())})
    persons = sorted(map(digest, names & found.visits.trackers.keys()))
    for start in range(0, len(ids), VISITS_MAX):
        yield Erasure(
            erasure=f"erasure-{at_ms}-{partition}-{start // VISITS_MAX}",
            time_ms=at_ms,
            partition=partition,
            visits=ids[start : start + VISITS_MAX],
            persons=persons,
            customers=customers,
            before=dict(before),
            reason="age" if reason == "age" else "asked",
        )


def ask(kafka: Kafka, erasures: list[Erasure]) -> None:
    """Ask the lanes; from here on it is done, whatever happens.

    Raises:
        KafkaError: the broker cannot be reached or refuses.
    """
    producer = KafkaProducer(**kafka_python(kafka), acks="all")
    headers = [(CONTENT_TYPE, JSON)]
    try:
        sent = [
            producer.send(
                full_name(ERASURES, kafka),
                msgspec.json.encode(one),
                str(one.partition).encode(),
                headers,
                one.partition,
            )
            for one in erasures
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()


def unfinished(kafka: Kafka) -> list[Erasure]:
    """What was asked for of which something can still be read without a key."""
    asked = list[Erasure]()
    for one in _everything(kafka, ERASURES):
        try:
            asked.append(decode_erasure(one.value or b""))
        except Rejection:
            continue  # lanes have told that it cannot be used
    with _consumer(kafka) as consumer:
        first: dict[TopicPartition, int] = consumer.beginning_offsets(
            [
                TopicPartition(full_name(topic, kafka), number)
                for topic in READABLE
                for number in range(kafka.partitions)
            ]
        )
    return [one for one in asked if any(first[place] < offset for place, offset in _places(kafka, one).items())]


def finish(kafka: Kafka, erasures: list[Erasure], wait_s: float) -> None:
    """Wait until the lanes have erased and are past it, then delete what can be read.

    Raises:
        NotYetError: they have not in time.
        KafkaError: the broker cannot be reached or refuses.
    """
    waited, buried = Stopwatch(), set[str]()
    wanted = {visit for one in erasures for visit in one.visits}
    with closing(Follower(kafka, [AUDIT])) as audit:
        while not (wanted <= buried and audit.at_end()):
            for one in audit.read():
                buried |= _buried(one)
            if waited.seconds > wait_s and not wanted <= buried:
                raise NotYetError(f"{len(wanted - buried):,} visit keys of {len(wanted):,} wait for a worker")
    while behind := [one for one in erasures if not _is_past(kafka, one)]:
        if waited.seconds > wait_s:
            raise NotYetError(f"{len(behind)} erasures; the group {kafka.group} has to acknowledge what came before")
        Event().wait(LOOK_AGAIN_S)
    _delete(kafka, erasures)


def _buried(one: Arrived) -> set[str]:
    leaves = (decode_record(leaf) for leaf in read_leaves(one.value or b"", one.headers).leaves)
    return {visit.hex() for record in leaves if isinstance(record, Tombstone) for visit in record.visits}


def _places(kafka: Kafka, erasure: Erasure) -> dict[TopicPartition, int]:
    names = {topic.name: full_name(topic, kafka) for topic in READABLE}
    return {
        TopicPartition(names[name], erasure.partition): offset
        for name, offset in erasure.before.items()
        if name in names
    }


def _is_past(kafka: Kafka, erasure: Erasure) -> bool:
    """Whether the group will never read the inputs again that are to be deleted."""
    inputs = {full_name(topic, kafka) for topic in INPUTS}
    with _consumer(kafka, f"{kafka.prefix}{kafka.group}") as consumer:
        wanted = {place: offset for place, offset in _places(kafka, erasure).items() if place.topic in inputs}
        return all((consumer.committed(place) or 0) >= offset for place, offset in wanted.items())


def _delete(kafka: Kafka, erasures: list[Erasure]) -> None:
    before = dict[TopicPartition, int]()
    for erasure in erasures:
        for place, offset in _places(kafka, erasure).items():
            before[place] = max(before.get(place, 0), offset)
    admin = KafkaAdminClient(**kafka_python(kafka))
    try:
        with _consumer(kafka) as consumer:
            first: dict[TopicPartition, int] = consumer.beginning_offsets(list(before))
        still = {place: offset for place, offset in before.items() if first[place] < offset}
        if still:
            admin.delete_records(still)
    finally:
        admin.close()


@contextmanager
def _consumer(kafka: Kafka, group: str | None = None) -> Iterator[KafkaConsumer]:
    """A consumer that reads nothing, only asks."""
    consumer = KafkaConsumer(**kafka_python(kafka), group_id=group, enable_auto_commit=False)
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)
