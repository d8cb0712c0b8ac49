"""Which messages are next in line after a partition came to a worker."""

import pytest

from features.events import Rejection
from streams.kafka.gathered import Gathered, Line
from streams.kafka.taken import Message
from streams.kafka.topics import POSES

HELD, NEXT, ASTRAY = Line.HELD, Line.NEXT, Line.ASTRAY


def come(gathered: Gathered, *offsets: int) -> list[Line]:
    lines = []
    for offset in offsets:
        lines.append(gathered.line(offset))
        if lines[-1] is NEXT:
            gathered.add(Message(POSES, 0, offset, 0, None, b"", (), Rejection("$", "a message", "nothing")))
    return lines


@pytest.mark.parametrize(
    ("expected", "offsets", "lines"),
    [
        pytest.param(5, [5, 6, 7], [NEXT, NEXT, NEXT], id="in line"),
        pytest.param(5, [3, 4, 5], [HELD, HELD, NEXT], id="held already"),
        pytest.param(5, [9, 10, 3, 5], [ASTRAY, ASTRAY, HELD, NEXT], id="read before the rewind"),
        pytest.param(5, [5, 6, 9, 7], [NEXT, NEXT, ASTRAY, NEXT], id="something lost on the way"),
        pytest.param(5, [5, 5, 6], [NEXT, HELD, NEXT], id="twice"),
        pytest.param(0, [0, 1], [NEXT, NEXT], id="from the beginning"),
    ],
)
def test_line(expected: int, offsets: list[int], lines: list[Line]) -> None:
    gathered = Gathered(expected)
    assert come(gathered, *offsets) == lines
    assert [message.offset for message in gathered.waiting] == [
        offset for offset, line in zip(offsets, lines, strict=True) if line is NEXT
    ]


def test_a_gap_is_the_broker_s_only_if_it_is_there_again() -> None:
    gathered = Gathered(5)
    assert come(gathered, 9, 8, 10) == [ASTRAY] * 3
    assert gathered.seek() is None
    assert come(gathered, 9, 10) == [ASTRAY] * 2
    assert gathered.seek() is None
    assert come(gathered, 9, 10) == [ASTRAY] * 2
    assert gathered.seek() == 5
    assert come(gathered, 9, 10) == [NEXT] * 2


def test_a_line_that_is_found_is_not_gone() -> None:
    gathered = Gathered(5)
    come(gathered, 9)
    gathered.seek()
    assert come(gathered, 5, 9, 6, 7) == [NEXT, ASTRAY, NEXT, NEXT]
    assert gathered.seek() is None
    assert gathered.next_offset == 8
    assert gathered.seek() is None
