"""What a run would have said otherwise, in the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models.records import Alert
from streams.console.whatif_words import (
    TO,
    alert_text,
    elsewhere,
    hour_text,
    move_text,
    part_text,
    points_of,
    summary_lines,
    verdicts,
)
from streams.console.words import PURPOSE, plain, short, since
from streams.whatif.records import AlertMove, HourCount, PersonChange, Whatif

PERSONS_SHOWN = 15
PARTS_SHOWN = 3
ALERTS_SHOWN = 10
HOURS_SHOWN = 20


def whatif_table(found: Whatif, title: str, utc_offset_minutes: int = 0) -> Group:
    """What is compared, persons who change most, alerts gained and lost, and the hours in which anything differs."""
    parts: list[RenderableType] = [Text(f"What {plain(title)} would have said", style="bold")]
    parts += [_line(f"{heading:>9}  {plain(text)}") for heading, text in summary_lines(found)]
    parts += _persons(found.changes, utc_offset_minutes)
    parts += _alerts("Alerts gained", found.alerts_gained, utc_offset_minutes)
    parts += _alerts("Alerts lost", found.alerts_lost, utc_offset_minutes)
    parts += _moved(found.alerts_moved, utc_offset_minutes)
    parts += _hours(found.hours, utc_offset_minutes)
    return Group(*parts, Text(), Text(PURPOSE, style="italic"))


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _heading(text: str) -> list[RenderableType]:
    return [Text(), Text(text, style="bold")]


def _rest(left: int, what: str) -> list[RenderableType]:
    return [_line(f" …  {left:,} more {what}", "bright_black")] if left > 0 else []


def _persons(changes: Sequence[PersonChange], utc_offset_minutes: int) -> list[RenderableType]:
    if not changes:
        return [*_heading("Nobody would have been scored differently.")]
    shown = changes[:PERSONS_SHOWN]
    lines = [line for change in shown for line in _person(change, utc_offset_minutes)]
    return [*_heading("Persons who change most"), *lines, *_rest(len(changes) - len(shown), "change less")]


def _person(change: PersonChange, utc_offset_minutes: int) -> list[Text]:
    came = since(change.person, change.first_ms, utc_offset_minutes)
    style = "bold" if change.another_band else ""
    head = Text.assemble(
        "  ", (plain(short(change.person)), style), f"  {came}  ", (verdicts(change), style), no_wrap=True
    )
    parts = [_part(points_of(part), part_text(part)) for part in change.parts[:PARTS_SHOWN]]
    left = len(change.parts) - PARTS_SHOWN
    more = [_line(f"{'':17}and {left} more", "bright_black")] if left > 0 else []
    none = [] if parts or change.before != change.after else [_line(f"{'':17}{elsewhere(change)}", "bright_black")]
    return [head, *parts, *more, *none]


def _part(points: str, text: str) -> Text:
    return Text.assemble((f"{points:>15}  ", "cyan"), plain(text), no_wrap=True, overflow="ellipsis")


def _alerts(heading: str, alerts: Sequence[Alert], utc_offset_minutes: int) -> list[RenderableType]:
    lines = [_alert(alert, alert_text(alert, utc_offset_minutes)) for alert in alerts[:ALERTS_SHOWN]]
    return [*_heading(heading), *lines, *_rest(len(alerts) - ALERTS_SHOWN, "alerts")] if lines else []


def _moved(moves: Sequence[AlertMove], utc_offset_minutes: int) -> list[RenderableType]:
    lines = [_alert(one.after, move_text(one, utc_offset_minutes)) for one in moves[:ALERTS_SHOWN]]
    return [*_heading("Alerts at another time"), *lines, *_rest(len(moves) - ALERTS_SHOWN, "alerts")] if lines else []


def _alert(alert: Alert, text: str) -> Text:
    return _line(f"  {plain(short(alert.person))}  {plain(text)}")


def _hours(hours: Sequence[HourCount], utc_offset_minutes: int) -> list[RenderableType]:
    differing = [one for one in hours if one.differs]
    if not differing:
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("camera", "hour"):
        table.add_column(name, no_wrap=True)
    for name in ("persons", "another band", "ABSTAIN", "alerts"):
        table.add_column(name, justify="right")
    for one in differing[:HOURS_SHOWN]:
        table.add_row(*map(Text, _cells(one, utc_offset_minutes)))
    same = len(hours) - len(differing)
    rest = [*_rest(len(differing) - HOURS_SHOWN, "hours"), *_rest(same, "camera hours without a difference")]
    return [*_heading("Hours that differ"), table, *rest]


def _cells(one: HourCount, utc_offset_minutes: int) -> tuple[str, ...]:
    return (
        plain(one.camera) or "none",
        hour_text(one.hour_ms, utc_offset_minutes),
        f"{one.persons:,}",
        f"{one.persons_in_another_band:,}",
        f"{one.abstained_before:,} {TO} {one.abstained_after:,}",
        f"{one.alerts_before:,} {TO} {one.alerts_after:,}",
    )
