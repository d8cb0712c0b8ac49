"""Persons of several tracks and with purchases: what stands in the end, whenever the news came."""

import numpy as np
import pytest
from msgspec.structs import replace

from features.basket import Corpus
from features.closing import Layout
from features.events import BasketLine, IdentityChange
from features.identity import Identities, combine, person_of
from features.person import PersonState, person_step
from features.segments import SEGMENT, Attribution, Entry, SegmentBlock, TrackChange
from features.sequence import CATALOGUE, COLUMN, FINAL, GRID, MISSING, SECOND, WITHDRAWN, FeatureRows
from features.site import Camera, Combination, Memory, Site, Timing, Zone
from features.visit import Places

SQUARE = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]
KNOT = Combination("knot", [["rope"], ["knife"]], 3_600, 2)
OUT = 1
A, B, C = "hall/1/0", "yard/2/20", "yard/3/21"  # A is seen for 40 s, B and C up to second 60
START_S = 86_400  # so that a customer may have been here before
KINDS = {GRID: "grid", FINAL: "final", WITHDRAWN: "withdrawn"}
Change = tuple[str, float, str, str | None]  # kind, second, tracks
Standing = dict[tuple[str, int], tuple[str, dict[str, int]]]


def site_of(*, memory: bool = False) -> Site:
    cameras = [Camera("hall", [Zone("out", "exit", SQUARE)]), Camera("yard", [Zone("out", "exit", SQUARE)])]
    return Site(cameras=cameras, combinations=[KNOT], memory=Memory(customers=memory))


SPANS = {A: (0, 40), B: (20, 60), C: (21, 60)}


def seconds(start: int, stop: int) -> SegmentBlock:
    """Seconds of everybody; A handles goods twice and is at the exit from second 30 on."""
    seen = [(at, track) for at in range(start, stop) for track, (first, end) in SPANS.items() if first <= at <= end]
    tracks = sorted({track for _, track in seen})
    rows = np.zeros(len(seen), SEGMENT)
    rows["second_ms"] = [1_000 * (START_S + at) for at, _ in seen]
    rows["um_per_unit"], rows["mean_ms"] = 1_000, 450
    rows["frames"] = rows["posed"] = [10 * (at < SPANS[track][1]) for at, track in seen]
    rows["reach"] = [200 * (track == A and at in (3, 5)) for at, track in seen]
    rows["zones"] = [OUT * (track == A and at >= 30) for at, track in seen]
    cameras = np.array([["hall", "yard"].index(track.partition("/")[0]) for track in tracks], np.int32)
    return SegmentBlock(tracks, cameras, np.array([tracks.index(track) for _, track in seen], np.int32), rows)


def change(kind: str, at_s: float, track: str, other: str | None, confidence: float = 1.0) -> TrackChange:
    (camera, tracker, _), (other_camera, other_tracker, _) = track.split("/"), (other or "//").split("/")
    fact = IdentityChange(
        change=f"{kind}{at_s}{other}",
        kind=kind,  # type: ignore[arg-type]
        time_ms=round(1_000 * (START_S + at_s)),
        camera=camera,
        track=int(tracker),
        other_camera=other_camera or None,
        other_track=int(other_tracker) if other_tracker else None,
        confidence=confidence,
    )
    return TrackChange(fact, track, other)


def paid(at_s: float, goods: str, candidates: list[tuple[str, int]], customer: str | None = None) -> Attribution:
    lines = [BasketLine(goods, goods)]
    time_ms = round(1_000 * (START_S + at_s))
    return Attribution(f"{goods}{at_s}", time_ms, "shop", "1", lines, candidates, customer=customer)


def journal(news: list[Entry], arrives_s: int) -> list[Entry]:
    """Every second up to 60, and news before the second at which it arrives."""
    later = [seconds(arrives_s, 61)] if arrives_s < 61 else []
    return [seconds(0, arrives_s), *news, *later]


def fold(entries: list[Entry], site: Site | None = None) -> tuple[FeatureRows, Identities]:
    site = site or site_of()
    places = Places(site, Layout.of(site).zones)
    state = PersonState(Identities.start(site, Corpus({"rope": 1, "bread": 90}, 100)))
    return FeatureRows.concatenate([person_step(state, entry, places) for entry in entries]), state.identities


def standing(rows: FeatureRows, *features: str) -> Standing:
    """Kind and features of the last revision of every published instant; revisions count up from one to the next."""
    found: Standing = {}
    revisions: dict[tuple[str, int], int] = {}
    for one in map(rows.row, range(len(rows))):
        if one.kind != SECOND:
            key = one.person, one.time_ms // 1_000 - START_S
            assert one.revision == revisions.get(key, one.revision - 1) + 1
            revisions[key] = one.revision
            found[key] = KINDS[one.kind], {name: int(one.values[COLUMN[name]]) for name in features}
    return found


