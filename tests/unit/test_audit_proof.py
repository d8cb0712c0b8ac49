import pytest

from streams.audit.cosignature import Cosigner, Quorum, Witness
from streams.audit.errors import AuditError, FormatError, SignatureError, UnusableError
from streams.audit.note import Signer, sign_note
from streams.audit.proof import check_proof, parse_proof
from tests.running.audit_logs import ORIGIN, cosigner, signer
from tests.running.audit_vectors import LEAF, QUORUM, SIZE, TIME_S, WITNESS, Vector, good, vectors

VECTORS = list(vectors())


def test_a_proof_comes_back_and_holds() -> None:
    assert parse_proof(good().encoded) == good()
    checked = Vector("good", good().encoded, "").check()
    assert checked.signed.checkpoint.size == SIZE
    assert checked.seen == [(WITNESS.witness, TIME_S)]


def test_a_proof_without_more_than_it_needs() -> None:
    bare = good()._replace(extra=None)
    assert parse_proof(bare.encoded) == bare
    assert b"extra" not in bare.encoded
    check_proof(bare, LEAF, ORIGIN, [signer().verifier], Quorum())


def test_there_are_many_vectors_of_many_reasons() -> None:
    assert len(VECTORS) == len({vector.name for vector in VECTORS}) == len({v.encoded + v.leaf for v in VECTORS})
    assert len(VECTORS) >= 500
    assert len({vector.reason for vector in VECTORS}) >= 60


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_proof_that_is_wrong_in_one_thing(vector: Vector) -> None:
    with pytest.raises(AuditError) as refused:
        vector.check()
    assert str(refused.value).startswith(vector.reason)


def test_the_example_of_the_specification_is_a_proof() -> None:
    """Its signatures are shortened, all else is as it must be."""
    text = b"""c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

example.com/fancylog
"""
    proof = parse_proof(text)
    assert (proof.leaf_index, len(proof.hashes), proof.extra) == (73_894, 1, b"age-v1.2.1-darwin-arm64.tar.gz")


QUORUMS = [
    (
        ("one", "two"),
        2,
        ("one",),
        "cosignatures: expected 2 of witness.example/one, witness.example/two, got 1: witness.example/one",
    ),
    (("one",), 1, (), "cosignatures: expected 1 of witness.example/one, got 0: nobody"),
    (("one",), 1, ("two",), "cosignatures: expected 1 of witness.example/one, got 0: nobody"),
    (("one",), 2, ("one",), "witnesses: expected at least 2, each with a key of its own, got 1 with 1 different keys"),
    (
        ("one", "one"),
        1,
        ("one",),
        "witnesses: expected at least 1, each with a key of its own, got 2 with 1 different keys",
    ),
    (
        ("one",),
        -1,
        ("one",),
        "witnesses: expected at least -1, each with a key of its own, got 1 with 1 different keys",
    ),
]


@pytest.mark.parametrize(("known", "needed", "signed", "why"), QUORUMS)
def test_a_quorum_that_is_missed(known: tuple[str, ...], needed: int, signed: tuple[str, ...], why: str) -> None:
    note = sign_note("text\n", [signer()])
    note = note._replace(signatures=tuple(cosigner(each).cosign(note.text, 5) for each in signed))
    with pytest.raises((SignatureError, UnusableError)) as refused:
        Quorum(tuple(cosigner(each).witness for each in known), needed).check(note, "here")
    assert str(refused.value).endswith(why)


def test_one_witness_counts_once_and_with_its_latest_time() -> None:
    note = sign_note("text\n", [signer()])
    note = note._replace(signatures=tuple(WITNESS.cosign(note.text, time_s) for time_s in (5, 9, 7)))
    assert QUORUM.check(note) == [(WITNESS.witness, 9)]
    with pytest.raises(SignatureError):
        QUORUM._replace(needed=2).check(note)


def test_keys_of_witnesses_are_of_their_own_kind() -> None:
    assert Witness.parse(WITNESS.witness.vkey) == WITNESS.witness
    assert Cosigner.parse(WITNESS.skey).public == WITNESS.public
    for wrong in (lambda: Witness.parse(signer().verifier.vkey), lambda: Cosigner.parse(signer().skey)):
        with pytest.raises(UnusableError, match=r"expected kind 4 and 32 bytes, got kind 1 and 32 bytes$"):
            wrong()
    with pytest.raises(UnusableError, match=r"expected kind 1 and 32 bytes, got kind 4 and 32 bytes$"):
        Signer.parse(WITNESS.skey)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(FormatError, match="expected ASCII above the checkpoint, got byte 0xff"):
        parse_proof(b"\xff\n\n")
