"""Records: what a leaf of the audit log holds, in one byte form made of integers, strings and byte strings.

A record is MessagePack: an array of fields in a fixed order, each number in its shortest form. A reader that encodes a
record again gets the same bytes, or refuses it. docs/audit.md lists the fields.
"""

from enum import IntEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from streams.audit.errors import AuditError, FormatError
from streams.audit.visit_keys import Sealed, VisitKey, opening, seal, unseal

DIGEST_BYTES = 32


class Kind(IntEnum):
    """What was published or decided."""

    SCORE = 1
    ALERT = 2
    DISPOSITION = 3


class Beginning(Struct, frozen=True, array_like=True, tag=1):
    """The first record of a log: with what everything after it was made.

    Attributes:
        site: SHA-256 of the site, as JSON.
        bundle: digest of the bundle.
        scoring_version: of the bundle.
        vigil: version of the code.
        normality: digest of what is normal at the site; empty where nobody has learned it.
    """

    site: bytes
    bundle: bytes
    scoring_version: int
    vigil: str
    normality: bytes


class Public(NamedTuple):
    """What of a record is not hidden, and is bound to what is.

    Attributes:
        kind: a `Kind`.
        position: place in the journal of the entry it came of.
        visit: names the key.
        camera: of an alert that was raised, for it counts in a budget whoever is erased; else empty.
        hour: in which it counts, since 1970; else 0.
    """

    kind: int
    position: int
    visit: bytes
    camera: str = ""
    hour: int = 0


class Entry(Struct, frozen=True, array_like=True, tag=2):
    """A score, an alert or a disposition, sealed with the key of the visit; the first five fields are `Public`."""

    kind: int
    position: int
    visit: bytes
    camera: str
    hour: int
    sealed: Sealed

    @property
    def context(self) -> bytes:
        """What is bound to the content without being hidden."""
        return _encode(Public(self.kind, self.position, self.visit, self.camera, self.hour))


class Tombstone(Struct, frozen=True, array_like=True, tag=3):
    """Visits that were erased: their keys are gone, and what was sealed with them can never be opened again.

    Attributes:
        visits: names of the keys, in order.
        reason: `asked` or `age`.
    """

    visits: list[bytes]
    reason: str


class Content(Struct, frozen=True, array_like=True):
    """What is sealed.

    Attributes:
        journal: digest of the journal up to and with the entry it came of.
        published: the JSON that was published, or the disposition's.
        values: of a score, its sequence features in the catalogue's order, int32 little-endian.
    """

    journal: bytes
    published: bytes
    values: bytes


Record = Beginning | Entry | Tombstone
_encode = msgspec.msgpack.Encoder().encode
_record: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_content = msgspec.msgpack.Decoder(Content)


def encode_record(record: Record) -> bytes:
    """The canonical bytes of a record."""
    return _encode(record)


def sealed_entry(public: Public, key: VisitKey, content: Content) -> Entry:
    """A record of something published, sealed."""
    return Entry(*public, seal(_encode(content), key, _encode(public)))


def decode_record(leaf: bytes, where: str = "leaf") -> Record:
    """The record of a leaf.

    Raises:
        FormatError: it is none, or not in its canonical form.
    """
    try:
        record = _record.decode(leaf)
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise FormatError("record", "a record of version 1", why, where) from None
    if _encode(record) != leaf:
        raise FormatError("record", "its canonical bytes", "another form of the same", where)
    return record


def open_entry(entry: Entry, key: VisitKey, where: str = "leaf") -> Content:
    """What a record says, by the key of its visit.

    Raises:
        AuditError: it is another visit's key, or the record was changed.
    """
    if entry.visit != key.id:
        raise AuditError("visit", entry.visit.hex(), key.id.hex(), where)
    return open_content(entry, opening(entry.sealed.nonce, key), where)


def open_content(entry: Entry, own: bytes, where: str = "leaf") -> Content:
    """What a record says, by its own key.

    Raises:
        AuditError: it is another record's key, or the record was changed.
    """
    content = unseal(entry.sealed, own, entry.context)
    try:
        return _content.decode(content)
    except msgspec.DecodeError as why:
        raise FormatError("content", "journal, published, values", why, where) from None
