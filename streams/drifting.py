"""The command `vigil drift`: how far the persons of a run have moved from a reference or from another run."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from features.keypoints import Int32s
from features.segments import positions
from models.cases import CaseReader
from models.drift import LEAST_PERSONS, Drift, Reference, Shift, default_reference, dump, reference_of
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import count_rows
from streams.jobs import write_whole
from streams.runs import RunFolder, load_reference, open_run
from streams.terminal import progress, refuse, say, screen

MEANING = (
    "Below .1 a feature is stable, from .1 on it has shifted, from .25 on it has changed and what was measured of the "
    "scores no longer holds for sure. Where few persons were seen, chance alone may do as much: then it is stable too."
)


def drift(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `vigil run` wrote.")],
    against: Annotated[
        Path | None,
        typer.Option(help="Another run, or a reference written with --out; else the persons Vigil was trained on."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the run's persons as a reference, for later runs and for workers.")
    ] = None,
) -> None:
    """Say how far features and scores of a run's persons have moved: the population stability index of each."""
    run = open_run(run_folder)
    values = final_values_of(run)
    if not len(values):
        refuse(f"{run_folder}: expected persons with a score, got none")
    reference = _reference(against) if against else default_reference()
    seen = Drift(reference, run.bundle)
    seen.take(values)
    if out:
        write_whole(out, dump(reference_of(values, run.bundle)))
    screen.print(shifts_table(seen.shifts(), f"{len(values):,} persons against {reference.persons:,}"))
    say(MEANING)
    if reference.bundle != run.bundle.digest:
        say("The reference was scored by another bundle: the index of the score says as much of bundles as of persons.")
    if out:
        few = f"; expected at least {LEAST_PERSONS} persons to tell much by" if len(values) < LEAST_PERSONS else ""
        say(f"The reference: {out}{few}")


def _reference(against: Path) -> Reference:
    if not against.is_dir():
        return load_reference(against)
    other = open_run(against)
    values = final_values_of(other)
    if not len(values):
        refuse(f"{against}: expected persons with a score, got none")
    return reference_of(values, other.bundle)


def final_values_of(run: RunFolder) -> Int32s:
    """(persons, features) what each person with a score amounted to at the end."""
    reader = CaseReader.start(run.site, run.bundle)
    with progress("rows") as bar:
        task = bar.add_task("Reading the journal", total=count_rows(run.folder / JOURNAL))
        for entry in run.entries():
            reader.take(entry)
            bar.advance(task, positions(entry))
    cases = reader.cases()
    values: Int32s = cases.values[~cases.abstained]
    return values


def shifts_table(shifts: list[Shift], title: str) -> Table:
    """Each feature with its index, the farthest moved first."""
    table = Table("feature", "PSI", "by chance up to", "", title=title)
    for shift in sorted(shifts, key=lambda shift: -shift.psi):
        table.add_row(shift.feature, f"{shift.psi:.3f}", f"{shift.chance:.3f}", shift.level)
    return table
