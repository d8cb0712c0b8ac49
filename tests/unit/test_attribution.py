import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attribution import (
    AFTER_MS,
    BEFORE_MS,
    NO_PLACE,
    Candidates,
    Incarnations,
    TillPlaces,
    TillPresence,
    TrackSpan,
    attribute,
    named_track,
    ready_at_ms,
    shares,
)
from features.events import BasketLine, Purchase
from features.segments import SEGMENT, SegmentBlock
from features.site import Camera, Site, Till, Zone

TRIANGLE = [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)]
SITE = Site(
    cameras=[
        Camera("door", [Zone("exit", "exit", TRIANGLE)]),
        Camera("floor", [Zone(name, "till", TRIANGLE) for name in ("left", "right", "unused")]),
    ],
    tills=[
        Till("1", "shop", "floor", "left"),
        Till("2", "shop", "floor", "right"),
        Till("3", "shop", "floor", "right"),
        Till("4", "shop", "floor", "nowhere"),
        Till("5", "shop", "nowhere", "left"),
    ],
)
PLACES = TillPlaces.of(SITE)
PAID_MS = 100_000
Seen = tuple[int, int, str]  # place, second, track


def purchase(till: str = "1", person: str | None = None, time_ms: int = PAID_MS) -> Purchase:
    return Purchase("r", time_ms, "shop", till, [BasketLine("a", "b")], person, "token")


def presence_of(seen: list[Seen]) -> TillPresence:
    presence = TillPresence()
    names = sorted({track for _, _, track in seen})
    place = np.array([place for place, _, _ in seen], np.int64)
    second_ms = np.array([second * 1_000 for _, second, _ in seen], np.int64)
    presence.note(place, second_ms, np.array([names.index(track) for *_, track in seen], np.int64), names)
    return presence


def candidates(seen: list[Seen], bought: Purchase, tracks: Incarnations | None = None) -> Candidates:
    return attribute(bought, presence_of(seen), PLACES, tracks or {}).candidates


def test_places_of_a_site() -> None:
    assert PLACES.of_till == {("shop", "1"): 0, ("shop", "2"): 1, ("shop", "3"): 1}
    assert PLACES.of_zone[1, :3].tolist() == [0, 1, NO_PLACE]
    assert (PLACES.of_zone[0] == NO_PLACE).all()


