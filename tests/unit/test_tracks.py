"""Tracks: which seconds of a tracker id are one track, and when it has fallen silent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.segments import SEGMENT
from features.tracks import Tracks, fallen_silent, follow, silent_at_ms

CAMERAS = ["hall", "yard"]
Second = tuple[int, int, int]  # camera, tracker id, second


def followed(known: Tracks, seconds: list[Second], silence_ms: int = 3_000) -> tuple[Tracks, list[str]]:
    """The pieces, and the track that each second belongs to."""
    rows = np.zeros(len(seconds), SEGMENT)
    rows["second_ms"] = [1_000 * second for *_, second in seconds]
    camera = np.array([one[0] for one in seconds], np.int32)
    tracker = np.array([one[1] for one in seconds], np.int64)
    found = follow(known, camera, tracker, rows, silence_ms)
    names = found.tracks.names(CAMERAS)
    return found.tracks, [names[place] for place in found.place.tolist()]


TIMELINES = [
    ("on and on", 3_000, [0, 1, 2], [0, 0, 0]),
    ("a silence of two seconds", 3_000, [0, 3], [0, 0]),
    ("a silence of three seconds", 3_000, [0, 4], [0, 4]),
    ("a silence of no whole seconds", 2_500, [0, 3, 7], [0, 0, 7]),
    ("every silence counts by itself", 3_000, [0, 2, 5, 8], [0, 0, 0, 0]),
    ("twice back", 1_000, [5, 7, 8, 10], [5, 7, 7, 10]),
]


@pytest.mark.parametrize(("what", "silence_ms", "seconds", "firsts"), TIMELINES, ids=[row[0] for row in TIMELINES])
def test_a_tracker_id_that_comes_back_after_a_silence_is_a_new_track(
    what: str, silence_ms: int, seconds: list[int], firsts: list[int]
) -> None:
    names = [f"hall/7/{first}" for first in firsts]
    at_once = followed(Tracks.none(), [(0, 7, second) for second in seconds], silence_ms)[1]
    known, one_by_one = Tracks.none(), []
    for second in seconds:
        known, name = followed(known, [(0, 7, second)], silence_ms)
        one_by_one += name
    assert at_once == one_by_one == names, what
    assert known.names(CAMERAS) == list(dict.fromkeys(names))


def test_ids_and_cameras_are_kept_apart() -> None:
    known, _ = followed(Tracks.none(), [(0, 1, 0), (1, 1, 0), (0, 2, 1)])
    tracks, names = followed(known, [(1, 1, 1), (0, 1, 9), (0, 3, 2)])
    assert names == ["yard/1/0", "hall/1/9", "hall/3/2"]
    assert tracks.names(CAMERAS) == ["hall/1/0", "hall/1/9", "hall/2/1", "hall/3/2", "yard/1/0"]
    assert tracks.end_ms.tolist() == [1_000, 10_000, 2_000, 3_000, 2_000]


@pytest.mark.parametrize(
    ("silence_ms", "watermark_s", "silent"),
    [(3_000, 4.999, False), (3_000, 5, True), (2_001, 4.999, False), (2_001, 5, True), (2_000, 4, True)],
)
def test_a_track_is_silent_once_no_second_can_continue_it(silence_ms: int, watermark_s: float, silent: bool) -> None:  # noqa: FBT001 - a column of the table
    tracks, _ = followed(Tracks.none(), [(1, 1, 1)], silence_ms)
    watermark_ms = np.array([0, round(1_000 * watermark_s)])
    assert fallen_silent(tracks, watermark_ms, silence_ms).tolist() == [silent]


@given(st.integers(1_000, 5_000), st.integers(0, 9))
def test_what_is_silent_could_not_have_gone_on(silence_ms: int, second: int) -> None:
    tracks, _ = followed(Tracks.none(), [(0, 1, second)], silence_ms)
    first_refused = int(silent_at_ms(tracks, silence_ms)[0]) // 1_000
    for later, name in ((first_refused - 1, f"hall/1/{second}"), (first_refused, f"hall/1/{first_refused}")):
        if later > second:
            assert followed(tracks, [(0, 1, later)], silence_ms)[1] == [name]


@pytest.mark.parametrize(
    ("camera", "tracker", "time_ms", "meant"),
    [(0, 7, 0, 0), (0, 7, 6_999, 0), (0, 7, 7_000, 7), (0, 7, 99_000, 7), (1, 7, 5_000, None), (0, 8, 5_000, None)],
)
def test_an_id_means_the_last_track_that_had_begun(camera: int, tracker: int, time_ms: int, meant: int | None) -> None:
    tracks, _ = followed(Tracks.none(), [(0, 7, 0), (0, 7, 1), (0, 7, 7), (1, 7, 6)])
    place = tracks.meant_at(camera, tracker, time_ms)
    assert (None if place is None else int(tracks.start_ms[place]) // 1_000) == meant


def test_the_speed_of_a_track_is_told_over_short_gaps_only() -> None:
    rows = np.zeros(4, SEGMENT)
    rows["second_ms"], rows["mean_ms"], rows["x"] = [0, 2_000, 4_000, 7_000], 500, [0, 200, 200, 900]
    rows["y"], rows["um_per_unit"] = [0, -100, 0, 0], 1_000
    speeds, known, nobody = [], Tracks.none(), np.zeros(1, np.int32)
    for at in range(4):
        known = follow(known, nobody, np.array([1]), rows[at : at + 1], 9_000).tracks
        speeds.append((int(known.last["x_per_s"][0]), int(known.last["y_per_s"][0])))
    assert speeds == [(0, 0), (100, -50), (0, 50), (0, 0)]
