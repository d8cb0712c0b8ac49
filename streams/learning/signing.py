"""Signed admissions: the report in a bundle as the text of a note, which anything that reads signed notes can check."""

from collections.abc import Sequence

from msgspec.structs import replace

from models.admission import Admission, report_text
from models.bundle import Bundle, seal
from streams.audit.errors import FormatError
from streams.audit.note import Note, Signer, Verifier, parse_note, sign_note, verify_note


def sign_admission(bundle: Bundle, signers: Sequence[Signer]) -> Bundle:
    """The bundle with its admission signed, sealed anew.

    Raises:
        FormatError: it has none.
    """
    admission = admission_of(bundle)
    note = sign_note(report_text(admission.report), signers)
    lines = tuple(one.line.removesuffix("\n") for one in note.signatures)
    return seal(replace(bundle, admission=Admission(admission.report, lines), digest=""))


def verify_admission(bundle: Bundle, verifiers: Sequence[Verifier], where: str = "bundle") -> list[Verifier]:
    """Who of these signed a bundle's admission.

    Raises:
        FormatError: it has none, or it is not signed.
        SignatureError: nobody of these signed it, or a signature is wrong.
    """
    return verify_note(admission_note(bundle, where), verifiers, where)


def admission_note(bundle: Bundle, where: str = "bundle") -> Note:
    """A bundle's admission as a signed note.

    Raises:
        FormatError: it has none, or it is not signed.
    """
    admission = admission_of(bundle, where)
    lines = "".join(f"{line}\n" for line in admission.signatures)
    return parse_note(f"{report_text(admission.report)}\n{lines}".encode(), where)


def admission_of(bundle: Bundle, where: str = "bundle") -> Admission:
    """A bundle's admission.

    Raises:
        FormatError: it has none.
    """
    if not isinstance(bundle.admission, Admission):
        raise FormatError("admission", "the report of `vigil train --journal`", "none", where)
    return bundle.admission
