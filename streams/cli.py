"""The command line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from models.bundle import default_bundle, dump
from models.scenarios.generate import generate
from streams import jobs
from streams.adapters.command import import_
from streams.adapters.imported import ImportFailure
from streams.audit.errors import UnusableError
from streams.audit.keys import load_signers
from streams.calibrating.command import calibrate
from streams.clock import Stopwatch
from streams.codecs.tables import TableError
from streams.console.page import page
from streams.console.pictures import write_pictures
from streams.console.table import person_text
from streams.console.words import short
from streams.contesting.command import contest
from streams.describing.command import learn
from streams.embedded import Summary
from streams.erasing.command import erase
from streams.evaluation.command import evaluate
from streams.recording import RecordingError
from streams.replaying import replay
from streams.run_view import bands_of, named_person, person_view, view
from streams.runs import RunFolderError, load_bundle, load_normality, load_shadow, open_run
from streams.settings_file import SettingsError
from streams.site_file import EXAMPLE, SiteFileError, check_site, load_site
from streams.sources import person_frames_of, site_of
from streams.terminal import list_features, progress, refuse, report, say, screen
from streams.whatif.command import whatif

FIRST = "1. See it work"
SCORE = "2. Score recordings of your own"
LOOK = "3. Look at a run, and check it"
LIVE = "4. On Kafka"
AUDIT = "5. The audit log"
MAKE = "Recordings, features and bundles"

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Vigil orders tracked persons by **review priority**: who is worth a human look first, and why. "
        "It never says what somebody is; a human decides.\n\n"
        "A *recording* is a folder with poses.parquet or *.jsonl, and a site.yaml. `vigil run` turns it into a *run*: "
        "a folder with journal, scores and alerts, which `explain`, `replay` and `whatif` read.\n\n"
        "Exit codes: 0 fine, 1 a replay or a log that does not hold, 2 input that cannot be used, 130 interrupted."
    ),
)

RunOption = Annotated[Path, typer.Option("--run", help="Folder that `vigil run` wrote.")]


@app.callback(invoke_without_command=True)
def start(
    shown: Annotated[bool, typer.Option("--version", help="Say the version and the shipped bundle's digest.")] = False,
) -> None:
    if shown:
        say(f"vigil {version('vigil')}, bundle {default_bundle().digest}")
        raise typer.Exit


@app.command(rich_help_panel=FIRST)
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("vigil-demo"),
    visits: Annotated[int, typer.Option(min=1, max=5_000, help="How many visits to the shop.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same shop, to the byte.")] = 7,
) -> None:
    """Play a made-up shop through the whole of Vigil: scores with reasons, and a page to look at.

    Walking skeletons with a tracker's noise shop, queue, wait, work, pace and loiter; some goods are not paid for.
    """
    recording, out, shown = folder / "recording", folder / "run", folder / "index.html"
    with screen.status("Making up the shop"):
        jobs.record_scenario(generate(seed, visits), recording)
    watch = Stopwatch()
    with _scoring(recording) as advance:
        summary = jobs.run_recording(recording, site_of(recording), default_bundle(), out, advance)
    first = _show(out, f"A made-up shop, seed {seed}", _speed(summary, watch.seconds), recording, shown)
    say(f"\nOne person in full:  vigil explain {first} --run {out}")
    say(f"The page to look at: {shown}")
    say(f"Everything else:     {folder}")


@app.command(rich_help_panel=SCORE)
def check(
    site: Annotated[Path | None, typer.Argument(help="A site file. Without one, an example is printed.")] = None,
) -> None:
    """Check a site file: every error with its line, what was expected and what is there."""
    if site is None:
        say(EXAMPLE.read_text(encoding="utf-8").rstrip("\n"))
        return
    load_site(site)
    for warning in check_site(site.read_text(encoding="utf-8")):
        say(f"{site}:{warning}")
    say(f"{site}: can be used")


@app.command(rich_help_panel=SCORE)
def run(
    recording: Annotated[
        Path, typer.Argument(help="Folder with poses.parquet, *.jsonl and, if it has one, site.yaml.")
    ],
    out: Annotated[Path, typer.Option(help="Where journal, scores, alerts and dead letters go.")] = Path("vigil-run"),
    site: Annotated[Path | None, typer.Option(help="Site file to use instead of the recording's.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle to score with instead of the shipped one.")] = None,
    shadow: Annotated[
        Path | None, typer.Option(help="Bundle on trial: its scores go to shadow-scores.jsonl, its alerts are counted.")
    ] = None,
    normality: Annotated[
        Path | None, typer.Option(help="What is normal at the site, as `vigil calibrate` learns it.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="Folder of keys that sign the audit log; without, a key is made for this run and forgotten."),
    ] = None,
    html: Annotated[bool, typer.Option("--page", help="Also write index.html, to look at.")] = False,
) -> None:
    """Score a recording: journal, scores, alerts, late input, dead letters and the audit log go to a folder."""
    found = site_of(recording)
    used = load_site(site) if site else found
    shown = out / "index.html" if html else None
    scorer = load_bundle(bundle) if bundle else default_bundle()
    tried = load_shadow(shadow, scorer) if shadow else None
    signers = load_signers(keys) if keys else []
    normal = load_normality(normality) if normality else None
    watch = Stopwatch()
    with _scoring(recording) as advance:
        summary = jobs.run_recording(recording, used, scorer, out, advance, tried, signers, normal)
    first = _show(out, str(recording), _speed(summary, watch.seconds), recording, shown)
    say(f"\nOne person in full:  vigil explain {first} --run {out}")
    say(f"The page to look at: {shown or 'none; --page writes one'}")
    say(f"Everything else:     {out}")


@app.command(rich_help_panel=LOOK)
def explain(
    person: Annotated[str, typer.Argument(help="A person's name or the beginning of it, such as floor/12.")],
    run_folder: RunOption = Path("vigil-run"),
    recording: Annotated[Path | None, typer.Option(help="The recording, for the path and the skeletons.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Write timeline, parts of the score, path and skeletons as SVG to a folder.")
    ] = None,
) -> None:
    """Say why a person has the priority they have: every part, the events, and what would have changed it."""
    opened = open_run(run_folder)
    shown = person_view(opened, named_person(opened, person), recording or _recording_beside(run_folder))
    if pictures:
        for path in write_pictures(shown, opened.site, bands_of(opened), pictures):
            say(f"wrote {path}")
    screen.print(person_text(shown, opened.site.utc_offset_minutes))


app.command(rich_help_panel=LOOK)(replay)
app.command(rich_help_panel=LOOK)(whatif)
app.command(rich_help_panel=LOOK)(erase)
app.command(rich_help_panel=LOOK)(contest)


app.command("import", rich_help_panel=MAKE)(import_)


@app.command(rich_help_panel=MAKE)
def features() -> None:
    """List every feature a score may rest on: unit, source, and why it may be used or only describes."""
    list_features()


@app.command(rich_help_panel=MAKE)
def train(
    out: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("models/bundles/default.json"),
    visits: Annotated[int, typer.Option(min=200, help="How many made-up visits to learn from.")] = 3_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bundle, to the byte.")] = 1,
) -> None:
    """Train the shipped bundle on made-up visits (needs the extra `train`)."""
    if not out.parent.is_dir():
        refuse(f"{out.parent}: no such folder; say with --out where the bundle goes")
    try:
        from models.shipped import ConversionLossError, ship  # noqa: PLC0415 - needs scikit-learn
    except ImportError as missing:
        refuse(f"training needs {missing.name}, which is not installed: pip install 'vigil[train]'")
    with progress() as bar:
        task = bar.add_task("Learning from made-up visits", total=None)
        try:
            bundle = ship(seed, visits, lambda rows: bar.advance(task, rows))
        except ConversionLossError as loss:
            refuse(loss)
    jobs.write_whole(out, dump(bundle))
    table = Table("figure", "value", title=f"{out}, digest {bundle.digest[:16]}")
    for name, value in (msgspec.structs.asdict(bundle.training) if bundle.training else {}).items():
        table.add_row(name, str(value))
    screen.print(table)


for measured in (calibrate, learn, evaluate):
    app.command(rich_help_panel=MAKE)(measured)

EMBEDDED = {"--version"} | {
    command.callback.__name__.rstrip("_") for command in app.registered_commands if command.callback
}


def with_audit() -> typer.Typer:
    """The commands of the audit log too."""
    from streams.audit.commands import audit_commands  # noqa: PLC0415 - only where it is needed

    app.add_typer(audit_commands, name="audit", rich_help_panel=AUDIT)
    return app


def with_kafka() -> typer.Typer:
    """All commands; those around Kafka bring clients that take more than a second to import."""
    from streams.kafka_cli import mount  # noqa: PLC0415 - only where it is needed

    mount(app, LIVE)
    return with_audit()


def commands_for(first: list[str]) -> typer.Typer:
    """As many commands as the first argument needs."""
    if first and first[0] in EMBEDDED:
        return app
    return with_audit() if first == ["audit"] else with_kafka()


def main() -> None:
    """Run a command; what is wrong with its input is said in a line, never with a traceback."""
    try:
        commands_for(sys.argv[1:2])()
    except (
        *(SiteFileError, SettingsError, ImportFailure, RecordingError, RunFolderError, TableError, UnusableError),
    ) as refused:
        refuse(refused)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))


@contextmanager
def _scoring(recording: Path) -> Iterator[jobs.Progress]:
    with progress() as bar:
        task = bar.add_task("Scoring", total=person_frames_of(recording) or None)
        yield lambda rows: bar.advance(task, rows)


def _speed(summary: Summary, seconds: float) -> str:
    counted, what = (
        (summary.person_frames, "person-frames") if summary.person_frames else (summary.purchases, "purchases")
    )
    return f"{counted:,} {what} in {seconds:.1f} s, {counted / seconds:,.0f} a second"


def _show(out: Path, title: str, speed: str, recording: Path, html: Path | None) -> str:
    """Show a run, and name the person to look at first."""
    opened = open_run(out)
    shown = view(opened, title, speed, recording if html else None)
    if html:
        html.write_text(page(shown), encoding="utf-8")
    report(opened, shown, speed)
    return short(shown.scored[0].name) if shown.scored else "PERSON"


def _recording_beside(run_folder: Path) -> Path | None:
    beside = run_folder.parent / "recording"
    return beside if beside.exists() else None
