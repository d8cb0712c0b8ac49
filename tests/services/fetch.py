"""Gets Kafka: its jars into a folder of the checkout, or the image of the same version where there is no Java."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.services.process import ServiceMissingError

KAFKA = "4.1.0"
OLDEST_JAVA = 17
CACHE = Path(__file__).parents[2] / ".services"
REPOSITORY = "https://repo.maven.apache.org/maven2"
JARS = Path(__file__).with_name("kafka-jars.txt")
WAIT_S = 60
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>vigil</groupId><artifactId>services</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


class KafkaProgram(Protocol):
    """A way to run Kafka's classes."""

    def command(self, folder: Path, options: Sequence[str], arguments: Sequence[str]) -> list[str]:
        """The command that runs the class named first in `arguments`; it may use `folder` and the loopback ports."""

    def after(self, folder: Path) -> list[str]:
        """What has to be run when the command has ended, or nothing."""


@dataclass(frozen=True, slots=True)
class Java:
    """The jars, by the Java on the PATH."""

    jars: Path

    def command(self, folder: Path, options: Sequence[str], arguments: Sequence[str]) -> list[str]:  # noqa: ARG002
        """See `KafkaProgram`."""
        return ["java", *options, "-cp", f"{self.jars}/*", *arguments]

    def after(self, folder: Path) -> list[str]:  # noqa: ARG002
        """See `KafkaProgram`."""
        return []


@dataclass(frozen=True, slots=True)
class Image:
    """The image, by a Docker engine that can share the host's network."""

    name: str
    user: str

    def command(self, folder: Path, options: Sequence[str], arguments: Sequence[str]) -> list[str]:
        """See `KafkaProgram`."""
        container = ("--name", folder.name, "--user", self.user, "--network", "host", "--volume", f"{folder}:{folder}")
        logged = "-Dlog4j2.level=INFO"
        java = ("--entrypoint", "java", self.name, *options, logged, "-cp", "/opt/kafka/libs/*", *arguments)
        return ["docker", "run", "--rm", *container, *java]

    def after(self, folder: Path) -> list[str]:
        """See `KafkaProgram`: a killed client leaves its container."""
        return ["docker", "rm", "--force", folder.name]


def kafka_program(cache: Path = CACHE) -> KafkaProgram:
    """Kafka on this machine, fetched if need be.

    Raises:
        ServiceMissingError: there is neither Java nor Docker, or the jars cannot be had.
    """
    java = _java_version()
    if java >= OLDEST_JAVA:
        return Java(kafka_jars(cache))
    if _works("docker", "info"):
        return Image(f"apache/kafka:{KAFKA}", f"{os.getuid()}:{os.getgid()}")
    found = f"Java {java}" if java else "no Java"
    raise ServiceMissingError(
        f"the tests need a Kafka broker: expected Java {OLDEST_JAVA} or newer on the PATH or a running Docker engine, "
        f"got {found} and no Docker. Install one, on Debian `apt-get install openjdk-17-jre-headless`, or set "
        "VIGIL_TEST_KAFKA to a broker of your own, host:port"
    )


def kafka_jars(cache: Path = CACHE) -> Path:
    """The folder with Kafka's jars, fetched once and checked against `kafka-jars.txt`; safe in several processes.

    Raises:
        ServiceMissingError: neither Maven nor a download brought them.
    """
    jars = cache / f"kafka-{KAFKA}" / "libs"
    with locked(cache / "kafka.lock"):
        if not jars.is_dir():
            with unfinished(jars.parent) as folder:
                _fetch(folder)
                folder.rename(jars)
    return jars


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that ends with this process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def unfinished(parent: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards unless it was renamed; what earlier attempts left is removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("unfinished-*"):
        shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix="unfinished-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pinned(text: str) -> dict[str, tuple[str, str]]:
    """SHA-256 and path in the repository of each jar by its file name, from lines `sha256  group:artifact:version`."""
    jars = {}
    for line in text.splitlines():
        digest, coordinates = line.split()
        group, artifact, version = coordinates.split(":")
        name = f"{artifact}-{version}.jar"
        jars[name] = (digest, f"{group.replace('.', '/')}/{artifact}/{version}/{name}")
    return jars


def check_jars(folder: Path) -> None:
    """Hold the jars of a folder against the pinned ones.

    Raises:
        ValueError: one is missing, too many or another.
    """
    expected = {name: digest for name, (digest, _) in pinned(JARS.read_text(encoding="utf-8")).items()}
    got = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    for name in sorted(expected | got):
        if expected.get(name) != got.get(name):
            raise ValueError(f"{name}: expected SHA-256 {expected.get(name, 'none')}, got {got.get(name, 'none')}")


def _fetch(folder: Path) -> None:
    failures = []
    for way in (_by_maven, _by_download):
        try:
            way(folder)
            check_jars(folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            failures.append(f"{way.__name__.removeprefix('_').replace('_', ' ')}: {error}")
            for file in folder.iterdir():
                file.unlink()
        else:
            return
    raise ServiceMissingError(
        f"the jars of Kafka {KAFKA} cannot be had ({'; '.join(failures)}). The tests need access to {REPOSITORY} once, "
        "or Maven with a mirror of it, or VIGIL_TEST_KAFKA set to a broker of your own, host:port"
    )


def _by_maven(folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise FileNotFoundError("no mvn on the PATH")
    with tempfile.TemporaryDirectory(prefix="vigil-pom-") as project:
        pom = Path(project) / "pom.xml"
        pom.write_text(POM, encoding="utf-8")
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime")
        ended = subprocess.run(
            ["mvn", "--batch-mode", "--quiet", "--file", str(pom), *goal], capture_output=True, text=True, check=False
        )
    if ended.returncode:
        raise ValueError(ended.stdout[-500:] or f"mvn ended with code {ended.returncode}")


def _by_download(folder: Path) -> None:
    jars = pinned(JARS.read_text(encoding="utf-8"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_download, (path for _, path in jars.values()), (folder / name for name in jars)))


def _download(path: str, file: Path) -> None:
    url = f"{REPOSITORY}/{path}"
    with urllib.request.urlopen(url, timeout=WAIT_S) as response, file.open("wb") as written:  # noqa: S310 - always https
        shutil.copyfileobj(response, written)


def _java_version() -> int:
    """The major version of the Java on the PATH, 0 if there is none."""
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True, timeout=WAIT_S).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=WAIT_S).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
