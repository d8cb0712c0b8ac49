"""The commands around Kafka: make and check the topics, play a recording into them, record what is in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from kafka.errors import KafkaError
from rich.table import Table

from features.site import Site
from models.bundle import default_bundle
from streams import config
from streams.clock import now_ms
from streams.kafka.areas import Areas
from streams.kafka.interruption import Interruption
from streams.kafka.playing import repeated
from streams.kafka.produce import Played, play
from streams.kafka.reach import reach_kafka
from streams.kafka.record import Recorded
from streams.kafka.record import record as record_topics
from streams.kafka.recorded_outputs import GapError
from streams.kafka.refusal import RefusedError
from streams.kafka.topic_check import TopicReport, Topics
from streams.kafka.topics import INPUTS, OUTPUTS, wanted
from streams.runs import load_bundle, load_normality
from streams.settings import Kafka, Settings
from streams.settings_file import SettingsError, load_settings
from streams.site_file import load_site
from streams.sources import person_frames_of, read_recording, site_of
from streams.terminal import aside, progress, refuse, say, screen

DIFFERS = 1
"""Exit code of `vigil topics` where topics are not as the settings want them."""
INTERRUPTED = 130

SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="Settings file; without, VIGIL_SETTINGS or vigil.yaml.")
]
_SPEED = re.compile(r"([0-9]+(?:\.[0-9]+)?)x")
_STYLES = {"there": "green", "made": "green", "missing": "red", "differs": "yellow"}


def topics(
    *,
    settings: SettingsOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit code 1 where anything differs.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Set the configs that differ. Never the partitions.")] = False,
) -> None:
    """Make the topics that are missing, and say where those that are there differ from the settings.

    Partitions are never changed: an area's messages would go on in another partition than the one that holds its state.
    """
    if check and apply:
        refuse("--check, --apply: expected one of them, got both")
    kafka = load(settings).kafka
    with told(), _topics_of(kafka) as at_broker:
        reports = at_broker.look(wanted(kafka))
        if not check:
            reports = at_broker.make(reports)
        if apply:
            reports = at_broker.apply(reports)
    screen.print(_topics_table(reports))
    differences = [(report.wanted.name, one) for report in reports for one in report.differences]
    for name, difference in differences:
        say(f"{name}: {difference}")
    if differences:
        raise typer.Exit(DIFFERS)


def produce(
    recording: Annotated[
        Path, typer.Argument(help="Folder with poses.parquet, *.jsonl and, if it has one, site.yaml.")
    ],
    *,
    site: Annotated[Path | None, typer.Option(help="Site file to use instead of the recording's.")] = None,
    speed: Annotated[
        str, typer.Option(help="recorded, flat-out, or how many times as fast, such as 10x.")
    ] = "recorded",
    loop: Annotated[int, typer.Option(min=0, help="How many times; 0: until interrupted.")] = 1,
    now: Annotated[bool, typer.Option("--now", help="Shift all event times so that the first frame is now.")] = False,
    close: Annotated[bool, typer.Option(help="Send frames without persons at last that close everything.")] = True,
    settings: SettingsOption = None,
) -> None:
    """Play a recording into Kafka: its poses, purchases, identity changes and dispositions."""
    faster, used = speed_of(speed), load(settings)
    if now and faster != 1:
        refuse(f"--now: expected --speed recorded, for events would be ahead of the clock otherwise; got {speed}")
    found = site_of(recording)
    used_site = load_site(site) if site else found
    start_ms = now_ms() if now else None
    items = repeated(lambda: read_recording(recording, used_site), used_site, loop, start_ms)
    with told(), progress() as bar, Interruption() as stopped:
        _check_inputs(used)
        task = bar.add_task("Playing", total=person_frames_of(recording) * loop or None)
        played = play(
            items,
            used_site,
            used,
            speed=faster,
            progress=lambda persons: bar.advance(task, persons),
            close=close,
            origin_ms=start_ms,
            stopped=stopped,
        )
    _tell_played(played, used_site, used)
    if played.interrupted:
        raise typer.Exit(INTERRUPTED)


def record(
    folder: Annotated[Path, typer.Argument(help="Folder for a recording and the folders of runs, by partition.")],
    *,
    until_idle: Annotated[
        float | None, typer.Option(min=0.1, help="End once nothing has come for so many seconds; else by Ctrl-C.")
    ] = None,
    which: Annotated[bool | None, typer.Option("--inputs/--outputs", help="Only one of the two.")] = None,
    settings: SettingsOption = None,
) -> None:
    """Record topics from their beginnings on: what came in, and what workers made of it.

    Each FOLDER/partition-NN is the folder of a run, as `vigil replay` and `vigil explain` read it.
    """
    used = load(settings)
    site = load_site(Path(used.site))
    bundle = load_bundle(Path(used.bundle)) if used.bundle else default_bundle()
    normality = load_normality(Path(used.worker.normality)) if used.worker.normality else None
    chosen = (*INPUTS, *OUTPUTS) if which is None else INPUTS if which else OUTPUTS
    with told(), aside.status("Recording") as status, Interruption() as stopped:
        reach_kafka(used.kafka)
        count = 0

        def tell(messages: int) -> None:
            nonlocal count
            count += messages
            status.update(f"Recording: {count:,} messages")

        recorded = record_topics(
            folder, site, bundle, used, topics=chosen, until_idle_s=until_idle, progress=tell, stopped=stopped,
            normality=normality,
        )  # fmt: skip
    _tell_recorded(recorded)


def load(path: Path | None) -> Settings:
    """The settings of a file and the environment; ends the command where they cannot be used."""
    try:
        return load_settings(path, config.environment())
    except SettingsError as error:
        refuse(error)


def speed_of(text: str) -> float | None:
    """How many times as fast as recorded; None for as fast as it goes. Ends the command if it is no speed."""
    if text in {"recorded", "flat-out"}:
        return 1.0 if text == "recorded" else None
    if not (match := _SPEED.fullmatch(text)) or not float(match[1]):
        refuse(f"--speed: expected recorded, flat-out or a number of times such as 10x, got {text}")
    return float(match[1])


@contextmanager
def told() -> Iterator[None]:
    """What is wrong at the broker is said in a line."""
    try:
        yield
    except (KafkaError, GapError, RefusedError) as error:
        refuse(f"{type(error).__name__}: {error}" if isinstance(error, KafkaError) else error)


def _topics_of(kafka: Kafka) -> Topics:
    """The broker's topics; if it cannot be reached, that is known at once and with the setting to check."""
    reach_kafka(kafka)
    return Topics(kafka)


