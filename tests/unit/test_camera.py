"""The camera step as timelines: what arrives, in its order, and what comes out upon it."""

from collections.abc import Iterable

import numpy as np
import pytest

from features.camera import CameraState, CameraStep, camera_step, finish
from features.closing import Layout
from features.events import BasketLine, Disposition, IdentityChange, Purchase
from features.keypoints import NO_TRACK, PersonFrames
from features.segments import Attribution, SegmentBlock, TrackChange
from features.site import Camera, Hours, Site, Till, Timing, Zone

TIMING = Timing(track_silence_ms=3_000, camera_silence_ms=10_000, fact_allowance_ms=20_000)
TILL = Zone("till", "till", [(0, 0), (100, 0), (100, 400), (0, 400)])
PRIVATE = Zone("private", "opt-out", [(200, 0), (300, 0), (300, 400), (200, 400)])
SITE = Site(
    cameras=[Camera("hall", [TILL, PRIVATE]), Camera("yard")], tills=[Till("1", "shop", "hall", "till")], timing=TIMING
)
ELSEWHERE, AT_TILL, IN_PRIVATE = 150, 50, 250

Fact = Purchase | IdentityChange
Seen = tuple[str, int, int | None]  # camera, event time, tracker id; no id: a frame without persons
Timeline = list[tuple[Seen | Fact, list[str]]]


def seen(camera: str, time_ms: int, tracker: int | None, x: int = ELSEWHERE) -> PersonFrames:
    rows = PersonFrames.empty(1)
    rows.camera[:], rows.time_ms[:] = ["hall", "yard"].index(camera), time_ms
    rows.track[:] = NO_TRACK if tracker is None else tracker
    rows.box[:, 0] = 4 * (x - 10), 4 * 100, 4 * 20, 4 * 170
    return rows


def paid(receipt: str, time_ms: int, till: str = "1", person: str | None = None) -> Purchase:
    return Purchase(receipt, time_ms, "shop", till, [BasketLine("tea", "tea")], person)


def told(step: CameraStep) -> list[str]:
    """The journal entries and what could not be used, as lines of text."""
    lines = []
    for entry in step.entries:
        if isinstance(entry, SegmentBlock):
            for place, row in zip(entry.track.tolist(), entry.rows, strict=True):
                what = f"{row['frames']} in" if row["frames"] else "ends"
                lines.append(f"{entry.tracks[place]} {what} {row['second_ms'] // 1_000}")
        elif isinstance(entry, Attribution):
            who = " ".join(f"{track}:{permille}" for track, permille in entry.candidates)
            lines.append(f"{entry.receipt} by {who or 'nobody'}")
        elif isinstance(entry, TrackChange):
            lines.append(f"{entry.change.kind} {entry.track} {entry.other}")
        else:
            lines.append(f"{entry.verdict}")
    cameras = ("hall", "yard")
    for rows in step.late:
        of_rows = zip(rows.camera.tolist(), rows.track.tolist(), rows.time_ms.tolist(), strict=True)
        lines += [f"late {cameras[camera]}/{track} {time_ms}" for camera, track, time_ms in of_rows]
    lines += [f"late {of_sender(fact)}" for fact in step.late_facts]
    return lines + [f"repeated {of_sender(fact)}" for fact in step.repeated_facts]


def of_sender(fact: Fact | Disposition) -> str:
    """The name that its sender gave a fact."""
    if isinstance(fact, Purchase):
        return fact.receipt
    return fact.change if isinstance(fact, IdentityChange) else fact.disposition


def check(timeline: Timeline, at_the_end: list[str], site: Site = SITE, x: int = ELSEWHERE) -> None:
    """Upon each arrival comes what the timeline says; and the same in all if the frames arrive as one block."""
    layout = Layout.of(site)
    state = CameraState.start(layout)
    for event, expected in timeline:
        step = camera_step(state, seen(*event, x) if isinstance(event, tuple) else event, layout)
        state = step.state
        assert told(step) == expected, event
    assert told(finish(state, layout)) == at_the_end
    frames = [seen(*event, x) for event, _ in timeline if isinstance(event, tuple)]
    if len(frames) == len(timeline):
        step = camera_step(CameraState.start(layout), PersonFrames.concatenate(frames), layout)
        assert sorted(told(step)) == sorted(line for _, expected in timeline for line in expected)
        assert [line for line in told(step) if not line.startswith("late")] == [
            line for _, expected in timeline for line in expected if not line.startswith("late")
        ]
        assert told(finish(step.state, layout)) == at_the_end


