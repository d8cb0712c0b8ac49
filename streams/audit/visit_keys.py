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
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from streams.audit.errors import AuditError, UnusableError

KEY_BYTES = 32
ID_BYTES = 16
NONCE_BYTES = 12


class VisitKey(Struct, frozen=True):
    """The key of a visit.

    Attributes:
        name: of the person, or of whom a verdict is about.
        secret: 32 bytes.
    """

    name: str
    secret: bytes

    @property
    def id(self) -> bytes:
        """What records name it by, 16 bytes: tells nothing without the key."""
        return blake2b(self.secret, digest_size=ID_BYTES, person=b"vigil visit").digest()


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

    def told(self) -> list[VisitKey]:
        """The keys made since this was last asked."""
        fresh, self.fresh = self.fresh, []
        return fresh


class _Line(Struct, frozen=True):
    visit: str
    name: str
    secret: str


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
    """Keys as they were made before, in the same order.

    Attributes:
        made: by name, those that were not asked for yet.
    """

    made: dict[str, list[VisitKey]] = field(default_factory=dict)

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """The keys of a run.

        Raises:
            UnusableError: the file is missing, or a line of it is no key.
        """
        recorded = cls(b"")
        for key in read_keys(path):
            recorded.made.setdefault(key.name, []).append(key)
        return recorded

    def make(self, name: str) -> VisitKey:
        """The next key that was made for a name.

        Raises:
            AuditError: none was.
        """
        if not self.made.get(name):
            raise AuditError("key", f"one of {name}", "none: erased, or it was never sealed")
        return self.made[name].pop(0)


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
