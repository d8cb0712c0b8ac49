"""A broker, topics and workers to be measured."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import msgspec
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.kafka.topic_check import Topics
from streams.kafka.topics import POSES, Topic, full_name, wanted
from streams.settings import Kafka, Operations, Settings
from streams.settings import Worker as WorkerSettings
from streams.site_file import dump_site
from tests.benchmarks.load import Load, PoseMessage
from tests.benchmarks.processes import cpu_seconds, on_cores, pin, two_cores, waited_seconds
from tests.services.broker import Broker
from tests.services.ports import free_ports

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 120
END_WITHIN_S = 30
LOOK_S = 0.2
PROGRAM = "from streams.cli import main; main()"


class Arena:
    """A broker with topics for a load, and as many groups of workers as are measured one after another."""

    def __init__(self, load: Load, broker: Broker, folder: Path) -> None:
        self.load, self.broker, self.folder = load, broker, folder
        self.broker_core, self.worker_core = two_cores()
        self._groups = self._fresh = 0
        folder.mkdir()
        self.site_file = folder / "site.yaml"
        self.site_file.write_text(dump_site(load.site), encoding="utf-8")

    def fresh(self) -> "Arena":
        """Another one for the same load, with topics in which nothing is yet."""
        self._fresh += 1
        return Arena(self.load, self.broker, self.folder.with_name(f"{self.folder.name}-{self._fresh}"))

    def kafka(self, group: str = "vigil") -> Kafka:
        """The settings of a group."""
        prefix = f"{self.folder.name}-"
        return Kafka([self.broker.bootstrap], prefix=prefix, group=group, partitions=self.load.partitions)

    def new_group(self, **worker: Any) -> "Group":  # noqa: ANN401 - settings of a worker
        """Workers that read everything from the beginning and know nothing."""
        self._groups += 1
        kafka = self.kafka(f"group-{self._groups}")
        make_topics(kafka)
        return Group(self, kafka, WorkerSettings(**worker))

    def settings_file(self, settings: Settings) -> Path:
        """The settings as a file for a worker."""
        path = self.folder / f"{settings.worker.instance}.yaml"
        settings = msgspec.structs.replace(settings, site=str(self.site_file))
        path.write_text(yaml.safe_dump(_set(msgspec.to_builtins(settings))), encoding="utf-8")
        return path

    def preload(self, seconds: int) -> int:
        """Put so many seconds of the load into the topic of poses; returns the person-frames."""
        make_topics(self.kafka())
        return send(self, (message for part in self.load.messages(seconds) for message in part), POSES, self.kafka())

    def consumer(self, *topics: Topic, end: bool = False) -> Consumer:
        """A consumer of all partitions of topics, from their beginning or from their end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker.bootstrap,
                "group.id": "measure",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 5,
                "enable.partition.eof": not end,
            }
        )
        names = [full_name(topic, self.kafka()) for topic in topics]
        parts = [(name, part) for name in names for part in range(self.load.partitions)]
        offsets = [consumer.get_watermark_offsets(TopicPartition(*one), timeout=10)[end] for one in parts]
        consumer.assign([TopicPartition(*one, offset) for one, offset in zip(parts, offsets, strict=True)])
        return consumer