FRAMES: dict[str, tuple[Timeline, list[str]]] = {
    "a second is closed half a second after its end": (
        [
            (("hall", 0, 1), []),
            (("hall", 900, 1), []),
            (("hall", 1_499, 1), []),
            (("hall", 1_500, 1), ["hall/1/0 2 in 0"]),
        ],
        ["hall/1/0 2 in 1", "hall/1/0 ends 2"],
    ),
    "frames may be out of order until then, and are late after it": (
        [
            (("hall", 1_400, 1), []),
            (("hall", 950, 1), []),
            (("hall", 1_500, 1), ["hall/1/0 1 in 0"]),
            (("hall", 999, 1), ["late hall/1 999"]),
            (("hall", 1_000, 1), []),
        ],
        ["hall/1/0 3 in 1", "hall/1/0 ends 2"],
    ),
    "each camera has its own watermark": (
        [
            (("hall", 0, 1), []),
            (("yard", 9_000, 2), []),
            (("hall", 900, 1), []),
            (("yard", 9_500, 2), []),
            (("hall", 1_500, 1), ["hall/1/0 2 in 0"]),
        ],
        ["hall/1/0 1 in 1", "hall/1/0 ends 2", "yard/2/9 2 in 9", "yard/2/9 ends 10"],
    ),
    "frames without persons move time": (
        [
            (("hall", 0, 1), []),
            (("hall", 1_500, None), ["hall/1/0 1 in 0"]),
            (("hall", 4_499, None), []),
            (("hall", 4_500, None), ["hall/1/0 ends 1"]),
            (("hall", 100, None), []),
        ],
        [],
    ),
    "a tracker id goes on over a short silence": (
        [
            (("hall", 0, 1), []),
            (("hall", 3_900, 1), ["hall/1/0 1 in 0"]),
            (("hall", 4_500, None), ["hall/1/0 1 in 3"]),
            (("hall", 7_499, None), []),
            (("hall", 7_500, None), ["hall/1/0 ends 4"]),
        ],
        [],
    ),
    "a tracker id that comes back after a silence is a new track": (
        [
            (("hall", 0, 1), []),
            (("hall", 4_000, 1), ["hall/1/0 1 in 0"]),
            (("hall", 4_500, 1), ["hall/1/0 ends 1"]),
            (("hall", 5_500, 1), ["hall/1/4 2 in 4"]),
        ],
        ["hall/1/4 1 in 5", "hall/1/4 ends 6"],
    ),
    "a jump in time ends what came before it": (
        [
            (("hall", 0, 1), []),
            (("hall", 60_000, 1), ["hall/1/0 1 in 0", "hall/1/0 ends 1"]),
        ],
        ["hall/1/60 1 in 60", "hall/1/60 ends 61"],
    ),
    "a silent camera is closed as it stands, by the others' time": (
        [
            (("yard", 100, 2), []),
            (("hall", 5_000, 1), []),
            (("hall", 10_099, 1), ["hall/1/5 1 in 5", "hall/1/5 ends 6"]),
            (("hall", 10_100, 1), ["yard/2/0 1 in 0", "yard/2/0 ends 1"]),
            (("yard", 900, 2), ["late yard/2 900"]),
            (("yard", 1_000, 2), []),
            (("yard", 2_500, 2), ["yard/2/1 1 in 1"]),
        ],
        ["yard/2/1 1 in 2", "yard/2/1 ends 3", "hall/1/10 2 in 10", "hall/1/10 ends 11"],
    ),
    "its own frames are no silence, however far they jump": (
        [
            (("yard", 0, 2), []),
            (("yard", 1_000, 2), []),
            (("yard", 20_000, 2), ["yard/2/0 1 in 0", "yard/2/0 1 in 1", "yard/2/0 ends 2"]),
        ],
        ["yard/2/20 1 in 20", "yard/2/20 ends 21"],
    ),
    "a camera that is behind but heard is not silent": (
        [
            (("yard", 0, 2), []),
            (("hall", 9_000, None), []),
            (("yard", 400, 2), []),
            (("hall", 18_999, None), []),
            (("hall", 19_000, None), ["yard/2/0 2 in 0", "yard/2/0 ends 1"]),
        ],
        [],
    ),
}


@pytest.mark.parametrize("what", FRAMES)
def test_frames(what: str) -> None:
    check(*FRAMES[what])


def test_a_fact_tells_the_time_too() -> None:
    check(
        [(("yard", 0, 2), []), (paid("early", 9_999), []), (paid("a", 10_000), ["yard/2/0 1 in 0", "yard/2/0 ends 1"])],
        ["early by nobody", "a by nobody"],
    )


