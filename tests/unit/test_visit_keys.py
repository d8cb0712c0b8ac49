"""Keys of visits: the same secret makes the same keys, nothing else opens what is sealed, and a key file says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.audit.errors import AuditError, UnusableError
from streams.audit.visit_keys import (
    KEY_BYTES,
    KeyFile,
    RecordedKeys,
    Sealed,
    VisitKey,
    VisitKeys,
    key_ring,
    opening,
    read_keys,
    seal,
    unseal,
    write_keys,
)

KEY = VisitKey("door/1/0", bytes(range(KEY_BYTES)))
OTHER = VisitKey("door/1/0", bytes(range(1, KEY_BYTES + 1)))


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_was_sealed_is_opened(content: bytes, context: bytes) -> None:
    sealed = seal(content, KEY, context)
    assert seal(content, KEY, context) == sealed
    assert unseal(sealed, opening(sealed.nonce, KEY), context) == content
    assert len(content) < KEY_BYTES or content not in sealed.content


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_no_nonce_seals_two_contents(one: bytes, other: bytes) -> None:
    assert (seal(one, KEY, b"").nonce == seal(other, KEY, b"").nonce) == (one == other)


@pytest.mark.parametrize("field", Sealed.__struct_fields__)
def test_a_flipped_bit_is_refused(field: str) -> None:
    sealed = seal(b"what was said", KEY, b"context")
    own = opening(sealed.nonce, KEY)
    for at in range(8 * len(getattr(sealed, field))):
        value = bytearray(getattr(sealed, field))
        value[at // 8] ^= 1 << at % 8
        fields = {name: getattr(sealed, name) for name in Sealed.__struct_fields__} | {field: bytes(value)}
        with pytest.raises(AuditError, match="commitment" if field == "commitment" else "sealed content"):
            unseal(Sealed(**fields), own, b"context")


def test_another_key_or_context_is_refused() -> None:
    sealed = seal(b"what was said", KEY, b"context")
    with pytest.raises(AuditError, match="commitment"):
        unseal(sealed, opening(sealed.nonce, OTHER), b"context")
    with pytest.raises(AuditError, match="sealed content"):
        unseal(sealed, opening(sealed.nonce, KEY), b"another")


def test_the_key_of_one_record_opens_no_other() -> None:
    one, other = seal(b"one", KEY, b""), seal(b"other", KEY, b"")
    with pytest.raises(AuditError, match="commitment"):
        unseal(other, opening(one.nonce, KEY), b"")


def test_the_same_secret_makes_the_same_keys() -> None:
    one, again, another = (VisitKeys(bytes([at]) * KEY_BYTES) for at in (1, 1, 2))
    names = ["a", "b", "a", "c"]
    keys = [one.of(name) for name in names]
    assert keys == [again.of(name) for name in names]
    assert keys[0] == keys[2]
    assert len({key.secret for key in keys}) == 3
    assert not {key.secret for key in keys} & {another.of(name).secret for name in names}
    assert one.told() == [keys[0], keys[1], keys[3]]
    assert one.told() == []


def test_the_ratchet_forgets() -> None:
    keys = VisitKeys(bytes(KEY_BYTES))
    first = keys.of("a")
    assert VisitKeys(keys.secret).of("a") != first


def test_a_name_may_have_several_keys() -> None:
    keys = VisitKeys(bytes(KEY_BYTES))
    assert keys.make("a") != keys.make("a")


def test_keys_are_made_again_from_their_file(tmp_path: Path) -> None:
    path, keys = tmp_path / "keys", VisitKeys(bytes(KEY_BYTES))
    made = [keys.of("a"), keys.make("b"), keys.make("b"), keys.of("c")]
    file = KeyFile(path)
    file.add(keys.told())
    file.close()
    assert path.stat().st_mode & 0o077 == 0
    assert read_keys(path) == made
    again = RecordedKeys(b"", ring=key_ring(path))
    assert [again.with_id(key.id) for key in made] == made
    with pytest.raises(AuditError, match="key: expected one of b"):
        again.of("b")
    with pytest.raises(AuditError, match="key: expected that of 00"):
        again.with_id(b"\0")


def test_a_key_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write_keys(path, [KEY, OTHER])
    write_keys(path, [OTHER])
    assert read_keys(path) == [OTHER]
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_is_found_until_it_is_told() -> None:
    keys = VisitKeys(bytes(KEY_BYTES))
    made = [keys.make("a"), keys.make("a")]
    assert [keys.with_id(key.id) for key in made] == made
    keys.told()
    with pytest.raises(AuditError, match="key: expected that of"):
        keys.with_id(made[0].id)


@pytest.mark.parametrize(
    "line", ['{"visit":"00","name":"a","secret":"zz"}', '{"name":"a"}', "[", '{"visit":"00","name":"a","secret":"00"}']
)
def test_a_line_that_is_no_key_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    with pytest.raises(UnusableError, match="keys:1: key: expected"):
        read_keys(tmp_path / "keys")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="expected the file keys"):
        read_keys(tmp_path / "keys")