def observed(entries: list[Entry]) -> dict[tuple[str, int], int | str]:
    """How long each person was seen at each instant that stands, or that it was withdrawn."""
    rows = standing(fold(entries)[0], "observed_s")
    return {key: "withdrawn" if kind == "withdrawn" else of["observed_s"] for key, (kind, of) in rows.items()}


ALONE: dict[tuple[str, int], int | str] = {
    **{(A, at): at for at in (10, 20, 30, 40)},
    **{(B, at): at - 20 for at in (30, 40, 50, 60)},
    **{(C, at): at - 21 for at in (30, 40, 50, 60)},
}
GONE = "withdrawn"
CHANGES: dict[str, tuple[list[Change], dict[tuple[str, int], int | str]]] = {
    "a link holds from its time on": (
        [("link", 35, A, B)],
        {(A, 40): 60, (A, 50): 70, (A, 60): 80, (B, 40): GONE, (B, 50): GONE, (B, 60): GONE},
    ),
    "a link at an instant holds after it": (
        [("link", 40, B, A), ("split", 15, A, C)],
        {(A, 50): 70, (A, 60): 80, (B, 50): GONE, (B, 60): GONE},
    ),
    "a merge is a link within a camera": (
        [("merge", 35, C, B)],
        {(B, 40): 39, (B, 50): 59, (B, 60): 79, (C, 40): GONE, (C, 50): GONE, (C, 60): GONE},
    ),
    "links reach on": (
        [("link", 25, A, B), ("link", 45, B, C)],
        {
            (A, 30): 40,
            (A, 40): 60,
            (A, 50): 99,
            (A, 60): 119,
            **{(B, at): GONE for at in (30, 40, 50, 60)},
            **{(C, at): GONE for at in (50, 60)},
        },
    ),
    "a split takes a link back from its time on": (
        [("link", 25, A, B), ("split", 45, A, B)],
        {(A, 30): 40, (A, 40): 60, (B, 30): GONE, (B, 40): GONE},
    ),
    "a split of who was not linked changes nothing": ([("split", 25, A, B)], {}),
    "a split without another takes all links back": (
        [("link", 25, A, B), ("link", 25, B, C), ("split", 35, B, None)],
        {(A, 30): 49, (B, 30): GONE, (C, 30): GONE},
    ),
    "a split with a track that is not known takes none back": (
        [("link", 25, B, C)],
        {(B, 30): 19, (B, 40): 39, (B, 50): 59, (B, 60): 79, **{(C, at): GONE for at in (30, 40, 50, 60)}},
    ),
}


@pytest.mark.parametrize("arrives_s", [46, 55, 61])
@pytest.mark.parametrize("what", CHANGES)
def test_changes_of_identity(what: str, arrives_s: int) -> None:
    changes, differs = CHANGES[what]
    news: list[Entry] = [change(*one) for one in changes]
    if "not known" in what:
        unknown = change("split", 35, B, "hall/9/0")
        assert isinstance(unknown, TrackChange)
        news.append(TrackChange(unknown.change, B, None))
    for order in (news, news[::-1]):
        found = observed(journal(order, arrives_s))
        stands = {key: value for key, value in found.items() if value != GONE}
        assert stands == {key: value for key, value in (ALONE | differs).items() if value != GONE}
        if arrives_s == 61:
            assert {key for key, value in differs.items() if value == GONE} <= found.keys() - stands.keys()


@pytest.mark.parametrize(("confidence", "linked"), [(0.49, False), (0.5, True)])
def test_a_link_of_little_confidence_is_ignored(confidence: float, linked: bool) -> None:  # noqa: FBT001 - a column of the table
    found = observed(journal([change("link", 35, A, B, confidence)], 61))
    assert (found[A, 40], found[B, 40]) == ((60, GONE) if linked else (40, 20))
    assert linked or found == ALONE


def test_seconds_and_names_follow_the_eldest_track() -> None:
    rows, known = fold(journal([change("link", 35, B, A)], 36))
    later = [rows.row(at) for at in range(len(rows)) if rows.time_ms[at] > 1_000 * (START_S + 45)]
    assert {row.person for row in later} == {A, C}
    of_a = [row for row in later if row.person == A]
    assert [row.values[COLUMN["observed_s"]] for row in of_a if row.kind == SECOND] == [
        *range(66, 70),
        *range(71, 80),
    ]
    assert {row.camera for row in of_a} == {1}
    assert [person_of(known, track) for track in (A, B, C, "hall/9/9")] == [A, A, C, "hall/9/9"]


