"""A key for every visit: what the audit log says of a person is sealed with it, and gone when the key is.

Keys come from a ratchet: each is a digest of a secret that is then replaced by another digest of itself. So the same
secret gives the same keys in the same order, whatever happens in between, and nobody who finds the secret later can
make earlier keys again.

A record is sealed with AES-256-GCM under a key of its own, which follows from the visit's key and the record's content
(a synthetic nonce, as in RFC 5297). So no key and nonce ever seal two different contents, the same content is sealed to
the same bytes, and one record can be opened to somebody without opening another. The commitment, a digest of that key,
says which content it is: AES-GCM alone would let a forger make one text that two keys open differently.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b, sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from streams.audit.errors import AuditError, UnusableError

VISIT_KEYS = "visit-keys.jsonl"  # beside the journal
KEY_BYTES = 32
ID_BYTES = 16
NONCE_BYTES = 12


class VisitKey(Struct, frozen=True, dict=True):
    """The key of a visit.

    Attributes:
        name: of the person, or of whom a verdict is about.
        secret: 32 bytes.
    """

    name: str
    secret: bytes

    @cached_property
    def id(self) -> bytes:
        """What records and rows name it by, 16 bytes: tells nothing without the key."""
        return blake2b(self.secret, digest_size=ID_BYTES, person=b"vigil visit").digest()

    @cached_property
    def rows(self) -> bytes:
        """The key of the visit's rows in the journal, 32 bytes."""
        return blake2b(self.secret, digest_size=KEY_BYTES, person=b"vigil rows").digest()


class Sealed(Struct, frozen=True, array_like=True):
    """A sealed content: 12 bytes, 32 bytes, and the content with 16 more."""

    nonce: bytes
    commitment: bytes
    content: bytes


def seal(content: bytes, key: VisitKey, context: bytes) -> Sealed:
    """Seal a content; `context` is not hidden, and must be the same when it is opened."""
    nonce = blake2b(context + content, key=key.secret, digest_size=NONCE_BYTES, person=b"vigil nonce").digest()
    own = opening(nonce, key)
    return Sealed(nonce, sha256(own).digest(), AESGCM(own).encrypt(nonce, content, context))


def opening(nonce: bytes, key: VisitKey) -> bytes:
    """The key of one record, 32 bytes: opens it and no other."""
    return blake2b(nonce, key=key.secret, digest_size=KEY_BYTES, person=b"vigil record").digest()


def unseal(sealed: Sealed, own: bytes, context: bytes) -> bytes:
    """The content of a record, by its own key.

    Raises:
        AuditError: it is another record's key, or the record was changed.
    """
    if sha256(own).digest() != sealed.commitment:
        raise AuditError("commitment", sealed.commitment.hex(), sha256(own).hexdigest())
    try:
        return AESGCM(own).decrypt(sealed.nonce, sealed.content, context)
    except (InvalidTag, ValueError):
        raise AuditError("sealed content", "what was sealed", "something else") from None


@dataclass(slots=True)
class VisitKeys:
    """The keys of visits that go on.

    Attributes:
        secret: of the ratchet, 32 bytes.
        held: by name.
        fresh: made since they were last `told`.
    """

    secret: bytes
    held: dict[str, VisitKey] = field(default_factory=dict)
    fresh: list[VisitKey] = field(default_factory=list)

    def of(self, name: str) -> VisitKey:
        """The key of a visit, made when it is first asked for."""
        if name not in self.held:
            self.held[name] = self.make(name)
        return self.held[name]

    def make(self, name: str) -> VisitKey:
        """A key that is not held: for what may come long after a visit."""
        made = VisitKey(name, blake2b(name.encode(), key=self.secret, digest_size=KEY_BYTES).digest())
        self.secret = sha256(b"next" + self.secret).digest()
        self.fresh.append(made)
        return made

    def with_id(self, visit: bytes) -> VisitKey:
        """The key of an id, among those that were not told yet.

        Raises:
            AuditError: there is none.
        """
        found = next((key for key in reversed(self.fresh) if key.id == visit), None)
        if found is None:
            raise AuditError("key", f"that of {visit.hex()}", "none that was just made")
        return found

    def told(self) -> list[VisitKey]:
        """The keys made since this was last asked."""
        fresh, self.fresh = self.fresh, []
        return fresh


class _Line(Struct, frozen=True):
    visit: str
    name: str
    secret: str


def write_keys(path: Path, keys: Iterable[VisitKey]) -> None:
    """Write a file of keys that is there entirely or not at all; only its owner may read it."""
    unfinished = path.with_name(f".{path.name}")
    file = KeyFile(unfinished)
    file.add(keys)
    file.close()
    unfinished.replace(path)


class KeyFile:
    """The keys of a run's visits, a line of JSON each; only its owner may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        self._file = path.open("ab")

    def add(self, keys: Iterable[VisitKey]) -> None:
        """Append keys."""
        lines = (_Line(key.id.hex(), key.name, key.secret.hex()) for key in keys)
        self._file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@dataclass(slots=True)
class RecordedKeys(VisitKeys):
    """Keys as they were made before.

    Attributes:
        ring: by id, all that were made and not erased.
    """

    ring: dict[bytes, VisitKey] = field(default_factory=dict)

    def make(self, name: str) -> VisitKey:
        """No key is made where all were made before.

        Raises:
            AuditError: always.
        """
        raise AuditError("key", f"one of {name}", "none: erased, or it was never sealed")

    def with_id(self, visit: bytes) -> VisitKey:
        """The key of an id.

        Raises:
            AuditError: there is none.
        """
        if visit not in self.ring:
            raise AuditError("key", f"that of {visit.hex()}", "none: erased, or it was never sealed")
        return self.ring[visit]


def key_ring(path: Path) -> dict[bytes, VisitKey]:
    """The keys of a file by id.

    Raises:
        UnusableError: the file is missing, or a line of it is no key.
    """
    return {key.id: key for key in read_keys(path)}


def read_keys(path: Path) -> list[VisitKey]:
    """The keys of a file, in the order in which they were made.

    Raises:
        UnusableError: the file is missing, or a line of it is no key.
    """
    if not path.exists():
        raise UnusableError("keys", f"the file {path.name}", "none", str(path.parent))
    decoder, keys = msgspec.json.Decoder(_Line), list[VisitKey]()
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        where = f"{path}:{number}"
        try:
            line = decoder.decode(text)
            key = VisitKey(line.name, bytes.fromhex(line.secret))
        except (msgspec.DecodeError, ValueError) as why:
            raise UnusableError("key", "visit, name and secret in hexadecimal", why, where) from None
        if len(key.secret) != KEY_BYTES or key.id.hex() != line.visit:
            raise UnusableError("key", f"a secret of {KEY_BYTES} bytes whose digest is {line.visit}", "another", where)
        keys.append(key)
    return keys
