"""How much one and two workers take in of a topic that is full: `python -m tests.benchmarks kafka`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

from tests.benchmarks.arena import Arena, Worker
from tests.benchmarks.load import Load
from tests.benchmarks.processes import cpu_seconds, pin
from tests.benchmarks.sampled import read_samples

LOAD = Load(cameras=400, places=6)
SECONDS = 80
REPEATS = 3
LOOK_S = 0.5
STALLED_S = 60
QUIET_S = 3
TARGET_A_SECOND = 100_000
TARGET_RATIO = 1.7


@dataclass(frozen=True, slots=True)
class Rate:
    """What was taken in while all workers were at work: person-frames, seconds, processor seconds by whose, and
    seconds for which workers waited for a core."""

    person_frames: int
    seconds: float
    worker_cpu_s: float
    broker_cpu_s: float
    waited_s: float

    @property
    def a_second(self) -> float:
        """Person-frames a second."""
        return self.person_frames / self.seconds

    @property
    def a_cpu_second(self) -> float:
        """Person-frames for each second of processor time of the workers."""
        return self.person_frames / self.worker_cpu_s


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    person_frames: tuple[int, ...]
    lost: float
    worker_cpu_s: float
    broker_cpu_s: float
    waited_s: float


def measure(arena: Arena, workers: Sequence[Worker], total: int) -> Rate:
    """The rate from when every worker is at work until the first of them has nothing more to do.

    Raises:
        AssertionError: less was taken in than there is, or some of it was refused or late.
    """
    looks, moved_s = [_look(arena, workers)], time.monotonic()
    while not (_all_in(looks[-1], total) and time.monotonic() > moved_s + QUIET_S):
        time.sleep(LOOK_S)
        looks.append(_look(arena, workers))
        if looks[-1].person_frames != looks[-2].person_frames:
            moved_s = looks[-1].at_s
        elif time.monotonic() > moved_s + STALLED_S:
            raise TimeoutError(f"nothing was taken in for {STALLED_S} s\n{workers[0].log_end()}")
    assert not looks[-1].lost, f"{looks[-1].lost} refused or late"
    return _rate(looks)


def _look(arena: Arena, workers: Sequence[Worker]) -> _Look:
    metrics = [worker.metrics() for worker in workers]
    assert arena.broker.pid
    return _Look(
        time.monotonic(),
        tuple(int(one.get("vigil_person_frames_total", 0)) for one in metrics),
        sum(_sum(one, "vigil_dead_letters_total") + _sum(one, "vigil_late_total") for one in metrics),
        sum(worker.cpu_seconds() for worker in workers),
        cpu_seconds(arena.broker.pid),
        sum(worker.waited_seconds() for worker in workers),
    )


def _sum(metrics: dict[str, float], start: str) -> float:
    return sum(value for name, value in metrics.items() if name.startswith(start))


def _all_in(look: _Look, total: int) -> bool:
    return all(look.person_frames) and sum(look.person_frames) >= total


def _rate(looks: list[_Look]) -> Rate:
    ends = looks[-1].person_frames
    first = next(look for look in looks if all(look.person_frames))
    last = next(look for look in looks if any(map(int.__eq__, look.person_frames, ends)))
    return Rate(
        sum(last.person_frames) - sum(first.person_frames),
        last.at_s - first.at_s,
        last.worker_cpu_s - first.worker_cpu_s,
        last.broker_cpu_s - first.broker_cpu_s,
        last.waited_s - first.waited_s,
    )


def throughput(arena: Arena, seconds: int = SECONDS, repeats: int = REPEATS) -> tuple[Table, Table]:
    """One worker, two workers, and what one spends its time on."""
    total = arena.preload(seconds)
    assert arena.broker.pid
    ones = [_one(arena, total)[0] for _ in range(repeats)]
    sampled, stages = _one(arena, total, sampled=True)
    pin(arena.broker.pid, {arena.broker_core, arena.worker_core})
    twos = [_two(arena, total) for _ in range(repeats)]
    pin(arena.broker.pid, {arena.broker_core})
    return _rates(total, ones, twos), _split(sampled, stages)


def _one(arena: Arena, total: int, *, sampled: bool = False) -> tuple[Rate, dict[str, int]]:
    with arena.new_group().running(arena.worker_core, sampled=sampled) as (worker,):
        rate = measure(arena, [worker], total)
    return rate, read_samples(worker.samples, "stage") if worker.samples else {}


def _two(arena: Arena, total: int) -> Rate:
    with arena.new_group().running(arena.broker_core, arena.worker_core) as workers:
        return measure(arena, workers, total)


def _rates(total: int, ones: list[Rate], twos: list[Rate]) -> Table:
    speed = ("workers", "person-frames /s", "least", "most", "/s of worker's CPU")
    columns = (*speed, "worker, cores", "broker, cores", "waited for a core")
    title = (
        f"{total:,} person-frames in the topic, {LOAD.cameras} cameras, {LOAD.frames_per_message} frames a message; "
        f"targets {TARGET_A_SECOND:,} /s and x {TARGET_RATIO}"
    )
    table = Table(*columns, title=title, highlight=True)
    for workers, rates in (("1", ones), ("2", twos)):
        speeds = [rate.a_second for rate in rates]
        shares = ("worker_cpu_s", "broker_cpu_s", "waited_s")
        cores = [median(getattr(rate, name) / rate.seconds for rate in rates) for name in shares]
        figures = (median(speeds), min(speeds), max(speeds), median(rate.a_cpu_second for rate in rates))
        table.add_row(workers, *(f"{figure:,.0f}" for figure in figures), *(f"{core:.2f}" for core in cores))
    table.add_row(
        "2 : 1",
        f"x {_ratio(twos, ones, 'a_second'):.2f}",
        "",
        "",
        f"x {_ratio(twos, ones, 'a_cpu_second'):.2f}",
    )
    return table


def _ratio(twos: list[Rate], ones: list[Rate], name: str) -> float:
    return float(median(getattr(rate, name) for rate in twos) / median(getattr(rate, name) for rate in ones))


def _split(rate: Rate, stages: dict[str, int]) -> Table:
    table = Table("stage", "share", "us a person-frame", title="One worker's processor time, sampled", highlight=True)
    counted = sum(stages.values())
    for stage, count in stages.items():
        table.add_row(stage, f"{count / counted:.1%}", f"{count / counted / rate.a_cpu_second * 1e6:.2f}")
    return table
