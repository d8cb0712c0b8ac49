"""Disclosure: one record of a log opened to somebody, by a key that opens no other.

A proof holds its leaf in the line `extra`. Where the record is disclosed, the line holds MessagePack instead: an array
of 3, the leaf and the record's own key. Nothing needs to vouch for that key: the leaf, which leads to the root, commits
to it.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from features.events import Disposition
from features.sequence import CATALOGUE
from models.records import Alert, Score
from streams.audit.errors import AuditError, FormatError
from streams.audit.records import Beginning, Entry, Kind, Record, decode_record, open_content
from streams.audit.visit_keys import VisitKey, opening

Published = Score | Alert | Disposition
KINDS = {Kind.SCORE: Score, Kind.ALERT: Alert, Kind.DISPOSITION: Disposition}
_MARK = b"\x93\x03"  # an array of three, of which the first is 3: no record begins so


class _Disclosure(Struct, frozen=True, array_like=True, tag=3):
    leaf: bytes
    opening: bytes


class Opened(NamedTuple):
    """What a record says.

    Attributes:
        kind: of what was published.
        position: place in the journal of the entry it came of.
        visit: id of the key of the visit, 16 bytes.
        published: what was published, or the disposition.
        features: of a score, its sequence features by name; empty of others.
        journal: digest of the journal up to and with that entry.
    """

    kind: Kind
    position: int
    visit: bytes
    published: Published
    features: dict[str, int]
    journal: bytes


_disclosure = msgspec.msgpack.Decoder(_Disclosure)
_published: msgspec.json.Decoder[Published] = msgspec.json.Decoder(Published)


def disclose(leaf: bytes, key: VisitKey, where: str = "leaf") -> bytes:
    """The line `extra` of a proof that opens a record.

    Raises:
        AuditError: the leaf is no record of the key's visit.
    """
    record = decode_record(leaf, where)
    if not isinstance(record, Entry) or record.visit != key.id:
        raise AuditError("record", f"one of the visit {key.id.hex()}", "another", where)
    return msgspec.msgpack.encode(_Disclosure(leaf, opening(record.sealed.nonce, key)))


def disclosed(extra: bytes, where: str = "proof") -> tuple[bytes, bytes | None]:
    """The leaf out of the line `extra`, and the key of its record where that is disclosed.

    Raises:
        FormatError: it begins as a disclosure and is none.
    """
    if not extra.startswith(_MARK):
        return extra, None
    try:
        found = _disclosure.decode(extra)
    except msgspec.DecodeError as why:
        raise FormatError("extra", "a leaf and the key of its record", why, where) from None
    if msgspec.msgpack.encode(found) != extra:
        raise FormatError("extra", "its canonical bytes", "another form of the same", where)
    return found.leaf, found.opening


def record_of(leaf: bytes) -> Record | None:
    """The record of a leaf; nothing where it is another log's."""
    try:
        return decode_record(leaf)
    except FormatError:
        return None


def opened(leaf: bytes, own: bytes, where: str = "leaf") -> Opened:
    """What a record says, by its own key.

    Raises:
        AuditError: it is another record's key, or the record is none or was changed.
    """
    record = decode_record(leaf, where)
    if not isinstance(record, Entry):
        got = "the beginning of a log" if isinstance(record, Beginning) else "a tombstone"
        raise FormatError("record", "a score, an alert or a disposition", got, where)
    try:
        content = open_content(record, own, where)
        kind, published = Kind(record.kind), _published.decode(content.published)
    except AuditError as wrong:
        raise AuditError(wrong.field, wrong.expected, wrong.got, where) from None
    except (msgspec.DecodeError, ValueError) as why:
        raise FormatError("content", "what was published", why, where) from None
    if not isinstance(published, KINDS[kind]):
        raise FormatError("kind", KINDS[kind].__name__, type(published).__name__, where)
    features = _features(content.values, where) if kind == Kind.SCORE else {}
    return Opened(kind, record.position, record.visit, published, features, content.journal)


def _features(values: bytes, where: str) -> dict[str, int]:
    if len(values) != 4 * len(CATALOGUE):
        raise FormatError("features", f"{len(CATALOGUE)} values, as this version has", f"{len(values)} bytes", where)
    return dict(zip((spec.name for spec in CATALOGUE), np.frombuffer(values, "<i4").tolist(), strict=True))