def test_what_is_as_it_was_published_is_not_published_again() -> None:
    rows, _ = fold(journal([change("link", 35, A, B)], 61))
    last = rows.position.max()
    again = [rows.row(at) for at in np.flatnonzero(rows.position == last).tolist()]
    news = [(row.person, row.time_ms // 1_000 - START_S, row.revision) for row in again]
    assert news == [(B, 40, 1), (A, 40, 2), (B, 50, 1), (A, 50, 0), (B, 60, 2), (A, 60, 0)]


@pytest.mark.parametrize("news", [change("split", 5, A, B), paid(45, "bread", [(A, 1_000)]), paid(5, "bread", [])])
def test_news_that_changes_nothing_publishes_nothing(news: Entry) -> None:
    rows, without = fold(journal([news], 61))[0], fold(journal([], 61))[0]
    assert standing(rows, "observed_s", "baskets") == standing(without, "observed_s", "baskets")
    assert len(rows) == len(without)


PURCHASES: dict[str, tuple[list[Entry], str, dict[str, list[int]]]] = {
    # what, news, whose, features at seconds 20, 30 and 40
    "nothing paid": ([], A, {"baskets": [0, 0, 0], "unpaid_exit": [0, 0, 1_000], "basket_unusual": [-1, -1, -1]}),
    "paid": (
        [paid(25, "bread", [(A, 1_000)])],
        A,
        {
            "baskets": [0, 1, 1],
            "unpaid_exit": [0, 0, 0],
            "basket_unusual": [-1, 18, 18],
            "combination_level": [0, 0, 0],
        },
    ),
    "paid at the instant": ([paid(30, "bread", [(A, 1_000)])], A, {"baskets": [0, 0, 1], "unpaid_exit": [0, 0, 0]}),
    "paid at the instant, and before it": (
        [paid(30, "bread", [(A, 1_000)]), paid(25, "milk", [(A, 1_000)])],
        A,
        {"baskets": [0, 1, 2]},
    ),
    "shared, the larger part": (
        [paid(25, "bread", [(A, 600), (B, 400)])],
        A,
        {"baskets": [0, 1, 1], "unpaid_exit": [0, 0, 400]},
    ),
    "shared, the smaller part": (
        [paid(25, "bread", [(B, 501), (A, 499)])],
        A,
        {"baskets": [0, 0, 0], "unpaid_exit": [0, 0, 501], "basket_unusual": [-1, -1, -1]},
    ),
    "shared by who is one person": (
        [paid(25, "bread", [(B, 501), (A, 499)]), change("link", 24, A, B)],
        A,
        {"baskets": [0, 1, 1], "unpaid_exit": [0, 0, 0]},
    ),
    "shared until they part": (
        [paid(25, "bread", [(B, 501), (A, 499)]), change("link", 24, A, B), change("split", 35, A, B)],
        A,
        {"baskets": [0, 1, 0], "unpaid_exit": [0, 0, 501]},
    ),
    "paid by somebody else": (
        [paid(25, "bread", [(B, 1_000)])],
        A,
        {"baskets": [0, 0, 0], "unpaid_exit": [0, 0, 1_000]},
    ),
    "paid by nobody known": ([paid(25, "bread", [])], A, {"baskets": [0, 0, 0], "unpaid_exit": [0, 0, 1_000]}),
    "a combination": (
        [paid(12, "rope", [(A, 1_000)]), paid(25, "knife", [(A, 1_000)])],
        A,
        {"baskets": [1, 2, 2], "combination_level": [0, 2, 2], "unpaid_exit": [0, 0, 0]},
    ),
    "the wrong way round": (
        [paid(12, "knife", [(A, 1_000)]), paid(25, "rope", [(A, 1_000)])],
        A,
        {"baskets": [1, 2, 2], "combination_level": [0, 0, 0]},
    ),
    "a combination of two tracks of one person": (
        [paid(12, "rope", [(A, 1_000)]), paid(25, "knife", [(B, 1_000)]), change("link", 22, A, B)],
        A,
        {"baskets": [1, 2, 2], "combination_level": [0, 2, 2]},
    ),
    "the same receipt twice": (
        [paid(25, "bread", [(A, 1_000)]), paid(25, "bread", [(A, 1_000)])],
        A,
        {"baskets": [0, 1, 1]},
    ),
}


@pytest.mark.parametrize("arrives_s", [31, 36, 61])
@pytest.mark.parametrize("what", PURCHASES)
def test_a_purchase_corrects_what_was_published_since(what: str, arrives_s: int) -> None:
    news, whose, expected = PURCHASES[what]
    for order in (news, news[::-1]):
        rows = standing(fold(journal(order, arrives_s))[0], *expected)
        assert {name: [rows[whose, at][1][name] for at in (20, 30, 40)] for name in expected} == expected


def test_a_late_purchase_revises_only_the_instants_after_it() -> None:
    rows, _ = fold(journal([paid(25, "bread", [(A, 1_000)])], 61))
    last = rows.position.max()
    again = [rows.row(at) for at in np.flatnonzero(rows.position == last).tolist()]
    assert [(row.person, row.time_ms // 1_000 - START_S, row.revision) for row in again] == [(A, 30, 1), (A, 40, 2)]


@pytest.mark.parametrize("arrives_s", [31, 61])
@pytest.mark.parametrize(
    ("memory", "customers", "expected"),
    [
        (False, ("anna", "anna"), [0, 0, 0]),
        (True, ("anna", "anna"), [0, 2, 2]),
        (True, ("anna", "bert"), [0, 0, 0]),
        (True, ("anna", None), [0, 0, 0]),
    ],
)
def test_earlier_visits_of_a_customer_count_only_where_the_site_remembers(
    memory: bool,  # noqa: FBT001 - a column of the table
    customers: tuple[str | None, str | None],
    expected: list[int],
    arrives_s: int,
) -> None:
    news: list[Entry] = [paid(-600, "rope", [], customers[0]), paid(25, "knife", [(A, 1_000)], customers[1])]
    for order in (news, news[::-1]):
        rows, known = fold(journal(order, arrives_s), site_of(memory=memory))
        found = standing(rows, "combination_level", "baskets")
        assert [found[A, at][1]["combination_level"] for at in (20, 30, 40)] == expected
        assert [found[A, at][1]["baskets"] for at in (20, 30, 40)] == [0, 1, 1]
        assert bool(known.memory.baskets) == memory


def test_everything_is_forgotten_once_nothing_can_correct_it() -> None:
    site = replace(site_of(), timing=Timing(fact_allowance_ms=120_000))
    places, state = Places(site, Layout.of(site).zones), PersonState(Identities.start(site))
    news: list[Entry] = [change("link", 35, A, B), paid(25, "bread", [(A, 600), (C, 400)])]
    for entry in journal(news, 50):
        person_step(state, entry, places)
    sizes = {}
    for minute in range(2, 9):
        rows = np.zeros(1, SEGMENT)
        rows["second_ms"], rows["frames"], rows["um_per_unit"] = 1_000 * (START_S + 60 * minute), 10, 1_000
        none = np.zeros(1, np.int32)
        person_step(state, SegmentBlock([f"hall/7/{minute}"], none, none, rows), places)
        known = state.identities
        sizes[minute] = (
            len(known.special),
            len(known.joined),
            len(known.changes),
            len(state.ended),
            len(known.published) > 0,
        )
    # The allowance of 120 s for what was published; 30 s, 10 s and twice the allowance for what may be named.
    assert sizes[2] == (*sizes[3][:4], True) == (3, 2, 1, 3, True)
    assert sizes[4] == sizes[5] == (3, 2, 1, 3, False)
    assert sizes[6] == sizes[8] == (0, 0, 0, 0, False)
    assert not {A, B, C} & state.identities.held.keys()


def test_who_is_linked_is_kept_as_long_as_the_last_of_them() -> None:
    site = site_of()
    places, state = Places(site, Layout.of(site).zones), PersonState(Identities.start(site))
    person_step(state, seconds(0, 45), places)
    person_step(state, change("link", 35, A, B), places)
    rows, of_b = np.zeros(856, SEGMENT), np.zeros(856, np.int32)  # B goes on
    rows["second_ms"], rows["frames"], rows["um_per_unit"] = 1_000 * (START_S + np.arange(45, 901)), 10, 1_000
    found = person_step(state, SegmentBlock([B], np.ones(1, np.int32), of_b, rows), places)
    last = found.row(len(found) - 1)
    assert (last.person, last.values[COLUMN["observed_s"]]) == (A, 40 + 881)


def test_the_values_of_several_tracks_are_those_of_one_person() -> None:
    parts = np.zeros((2, len(CATALOGUE)), np.int32)
    table = {
        # feature: values of the tracks, the later last, and of the person
        "observed_s": (30, 12, 42),
        "restricted_s": (3_000, 3_000, 3_600),
        "concealments": (1, 2, 3),
        "loiter_s": (30, 12, 30),
        "pacing_reversals": (3, 5, 5),
        "speed_10s": (900, 100, 100),
        "head_turns_60s": (9, 1, 1),
        "cadence": (9_000, MISSING, MISSING),
        "baskets": (MISSING, 2, 2),
        "basket_unusual": (MISSING, MISSING, MISSING),
        "unpaid_exit": (1_000, 0, 1_000),
    }
    for name, (first, second, _) in table.items():
        parts[:, COLUMN[name]] = first, second
    found = combine(parts)
    assert {name: found[COLUMN[name]] for name in table} == {name: value for name, (*_, value) in table.items()}
