"""What differs between two ways to score one journal, and which rules may differ."""

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.site import Alerting, Camera, Combination, Hours, Memory, Site, Thresholds, Till, Timing, Zone
from models.bundle import BandName, default_bundle
from models.decision import HOUR_MS
from models.records import Alert, Score, ScoreKind
from models.scorecard import Contribution
from streams.console import svg
from streams.console.whatif_page import whatif_page
from streams.console.whatif_picture import whatif_picture
from streams.console.whatif_table import whatif_table
from streams.embedded import Summary
from streams.site_file import SiteFileError, dump_site
from streams.whatif.compare import Standing, compare
from streams.whatif.records import BandCount, HourCount, PartChange, RuleChange, Whatif
from streams.whatif.rules import changed_rules
from tests.unit.test_console import HOSTILE, Reader, terminal

BUNDLE = default_bundle()
START_MS = 1_700_000_400_000
ONE_HOUR_MS = START_MS - START_MS % HOUR_MS
LOITERING = Contribution("loiter_s", 40, "s", 90)
BACK = Contribution("back_to_shelf_60s", 200, "permille", 30)
STAYED, LEFT = ("stayed in a restricted zone",), ("left with goods handled and no purchase joined",)


def score(
    at_s: int, points: int | None, band: BandName | None, *parts: Contribution, person: str = "a/1",
    kind: ScoreKind = "grid", camera: str | None = "a", events: tuple[str, ...] = (),
) -> Score:  # fmt: skip
    time_ms = START_MS + at_s * 1_000
    return Score(
        f"{person}#{time_ms}.0", person, camera, time_ms, kind, 0, None, 0, points,
        None if points is not None else "observed 3 s, needs 5 s", band, None, list(parts), [], events, BUNDLE.digest,
    )  # fmt: skip


def alert(at_s: int, events: tuple[str, ...] = STAYED, person: str = "a/1", withdraws: str | None = None) -> Alert:
    time_ms = START_MS + at_s * 1_000
    name = f"{person}#{time_ms}.0#{'withdrawn' if withdraws else 'alert'}"
    return Alert(name, person, "a", time_ms, name, 150, "high", events, [LOITERING], withdraws)


def standing(*scores: Score, alerts: tuple[Alert, ...] = (), held: dict[str, int] | None = None) -> Standing:
    by_person: dict[str, list[Score]] = {}
    for one in scores:
        by_person.setdefault(one.person, []).append(one)
    return Standing.of(BUNDLE, Summary(scores=len(scores), alerts_suppressed=held or {}), by_person, alerts)


def test_nothing_differs_from_itself() -> None:
    run = standing(score(10, 90, "elevated", LOITERING), score(20, None, None, person="b/1"), alerts=(alert(12),))
    found = compare(run, run)
    assert (found.persons, found.changes, found.alerts_kept) == (2, [], 1)
    assert [*found.alerts_gained, *found.alerts_lost, *found.alerts_moved] == []
    assert not any(one.differs for one in found.hours)


def test_a_person_goes_from_the_highest_verdict_to_the_highest() -> None:
    before = standing(score(10, 90, "elevated", LOITERING), score(20, 90, "elevated", LOITERING), score(30, 0, "low"))
    after = standing(score(10, 90, "elevated", LOITERING), score(20, 120, "high", LOITERING, BACK), score(30, 0, "low"))
    (change,) = compare(before, after).changes
    assert change.before
    assert change.after
    assert (change.before.score, change.before.band, change.before.time_ms) == (90, "elevated", START_MS + 20_000)
    assert (change.after.score, change.after.band, change.after.time_ms) == (120, "high", START_MS + 20_000)
    assert change.parts == [PartChange("back_to_shelf_60s", None, 0, 200, 30)]
    assert (change.instants, change.last_ms, change.another_band) == (1, START_MS + 30_000, True)


def test_a_change_below_the_highest_is_one_too() -> None:
    before = standing(score(10, 20, "low", BACK), score(20, 90, "elevated", LOITERING))
    after = standing(score(10, 0, "low"), score(20, 90, "elevated", LOITERING))
    (change,) = compare(before, after).changes
    assert (change.before, change.parts, change.instants) == (change.after, [], 1)
    assert "another at one instant" in terminal(whatif_table(compare(before, after), "run"))


