"""An encrypted copy of a folder of keys, for a safe: whoever has it and the passphrase can sign.

A line that says what it is, 16 bytes of salt, 12 of nonce, and the files as JSON under AES-256-GCM. The key comes out
of the passphrase by scrypt (RFC 7914) with n = 2**17, r = 8, p = 1, which takes 128 MB and a good part of a second.
"""

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from streams.audit.errors import UnusableError
from streams.audit.keys import PRIVATE, PUBLIC, StoredKey, list_keys, write_new

FIRST_LINE = b"vigil audit keys, encrypted, version 1\n"
PASSPHRASE_MIN = 12
_SALT, _NONCE = 16, 12


def backup_keys(folder: Path, copy: Path, passphrase: str) -> list[StoredKey]:
    """Write an encrypted copy of all keys of a folder to a new file.

    Raises:
        UnusableError: there are no keys, or the passphrase is too short.
        FileExistsError: the file is there.
    """
    if len(passphrase) < PASSPHRASE_MIN:
        raise UnusableError("passphrase", f"{PASSPHRASE_MIN} characters or more", len(passphrase))
    stored = list_keys(folder)
    if not stored:
        raise UnusableError("keys", "at least one", "none", str(folder))
    files = {path.name: path.read_text(encoding="utf-8") for each in stored for path in _files(folder, each)}
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, msgspec.json.encode(files), FIRST_LINE)
    write_new(copy, FIRST_LINE + salt + nonce + sealed, 0o600)
    return stored


def restore_keys(copy: Path, folder: Path, passphrase: str) -> list[StoredKey]:
    """Write the keys of an encrypted copy to a folder; those that are there already stay.

    Raises:
        UnusableError: it is no such copy, the passphrase is another, or the folder has other keys.
    """
    files = _opened(copy, passphrase)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = {name for name, text in files.items() if _is_there(folder / name, text)}
    for name in sorted(files.keys() - there):
        write_new(folder / name, files[name].encode(), 0o600 if name.endswith(PRIVATE) else 0o644)
    return list_keys(folder)


def _opened(copy: Path, passphrase: str) -> dict[str, str]:
    content = copy.read_bytes()
    if not content.startswith(FIRST_LINE):
        raise UnusableError("first line", FIRST_LINE.decode().strip(), "another", str(copy))
    salt, rest = content[len(FIRST_LINE) :][:_SALT], content[len(FIRST_LINE) + _SALT :]
    try:
        text = AESGCM(_key(passphrase, salt)).decrypt(rest[:_NONCE], rest[_NONCE:], FIRST_LINE)
    except (InvalidTag, ValueError):
        raise UnusableError("passphrase", "the one of the backup, and a whole file", "another", str(copy)) from None
    return msgspec.json.decode(text, type=dict[str, str])


def _files(folder: Path, stored: StoredKey) -> list[Path]:
    public = folder / f"{stored.number:04}-{stored.verifier.key_id.hex()}{PUBLIC}"
    return [public, stored.private] if stored.private else [public]


def _is_there(path: Path, text: str) -> bool:
    if not path.exists():
        return False
    if path.read_text(encoding="utf-8") != text:
        raise UnusableError("key", "the one of the backup", "another", str(path))
    return True


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << 17, r=8, p=1).derive(passphrase.encode())
