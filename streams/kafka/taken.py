"""Messages as a lane takes them in: what they hold, and what is told of one that cannot be used."""

from typing import NamedTuple

from features.events import Rejection
from streams.kafka.erasure import Erasure, decode_erasure
from streams.kafka.messages import Fact, Headers, decode_fact
from streams.kafka.pose_messages import PoseReader, Poses
from streams.kafka.topics import ERASURES, POSES, Topic
from streams.sources import EXCERPT, DeadLetter


class Message(NamedTuple):
    """A message as it was read.

    Attributes:
        topic: one of `INPUTS`.
        offset: its place in the partition.
        written_ms: when it was written to Kafka, by the broker's clock.
        content: what it holds, or why that cannot be used.
    """

    topic: Topic
    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes
    headers: Headers
    content: Poses | Fact | Erasure | Rejection

    @property
    def time_ms(self) -> int:
        """The event time it ends with; 0 if it cannot be used."""
        if isinstance(self.content, Poses):
            return int(self.content.time_ms[-1])
        return 0 if isinstance(self.content, Rejection) else self.content.time_ms


class Reader:
    """Reads what messages hold."""

    def __init__(self) -> None:
        self._poses = PoseReader()

    def read(self, topic: Topic, value: bytes) -> Poses | Fact | Erasure | Rejection:
        """The content of a message, or why it cannot be used."""
        try:
            if topic is ERASURES:
                return decode_erasure(value)
            return self._poses.read(value) if topic is POSES else decode_fact(value)
        except Rejection as why:
            return why


def fact_of(message: Message) -> Fact:
    """The purchase, identity change or disposition it holds.

    Raises:
        Rejection: it holds none.
    """
    if isinstance(message.content, Rejection):
        raise message.content
    if isinstance(message.content, Poses | Erasure):
        raise Rejection("$.type", "purchase, identity or disposition", "something else")
    return message.content


def erasure_of(message: Message) -> Erasure:
    """The erasure it asks for.

    Raises:
        Rejection: it asks for none.
    """
    if isinstance(message.content, Rejection):
        raise message.content
    if not isinstance(message.content, Erasure):
        raise Rejection("$.type", "erasure", "something else")
    return message.content


def poses_of(message: Message) -> Poses:
    """The poses it holds.

    Raises:
        Rejection: it holds none.
    """
    if isinstance(message.content, Rejection):
        raise message.content
    if not isinstance(message.content, Poses):
        raise Rejection("$.type", "poses", "a fact")
    return message.content


def source_of(message: Message) -> str:
    """What dead letters name it by."""
    return f"{message.topic.name}/{message.partition}/{message.offset}"


def letter_of(message: Message, why: Rejection) -> DeadLetter:
    """The dead letter of a message that cannot be used."""
    excerpt = message.value[:EXCERPT].decode("utf-8", "replace") if message.value[:1] == b"{" else ""
    return DeadLetter(source_of(message), 1, why.field, why.expected, why.got, excerpt)
