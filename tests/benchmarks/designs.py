"""Vigil beside the same steps as one would write them first: `python -m tests.benchmarks designs`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec
from rich.table import Table

from features.site import Site
from models.bundle import default_bundle
from streams.kafka.topics import POSES, SCORES, full_name
from streams.pipeline import Pipeline
from streams.site_file import load_site
from tests.benchmarks.arena import ROOT, Arena, make_topics, send
from tests.benchmarks.load import Load
from tests.benchmarks.processes import cpu_seconds, on_cores
from tests.benchmarks.throughput import measure

LOAD = Load(cameras=16, places=5, visit_s=60, pause_s=0)
SECONDS = 60 * 30
SECONDS_JSON = 60
RUN_S = 20
WITHIN_S = 60
TELL_EVERY = 200
SIGN = "taken in"


class DesignSpec(msgspec.Struct, frozen=True):
    """What a program of another design is told: where to read, where to write, of which site."""

    bootstrap: str
    group: str
    poses: str
    scores: str
    site_file: str
    partitions: int

    @classmethod
    def read(cls, path: str) -> Self:
        """The specification in a file."""
        return msgspec.json.decode(Path(path).read_bytes(), type=cls)

    def site(self) -> Site:
        """The site."""
        return load_site(Path(self.site_file))

    def pipelines(self) -> list[Pipeline]:
        """The steps of each partition."""
        return [Pipeline.start(self.site(), default_bundle()) for _ in range(self.partitions)]


class Told:
    """Prints how many person-frames were taken in, now and then."""

    def __init__(self) -> None:
        self._total = self._last = 0

    def count(self, person_frames: int) -> None:
        """Count some more."""
        self._total += person_frames
        if self._total - self._last >= TELL_EVERY:
            self._last = self._total
            sys.stdout.write(f"{SIGN} {time.monotonic()} {self._total}\n")
            sys.stdout.flush()


def designs(arena: Arena) -> Table:
    """Person-frames a second of each design, on the same persons and one core."""
    table = Table(
        "design", "message", "person-frames /s", "/s of CPU", "Vigil is", title="The same steps", highlight=True
    )
    total = arena.preload(SECONDS)
    with arena.new_group().running(arena.worker_core) as (worker,):
        rate = measure(arena, [worker], total)
    rows = [("vigil worker", "4 frames, Arrow", rate.a_second, rate.a_cpu_second)]
    for module, name, each_person in (
        ("naive", "Faust, async for", True),
        ("quix", "quixstreams, apply", True),
        ("quix", "quixstreams, apply", False),
    ):
        message = "one person, JSON" if each_person else "one frame, JSON"
        rows.append((name, message, *_rate(arena, module, each_person=each_person)))
    for name, message, a_second, a_cpu_second in rows:
        ratio = f"x {rate.a_second / a_second:.1f}, by CPU x {rate.a_cpu_second / a_cpu_second:.1f}"
        table.add_row(name, message, f"{a_second:,.0f}", f"{a_cpu_second:,.0f}", ratio)
    return table


def _rate(arena: Arena, module: str, *, each_person: bool) -> tuple[float, float]:
    """Person-frames a second and a processor second, from the first that were taken in."""
    kafka = msgspec.structs.replace(arena.kafka(), prefix=f"{module}-{each_person}-")
    make_topics(kafka)
    send(arena, arena.load.json_messages(SECONDS_JSON, each_person=each_person), POSES, kafka)
    spec = DesignSpec(
        arena.broker.bootstrap, kafka.prefix, full_name(POSES, kafka), full_name(SCORES, kafka),
        str(arena.site_file), kafka.partitions,
    )  # fmt: skip
    path = arena.folder / f"{kafka.prefix}.json"
    path.write_bytes(msgspec.json.encode(spec))
    with on_cores({arena.worker_core}):
        command = [sys.executable, "-m", f"tests.benchmarks.{module}", str(path)]
        program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        return _rate_of(list(_told(program)))
    finally:
        program.kill()
        program.communicate()


def _told(program: "subprocess.Popen[str]") -> Iterator[tuple[float, int, float]]:
    """Seconds, person-frames so far and processor seconds, for `RUN_S` or until all is taken in."""
    assert program.stdout
    until = None
    for line in program.stdout:
        if not line.startswith(SIGN):
            continue
        at_s, count = line.removeprefix(SIGN).split()
        until = until or float(at_s) + RUN_S
        yield float(at_s), int(count), cpu_seconds(program.pid)
        if float(at_s) > until or int(count) >= LOAD.cameras * LOAD.places * 15 * SECONDS_JSON - TELL_EVERY:
            return
    raise RuntimeError(f"the program ended with code {program.wait()}")


def _rate_of(told: list[tuple[float, int, float]]) -> tuple[float, float]:
    (start_s, start, start_cpu_s), (end_s, end, end_cpu_s) = told[0], told[-1]
    return (end - start) / (end_s - start_s), (end - start) / (end_cpu_s - start_cpu_s)
