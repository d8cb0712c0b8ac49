"""What Vigil costs: `make bench`, or `python -m tests.benchmarks` and names of benchmarks.

speed, described, memory and day run the steps on one core; audit writes a log beside pymerkle's. The others run workers
and a broker, on two cores: kafka is throughput, designs the same steps as one would write them first, peer another
product's load, latency the way of a second until it is scored, and steady, for `--minutes`, whether anything grows or
is lost.
"""

import argparse
import sys
from collections.abc import Callable, Iterable

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from tests.benchmarks import designs, latency, peer, steady, throughput
from tests.benchmarks.arena import Arena, arenas
from tests.benchmarks.audit import audit
from tests.benchmarks.load import Load
from tests.benchmarks.processes import on_cores, two_cores
from tests.benchmarks.speed import described, speed
from tests.benchmarks.state import day, memory

ALONE = {"speed": speed, "described": described, "memory": memory, "day": day, "audit": audit}
WITH_BROKER: dict[str, tuple[Load, Callable[[Arena], Iterable[Table]]]] = {
    "kafka": (throughput.LOAD, throughput.throughput),
    "designs": (designs.LOAD, lambda arena: [designs.designs(arena)]),
    "peer": (designs.LOAD, lambda arena: [peer.peer(arena)]),
    "latency": (latency.LOAD, lambda arena: [latency.latency(arena)]),
}


def main() -> None:
    """Run the benchmarks named on the command line, or all but steady."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__, formatter_class=plain)
    names = (*ALONE, *WITH_BROKER, "steady")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names)}; all but the last if left out")
    parser.add_argument("--minutes", type=float, default=60, help="of steady, 60 if left out")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"expected names of {', '.join(names)}, got {', '.join(sorted(unknown))}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    chosen = asked.names or names[:-1]
    held = [_run(name, asked.minutes, console) for name in chosen]
    sys.exit(0 if all(held) else 1)


def _run(name: str, minutes: float, console: Console) -> bool:
    if name in ALONE:
        with on_cores({two_cores()[1]}):
            pa.set_cpu_count(1)
            pa.set_io_thread_count(1)
            console.print(ALONE[name]())
        return True
    with arenas() as arena:
        if name == "steady":
            return steady.steady(arena(name, steady.LOAD), minutes, console)
        load, measure = WITH_BROKER[name]
        for table in measure(arena(name, load)):
            console.print(table)
    return True


if __name__ == "__main__":
    main()
