"""Playing a recording into Kafka: as fast as it was recorded, faster, or as fast as the broker takes it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer

from features.site import Site
from streams.clock import Stopwatch
from streams.kafka.areas import Areas
from streams.kafka.clients import kafka_python
from streams.kafka.interruption import never
from streams.kafka.outgoing import Outgoing, messages
from streams.kafka.playing import closed
from streams.kafka.topics import POSES, full_name
from streams.settings import Kafka, Settings
from streams.sources import DeadLetter, Item

Progress = Callable[[int], None]
"""Told how many person-frames were sent since the last time."""

BATCH_BYTES = 256 * 1_024
LINGER_MS = 20
REQUEST_BYTES_MAX = 16 * 1_024 * 1_024
UNACKNOWLEDGED_BYTES_MAX = 32 * 1_024 * 1_024  # kafka-python itself would take in without end
ANSWER_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.2
REFUSED_SHOWN = 20


@dataclass(slots=True)
class PartitionPlayed:
    """What went to a partition."""

    areas: set[str] = field(default_factory=set)
    messages: int = 0
    person_frames: int = 0
    facts: int = 0


@dataclass(slots=True)
class Played:
    """What was sent and acknowledged.

    Attributes:
        partitions: by number, those to which anything went.
        refused: how many items of the recording could not be sent.
        first_refused: the first of them, and why.
        interrupted: whether it was ended before the end of the recording.
    """

    partitions: dict[int, PartitionPlayed] = field(default_factory=dict)
    seconds: float = 0.0
    refused: int = 0
    first_refused: list[DeadLetter] = field(default_factory=list)
    interrupted: bool = False

    @property
    def messages(self) -> int:
        """In all partitions."""
        return sum(part.messages for part in self.partitions.values())

    @property
    def person_frames(self) -> int:
        """In all partitions."""
        return sum(part.person_frames for part in self.partitions.values())

    @property
    def facts(self) -> int:
        """In all partitions."""
        return sum(part.facts for part in self.partitions.values())

    def note(self, one: Outgoing) -> None:
        """Count a message."""
        part = self.partitions.setdefault(one.partition, PartitionPlayed())
        part.areas.add(one.key.decode())
        part.messages += 1
        part.person_frames += one.person_frames
        part.facts += one.topic is not POSES

    def refuse(self, letter: DeadLetter) -> None:
        """Count what cannot be sent."""
        self.refused += 1
        if len(self.first_refused) < REFUSED_SHOWN:
            self.first_refused.append(letter)


class Sender:
    """Sends messages in their order, and facts so that they are acknowledged before a later pose of their partition.

    What was sent is acknowledged once `with Sender(...)` is left.

    Raises:
        KafkaError: the broker cannot be reached, or refused a message.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer = KafkaProducer(
            **kafka_python(kafka),
            client_id="vigil-produce",
            acks="all",
            batch_size=BATCH_BYTES,
            linger_ms=LINGER_MS,
            max_request_size=REQUEST_BYTES_MAX,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        self._sent = deque[tuple[Any, int]]()
        self._bytes = 0
        self._facts = set[int]()

    def send(self, one: Outgoing) -> None:
        """Send a message once its turn has come."""
        if one.topic is not POSES:
            self._facts.add(one.partition)
        elif one.partition in self._facts:
            self.flush()
        name = full_name(one.topic, self._kafka)
        future = self._producer.send(name, one.value, one.key, one.headers, one.partition)
        self._sent.append((future, len(one.value)))
        self._bytes += len(one.value)
        self._await(UNACKNOWLEDGED_BYTES_MAX)

    def flush(self) -> None:
        """Wait until all that was sent is acknowledged."""
        self._producer.flush(ANSWER_WITHIN_S)
        self._await(0)
        self._facts.clear()

    def _await(self, bytes_max: int) -> None:
        """Let go of what is acknowledged, and wait for the oldest while more than that is not."""
        while self._sent and (self._bytes > bytes_max or self._sent[0][0].is_done):
            future, size = self._sent[0]
            future.get(ANSWER_WITHIN_S)
            self._sent.popleft()
            self._bytes -= size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.flush()
        finally:
            self._producer.close(ANSWER_WITHIN_S if error is None else 0)


def play(
    items: Iterable[Item],
    site: Site,
    settings: Settings,
    *,
    speed: float | None = None,
    progress: Progress = lambda _: None,
    close: bool = True,
    origin_ms: int | None = None,
    stopped: Callable[[], bool] = never,
) -> Played:
    """Send items to the topics of the settings.

    Args:
        items: in order of event time.
        site: says which area a camera is of.
        settings: of the broker and how frames are put together.
        speed: how many times as fast as recorded; as fast as it goes without.
        progress: told of every message.
        close: whether frames without persons follow that close everything.
        origin_ms: the event time that is now; the first message's if left out.
        stopped: asked before each message whether it is to be the end.

    Raises:
        KafkaError: the broker cannot be reached, or refused a message.
    """
    areas, played = Areas.of(site, settings.kafka.partitions), Played()
    ready = messages(closed(items, site, areas) if close else items, areas, settings.produce, played.refuse)
    watch = Stopwatch()
    with Sender(settings.kafka) as sender:
        for one in ready if speed is None else paced(ready, speed, origin_ms, stopped):
            if stopped():
                played.interrupted = True
                break
            sender.send(one)
            played.note(one)
            progress(one.person_frames)
    played.seconds = watch.seconds
    return played


def paced(
    ready: Iterable[Outgoing], speed: float, origin_ms: int | None = None, stopped: Callable[[], bool] = never
) -> Iterator[Outgoing]:
    """Messages at their time, `speed` times as fast as recorded; at once when stopped."""
    watch, nobody = Stopwatch(), Event()
    for one in ready:
        origin_ms = one.time_ms if origin_ms is None else origin_ms
        due_s = (one.time_ms - origin_ms) / 1_000 / speed
        while (wait_s := due_s - watch.seconds) > 0 and not stopped():
            nobody.wait(min(wait_s, LOOK_AGAIN_S))
        yield one
