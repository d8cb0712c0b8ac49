"""Logs for the tests: leaves that tell their index, keys that are the same every time, and broken folders."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streams.audit.cosignature import Cosigner
from streams.audit.files import Files
from streams.audit.log import Log
from streams.audit.note import Signer

ORIGIN = "shop.example/audit"


def signer(which: str = "log", name: str = ORIGIN) -> Signer:
    return Signer(name, private(which))


def cosigner(which: str) -> Cosigner:
    return Cosigner(f"witness.example/{which}", private(which))


def private(which: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(which.encode()).digest())


def leaves(start: int, stop: int) -> list[bytes]:
    """Each of another length, some empty."""
    return [b"%d " % at * (at % 5) for at in range(start, stop)]


def log(folder: Path, files: Files | None = None, signers: Sequence[Signer] | None = None) -> Log:
    return Log(folder, ORIGIN, signers or [signer()], files=files)


def grown(folder: Path, *sizes: int) -> Path:
    """A log that was published at each of these sizes."""
    with log(folder) as opened:
        for size in sizes:
            opened.append(leaves(opened.size, size))
            opened.publish()
    return folder


def paths(folder: Path) -> list[str]:
    """The files of a log but its lock."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path != ".lock")
