"""The certificate of a replay: a signed note that says which log was made again from which journal, to the byte.

Its text is one line of what it is and a line `name value` for each field, so that anything that reads signed notes can
check it and any program can read it.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from streams.audit.errors import FormatError
from streams.audit.note import Signer, Verifier, parse_note, sign_note, verify_note
from streams.audit.strict import decimal

WHAT = "vigil replay certificate v1"


class Certificate(Struct, frozen=True):
    """What was replayed and found identical.

    Attributes:
        log: origin of the audit log.
        size: its leaves.
        root: of its tree, hexadecimal.
        journal: digest of the journal, hexadecimal.
        bundle: digest of the bundle.
        scoring_version: of the bundle.
        vigil: version of the code that replayed.
        scores, alerts, dispositions: how many records were compared.
    """

    log: str
    size: int
    root: str
    journal: str
    bundle: str
    scoring_version: int
    vigil: str
    scores: int
    alerts: int
    dispositions: int


def sign_certificate(certificate: Certificate, signers: Sequence[Signer]) -> bytes:
    """The certificate as a signed note."""
    lines = [WHAT, *(f"{name} {value}" for name, value in asdict(certificate).items())]
    return sign_note("".join(f"{line}\n" for line in lines), signers).encoded


def open_certificate(encoded: bytes, verifiers: Sequence[Verifier], where: str = "certificate") -> Certificate:
    """A certificate out of its bytes, signed by at least one of the keys.

    Raises:
        FormatError: it is none.
        SignatureError: nobody of these signed it, or a signature is wrong.
    """
    note = parse_note(encoded, where)
    verify_note(note, verifiers, where)
    what, *lines = note.text.removesuffix("\n").split("\n")
    names = Certificate.__struct_fields__
    found = [line.partition(" ")[::2] for line in lines]
    if what != WHAT or tuple(name for name, _ in found) != names:
        raise FormatError("lines", f"{WHAT}, then {', '.join(names)}", f"{what}, {len(lines)} lines", where)
    values = dict(found)
    numbers = {name: decimal(values[name], name, where) for name in names if Certificate.__annotations__[name] is int}
    return msgspec.convert(values | numbers, Certificate)
