"""Stitching: who is joined, who is not, and that any split of the input joins the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.camera import CameraState, camera_step, finish
from features.closing import Layout
from features.events import IdentityChange
from features.keypoints import PersonFrames
from features.segments import Entry, SegmentBlock
from features.site import Camera, Site, Timing, Zone

FPS = 10
EXIT = Zone("out", "exit", [(1_500, 0), (1_900, 0), (1_900, 1_000), (1_500, 1_000)])
SITE = Site(cameras=[Camera("hall", [EXIT])], timing=Timing(pose_allowance_ms=0))


def walk(track: int, start_s: float, stop_s: float, x0: float, px_per_s: float, height: int = 170) -> PersonFrames:
    """A box that walks along a row of the picture; 100 px are a metre for a body of 170 px."""
    times = np.arange(round(start_s * FPS), round(stop_s * FPS))
    rows = PersonFrames.empty(len(times))
    rows.time_ms[:] = times * (1_000 // FPS)
    rows.track[:] = track
    rows.box[0] = np.rint((x0 + px_per_s * (times / FPS - start_s)) * 4)
    rows.box[1], rows.box[2], rows.box[3] = 4 * (600 - height), 4 * 50, 4 * height
    return rows


def in_time(*walks: PersonFrames) -> PersonFrames:
    rows = PersonFrames.concatenate(list(walks))
    return rows.take(np.lexsort((rows.track, rows.time_ms)))


def journal(rows: PersonFrames, cuts: tuple[int, ...] = (), site: Site = SITE) -> list[SegmentBlock]:
    layout = Layout.of(site)
    state, blocks = CameraState.start(layout), []
    for start, stop in zip((0, *cuts), (*cuts, len(rows)), strict=True):
        step = camera_step(state, rows.take(slice(start, stop)), layout)
        state = step.state
        blocks += step.entries
    blocks += finish(state, layout).entries
    return [block for block in blocks if isinstance(block, SegmentBlock)]


def seconds(blocks: list[SegmentBlock]) -> list[tuple[str, int, int, int]]:
    """Track, second, tracker and frames of each segment, ends among them."""
    return [
        (block.tracks[place], int(row["second_ms"]) // 1_000, int(row["tracker"]), int(row["frames"]))
        for block in blocks
        for place, row in zip(block.track.tolist(), block.rows, strict=True)
    ]


def tracks(rows: PersonFrames, site: Site = SITE) -> set[str]:
    return {name for name, *_ in seconds(journal(rows, site=site))}


SITUATIONS = [
    ("found again where it was going", [(1, 0, 5, 100, 120), (2, 6, 10, 820, 120)], {"hall/1/0"}),
    ("changed in the middle of a second", [(1, 0, 4.5, 100, 120), (2, 4.5, 9, 640, 120)], {"hall/1/0"}),
    ("too far away", [(1, 0, 5, 100, 120), (2, 6, 10, 1_300, 120)], {"hall/1/0", "hall/2/6"}),
    ("lost for too long", [(1, 0, 5, 100, 0), (2, 9, 12, 100, 0)], {"hall/1/0", "hall/2/9"}),
    ("the other is still there", [(1, 0, 9, 100, 0), (2, 5, 9, 110, 0)], {"hall/1/0", "hall/2/5"}),
    ("a child", [(1, 0, 5, 100, 0, 170), (2, 6, 9, 100, 0, 90)], {"hall/1/0", "hall/2/6"}),
    ("left through the exit", [(1, 0, 5, 1_600, 0), (2, 6, 9, 1_600, 0)], {"hall/1/0", "hall/2/6"}),
    (
        "two may be meant",
        [(1, 0, 5, 100, 0), (3, 0, 5, 120, 0), (2, 6, 9, 110, 0)],
        {"hall/1/0", "hall/3/0", "hall/2/6"},
    ),
    ("three ids", [(1, 0, 3, 100, 60), (2, 3, 6, 280, 60), (3, 7, 9, 520, 60)], {"hall/1/0"}),
]


@pytest.mark.parametrize(("what", "walks", "expected"), SITUATIONS, ids=[what for what, *_ in SITUATIONS])
def test_who_is_joined(what: str, walks: list[tuple[float, ...]], expected: set[str]) -> None:
    assert tracks(in_time(*(walk(int(one[0]), *one[1:]) for one in walks))) == expected, what  # type: ignore[arg-type]


def test_nobody_is_joined_where_exits_are_not_marked_or_it_is_off() -> None:
    rows = in_time(walk(1, 0, 5, 100, 0), walk(2, 6, 9, 100, 0))
    assert len(tracks(rows, Site(cameras=[Camera("hall")]))) == 2
    off = Site(cameras=SITE.cameras, timing=Timing(pose_allowance_ms=0, stitch_ms=0))
    assert len(tracks(rows, off)) == 2


def test_a_second_of_two_ids_is_one_segment_with_all_its_frames() -> None:
    found = seconds(journal(in_time(walk(1, 0, 4.3, 100, 120), walk(2, 4.3, 9, 616, 120))))
    assert found[4] == ("hall/1/0", 4, 2, 10)
    assert [second for _, second, _, frames in found if frames] == list(range(9))


def test_an_old_id_that_comes_back_is_somebody_else() -> None:
    found = seconds(journal(in_time(walk(1, 0, 4, 100, 0), walk(2, 4, 12, 100, 0), walk(1, 8, 12, 900, 0))))
    assert {(name, tracker) for name, _, tracker, _ in found} == {("hall/1/0", 1), ("hall/1/0", 2), ("hall/1/8", 1)}


@pytest.mark.parametrize("cut", [1, 40, 50, 61, 100])
def test_who_came_back_is_looked_for_where_seen_since(cut: int) -> None:
    rows = in_time(walk(1, 0, 3, 100, 0), walk(2, 3, 9, 100, 0), walk(1, 4, 5, 600, 0), walk(3, 6, 9, 600, 0))
    found = seconds(journal(rows, (cut,)))
    assert {(name, tracker) for name, _, tracker, _ in found if tracker != 2} == {
        ("hall/1/0", 1), ("hall/1/4", 1), ("hall/1/4", 3)
    }  # fmt: skip


def test_ids_that_follow_one_another_within_a_second_are_one_track() -> None:
    found = seconds(journal(in_time(walk(4, 0, 3.2, 100, 0), walk(3, 3.3, 3.5, 100, 0), walk(0, 3.6, 9, 100, 0))))
    assert {name for name, *_ in found} == {"hall/4/0"}
    assert sum(frames for *_, frames in found) == 32 + 2 + 54
    assert [second for _, second, _, frames in found if not frames] == [9]


def test_each_track_ends_once() -> None:
    found = seconds(journal(in_time(walk(1, 0, 5, 100, 120), walk(2, 6, 10, 820, 120))))
    assert [(name, second) for name, second, _, frames in found if not frames] == [("hall/1/0", 10)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 5),
            st.integers(0, 12),
            st.floats(0.3, 6),
            st.integers(0, 400),
            st.sampled_from([-120, 0, 120]),
        ),
        min_size=2,
        max_size=7,
    ),
    st.sets(st.integers(1, 200), max_size=6),
)
def test_any_split_joins_the_same(walks: list[tuple[int, int, float, int, int]], cuts: set[int]) -> None:
    rows = in_time(*(walk(track, start, start + length, x, speed) for track, start, length, x, speed in walks))
    inside = tuple(sorted(cut for cut in cuts if cut < len(rows)))
    whole, parts = journal(rows), journal(rows, inside)
    assert seconds(whole) == seconds(parts)
    assert b"".join(block.rows.tobytes() for block in whole) == b"".join(block.rows.tobytes() for block in parts)


def test_a_split_without_another_track_begins_a_new_person() -> None:
    layout, rows = Layout.of(SITE), walk(1, 0, 10, 100, 0)
    split = IdentityChange("s1", "split", 4_500, "hall", 1)
    state, entries = CameraState.start(layout), list[Entry]()
    for item in (rows.take(slice(0, 45)), split, rows.take(slice(45, None))):
        step = camera_step(state, item, layout)
        state, entries = step.state, [*entries, *step.entries]
    blocks = [entry for entry in [*entries, *finish(state, layout).entries] if isinstance(entry, SegmentBlock)]
    found = [(name, second) for name, second, _, frames in seconds(blocks) if frames]
    assert found == [("hall/1/0", at) for at in range(5)] + [("hall/1/5", at) for at in range(5, 10)]