def test_interim_scores_are_superseded_and_count_for_nothing() -> None:
    before = standing(score(10, 0, "low"), score(13, 200, "high", LOITERING, kind="interim"))
    assert compare(before, standing(score(10, 0, "low"))).changes == []
    assert compare(standing(score(3, 200, "high", kind="interim")), standing()).persons == 0


def test_another_abstention_and_another_event_are_differences() -> None:
    abstained = score(10, None, None)
    others = (replace(abstained, abstain="observed 3 s, needs 9 s"), replace(abstained, events=STAYED))
    assert [one.instants for other in others for one in compare(standing(abstained), standing(other)).changes] == [1, 1]


def test_those_who_change_the_band_come_first_and_then_by_points() -> None:
    before = [score(10, points, band, person=f"a/{at}") for at, (points, band) in enumerate(PERSONS_BEFORE)]
    after = [score(10, points, band, person=f"a/{at}") for at, (points, band) in enumerate(PERSONS_AFTER)]
    found = compare(standing(*before), standing(*after))
    assert [one.person for one in found.changes] == ["a/3", "a/2", "a/1", "a/0"]
    assert found.bands == [
        BandCount("high", "low", 1), BandCount("elevated", "elevated", 1), BandCount("low", "elevated", 1),
        BandCount("low", "low", 1), BandCount(None, "low", 1),
    ]  # fmt: skip
    assert sum(one.persons for one in found.bands) == found.persons == 5


PERSONS_BEFORE: list[tuple[int | None, BandName | None]] = [
    (10, "low"), (None, None), (80, "low"), (200, "high"), (90, "elevated"),
]  # fmt: skip
PERSONS_AFTER: list[tuple[int | None, BandName | None]] = [
    (15, "low"), (1, "low"), (90, "elevated"), (50, "low"), (90, "elevated"),
]  # fmt: skip


ALERTS: list[tuple[list[Alert], list[Alert], tuple[int, list[tuple[int, int]], list[int], list[int]]]] = [
    ([], [], (0, [], [], [])),
    ([alert(5)], [alert(5)], (1, [], [], [])),
    ([alert(5)], [alert(9)], (0, [(5, 9)], [], [])),
    ([alert(5)], [alert(5, LEFT)], (0, [], [5], [5])),
    ([alert(5)], [alert(5, person="a/2")], (0, [], [5], [5])),
    ([alert(0), alert(120), alert(240)], [alert(0), alert(240)], (2, [], [], [120])),
    ([alert(0), alert(240)], [alert(0), alert(90), alert(180)], (1, [(240, 90)], [180], [])),
    ([alert(5), alert(6, withdraws=alert(5).id)], [alert(5)], (0, [], [5], [])),
    ([alert(5)], [], (0, [], [], [5])),
]


@pytest.mark.parametrize(("before", "after", "expected"), ALERTS)
def test_alerts(
    before: list[Alert], after: list[Alert], expected: tuple[int, list[tuple[int, int]], list[int], list[int]]
) -> None:
    found = compare(standing(alerts=tuple(before)), standing(alerts=tuple(after)))
    moved = [(seconds(one.before), seconds(one.after)) for one in found.alerts_moved]
    assert (found.alerts_kept, moved) == expected[:2]
    assert (list(map(seconds, found.alerts_gained)), list(map(seconds, found.alerts_lost))) == expected[2:]


def seconds(one: Alert) -> int:
    return (one.time_ms - START_MS) // 1_000


CALLS = st.lists(
    st.builds(alert, st.integers(0, 9), st.sampled_from([STAYED, LEFT]), st.sampled_from(["a/1", "a/2"])),
    max_size=8, unique_by=lambda one: one.id,
)  # fmt: skip


