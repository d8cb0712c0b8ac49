"""Watching a log: whoever remembers a checkpoint sees when the log no longer is what it was.

The last checkpoint is kept in a file of its own, as it came. Where a log forked or shrank, both checkpoints go to a
file beside it: each is signed, and together they prove it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

from streams.audit.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, parse_checkpoint
from streams.audit.cosignature import Cosigner, Quorum, Seen
from streams.audit.errors import ForkError, FormatError, RewindError, UnusableError
from streams.audit.files import Files, locked, replace_whole
from streams.audit.merkle import Frontier
from streams.audit.note import Note, Signature, Verifier, parse_note
from streams.audit.reader import LogReader
from streams.audit.source import Source, checkpoint_of
from streams.audit.verify import Progress, known_tree, verify_growth, verify_leaves

EVIDENCE = ".evidence"


class Sight(NamedTuple):
    """What a look at a log found to be in order.

    Attributes:
        signed: its checkpoint.
        before: the one that was remembered; None the first time.
        seen: the witnesses that cosigned it.
    """

    signed: SignedCheckpoint
    before: Checkpoint | None
    seen: list[Seen]


@dataclass(frozen=True)
class Watch:
    """Somebody who looks at a log from time to time.

    Attributes:
        source: of the log.
        origin: its name.
        verifiers: its keys.
        quorum: of witnesses whose cosignatures it must have.
        state: file of the last checkpoint.
    """

    source: Source
    origin: str
    verifiers: tuple[Verifier, ...]
    quorum: Quorum
    state: Path

    def look(self, progress: Progress, *, leaves: bool = True) -> Sight:
        """Verify what is new since the last look, and remember it.

        Args:
            progress: told how many leaves were verified.
            leaves: whether every new leaf is read and hashed, or only hashes are compared.

        Raises:
            SignatureError: the checkpoint is not signed, or not seen by enough witnesses.
            ForkError: it does not continue the one that is remembered.
            RewindError: it is smaller.
            GapError: a leaf or a tile is missing.
            AuditError: a leaf, a tile or the root is not what it should be.
            UnusableError: the file of the last checkpoint is none.
            OSError: the log cannot be reached.
        """
        before = self._remembered()
        signed = open_checkpoint(checkpoint_of(self.source), self.origin, self.verifiers)
        seen = self.quorum.check(signed.note)
        reader = LogReader(self.source, signed.checkpoint.size)
        last = parse_checkpoint(before.text, str(self.state)) if before else None
        if before and last:
            self._must_continue(reader, before, last, signed)
        if leaves:
            known = known_tree(reader, last) if last else Frontier()
            verify_leaves(reader, known, signed.checkpoint, progress)
        replace_whole(Files(), self.state, signed.note.encoded)
        return Sight(signed, last, seen)

    def _must_continue(self, reader: LogReader, before: Note, last: Checkpoint, signed: SignedCheckpoint) -> None:
        try:
            verify_growth(reader, last, signed.checkpoint)
        except (ForkError, RewindError):
            evidence = self.state.with_name(self.state.name + EVIDENCE)
            replace_whole(Files(), evidence, before.encoded + b"\n" + signed.note.encoded)
            raise

    def _remembered(self) -> Note | None:
        try:
            return parse_note(self.state.read_bytes(), str(self.state))
        except FileNotFoundError:
            return None
        except FormatError as wrong:
            raise UnusableError(wrong.field, wrong.expected, wrong.got, wrong.where) from None


def looks(watch: Watch, progress: Progress, every_s: float, stop: Event) -> Iterator[Sight | OSError]:
    """Look again and again until told to stop; a log that cannot be reached is looked at again.

    Raises:
        AuditError: as `Watch.look`.
    """
    while not stop.is_set():
        try:
            yield watch.look(progress)
        except OSError as unreachable:
            yield unreachable
        stop.wait(every_s)


def witness(watch: Watch, cosigner: Cosigner, time_s: int) -> tuple[Sight, Signature]:
    """Act as a witness: cosign a log's checkpoint if it continues the last one that was cosigned.

    Args:
        watch: its state is this witness's own.
        cosigner: the witness.
        time_s: now, seconds since 1970.

    Raises:
        AuditError: as `Watch.look`; then nothing is cosigned.
    """
    with locked(watch.state.parent):
        sight = watch.look(lambda _: None, leaves=False)
    return sight, cosigner.cosign(sight.signed.note.text, time_s)


def state_of(origin: str, verifiers: Sequence[Verifier]) -> Path:
    """The usual file of the last checkpoint of a log."""
    first = verifiers[0].key_id.hex() if verifiers else "unknown"
    return Path(f"{origin.replace('/', '_')}-{first}.checkpoint")
