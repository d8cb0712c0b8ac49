"""A record that is opened to somebody: its proof carries the one key it takes, and every changed bit is refused."""

import msgspec
import pytest

from features.events import Disposition
from features.sequence import CATALOGUE
from models.bundle import default_bundle
from models.records import Alert, Score
from streams.audit.cosignature import Quorum
from streams.audit.disclosure import disclose, disclosed, opened
from streams.audit.errors import AuditError, FormatError
from streams.audit.proof import check_proof, parse_proof
from streams.audit.records import Beginning, Content, Kind, Public, encode_record, sealed_entry
from streams.audit.visit_keys import KEY_BYTES, VisitKey
from tests.running.audit_logs import ORIGIN, signer
from tests.running.audit_vectors import signed_proof

KEY = VisitKey("door/1/0", bytes(range(KEY_BYTES)))
OTHER = VisitKey("door/1/0", bytes(KEY_BYTES))
VALUES = b"".join(at.to_bytes(4, "little") for at in range(len(CATALOGUE)))
SCORE = Score(
    "door/1/0#9000.0", "door/1/0", "door", 9_000, "grid", 0, None, 7, None, "observed 3 s, needs 5 s", None, None, [],
    [], (), default_bundle().digest,
)  # fmt: skip
ALERT = Alert("door/1/0#9000.0#alert", "door/1/0", "door", 9_000, SCORE.id, 300, "high", ("stayed",), [])
VERDICT = Disposition("d1", 10_000, "door/1/0", "disagree", "r1", "waited for a bus")


def leaf(kind: Kind, published: object, values: bytes = b"") -> bytes:
    return encode_record(
        sealed_entry(Public(kind, 7, KEY.id), KEY, Content(bytes(32), msgspec.json.encode(published), values))
    )


LEAF = leaf(Kind.SCORE, SCORE, VALUES)
PROOF = signed_proof([b"one", LEAF, b"another"], 1)._replace(extra=disclose(LEAF, KEY))


def checked(encoded: bytes) -> object:
    """What the proof opens, after it was checked."""
    proof = parse_proof(encoded)
    entry, own = disclosed(proof.extra or b"")
    check_proof(proof, entry, ORIGIN, [signer().verifier], Quorum())
    return opened(entry, own) if own else entry


def test_a_proof_opens_its_record() -> None:
    found = opened(*disclosed(disclose(LEAF, KEY)))  # type: ignore[arg-type]
    assert found == checked(PROOF.encoded)
    assert (found.kind, found.position, found.visit) == (Kind.SCORE, 7, KEY.id)
    assert found.published == SCORE
    assert list(found.features.items()) == [(spec.name, at) for at, spec in enumerate(CATALOGUE)]


@pytest.mark.parametrize(("kind", "published"), [(Kind.ALERT, ALERT), (Kind.DISPOSITION, VERDICT)])
def test_what_has_no_features_opens_too(kind: Kind, published: object) -> None:
    found = opened(*disclosed(disclose(leaf(kind, published), KEY)))  # type: ignore[arg-type]
    assert (found.published, found.features) == (published, {})


def test_a_proof_without_it_tells_nothing() -> None:
    closed = PROOF._replace(extra=LEAF)
    assert checked(closed.encoded) == LEAF
    assert disclosed(LEAF) == (LEAF, None)
    assert b"door" not in LEAF
    assert len(closed.encoded) < len(PROOF.encoded) < len(closed.encoded) + 64


@pytest.mark.parametrize("at", range(len(disclose(LEAF, KEY))))
def test_a_flipped_bit_is_refused(at: int) -> None:
    changed = bytearray(disclose(LEAF, KEY))
    changed[at] ^= 1 << at % 8
    with pytest.raises(AuditError, match=r"proof|leaf|commitment|extra"):
        checked(PROOF._replace(extra=bytes(changed)).encoded)


def test_the_key_of_another_visit_opens_nothing() -> None:
    with pytest.raises(AuditError, match=f"record: expected one of the visit {OTHER.id.hex()}, got another"):
        disclose(LEAF, OTHER)
    beginning = encode_record(Beginning(bytes(32), bytes(32), 1, "0.1.0", b""))
    with pytest.raises(AuditError, match="record: expected one of the visit"):
        disclose(beginning, KEY)
    with pytest.raises(FormatError, match="got the beginning of a log"):
        opened(beginning, bytes(32))
    with pytest.raises(AuditError, match="leaf: commitment: expected"):
        opened(LEAF, bytes(32))


@pytest.mark.parametrize(
    ("kind", "published", "values", "why"),
    [
        (Kind.ALERT, SCORE, b"", "kind: expected Alert, got Score"),
        (Kind.SCORE, ALERT, VALUES, "kind: expected Score, got Alert"),
        (Kind.SCORE, SCORE, VALUES[4:], f"features: expected {len(CATALOGUE)} values"),
        (Kind.SCORE, {"type": "verdict"}, VALUES, "content: expected what was published"),
    ],
)
def test_what_was_sealed_in_another_form_is_refused(kind: Kind, published: object, values: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        opened(*disclosed(disclose(leaf(kind, published, values), KEY)))  # type: ignore[arg-type]


@pytest.mark.parametrize("extra", [b"\x93\x03", b"\x93\x03\xc0\xc0", disclose(LEAF, KEY) + b"\0"])
def test_no_other_form_of_a_disclosure(extra: bytes) -> None:
    with pytest.raises(FormatError, match="extra: expected"):
        disclosed(extra)


def test_more_bytes_than_needed_are_refused() -> None:
    shorter = disclose(LEAF, KEY)
    assert shorter[-KEY_BYTES - 2 : -KEY_BYTES] == b"\xc4\x20"
    longer = shorter[: -KEY_BYTES - 2] + b"\xc5\x00\x20" + shorter[-KEY_BYTES:]
    with pytest.raises(FormatError, match="extra: expected its canonical bytes"):
        disclosed(longer)
