"""The command line."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from features.events import Rejection
from features.sequence import CATALOGUE
from features.site import Site
from models.bundle import Bundle, default_bundle, dump, load
from models.scenarios.generate import generate
from streams import config, jobs
from streams.adapters.imported import ImportFailure
from streams.adapters.registry import IMPORTERS, folder_of
from streams.clock import Stopwatch
from streams.console.page import page
from streams.console.path import path_picture
from streams.console.skeleton import skeleton_picture
from streams.console.svg import standalone
from streams.console.table import person_text, persons_table
from streams.console.timeline import timeline_picture
from streams.console.view import PersonView, RunView
from streams.embedded import Summary
from streams.run_view import bands_of, person_view, view
from streams.runs import RunFolder, RunFolderError, open_run
from streams.site_file import EXAMPLE, SiteFileError, check_site, load_site
from streams.sources import person_frame_rows, site_of

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Vigil orders tracked persons by **review priority**: who is worth a human look first, and why. "
        "It never says what somebody is; a human decides.\n\n"
        "Start with `vigil demo`. With recordings of your own: `vigil check SITE`, `vigil run RECORDING`, "
        "`vigil explain PERSON`, `vigil replay RUN`."
    ),
)
screen = Console()

RunOption = Annotated[Path, typer.Option("--run", help="Folder that `vigil run` wrote.")]


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("vigil-demo"),
    visits: Annotated[int, typer.Option(min=1, max=5_000, help="How many visits to the shop.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same shop, to the byte.")] = 7,
) -> None:
    """Play a made-up shop through the whole of Vigil: scores with reasons, and a page to look at.

    Walking skeletons with a tracker's noise shop, queue, wait, work, pace and loiter; some goods are not paid for.
    """
    with screen.status("Making up the shop"):
        recording = folder / "recording"
        jobs.record_scenario(generate(seed, visits), recording)
    out = folder / "run"
    summary, speed = _run(recording, site_of(recording), default_bundle(), out)
    shown = view(open_run(out), f"A made-up shop, seed {seed}", speed, recording)
    (folder / "index.html").write_text(page(shown), encoding="utf-8")
    _report(summary, shown, speed)
    screen.print(f"\nThe page to look at: [bold]{folder / 'index.html'}[/]   Everything else: [bold]{folder}[/]")
    screen.print(f"One person in full: [bold]vigil explain {shown.scored[0].name} --run {out}[/]")


@app.command()
def run(
    recording: Annotated[
        Path, typer.Argument(help="Folder with poses.parquet, *.jsonl and, if it has one, site.yaml.")
    ],
    out: Annotated[Path, typer.Option(help="Where journal, scores, alerts and dead letters go.")] = Path("vigil-run"),
    site: Annotated[Path | None, typer.Option(help="Site file to use instead of the recording's.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle to score with instead of the shipped one.")] = None,
    html: Annotated[bool, typer.Option("--page", help="Also write index.html, to look at.")] = False,
) -> None:
    """Score a recording: journal, scores, alerts, late input and dead letters go to a folder."""
    _must_exist(recording)
    used = load_site(site) if site else site_of(recording)
    summary, speed = _run(recording, used, _bundle(bundle), out)
    shown = view(open_run(out), str(recording), speed, recording if html else None)
    if html:
        (out / "index.html").write_text(page(shown), encoding="utf-8")
    _report(summary, shown, speed)


@app.command()
def replay(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `vigil run` wrote.")],
    bundle: Annotated[Path | None, typer.Option(help="Another bundle, to see what it would have said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the replayed scores here.")] = None,
) -> None:
    """Score a run's journal again and compare: the same journal and bundle give the same bytes.

    Ends with exit code 1 and the first difference where they do not.
    """
    recorded = open_run(run_folder)
    with tempfile.TemporaryDirectory() as scratch, screen.status("Replaying"):
        folder = out or Path(scratch)
        difference = jobs.replay_journal(recorded, _bundle(bundle) if bundle else recorded.bundle, folder)
    if difference is None:
        screen.print(f"Identical: every score and alert of {run_folder} came out the same, byte for byte.")
        return
    screen.print(f"Different from line {difference.line} of {difference.file} on:")
    screen.print("recorded:", _line(difference.recorded), markup=False)
    screen.print("replayed:", _line(difference.replayed), markup=False)
    raise typer.Exit(1)


@app.command()
def explain(
    person: Annotated[str, typer.Argument(help="A person's name, or the beginning of it, as the scores give it.")],
    run_folder: RunOption = Path("vigil-run"),
    recording: Annotated[Path | None, typer.Option(help="The recording, for the path and the skeletons.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Write path, skeletons and timeline as SVG to a folder.")
    ] = None,
) -> None:
    """Say why a person has the priority they have: the timeline, every contribution, what would have changed it."""
    opened = open_run(run_folder)
    shown = person_view(opened, _named(opened, person), recording or _recording_beside(run_folder))
    screen.print(person_text(shown, opened.site.utc_offset_minutes))
    if pictures:
        for path in _draw(opened, shown, pictures):
            screen.print(f"wrote {path}")


@app.command()
def features() -> None:
    """List every feature a score may rest on: unit, source, and why it may be used or only describes."""
    table = Table("feature", "unit", "range", "in a score", "why", "source", title="Sequence features")
    for spec in CATALOGUE:
        role = "raises" if spec.direction == "raises" else "-"
        table.add_row(spec.name, spec.unit, f"0..{spec.high}", role, spec.reason, f"{spec.family}: {spec.source}")
    screen.print(table)


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("models/bundles/default.json"),
    visits: Annotated[int, typer.Option(min=200, help="How many made-up visits to learn from.")] = 3_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bundle, to the byte.")] = 1,
) -> None:
    """Train the shipped bundle on made-up visits (needs the extra `train`)."""
    from models.shipped import ship  # noqa: PLC0415 - needs scikit-learn, which scoring does not

    with _progress("person-frames") as bar:
        task = bar.add_task("Learning from made-up visits", total=None)
        bundle = ship(seed, visits, lambda rows: bar.advance(task, rows))
    out.write_bytes(dump(bundle))
    report = Table("figure", "value", title=f"{out}, digest {bundle.digest[:16]}")
    for name, value in (msgspec.structs.asdict(bundle.training) if bundle.training else {}).items():
        report.add_row(name, str(value))
    screen.print(report)


@app.command()
def check(
    site: Annotated[Path | None, typer.Argument(help="A site file. Without one, an example is printed.")] = None,
) -> None:
    """Check a site file: every error with its line, what was expected and what is there."""
    if site is None:
        screen.print(EXAMPLE.read_text(encoding="utf-8"), markup=False, highlight=False)
        return
    _must_exist(site)
    errors = check_site(site.read_text(encoding="utf-8"))
    for error in errors:
        screen.print(f"{site}:{error}", markup=False, highlight=False, soft_wrap=True)
    if any(not error.warning for error in errors):
        raise typer.Exit(1)
    screen.print(f"{site}: fine")


@app.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="Which data set; `vigil import list` names them.")],
    target: Annotated[Path | None, typer.Argument(help="Folder for the recording.")] = None,
    source: Annotated[Path | None, typer.Option(help="Folder of the data set; else below VIGIL_DATA.")] = None,
) -> None:
    """Turn a public data set into a recording."""
    if name == "list":
        screen.print("\n".join(f"{name:18} from {folder_of(name)}" for name in IMPORTERS))
        return
    if name not in IMPORTERS:
        _fail(f"no data set {name}: expected one of {', '.join(IMPORTERS)}")
    watch = Stopwatch()
    folder = target or Path("recordings") / name
    with screen.status(f"Importing {name}"):
        imported = IMPORTERS[name](source or config.data_folder() / folder_of(name), folder)
    screen.print(
        f"{folder}: {imported.person_frames:,} person-frames of {imported.persons:,} persons, "
        f"{imported.purchases:,} purchases, in {watch.seconds:.1f} s"
    )
    for note in imported.notes:
        screen.print(f"  {note}", markup=False)


class Rate(ProgressColumn):
    """How fast it goes."""

    def render(self, task: Task) -> Text:
        """Rows a second."""
        return Text(f"{task.speed:,.0f} person-frames/s" if task.speed else "")


@contextmanager
def _progress(unit: str) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn(f"{{task.completed:,}} {unit}"))
    with Progress(*columns, Rate(), TimeRemainingColumn(), console=screen, transient=True) as bar:
        yield bar


def _run(recording: Path, site: Site, bundle: Bundle, out: Path) -> tuple[Summary, str]:
    watch = Stopwatch()
    with _progress("rows") as bar:
        task = bar.add_task("Scoring", total=person_frame_rows(recording) or None)
        summary = jobs.run_recording(recording, site, bundle, out, lambda rows: bar.advance(task, rows))
    seconds = watch.seconds
    rate = summary.person_frames / seconds
    return summary, f"{summary.person_frames:,} person-frames in {seconds:.1f} s, {rate:,.0f} a second"


def _report(summary: Summary, shown: RunView, speed: str) -> None:
    screen.print(persons_table(shown))
    for account in shown.accounts:
        became = ", ".join(f"{count:,} {what}" for what, count in account.became if count)
        balance = "all accounted for" if account.accounted == account.came_in else "NOT ALL ACCOUNTED FOR"
        screen.print(f"{account.came_in:,} {account.what}: {became or 'none'}; {balance}")
    held = ", ".join(f"{count:,} held back: {reason}" for reason, count in sorted(summary.alerts_suppressed.items()))
    screen.print(f"{summary.alerts:,} alerts; {held or 'none held back'}. {summary.dead_letters:,} dead letters.")
    screen.print(speed)


def _draw(opened: RunFolder, person: PersonView, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    offset = opened.site.utc_offset_minutes
    whole = RunView("", cameras=tuple(opened.site.cameras))
    bands = bands_of(opened)
    drawn = {"timeline": timeline_picture(person, bands, offset), "skeletons": skeleton_picture(person.poses, offset)}
    drawn |= {f"path-{path.camera}": path_picture(path, whole.camera(path.camera), offset) for path in person.paths}
    for name, picture in drawn.items():
        path = folder / f"{name}.svg"
        path.write_text(standalone(picture), encoding="utf-8")
        yield path


def main() -> None:
    """Run a command; what is wrong with its input is said in a line, never with a traceback."""
    try:
        app()
    except SiteFileError as error:
        _fail(str(error))
    except (ImportFailure, RunFolderError, Rejection) as error:
        _fail(str(error))


def _fail(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)
    sys.exit(2)


def _must_exist(path: Path) -> None:
    if not path.exists():
        _fail(f"{path}: no such file or folder")


def _bundle(path: Path | None) -> Bundle:
    if path is None:
        return default_bundle()
    _must_exist(path)
    return load(path.read_bytes())


def _named(opened: RunFolder, person: str) -> str:
    found = sorted(name for name in opened.scores if name == person or name.startswith(person))
    if person in found or len(found) == 1:
        return person if person in found else found[0]
    some = ", ".join(found[:5] or sorted(opened.scores)[:5])
    _fail(f"{person}: expected the name of one person of the run, such as {some}; {len(found)} begin so")
    raise AssertionError


def _recording_beside(run_folder: Path) -> Path | None:
    beside = run_folder.parent / "recording"
    return beside if beside.exists() else None


def _line(text: bytes | None) -> str:
    return "(nothing more)" if text is None else text.decode("utf-8").rstrip("\n")
