"""Proofs of which each is wrong in one thing, and the reason it must be refused for."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from streams.audit.checkpoint import Checkpoint, sign_checkpoint
from streams.audit.cosignature import Quorum
from streams.audit.merkle import Frontier, inclusion_proof, leaf_hash, leaf_hashes
from streams.audit.note import Note, Signature, parse_note
from streams.audit.proof import CheckedProof, LogProof, check_proof, parse_proof
from tests.running.audit_logs import ORIGIN, cosigner, leaves, signer

SIZE, INDEX = 11, 4
LEAF = leaves(INDEX, INDEX + 1)[0]
TIME_S = 1_700_000_000
WITNESS = cosigner("one")
QUORUM = Quorum((WITNESS.witness, cosigner("two").witness), 1)

NOT_SIGNED = "signature: expected one that shop.example/audit+"
NOT_COSIGNED = "signature: expected one that witness.example/one+"
NOBODY = "signatures: expected one by shop.example/audit+"
TOO_FEW = "cosignatures: expected 1 of witness.example/one, witness.example/two, got 0: nobody"
OTHER_ROOT = "root by the inclusion proof: expected "
NO_INDEX = "index: expected a line `index NUMBER`, got "
NO_NUMBER = "expected a decimal number below 2**63 without leading zeros, got "


@dataclass(frozen=True)
class Vector:
    """A proof, the leaf it is said to be of, and what its refusal begins with."""

    name: str
    encoded: bytes
    reason: str
    leaf: bytes = LEAF

    def check(self) -> CheckedProof:
        return check_proof(parse_proof(self.encoded), self.leaf, ORIGIN, [signer().verifier], QUORUM)


@cache
def good() -> LogProof:
    hashes = leaf_hashes(leaves(0, SIZE))
    note = sign_checkpoint(Checkpoint(ORIGIN, SIZE, Frontier().append(hashes).root), [signer()])
    proof = inclusion_proof(INDEX, SIZE, lambda level, at: node(hashes[at << level : at + 1 << level]))
    cosigned = note._replace(signatures=(*note.signatures, WITNESS.cosign(note.text, TIME_S)))
    return LogProof(INDEX, tuple(proof), cosigned.encoded, LEAF)


def signed_proof(content: list[bytes], index: int) -> LogProof:
    """The proof of one of these leaves, which are a whole log."""
    hashes = leaf_hashes(content)
    note = sign_checkpoint(Checkpoint(ORIGIN, len(content), node(hashes)), [signer()])
    proof = inclusion_proof(index, len(content), lambda level, at: node(hashes[at << level : at + 1 << level]))
    return LogProof(index, tuple(proof), note.encoded, content[index])


def node(hashes: list[bytes]) -> bytes:
    return Frontier().append(hashes).root


def note() -> Note:
    return parse_note(good().checkpoint)


def flipped(content: bytes, at: int, bit: int = 0) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def with_line(at: int, line: str) -> bytes:
    """The proof with another line."""
    lines = good().encoded.decode().split("\n")
    return "\n".join([*lines[:at], line, *lines[at + 1 :]]).encode()


def without_line(at: int) -> bytes:
    lines = good().encoded.decode().split("\n")
    return "\n".join([*lines[:at], *lines[at + 1 :]]).encode()


def vectors() -> Iterator[Vector]:
    for each in (_heads, _paths, _checkpoints, _signatures_changed, _cosignatures, _numbers, _others, _lines, _cut):
        for vector in each():
            yield replace(vector, reason=f"proof: {vector.reason}")


def _heads() -> Iterator[Vector]:
    first = "c2sp.org/tlog-proof@v1"
    for at in range(len(first)):
        line = flipped(first.encode(), at).decode()
        yield Vector(f"first line, character {at}", with_line(0, line), f"line 1: expected {first}, got '{line}'")
    extra, index = "extra " + b64encode(LEAF).decode(), f"index {INDEX}"
    for at in range(5):
        line = flipped(extra.encode(), at).decode()
        yield Vector(f"extra, character {at}", with_line(1, line), f"{NO_INDEX}'{line}'")
        line = flipped(index.encode(), at).decode()
        yield Vector(f"index, character {at}", with_line(2, line), f"{NO_INDEX}'{line}'")
    for at in range(len(LEAF)):
        changed = good()._replace(extra=flipped(LEAF, at))
        yield Vector(f"extra, byte {at}", changed.encoded, OTHER_ROOT, leaf=changed.extra or b"")
    for line in ("extra", "extra ", "extra!AAAA"):
        yield Vector(
            f"line {line!r}", with_line(1, line), f"extra: expected a line `extra BASE64`, or none, got '{line}'"
        )
    yield Vector("extra twice", with_line(2, extra), f"{NO_INDEX}'{extra}'")


def _paths() -> Iterator[Vector]:
    hashes = good().hashes
    for at, one in enumerate(hashes):
        for byte in range(0, 32, 3):
            changed = (*hashes[:at], flipped(one, byte, byte % 8), *hashes[at + 1 :])
            yield Vector(f"hash {at}, byte {byte}", good()._replace(hashes=changed).encoded, OTHER_ROOT)
        fewer = (*hashes[:at], *hashes[at + 1 :])
        wrong = f"length of the inclusion proof: expected {len(hashes)} hashes, got "
        yield Vector(f"without hash {at}", good()._replace(hashes=fewer).encoded, f"{wrong}{len(hashes) - 1}")
        twice = (*hashes[: at + 1], *hashes[at:])
        yield Vector(f"hash {at} twice", good()._replace(hashes=twice).encoded, f"{wrong}{len(hashes) + 1}")
        short = with_line(3 + at, b64encode(one[1:]).decode())
        yield Vector(f"hash {at} too short", short, f"hash {at}: expected 32 bytes, got 31")
        long = with_line(3 + at, b64encode(one + b"!").decode())
        yield Vector(f"hash {at} too long", long, f"hash {at}: expected 32 bytes, got 33")
        yield from _encodings(f"hash {at}", 3 + at, "", b64encode(one).decode())
    yield Vector("hashes in another order", good()._replace(hashes=hashes[::-1]).encoded, OTHER_ROOT)
    many = good()._replace(hashes=hashes * 16).encoded
    yield Vector("64 hashes", many, "hashes: expected at most 63, got 64")


def _encodings(field: str, line: int, before: str, text: str) -> Iterator[Vector]:
    """Other ways to write base64 that lax readers take."""
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    odd = text[:-2] + last[last.index(text[-2]) + 1] + "="
    yield Vector(f"{field}, bits beyond the end", with_line(line, before + odd), f"{field}: expected base64 as {text}")
    for name, other in {
        "no padding": text[:-1], "more padding": text + "=", "a space": text + " ",
        "a space within": text[:4] + " " + text[4:],
        "URL alphabet": "-_" + text[2:],
    }.items():  # fmt: skip
        yield Vector(f"{field}, {name}", with_line(line, before + other), f"{field}: expected base64, got '{other}'")


def _checkpoints() -> Iterator[Vector]:
    text = note().text.encode()
    for at, byte in enumerate(text):
        changed = good().checkpoint.replace(text, flipped(text, at))
        reason = f"text: expected no control characters, got {chr(byte ^ 1)!r}" if byte == ord("\n") else NOT_SIGNED
        yield Vector(f"checkpoint, byte {at}", good()._replace(checkpoint=changed).encoded, reason)


def _signatures_changed() -> Iterator[Vector]:
    own, others = note().signatures[0], note().signatures[1:]
    for at in range(64):
        changed = own._replace(value=flipped(own.value, at, at % 8))
        yield Vector(f"signature, byte {at}", _signed(changed, *others), NOT_SIGNED)
    for at in range(32):
        changed = own._replace(key_id=flipped(own.key_id, at // 8, at % 8))
        yield Vector(f"id of the key, bit {at}", _signed(changed, *others), NOBODY)
    for length in (1, 63, 65):
        changed = own._replace(value=(own.value + b"!")[:length])
        yield Vector(f"signature of {length} bytes", _signed(changed, *others), NOT_SIGNED)
    for at in range(len(own.name)):
        name = flipped(own.name.encode(), at).decode()
        yield Vector(f"name of the key, character {at}", _signed(own._replace(name=name), *others), NOBODY)
    forged = signer("forger").sign(note().text)
    yield Vector("another key of the same name", _signed(forged, *others), NOBODY)
    yield Vector("another key's signature", _signed(forged._replace(key_id=own.key_id), *others), NOT_SIGNED)
    yield Vector("a right and a wrong one", _signed(own, forged._replace(key_id=own.key_id), *others), NOT_SIGNED)
    yield Vector("the witness only", _signed(*others), NOBODY)
    yield Vector("the log's as a witness's", _signed(own, own._replace(name=others[0].name)), TOO_FEW)


def _cosignatures() -> Iterator[Vector]:
    own, theirs = note().signatures
    for at in range(72):
        changed = theirs._replace(value=flipped(theirs.value, at, at % 7))
        yield Vector(f"cosignature, byte {at}", _signed(own, changed), NOT_COSIGNED)
    late = theirs._replace(value=b"\x80" + theirs.value[1:])
    yield Vector(
        "cosignature after 2**63", _signed(own, late), "time of the cosignature of witness.example/one: expected "
    )
    for at in range(32):
        changed = theirs._replace(key_id=flipped(theirs.key_id, at // 8, at % 8))
        yield Vector(f"id of the witness, bit {at}", _signed(own, changed), TOO_FEW)
    for length in (8, 71, 73):
        changed = theirs._replace(value=(theirs.value + b"!")[:length])
        reason = f"cosignature of witness.example/one: expected 72 bytes, got {length}"
        yield Vector(f"cosignature of {length} bytes", _signed(own, changed), reason)
    yield Vector("no witness", _signed(own), TOO_FEW)
    yield Vector("a witness nobody knows", _signed(own, cosigner("three").cosign(note().text, TIME_S)), TOO_FEW)
    older = WITNESS.cosign(f"{ORIGIN}\n{SIZE - 1}\n" + note().text.split("\n")[2] + "\n", TIME_S)
    yield Vector("the cosignature of an older checkpoint", _signed(own, older), NOT_COSIGNED)


def _numbers() -> Iterator[Vector]:
    for text in ("04", "+4", "-4", " 4", "4 ", "", "0x4", "4.0", "1e1", "٤", str(1 << 63), "9" * 30):
        reason = "text: expected ASCII" if text == "٤" else f"index: {NO_NUMBER}'{text}'"
        yield Vector(f"index {text!r}", with_line(2, f"index {text}"), reason)
    for other in set(range(SIZE)) - {INDEX}:
        yield Vector(f"index {other}", good()._replace(leaf_index=other).encoded, _misfit(other, SIZE))
    for other in (SIZE, SIZE + 1, (1 << 63) - 1):
        yield Vector(
            f"index {other}", good()._replace(leaf_index=other).encoded, f"index: expected 0 to 10, got {other}"
        )


def _misfit(index: int, size: int) -> str:
    """Why the proof does not fit another index or size."""
    if index >= size:
        return f"index: expected 0 to {size - 1}, got " if size else "index: expected no index in an empty log, got "
    expected, given = len(inclusion_proof(index, size, lambda *_: bytes(32))), len(good().hashes)
    return (
        OTHER_ROOT if expected == given else f"length of the inclusion proof: expected {expected} hashes, got {given}"
    )


def _others() -> Iterator[Vector]:
    """Rightly signed, but of something else."""
    hashes = leaf_hashes(leaves(0, SIZE))
    for size in range(SIZE):
        older = _resigned(Checkpoint(ORIGIN, size, Frontier().append(hashes[:size]).root))
        yield Vector(f"an older checkpoint of {size} leaves", older, _misfit(INDEX, size))
    root = Frontier().append(hashes).root
    yield Vector(
        "another log",
        _resigned(Checkpoint("other.example", SIZE, root)),
        f"origin: expected {ORIGIN}, got other.example",
    )
    larger = _resigned(Checkpoint(ORIGIN, SIZE + 30, root))
    yield Vector("a size too large", larger, "length of the inclusion proof: ")
    for at in range(1, SIZE):
        swapped = [*hashes[: at - 1], hashes[at], hashes[at - 1], *hashes[at + 1 :]]
        fork = Checkpoint(ORIGIN, SIZE, Frontier().append(swapped).root)
        yield Vector(f"a fork with leaf {at} before leaf {at - 1}", _resigned(fork), OTHER_ROOT)
    for leaf in (b"", LEAF + b" ", LEAF[1:], leaf_hash(LEAF), b"\0" + LEAF):
        yield Vector(f"leaf {leaf[:8]!r}", good().encoded, OTHER_ROOT, leaf=leaf)


def _lines() -> Iterator[Vector]:
    """Checkpoints with lines the format does not allow, signed and cosigned all the same."""
    origin, size, root, _ = note().text.split("\n")
    texts = {
        "size 011": (f"{origin}\n011\n{root}\n", f"size: {NO_NUMBER}'011'"),
        "size +11": (f"{origin}\n+11\n{root}\n", f"size: {NO_NUMBER}'+11'"),
        "no size": (f"{origin}\n{root}\n", "lines: expected at least 3, got 2"),
        "a short root": (f"{origin}\n{size}\nAAAA\n", "root: expected 32 bytes, got 3"),
        "a root without padding": (f"{origin}\n{size}\n{root[:-1]}\n", f"root: expected base64, got '{root[:-1]}'"),
        "an empty line": (f"{origin}\n{size}\n\n{root}\n", "line 3: expected text, got an empty line"),
        "an empty origin": (f"\n{size}\n{root}\n", "line 1: expected text, got an empty line"),
    }
    for name, (text, reason) in texts.items():
        signed = Note(text, (signer().sign(text), WITNESS.cosign(text, TIME_S))).encoded
        yield Vector(f"checkpoint with {name}", good()._replace(checkpoint=signed).encoded, reason)


def _cut() -> Iterator[Vector]:
    encoded, cut = good().encoded, good().encoded.index(b"\n\n")
    for at in range(0, cut, 5):
        yield Vector(f"cut after {at} bytes", encoded[:at], "text: expected an empty line and a checkpoint below it")
    yield Vector("cut before its checkpoint", encoded[: cut + 2], "text: expected a newline at its end, got ''")
    yield Vector("cut at its end", encoded[:-1], "text: expected a newline at its end, got ")
    yield Vector("more at its end", encoded + b"more\n", "signature 3: line: expected ")
    yield Vector("an empty line at its end", encoded + b"\n", "signatures: expected at least one, got none")
    yield Vector("an empty line at its beginning", b"\n" + encoded, "line 1: expected c2sp.org/tlog-proof@v1, got ''")
    yield Vector("line ends of Windows", encoded.replace(b"\n", b"\r\n"), "text: expected an empty line")
    yield Vector("no UTF-8", encoded.replace(b"shop", b"sh\xffp", 1), "text: expected UTF-8, got byte 0xff at 2")
    yield Vector("no line index", without_line(2), NO_INDEX)


def _signed(*signatures: Signature) -> bytes:
    return good()._replace(checkpoint=note()._replace(signatures=signatures).encoded).encoded


def _resigned(checkpoint: Checkpoint) -> bytes:
    made = sign_checkpoint(checkpoint, [signer()])
    cosigned = made._replace(signatures=(*made.signatures, WITNESS.cosign(made.text, TIME_S)))
    return good()._replace(checkpoint=cosigned.encoded).encoded
