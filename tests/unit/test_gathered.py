"""Which messages are next in line after a partition came to a worker."""

import pytest

from streams.kafka.gathered import Gathered, Line

HELD, NEXT, ASTRAY = Line.HELD, Line.NEXT, Line.ASTRAY


@pytest.mark.parametrize(
    ("expected", "offsets", "lines"),
    [
        pytest.param(5, [5, 6, 7], [NEXT, NEXT, NEXT], id="in line"),
        pytest.param(5, [3, 4, 5], [HELD, HELD, NEXT], id="held already"),
        pytest.param(5, [9, 10, 3, 5], [ASTRAY, ASTRAY, HELD, NEXT], id="read before the rewind"),
        pytest.param(5, [9, 10, 9, 10], [ASTRAY, ASTRAY, ASTRAY, ASTRAY], id="twice ahead of the line"),
        pytest.param(5, [5, 8, 9], [NEXT, NEXT, NEXT], id="a gap that the broker has"),
        pytest.param(5, [4, 8, 9], [HELD, NEXT, NEXT], id="a gap after what is held"),
        pytest.param(5, [5, 5, 6], [NEXT, HELD, NEXT], id="twice"),
        pytest.param(0, [0, 1], [NEXT, NEXT], id="from the beginning"),
    ],
)
def test_line(expected: int, offsets: list[int], lines: list[Line]) -> None:
    gathered = Gathered(expected)
    found = []
    for offset in offsets:
        line = gathered.line(offset)
        if line is NEXT:
            gathered.next_offset = offset + 1
        found.append(line)
    assert found == lines
