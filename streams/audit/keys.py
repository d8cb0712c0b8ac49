"""Keys in a folder: each is a file that only its owner may read, with the public key beside it.

`0001-1f2e3d4c.key` holds the private key, `0001-1f2e3d4c.vkey` the public one, which stays when the private one is
removed. The highest number signs. The eight digits are the key's id, as signatures bear it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.audit.cosignature import Cosigner, Witness
from streams.audit.errors import UnusableError
from streams.audit.note import PrivateKey, Signer, Verifier

PRIVATE, PUBLIC = ".key", ".vkey"
_FILE = re.compile(r"([0-9]{4,})-([0-9a-f]{8})")
_KINDS: tuple[tuple[type[Verifier], type[PrivateKey]], ...] = ((Verifier, Signer), (Witness, Cosigner))


class StoredKey(NamedTuple):
    """A key of a folder.

    Attributes:
        number: when it was made, of all in the folder.
        verifier: the public half, a `Witness` if it cosigns.
        private: the file of the private half; None if it is not there.
    """

    number: int
    verifier: Verifier
    private: Path | None


def make_key(folder: Path, private: PrivateKey) -> StoredKey:
    """Keep a key, which signs from now on.

    Raises:
        UnusableError: the folder has keys of another name or kind.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    verifier = _public(private)
    stored = list_keys(folder)
    for each in stored:
        if (each.verifier.name, type(each.verifier)) != (verifier.name, type(verifier)):
            expected = f"keys of {verifier.name}, of one kind; take a folder for each"
            raise UnusableError("key", expected, each.verifier.vkey, str(folder))
    number = stored[-1].number + 1 if stored else 1
    path = folder / f"{number:04}-{verifier.key_id.hex()}{PRIVATE}"
    write_new(path.with_suffix(PUBLIC), f"{verifier.vkey}\n".encode(), 0o644)
    write_new(path, f"{private.skey}\n".encode(), 0o600)
    return StoredKey(number, verifier, path)


def rotate_key(folder: Path) -> StoredKey:
    """Make a new key of the same name, which signs from now on.

    Raises:
        UnusableError: the folder has no key.
    """
    last = _last(folder)
    private = Cosigner if isinstance(last.verifier, Witness) else Signer
    return make_key(folder, private.generate(last.verifier.name))


def list_keys(folder: Path) -> list[StoredKey]:
    """The keys of a folder, the oldest first; private ones are not read.

    Raises:
        UnusableError: a public key is none, or its file has another name than it should.
    """
    return sorted((_stored(path) for path in _files(folder, PUBLIC)), key=lambda stored: stored.number)


def load_signers(folder: Path, newest: int = 1) -> list[Signer]:
    """The newest keys of a folder, to sign with: two while one is handed over to the other.

    Raises:
        UnusableError: they are not there, are a witness's, or others may read them.
    """
    stored = [each for each in list_keys(folder) if each.private][-newest:]
    if len(stored) < newest:
        raise UnusableError("private keys", f"at least {newest}", len(stored), str(folder))
    return [Signer.parse(_secret(each)) for each in stored]


def load_cosigner(folder: Path) -> Cosigner:
    """The newest key of a folder, to cosign with.

    Raises:
        UnusableError: it is not there, is not a witness's, or others may read it.
    """
    return Cosigner.parse(_secret(_last(folder)))


def load_verifiers(folder: Path) -> list[Verifier]:
    """The public keys of a folder, the old ones too.

    Raises:
        UnusableError: as `list_keys`.
    """
    return [stored.verifier for stored in list_keys(folder)]


def parse_verifier(vkey: str) -> Verifier:
    """A log's or a witness's public key out of its text.

    Raises:
        UnusableError: it is none.
    """
    try:
        return Verifier.parse(vkey)
    except UnusableError as wrong:
        try:
            return Witness.parse(vkey)
        except UnusableError:
            raise wrong from None


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, with its rights from the beginning, and have it on the disk.

    Raises:
        FileExistsError: it is there.
    """
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _public(private: PrivateKey) -> Verifier:
    kind = next(public for public, secret in _KINDS if isinstance(private, secret))
    return kind(private.name, private.public)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    if not folder.is_dir():
        raise UnusableError("keys", "a folder; `vigil audit keys make` makes one", "none", str(folder))
    return (path for path in folder.glob(f"*{suffix}") if _FILE.fullmatch(path.stem))


def _stored(path: Path) -> StoredKey:
    number, key_id = path.stem.split("-")
    verifier = parse_verifier(path.read_text(encoding="utf-8"))
    if verifier.key_id.hex() != key_id:
        raise UnusableError("key", f"the one with id {key_id}", verifier.vkey, str(path))
    private = path.with_suffix(PRIVATE)
    return StoredKey(int(number), verifier, private if private.exists() else None)


def _last(folder: Path) -> StoredKey:
    stored = list_keys(folder)
    if not stored:
        raise UnusableError("keys", "at least one; `vigil audit keys make` makes it", "none", str(folder))
    return stored[-1]


def _secret(stored: StoredKey) -> str:
    if stored.private is None:
        raise UnusableError("private key", "a file .key beside the .vkey", "none", stored.verifier.vkey)
    mode = stored.private.stat().st_mode & 0o777
    if mode & 0o077:
        raise UnusableError(
            "rights", "600: chmod 600 it, and rotate it if others read it", f"{mode:o}", str(stored.private)
        )
    return stored.private.read_text(encoding="utf-8")
