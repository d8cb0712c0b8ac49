"""Persons and reasons in the terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from models.scorecard import SCORE_MAX
from streams.console.view import ABSTAIN, Band, PersonView, RunView, ScoreAt, band_shade
from streams.console.words import PURPOSE, clock, day, percent, plain, probability, signed, standing

SHADES = ("bright_black", "blue", "yellow", "bold yellow")
REASONS_SHOWN = 3
PERSONS_SHOWN = 25
BAR = 12


def persons_table(run: RunView, persons_max: int = PERSONS_SHOWN) -> Group:
    """Persons by review priority with their reasons, then what is not shown, and what this is."""
    title = Text(plain(run.title), style="bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("person", overflow="fold")
    table.add_column("priority", justify="right")
    table.add_column("band")
    table.add_column("reviewer\nwould agree", justify="right")
    table.add_column("why", ratio=1)
    for rank, person in enumerate(run.scored[:persons_max], 1):
        table.add_row(*_row(rank, person, run))
    return Group(table, *_rest(run, persons_max), Text(PURPOSE, style="italic"))


def _row(rank: int, person: PersonView, run: RunView) -> list[RenderableType]:
    return [
        Text(str(rank)),
        Text(plain(person.name)),
        Text(str(person.score), style="bold"),
        _band(person.band, run.bands),
        Text(probability(person.probability_permille)),
        _why(person),
    ]


def _band(band: str, bands: tuple[Band, ...]) -> Text:
    return Text(plain(band), style=SHADES[band_shade(band, bands)])


def _why(person: PersonView) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for part in person.reasons[:REASONS_SHOWN]:
        table.add_row(Text(signed(part.points), style="cyan"), Text(plain(part.text)))
    left = len(person.reasons) - REASONS_SHOWN
    if left > 0:
        table.add_row("", Text(f"and {left} more", style="bright_black"))
    if not person.reasons:
        table.add_row("", Text("nothing raised it", style="bright_black"))
    if person.events:
        table.add_row(Text("event", style="bright_black"), Text(plain(person.events[0].text)))
    return table


def _rest(run: RunView, persons_max: int) -> list[Text]:
    rest = []
    if not run.scored:
        rest.append(Text("No person was scored."))
    if len(run.scored) > persons_max:
        rest.append(Text(f"{len(run.scored) - persons_max} more persons with a lower priority."))
    if run.abstained:
        rest.append(Text(f"{ABSTAIN} for {len(run.abstained)} more: what was seen does not carry a score."))
    return rest


def person_text(person: PersonView, utc_offset_minutes: int = 0) -> Group:
    """One person: the score, its parts, what would have changed it, and how it came about."""
    span = f"{clock(person.first_ms, utc_offset_minutes)} to {clock(person.last_ms, utc_offset_minutes)}"
    heading = Text.assemble((plain(person.name), "bold"), f"  {plain(standing(person))}")
    where = f"camera {plain(person.camera)}, {day(person.first_ms, utc_offset_minutes)} {span}"
    parts: list[RenderableType] = [heading, Text(where, style="bright_black"), Text()]
    if person.score is not None:
        parts += [_sum(person), Text()]
    if person.counterfactual:
        parts += [Text(plain(person.counterfactual)), Text()]
    parts += [*_happened(person, utc_offset_minutes), _timeline(person, utc_offset_minutes), Text()]
    return Group(*parts, Text(PURPOSE, style="italic"))


def _sum(person: PersonView) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(Text(str(person.base)), Text("every person starts with"))
    for part in person.reasons:
        table.add_row(Text(signed(part.points), style="cyan"), Text(plain(part.text)))
    if person.cut_points:
        table.add_row(Text(signed(person.cut_points), style="cyan"), Text(f"held to the scale 0 to {SCORE_MAX}"))
    agree = probability(person.probability_permille)
    said = f"review priority ({plain(person.band)}); probability that a reviewer would agree: {agree}"
    table.add_row(Text(str(person.score), style="bold"), Text(said, style="bold"))
    return table


def _happened(person: PersonView, utc_offset_minutes: int) -> list[RenderableType]:
    happened = [(mark.time_ms, "event", mark.text) for mark in person.events]
    happened += [
        (mark.time_ms, "paid", f"{mark.text} ({percent(mark.share_permille)} likely this person's)")
        for mark in person.purchases
    ]
    lines = [f"{clock(at, utc_offset_minutes)}  {kind:<6} {plain(text)}" for at, kind, text in sorted(happened)]
    return [Text("\n".join(lines)), Text()] if lines else []


def _timeline(person: PersonView, utc_offset_minutes: int) -> Padding:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("time")
    table.add_column("score", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("what changed since the row above", ratio=1)
    before: ScoreAt | None = None
    for row in person.timeline:
        table.add_row(Text(clock(row.time_ms, utc_offset_minutes)), *_score(row), Text(_changes(before, row)))
        before = row
    return Padding(table, (0, 0))


def _score(row: ScoreAt) -> tuple[Text, Text]:
    if row.score is None:
        return Text(ABSTAIN, style="bright_black"), Text()
    return Text(str(row.score), style="bold"), Text("━" * round(BAR * row.score / SCORE_MAX), style="cyan")


def _changes(before: ScoreAt | None, row: ScoreAt) -> str:
    had = {part.feature: part.points for part in before.contributions} if before else {}
    has = {part.feature for part in row.contributions}
    changed = [(part.points - had.get(part.feature, 0), part.text) for part in row.contributions]
    gone = [
        (-part.points, f"no longer: {part.text}")
        for part in (before.contributions if before else ())
        if part.feature not in has
    ]
    said = [f"{signed(points)} {plain(text)}" for points, text in [*changed, *gone] if points]
    return ", ".join(said) or "no change"
