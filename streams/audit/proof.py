"""Proofs that need no network: a leaf's way to the root of a signed checkpoint, in one text.

Source: https://c2sp.org/tlog-proof, version 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.audit.checkpoint import SignedCheckpoint, open_checkpoint
from streams.audit.cosignature import Quorum, Seen
from streams.audit.errors import AuditError, FormatError
from streams.audit.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from streams.audit.note import Verifier
from streams.audit.strict import base64_bytes, base64_text, decimal

FIRST_LINE = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
HASHES_MAX = 63


class LogProof(NamedTuple):
    """A proof as it is handed on.

    Attributes:
        leaf_index: of the leaf in the log.
        hashes: from the leaf's sibling to the child of the root, 32 bytes each.
        checkpoint: a signed checkpoint, verbatim.
        extra: bytes for the application, which nothing vouches for; None for none.
    """

    leaf_index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def encoded(self) -> bytes:
        """The proof as text."""
        extra = [f"extra {base64_text(self.extra)}"] if self.extra else []
        lines = (FIRST_LINE, *extra, f"index {self.leaf_index}", *map(base64_text, self.hashes), "")
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint


class CheckedProof(NamedTuple):
    """What a proof shows: the leaf is in this checkpoint, which these witnesses have seen."""

    signed: SignedCheckpoint
    seen: list[Seen]


def parse_proof(encoded: bytes, where: str = "proof") -> LogProof:
    """A proof out of its text; nothing in it is verified.

    Raises:
        FormatError: it is none.
    """
    head, separator, checkpoint = encoded.partition(b"\n\n")
    if not separator:
        raise FormatError("text", "an empty line and a checkpoint below it", "no empty line", where)
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("text", "ASCII above the checkpoint", f"byte {head[error.start]:#04x}", where) from None
    if first != FIRST_LINE:
        raise FormatError("line 1", FIRST_LINE, repr(first), where)
    extra = _extra(lines.pop(0), where) if lines and lines[0].startswith("extra") else None
    if not lines or not lines[0].startswith("index "):
        raise FormatError("index", "a line `index NUMBER`", repr(lines[0]) if lines else "no more lines", where)
    index, *hashes = lines
    if len(hashes) > HASHES_MAX:
        raise FormatError("hashes", f"at most {HASHES_MAX}", len(hashes), where)
    parsed = tuple(_hash(line, at, where) for at, line in enumerate(hashes))
    return LogProof(decimal(index.removeprefix("index "), "index", where), parsed, checkpoint, extra)


def check_proof(
    proof: LogProof, leaf: bytes, origin: str, verifiers: Sequence[Verifier], quorum: Quorum, where: str = "proof"
) -> CheckedProof:
    """Check that a leaf is in a log, by the keys one trusts and without a network.

    Args:
        proof: out of its text.
        leaf: the bytes that were logged.
        origin: of the log.
        verifiers: its keys, of which one must have signed.
        quorum: the witnesses of whom enough must have cosigned.
        where: what errors name.

    Raises:
        AuditError: it does not show that.
    """
    signed = open_checkpoint(proof.checkpoint, origin, verifiers, where)
    seen = quorum.check(signed.note, where)
    try:
        verify_inclusion(
            proof.leaf_index, signed.checkpoint.size, leaf_hash(leaf), proof.hashes, signed.checkpoint.root
        )
    except AuditError as wrong:
        raise AuditError(wrong.field, wrong.expected, wrong.got, where) from None
    return CheckedProof(signed, seen)


def _extra(line: str, where: str) -> bytes:
    value = base64_bytes(line.removeprefix("extra "), "extra", where) if line.startswith("extra ") else b""
    if not value:
        raise FormatError("extra", "a line `extra BASE64`, or none", repr(line), where)
    return value


def _hash(line: str, at: int, where: str) -> bytes:
    value = base64_bytes(line, f"hash {at}", where)
    if len(value) != HASH_BYTES:
        raise FormatError(f"hash {at}", f"{HASH_BYTES} bytes", len(value), where)
    return value
