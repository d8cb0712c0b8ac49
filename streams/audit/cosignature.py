"""Cosignatures: a witness says when it saw a checkpoint, and that it continues all it had seen of the log before.

Source: https://c2sp.org/tlog-cosignature, version 1, Ed25519.
"""

import struct
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from streams.audit.errors import SignatureError, UnusableError
from streams.audit.note import Note, PrivateKey, Signature, Verifier, check_ed25519, verify_note, verify_signatures

COSIGNATURE = 0x04
_VALUE = struct.Struct(">Q64s")
_TIME_END_S = 1 << 63


class Witness(Verifier):
    """The public key of a witness."""

    KIND: ClassVar[int] = COSIGNATURE

    def check(self, text: str, value: bytes) -> None:
        """Check a cosignature of a checkpoint's text.

        Raises:
            SignatureError: it is not this witness's.
        """
        if len(value) != _VALUE.size:
            raise SignatureError(f"cosignature of {self.name}", f"{_VALUE.size} bytes", len(value))
        time_s, signature = _VALUE.unpack(value)
        if time_s >= _TIME_END_S:
            raise SignatureError(f"time of the cosignature of {self.name}", "a number below 2**63", time_s)
        check_ed25519(self, _message(text, time_s), signature)


class Cosigner(PrivateKey):
    """The private key of a witness."""

    KIND: ClassVar[int] = COSIGNATURE

    @property
    def witness(self) -> Witness:
        """The public half."""
        return Witness(self.name, self.public)

    def cosign(self, text: str, time_s: int) -> Signature:
        """The cosignature of a checkpoint's text.

        Args:
            text: of the checkpoint's note.
            time_s: seconds since 1970.
        """
        signature = self.key.sign(_message(text, time_s))
        return Signature(self.name, self.key_id, _VALUE.pack(time_s, signature))


class Seen(NamedTuple):
    """A witness that cosigned, and when: seconds since 1970, its latest time if there are several."""

    witness: Witness
    time_s: int


class Quorum(NamedTuple):
    """How many of which witnesses must have seen a checkpoint before it is believed."""

    witnesses: tuple[Witness, ...] = ()
    needed: int = 0

    def check(self, note: Note, where: str = "checkpoint") -> list[Seen]:
        """The witnesses that cosigned a checkpoint; who else signed it is passed over.

        Raises:
            UnusableError: there are not so many witnesses.
            SignatureError: too few did, or a cosignature of one is wrong.
        """
        self.check_possible()
        seen = [one for witness in self.witnesses for one in _latest(note, witness, where)]
        if len(seen) < self.needed:
            got = f"{len(seen)}: {', '.join(one.witness.name for one in seen) or 'nobody'}"
            expected = f"{self.needed} of {', '.join(witness.name for witness in self.witnesses)}"
            raise SignatureError("cosignatures", expected, got, where)
        return seen

    def check_possible(self) -> None:
        """Refuse what nobody could fulfil, or one alone for several.

        Raises:
            UnusableError: there are not so many witnesses, or two of them have one key.
        """
        keys = {witness.public for witness in self.witnesses}
        if not 0 <= self.needed <= len(keys) or len(keys) != len(self.witnesses):
            got = f"{len(self.witnesses)} with {len(keys)} different keys"
            raise UnusableError("witnesses", f"at least {self.needed}, each with a key of its own", got)


def with_cosignatures(
    note: Note, signatures: Sequence[Signature], witnesses: Sequence[Witness], where: str = "cosignatures"
) -> Note:
    """A checkpoint with further cosignatures, those of known witnesses.

    Raises:
        SignatureError: one is wrong, or none is by one of the witnesses.
    """
    signed = verify_note(Note(note.text, tuple(signatures)), witnesses, where)
    known = {(witness.name, witness.key_id) for witness in signed}
    fresh = (each for each in signatures if (each.name, each.key_id) in known and each not in note.signatures)
    return note._replace(signatures=(*note.signatures, *fresh))


def _latest(note: Note, witness: Witness, where: str) -> list[Seen]:
    times = [_VALUE.unpack(each.value)[0] for each in verify_signatures(note, witness, where)]
    return [Seen(witness, max(times))] if times else []


def _message(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()
