"""Persons and reasons in the terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from models.scorecard import SCORE_MAX
from streams.console.view import ABSTAIN, Contribution, PersonView, RunView, ScoreAt, band_shade
from streams.console.words import PURPOSE, clock, day, percent, plain, probability, short, signed, since, standing

SHADES = ("bright_black", "blue", "yellow", "bold yellow")
REASONS_SHOWN = 3
PERSONS_SHOWN = 15
NAME_WIDTH_MAX = 30
BAR = 12


def persons_table(run: RunView, persons_max: int = PERSONS_SHOWN) -> Group:
    """Persons by review priority, a line each and a line for each reason; then what is not shown, and what this is."""
    raised = [person for person in run.scored if person.reasons]
    shown = raised[:persons_max]
    width = min(NAME_WIDTH_MAX, max([len("person"), *(len(short(person.name)) for person in shown)]))
    heading = Text(
        f" #  {'person':<{width}}  {'since':<8}  priority          a reviewer would agree", style="bright_black"
    )
    lines = [_line(rank, person, run, width) for rank, person in enumerate(shown, 1)]
    rows = [line for person, row in zip(shown, lines, strict=True) for line in (row, *_why(person))]
    return Group(Text(plain(run.title), style="bold"), *([heading] if rows else []), *rows, *_rest(run, raised, shown))


def _text(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _line(rank: int, person: PersonView, run: RunView, width: int) -> Text:
    name = plain(short(person.name))
    name = name if len(name) <= width else name[: width - 1] + "…"
    came = since(person.name, person.first_ms, run.utc_offset_minutes)
    return _text(
        f"{rank:>2}  ", (f"{name:<{width}}", "bold"), f"  {came}  ", (f"{person.score:>4}", "bold"), " ",
        (f"{plain(person.band):<11}", SHADES[band_shade(person.band, run.bands)]),
        f"  {probability(person.probability_permille)}",
    )  # fmt: skip


def _why(person: PersonView) -> list[Text]:
    reasons = [_reason(part) for part in person.reasons[:REASONS_SHOWN]]
    left = len(person.reasons) - REASONS_SHOWN
    more = [_text((f"{'':12}and {left} more", "bright_black"))] if left > 0 else []
    events = [_text((f"{'event':>10}  ", "bright_black"), plain(mark.text)) for mark in person.events[:1]]
    return [*reasons, *more, *events]


def _reason(part: Contribution) -> Text:
    return _text((f"{signed(part.points):>10}  ", "cyan"), plain(part.text))


def _rest(run: RunView, raised: list[PersonView], shown: list[PersonView]) -> list[Text]:
    counts = (
        (len(raised) - len(shown), "more with a lower priority"),
        (len(run.scored) - len(raised), "whose priority nothing raised"),
        (len(run.abstained), f"with {ABSTAIN}: what was seen does not carry a score"),
    )
    rest = [Text(f" …  {count:,} {what}", style="bright_black") for count, what in counts if count]
    none = [] if run.scored else [Text("No person was scored.")]
    return [*none, *rest, Text(), Text(PURPOSE, style="italic")]


def person_text(person: PersonView, utc_offset_minutes: int = 0) -> Group:
    """One person: the score and its parts, how it came about, the objective events, what would have changed it."""
    span = f"{clock(person.first_ms, utc_offset_minutes)} to {clock(person.last_ms, utc_offset_minutes)}"
    heading = Text.assemble((plain(person.name), "bold"), f"  {plain(standing(person))}")
    where = f"camera {plain(person.camera)}, {day(person.first_ms, utc_offset_minutes)} {span}"
    parts: list[RenderableType] = [heading, Text(where, style="bright_black"), Text(PURPOSE, style="italic"), Text()]
    if person.score is not None:
        parts += [_sum(person), Text()]
    parts += [_timeline(person, utc_offset_minutes), *_paid(person, utc_offset_minutes)]
    return Group(*parts, *_events(person, utc_offset_minutes), *_change(person))


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


def _paid(person: PersonView, utc_offset_minutes: int) -> list[Text]:
    lines = [
        Text(f"  {clock(mark.time_ms, utc_offset_minutes)}  {plain(mark.text)} ({share} likely this person's)")
        for mark in person.purchases
        for share in [percent(mark.share_permille)]
    ]
    return [Text("Paid", style="bold"), *lines, Text()] if lines else []


def _events(person: PersonView, utc_offset_minutes: int) -> list[Text]:
    lines = [Text(f"  {clock(mark.time_ms, utc_offset_minutes)}  {plain(mark.text)}") for mark in person.events]
    none = [Text("  none, so no alert can rest on this person", style="bright_black")]
    return [Text("Objective events, to check on the recording", style="bold"), *(lines or none), Text()]


def _change(person: PersonView) -> list[RenderableType]:
    if person.score is None:
        said = f"More to see: {plain(person.abstained)}."
    else:
        said = (
            plain(person.counterfactual)
            or f"Nothing is below {plain(person.band)}: there is no band to be kept out of."
        )
    return [Text("What would have changed it", style="bold"), Padding(Text(said), (0, 0, 0, 2))]


def _timeline(person: PersonView, utc_offset_minutes: int) -> Table:
    """The published scores; of those that changed nothing only the last."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("time")
    table.add_column("score", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("what changed since the row above", ratio=1)
    before: ScoreAt | None = None
    for row in person.timeline:
        changes = _changes(before, row)
        if changes or before is None or row is person.timeline[-1]:
            table.add_row(Text(clock(row.time_ms, utc_offset_minutes)), *_score(row), Text(changes or "nothing"))
            before = row
    return table


def _score(row: ScoreAt) -> tuple[Text, Text]:
    if row.score is None:
        return Text(ABSTAIN, style="bright_black"), Text()
    return Text(str(row.score), style="bold"), Text("━" * round(BAR * row.score / SCORE_MAX), style="cyan")


def _changes(before: ScoreAt | None, row: ScoreAt) -> str:
    """What a score has gained and lost; empty where nothing did."""
    had = {part.feature: part.points for part in before.contributions} if before else {}
    has = {part.feature for part in row.contributions}
    changed = [(part.points - had.get(part.feature, 0), part.text) for part in row.contributions]
    gone = [
        (-part.points, f"no longer: {part.text}")
        for part in (before.contributions if before else ())
        if part.feature not in has
    ]
    said = [f"{signed(points)} {plain(text)}" for points, text in [*changed, *gone] if points]
    return ", ".join(said) or _seen(before, row)


def _seen(before: ScoreAt | None, row: ScoreAt) -> str:
    if before is not None and (before.score is None) == (row.score is None):
        return ""
    return "not enough seen" if row.score is None else "enough seen"
