"""A visit second by second: zones, reaches, concealments and glances, as timelines of segments."""

from itertools import pairwise

import numpy as np
import pytest

from features.closing import Layout
from features.identity import Identities
from features.person import PersonState, person_step
from features.segments import NOT_SEEN, SEGMENT, SegmentBlock
from features.sequence import COLUMN, FINAL, MISSING, FeatureRows
from features.site import Camera, Site, Thresholds, Zone
from features.visit import Places

SQUARE = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]
ZONES = [
    Zone("office", "restricted", SQUARE),
    Zone("store", "restricted", SQUARE, loiter_after_s=50),
    Zone("shelf", "shelf", SQUARE),
    Zone("out", "exit", SQUARE),
    Zone("till", "till", SQUARE),
]
OFFICE, STORE, SHELF, EXIT, TILL = (1 << bit for bit in range(5))
SITE = Site(cameras=[Camera("hall", ZONES)], thresholds=Thresholds(restricted_loiter_after_s=20))
Span = tuple[int, dict[str, int]]  # seconds, and what is not as in a second of standing unseen by any zone
WALKS = {"x": 1_000}


def block(spans: list[Span]) -> SegmentBlock:
    """A track of consecutive seconds and its end; `x` is by how many units it moves each second, `frames` 0 a gap."""
    rows = np.zeros(sum(seconds for seconds, _ in spans) + 1, SEGMENT)
    rows["second_ms"] = 1_000 * (5_000 + np.arange(len(rows)))
    rows["frames"][:-1] = rows["posed"][:-1] = 10
    rows["um_per_unit"], rows["mean_ms"] = 1_000, 450
    at = 0
    for seconds, changes in spans:
        for name, value in changes.items():
            rows[name][at : at + seconds] = value
        at += seconds
    rows["x"] = np.cumsum(rows["x"])
    kept = rows[(rows["frames"] > 0) | (np.arange(len(rows)) == len(rows) - 1)]
    return SegmentBlock(["hall/1/5000"], np.zeros(1, np.int32), np.zeros(len(kept), np.int32), kept)


def final(spans: list[Span]) -> dict[str, int]:
    """The features at the end, folded at once and second by second: both must say the same."""
    whole, places = block(spans), Places(SITE, Layout.of(SITE).zones)
    ends = []
    for cuts in ([0, len(whole)], list(range(len(whole) + 1))):
        state = PersonState(Identities.start(SITE))
        parts = [whole.part(slice(start, stop)) for start, stop in pairwise(cuts)]
        rows = FeatureRows.concatenate([person_step(state, part, places) for part in parts])
        ends.append(rows.values[rows.kind == FINAL][0].tolist())
    assert ends[0] == ends[1]
    return {name: ends[0][column] for name, column in COLUMN.items()}


def check(spans: list[Span], expected: dict[str, int]) -> None:
    found = final(spans)
    assert {name: found[name] for name in expected} == expected


IN_OFFICE, IN_STORE, OUTSIDE = {"zones": OFFICE}, {"zones": STORE}, {"zones": 0}
RESTRICTED: list[tuple[str, list[Span], tuple[int, int, int]]] = [
    # what, timeline, seconds inside, visits, seconds beyond the threshold
    ("never", [(40, OUTSIDE)], (0, 0, 0)),
    ("passes through", [(5, OUTSIDE), (10, IN_OFFICE), (5, OUTSIDE)], (10, 1, 0)),
    ("stays", [(5, OUTSIDE), (35, IN_OFFICE), (5, OUTSIDE)], (35, 1, 15)),
    ("begins there", [(21, IN_OFFICE)], (21, 1, 1)),
    ("comes back", [(8, IN_OFFICE), (1, OUTSIDE), (8, IN_OFFICE), (1, OUTSIDE), (8, IN_OFFICE)], (24, 3, 0)),
    ("stays twice, the first longer", [(30, IN_OFFICE), (9, OUTSIDE), (25, IN_OFFICE)], (55, 2, 10)),
    ("stays where more is allowed", [(45, IN_STORE)], (45, 1, 0)),
    ("goes from one to the other", [(15, IN_STORE), (15, IN_OFFICE)], (30, 1, 10)),
    ("is not seen for a while", [(15, IN_OFFICE), (9, {"frames": 0}), (15, IN_OFFICE)], (30, 1, 10)),
    ("walks about in it", [(30, IN_OFFICE | WALKS)], (30, 1, 10)),
]


@pytest.mark.parametrize(("what", "spans", "expected"), RESTRICTED, ids=[row[0] for row in RESTRICTED])
def test_restricted_zones(what: str, spans: list[Span], expected: tuple[int, int, int]) -> None:
    found = final(spans)
    assert tuple(found[name] for name in ("restricted_s", "restricted_visits", "restricted_loiter_s")) == expected, what


