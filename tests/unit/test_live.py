"""What the live view shows of scores, alerts and cameras, and how it looks."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from features.events import Disposition
from models.records import Alert, Score, ScoreKind
from streams.kafka.areas import Areas
from streams.live import mirror as mirror_module
from streams.live.memory import MemoryView
from streams.live.mirror import LiveJson, Mirror
from streams.live.table import CAUTION, Frame, ago, live_table
from streams.live.view import CameraHealth, LivePage, LivePerson, News, Reason
from streams.settings import Live

GOLDEN = Path(__file__).parents[1] / "golden" / "visits"
SCORES = [msgspec.json.decode(line, type=Score) for line in (GOLDEN / "scores.jsonl").read_bytes().splitlines()]
ALERTS = [msgspec.json.decode(line, type=Alert) for line in (GOLDEN / "alerts.jsonl").read_bytes().splitlines()]
END_MS = max(score.time_ms for score in SCORES)
AREAS = Areas({"floor": "shop", "corridor": "back"}, {}, "shop", 4)
LIVE = Live(person_expires_s=300, alert_expires_s=3_600, camera_expires_s=600)
HIGHEST = max(SCORES, key=lambda score: score.score or 0)


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ms = END_MS

    def __call__(self) -> int:
        return self.now_ms


def view_of(news: News, clock: Clock | None = None) -> MemoryView:
    view = MemoryView(LIVE, AREAS, clock or Clock())
    view.apply(news)
    return view


def shown(page: LivePage, columns: int = 100, lines: int | None = 40, trouble: str = "", **rich: bool) -> str:
    console = Console(width=columns, height=lines or 60, **rich)  # type: ignore[arg-type]
    with console.capture() as said:
        frame = Frame("shop", "Redis", END_MS, 60, columns, lines, 300, trouble)
        console.print(live_table(page, frame))
    return said.get()


def test_a_person_is_shown_with_reasons_in_words() -> None:
    person = view_of(News(END_MS, [HIGHEST])).person(HIGHEST.person)
    assert isinstance(person, LivePerson)
    assert (person.score, person.band, person.events) == (202, "high", ("stayed in a restricted zone",))
    assert person.reasons[0] == Reason(99, "stayed 37 s beyond the waiting threshold")
    assert len(person.reasons) == 3
    assert (person.score_id, person.area) == (HIGHEST.id, "back")


@pytest.mark.parametrize(("kind", "seconds"), [("interim", 300), ("grid", 300), ("final", 60), ("withdrawn", 60)])
def test_who_left_expires_sooner(kind: ScoreKind, seconds: int) -> None:
    clock = Clock()
    view = view_of(News(END_MS, [msgspec.structs.replace(HIGHEST, kind=kind)]), clock)
    clock.now_ms = END_MS + 1_000 * seconds - 1
    assert view.ranked(1)
    clock.now_ms += 1
    assert view.page(1).persons == []
    assert view.person(HIGHEST.person) is None


def test_a_correction_supersedes_a_final_score_of_the_same_instant() -> None:
    final = msgspec.structs.replace(HIGHEST, kind="final")
    corrected = msgspec.structs.replace(HIGHEST, kind="withdrawn", revision=1)
    again = msgspec.structs.replace(HIGHEST, kind="grid", revision=2, score=11)
    assert view_of(News(END_MS, [corrected, final])).ranked(1)[0].kind == "withdrawn"
    assert view_of(News(END_MS, [again, final, corrected])).ranked(1)[0].score == 11


def test_the_order_is_by_score_then_who_abstains_then_who_left() -> None:
    def named(name: str, score: int | None, kind: ScoreKind = "grid") -> Score:
        return msgspec.structs.replace(HIGHEST, person=name, score=score, kind=kind)

    persons = [
        named("e", 900, "final"),
        named("d", None),
        named("c", 0),
        named("b", 7),
        named("a", 7),
        named("f", None, "final"),
    ]
    assert [one.person for one in view_of(News(END_MS, persons)).ranked(10)] == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(("after_ms", "is_open"), [(-1, True), (0, False), (1, False)])
def test_a_verdict_closes_alerts_up_to_its_time(after_ms: int, is_open: bool) -> None:  # noqa: FBT001 - a value
    alert = ALERTS[0]
    verdict = Disposition("d-1", alert.time_ms + after_ms, alert.person, "disagree", "r-1")
    assert bool(view_of(News(END_MS, [], [alert], [verdict])).alerts()) == is_open
    other = msgspec.structs.replace(verdict, person="floor/99")
    assert view_of(News(END_MS, [], [alert], [other])).alerts()


def test_who_left_long_ago_is_not_shown_as_present() -> None:
    final = msgspec.structs.replace(HIGHEST, kind="final", time_ms=HIGHEST.time_ms + 1)
    view = view_of(News(END_MS - 120_000, [HIGHEST]))
    view.apply(News(END_MS - 100_000, [final]))
    assert view.ranked(5) == []


def test_a_camera_is_as_it_was_told_last_even_when_its_clock_was_set_back() -> None:
    view = view_of(News(END_MS, cameras=[CameraHealth("floor", 9_000_000, 5)]))
    view.apply(News(END_MS + 1, cameras=[CameraHealth("floor", 8_000_000, 7, 1, 2)]))
    view.apply(News(END_MS - 1, cameras=[CameraHealth("floor", 9_900_000, 9)]))
    assert [(one.time_ms, one.person_frames, one.dead_letters, one.late) for one in view.cameras()] == [
        (8_000_000, 7, 1, 2)
    ]


def test_the_mirror_without_redis() -> None:
    async def run() -> None:
        mirror = Mirror(LIVE, AREAS, None, Clock())
        await mirror.start()
        mirror.offer(News(END_MS, SCORES, ALERTS, [], [CameraHealth("floor", END_MS, 3)]))
        told = msgspec.json.decode(mirror.as_json(limit=2), type=LiveJson)
        assert (told.redis, told.time_ms, mirror.up) == ("none", END_MS, None)
        assert told.persons == mirror.view.ranked(2)
        assert told.alerts == mirror.view.alerts()
        assert told.cameras == mirror.view.cameras()
        assert {one.area for one in msgspec.json.decode(mirror.as_json(area="back"), type=LiveJson).persons} == {"back"}
        await mirror.stop()

    asyncio.run(run())


def test_other_threads_may_ask_while_news_come() -> None:
    async def run() -> None:
        mirror = Mirror(LIVE, AREAS, None, Clock())
        asked = asyncio.gather(*(asyncio.to_thread(ask, mirror) for _ in range(2)))
        number = 0
        while not asked.done():
            names = [f"floor/{number + each}" for each in range(100)]
            mirror.offer(News(END_MS, [msgspec.structs.replace(HIGHEST, person=name) for name in names]))
            number = (number + 100) % 5_000
            await asyncio.sleep(0)
        await asked

    def ask(mirror: Mirror) -> None:
        for _ in range(40):
            msgspec.json.decode(mirror.as_json(), type=LiveJson)

    asyncio.run(run())


def test_offer_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    async def run() -> None:
        mirror = Mirror(LIVE, AREAS, None, Clock())
        monkeypatch.setattr(mirror_module, "items_of", fail)
        mirror.offer(News(END_MS, SCORES))

    with capture_logs() as logs:
        asyncio.run(run())
    assert [one["event"] for one in logs] == ["news are not in the live view"]


EVERYTHING = News(
    END_MS,
    SCORES,
    ALERTS,
    [],
    [CameraHealth("floor", END_MS - 4_000, 1_234, 0, 3), CameraHealth("corridor", END_MS - 40_000)],
)


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
@pytest.mark.parametrize("lines", [10, 16, 24, 50])
def test_the_screen_holds_all_of_it(columns: int, lines: int) -> None:
    full = view_of(EVERYTHING).page(300)
    alerts = [msgspec.structs.replace(full.alerts[0], id=str(number)) for number in range(7)]
    cameras = [msgspec.structs.replace(full.cameras[0], name=str(number)) for number in range(20)]
    for page in (full, LivePage(full.persons, alerts, cameras), LivePage(full.persons[:1], [], cameras)):
        said = shown(page, columns, lines).splitlines()
        assert len(said) <= lines
        assert max(map(len, said)) <= columns
        assert ("OPEN ALERTS" in said) == bool(page.alerts)
        assert said[-1].startswith("A priority")


def test_nothing_is_said_by_colour_alone() -> None:
    page = view_of(EVERYTHING).page(300)
    plain, coloured = shown(page), shown(page, force_terminal=True, no_color=False)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    for said in (
        "OPEN ALERTS",
        "1 open alert",
        "left",
        "event: stayed in a restricted zone",
        "silent for 40 s",
        CAUTION,
    ):
        assert said in plain


def test_alerts_are_on_top_and_cameras_at_the_bottom() -> None:
    said = shown(view_of(EVERYTHING).page(300), 160)
    assert said.index("OPEN ALERTS") < said.index("to check") < said.index("last frame") < said.index(CAUTION)
    assert said.index("silent for 40 s") < said.index("4 s ago")


def test_what_does_not_fit_is_counted() -> None:
    many = [msgspec.structs.replace(HIGHEST, person=f"floor/{number}") for number in range(100)]
    said = shown(view_of(News(END_MS, many)).page(300), 100, 20)
    drawn = sum("floor/" in line for line in said.splitlines())
    assert drawn >= 5
    assert f"… {100 - drawn} more persons" in said
    assert shown(view_of(News(END_MS, many)).page(300), 100, None).count("floor/") == 100


def test_more_than_were_asked_for_is_said() -> None:
    many = [msgspec.structs.replace(HIGHEST, person=f"floor/{number}") for number in range(301)]
    assert "300 or more persons" in shown(view_of(News(END_MS, many)).page(300))


def test_an_empty_view_and_one_that_is_not_up_to_date() -> None:
    said = shown(LivePage([], [], []), trouble="Redis does not answer; as it was 9 s ago")
    assert "Nobody is in view." in said
    assert "0 open alerts, 0 persons" in said
    assert "Redis does not answer; as it was 9 s ago" in said


def test_names_cannot_steer_the_terminal() -> None:
    odd = msgspec.structs.replace(HIGHEST, person="floor/\x1b[2J\n1", events=("\x1b[31mred [bold]",))
    said = shown(view_of(News(END_MS, [odd])).page(300))
    assert "\x1b" not in said
    assert "[bold]" in said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(-5_000, "0 s"), (999, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (7_200_000, "2 h"), (200_000_000, "2 d")],
)
def test_how_long_ago(milliseconds: int, said: str) -> None:
    assert ago(milliseconds) == said
