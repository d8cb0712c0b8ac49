"""The command `vigil erase-topics`."""

from pathlib import Path
from typing import Annotated

import typer

from features.events import Rejection
from features.site import Site
from streams.clock import now_ms
from streams.erasing.closure import DAY_MS
from streams.erasing.files import Traces
from streams.erasing.mentions import mentions
from streams.erasing.topics import NotYetError, Partition, ask, asked_for, finish, read_visits, unfinished
from streams.kafka.areas import Areas
from streams.kafka.commands import SettingsOption, load, told
from streams.kafka.reach import reach_kafka
from streams.live.rebuild import rebuild
from streams.settings import Settings
from streams.site_file import load_site
from streams.terminal import aside, refuse, say

NOT_YET = 3
"""Exit code where what was asked for is not done in time; it goes on, and the command finishes it when run again."""
Chosen = dict[int, set[str]]


def erase_topics(
    persons: Annotated[list[str] | None, typer.Argument(metavar="[PERSON]...", help="As the scores name them.")] = None,
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Instead of persons: all who were last seen before.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the workers.")] = 60,
    settings: SettingsOption = None,
) -> None:
    """Erase persons from the topics and the live view; every other proof and replay still holds.

    Workers seal a tombstone and let go of the keys that journal and audit log are sealed with; then what can be read
    without a key is deleted up to where it last tells of these persons: inputs, scores, alerts, late input and dead
    letters. That takes others' old scores with it; they stay in the audit log, whence `vigil record` has them.

    Without persons it finishes what was interrupted. Cannot be undone.
    """
    used = load(settings)
    site = load_site(Path(used.site))
    with told(), aside.status("Erasing"):
        reach_kafka(used.kafka)
        try:
            _finish(used, site, wait, "what was asked for before")
            if persons or older_than is not None:
                _ask(used, site, persons or [], older_than)
                _finish(used, site, wait, "what was asked for")
        except NotYetError as not_yet:
            say(f"Asked for, not done yet: {not_yet}. Run `vigil erase-topics` again to finish it.")
            raise typer.Exit(NOT_YET) from None


def _finish(settings: Settings, site: Site, wait_s: float, what: str) -> None:
    if not (waiting := unfinished(settings.kafka)):
        return
    finish(settings.kafka, waiting, wait_s)
    if settings.redis:
        areas = Areas.of(site, settings.kafka.partitions)
        rebuild(settings.kafka, settings.redis, settings.live, areas, now_ms)
    visits = sum(len(one.visits) for one in waiting)
    say(f"Erased {what}: {visits:,} visit keys are gone, and with them all that was sealed with them.")


def _ask(settings: Settings, site: Site, persons: list[str], older_than: float | None) -> None:
    try:
        found = read_visits(settings.kafka, site, lambda _: None)
    except Rejection as why:
        refuse(f"topic journal: expected what workers write with this site, {why}")
    chosen = _by_age(found, older_than) if older_than is not None else _by_name(found, persons)
    traces = {number: Traces.of(found[number].visits, frozenset(names)) for number, names in chosen.items()}
    before = mentions(settings.kafka, traces, lambda _: None)
    reason = "asked" if older_than is None else "age"
    erasures = [
        erasure
        for number, names in chosen.items()
        for erasure in asked_for(number, found[number], names, before.get(number, {}), reason)
    ]
    if not erasures:
        say("Nobody was last seen so long ago.")
    ask(settings.kafka, erasures)


def _by_age(found: list[Partition], days: float) -> Chosen:
    at_ms = now_ms() - round(days * DAY_MS)
    chosen = {number: one.visits.before(min(at_ms, one.visits.settled_before_ms())) for number, one in enumerate(found)}
    return {number: names for number, names in chosen.items() if names}


def _by_name(found: list[Partition], persons: list[str]) -> Chosen:
    chosen = Chosen()
    for person in persons:
        number = next((at for at, one in enumerate(found) if person in one.visits.last_ms), None)
        if number is None:
            refuse(f"{person}: expected a person as the scores name them, got one that no journal knows")
        names = found[number].visits.together([person])
        if not names <= found[number].visits.before(found[number].visits.settled_before_ms()):
            refuse(
                f"{person}: expected somebody who left, got one of whom news may still come; ask again in some minutes"
            )
        chosen.setdefault(number, set()).update(names)
    return chosen
