"""Signed notes: a text with lines of signatures below it, as Go's checksum database and witnesses use them.

Source: https://c2sp.org/signed-note. Keys are written as the Go package golang.org/x/mod/sumdb/note does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from streams.audit.errors import FormatError, SignatureError, UnusableError
from streams.audit.strict import base64_bytes, base64_text

ED25519 = 0x01
KEY_BYTES = 32
SIGNATURES_MAX = 100
NOTE_BYTES_MAX = 1_000_000
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\N{EM DASH} "
_ID_BYTES = 4
_PRIVATE = "PRIVATE+KEY+"


class Signature(NamedTuple):
    """A line of signature below a note.

    Attributes:
        name: of the key.
        key_id: the first four bytes of the key's hash.
        value: what the key's kind makes of it.
    """

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line with its end."""
        return f"{_DASH}{self.name} {base64_text(self.key_id + self.value)}\n"


class Note(NamedTuple):
    """A text, which ends in a newline, and its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def encoded(self) -> bytes:
        """The note as it is passed on."""
        return "".join((self.text, "\n", *(one.line for one in self.signatures))).encode()


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public Ed25519 key with its name.

    Attributes:
        name: whose it is; neither spaces nor plus signs.
        public: 32 bytes.
    """

    KIND: ClassVar[int] = ED25519
    name: str
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public) != KEY_BYTES:
            raise UnusableError("public key", f"{KEY_BYTES} bytes", len(self.public), self.name)

    @property
    def key_id(self) -> bytes:
        """What names the key beside its name, 4 bytes."""
        return _key_id(self.name, self.KIND, self.public)

    @property
    def vkey(self) -> str:
        """The key as text, to be handed out."""
        return f"{self.name}+{self.key_id.hex()}+{base64_text(bytes([self.KIND]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """A key out of its text.

        Raises:
            UnusableError: it is none, or of another kind.
        """
        name, key_id, public = _parse_key(vkey.strip(), cls.KIND, "public key")
        verifier = cls(name, public)
        if verifier.key_id.hex() != key_id:
            raise UnusableError("hash in the public key", verifier.key_id.hex(), key_id, name)
        return verifier

    def check(self, text: str, value: bytes) -> None:
        """Check a signature of a text.

        Raises:
            SignatureError: it is not this key's.
        """
        check_ed25519(self, text.encode(), value)


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """A private Ed25519 key with its name; how it is shown does not show the key."""

    KIND: ClassVar[int] = ED25519
    name: str
    key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, private)"

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key.

        Raises:
            UnusableError: no key can have this name.
        """
        _check_name(name)
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, skey: str) -> Self:
        """A key out of its private text; no error says what was in it.

        Raises:
            UnusableError: it is none, or of another kind.
        """
        text = skey.strip()
        if not text.startswith(_PRIVATE):
            raise UnusableError("private key", f"{_PRIVATE}NAME+HASH+KEY", "another text")
        name, key_id, seed = _parse_key(text.removeprefix(_PRIVATE), cls.KIND, "private key")
        private = cls(name, Ed25519PrivateKey.from_private_bytes(seed))
        if private.key_id.hex() != key_id:
            raise UnusableError("hash in the private key", private.key_id.hex(), key_id, name)
        return private

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """What names the key beside its name, 4 bytes."""
        return _key_id(self.name, self.KIND, self.public)

    @property
    def skey(self) -> str:
        """The private key as text, for a file that nobody else may read."""
        secret = base64_text(bytes([self.KIND]) + self.key.private_bytes_raw())
        return f"{_PRIVATE}{self.name}+{self.key_id.hex()}+{secret}"


class Signer(PrivateKey):
    """A private key that signs notes."""

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.public)

    def sign(self, text: str) -> Signature:
        """The signature of a note's text."""
        return Signature(self.name, self.key_id, self.key.sign(text.encode()))


def sign_note(text: str, signers: Iterable[Signer]) -> Note:
    """A note with a signature of each signer.

    Raises:
        FormatError: the text cannot be a note's.
    """
    _check_text(text)
    return Note(text, tuple(signer.sign(text) for signer in signers))