@given(CALLS, CALLS)
def test_every_alert_is_kept_moved_gained_or_lost(before: list[Alert], after: list[Alert]) -> None:
    found = compare(standing(alerts=tuple(before)), standing(alerts=tuple(after)))
    on_both = found.alerts_kept + len(found.alerts_moved)
    assert on_both + len(found.alerts_lost) == len(before)
    assert on_both + len(found.alerts_gained) == len(after)
    assert all(one.before.events == one.after.events for one in found.alerts_moved)
    back = compare(standing(alerts=tuple(after)), standing(alerts=tuple(before)))
    assert (back.alerts_gained, back.alerts_lost) == (found.alerts_lost, found.alerts_gained)
    assert sum(one.alerts_before for one in found.hours) == len(before)
    assert sum(one.alerts_after for one in found.hours) == len(after)


def test_hours_are_those_of_the_alert_budget() -> None:
    before = standing(score(0, 90, "elevated"), score(4_000, None, None, person="b/1", camera=None), alerts=(alert(0),))
    after = standing(score(0, 150, "high"), score(4_000, 3, "low", person="b/1", camera=None), alerts=(alert(3_999),))
    assert compare(before, after).hours == [
        HourCount("", ONE_HOUR_MS + HOUR_MS, 1, 1, 1, 0, 0, 0),
        HourCount("a", ONE_HOUR_MS, 1, 1, 0, 0, 1, 0),
        HourCount("a", ONE_HOUR_MS + HOUR_MS, 0, 0, 0, 0, 0, 1),
    ]


SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]
SITE = Site(
    "shop",
    cameras=[Camera("a", [Zone("door", "exit", SQUARE), Zone("till", "till", SQUARE)])],
    tills=[Till("1", "shop", "a", "till")],
)
DOOR, TILL = SITE.cameras[0].zones


def with_zone(zone: Zone) -> Site:
    return replace(SITE, cameras=[replace(SITE.cameras[0], zones=[zone, TILL])])


OPEN = [
    (replace(SITE, alerting=Alerting(cooldown_s=60)), ("$.alerting.cooldown_s", "120", "60")),
    (replace(SITE, thresholds=Thresholds(still_mm_per_s=300)), ("$.thresholds.still_mm_per_s", "250", "300")),
    (
        replace(SITE, combinations=[Combination("x", [["a"], ["b"]], 60)]),
        ("$.combinations", "a list of 0", "a list of 1"),
    ),
    (replace(SITE, memory=Memory(customers=True)), ("$.memory.customers", "false", "true")),
    (replace(SITE, timing=Timing(score_every_ms=5_000)), ("$.timing.score_every_ms", "10000", "5000")),
    (with_zone(replace(DOOR, loiter_after_s=9)), ("$.cameras[0].zones[0].loiter_after_s", "nothing", "9")),
]


@pytest.mark.parametrize(("site", "told"), OPEN)
def test_rules_that_act_after_the_journal_may_differ(site: Site, told: tuple[str, str, str], tmp_path: Path) -> None:
    assert [one[:3] for one in changed_rules(SITE, site, tmp_path / "none")] == [told]


FIXED = [
    (replace(SITE, name="other"), "$.name: expected shop, on which the journal rests, got other"),
    (replace(SITE, utc_offset_minutes=60), "$.utc_offset_minutes: expected 0, on which the journal rests, got 60"),
    (replace(SITE, cameras=[replace(SITE.cameras[0], name="b")], tills=[]), "$.cameras[0].name: expected a,"),
    (replace(SITE, cameras=[*SITE.cameras, Camera("b")]), "$.cameras: expected a list of 1, on which"),
    (with_zone(replace(DOOR, kind="shelf")), "$.cameras[0].zones[0].kind: expected exit,"),
    (with_zone(replace(DOOR, polygon=[(0, 0), (10, 0), (9, 10)])), "zones[0].polygon[2][0]: expected 10.0,"),
    (replace(SITE, tills=[]), "$.tills: expected a list of 1,"),
    (replace(SITE, opt_out_hours=[Hours(1, 2)]), "$.opt_out_hours: expected a list of 0,"),
    (replace(SITE, timing=Timing(stitch_ms=0)), "$.timing.stitch_ms: expected 3000, on which the journal rests, got 0"),
]


