"""Records: one byte form, of integers, strings and byte strings, and no other."""

import msgspec
import pytest

from streams.audit.errors import AuditError, FormatError
from streams.audit.records import (
    Beginning,
    Content,
    Kind,
    Public,
    Tombstone,
    decode_record,
    encode_record,
    open_content,
    open_entry,
    sealed_entry,
)
from streams.audit.visit_keys import KEY_BYTES, VisitKey, opening

KEY = VisitKey("door/1/0", bytes(range(KEY_BYTES)))
CONTENT = Content(bytes(32), b'{"score":7}', b"\1\0\0\0")
BEGINNING = Beginning(bytes(32), bytes(32), 1, "0.1.0", b"")
ENTRY = sealed_entry(Public(Kind.SCORE, 300, KEY.id), KEY, CONTENT)
ALERT = sealed_entry(Public(Kind.ALERT, 0, KEY.id, "door", 472_000), KEY, CONTENT)


def plain(value: object) -> bool:
    """Whether a value is made of integers, strings and byte strings alone."""
    if isinstance(value, list):
        return all(map(plain, value))
    return type(value) in {int, str, bytes}


@pytest.mark.parametrize("record", [BEGINNING, ENTRY, ALERT, Tombstone([KEY.id, bytes(16)], "asked")])
def test_a_record_comes_back(record: Beginning) -> None:
    leaf = encode_record(record)
    assert decode_record(leaf) == record
    assert plain(msgspec.msgpack.decode(leaf))


def test_the_bytes_are_these() -> None:
    assert encode_record(Beginning(b"\1", b"\2", 1, "v", b"\3")).hex() == "9601c40101c4010201a176c40103"


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"\x90",
        encode_record(BEGINNING)[:-1],
        encode_record(BEGINNING) + b"\0",
        msgspec.msgpack.encode([4, b"", b"", 1, "v"]),
        msgspec.msgpack.encode([1, b"", b"", 1]),
        msgspec.msgpack.encode([1, b"", b"", 1, "v", 0]),
        msgspec.msgpack.encode([1, b"", b"", "1", "v"]),
        bytes.fromhex("95 01 c40101 c40102 cc01 a176"),  # 1 in two bytes
        bytes.fromhex("95 01 c50001 01 c40102 01 a176"),  # a length in two bytes
        bytes.fromhex("dc0005 01 c40101 c40102 01 a176"),  # a long array of five
    ],
)
def test_another_form_is_refused(leaf: bytes) -> None:
    with pytest.raises(FormatError, match="leaf 7: record: expected"):
        decode_record(leaf, "leaf 7")


def test_a_record_is_opened_by_its_visit_or_by_its_own_key() -> None:
    assert open_entry(ENTRY, KEY) == CONTENT
    assert open_content(ENTRY, opening(ENTRY.sealed.nonce, KEY)) == CONTENT
    with pytest.raises(AuditError, match="leaf: visit: expected"):
        open_entry(ENTRY, VisitKey("door/1/0", bytes(KEY_BYTES)))


@pytest.mark.parametrize("change", [{"kind": 2}, {"position": 301}])
def test_what_is_not_hidden_is_bound(change: dict[str, int]) -> None:
    with pytest.raises(AuditError, match="sealed content"):
        open_entry(msgspec.structs.replace(ENTRY, **change), KEY)