def parse_note(encoded: bytes, where: str = "note") -> Note:
    """A note out of its bytes; its signatures are not verified.

    Raises:
        FormatError: it is none.
    """
    text, lines = _parted(encoded, where)
    if len(lines) > SIGNATURES_MAX:
        raise FormatError("signatures", f"at most {SIGNATURES_MAX}", len(lines), where)
    return Note(text, tuple(_parse_signature(line, f"{where}: signature {at}") for at, line in enumerate(lines, 1)))


def verify_note(note: Note, verifiers: Sequence[Verifier], where: str = "note") -> list[Verifier]:
    """Who of these signed a note; signatures of others are passed over.

    Raises:
        SignatureError: nobody of these did, or a signature that bears the name and id of one is wrong.
    """
    signed = [verifier for verifier in verifiers if verify_signatures(note, verifier, where)]
    if not signed:
        expected = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in verifiers) or "a key to check with"
        got = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in note.signatures)
        raise SignatureError("signatures", f"one by {expected}", got or "none", where)
    return signed


def verify_signatures(note: Note, verifier: Verifier, where: str = "note") -> list[Signature]:
    """The signatures of one key, all of them right.

    Raises:
        SignatureError: one is not.
    """
    own = [each for each in note.signatures if (each.name, each.key_id) == (verifier.name, verifier.key_id)]
    for each in own:
        try:
            verifier.check(note.text, each.value)
        except SignatureError as wrong:
            raise SignatureError(wrong.field, wrong.expected, wrong.got, where) from None
    return own


def check_ed25519(verifier: Verifier, message: bytes, value: bytes) -> None:
    """Check an Ed25519 signature of bytes.

    Raises:
        SignatureError: it is not this key's.
    """
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(value, message)
    except InvalidSignature:
        expected = f"one that {verifier.name}+{verifier.key_id.hex()} made of this text"
        raise SignatureError("signature", expected, "another") from None


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_ID_BYTES]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or _CONTROL.search(name):
        raise UnusableError("name of the key", "text without spaces and plus signs", repr(name))


def _parse_key(text: str, kind: int, what: str) -> tuple[str, str, bytes]:
    """Name, hash and 32 bytes of a key; an error says nothing of a key's bytes, they may be private."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not name or not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise UnusableError(what, "NAME+HASH+KEY, the hash as 8 hexadecimal digits", "another text")
    _check_name(name)
    try:
        value = base64_bytes(encoded, what, name)
    except FormatError:
        raise UnusableError(what, "base64 after the hash", "another text", name) from None
    if len(value) != 1 + KEY_BYTES or value[0] != kind:
        got = f"kind {value[0]} and {len(value) - 1} bytes" if value else "nothing"
        raise UnusableError(what, f"kind {kind} and {KEY_BYTES} bytes", got, name)
    return name, key_id, value[1:]


def _check_text(text: str, where: str = "note") -> None:
    if not text.endswith("\n"):
        raise FormatError("text", "a newline at its end", repr(text[-1:]), where)
    if control := _CONTROL.search(text):
        raise FormatError("text", "no control characters", repr(control[0]), where)


def _parted(encoded: bytes, where: str) -> tuple[str, list[str]]:
    """The text and the lines of signatures."""
    if len(encoded) > NOTE_BYTES_MAX:
        raise FormatError("length", f"at most {NOTE_BYTES_MAX:,} bytes", f"{len(encoded):,}", where)
    try:
        whole = encoded.decode()
    except UnicodeDecodeError as error:
        raise FormatError("text", "UTF-8", f"byte {encoded[error.start]:#04x} at {error.start}", where) from None
    _check_text(whole, where)
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator:
        raise FormatError("text", "an empty line and signatures below it", "no empty line", where)
    if not signatures:
        raise FormatError("signatures", "at least one", "none", where)
    return text + "\n", signatures[:-1].split("\n")


def _parse_signature(line: str, where: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name):
        raise FormatError("line", f"{_DASH}NAME SIGNATURE", repr(line), where)
    value = base64_bytes(encoded, "signature", where)
    if len(value) <= _ID_BYTES:
        raise FormatError("signature", f"more than {_ID_BYTES} bytes", len(value), where)
    return Signature(name, value[:_ID_BYTES], value[_ID_BYTES:])
