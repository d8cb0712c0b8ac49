"""Facts that wait: for which seconds, until when, and which tracks they may be about; and what tells them apart."""

import numpy as np
import pytest

from features.events import BasketLine, Disposition, IdentityChange, Purchase
from features.facts import Waiting, forgotten_after_ms, name_of, named_for_ms, still_known, waiting_for
from features.site import Camera, Site, Till, Timing
from features.tracks import LAST, Tracks
from features.watermark import NEVER, progress

TIMING = Timing(pose_allowance_ms=500, track_silence_ms=10_000, fact_allowance_ms=60_000)
SITE = Site(
    cameras=[Camera("door"), Camera("aisle"), Camera("tills")],
    tills=[Till("1", "shop", "tills", "zone")],
    timing=TIMING,
)


def purchase(time_ms: int = 100_000, till: str = "1", person: str | None = None) -> Purchase:
    return Purchase("r", time_ms, "shop", till, [BasketLine("a", "b")], person)


def change(time_ms: int = 100_000, other_camera: str | None = "aisle") -> IdentityChange:
    return IdentityChange("c", "link", time_ms, "door", 1, other_camera, 2)


@pytest.mark.parametrize(
    ("fact", "cameras", "ready_ms"),
    [
        (purchase(), (2,), 105_000),
        (purchase(100_001), (2,), 106_000),  # the last second that counts must be whole
        (purchase(till="2"), (), 105_000),
        (purchase(person="door/7"), (0, 2), 105_000),  # a token names a track of another camera
        (purchase(till="2", person="aisle/7/90"), (1,), 105_000),
        (purchase(person="elsewhere/7"), (2,), 105_000),
        (change(), (0, 1), 101_000),  # a track that begins in the same second is one it may name
        (change(100_999), (0, 1), 101_000),
        (change(other_camera=None), (0,), 101_000),
        (change(other_camera="elsewhere"), (0,), 101_000),
    ],
)
def test_what_a_fact_waits_for(fact: Purchase | IdentityChange, cameras: tuple[int, ...], ready_ms: int) -> None:
    assert waiting_for(fact, SITE) == Waiting(fact, cameras, ready_ms, fact.time_ms + 60_000)


ROWS = [(0, 100_400), (1, 101_400), (1, 101_500), (0, 101_499), (0, 101_500), (1, 102_000), (0, 160_000)]


@pytest.mark.parametrize(
    ("other_camera", "latest_ms", "expected"),
    [
        ("aisle", [NEVER, NEVER, NEVER], 4),
        ("aisle", [101_500, NEVER, NEVER], 2),  # the door is there already, so only the aisle is awaited
        ("aisle", [NEVER, 101_500, NEVER], 4),
        ("aisle", [101_499, 101_499, NEVER], 4),
        ("tills", [NEVER, NEVER, 101_500], 4),  # there already, and nothing of it comes
        ("tills", [NEVER, NEVER, 101_499], 6),  # never gets there, so it is given up
    ],
)
def test_the_row_with_which_a_fact_gets_ready(other_camera: str, latest_ms: list[int], expected: int) -> None:
    camera, time_ms = (np.array(column) for column in zip(*ROWS, strict=True))
    latest = np.array(latest_ms)
    moved = progress(camera.astype(np.int32), time_ms, latest)
    now_ms = np.maximum.accumulate(time_ms)
    waiting = waiting_for(change(other_camera=other_camera), SITE)
    assert waiting.ready_at_row(moved, latest - 500, now_ms, 500) == expected


def test_it_is_given_up_by_the_time_of_all_sources() -> None:
    moved = progress(np.array([2, 2], np.int32), np.array([159_999, 160_000]), np.full(3, NEVER))
    waiting = waiting_for(change(), SITE)
    assert waiting.ready_at_row(moved, np.full(3, NEVER), np.array([159_999, 160_000]), 500) == 1
    ready = [waiting.is_ready(np.array([101_000, door_ms, NEVER]), now_ms) for door_ms, now_ms in
             ((100_999, 159_999), (100_999, 160_000), (101_000, 101_000))]  # fmt: skip
    assert ready == [False, True, True]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "named"),
    [
        (90_000, 95_000, True),
        (100_000, 101_000, True),
        (101_000, 102_000, False),  # it would be unknown to a fact that came in time
        (0, 0, True),
        (90_000, 900_000, True),
    ],
)
def test_the_tracks_a_fact_may_be_about_do_not_depend_on_when_it_comes(
    start_ms: int,
    end_ms: int,
    named: bool,  # noqa: FBT001 - a column of the table
) -> None:
    times = np.array([start_ms]), np.array([end_ms])
    tracker, last = np.ones(1, np.int64), np.zeros(1, LAST)
    tracks = Tracks(np.zeros(1, np.int32), tracker, *times, tracker, times[0], last)
    assert len(waiting_for(change(), SITE).could_name(tracks, TIMING)) == named


def test_a_track_is_kept_as_long_as_a_late_fact_may_name_it() -> None:
    assert named_for_ms(TIMING) == 30_000 + 10_000 + 60_000
    assert forgotten_after_ms(TIMING) == named_for_ms(TIMING) + 60_000


def test_facts_are_told_apart_by_what_their_senders_name() -> None:
    lines = [BasketLine("a", "b")]
    facts: list[Purchase | IdentityChange | Disposition] = [
        Purchase("r", 1, "shop", "1", lines),
        Purchase("q", 1, "shop", "1", lines),
        Purchase("r", 1, "shop", "2", lines),
        Purchase("r", 1, "kiosk", "1", lines),
        IdentityChange("r", "link", 1, "door", 1),
        IdentityChange("q", "link", 1, "door", 1),
        Disposition("r", 1, "door/1/0", "agree", "anna"),
        Disposition("q", 1, "door/1/0", "agree", "anna"),
    ]
    assert len({name_of(fact) for fact in facts}) == len(facts)
    assert name_of(Purchase("r", 2, "shop", "1", lines, "door/1", "bert")) == name_of(facts[0])


def test_a_fact_is_remembered_up_to_its_time() -> None:
    known = {"a": 3, "b": 1, "c": 2}
    forgotten = [still_known(known, now_ms) for now_ms in range(5)]
    assert forgotten == [known, known, {"a": 3, "c": 2}, {"a": 3}, {}]
