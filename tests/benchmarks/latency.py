"""How long after the frame that closes a second its scores are there: `python -m tests.benchmarks latency`."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
from confluent_kafka import Consumer
from numpy.typing import NDArray
from rich.table import Table

from features.segments import SEGMENT_MS, SegmentBlock
from models.records import Score
from streams.codecs.journal import decode_rows
from streams.kafka.topics import JOURNAL, POSES, SCORES, VISIT_KEYS, full_name
from streams.settings import Kafka
from tests.benchmarks.arena import ROOT, Arena, Worker, make_topics
from tests.benchmarks.crowd import FPS
from tests.benchmarks.live import LiveSpec
from tests.benchmarks.load import Load
from tests.benchmarks.processes import on_cores
from tests.journals import opener_of

LOAD = Load(cameras=650, places=6)
LOADS = ((1, 325), (4, 650))  # frames a message and cameras: about half of what a worker can take in
SECONDS = 75
WARM_UP_S = 20
PREPARE_S = 8
AFTER_S = 3
TARGET_P99_MS = 250
TOGETHER = 1_000

Floats = NDArray[np.float64]


class Usage(NamedTuple):
    """Of a worker: processor seconds, seconds for which it waited for a core, and person-frames taken in."""

    cpu_s: float
    waited_s: float
    person_frames: float


@dataclass(slots=True)
class Seen:
    """What came of a live load.

    Attributes:
        scores, journal: latencies in ms from the frame that closed the second, of each score and each segment.
        sent: what the sender said, how late it was.
        usage: what the worker used and took in, a second.
    """

    scores: Floats
    journal: Floats
    sent: dict[str, float]
    usage: Usage

    def percentiles(self) -> tuple[float, float]:
        """Median and 99th percentile of the scores' latencies, ms."""
        p50, p99 = np.percentile(self.scores, [50, 99]).tolist()
        return p50, p99


def latency(arena: Arena) -> Table:
    """Scores and journal at half of what a worker can take in, with one and with four frames a message."""
    table = latency_table(f"Latency in ms from the frame that closed a second; target p99 {TARGET_P99_MS}")
    for frames, cameras in LOADS:
        row(table, frames, live(arena, replace(arena.load, cameras=cameras, frames_per_message=frames), SECONDS))
    return table


def latency_table(title: str) -> Table:
    """A table for `row`."""
    names = (
        "person-frames /s",
        "frames a message",
        "what",
        "p50",
        "p99",
        "most",
        "number",
        "worker, cores",
        "waited for a core",
        "sender late, p99",
    )
    return Table(*names, title=title, highlight=True)


def row(table: Table, frames: int, seen: Seen) -> None:
    """Add what was seen of a load."""
    for name, values in (("scores", seen.scores), ("journal", seen.journal)):
        quantiles = (
            [f"{value:.0f}" for value in np.percentile(values, [50, 99, 100])] if len(values) else ["behind"] * 3
        )
        figures = (
            *quantiles,
            f"{len(values):,}",
            f"{seen.usage.cpu_s:.2f}",
            f"{seen.usage.waited_s:.2f}",
            f"{seen.sent['p99']}",
        )
        table.add_row(f"{seen.usage.person_frames:,.0f}", str(frames), name, *figures)


def live(arena: Arena, load: Load, seconds: int) -> Seen:
    """Let cameras of the arena be live in topics of their own, and see what a worker makes of it."""
    arena = arena.fresh()
    group = arena.new_group()
    with group.running(arena.worker_core) as (worker,):
        worker.await_partitions(arena.load.partitions)
        start_ms = int(time.time() + PREPARE_S) * 1_000
        load = replace(load, start_ms=start_ms)
        with on_cores({arena.broker_core}), sending(arena, load, seconds) as sender:
            consumer = arena.consumer(SCORES, JOURNAL, VISIT_KEYS, end=True)
            usage, came = _watch(worker, consumer, start_ms / 1_000, seconds)
            said = json.loads(sender.communicate()[0])
    begin_ms = start_ms + WARM_UP_S * 1_000
    return Seen(
        np.array(list(_score_ms(came, load, begin_ms, full_name(SCORES, arena.kafka())))),
        np.concatenate([np.zeros(0), *_journal_ms(came, load, begin_ms, arena.kafka())]),
        said,
        usage,
    )


