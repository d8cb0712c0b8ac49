"""Messages of one topic and partition that wait to be taken in, in line."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from streams.clock import Stopwatch
from streams.kafka.taken import Message


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
        lowest: offset of the first message that came ahead of the line since it was last sought.
        lowest_before: the same of the time before.
        heard: since the last message in line, or since it was known that there is none.
        missed: since the broker was seen to have one that does not come; none while it has not.
        waiting: messages in line.
    """

    next_offset: int
    lowest: int | None = None
    lowest_before: int | None = None
    heard: Stopwatch = field(default_factory=Stopwatch)
    missed: Stopwatch | None = None
    waiting: deque[Message] = field(default_factory=deque)

    def line(self, offset: int) -> Line:
        """Where a message stands; what is ahead of the line was read for somebody else, or follows what was lost."""
        if offset < self.next_offset:
            return Line.HELD
        if offset == self.next_offset:
            return Line.NEXT
        self.lowest = offset if self.lowest is None else min(offset, self.lowest)
        return Line.ASTRAY

    def add(self, message: Message) -> None:
        """Let a message wait that is next in line."""
        self.waiting.append(message)
        self.next_offset = message.offset + 1
        self.lowest = self.lowest_before = None
        self.note_end(self.next_offset)

    def seek(self) -> int | None:
        """Look for the line anew, from `next_offset`; returns where that was if the broker has a gap there.

        Then the same message came first when it was read from there twice, and the line goes on with that.
        """
        gone = self.next_offset if self.lowest is not None and self.lowest == self.lowest_before else None
        if gone is not None and self.lowest is not None:
            self.next_offset = self.lowest
        self.lowest_before, self.lowest = self.lowest, None
        self.missed = None
        return gone

    def note_end(self, end: int) -> None:
        """Take note of how far the topic reaches at the broker."""
        if end > self.next_offset:
            self.missed = self.missed or Stopwatch()
        else:
            self.heard, self.missed = Stopwatch(), None
