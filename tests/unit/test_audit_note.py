import pytest

from streams.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from streams.audit.errors import AuditError, FormatError, SignatureError, UnusableError
from streams.audit.merkle import EMPTY_ROOT
from streams.audit.note import Signer, Verifier, parse_note, sign_note, verify_note

GO_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
ORIGIN = "shop.example/audit"
CHECKPOINT = Checkpoint(ORIGIN, 0, EMPTY_ROOT)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.generate(ORIGIN)


def test_a_key_that_everybody_has() -> None:
    verifier = Verifier.parse(GO_VKEY)
    assert (verifier.name, verifier.key_id.hex(), verifier.vkey) == ("sum.golang.org", "033de0ae", GO_VKEY)


def test_keys_as_text(signer: Signer) -> None:
    assert Verifier.parse(signer.verifier.vkey) == signer.verifier
    assert Signer.parse(signer.skey + "\n").public == signer.public


def test_a_private_key_is_not_shown(signer: Signer) -> None:
    assert f"{signer} {signer!r}" == f"Signer('{ORIGIN}', private) Signer('{ORIGIN}', private)"


def test_a_note_comes_back(signer: Signer) -> None:
    note = sign_note("one\n\ntwo: ä\n", [signer])
    assert parse_note(note.encoded) == note
    assert verify_note(note, [Verifier.parse(GO_VKEY), signer.verifier]) == [signer.verifier]


def test_a_signature_by_somebody_else_is_passed_over(signer: Signer) -> None:
    other = Signer.generate("other.example")
    note = sign_note("text\n", [other, signer])
    assert verify_note(note, [signer.verifier]) == [signer.verifier]
    with pytest.raises(SignatureError, match=rf"signatures: expected one by {ORIGIN}\+[0-9a-f]+, got other.example\+"):
        verify_note(sign_note("text\n", [other]), [signer.verifier])


def test_another_key_of_the_same_name_does_not_count(signer: Signer) -> None:
    forged = sign_note("text\n", [Signer.generate(ORIGIN)])
    with pytest.raises(SignatureError, match=r"^note: signatures: expected one by "):
        verify_note(forged, [signer.verifier])
    named = forged.signatures[0]._replace(key_id=signer.key_id)
    with pytest.raises(SignatureError, match=r"^note: signature: expected one that "):
        verify_note(forged._replace(signatures=(named,)), [signer.verifier])


def test_two_keys_for_a_handover(signer: Signer) -> None:
    new = Signer.generate(ORIGIN)
    note = sign_checkpoint(CHECKPOINT, [signer, new])
    for key in (signer, new):
        assert open_checkpoint(note.encoded, ORIGIN, [key.verifier]).signed_by == (key.verifier,)


def test_a_checkpoint_comes_back(signer: Signer) -> None:
    for checkpoint in (CHECKPOINT, Checkpoint(ORIGIN, 12_345, bytes(range(32)), ("more", "still more"))):
        opened = open_checkpoint(sign_checkpoint(checkpoint, [signer]).encoded, ORIGIN, [signer.verifier])
        assert opened.checkpoint == checkpoint


def test_another_log(signer: Signer) -> None:
    encoded = sign_checkpoint(CHECKPOINT, [signer]).encoded
    with pytest.raises(FormatError, match=r"^checkpoint: origin: expected other.example, got shop.example/audit$"):
        open_checkpoint(encoded, "other.example", [signer.verifier])


ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
BAD_CHECKPOINTS = [
    (f"{ORIGIN}\n0\n", "lines: expected at least 3, got 2"),
    (f"{ORIGIN}\n00\n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '00'"),
    (f"{ORIGIN}\n01\n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '01'"),
    (f"{ORIGIN}\n-1\n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '-1'"),
    (f"{ORIGIN}\n+1\n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '+1'"),
    (f"{ORIGIN}\n1 \n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '1 '"),
    (f"{ORIGIN}\n１\n{ROOT}\n", "size: expected a decimal number below 2**63 without leading zeros, got '１'"),  # noqa: RUF001 - a digit, no ASCII
    (
        f"{ORIGIN}\n{1 << 63}\n{ROOT}\n",
        f"size: expected a decimal number below 2**63 without leading zeros, got '{1 << 63}'",
    ),
    (f"{ORIGIN}\n0\n{ROOT[:-1]}\n", f"root: expected base64, got '{ROOT[:-1]}'"),
    (f"{ORIGIN}\n0\n{ROOT[:-2]}V=\n", f"root: expected base64 as {ROOT}, got '{ROOT[:-2]}V='"),
    (f"{ORIGIN}\n0\n{ROOT} \n", f"root: expected base64, got '{ROOT} '"),
    (f"{ORIGIN}\n0\nAAAA\n", "root: expected 32 bytes, got 3"),
    (f"{ORIGIN}\n0\n{ROOT}\n\n", "line 4: expected text, got an empty line"),
    (f"\n0\n{ROOT}\n", "line 1: expected text, got an empty line"),
]