def _check_inputs(settings: Settings) -> None:
    """Refuse to play into topics of which workers would refuse what was played."""
    with _topics_of(settings.kafka) as at_broker:
        reports = at_broker.look(wanted(settings.kafka)[: len(INPUTS)])
    for report in reports:
        for difference in report.differences:
            if difference.field in {"topic", "partitions", "message.timestamp.type"}:
                refuse(f"{report.wanted.name}: {difference}")


def _topics_table(reports: list[TopicReport]) -> Table:
    table = Table("topic", "state", "partitions", "copies", "holds")
    for report in reports:
        one = report.wanted
        state = f"[{_STYLES[report.state]}]{report.state}[/]"
        table.add_row(one.name, state, str(one.partitions), str(one.replicas), one.holds)
    return table


def _tell_played(played: Played, site: Site, settings: Settings) -> None:
    rate = played.person_frames / played.seconds if played.seconds else 0
    table = Table("partition", "areas", "messages", "person-frames", "facts")
    for partition, part in sorted(played.partitions.items()):
        counts = (f"{count:,}" for count in (part.messages, part.person_frames, part.facts))
        table.add_row(str(partition), ", ".join(sorted(part.areas)), *counts)
    screen.print(table)
    say(
        f"{'Interrupted after' if played.interrupted else 'Sent'} {played.messages:,} messages, "
        f"{played.person_frames:,} person-frames and {played.facts:,} facts in {played.seconds:.1f} s, "
        f"{rate:,.0f} person-frames/s."
    )
    if played.refused:
        first = played.first_refused[0]
        why = f"{first.source}:{first.place}: {first.field}: expected {first.expected}, got {first.got}"
        say(f"{played.refused:,} rows and lines of the recording cannot be used and were not sent; the first: {why}.")
    areas = len(set(Areas.of(site, settings.kafka.partitions).of_camera.values()))
    if areas < settings.kafka.partitions:
        say(
            f"warning: {settings.kafka.partitions} partitions for {areas} {'area' if areas == 1 else 'areas'}: "
            "the work cannot be spread over all of them; name areas for the cameras in the site file."
        )


def _tell_recorded(recorded: Recorded) -> None:
    table = Table("topic", "messages")
    for name, count in sorted(recorded.messages.items()):
        table.add_row(name, f"{count:,}")
    screen.print(table)
    if recorded.repeats:
        say(f"{recorded.repeats:,} messages had come before and were left out.")
    if recorded.refused:
        say(f"{recorded.refused:,} inputs are refused by workers too and are not in the recording.")
    for folder in (folder for _, folders in sorted(recorded.folders.items()) for folder in folders):
        say(f"wrote {folder}")
    if not recorded.folders:
        say("nothing came, and nothing was written")
