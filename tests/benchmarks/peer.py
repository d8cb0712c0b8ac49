"""The load of another product's own measurement, given to Vigil: `python -m tests.benchmarks peer`.

NVIDIA VSS Behavior Analytics 3.2.0 (Apache-2.0), its public-safety app as shipped, was measured on two cores of the
same kind with Kafka 4.1: 16 cameras at 15 fps, 5 persons with 17 keypoints in each frame, ids stable for 60 s.
"""

from dataclasses import replace

from rich.table import Table

from tests.benchmarks.arena import Arena
from tests.benchmarks.designs import SECONDS
from tests.benchmarks.latency import WARM_UP_S, live
from tests.benchmarks.throughput import measure

PEER_A_SECOND = 1_884  # the best of its runs
PEER_CORES = 0.99
PEER_P50_MS, PEER_P99_MS = 405, 831
TARGET_RATIO = 50
LIVE_S = WARM_UP_S + 60


def peer(arena: Arena) -> Table:
    """Vigil beside the peer: what a core takes in of a full topic, and latency live."""
    total = arena.preload(SECONDS)
    with arena.new_group().running(arena.worker_core) as (worker,):
        rate = measure(arena, [worker], total)
    title = f"16 cameras x 15 fps x 5 persons; target x {TARGET_RATIO} a second of processor time"
    table = Table("", "Vigil", "NVIDIA VSS 3.2.0", "ratio", title=title, highlight=True)
    theirs = PEER_A_SECOND / PEER_CORES
    _row(table, "full topic, person-frames /s", rate.a_second, PEER_A_SECOND)
    _row(table, "full topic, /s of worker's CPU", rate.a_cpu_second, theirs)
    for frames in (1, 4):
        seen = live(arena, replace(arena.load, frames_per_message=frames), LIVE_S)
        p50, p99 = seen.percentiles()
        _row(table, f"live, {frames} a message: score p50, ms", p50, PEER_P50_MS)
        _row(table, f"live, {frames} a message: score p99, ms", p99, PEER_P99_MS)
        table.add_row(f"live, {frames} a message: worker, cores", f"{seen.usage.cpu_s:.2f}", "", "")
    return table


def _row(table: Table, name: str, ours: float, theirs: float) -> None:
    table.add_row(name, f"{ours:,.0f}", f"{theirs:,.0f}", f"x {ours / theirs:.2f}")
