"""The command `vigil erase`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.audit.arguments import judged
from streams.audit.keys import load_signers
from streams.clock import now_ms
from streams.erasing.closure import DAY_MS, Visits, visits_of
from streams.erasing.run_folder import carry_out, is_unfinished, write_down
from streams.runs import RunFolder, open_run
from streams.terminal import progress, refuse, say


def erase(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of `vigil run` or `vigil record`.")],
    persons: Annotated[list[str] | None, typer.Argument(metavar="[PERSON]...", help="As the scores name them.")] = None,
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Instead of persons: all who were last seen before.")
    ] = None,
    recording: Annotated[
        list[Path] | None, typer.Option(help="Recording the run was made of, to be erased from too. Again for more.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of the keys that sign the run's audit log; see `vigil audit keys make`.")
    ] = None,
) -> None:
    """Erase persons from a run and its recordings; every other proof and replay still holds.

    With a person go all tracks that ever were the same person. The keys that their journal rows and audit records are
    sealed with are destroyed, their scores and alerts and what came of them too late are taken out of the files, and a
    tombstone is sealed in the audit log that says which keys are gone, but not whose they were. Cannot be undone.

    Without persons it goes on with an erasure that was interrupted.
    """
    run = open_run(run_folder, erasing=True)
    with judged():
        signers = load_signers(keys) if keys else ()
        if is_unfinished(run_folder):
            say(f"Going on with an erasure of {run_folder} that was interrupted.")
            _tell(carry_out(run_folder, run.site, signers), run_folder)
            run = open_run(run_folder)
        if persons or older_than is not None:
            visits = _visits(run)
            names, reason = _chosen(run, visits, persons or [], older_than)
            if not names:
                say(f"Nobody in {run_folder} was last seen so long ago.")
                return
            write_down(run_folder, visits, names, reason, recording or [])
            _tell(carry_out(run_folder, run.site, signers), run_folder)


def _visits(run: RunFolder) -> Visits:
    with progress("entries") as bar:
        task = bar.add_task("Reading", total=None)
        return visits_of(bar.track(run.entries(), task_id=task), run.site)


def _chosen(run: RunFolder, visits: Visits, persons: list[str], older_than: float | None) -> tuple[set[str], str]:
    if persons and older_than is not None:
        refuse("PERSON and --older-than: expected one of them, got both")
    if older_than is not None:
        return visits.before(now_ms() - round(older_than * DAY_MS)), "age"
    if unknown := [name for name in persons if name not in visits.last_ms]:
        refuse(f"{unknown[0]}: expected a person of {run.folder} as its scores name them, got one it does not know")
    return visits.together(persons), "asked"


def _tell(gone: int, folder: Path) -> None:
    say(f"Erased: {gone:,} visit keys of {folder} are gone, and with them all that was sealed with them.")
