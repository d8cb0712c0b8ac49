"""The person step: which rows are published, how slots are used again, and that its state stays small."""

import numpy as np
import pytest

from features.closing import Layout
from features.events import Disposition
from features.identity import Identities
from features.person import PersonState, person_step
from features.segments import NO_TIME, SEGMENT, Erased, SegmentBlock
from features.sequence import COLUMN, FINAL, GRID, MISSING, SECOND, FeatureRows
from features.site import Camera, Site, Timing
from features.visit import Places

TIMING = Timing(track_silence_ms=3_000, fact_allowance_ms=20_000)
SITE = Site(cameras=[Camera("hall"), Camera("yard")], timing=TIMING)
PLACES = Places(SITE, Layout.of(SITE).zones)
KINDS = {SECOND: "second", GRID: "grid", FINAL: "final"}
Line = tuple[str, int, bool]  # track, second, whether it is the end of the track there


def block(lines: list[Line]) -> SegmentBlock:
    tracks = sorted({track for track, *_ in lines})
    rows = np.zeros(len(lines), SEGMENT)
    rows["second_ms"] = [1_000 * second for _, second, _ in lines]
    rows["frames"] = rows["posed"] = [0 if end else 10 for *_, end in lines]
    rows["um_per_unit"], rows["mean_ms"] = 1_000, 450
    rows["x"] = 700 * (rows["second_ms"] // 1_000 % 50)
    rows["ankles_across"] = 300 * (np.arange(16) // 4 % 2)
    cameras = np.array([["hall", "yard"].index(track.partition("/")[0]) for track in tracks], np.int32)
    return SegmentBlock(tracks, cameras, np.array([tracks.index(track) for track, *_ in lines], np.int32), rows)


def visit(track: str, stop_s: int, ends_at: bool = True) -> list[Line]:  # noqa: FBT001, FBT002 - reads as a row
    first = int(track.rpartition("/")[2])
    return [(track, second, False) for second in range(first, stop_s)] + [(track, stop_s, True)] * ends_at


def start() -> PersonState:
    return PersonState(Identities.start(SITE))


def published(rows: FeatureRows) -> list[tuple[str, str, int, int]]:
    """Person, kind, second and revision of what is published."""
    shown = (rows.row(at) for at in range(len(rows)))
    return [(one.person, KINDS[one.kind], one.time_ms // 1_000, one.revision) for one in shown if one.kind != SECOND]


VISITS = [
    ("ends between", visit("hall/1/3", 27), [("grid", 10, 0), ("grid", 20, 0), ("final", 27, 0)]),
    ("ends on the grid", visit("hall/1/3", 20), [("grid", 10, 0), ("grid", 20, 0), ("final", 20, 1)]),
    ("goes on", visit("hall/1/8", 31, ends_at=False), [("grid", 10, 0), ("grid", 20, 0), ("grid", 30, 0)]),
    ("shorter than the grid", visit("hall/1/11", 13), [("final", 13, 0)]),
    ("begins on the grid", visit("hall/1/10", 12), [("final", 12, 0)]),
    ("one second up to the grid", visit("hall/1/9", 10), [("grid", 10, 0), ("final", 10, 1)]),
    (
        "not seen on the grid",
        [line for line in visit("hall/1/3", 27) if line[1] not in (8, 9, 10)],
        [("grid", 20, 0), ("final", 27, 0)],
    ),
]


@pytest.mark.parametrize(("lines", "expected"), [row[1:] for row in VISITS], ids=[row[0] for row in VISITS])
def test_rows_are_published_on_the_grid_and_at_the_end(lines: list[Line], expected: list[tuple[str, int, int]]) -> None:
    rows = person_step(start(), block(lines), PLACES)
    assert published(rows) == [(lines[0][0], *row) for row in expected]
    assert len(rows) == len(lines)
    assert rows.position.tolist() == list(range(len(lines)))


def test_a_row_holds_everything_before_its_instant() -> None:
    rows = person_step(start(), block(visit("hall/1/3", 27)), PLACES)
    observed = rows.values[:, COLUMN["observed_s"]]
    assert (rows.time_ms // 1_000 - observed == 3).all()
    assert observed[-1] == observed[-2]


def test_the_final_row_is_the_last_second_once_more() -> None:
    rows = person_step(start(), block(visit("hall/1/3", 20)), PLACES)
    assert rows.values[-1].tolist() == rows.values[-2].tolist()


def test_gait_is_told_only_where_it_is_published() -> None:
    rows = person_step(start(), block(visit("hall/1/3", 27)), PLACES)
    told = rows.values[:, COLUMN["gait_quality"]] != MISSING
    assert told.tolist() == (rows.kind != SECOND).tolist()


def test_positions_go_on_over_blocks_and_rows_name_their_camera() -> None:
    state = start()
    person_step(state, block(visit("hall/1/3", 5)), PLACES)
    rows = person_step(state, block(visit("yard/1/3", 5)), PLACES)
    assert rows.position.tolist() == [3, 4, 5]
    assert rows.camera.tolist() == [1, 1, 1]


def together() -> list[Line]:
    """Four tracks, two after another on each camera, in order of time."""
    lines = visit("hall/1/3", 27) + visit("yard/1/8", 24) + visit("hall/2/31", 75) + visit("yard/1/40", 64)
    return sorted(lines, key=lambda line: (line[1], line[0]))


def flat(rows: FeatureRows) -> list[tuple[object, ...]]:
    each = (rows.row(at) for at in range(len(rows)))
    return [(one.person, one.camera, one.time_ms, one.kind, one.revision, one.values.tolist()) for one in each]


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_any_blocks_give_the_same_rows(size: int) -> None:
    lines, state = together(), start()
    parts = [person_step(state, block(lines[at : at + size]), PLACES) for at in range(0, len(lines), size)]
    whole = flat(person_step(start(), block(lines), PLACES))
    assert [row for part in parts for row in flat(part)] == whole


@pytest.mark.parametrize("track", ["hall/1/3", "yard/1/8", "hall/2/31", "yard/1/40"])
def test_nobody_inherits_anything_with_a_slot(track: str) -> None:
    state, lines = start(), together()
    parts = [person_step(state, block(lines[at : at + 10]), PLACES) for at in range(0, len(lines), 10)]
    alone = flat(person_step(start(), block([line for line in lines if line[0] == track]), PLACES))
    assert [row for part in parts for row in flat(part) if row[0] == track] == alone


def test_slots_are_used_again() -> None:
    state, used = start(), set()
    for first in range(0, 300, 10):
        person_step(state, block(visit(f"hall/{first}/{first}", first + 5, ends_at=False)), PLACES)
        used.add(state.slots[f"hall/{first}/{first}"])
        person_step(state, block([(f"hall/{first}/{first}", first + 5, True)]), PLACES)
        assert not state.slots
    assert len(used) == 1


def test_the_state_stays_small_over_two_thousand_short_tracks() -> None:
    state, sizes = start(), []
    lines = [line for first in range(2_000) for line in visit(f"hall/{first}/{first}", first + 4)]
    lines.sort(key=lambda line: (line[1], line[0]))
    for at in range(0, len(lines), 100):
        person_step(state, block(lines[at : at + 100]), PLACES)
        known = state.identities
        held = sum(len(rows) for rows in known.held.values())
        sizes.append((len(state.folds), len(state.slots), len(state.ended), len(known.held), held, len(state.ring)))
    early, late = np.array(sizes[30:60]).max(axis=0), np.array(sizes[60:]).max(axis=0)
    assert late.tolist() == early.tolist()
    assert late[0] < 100
    assert late[3] < 200


def test_a_disposition_changes_nothing() -> None:
    state = start()
    person_step(state, block(visit("hall/1/3", 5)), PLACES)
    verdict = Disposition("d", 4_000, "hall/1/3", "disagree", "anna")
    assert (len(person_step(state, verdict, PLACES)), state.position) == (0, 4)


def test_what_was_erased_moves_place_and_time_as_if_it_were_there() -> None:
    """Of others, what is forgotten in a new minute is forgotten in the same place of the journal."""
    known, left = start(), start()
    for state in (known, left):
        person_step(state, block(visit("hall/1/3", 27)), PLACES)
    later = visit("yard/2/340", 343)
    person_step(known, block(later), PLACES)
    person_step(left, Erased(tuple(1_000 * second for _, second, _ in later)), PLACES)
    assert (left.position, left.now_ms) == (known.position, known.now_ms) == (27 - 3 + 1 + len(later), 343_000)
    assert (known.ended, left.ended) == ({"yard/2/340": 343_000}, {})
    person_step(left, Erased((NO_TIME,)), PLACES)
    assert (left.position, left.now_ms) == (known.position + 1, 343_000)
