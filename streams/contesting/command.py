"""The command `vigil contest`."""

from pathlib import Path
from typing import Annotated

import typer

from streams import jobs
from streams.audit.arguments import judged, verifiers_of
from streams.audit.cosignature import Quorum
from streams.audit.keys import load_signers
from streams.audit.run_log import PUBLIC_KEY
from streams.audit.visit_entries import ProvableLog
from streams.audit.visit_keys import VISIT_KEYS
from streams.contesting.checking import check_contest
from streams.contesting.contest import encode_contest
from streams.contesting.gathering import gather
from streams.contesting.page import FILE, contest_page
from streams.run_view import named_person
from streams.runs import open_run
from streams.terminal import refuse, say

PAGE = "contest.html"


def contest(
    person: Annotated[str, typer.Argument(help="A person's name or the beginning of it, such as floor/12.")],
    run_folder: Annotated[Path, typer.Option("--run", help="Folder that `vigil run` wrote.")] = Path("vigil-run"),
    out: Annotated[Path, typer.Option(help=f"Folder for {PAGE} and {FILE}.")] = Path("vigil-contest"),
    log: Annotated[
        str | None, typer.Option(help="Folder or URL of the published log with the same entries; else the run's own.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Public key of the log, as text, file or folder; else the run's own.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of keys that sign for the whole file; see `vigil audit keys make`.")
    ] = None,
) -> None:
    """Make one bundle of all that is known of a person, for the person or a court to read and to check alone.

    A page in plain words, and the same for machines with a proof of every record, which `vigil audit check` checks
    without the run. Nobody else is named in it.
    """
    run = open_run(run_folder)
    name = named_person(run, person)
    missing = [each for each in (PUBLIC_KEY, VISIT_KEYS) if not (run_folder / each).exists()]
    if missing:
        refuse(f"{run_folder}: expected the folder of a sealed run, got one without {', '.join(missing)}")
    with judged():
        verifiers = verifiers_of(key or [str(run_folder / PUBLIC_KEY)])
        signers = load_signers(keys) if keys else []
        found = gather(run, name, ProvableLog.at(log or str(run_folder)), run_folder / VISIT_KEYS, verifiers, signers)
        known = [*verifiers, *(one.verifier for one in signers if one.verifier not in verifiers)]
        checked = check_contest(found, known, Quorum(), str(out / FILE))
    out.mkdir(parents=True, exist_ok=True)
    encoded = encode_contest(found)
    jobs.write_whole(out / FILE, encoded)
    jobs.write_whole(out / PAGE, contest_page(found, checked).encode())
    say(f"{found.person}: {len(found.records):,} records, each proven and opened, {len(encoded):,} bytes")
    say(f"To read:  {out / PAGE}")
    say(f"To check: vigil audit check {out / FILE}")