def test_other_zones_are_counted_by_kind() -> None:
    spans: list[Span] = [(5, {"zones": SHELF}), (3, OUTSIDE), (4, {"zones": SHELF | TILL}), (2, {"zones": EXIT})]
    check(spans, {"observed_s": 14, "shelf_s": 9, "shelf_visits": 2, "till_s": 4, "exit_s": 2, "restricted_s": 0})


NOTHING: dict[str, int] = {}
REACH, WAIST = {"reach": 200}, {"hands_at_waist": 500}
UNSEEN = {"posed": 0, "reach": NOT_SEEN, "hands_at_waist": NOT_SEEN}
CONCEALMENTS: list[tuple[str, list[Span], tuple[int, int]]] = [
    # what, timeline, reaches, concealments
    ("hands at the waist only", [(20, WAIST)], (0, 0)),
    ("a reach only", [(3, NOTHING), (2, REACH), (20, NOTHING)], (1, 0)),
    ("less than a reach", [(2, {"reach": 199}), (2, WAIST)], (0, 0)),
    ("less than at the waist", [(2, REACH), (2, {"hands_at_waist": 499})], (1, 0)),
    ("right after it", [(2, REACH), (1, WAIST)], (1, 1)),
    ("five seconds after it", [(2, REACH), (4, NOTHING), (1, WAIST)], (1, 1)),
    ("six seconds after it", [(2, REACH), (5, NOTHING), (9, WAIST)], (1, 0)),
    ("a gap counts as time", [(2, REACH), (5, {"frames": 0}), (9, WAIST)], (1, 0)),
    ("in the same second", [(1, REACH | WAIST), (9, NOTHING)], (1, 0)),
    ("the waist first", [(2, WAIST), (2, REACH), (9, NOTHING)], (1, 0)),
    ("once a reach", [(1, REACH), (1, WAIST), (1, NOTHING), (3, WAIST)], (1, 1)),
    ("twice", [(1, REACH), (1, WAIST), (1, REACH), (1, WAIST)], (2, 2)),
    ("two reaches, then the waist", [(1, REACH), (1, NOTHING), (1, REACH), (1, WAIST)], (2, 1)),
    ("hands that are there all the time", [(9, WAIST), (2, REACH), (3, WAIST), (2, REACH), (9, WAIST)], (2, 0)),
    ("more than half of the time", [(4, NOTHING), (5, WAIST), (1, REACH), (2, WAIST)], (1, 0)),
    ("half of the time", [(4, NOTHING), (4, WAIST), (1, REACH), (1, WAIST)], (1, 1)),
    ("not seen between", [(1, REACH), (2, UNSEEN), (1, WAIST)], (1, 1)),
    ("not seen at all", [(9, UNSEEN)], (0, 0)),
]


@pytest.mark.parametrize(("what", "spans", "expected"), CONCEALMENTS, ids=[row[0] for row in CONCEALMENTS])
def test_concealments(what: str, spans: list[Span], expected: tuple[int, int]) -> None:
    found = final(spans)
    assert (found["reaches"], found["concealments"]) == expected, what


def bits(bend: int, head: int, arms: int, hidden: int) -> dict[str, int]:
    return {"unusual_mbit": (bend, head, arms, hidden)}  # type: ignore[dict-item]


NOT_KNOWN = bits(*[NOT_SEEN] * 4)
UNUSUAL: list[tuple[str, list[Span], tuple[int, int]]] = [
    # what, timeline, hundredths of a bit of head and hidden limbs, and of all
    ("never told", [(15, NOT_KNOWN)], (MISSING, MISSING)),
    ("as everybody", [(15, bits(0, 0, 0, 0))], (0, 0)),
    ("bend and arms", [(15, bits(3_000, 0, 1_000, 0))], (0, 400)),
    ("head and hidden limbs", [(15, bits(0, 4_000, 0, 2_000))], (600, 600)),
    ("all of it, as much as there is", [(15, bits(*[8_644] * 4))], (1_728, 3_457)),
    ("for five of the last ten seconds", [(30, bits(0, 0, 0, 0)), (5, bits(0, 4_000, 0, 0))], (200, 200)),
    ("known for two of them", [(8, NOT_KNOWN), (2, bits(1_000, 4_000, 0, 0))], (400, 500)),
    ("known no longer", [(5, bits(0, 4_000, 0, 0)), (5, NOT_KNOWN)], (400, 400)),
    ("before the last ten seconds", [(5, bits(0, 4_000, 0, 0)), (10, bits(0, 0, 0, 0))], (0, 0)),
    ("not known for the last ten", [(5, bits(0, 4_000, 0, 0)), (10, NOT_KNOWN)], (MISSING, MISSING)),
    ("a gap counts as time", [(5, bits(0, 4_000, 0, 0)), (8, {"frames": 0}), (1, bits(0, 0, 0, 0))], (200, 200)),
]


@pytest.mark.parametrize(("what", "spans", "expected"), UNUSUAL, ids=[row[0] for row in UNUSUAL])
def test_unusual_bearing(what: str, spans: list[Span], expected: tuple[int, int]) -> None:
    found = final(spans)
    assert (found["unusual_10s"], found["unusual_bearing_10s"]) == expected, what


