"""The commands `vigil audit ...`."""

import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from models.bundle import SCORING_VERSION
from streams import clock
from streams.audit.arguments import (
    Keys,
    Needed,
    Origin,
    Place,
    State,
    Witnesses,
    judged,
    names,
    quorum_of,
    seen_by,
    verifiers_of,
    witnesses_of,
)
from streams.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from streams.audit.cosignature import Quorum, with_cosignatures
from streams.audit.files import Files, locked, replace_whole
from streams.audit.key_commands import key_commands
from streams.audit.keys import load_cosigner
from streams.audit.note import parse_note
from streams.audit.proof_commands import check, prove
from streams.audit.reader import LogReader
from streams.audit.source import checkpoint_of, source_of
from streams.audit.tiles import CHECKPOINT
from streams.audit.verify import verify_growth, verify_log
from streams.audit.versions import beginning_of, other_scoring
from streams.audit.watch import Sight, Watch, looks, state_of
from streams.audit.watch import witness as witness_once
from streams.terminal import aside, progress, say

HELP = (
    "The audit log: an append-only list of what was published, in a form that anybody can check.\n\n"
    "A *log* is a folder of plain files: entries, *tiles* of hashes over them, and a *checkpoint*, the signed root "
    "over everything. A *proof* shows that one entry is below a checkpoint. A *witness* cosigns checkpoints, so that "
    "nobody can be shown a log of their own. The formats are those of c2sp.org; docs/audit.md names other tools that "
    "read them.\n\nExit codes: 0 it holds, 1 it does not, 2 input that cannot be used."
)
audit_commands = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help=HELP)
audit_commands.add_typer(key_commands, name="keys")


@audit_commands.command()
def verify(
    place: Place,
    key: Keys,
    against: Annotated[
        Path | None, typer.Option(help="A checkpoint from earlier: the log must begin with exactly what it had then.")
    ] = None,
    origin: Origin = None,
) -> None:
    """Verify a whole log: hash every entry, compare every tile, check the root and its signature.

    A checkpoint that you kept (a copy of the file `checkpoint`) makes it a check that nothing was changed or taken out
    since: `--against`.
    """
    with judged(), progress("entries") as bar:
        verifiers, source = verifiers_of(key), source_of(place)
        task = bar.add_task("Verifying", total=_claimed(checkpoint_of(source)).size)
        name = origin or verifiers[0].name
        signed = verify_log(source, name, verifiers, lambda leaves: bar.advance(task, leaves))
        if against:
            old = open_checkpoint(against.read_bytes(), name, verifiers, str(against)).checkpoint
            verify_growth(LogReader(source, signed.checkpoint.size), old, signed.checkpoint)
    size, root = signed.checkpoint.size, signed.checkpoint.root.hex()
    say(f"Holds: {size:,} entries, each tile, root {root}, signed by {names(signed.signed_by)}.")
    if against:
        say(f"Only grown: its first {old.size:,} entries are those of {against}.")
    if (begun := beginning_of(source)) and begun.scoring_version != SCORING_VERSION:
        say(f"To replay it: {other_scoring(begun, begun.scoring_version)}.")


audit_commands.command()(prove)
audit_commands.command()(check)


@audit_commands.command()
def watch(
    place: Place,
    key: Keys,
    every: Annotated[float | None, typer.Option(min=0.1, help="Look again every so many seconds; else once.")] = None,
    state: State = None,
    witness: Witnesses = None,
    quorum: Needed = None,
    origin: Origin = None,
) -> None:
    """Watch a log: remember what it was, and tell when it forks, shrinks, has gaps or a bad signature.

    The first look verifies everything, each later one only what is new. Run it on a machine of somebody who does not
    run the log. Where a log forked or shrank, both signed checkpoints are kept beside the state as evidence.
    """
    with judged():
        verifiers = verifiers_of(key)
        name = origin or verifiers[0].name
        watcher = Watch(
            source_of(place), name, tuple(verifiers), quorum_of(witness, quorum), state or state_of(name, verifiers)
        )
        if every is None:
            with progress("entries") as bar:
                task = bar.add_task("Verifying what is new", total=None)
                sight = watcher.look(lambda leaves: bar.advance(task, leaves))
            _tell(sight)
            return
        with suppress(KeyboardInterrupt):
            for found in looks(watcher, lambda _: None, every, Event()):
                _tell(found)


@audit_commands.command()
def witness(
    place: Place,
    key: Keys,
    keys: Annotated[Path, typer.Option(help="Folder of the witness's keys; see `vigil audit keys make --witness`.")],
    state: State = None,
    origin: Origin = None,
    out: Annotated[Path | None, typer.Option(help="File for the cosignature; else it is printed.")] = None,
) -> None:
    """Act as a witness, once: cosign the log's checkpoint if it continues the last one that was cosigned.

    Give the printed line to the log's owner, who adds it with `vigil audit cosign`. Keep the state: a witness that
    forgets what it cosigned is none.
    """
    with judged():
        verifiers, cosigner = verifiers_of(key), load_cosigner(keys)
        name = origin or verifiers[0].name
        kept = state or keys / state_of(name, verifiers)
        watcher = Watch(source_of(place), name, tuple(verifiers), Quorum(), kept)
        sight, signature = witness_once(watcher, cosigner, clock.now_ms() // 1_000)
    if out:
        out.write_text(signature.line, encoding="utf-8")
        say(f"{out}: cosigned {name} of {sight.signed.checkpoint.size:,} entries")
    else:
        sys.stdout.write(signature.line)


@audit_commands.command()
def cosign(
    checkpoint: Annotated[Path, typer.Argument(help="The file `checkpoint` of a log, or a copy of it.")],
    cosignature: Annotated[Path, typer.Argument(help="File of what a witness gave: one line or several.")],
    witness: Annotated[list[str], typer.Option("--witness", help="Public key of the witness. Again for further ones.")],
) -> None:
    """Add witnesses' cosignatures to a checkpoint; only those that check are taken.

    Into a log's own folder only while nobody writes to it: a writer adds them itself.
    """
    with judged():
        lines, witnesses = cosignature.read_bytes(), witnesses_of(witness)
        with locked(checkpoint.parent) if (checkpoint.parent / "tile").is_dir() else nullcontext():
            note = parse_note(checkpoint.read_bytes(), str(checkpoint))
            parsed = parse_checkpoint(note.text, str(checkpoint))
            given = parse_note(note.text.encode() + b"\n" + lines, str(cosignature))
            cosigned = with_cosignatures(note, given.signatures, witnesses, str(cosignature))
            replace_whole(Files(), checkpoint, cosigned.encoded)
    seen = Quorum(tuple(witnesses)).check(cosigned)
    say(f"{checkpoint}: {parsed.size:,} entries{seen_by(seen)}")


def _claimed(encoded: bytes) -> Checkpoint:
    """What a log says of itself, not verified."""
    return parse_checkpoint(parse_note(encoded, CHECKPOINT).text, CHECKPOINT)


def _tell(found: Sight | OSError) -> None:
    if isinstance(found, OSError):
        aside.print(f"cannot be reached: {found.filename}: {found.strerror}", markup=False, soft_wrap=True)
        return
    size, before = found.signed.checkpoint.size, found.before
    new = f"{size - before.size:,} new since the last look" if before else "all verified, the first look"
    say(f"Holds: {size:,} entries, {new}, signed by {names(found.signed.signed_by)}{seen_by(found.seen)}.")