def _set(values: dict[str, Any]) -> dict[str, Any]:
    """What is not left empty."""
    kept = {name: _set(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {name: value for name, value in kept.items() if value is not None}


@contextmanager
def arenas() -> Iterator[Callable[[str, Load], Arena]]:
    """A broker on a core of its own; what is given makes an arena of a name for a load."""
    with on_cores(set(os.sched_getaffinity(0))), Broker(heap_mb=1_024) as broker:
        assert broker.pid
        pin(broker.pid, {two_cores()[0]})
        yield lambda name, load: Arena(load, broker, broker.folder / name)


def make_topics(kafka: Kafka) -> None:
    """Make the topics that are missing."""
    with Topics(kafka) as topics:
        topics.make(topics.look(wanted(kafka)))


def producer(bootstrap: str) -> Producer:
    """A producer that is much faster than any worker."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "max.in.flight.requests.per.connection": 1,  # a batch sent again must not come behind the next
            "linger.ms": 1,
            "batch.size": 256 * 1_024,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 512 * 1_024,
        }
    )


def send(arena: Arena, messages: Iterator[PoseMessage], topic: Topic, kafka: Kafka) -> int:
    """Send messages as fast as the broker takes them; returns the person-frames."""
    sender, name, total = producer(arena.broker.bootstrap), full_name(topic, kafka), 0
    for message in messages:
        while True:
            try:
                sender.produce(name, message.value, message.area, arena.load.partition(message.area))
                break
            except BufferError:
                sender.poll(0.1)
        sender.poll(0)
        total += message.person_frames
    assert not sender.flush(60)
    return total


class Group:
    """Workers of one group."""

    def __init__(self, arena: Arena, kafka: Kafka, settings: WorkerSettings) -> None:
        self._arena, self._kafka, self._settings = arena, kafka, settings
        self.workers: list[Worker] = []

    @contextmanager
    def running(self, *cores: int, sampled: bool = False) -> Iterator[list["Worker"]]:
        """A worker on each of the cores; `sampled` says that they write down what they spend their time on."""
        with on_cores(set(os.sched_getaffinity(0))):
            self.workers = [self._worker(core, number, sampled=sampled) for number, core in enumerate(cores)]
        try:
            yield self.workers
        finally:
            for worker in self.workers:
                worker.end()

    def _worker(self, core: int, number: int, *, sampled: bool) -> "Worker":
        instance = f"{self._kafka.group}-{number}"
        settings = Settings(
            kafka=self._kafka,
            worker=msgspec.structs.replace(self._settings, instance=instance),
            operations=Operations(port=free_ports(1)[0]),
        )
        return Worker(settings, self._arena.settings_file(settings), core, sampled=sampled)


class Worker:
    """A process `vigil worker` on one core."""

    def __init__(self, settings: Settings, path: Path, core: int, *, sampled: bool) -> None:
        self.samples = path.with_suffix(".samples") if sampled else None
        vigil = ["-c", PROGRAM]
        program = ["-m", "tests.benchmarks.sampled", str(self.samples)] if sampled else vigil
        self._log = path.with_suffix(".log")
        self._url = f"http://127.0.0.1:{settings.operations.port}"
        with on_cores({core}), self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *program, "worker", "--settings", str(path)], cwd=ROOT, stdout=log, stderr=log
            )
        self.pid = self._process.pid

    def metrics(self) -> dict[str, float]:
        """What it tells of itself: values by name and labels; nothing while it does not answer."""
        try:
            with self._open("metrics") as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            self._check()
            return {}
        named = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in named}

    def person_frames(self) -> int:
        """How many it has taken in."""
        return int(self.metrics().get("vigil_person_frames_total", 0))

    def cpu_seconds(self) -> float:
        """Processor time it has used."""
        return cpu_seconds(self.pid)

    def waited_seconds(self) -> float:
        """How long it waited for a core."""
        return waited_seconds(self.pid)

    def await_partitions(self, count: int) -> None:
        """Wait until it reads so many partitions."""
        deadline = time.monotonic() + READY_WITHIN_S
        while self._partitions() != count:
            self._check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker does not read {count} partitions\n{self.log_end()}")
            time.sleep(LOOK_S)

    def _open(self, page: str) -> HTTPResponse:
        answer: HTTPResponse = urllib.request.urlopen(f"{self._url}/{page}", timeout=10)  # noqa: S310 - http
        return answer

    def _partitions(self) -> int | None:
        try:
            with self._open("readyz") as answer:
                said = answer.read().decode()
        except OSError:
            return None
        found = re.search(r"partitions ([0-9, ]+)", said)
        return len(found[1].split(",")) if found else None

    def log_end(self) -> str:
        """The last lines it wrote."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def end(self) -> None:
        """Let it end in order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _check(self) -> None:
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"the worker ended with code {code}\n{self.log_end()}")
