"""Any order and repetition of the same news ends in the same view."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from features.events import Disposition
from models.bundle import BandName
from models.records import Alert, Score
from models.scorecard import Contribution
from streams.kafka.areas import Areas
from streams.live.memory import MemoryView
from streams.live.view import KINDS, CameraHealth, Item, LivePage, News
from streams.settings import Live

AREAS = Areas({"floor": "shop", "door": "shop", "yard": "depot"}, {}, "shop", 4)
NOW_MS = 1_700_000_000_000
LIVE = Live(person_expires_s=300, alert_expires_s=3_600, camera_expires_s=3_600)
REASON = Contribution("loiter_s", 95, "s", 120)
PERSONS = st.sampled_from(["floor/1/1700000000", "floor/2/1700000000", "yard/1/1700000003", "door/9/1700000007"])
TIMES = st.integers(NOW_MS - 40, NOW_MS)
BANDS: tuple[BandName, ...] = ("low", "elevated", "high")


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Scores, of which each is what its place in the journal, kind and revision make it."""
    person, time_ms, revision = draw(PERSONS), draw(TIMES), draw(st.integers(0, 3))
    kind, position = draw(st.sampled_from(KINDS)), draw(st.integers(0, 5))
    said = Random(f"{person} {time_ms} {revision} {kind} {position}").randint(-1, 1_000)
    abstained = said < 0 or kind == "withdrawn"
    return Score(
        id=f"{person}#{time_ms}.{revision}",
        person=person,
        camera=draw(st.just(person.partition("/")[0])),
        time_ms=time_ms,
        kind=kind,
        revision=revision,
        supersedes=None,
        position=position,
        score=None if abstained else said,
        abstain="observed 1 s, needs 5 s" if abstained else None,
        band=None if abstained else BANDS[said // 400],
        probability_permille=None if abstained else said // 2,
        contributions=[] if abstained else [REASON],
        counterfactual=[],
        events=("stayed in a restricted zone",) if said > 700 else (),
        bundle="67b5",
    )


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    person, time_ms = draw(PERSONS), draw(TIMES)
    raised, withdrawn = f"{person}#{time_ms}.0#alert", f"{person}#{time_ms}.0#withdrawn"
    back = draw(st.booleans())
    what = (withdrawn if back else raised, person, "floor", time_ms, f"{person}#{time_ms}.0", 700)
    return Alert(*what, "high", ("stayed in a restricted zone",), [REASON], raised if back else None)


DISPOSITIONS = st.builds(
    Disposition, st.just("d-1"), TIMES, PERSONS, st.sampled_from(["agree", "disagree", "unclear"]), st.just("r-1")
)
COUNTS = st.integers(0, 3)
CAMERAS = st.builds(CameraHealth, st.sampled_from(["floor", "yard", "door"]), TIMES, COUNTS, COUNTS, COUNTS)
NEWS = st.builds(
    News,
    st.just(NOW_MS),
    st.lists(scores(), max_size=12),
    st.lists(alerts(), max_size=4),
    st.lists(DISPOSITIONS, max_size=3),
    st.lists(CAMERAS, max_size=4),
)


def shuffled(news: list[News], random: Random) -> list[News]:
    """The same in another order, some of it twice, split into other parts."""
    parts = [News(one.told_ms, [score], [], [], []) for one in news for score in one.scores]
    parts += [News(one.told_ms, [], [alert], [], []) for one in news for alert in one.alerts]
    parts += [News(one.told_ms, [], [], [said], []) for one in news for said in one.dispositions]
    parts += [News(one.told_ms, [], [], [], [camera]) for one in news for camera in one.cameras]
    parts += random.sample(parts, len(parts) // 2)
    random.shuffle(parts)
    return parts


def memory_view(now_ms: int = NOW_MS, items_max: int = 1_000) -> MemoryView:
    return MemoryView(LIVE, AREAS, lambda: now_ms, items_max)


def held(view: MemoryView) -> list[Item]:
    return sorted(view.items(), key=lambda item: (item.shelf, item.member))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(NEWS, max_size=4), st.integers(0, 2**32))
def test_any_order_and_repetition_end_in_the_same_view(news: list[News], order: int) -> None:
    straight, other = memory_view(), memory_view()
    for one in news:
        straight.apply(one)
    for one in shuffled(news, Random(order)):
        other.apply(one)
    assert held(other) == held(straight)
    assert other.page(100) == straight.page(100)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(NEWS, max_size=4))
def test_a_view_that_takes_in_all_of_another_shows_the_same(news: list[News]) -> None:
    view, copy = memory_view(), memory_view()
    for one in news:
        view.apply(one)
    copy.take(view.items())
    assert held(copy) == held(view)
    assert copy.page(100, "shop") == view.page(100, "shop")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(NEWS, max_size=4))
def test_the_page_says_what_the_news_say(news: list[News]) -> None:
    view = memory_view()
    for one in news:
        view.apply(one)
    page = view.page(100)
    latest = dict[str, Score]()
    for score in (score for one in news for score in one.scores):
        before = latest.get(score.person)
        if before is None or _order(before) < _order(score):
            latest[score.person] = score
    assert {one.person: (one.score, one.kind, one.time_ms) for one in page.persons} == {
        name: (score.score, score.kind, score.time_ms) for name, score in latest.items()
    }
    withdrawn = {alert.withdraws for one in news for alert in one.alerts}
    verdicts = [(said.person, said.time_ms) for one in news for said in one.dispositions]
    assert {one.id for one in page.alerts} == {
        alert.id
        for one in news
        for alert in one.alerts
        if not alert.withdraws
        and alert.id not in withdrawn
        and not any(person == alert.person and at >= alert.time_ms for person, at in verdicts)
    }
    assert_in_order(page)


def assert_in_order(page: LivePage) -> None:
    present = [one for one in page.persons if one.kind in {"interim", "grid"}]
    assert page.persons[: len(present)] == present
    said = [one.score for one in present if one.score is not None]
    assert [one.score for one in present] == sorted(said, reverse=True) + [None] * (len(present) - len(said))
    assert [one.time_ms for one in page.alerts] == sorted((one.time_ms for one in page.alerts), reverse=True)


def _order(score: Score) -> tuple[int, int, int, int]:
    return score.time_ms, score.revision, KINDS.index(score.kind), score.position


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(NEWS, max_size=4), st.integers(0, 4_000_000), st.integers(1, 5))
def test_it_holds_no_more_than_it_may_and_nothing_expired(news: list[News], later_ms: int, most: int) -> None:
    view = memory_view(items_max=most)
    for one in news:
        view.apply(one)
    view.expire(NOW_MS + later_ms)
    assert all(item.expires_ms > NOW_MS + later_ms for item in view.items())
    assert all(len([item for item in view.items() if item.shelf == kind]) <= most for kind in ("person", "alert"))