def test_repeated_frames_are_counted_and_count_once() -> None:
    layout = Layout.of(SITE)
    rows = [seen("hall", time_ms, 1) for time_ms in (100, 200, 100, 200, 100)]
    other = seen("yard", 100, 1)
    first = camera_step(CameraState.start(layout), PersonFrames.concatenate([*rows[:3], other]), layout)
    second = camera_step(first.state, PersonFrames.concatenate(rows[3:]), layout)
    last = finish(second.state, layout)
    assert told(last) == ["hall/1/0 2 in 0", "yard/1/0 1 in 0", "hall/1/0 ends 1", "yard/1/0 ends 1"]
    assert first.repeated + second.repeated + last.repeated == 3


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_frames_of_one_instant_the_same_one_counts_in_any_order(swapped: bool) -> None:  # noqa: FBT001 - a column of the table
    layout = Layout.of(SITE)
    two = [seen("hall", 100, 1, x=100), seen("hall", 100, 1, x=140)]
    step = camera_step(CameraState.start(layout), PersonFrames.concatenate(two[::-1] if swapped else two), layout)
    last = finish(step.state, layout)
    assert isinstance(last.entries[0], SegmentBlock)
    assert (last.entries[0].rows["x"][0], last.repeated) == (4 * 140, 1)


def test_who_opted_out_leaves_nothing_but_a_count() -> None:
    layout = Layout.of(SITE)
    where = [(100, IN_PRIVATE), (600, IN_PRIVATE), (1_100, IN_PRIVATE), (1_600, ELSEWHERE), (2_100, IN_PRIVATE)]
    rows = PersonFrames.concatenate([seen("hall", time_ms, 1, x) for time_ms, x in where])
    step = camera_step(CameraState.start(layout), rows, layout)
    last = finish(step.state, layout)
    assert told(step) + told(last) == ["hall/1/1 1 in 1", "hall/1/1 ends 2"]
    assert (step.opted_out + last.opted_out, len(last.state.ended)) == (4, 1)


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("hours", "offset_minutes", "counted", "kept"),
    [
        ((72, 73), 0, 2, ["hall/1/3600"]),  # 1970-01-01 00:00 is hour 72 of its week
        ((73, 74), 0, 1, ["hall/1/0"]),
        ((73, 74), 60, 2, ["hall/1/3600"]),
        ((71, 72), -60, 2, ["hall/1/3600"]),
        ((0, 168), 0, 3, []),
        ((0, 72), 0, 0, ["hall/1/0", "hall/1/3600"]),
    ],
)
def test_nobody_leaves_a_segment_in_opt_out_hours(
    hours: tuple[int, int], offset_minutes: int, counted: int, kept: list[str]
) -> None:
    site = Site(cameras=SITE.cameras, timing=TIMING, utc_offset_minutes=offset_minutes, opt_out_hours=[Hours(*hours)])
    layout = Layout.of(site)
    rows = PersonFrames.concatenate([seen("hall", time_ms, 1) for time_ms in (0, 500, HOUR_MS)])
    step = camera_step(CameraState.start(layout), rows, layout)
    last = finish(step.state, layout)
    lines = told(step) + told(last)
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == kept
    assert step.opted_out + last.opted_out == counted


def at_till(tracker: int, first_s: int, last_s: int) -> Timeline:
    """Frames of each second, without what comes out."""
    return [(("hall", 1_000 * second + 500, tracker), []) for second in range(first_s, last_s + 1)]


