"""`vigil train`, on made-up visits or on verdicts, and `vigil admission`: what was decided about a bundle."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.bundle import Bundle, dump
from models.drift import dump as dump_reference
from streams.audit.arguments import judged, names, verifiers_of
from streams.audit.keys import load_signers
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import count_rows
from streams.jobs import write_whole
from streams.learning.cases import Gathered, gather
from streams.learning.report import admission_tables, training_table
from streams.learning.review_sample import file_sha256
from streams.learning.reviewed import review, with_samples
from streams.learning.signing import admission_note, admission_of, sign_admission, verify_admission
from streams.learning.verdicts import read_dispositions
from streams.runs import RunFolder, load_bundle, load_scorer, open_run
from streams.terminal import progress, refuse, say, screen

if TYPE_CHECKING:
    from models.gates import Asked, Source

SHIPPED, CANDIDATE = Path("models/bundles/default.json"), Path("candidate.json")
LEARNS_WITH = ("vigil", "numpy", "scipy", "scikit-learn")
NOT_ADMITTED = 1
Files = list[Path] | None


def train(
    out: Annotated[
        Path | None, typer.Option(help=f"Where the bundle goes: {SHIPPED}, or with --journal {CANDIDATE}.")
    ] = None,
    visits: Annotated[int, typer.Option(min=200, help="How many made-up visits to learn from.")] = 3_000,
    seed: Annotated[int, typer.Option(min=0, help="The same input and seed give the same bundle, to the byte.")] = 1,
    journal: Annotated[
        Files, typer.Option(metavar="RUN", help="Folder of a run whose persons have verdicts. Again for further runs.")
    ] = None,
    dispositions: Annotated[
        Files,
        typer.Option(metavar="FILE", help="Verdicts as JSON lines, besides those of the journals. May be given again."),
    ] = None,
    sample: Annotated[
        Files, typer.Option(metavar="FILE", help="What `vigil review-sample` wrote of a run. Again for further runs.")
    ] = None,
    current: Annotated[
        Path | None, typer.Option(help="Bundle that counts now and has to be beaten; else the one of the runs.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=0, help="Alerts a camera-hour that thresholds keep to; else the site's budget.")
    ] = None,
    confidence: Annotated[
        int, typer.Option(min=500, max=999, help="Confidence of that, and of the promised precision, in permille.")
    ] = 950,
    keys: Annotated[Path | None, typer.Option(help="Folder of keys that sign the report of a candidate.")] = None,
) -> None:
    """Train a bundle: the shipped one on made-up visits, or with --journal a candidate on reviewers' verdicts.

    A candidate is always written, with a report of what was found and whether it is admitted: it has to beat the
    current bundle on days it has not seen, with no more false alarms, and evenly. One that is not may only be tried as
    a shadow. Ends with 1 where it is not admitted. Needs the extra `train`.
    """
    if not journal and (dispositions or sample or current or keys or budget is not None):
        refuse("--dispositions, --sample, --current, --budget and --keys go with --journal, which is missing")
    placed = out or (CANDIDATE if journal else SHIPPED)
    if not placed.parent.is_dir():
        refuse(f"{placed.parent}: no such folder; say with --out where the bundle goes")
    try:
        if journal:
            from models.gates import Asked  # noqa: PLC0415 - needs scikit-learn

            runs = [open_run(folder) for folder in journal]
            least = min(run.site.alerting.budget_per_camera_hour for run in runs)
            asked = Asked(seed, confidence, least if budget is None else budget)
            _learn(placed, runs, dispositions or [], sample or [], current, asked, keys)
        else:
            _ship(placed, visits, seed)
    except ImportError as missing:
        refuse(f"training needs {missing.name}, which is not installed: pip install 'vigil[train]'")


def _ship(out: Path, visits: int, seed: int) -> None:
    """The bundle, and what persons look like to it."""
    from models.shipped import ConversionLossError, ship, usual  # noqa: PLC0415 - needs scikit-learn

    with progress() as bar:
        task = bar.add_task("Learning from made-up visits", total=None)
        try:
            bundle = ship(seed, visits, lambda rows: bar.advance(task, rows))
        except ConversionLossError as loss:
            refuse(loss)
        reference = usual(bundle, seed, visits, lambda rows: bar.advance(task, rows))
    write_whole(out, dump(bundle))
    write_whole(out.with_name(f"{out.stem}-reference.json"), dump_reference(reference))
    screen.print(training_table(bundle, out))


def _learn(
    out: Path,
    runs: list[RunFolder],
    dispositions: list[Path],
    samples: list[Path],
    current: Path | None,
    asked: "Asked",
    keys: Path | None,
) -> None:
    from models.candidate import TooFewVerdictsError, propose  # noqa: PLC0415 - needs scikit-learn

    signers = load_signers(keys) if keys else []
    beaten = load_scorer(current) if current else _bundle_of(runs)
    gathered = _gathered(runs, dispositions, samples, beaten)
    source = _source(gathered, runs, dispositions, samples)
    try:
        candidate = propose(gathered.cases, beaten, asked, source)
    except TooFewVerdictsError as few:
        refuse(few)
    candidate = sign_admission(candidate, signers) if signers else candidate
    write_whole(out, dump(candidate))
    _tell(candidate, out)
    if not admission_of(candidate).report.admitted:
        raise typer.Exit(NOT_ADMITTED)


def _bundle_of(runs: Sequence[RunFolder]) -> Bundle:
    """The bundle of all runs."""
    found = {run.bundle.digest: run for run in runs}
    if len(found) > 1:
        folders = " and ".join(str(run.folder) for run in found.values())
        refuse(f"expected runs of one bundle, got {len(found)}: of {folders}; say with --current which counts now")
    return runs[0].bundle


def _gathered(runs: list[RunFolder], dispositions: list[Path], samples: list[Path], current: Bundle) -> Gathered:
    drawn = with_samples(runs, samples)
    told = read_dispositions(dispositions)
    with progress("rows") as bar:
        task = bar.add_task("Reading journals", total=sum(count_rows(run.folder / JOURNAL) for run in runs))
        reviewed = [
            review(run, sample, current, lambda rows: bar.advance(task, rows))
            for run, sample in zip(runs, drawn, strict=True)
        ]
    return gather(reviewed, told, current)


def _source(gathered: Gathered, runs: list[RunFolder], dispositions: list[Path], samples: list[Path]) -> "Source":
    from models.gates import Source  # noqa: PLC0415 - needs scikit-learn

    files = {
        "journals": [run.folder / JOURNAL for run in runs],
        "dispositions": dispositions,
        "samples": samples,
    }
    digests = {name: tuple(map(file_sha256, paths)) for name, paths in files.items()}
    return Source(gathered.counts, digests, {name: version(name) for name in LEARNS_WITH})


def _tell(bundle: Bundle, out: Path) -> None:
    found = admission_of(bundle)
    for table in admission_tables(found.report):
        screen.print(table)
    if found.report.admitted:
        say(f"Admitted: {out} may take the place of the current bundle.")
    else:
        say(f"Not admitted: {out} may only be tried beside the current bundle, `vigil run --shadow {out}`.")
    if not found.signatures:
        say("Nobody signed this; --keys does.")


def admission(
    bundle: Annotated[Path, typer.Argument(help="File of a bundle that `vigil train --journal` wrote.")],
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Public key that must have signed: the text NAME+HASH+KEY, a file or a folder. Again for more."
        ),
    ] = None,
    note: Annotated[
        Path | None, typer.Option(help="Write the signed report as a note, to check with other tools.")
    ] = None,
) -> None:
    """Say whether a bundle was admitted, on what grounds, and with --key check who signed that.

    Ends with 1 where the signature does not hold or the bundle was not admitted.
    """
    loaded = load_bundle(bundle)
    with judged():
        admission_of(loaded, str(bundle))
        _tell(loaded, bundle)
        if key:
            say(f"Signed by {names(verify_admission(loaded, verifiers_of(key), str(bundle)))}.")
        if note:
            write_whole(note, admission_note(loaded, str(bundle)).encoded)
    if not admission_of(loaded).report.admitted:
        raise typer.Exit(NOT_ADMITTED)
