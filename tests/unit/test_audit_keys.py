from pathlib import Path

import pytest

from streams.audit.errors import UnusableError
from streams.audit.key_backup import FIRST_LINE, backup_keys, restore_keys
from streams.audit.keys import list_keys, load_cosigner, load_signers, load_verifiers, make_key, rotate_key
from tests.running.audit_logs import cosigner, grown, log, signer

PASSPHRASE = "twelve words or so"  # noqa: S105 - of these tests


def rights(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def test_a_key_is_kept(tmp_path: Path) -> None:
    stored = make_key(tmp_path / "keys", signer())
    assert stored.private
    assert (rights(tmp_path / "keys"), rights(stored.private)) == ("700", "600")
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [
        f"0001-{signer().key_id.hex()}.key", f"0001-{signer().key_id.hex()}.vkey",
    ]  # fmt: skip
    assert stored.private.with_suffix(".vkey").read_text() == f"{signer().verifier.vkey}\n"
    assert [each.skey for each in load_signers(tmp_path / "keys")] == [signer().skey]


def test_a_new_key_signs_and_the_old_one_is_known(tmp_path: Path) -> None:
    old = make_key(tmp_path, signer())
    new = rotate_key(tmp_path)
    assert [each.number for each in list_keys(tmp_path)] == [1, 2]
    assert load_verifiers(tmp_path) == [old.verifier, new.verifier]
    assert [each.verifier for each in load_signers(tmp_path)] == [new.verifier]
    assert [each.verifier for each in load_signers(tmp_path, 2)] == [old.verifier, new.verifier]


def test_a_log_through_a_rotation(tmp_path: Path) -> None:
    grown(tmp_path / "log", 10)
    make_key(tmp_path / "keys", signer())
    rotate_key(tmp_path / "keys")
    old, new = load_signers(tmp_path / "keys", 2)
    with log(tmp_path / "log", signers=[old, new]) as opened:
        opened.publish()
    with log(tmp_path / "log", signers=[new]) as opened:
        assert opened.size == 10


def test_an_old_private_key_may_be_removed(tmp_path: Path) -> None:
    old = make_key(tmp_path, signer())
    rotate_key(tmp_path)
    assert old.private
    old.private.unlink()
    assert [each.private is None for each in list_keys(tmp_path)] == [True, False]
    assert old.verifier in load_verifiers(tmp_path)
    with pytest.raises(UnusableError, match=r": private keys: expected at least 2, got 1$"):
        load_signers(tmp_path, 2)


def test_the_newest_of_more_than_nine_keys_signs(tmp_path: Path) -> None:
    make_key(tmp_path, signer())
    newest = [rotate_key(tmp_path) for _ in range(11)][-1]
    assert newest.number == 12
    assert load_signers(tmp_path)[0].verifier == newest.verifier


def test_keys_of_witnesses(tmp_path: Path) -> None:
    make_key(tmp_path, cosigner("one"))
    newest = rotate_key(tmp_path)
    assert load_cosigner(tmp_path).witness == newest.verifier
    with pytest.raises(UnusableError, match=r"expected kind 1 and 32 bytes, got kind 4"):
        load_signers(tmp_path)


def test_a_folder_is_for_one_name_and_kind(tmp_path: Path) -> None:
    make_key(tmp_path, signer())
    for other in (signer("x", "other.example"), cosigner("one")):
        with pytest.raises(UnusableError, match=r"of one kind; take a folder for each, got shop.example/audit\+"):
            make_key(tmp_path, other)
    assert len(list_keys(tmp_path)) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_private_key_that_others_may_read(tmp_path: Path, mode: int) -> None:
    stored = make_key(tmp_path, signer())
    assert stored.private
    stored.private.chmod(mode)
    with pytest.raises(UnusableError, match=rf"rights: expected 600: .*, got {mode:o}$"):
        load_signers(tmp_path)


def test_folders_without_keys(tmp_path: Path) -> None:
    with pytest.raises(
        UnusableError, match=r"nothing: keys: expected a folder; `vigil audit keys make` makes one, got none$"
    ):
        list_keys(tmp_path / "nothing")
    with pytest.raises(UnusableError, match=r": keys: expected at least one; "):
        rotate_key(tmp_path)
    with pytest.raises(UnusableError, match=r": private keys: expected at least 1, got 0$"):
        load_signers(tmp_path)


def test_a_public_key_under_another_name(tmp_path: Path) -> None:
    make_key(tmp_path, signer())
    (tmp_path / "0002-00000000.vkey").write_text(signer("other").verifier.vkey)
    with pytest.raises(UnusableError, match=r"key: expected the one with id 00000000, got shop.example/audit\+"):
        list_keys(tmp_path)


def test_a_backup_comes_back(tmp_path: Path) -> None:
    keys, copy = tmp_path / "keys", tmp_path / "copy"
    make_key(keys, signer())
    rotate_key(keys)
    assert len(backup_keys(keys, copy, PASSPHRASE)) == 2
    assert rights(copy) == "600"
    for _ in range(2):
        restore_keys(copy, tmp_path / "restored", PASSPHRASE)
    for path in keys.iterdir():
        restored = tmp_path / "restored" / path.name
        assert (restored.read_bytes(), rights(restored)) == (path.read_bytes(), rights(path))
    assert [each.skey for each in load_signers(tmp_path / "restored", 2)] == [
        each.skey for each in load_signers(keys, 2)
    ]


def test_a_backup_holds_nothing_that_can_be_read(tmp_path: Path) -> None:
    make_key(tmp_path / "keys", signer())
    backup_keys(tmp_path / "keys", tmp_path / "copy", PASSPHRASE)
    content = (tmp_path / "copy").read_bytes().removeprefix(FIRST_LINE)
    assert b"PRIVATE" not in content
    assert signer().skey[-20:].encode() not in content
    assert signer().key.private_bytes_raw() not in content


def test_backups_that_cannot_be_used(tmp_path: Path) -> None:
    keys, copy = tmp_path / "keys", tmp_path / "copy"
    make_key(keys, signer())
    with pytest.raises(UnusableError, match=r"^passphrase: expected 12 characters or more, got 5$"):
        backup_keys(keys, copy, "short")
    backup_keys(keys, copy, PASSPHRASE)
    with pytest.raises(FileExistsError):
        backup_keys(keys, copy, PASSPHRASE)
    content = copy.read_bytes()
    for wrong in (content[:-1], content[:60], content[:45], content[:-1] + b"!", content[:50] + b"!" + content[51:]):
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(
            UnusableError, match=r"passphrase: expected the one of the backup, and a whole file, got another$"
        ):
            restore_keys(tmp_path / "wrong", tmp_path / "other", PASSPHRASE)
    with pytest.raises(UnusableError, match=r"passphrase: "):
        restore_keys(copy, tmp_path / "other", PASSPHRASE + " ")
    (tmp_path / "wrong").write_bytes(b"?" + content)
    with pytest.raises(
        UnusableError, match=r"first line: expected vigil audit keys, encrypted, version 1, got another$"
    ):
        restore_keys(tmp_path / "wrong", tmp_path / "other", PASSPHRASE)
    assert not (tmp_path / "other").exists()


def test_another_key_is_not_written_over(tmp_path: Path) -> None:
    keys, copy = tmp_path / "keys", tmp_path / "copy"
    stored = make_key(keys, signer())
    backup_keys(keys, copy, PASSPHRASE)
    assert stored.private
    stored.private.write_text("another\n")
    with pytest.raises(UnusableError, match=r"key: expected the one of the backup, got another$"):
        restore_keys(copy, keys, PASSPHRASE)
    assert stored.private.read_text() == "another\n"