LINK = IdentityChange("c", "link", 4_500, "hall", 1, "yard", 2)
FACTS: dict[str, tuple[Timeline, list[str]]] = {
    "a purchase waits until five seconds after it are closed": (
        [
            *at_till(1, 0, 2),
            (paid("a", 2_000), []),
            *at_till(1, 3, 6),
            (("hall", 7_499, 1), []),
            (("hall", 7_500, 1), ["a by hall/1/0:1000"]),
        ],
        [],
    ),
    "and goes before the frames that follow": (
        [
            (paid("a", 500), []),
            *at_till(1, 0, 5),
            (("hall", 6_500, 1), ["a by hall/1/0:1000"]),
            *at_till(1, 7, 9),
        ],
        [],
    ),
    "it may come late and is told at once": (
        [*at_till(1, 0, 22), (paid("a", 2_500), ["a by hall/1/0:1000"])],
        [],
    ),
    "and is late beyond the allowance": (
        [*at_till(1, 0, 22), (paid("a", 2_499), ["late a"]), (paid("b", 22_500), [])],
        ["b by hall/1/0:1000"],
    ),
    "those ready at once go in the order of their time and name": (
        [*at_till(1, 0, 1), (paid("b", 1_000), []), (paid("c", 900), []), (paid("a", 1_000), [])],
        ["c by hall/1/0:1000", "a by hall/1/0:1000", "b by hall/1/0:1000"],
    ),
    "an unknown till has nobody, and is waited for until the allowance is over": (
        [
            *at_till(1, 0, 9),
            (paid("a", 2_000, "9"), []),
            (("hall", 21_999, None), []),
            (("hall", 22_000, None), ["a by nobody"]),
        ],
        [],
    ),
    "a token settles who it was, at an unknown till too": (
        [
            *at_till(1, 0, 3),
            *at_till(2, 3, 4),
            (paid("a", 2_000, "9", "hall/2"), []),
            (paid("b", 2_000, "1", "hall/2/3"), []),
            (("hall", 7_500, 1), ["a by hall/2/3:1000", "b by hall/2/3:1000"]),
        ],
        [],
    ),
    "a token that names nobody falls back to who stood at the till": (
        [
            *at_till(1, 0, 4),
            (paid("a", 2_000, "1", "hall/9"), []),
            (("hall", 7_500, 1), ["a by hall/1/0:1000"]),
            (paid("b", 2_000, "1", "nowhere/1"), ["b by hall/1/0:1000"]),
        ],
        [],
    ),
    "a token means the track of the time of the purchase": (
        [
            *at_till(1, 0, 2),
            *at_till(1, 9, 18),
            (paid("a", 3_000, "1", "hall/1"), ["a by hall/1/0:1000"]),
            (paid("b", 9_500, "1", "hall/1"), ["b by hall/1/9:1000"]),
        ],
        [],
    ),
    "a camera that stays away is waited for no longer than the allowance": (
        [
            (("hall", 500, 1), []),
            (paid("a", 1_000), []),
            (("yard", 20_999, 2), []),
            (("yard", 21_000, 2), ["a by hall/1/0:1000"]),
        ],
        [],
    ),
    "a link waits for both cameras": (
        [
            *at_till(1, 0, 6),
            (("yard", 4_000, 2), []),
            (LINK, []),
            (("yard", 5_499, 2), []),
            (("yard", 5_500, 2), ["link hall/1/0 yard/2/4"]),
        ],
        [],
    ),
    "tracks that are not known stay without a name": (
        [
            (("hall", 4_000, 1), []),
            (("yard", 4_000, 3), []),
            (("yard", 6_000, 3), []),
            (LINK, []),
            (("hall", 6_000, 1), ["link hall/1/4 None"]),
        ],
        [],
    ),
    "a link beyond the allowance is late": ([(("hall", 24_501, 1), []), (LINK, ["late c"])], []),
    "a purchase that comes twice counts once": (
        [
            *at_till(1, 0, 2),
            (paid("a", 2_000), []),
            (paid("a", 2_000), ["repeated a"]),
            *at_till(1, 3, 6),
            (("hall", 7_500, 1), ["a by hall/1/0:1000"]),
            (paid("a", 2_000), ["repeated a"]),
        ],
        [],
    ),
    "of two that differ the first counts": (
        [
            *at_till(1, 0, 8),
            (paid("a", 2_000), ["a by hall/1/0:1000"]),
            (paid("a", 1_000, person="hall/2"), ["repeated a"]),
            (paid("a", 30_000), ["repeated a"]),
            (("hall", 10_000, None), []),
        ],
        [],
    ),
    "a receipt is another one at another till": (
        [*at_till(1, 0, 8), (paid("a", 2_000), ["a by hall/1/0:1000"]), (paid("a", 2_000, "9"), [])],
        ["a by nobody"],
    ),
    "a repeat is known for the allowance after the fact came, and late after it": (
        [
            *at_till(1, 0, 8),
            (paid("a", 2_000), ["a by hall/1/0:1000"]),
            (("hall", 28_500, None), []),
            (paid("a", 2_000), ["repeated a"]),
            (paid("b", 28_501, "9"), []),
            (paid("a", 2_000), ["late a"]),
        ],
        ["b by nobody"],
    ),
    "or after its own time if that is later": (
        [
            (paid("a", 9_000), []),
            (("hall", 29_000, 1), ["a by nobody"]),
            (paid("a", 9_000), ["repeated a"]),
            (("hall", 29_001, 1), []),
            (paid("a", 9_000), ["late a"]),
        ],
        [],
    ),
    "a fact that was late is no repeat when it comes again": (
        [*at_till(1, 0, 22), (paid("a", 2_499), ["late a"]), (paid("a", 2_499), ["late a"]), (paid("a", 20_000), [])],
        ["a by hall/1/0:1000"],
    ),
    "a change that comes twice counts once, and has its names for itself": (
        [
            (("hall", 4_000, 1), []),
            (("yard", 4_000, 2), []),
            (("yard", 6_000, 2), []),
            (LINK, []),
            (LINK, ["repeated c"]),
            (("hall", 6_000, 1), ["link hall/1/4 yard/2/4"]),
            (paid("c", 4_000), []),
        ],
        ["c by hall/1/4:1000"],
    ),
}


