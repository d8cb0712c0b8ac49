"""The live view in the terminal: open alerts, persons by rank, cameras; readable without colours."""

from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models.bundle import BANDS
from models.scorecard import SCORE_MAX
from streams.console.table import SHADES
from streams.console.view import ABSTAIN
from streams.console.words import clock, plain, short, signed
from streams.live.view import LiveAlert, LiveCamera, LivePage, LivePerson, Reason

CAUTION = "A priority is no finding about anybody. A human decides, on the recording."
BAR, WIDE_BAR = 8, 20
WIDE = 140  # columns from which on events have a column of their own
NAME_WIDTH_MAX = 24
ALERTS_SHOWN, CAMERAS_SHOWN = 5, 8
PERSONS_LEAST = 5  # lines: the names of the columns, three persons, how many more
SILENT_MS = 20_000
AROUND = 4  # lines: heading, two blank ones and the caution
DIM, ATTENTION, URGENT = "bright_black", "yellow", "bold red"
SHADES_OF = dict(zip(BANDS, SHADES, strict=False))
WIDTHS = {"#": 2, "time": 8, "person": 14, "score": 5, "band": 8, "ago": 6}
RATIOS = {"why": 3, "to check": 2}
NUMBERS = {"#", "score", "ago", "persons in frames", "dead letters", "late"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Frame(NamedTuple):
    """What a view is shown with.

    Attributes:
        site: its name.
        source: where the view comes from, in a word or two.
        now_ms: by the wall clock.
        utc_offset_minutes: of the site.
        width, height: of the terminal, in characters; no height shows all persons.
        persons_max: how many persons the page was asked for.
        trouble: why the view is not up to date; empty where it is.
    """

    site: str
    source: str
    now_ms: int
    utc_offset_minutes: int
    width: int
    height: int | None
    persons_max: int
    trouble: str = ""


def live_table(page: LivePage, frame: Frame) -> Group:
    """The whole view; with a height, as much of it as fits, alerts and those first in line before all else."""
    room = _room(page, frame.height)
    alerts = _alerts(page.alerts, frame, room.alerts) if page.alerts else []
    cameras: list[RenderableType] = [Text(), _cameras(page.cameras, frame, room.cameras)] if room.cameras else []
    persons = _persons(page.persons, frame, room.lines)
    return Group(_heading(page, frame), *alerts, Text(), *persons, *cameras, _caution())


class _Room(NamedTuple):
    """How many alerts, lines of persons and cameras fit; no lines are as many as there are."""

    alerts: int
    lines: int | None
    cameras: int


def _room(page: LivePage, height: int | None) -> _Room:
    """Alerts first, then a few persons, then cameras; what is left goes to persons."""
    alerts, cameras = min(len(page.alerts), ALERTS_SHOWN), min(len(page.cameras), CAMERAS_SHOWN)
    if height is None:
        return _Room(alerts, None, cameras)
    left = height - AROUND - PERSONS_LEAST
    if alerts:
        alerts = max(1, min(alerts, left - 4))
        left -= 3 + alerts + (alerts < len(page.alerts))
    cameras = max(0, min(cameras, left - 2 - (cameras < len(page.cameras))))
    left -= 2 + cameras + (cameras < len(page.cameras)) if cameras else 0
    return _Room(alerts, left + PERSONS_LEAST, cameras)


def _heading(page: LivePage, frame: Frame) -> Text:
    abstained = sum(one.score is None and not one.left for one in page.persons)
    gone = sum(one.left for one in page.persons)
    more = "or more " if len(page.persons) == frame.persons_max else ""
    counts = f"{len(page.persons):,} {more}persons ({abstained:,} {ABSTAIN}, {gone:,} left)"
    alerts = count(len(page.alerts), "open alert")
    troubled = sum(_in_trouble(camera, frame) for camera in page.cameras)
    now = clock(frame.now_ms, frame.utc_offset_minutes)
    trouble = f"{plain(frame.trouble)}  " if frame.trouble else ""
    source = "" if frame.trouble else f"  from {frame.source}"
    return Text.assemble(
        (f"Vigil {plain(frame.site)}  {now}  ", "bold"),
        (trouble, URGENT),
        (alerts, URGENT if page.alerts else ""),
        f", {counts}",
        (f", {count(troubled, 'camera')} in trouble" if troubled else "", ATTENTION),
        (source, DIM),
        no_wrap=True,
        overflow="ellipsis",
    )


def _alerts(alerts: list[LiveAlert], frame: Frame, most: int) -> list[RenderableType]:
    table = _grid("time", "person", "score", "why", "ago")
    for alert in alerts[:most]:
        table.add_row(
            Text(clock(alert.time_ms, frame.utc_offset_minutes)),
            Text(plain(short(alert.person)), style="bold"),
            Text("" if alert.score is None else str(alert.score), style="bold"),
            Text(plain("; ".join([*alert.events, *map(_reason, alert.reasons[:1])]))),
            Text(ago(frame.now_ms - alert.time_ms)),
        )
    more = len(alerts) - most
    rest = [Text(f"… {count(more, 'earlier open alert')}", style=URGENT)] if more > 0 else []
    return [Text(), Text("OPEN ALERTS", style=URGENT), table, *rest]


def _persons(persons: list[LivePerson], frame: Frame, lines: int | None) -> list[RenderableType]:
    if not persons:
        return [Text("Nobody is in view.", style=DIM)]
    wide = frame.width >= WIDE
    table = _grid("#", "person", "score", "priority", "band", "why", *(["to check"] if wide else []), "ago")
    shown, lines = 0, None if lines is None else lines - 1
    for rank, person in enumerate(persons, 1):
        needed = 1 if wide or not person.events else 2
        if lines is not None and lines < needed + 1:
            break
        lines = None if lines is None else lines - needed
        table.add_row(*_person(rank, person, frame, wide=wide))
        shown = rank
    rest = [Text(f"… {count(len(persons) - shown, 'more person')}", style=DIM)] if shown < len(persons) else []
    return [*([table] if shown or lines else []), *rest]


def _person(rank: int, person: LivePerson, frame: Frame, *, wide: bool) -> list[Text]:
    shade = DIM if person.left or person.band is None else SHADES_OF[person.band]
    events = plain("; ".join(person.events))
    why = [_why(person, 2 if wide else 1), *([f"event: {events}"] if events and not wide else [])]
    style = DIM if person.left else ""
    return [
        Text(str(rank), style=DIM),
        Text(_name(person), style=style or "bold"),
        Text("–" if person.score is None else str(person.score), style=style or "bold"),  # noqa: RUF001 - a dash is meant
        Text(_bar(person.score, WIDE_BAR if wide else BAR), style=shade),
        Text(_band(person), style=shade),
        Text("\n".join(why), style=style),
        *([Text(events, style=style)] if wide else []),
        Text(ago(frame.now_ms - person.time_ms), style=style),
    ]


def _name(person: LivePerson) -> str:
    name = plain(short(person.person))
    return name if len(name) <= NAME_WIDTH_MAX else f"{name[: NAME_WIDTH_MAX - 1]}…"


def _bar(score: int | None, width: int) -> str:
    filled = 0 if score is None else max(score > 0, round(width * score / SCORE_MAX))
    return "━" * filled + "·" * (width - filled)


def _band(person: LivePerson) -> str:
    return "left" if person.left else person.band or ABSTAIN


def _why(person: LivePerson, reasons: int) -> str:
    if person.abstain:
        return plain(person.abstain)
    return plain("; ".join(map(_reason, person.reasons[:reasons]))) or "nothing raised it"


def _reason(reason: Reason) -> str:
    return f"{signed(reason.points)} {reason.text}"


def _cameras(cameras: list[LiveCamera], frame: Frame, most: int) -> Table:
    """Those that need attention first."""
    table = _grid("camera", "last frame", "persons in frames", "dead letters", "late")
    ordered = sorted(cameras, key=lambda one: (not _in_trouble(one, frame), one.name))
    for camera in ordered[:most]:
        silent_ms = frame.now_ms - camera.time_ms
        silent, since = silent_ms > SILENT_MS, ago(silent_ms)
        table.add_row(
            Text(plain(camera.name), style="bold"),
            Text(f"silent for {since}" if silent else f"{since} ago", style=ATTENTION if silent else ""),
            Text(f"{camera.person_frames:,}"),
            Text(f"{camera.dead_letters:,}", style=ATTENTION if camera.dead_letters else ""),
            Text(f"{camera.late:,}", style=ATTENTION if camera.late else ""),
        )
    left = ordered[most:]
    if left:
        troubled = sum(_in_trouble(one, frame) for one in left)
        table.add_row(Text(f"… {len(left):,} more", style=DIM), Text(f"{troubled:,} in trouble", style=DIM))
    return table


def _in_trouble(camera: LiveCamera, frame: Frame) -> bool:
    return frame.now_ms - camera.time_ms > SILENT_MS or camera.dead_letters > 0 or camera.late > 0


def _grid(*names: str) -> Table:
    """A table without lines, in which only what has most to say is cut short; other columns keep their widths."""
    table = Table(box=None, pad_edge=False, header_style=DIM, expand="why" in names)
    for name in names:
        table.add_column(
            name,
            justify="right" if name in NUMBERS else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=WIDTHS.get(name),
            ratio=RATIOS.get(name),
        )
    return table


def _caution() -> Text:
    return Text(f"\n{CAUTION}", style="italic", no_wrap=True, overflow="ellipsis")


def count(number: int, what: str) -> str:
    """A number of things in words."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def ago(milliseconds: int) -> str:
    """How long ago, in one unit; what lies ahead is now."""
    seconds = max(0, milliseconds) // 1_000
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"