@pytest.mark.parametrize(("site", "told"), FIXED)
def test_what_the_journal_rests_on_may_not(site: Site, told: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(dump_site(replace(site, alerting=Alerting(cooldown_s=7))), encoding="utf-8")
    with pytest.raises(SiteFileError) as refused:
        changed_rules(SITE, replace(site, alerting=Alerting(cooldown_s=7)), path)
    assert told in str(refused.value)
    assert "cooldown" not in str(refused.value)


def test_a_field_that_is_left_out_is_told_where_it_would_stand(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("# none\nname: shop\n", encoding="utf-8")
    with pytest.raises(SiteFileError, match=r"site.yaml:2:1: \$.tills: expected a list of 1"):
        changed_rules(SITE, replace(SITE, tills=[]), path)


def sample(person: str = "a/1/1700000400", told: str = "") -> Whatif:
    before = standing(
        score(10, 90, "elevated", LOITERING, person=person), score(10, 100, "elevated", person="a/2"),
        score(10, None, None, person="a/3"), alerts=(alert(5, person=person), alert(20)), held={"cooldown": 3},
    )  # fmt: skip
    after = standing(
        score(10, 150, "high", LOITERING, BACK, person=person, events=(told or STAYED[0],)),
        score(10, 80, "low", person="a/2"), score(10, 5, "low", person="a/3"),
        alerts=(alert(5, LEFT, person), alert(90)),
    )  # fmt: skip
    return compare(before, after, [RuleChange(told or "$.alerting.cooldown_s", told or "120", "60")])


def test_the_terminal_and_the_page_say_the_same() -> None:
    shown = (terminal(whatif_table(sample(), "run")), " ".join(Reader(whatif_page(sample(), "run")).texts))
    for text in shown:
        for told in ("$.alerting.cooldown_s: 120 → 60", "1 from elevated to high", "1 from ABSTAIN to low", "0 → +30",
                     "stood with the back to a shelf 20 % of the last minute", "1 gained, 1 lost, 1 at another time",
                     "70 s later", "1 → 0"):  # fmt: skip
            assert told in text


def test_the_page_stands_alone_and_can_be_used_without_seeing_it() -> None:
    read = Reader(whatif_page(sample(), "run"))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert not read.open
    assert len(set(ids)) == len(ids)
    labelled = {str(attributes["aria-labelledby"]) for _, attributes in read.tags if "aria-labelledby" in attributes}
    assert labelled | {"changed"} <= set(ids)
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    assert not any(tag in {"link", "img", "iframe"} or "style" in attributes for tag, attributes in read.tags)
    ET.fromstring(svg.standalone(whatif_picture(sample())))  # noqa: S314 - our own text


@given(HOSTILE, HOSTILE)
def test_foreign_text_stays_text(person: str, told: str) -> None:
    found = sample(person, told)
    read = Reader(whatif_page(found, told))
    assert not read.open
    assert {tag for tag, _ in read.tags} == {tag for tag, _ in Reader(whatif_page(sample(), "t")).tags}
    shown = terminal(whatif_table(found, told))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_long_lists_are_cut_and_the_rest_is_counted() -> None:
    before = standing(*(score(10, 100, "elevated", person=f"a/{at}") for at in range(40)))
    calls = tuple(alert(at * 10, person=f"a/{at}") for at in range(30))
    after = standing(*(score(10, 50, "low", person=f"a/{at}") for at in range(40)), alerts=calls)
    shown = terminal(whatif_table(compare(before, after), "run"))
    assert "25 more change less" in shown
    assert "20 more alerts" in shown
    assert len(shown.splitlines()) < 60


def test_the_json_comes_back_as_it_was() -> None:
    assert msgspec.json.decode(msgspec.json.encode(sample()), type=Whatif) == sample()


def test_another_base_and_other_bands_are_told() -> None:
    found = sample()
    other = dataclasses.replace(standing(), bundle=replace(BUNDLE, digest="f" * 64))
    assert f"{BUNDLE.digest[:16]}, the same" in terminal(whatif_table(found, "run"))
    assert f"{BUNDLE.digest[:16]} → {'f' * 16}" in terminal(whatif_table(compare(standing(), other), "run"))