@pytest.mark.parametrize("what", FACTS)
def test_facts(what: str) -> None:
    timeline, at_the_end = FACTS[what]
    layout = Layout.of(SITE)
    state = CameraState.start(layout)
    for event, expected in timeline:
        step = camera_step(state, seen(*event, AT_TILL) if isinstance(event, tuple) else event, layout)
        state = step.state
        assert [line for line in told(step) if " in " not in line and " ends " not in line] == expected, event
    left = [line for line in told(finish(state, layout)) if " in " not in line and " ends " not in line]
    assert left == at_the_end


@pytest.mark.parametrize("what", FACTS)
def test_facts_stand_at_the_same_place_among_frames_of_any_blocks(what: str) -> None:
    rows = [seen(*event, AT_TILL) if isinstance(event, tuple) else event for event, _ in FACTS[what][0]]
    joined = list[PersonFrames | Fact]()
    for one in rows:
        if joined and isinstance(one, PersonFrames) and isinstance(joined[-1], PersonFrames):
            joined[-1] = PersonFrames.concatenate([joined[-1], one])
        else:
            joined.append(one)
    assert journal(rows) == journal(joined)


def journal(events: Iterable[PersonFrames | Fact]) -> list[str]:
    layout, lines = Layout.of(SITE), list[str]()
    state = CameraState.start(layout)
    for event in events:
        step = camera_step(state, event, layout)
        state, lines = step.state, lines + told(step)
    return lines + told(finish(state, layout))


def test_a_disposition_passes_through() -> None:
    layout = Layout.of(SITE)
    verdict = Disposition("d", 1_000, "hall/1/0", "agree", "anna")
    assert told(camera_step(CameraState.start(layout), verdict, layout)) == ["agree"]


@pytest.mark.parametrize(("time_ms", "heard_ms", "until_ms"), [(1_000, 5_000, 25_000), (5_000, 1_000, 25_000)])
def test_a_disposition_is_known_for_as_long_as_other_facts(time_ms: int, heard_ms: int, until_ms: int) -> None:
    layout = Layout.of(SITE)
    verdict = Disposition("d", time_ms, "hall/1/0", "agree", "anna")
    state = camera_step(CameraState.start(layout), seen("hall", heard_ms, None), layout).state
    state = camera_step(state, verdict, layout).state
    told_at = []
    for now_ms in (heard_ms, until_ms, until_ms + 1):
        state = camera_step(state, seen("hall", now_ms, None), layout).state
        told_at.append(told(camera_step(state, verdict, layout)))
    assert told_at == [["repeated d"], ["repeated d"], ["agree"]]


def test_facts_are_forgotten_with_time_and_whatever_tells_it() -> None:
    layout, kept = Layout.of(SITE), []
    state = CameraState.start(layout)
    for second in range(200):
        state = camera_step(state, paid(f"r{second}", 1_000 * second), layout).state
        kept.append(len(state.known))
    assert kept[20:] == [21] * 180
    state = camera_step(state, seen("hall", 209_500, None), layout).state
    assert list(state.known) == [f"purchase/shop/1/r{second}" for second in range(190, 200)]
    assert not camera_step(state, seen("hall", 300_000, None), layout).state.known


def test_tracks_that_ended_and_who_stood_at_tills_are_forgotten() -> None:
    layout, kept = Layout.of(SITE), []
    state = CameraState.start(layout)
    for second in range(0, 1_000, 5):
        rows = PersonFrames.concatenate([seen("hall", 1_000 * (second + at), second, AT_TILL) for at in range(2)])
        state = camera_step(state, rows, layout).state
        kept.append((len(state.open), len(state.ended), len(state.presence.seconds), len(state.pending)))
    assert np.array(kept)[100:].max(axis=0).tolist() == np.array(kept)[50:100].max(axis=0).tolist()
    assert kept[-1][1] < 30
