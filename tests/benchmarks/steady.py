"""Whether anything grows or is lost while time passes: `python -m tests.benchmarks steady --minutes N`."""

import json
import time
from dataclasses import dataclass, field, replace

from confluent_kafka import Consumer
from rich.console import Console

from features.segments import Erased, SegmentBlock
from streams.audit.rows import Opener
from streams.audit.visit_keys import VisitKey
from streams.codecs.journal import decode_rows
from streams.kafka.lane_seal import decode_key
from streams.kafka.topics import JOURNAL, VISIT_KEYS, full_name
from tests.benchmarks.arena import Arena, Worker
from tests.benchmarks.latency import sending
from tests.benchmarks.load import Load
from tests.benchmarks.processes import on_cores, resident_bytes

LOAD = Load(cameras=100, places=5, visit_s=120, pause_s=0)
PREPARE_S = 8
LINES = 15
SETTLED_WITHIN_S = 30
WARM_UP = 0.4  # of the time; what is resident then is what it is compared with
GROWTH_MAX = 0.1
LAG_MAX_MESSAGES = 1_000
OPEN_S_MAX = 4  # the seconds that may be open at the end


@dataclass(slots=True)
class Journal:
    """Whether the journal goes on without a gap, in each partition; `frames` are those its segments were made of."""

    keys_topic: str
    cameras: list[str]
    keys: dict[bytes, VisitKey] = field(default_factory=dict)
    held: list[tuple[int, bytes]] = field(default_factory=list)
    next: dict[int, int] = field(default_factory=dict)
    gaps: int = 0
    frames: int = 0

    def read(self, consumer: Consumer) -> None:
        """Everything that is there; what was written twice counts once."""
        while messages := consumer.consume(1_000, timeout=0.2):
            for message in messages:
                if message.error():
                    continue
                if message.topic() == self.keys_topic:
                    key = decode_key(message.value())
                    self.keys[key.id] = key
                else:
                    self.held.append((message.partition(), message.value()))
        for partition, value in self.held:
            self.take(partition, value)
        self.held = []

    def take(self, partition: int, value: bytes) -> None:
        """A message."""
        rows = decode_rows(value)
        first = rows[0].position
        expected = self.next.get(partition, 0)
        if first < expected:
            return
        self.gaps += first > expected
        entries = [kept.entry for kept in Opener(self.keys, self.cameras).open(rows)]
        assert not any(isinstance(entry, Erased) for entry in entries), "a key is missing"
        self.frames += sum(int(entry.rows["frames"].sum()) for entry in entries if isinstance(entry, SegmentBlock))
        self.next[partition] = rows[-1].position + 1


@dataclass(frozen=True, slots=True)
class Look:
    """How the worker was at a time."""

    minutes: float
    resident_mib: float
    cores: float
    lag: float
    person_frames: int
    lost: float

    def __str__(self) -> str:
        return (
            f"{self.minutes:6.1f} min  {self.resident_mib:7.1f} MiB  {self.cores:4.2f} cores  {self.lag:6,.0f} behind  "
            f"{self.person_frames:12,} person-frames  {self.lost:,.0f} late or refused"
        )


def steady(arena: Arena, minutes: float, console: Console) -> bool:
    """Let cameras be live for so many minutes and tell how the worker is; whether all held to the end."""
    cameras = [camera.name for camera in arena.load.site.cameras]
    seconds, journal = round(60 * minutes), Journal(full_name(VISIT_KEYS, arena.kafka()), cameras)
    with arena.new_group().running(arena.worker_core) as (worker,):
        worker.await_partitions(arena.load.partitions)
        consumer = arena.consumer(JOURNAL, VISIT_KEYS, end=True)
        load = replace(arena.load, start_ms=int(time.time() + PREPARE_S) * 1_000)
        with on_cores({arena.broker_core}), sending(arena, load, seconds) as sender:
            looks = _looks(worker, consumer, journal, load.start_ms / 1_000, seconds, console)
            sent = int(json.loads(sender.communicate()[0])["person_frames"])
        _await(worker, sent)
        journal.read(consumer)
        taken = worker.person_frames()
    consumer.close()
    return _verdict(looks, sent, taken, journal, console)


def _looks(
    worker: Worker, consumer: Consumer, journal: Journal, start_s: float, seconds: int, console: Console
) -> list[Look]:
    looks, cpu_s, every_s = list[Look](), worker.cpu_seconds(), seconds / LINES
    for number in range(1, LINES + 1):
        while time.time() < start_s + number * every_s:
            journal.read(consumer)
        used_s, cpu_s = worker.cpu_seconds() - cpu_s, worker.cpu_seconds()
        looks.append(_look(worker, number * every_s / 60, used_s / every_s))
        console.print(str(looks[-1]))
    return looks


def _look(worker: Worker, minutes: float, cores: float) -> Look:
    metrics = worker.metrics()
    lag = sum(value for name, value in metrics.items() if name.startswith("vigil_lag_messages{"))
    lost = sum(value for name, value in metrics.items() if name.startswith(("vigil_late_", "vigil_dead_letters_")))
    taken = int(metrics.get("vigil_person_frames_total", 0))
    return Look(minutes, resident_bytes(worker.pid) / 2**20, cores, lag, taken, lost)


def _await(worker: Worker, sent: int) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while worker.person_frames() < sent and time.monotonic() < deadline:
        time.sleep(0.5)


def _verdict(looks: list[Look], sent: int, taken: int, journal: Journal, console: Console) -> bool:
    """Every claim and whether it held."""
    warm = looks[int(WARM_UP * len(looks))]
    growth = looks[-1].resident_mib / warm.resident_mib - 1
    lag = max(look.lag for look in looks)
    open_frames = sent - journal.frames
    most_open = OPEN_S_MAX * sent / (60 * looks[-1].minutes)
    claims = (
        (f"{sent:,} person-frames sent, {taken:,} taken in", sent == taken),
        (f"{looks[-1].lost:,.0f} late or refused", not looks[-1].lost),
        (f"{sum(journal.next.values()):,} journal entries, {journal.gaps} gaps", not journal.gaps),
        (
            f"{open_frames:,} person-frames not yet in the journal, at most {most_open:,.0f}",
            0 <= open_frames <= most_open,
        ),
        (f"{lag:,.0f} messages behind at most, allowed {LAG_MAX_MESSAGES:,}", lag <= LAG_MAX_MESSAGES),
        (f"memory {growth:+.1%} from minute {warm.minutes:.1f} on, allowed {GROWTH_MAX:.0%}", growth <= GROWTH_MAX),
    )
    for text, held in claims:
        console.print(f"{'held' if held else 'BROKEN':8}{text}")
    return all(held for _, held in claims)