UNTOLD, LIKELY = {"handling": NOT_SEEN}, {"handling": 700}
HANDS: list[tuple[str, list[Span], int]] = [
    # what, timeline, the largest probability after a reach, permille
    ("no reach", [(9, LIKELY)], MISSING),
    ("no model", [(2, REACH | UNTOLD), (9, UNTOLD)], MISSING),
    ("only while reaching", [(2, REACH | LIKELY), (9, {"handling": 40})], 40),
    ("right after it", [(2, REACH | UNTOLD), (1, LIKELY), (9, UNTOLD)], 700),
    ("the likeliest", [(2, REACH), (2, {"handling": 300}), (1, LIKELY), (9, {"handling": 500})], 700),
    ("five seconds after it", [(2, REACH), (4, NOTHING), (1, LIKELY)], 700),
    ("six seconds after it", [(2, REACH), (5, NOTHING), (9, LIKELY)], 0),
    ("once the hands are at the waist", [(2, REACH), (1, WAIST | {"handling": 300}), (2, LIKELY)], 300),
    ("after another reach", [(2, REACH), (1, WAIST), (1, REACH), (1, LIKELY), (30, NOTHING)], 700),
]


@pytest.mark.parametrize(("what", "spans", "expected"), HANDS, ids=[row[0] for row in HANDS])
def test_what_hands_do_after_a_reach(what: str, spans: list[Span], expected: int) -> None:
    assert final(spans)["handling_after_reach"] == expected, what


TURNS, AWAY = {"head_range": 400}, {"back_to_shelf": 1_000}
GLANCES: list[tuple[str, list[Span], dict[str, int]]] = [
    ("looks about while standing", [(5, NOTHING), (3, TURNS)], {"head_turns_60s": 3}),
    ("looks a little", [(5, NOTHING), (3, {"head_range": 399})], {"head_turns_60s": 0}),
    ("looks about while walking", [(5, WALKS), (3, TURNS | WALKS)], {"head_turns_60s": 0}),
    ("the first second might be either", [(1, TURNS), (5, NOTHING)], {"head_turns_60s": 0}),
    ("looked about a minute ago", [(5, NOTHING), (3, TURNS), (58, NOTHING)], {"head_turns_60s": 2}),
    ("the head is not seen", [(5, NOTHING), (3, {"head_range": NOT_SEEN})], {"head_turns_60s": 0}),
    ("stands with the back to the shelf", [(5, NOTHING), (5, AWAY)], {"back_to_shelf_60s": 500}),
    ("walks with the back to the shelf", [(5, WALKS), (5, AWAY | WALKS)], {"back_to_shelf_60s": 0}),
    ("for half of the frames", [(5, NOTHING), (5, {"back_to_shelf": 500})], {"back_to_shelf_60s": 250}),
    (
        "of the seconds in which the body was seen",
        [(4, NOTHING), (4, AWAY), (8, {"posed": 0, "back_to_shelf": NOT_SEEN})],
        {"back_to_shelf_60s": 500, "posed_permille": 500},
    ),
    ("never seen", [(4, {"posed": 0})], {"back_to_shelf_60s": MISSING, "hands_at_waist_60s": MISSING}),
    (
        "hands at the waist",
        [(20, NOTHING), (15, {"hands_at_waist": 800})],
        {"hands_at_waist_10s": 800, "hands_at_waist_60s": 342},
    ),
    ("crouches", [(20, NOTHING), (20, {"crouch": 1_000})], {"crouch_60s": 500}),
]


@pytest.mark.parametrize(("what", "spans", "expected"), GLANCES, ids=[row[0] for row in GLANCES])
def test_what_a_body_does_in_the_last_minute(what: str, spans: list[Span], expected: dict[str, int]) -> None:
    found = final(spans)
    assert {name: found[name] for name in expected} == expected, what


EXITS: list[tuple[str, list[Span], int]] = [
    ("handled goods and left", [(1, REACH), (1, NOTHING), (1, REACH), (2, {"zones": EXIT})], 1_000),
    ("looked at one thing and left", [(3, REACH), (2, {"zones": EXIT})], 0),
    ("handled goods and is still here", [(1, REACH), (1, NOTHING), (1, REACH)], 0),
]


@pytest.mark.parametrize(("what", "spans", "expected"), EXITS, ids=[row[0] for row in EXITS])
def test_an_exit_without_a_purchase(what: str, spans: list[Span], expected: int) -> None:
    assert final(spans)["unpaid_exit"] == expected, what


def test_values_are_cut_to_their_range() -> None:
    check([(150, REACH), (1, NOTHING), *[(1, REACH), (1, WAIST)] * 30], {"concealments": 20, "reaches": 31})
    check([(1, IN_OFFICE), (1, OUTSIDE)] * 30, {"restricted_visits": 20, "restricted_s": 30})
