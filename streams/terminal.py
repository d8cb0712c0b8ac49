"""What the command line shows: progress, what became of everything, and refusals."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from features.sequence import CATALOGUE, FeatureSpec
from streams.console.table import persons_table
from streams.console.view import RunView
from streams.embedded import DEAD_LETTERS, SHADOW_BUNDLE, Summary
from streams.jobs import Difference
from streams.runs import RunFolder

REFUSED = 2
"""Exit code of a command whose input cannot be used."""

screen = Console()
aside = Console(stderr=True)


def refuse(text: object) -> NoReturn:
    """Say what is wrong with the input, and end."""
    aside.print(str(text), markup=False, highlight=False, soft_wrap=True)
    sys.exit(REFUSED)


def say(text: str) -> None:
    """A line as it is, however wide."""
    screen.print(text, markup=False, highlight=False, soft_wrap=True)


class Rate(ProgressColumn):
    """How fast it goes."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def render(self, task: Task) -> Text:
        """How many a second."""
        return Text(f"{task.speed:,.0f} {self._what}/s" if task.speed else "")


@contextmanager
def progress(what: str = "person-frames") -> Iterator[Progress]:
    """A bar that goes away, and is not there at all where nobody looks; `what` is counted."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"), Rate(what))
    with Progress(*columns, TimeRemainingColumn(), console=aside, transient=True, disable=not aside.is_terminal) as bar:
        yield bar


@contextmanager
def steps() -> Iterator[Progress]:
    """A bar that counts steps and goes away, and is not there at all where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    with Progress(*columns, console=aside, transient=True, disable=not aside.is_terminal) as bar:
        yield bar


def report(run: RunFolder, shown: RunView, speed: str) -> None:
    """Persons with reasons, and what became of everything that came in."""
    screen.print(persons_table(shown))
    screen.print()
    for account in shown.accounts:
        became = ", ".join(f"{count:,} {what}" for what, count in account.became if count)
        balance = "all accounted for" if account.accounted == account.came_in else "NOT ALL ACCOUNTED FOR"
        screen.print(f"{account.came_in:,} {account.what}: {became or 'none'}; {balance}.", highlight=False)
    screen.print(f"{_alerts(run.summary)} {_dead_letters(run)}", highlight=False)
    if run.shadow:
        told = f"{run.summary.shadow_scores:,} scores and would have published {run.summary.shadow_alerts:,} alerts"
        tried = f"vigil whatif {run.folder} --bundle {run.folder / SHADOW_BUNDLE}"
        say(f"The bundle on trial gave {told}; which, tells  {tried}")
    screen.print(f"{speed}.", highlight=False)


def _alerts(summary: Summary) -> str:
    held = ", ".join(f"{reason} {count:,}" for reason, count in sorted(summary.alerts_suppressed.items()))
    alerts = "1 alert" if summary.alerts == 1 else f"{summary.alerts:,} alerts"
    return f"{alerts}; seconds in which one was held back: {held}." if held else f"{alerts}."


def _dead_letters(run: RunFolder) -> str:
    first = run.first_dead_letter
    if first is None:
        return "No dead letters."
    why = f"{first.source}:{first.place}: {first.field}: expected {first.expected}, got {first.got}"
    return f"{run.summary.dead_letters:,} dead letters in {run.folder / DEAD_LETTERS}; the first: {why}."


def tell_difference(difference: Difference) -> None:
    """Where a replay is not what was recorded."""
    say(f"Different from line {difference.line} of {difference.file} on:")
    for name, recorded, replayed in difference.fields:
        say(f"  {name}: recorded {recorded}, replayed {replayed}")
    if not difference.fields:
        say(f"  recorded: {_line(difference.recorded)}")
        say(f"  replayed: {_line(difference.replayed)}")


def _line(text: bytes | None) -> str:
    return "nothing more" if text is None else text.decode("utf-8", "replace").rstrip("\n")


def list_features() -> None:
    """The catalogue, those first that may raise a score."""
    for direction, heading in (("raises", "May raise a score"), ("describes", "Only describe, in no score ever")):
        screen.print(heading, style="bold")
        for spec in CATALOGUE:
            if spec.direction == direction:
                screen.print(_feature(spec))


def _feature(spec: FeatureSpec) -> Group:
    limits = f"0 to {spec.high:,}" if spec.unit == "count" else f"0 to {spec.high:,} {spec.unit}"
    told = (Text(spec.reason), Text(f"{spec.family}: {spec.source}", style="bright_black"))
    return Group(Text.assemble("  ", (spec.name, "bold cyan"), f", {limits}"), Padding(Group(*told), (0, 0, 0, 6)))