@pytest.mark.parametrize(("text", "why"), BAD_CHECKPOINTS)
def test_a_checkpoint_that_is_none(text: str, why: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_checkpoint(text)
    assert str(refused.value) == f"checkpoint: {why}"


BAD_NOTES = [
    (b"text\n", "note: text: expected an empty line and signatures below it, got no empty line"),
    (b"text", "note: text: expected a newline at its end, got 't'"),
    (b"", "note: text: expected a newline at its end, got ''"),
    (b"text\n\n", "note: signatures: expected at least one, got none"),
    (b"te\rxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "note: text: expected no control characters, got '\\r'"),
    (b"te\x00xt\n\n\xe2\x80\x94 a AAAAAAA=\n", "note: text: expected no control characters, got '\\x00'"),
    (b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "note: text: expected UTF-8, got byte 0xff at 2"),
    (b"text\n\n- a AAAAAAA=\n", "note: signature 1: line: expected — NAME SIGNATURE, got '- a AAAAAAA='"),
    (
        b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
        "note: signature 1: line: expected — NAME SIGNATURE, got '— a+b AAAAAAA='",
    ),
    (b"text\n\n\xe2\x80\x94 AAAAAAA=\n", "note: signature 1: line: expected — NAME SIGNATURE, got '— AAAAAAA='"),
    (b"text\n\n\xe2\x80\x94 a AAAAAA==\n", "note: signature 1: signature: expected more than 4 bytes, got 4"),
    (b"text\n\n\xe2\x80\x94 a AAAAAAB=\n", "note: signature 1: signature: expected base64 as AAAAAAA=, got 'AAAAAAB='"),
    (b"text\n\n\xe2\x80\x94 a AAAAAAA\n", "note: signature 1: signature: expected base64, got 'AAAAAAA'"),
    (b"text\n\n" + b"\xe2\x80\x94 a AAAAAAA=\n" * 101, "note: signatures: expected at most 100, got 101"),
    (b"a" * 1_000_001, "note: length: expected at most 1,000,000 bytes, got 1,000,001"),
]


@pytest.mark.parametrize(("encoded", "why"), BAD_NOTES)
def test_a_note_that_is_none(encoded: bytes, why: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_note(encoded)
    assert str(refused.value) == why


BAD_KEYS = [
    "", "name", "name+033de0ae", GO_VKEY.replace("033de0ae", "033de0af"), GO_VKEY.replace("033de0ae", "033DE0AE"),
    GO_VKEY[:-1], GO_VKEY.replace("+Ac4", "+Bc4"), GO_VKEY.replace("sum", "s um"), GO_VKEY.replace("sum", "mus"),
    GO_VKEY + "AAAA",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_KEYS)
def test_keys_that_are_none(text: str, signer: Signer) -> None:
    with pytest.raises(UnusableError):
        Verifier.parse(text)
    with pytest.raises(UnusableError):
        Signer.parse(f"PRIVATE+KEY+{text}")
    with pytest.raises(UnusableError):
        Signer.parse(signer.verifier.vkey)


def test_a_wrong_private_key_is_not_in_the_error(signer: Signer) -> None:
    *parts, secret = signer.skey.split("+", 4)
    head = "+".join(parts)
    for wrong in (secret[:-1], secret[4:], "B" + secret[1:]):
        with pytest.raises(AuditError) as refused:
            Signer.parse(f"{head}+{wrong}")
        assert not any(secret[at : at + 6] in str(refused.value) for at in range(len(secret) - 6))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\tb"])
def test_names_a_key_cannot_have(name: str) -> None:
    with pytest.raises(UnusableError, match=r"^name of the key: "):
        Signer.generate(name)


@pytest.mark.parametrize("origin", ["", "a\nb", "a\x00b"])
def test_origins_a_log_cannot_have(origin: str, signer: Signer) -> None:
    with pytest.raises(UnusableError, match=r"^origin: "):
        sign_checkpoint(CHECKPOINT._replace(origin=origin), [signer])
