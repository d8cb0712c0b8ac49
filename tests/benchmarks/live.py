"""Cameras as they are live: `python -m tests.benchmarks.live FILE` sends each message when its last frame was taken.

Event times are the wall clock's. At its end it prints how late it sent, in ms, as JSON: {"p50": 0.1, "p99": 0.4, ...}.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import msgspec
import numpy as np

from tests.benchmarks.arena import producer
from tests.benchmarks.load import Load, PoseMessage

AHEAD = 5  # parts that are made before they are due


class LiveSpec(msgspec.Struct, frozen=True):
    """What is sent where, from `load.start_ms` on for some seconds."""

    load: Load
    bootstrap: str
    topic: str
    seconds: int


def main() -> None:
    """Send."""
    spec = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=LiveSpec)
    parts: Queue[list[PoseMessage] | None] = Queue(AHEAD)
    sys.setswitchinterval(0.000_5)
    Thread(target=_make, args=(spec, parts), daemon=True).start()
    late_ms, person_frames = _send(spec, iter(parts.get, None))
    p50, p99, most = np.percentile(late_ms, [50, 99, 100]).round(1).tolist()
    said = {"p50": p50, "p99": p99, "most": most, "messages": len(late_ms), "person_frames": person_frames}
    sys.stdout.write(json.dumps(said) + "\n")


def _make(spec: LiveSpec, parts: "Queue[list[PoseMessage] | None]") -> None:
    for part in spec.load.messages(spec.seconds):
        parts.put(part)
    parts.put(None)


def _send(spec: LiveSpec, parts: Iterator[list[PoseMessage]]) -> tuple[list[float], int]:
    sender, late_ms, person_frames = producer(spec.bootstrap), list[float](), 0
    for part in parts:
        for message in part:
            now_ms = time.time() * 1_000
            if message.due_ms > now_ms:
                sender.poll(0)
                time.sleep(max(0.0, message.due_ms - time.time() * 1_000) / 1_000)
                now_ms = time.time() * 1_000
            sender.produce(spec.topic, message.value, message.area, spec.load.partition(message.area))
            late_ms.append(now_ms - message.due_ms)
            person_frames += message.person_frames
    assert not sender.flush(60)
    return late_ms, person_frames


if __name__ == "__main__":
    main()