def test_segments_spent_at_a_till() -> None:
    rows = np.zeros(4, SEGMENT)
    rows["zones"] = [0b001, 0b011, 0b100, 0b001]
    tracks = ["door/1/0", "floor/1/0"]
    block = SegmentBlock(tracks, np.array([0, 1], np.int32), np.array([1, 1, 1, 0], np.int32), rows)
    place, row = PLACES.seen(block)
    assert list(zip(place.tolist(), row.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("seen", "till", "expected"),
    [
        ([], "1", []),
        ([(0, 99, "a")], "1", [("a", 1_000)]),
        ([(0, 99, "a")], "2", []),
        ([(0, 99, "a")], "unknown", []),
        ([(0, 99, "a")], "4", []),
        ([(1, 99, "a")], "3", [("a", 1_000)]),  # shares its zone with till 2
        ([(0, 70, "a"), (0, 69, "b")], "1", [("a", 1_000)]),  # from 30 s before on
        ([(0, 104, "a"), (0, 105, "b")], "1", [("a", 1_000)]),  # up to 5 s after
        ([(0, 99, "a"), (0, 100, "b")], "1", [("a", 500), ("b", 500)]),  # equally near
        ([(0, 99, "b"), (0, 89, "a")], "1", [("b", 602), ("a", 398)]),  # 29,500 to 19,500
        ([(0, 99, "a"), (0, 99, "b"), (0, 99, "c")], "1", [("a", 334), ("b", 333), ("c", 333)]),
        ([(0, 99, "a"), (0, 99, "a")], "1", [("a", 1_000)]),
        ([(0, 99, "a"), (0, 98, "a"), (0, 99, "b")], "1", [("a", 663), ("b", 337)]),  # 58,000 to 29,500
    ],
)
def test_shares_by_presence(seen: list[Seen], till: str, expected: Candidates) -> None:
    assert candidates(seen, purchase(till)) == expected


def test_only_seconds_that_lie_wholly_in_the_window_count() -> None:
    bought = purchase(time_ms=PAID_MS + 400)
    assert candidates([(0, 70, "a"), (0, 105, "b")], bought) == []
    assert candidates([(0, 71, "a"), (0, 104, "b")], bought) == [("b", 959), ("a", 41)]


def test_every_second_that_counts_is_closed_when_the_purchase_is_ready() -> None:
    for time_ms in range(PAID_MS, PAID_MS + 1_000, 50):
        bought = purchase(time_ms=time_ms)
        last = (ready_at_ms(bought) - 1_000) // 1_000
        assert candidates([(0, last, "a")], bought)
        assert not candidates([(0, last + 1, "a")], bought)


def test_nothing_of_the_purchase_is_lost() -> None:
    bought = purchase("unknown")
    made = attribute(bought, TillPresence(), PLACES, {})
    assert (made.receipt, made.time_ms, made.store, made.till) == ("r", PAID_MS, "shop", "unknown")
    assert (made.lines, made.customer, made.explicit) == (bought.lines, "token", False)


TRACKS = {
    "floor/7": [TrackSpan("floor/7/10", 10_000, 60_000), TrackSpan("floor/7/90", 90_000, 101_000)],
    "floor/8": [TrackSpan("floor/8/10", 10_000, 95_000), TrackSpan("floor/8/104", 104_000, 120_000)],
    "floor/9": [TrackSpan("floor/9/10", 10_000, 70_000), TrackSpan("floor/9/105", 105_000, 120_000)],
}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("floor/7", "floor/7/90"),
        ("floor/7/10", "floor/7/10"),  # told in full, whenever it was
        ("floor/7/11", None),
        ("floor/8", "floor/8/104"),  # 4.0 s ahead is nearer than 5.0 s ago
        ("floor/9", None),  # too long ago and too late
        ("floor/1", None),
        ("floor", None),
    ],
)
def test_explicit_token(token: str, expected: str | None) -> None:
    assert named_track(token, PAID_MS, TRACKS) == expected


def test_an_explicit_token_wins_over_presence_and_till() -> None:
    for till in ("1", "unknown"):
        made = attribute(purchase(till, "floor/7"), presence_of([(0, 99, "a")]), PLACES, TRACKS)
        assert (made.candidates, made.explicit) == ([("floor/7/90", 1_000)], True)


def test_a_token_of_nobody_falls_back_to_presence() -> None:
    made = attribute(purchase("1", "floor/1"), presence_of([(0, 99, "a")]), PLACES, TRACKS)
    assert (made.candidates, made.explicit) == ([("a", 1_000)], False)


def test_forgetting() -> None:
    presence = presence_of([(0, 98, "a"), (0, 99, "b")])
    presence.forget(99_000)
    assert presence.seconds == {99_000: {0: ("b",)}}


presences = st.lists(st.tuples(st.integers(0, 1), st.integers(65, 110), st.sampled_from("abcd")), max_size=60)


@given(presences.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))), st.integers(-999, 999))
def test_the_order_of_noting_is_nothing(orders: tuple[list[Seen], list[Seen]], shift_ms: int) -> None:
    bought = purchase(time_ms=PAID_MS + shift_ms)
    assert candidates(orders[0], bought) == candidates(orders[1], bought)


@given(presences, st.integers(0, 999))
def test_forgetting_what_is_too_old_changes_nothing(seen: list[Seen], shift_ms: int) -> None:
    bought, presence = purchase(time_ms=PAID_MS + shift_ms), presence_of(seen)
    presence.forget(bought.time_ms - BEFORE_MS)
    assert attribute(bought, presence, PLACES, {}).candidates == candidates(seen, bought)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(1, (BEFORE_MS + AFTER_MS) * 35)))
def test_shares_sum_to_a_thousand(weights: dict[str, int]) -> None:
    parts = shares(weights)
    assert sum(share for _, share in parts) == (1_000 if weights else 0)
    assert parts == sorted(parts, key=lambda part: (-part[1], part[0]))
    total = sum(weights.values())
    assert all(abs(share * total - 1_000 * weights[name]) < total for name, share in parts)


def test_more_candidates_than_shares() -> None:
    parts = shares({f"{at:04}": 1 for at in range(1_500)})
    assert parts == [(f"{at:04}", 1) for at in range(1_000)]
