"""Messages of one topic and partition that wait to be taken in, in line."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from streams.kafka.lane import Message


class Receipt(Protocol):
    """What came with a message, for acknowledging it."""

    def ack(self) -> object:
        """The message need not be read again."""


class Line(Enum):
    """Where a message stands to those before it: held by the state already, next in line, or ahead of the line."""

    HELD = "held"
    NEXT = "next"
    ASTRAY = "astray"


@dataclass(slots=True)
class Gathered:
    """What waits of one topic.

    Attributes:
        next_offset: after the last message in line.
        found: whether the line has been found since the partition came to this worker.
        astray: whether messages came ahead of the line and none in it since.
        waiting: messages in line and their receipts.
    """

    next_offset: int
    found: bool = False
    astray: bool = False
    waiting: deque[tuple[Message, Receipt]] = field(default_factory=deque)

    def line(self, offset: int) -> Line:
        """Where a message stands.

        After a partition came here, messages that were read before may come first: they are ahead of the line, which
        begins anew below them. Once the line is found, a gap in it is one that the broker has.
        """
        if offset <= self.next_offset or self.found:
            self.found, self.astray = True, False
            return Line.HELD if offset < self.next_offset else Line.NEXT
        self.astray = True
        return Line.ASTRAY

    def add(self, message: Message, receipt: Receipt) -> None:
        """Let a message wait that is next in line."""
        self.waiting.append((message, receipt))
        self.next_offset = message.offset + 1
