"""The commands of the live view: `vigil watch` and `vigil view rebuild`."""

from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import redis
import typer

from features.site import Site
from streams import clock, config
from streams.kafka.areas import Areas
from streams.kafka.reach import reach_kafka, reach_redis
from streams.kafka.refusal import RefusedError
from streams.live.rebuild import rebuild as rebuild_view
from streams.live.table import count
from streams.live.watch import follow, redis_source, show_once, topics_source
from streams.settings import Settings
from streams.settings_file import SettingsError, load_settings
from streams.site_file import load_site
from streams.terminal import refuse, say, screen

view_commands = typer.Typer(no_args_is_help=True, help="The live view in Redis.")

SettingsOption = Annotated[Path | None, typer.Option(help="Settings file; else VIGIL_SETTINGS, else vigil.yaml.")]


class Origin(StrEnum):
    """Where a live view can come from."""

    REDIS = "redis"
    TOPICS = "topics"


def watch(
    area: Annotated[str | None, typer.Option(help="Only what is of this area.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print what is there now, and end.")] = False,  # noqa: FBT002 - a flag
    origin: Annotated[
        Origin | None, typer.Option("--from", help="Where to look; else Redis if the settings name one.")
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Watch who is worth a look first, now: open alerts, persons with reasons, and how cameras are.

    Ends with Ctrl-C. Where the output is no terminal, it is printed once.
    """
    used = _settings(settings)
    site = _site(used, needed=origin is Origin.TOPICS or used.redis is None)
    areas = Areas.of(site, used.kafka.partitions)
    _must_be_known(area, areas)
    from_redis = origin is Origin.REDIS or (origin is None and used.redis is not None)
    show: Callable[..., None] = show_once if once or not screen.is_terminal else follow
    try:
        with (
            suppress(KeyboardInterrupt),
            (redis_source if from_redis else topics_source)(used, areas, clock.now_ms) as source,
        ):
            show(source, site, area, clock.now_ms, screen)
    except RefusedError as refused:
        refuse(refused)


@view_commands.command()
def rebuild(settings: SettingsOption = None) -> None:
    """Write the live view in Redis anew, from what the topics hold of the time it shows."""
    used = _settings(settings)
    if used.redis is None:
        refuse("$.redis: expected where the Redis of the live view is, got nothing")
    areas = Areas.of(_site(used, needed=True), used.kafka.partitions)
    try:
        reach_redis(used.redis)
        reach_kafka(used.kafka)
        with screen.status("Reading the topics"):
            rebuilt = rebuild_view(used.kafka, used.redis, used.live, areas, clock.now_ms)
    except RefusedError as refused:
        refuse(refused)
    except redis.RedisError as error:
        refuse(f"$.redis.url: expected a server that goes on answering, got {error}")
    unread = f"; {count(rebuilt.unread, 'message')} could not be read" if rebuilt.unread else ""
    say(f"The live view has {count(rebuilt.persons, 'person')} and {count(rebuilt.alerts, 'open alert')}{unread}.")


def _settings(path: Path | None) -> Settings:
    try:
        return load_settings(path, config.environment())
    except SettingsError as error:
        refuse(error)


def _site(settings: Settings, *, needed: bool) -> Site:
    """The site; who only looks into Redis may do without its file."""
    path = Path(settings.site)
    return load_site(path) if needed or path.exists() else Site()


def _must_be_known(area: str | None, areas: Areas) -> None:
    known = sorted({areas.of_rest, *areas.of_camera.values()})
    if area is not None and areas.of_camera and area not in known:
        near = get_close_matches(area, known, 1)
        refuse(f"--area: expected {near[0] if near else 'one of ' + ', '.join(known)}, got {area}")
