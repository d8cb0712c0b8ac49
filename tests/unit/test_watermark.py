"""Watermarks: how far each camera has come, what is late, and who has fallen silent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.keypoints import Int32s, Int64s
from features.watermark import NEVER, first_silence, is_late, progress, second_of

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), min_size=1, max_size=30)
HEARD = st.lists(st.integers(NEVER, 40), min_size=4, max_size=4)


def columns(rows: list[tuple[int, int]]) -> tuple[Int32s, Int64s]:
    return np.array([camera for camera, _ in rows], np.int32), np.array([time_ms for _, time_ms in rows], np.int64)


def test_each_camera_has_its_own_time_and_it_never_goes_back() -> None:
    timeline = [
        # camera, event, latest of the camera
        (0, 100, 100),
        (1, 50, 70),  # had come to 70 before
        (0, 90, 100),
        (0, 200, 200),
        (1, 300, 300),
        (1, 299, 300),
    ]
    moved = progress(*columns([row[:2] for row in timeline]), np.array([NEVER, 70]))
    assert moved.latest_ms.tolist() == [latest for *_, latest in timeline]
    reached = [(0, 0, 0), (0, 100, 0), (0, 101, 3), (0, 201, 6), (1, 70, 1), (1, 71, 4), (1, 301, 6)]
    cameras, latest_ms, rows = (np.array(column) for column in zip(*reached, strict=True))
    assert moved.reached_at(cameras.astype(np.int32), latest_ms).tolist() == rows.tolist()


@given(ROWS, HEARD)
def test_where_a_time_is_reached_is_found_as_row_by_row(rows: list[tuple[int, int]], was: list[int]) -> None:
    camera, time_ms = columns(rows)
    moved = progress(camera, time_ms, np.array(was))
    for place in range(4):
        of_camera = [at for at in range(len(rows)) if camera[at] == place]
        latest = {at: max(was[place], *(rows[one][1] for one in of_camera if one <= at)) for at in of_camera}
        assert {at: int(moved.latest_ms[at]) for at in of_camera} == latest
        for wanted in (0, 20, 61):
            expected = next((at for at in of_camera if latest[at] >= wanted), len(rows))
            assert moved.reached_at(np.array([place], np.int32), np.array([wanted])).tolist() == [expected]


@pytest.mark.parametrize(
    ("event_ms", "latest_ms", "late"),
    [
        (999, 1_499, False),
        (999, 1_500, True),
        (0, 1_500, True),
        (1_000, 1_500, False),
        (1_000, 2_499, False),
        (1_999, 2_500, True),
        (5_000, 5_000, False),
    ],
)
def test_late_is_what_comes_after_its_second_was_closed(event_ms: int, latest_ms: int, late: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_late(np.array([event_ms]), np.array([latest_ms]), 500).tolist() == [late]
    assert second_of(np.array([event_ms])).tolist() == [event_ms // 1_000 * 1_000]


SILENCES = [
    # what, (camera, event) as they arrive, when each was heard, the time of all, (row, camera)
    ("nobody is", [(0, 5), (1, 9)], [0, 0], 0, (2, -1)),
    ("one has not been heard since before", [(0, 5), (0, 10), (0, 15)], [0, 0], 0, (1, 1)),
    ("heard at the last moment", [(0, 9), (1, 3), (0, 12), (0, 18)], [0, 0], 0, (4, -1)),
    ("heard by the time of all, not by its own", [(0, 9), (1, 0), (0, 18), (0, 19)], [0, 0], 0, (3, 1)),
    ("its own frame is not silence", [(0, 5), (1, 30), (1, 30)], [0, NEVER], 0, (1, 0)),
    ("given up already", [(0, 50)], [45, NEVER], 45, (1, -1)),
    ("the first of two", [(2, 12), (2, 13)], [3, 2, 12], 12, (0, 1)),
    ("heard and silent within the block", [(0, 0), (1, 0), (0, 9), (0, 11)], [NEVER, NEVER], 0, (3, 1)),
    ("back and silent again", [(1, 20), (0, 25), (0, 30)], [19, NEVER], 20, (2, 1)),
]


@pytest.mark.parametrize(("what", "rows", "heard", "now", "expected"), SILENCES, ids=[row[0] for row in SILENCES])
def test_who_falls_silent_for_ten(
    what: str, rows: list[tuple[int, int]], heard: list[int], now: int, expected: tuple[int, int]
) -> None:
    assert first_silence(*columns(rows), np.array(heard), now, 10) == expected, what


@given(ROWS, HEARD, st.integers(40, 60))
def test_silence_is_noticed_as_row_by_row(rows: list[tuple[int, int]], was: list[int], now: int) -> None:
    heard, time, expected = list(was), now, (len(rows), -1)
    for at, (camera, time_ms) in enumerate(rows):
        time = max(time, time_ms)
        silent = [one for one in range(4) if one != camera and heard[one] != NEVER and time - heard[one] >= 10]
        if silent:
            expected = (at, silent[0])
            break
        heard[camera] = time
    assert first_silence(*columns(rows), np.array(was), now, 10) == expected
