"""Gets redis-server: from the PATH, or on Debian from its packages, installed by root or unpacked into the checkout."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.fetch import CACHE, locked, unfinished
from tests.services.process import ServiceMissingError

PACKAGE = "redis-server"
QUIET = ("-o", "Dpkg::Use-Pty=0", "-qq")


@dataclass(frozen=True, slots=True)
class RedisProgram:
    """The program, and what has to be added to its environment."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)


def redis_program(cache: Path = CACHE) -> RedisProgram:
    """redis-server on this machine, fetched if need be.

    Raises:
        ServiceMissingError: it cannot be had.
    """
    unpacked = cache / "redis"
    with locked(cache / "redis.lock"):
        if found := _on_path() or _unpacked(unpacked):
            return found
        if shutil.which("apt-get") is None:
            raise _missing("this is no Debian")
        try:
            if os.geteuid() == 0:
                install()
            else:
                unpack(unpacked)
        except subprocess.CalledProcessError as error:
            raise _missing(str(error.stderr).strip() or str(error)) from error
        if found := _on_path() or _unpacked(unpacked):
            return found
    raise _missing("its package has no program")


def install() -> None:
    """Install the package, which only root can."""
    command = ("apt-get", *QUIET, "install", "-y", "--no-install-recommends", PACKAGE)
    calm = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        _said(*command, environment=calm)
    except subprocess.CalledProcessError:
        _said("apt-get", *QUIET, "update")
        _said(*command, environment=calm)


def unpack(folder: Path, *options: str) -> None:
    """Download the package with those it needs and the machine lacks, and unpack them; `options` are apt's."""
    simulated = ("--simulate", "-o", "Debug::NoLocking=true", "install", "--no-install-recommends", PACKAGE)
    planned = _said("apt-get", *options, *simulated)
    packages = re.findall(r"^Inst (\S+)", planned, re.MULTILINE)
    with unfinished(folder.parent) as partial:
        _said("apt-get", *options, *QUIET, "download", *packages, folder=partial)
        for package in sorted(partial.glob("*.deb")):
            _said("dpkg", "-x", str(package), str(partial))
            package.unlink()
        partial.rename(folder)


def _on_path() -> RedisProgram | None:
    path = shutil.which("redis-server")
    return RedisProgram(path) if path else None


def _unpacked(folder: Path) -> RedisProgram | None:
    program = folder / "usr/bin/redis-server"
    if not program.exists():
        return None
    libraries = sorted({str(file.parent) for file in folder.rglob("*.so*")})
    return RedisProgram(str(program), {"LD_LIBRARY_PATH": ":".join(libraries)})


def _said(*command: str, folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C"} | (environment or {})
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return ended.stdout


def _missing(why: str) -> ServiceMissingError:
    return ServiceMissingError(
        f"the tests need redis-server: expected it on the PATH, got none, and it could not be fetched ({why}). "
        "Install it, on Debian `apt-get install redis-server`, or set VIGIL_TEST_REDIS to a server of your own, "
        "redis://host:port/db"
    )
