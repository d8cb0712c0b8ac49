"""Checkpoints: how large a log is and its root, signed.

Source: https://c2sp.org/tlog-checkpoint.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.audit.errors import FormatError, UnusableError
from streams.audit.merkle import HASH_BYTES
from streams.audit.note import Note, Signer, Verifier, parse_note, sign_note, verify_note
from streams.audit.strict import base64_bytes, base64_text, decimal

LINES = 3
"""Origin, size and root; what follows are extensions."""


class Checkpoint(NamedTuple):
    """What a log claims to be.

    Attributes:
        origin: the log's name, unique in the world: a host name of one's own and a path, without `https://`.
        size: leaves.
        root: of the Merkle tree over them, 32 bytes.
        extensions: further lines, which nothing here makes or reads.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64_text(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


class SignedCheckpoint(NamedTuple):
    """A checkpoint out of a note whose signatures were verified.

    Attributes:
        checkpoint: what the note says.
        note: the note with all its signatures, of witnesses too.
        signed_by: the known keys that signed it.
    """

    checkpoint: Checkpoint
    note: Note
    signed_by: tuple[Verifier, ...]


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[Signer]) -> Note:
    """A checkpoint as a note with a signature of each signer.

    Raises:
        UnusableError: the origin cannot be one.
    """
    check_origin(checkpoint.origin)
    return sign_note(checkpoint.text, signers)


def check_origin(origin: str) -> None:
    """Refuse what cannot be the name of a log.

    Raises:
        UnusableError: it cannot.
    """
    if not origin or not origin.isprintable():
        raise UnusableError("origin", "a line of text such as example.org/vigil/audit", repr(origin))


def open_checkpoint(
    encoded: bytes, origin: str, verifiers: Sequence[Verifier], where: str = "checkpoint"
) -> SignedCheckpoint:
    """A checkpoint out of its bytes, signed by at least one of the keys.

    Raises:
        FormatError: it is no checkpoint, or another log's.
        SignatureError: nobody of these signed it, or a signature of one is wrong.
    """
    note = parse_note(encoded, where)
    signed_by = tuple(verify_note(note, verifiers, where))
    checkpoint = parse_checkpoint(note.text, where)
    if checkpoint.origin != origin:
        raise FormatError("origin", origin, checkpoint.origin, where)
    return SignedCheckpoint(checkpoint, note, signed_by)


def origin_of(encoded: bytes, verifiers: Sequence[Verifier], where: str = "checkpoint") -> str:
    """The origin of a checkpoint that is to be of the log of one of these keys, or of one of that log's runs.

    Raises:
        FormatError: it is another log's, or no note.
    """
    origin = parse_note(encoded, where).text.partition("\n")[0]
    if not any(origin == one.name or origin.startswith(f"{one.name}/run-") for one in verifiers):
        raise FormatError("origin", f"that of {verifiers[0].name}", origin, where)
    return origin


def parse_checkpoint(text: str, where: str = "checkpoint") -> Checkpoint:
    """A checkpoint out of a note's text.

    Raises:
        FormatError: it is none.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < LINES:
        raise FormatError("lines", f"at least {LINES}", len(lines), where)
    if "" in lines:
        raise FormatError(f"line {lines.index('') + 1}", "text", "an empty line", where)
    origin, size, root, *extensions = lines
    value = base64_bytes(root, "root", where)
    if len(value) != HASH_BYTES:
        raise FormatError("root", f"{HASH_BYTES} bytes", len(value), where)
    return Checkpoint(origin, decimal(size, "size", where), value, tuple(extensions))
