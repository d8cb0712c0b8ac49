"""The command `vigil replay`."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from streams import jobs
from streams.audit.arguments import judged, names, verifiers_of
from streams.audit.certificate import Certificate, sign_certificate
from streams.audit.erasures import AUDIT
from streams.audit.keys import load_signers
from streams.audit.note import Verifier
from streams.audit.run_log import JOURNAL, PUBLIC_KEY
from streams.audit.run_replay import DiffersError
from streams.codecs.journal import count_rows
from streams.runs import RunFolder, open_run
from streams.terminal import progress, refuse, say, tell_difference

FIELDS_TOLD = 12


def replay(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `vigil run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Keep the replayed scores here.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Public key of the run's audit log, as text, file or folder; else the one beside the log."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Write a signed certificate of the agreement here; needs --keys.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of the keys that sign the certificate; see `vigil audit keys make`.")
    ] = None,
) -> None:
    """Score a run's journal again and compare: the same journal and bundle give the same bytes.

    The audit log of the run is verified, and every record in it is made again and compared. Ends with exit code 1 and
    the first difference, as it was sealed and as it is replayed, where they do not agree.
    """
    if (certificate is None) != (keys is None):
        refuse("--certificate and --keys: expected both or neither; a certificate is worth what its key is")
    recorded = open_run(run_folder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = out or Path(scratch)
        if _is_sealed(run_folder):
            _tell(*_sealed(recorded, key, folder), certificate, keys)
        elif key or certificate:
            refuse(f"{run_folder}: expected the folder of a sealed run, got one without {AUDIT}, {PUBLIC_KEY}")
        else:
            say(f"Not sealed: {run_folder} has no audit log; only its files are compared.")
            with judged(), _bar(recorded) as advance:
                jobs.rescore(recorded, recorded.site, recorded.bundle, folder, advance, recorded.shadow)
        difference = jobs.published_difference(recorded, folder)
    if difference is None:
        say(f"Identical: every score and alert of {run_folder} came out the same, byte for byte.")
        return
    tell_difference(difference)
    raise typer.Exit(1)


def _is_sealed(folder: Path) -> bool:
    """Whether the run has an audit log; of its files all are there or none."""
    missing = [name for name in (AUDIT, PUBLIC_KEY) if not (folder / name).exists()]
    if len(missing) == 1:
        refuse(f"{folder}: expected the folder of a sealed run, got one without {missing[0]}")
    return not missing


def _sealed(run: RunFolder, key: list[str] | None, folder: Path) -> tuple[Certificate, Sequence[Verifier]]:
    with judged():
        verifiers = verifiers_of(key or [str(run.folder / PUBLIC_KEY)])
        try:
            with _bar(run) as advance:
                return jobs.replay_sealed(run, verifiers, folder, advance), verifiers
        except DiffersError as wrong:
            say(f"Different from entry {wrong.differs.leaf} of the audit log on:")
            for name, sealed, replayed in wrong.differs.fields[:FIELDS_TOLD]:
                say(f"  {name}: sealed {sealed}, replayed {replayed}")
            raise typer.Exit(1) from None
    raise AssertionError


def _tell(agreed: Certificate, verifiers: Sequence[Verifier], certificate: Path | None, keys: Path | None) -> None:
    say(
        f"Sealed: {agreed.scores:,} scores, {agreed.alerts:,} alerts and {agreed.dispositions:,} dispositions in the "
        f"log {agreed.log}, signed by {names(verifiers)}, each made again from the journal to the byte."
    )
    if certificate and keys:
        with judged():
            certificate.write_bytes(sign_certificate(agreed, load_signers(keys)))
        say(f"Certificate: {certificate}")


@contextmanager
def _bar(run: RunFolder) -> Iterator[jobs.Progress]:
    with progress("rows") as bar:
        task = bar.add_task("Replaying", total=count_rows(run.folder / JOURNAL))
        yield lambda rows: bar.advance(task, rows)
