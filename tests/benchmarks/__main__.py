"""What Vigil costs: `make bench`, or `python -m tests.benchmarks` and names of benchmarks.

speed, memory and day run the steps on one core; the others run workers on a broker of their own: kafka (throughput),
designs (the same steps as one would write them first), peer, latency, and steady with `--minutes`.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa
from rich.console import Console

from tests.benchmarks.processes import on_cores
from tests.benchmarks.speed import speed
from tests.benchmarks.state import day, memory

ALONE = {"speed": speed, "memory": memory, "day": day}


def main() -> None:
    """Run the benchmarks named on the command line, or all but steady."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", choices=[*ALONE, *WITH_BROKER, "steady", []])
    parser.add_argument("--minutes", type=float, default=60, help="of steady")
    asked = parser.parse_args()