@contextmanager
def sending(arena: Arena, load: Load, seconds: int) -> Iterator["subprocess.Popen[str]"]:
    """The process that sends a load live."""
    kafka = arena.kafka()
    make_topics(kafka)
    path = arena.folder / f"live-{load.start_ms}.json"
    path.write_bytes(msgspec.json.encode(LiveSpec(load, arena.broker.bootstrap, full_name(POSES, kafka), seconds)))
    command = [sys.executable, "-m", "tests.benchmarks.live", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sender:
        try:
            yield sender
        finally:
            sender.kill()


@dataclass(frozen=True, slots=True)
class _Came:
    at_ms: float
    topic: str
    value: bytes


def _usage(worker: Worker) -> Usage:
    return Usage(worker.cpu_seconds(), worker.waited_seconds(), worker.person_frames())


def _watch(worker: Worker, consumer: Consumer, start_s: float, seconds: int) -> tuple[Usage, list[_Came]]:
    """What the worker used and took in a second after the warm-up, and all that came."""
    came = list[_Came]()
    _receive(consumer, came, start_s + WARM_UP_S)
    before = _usage(worker)
    _receive(consumer, came, start_s + seconds)
    after = _usage(worker)
    _receive(consumer, came, start_s + seconds + AFTER_S)
    consumer.close()
    return Usage(*((two - one) / (seconds - WARM_UP_S) for one, two in zip(before, after, strict=True))), came


def _receive(consumer: Consumer, came: list[_Came], until_s: float) -> None:
    while time.time() < until_s:
        messages = consumer.consume(TOGETHER, timeout=0.002)
        at_ms = time.time() * 1_000
        came += [_Came(at_ms, message.topic(), message.value()) for message in messages if not message.error()]


def _score_ms(came: list[_Came], load: Load, begin_ms: int, topic: str) -> Iterator[float]:
    """Latencies of the scores that are made when a second is closed; final ones wait for a track's silence."""
    places = {camera.name: place for place, camera in enumerate(load.site.cameras)}
    decoder = msgspec.json.Decoder(Score)
    for one in came:
        if one.topic != topic:
            continue
        score = decoder.decode(one.value)
        if score.time_ms >= begin_ms and score.kind in {"grid", "interim"} and score.camera in places:
            yield one.at_ms - float(closing_ms(load, np.array([places[score.camera]]), np.array([score.time_ms]))[0])


def _journal_ms(came: list[_Came], load: Load, begin_ms: int, kafka: Kafka) -> Iterator[Floats]:
    names = [camera.name for camera in load.site.cameras]
    opener = opener_of((one.value for one in came if one.topic == full_name(VISIT_KEYS, kafka)), names)
    for one in came:
        if one.topic != full_name(JOURNAL, kafka):
            continue
        for block in (kept.entry for kept in opener.open(decode_rows(one.value))):
            if isinstance(block, SegmentBlock):
                second_ms = block.rows["second_ms"]
                kept = (block.rows["frames"] > 0) & (second_ms >= begin_ms)
                closed_ms = closing_ms(load, block.cameras[block.track], second_ms + SEGMENT_MS)
                yield (one.at_ms - closed_ms.astype(np.float64))[kept]


def closing_ms(load: Load, camera: NDArray[Any], end_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the first frame was taken that is the pose allowance past an instant; its message may be sent later."""
    first_ms = load.start_ms + load.late_ms(camera.astype(np.int64))
    after_ms = end_ms + load.site.timing.pose_allowance_ms - first_ms
    closing: NDArray[np.int64] = first_ms + -(-after_ms * FPS // 1_000) * 1_000 // FPS
    return closing
