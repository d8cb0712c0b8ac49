"""A command of Vigil that writes down what it spends its processor time on.

`python -m tests.benchmarks.sampled FILE COMMAND...`: every 5 ms of processor time the kernel interrupts it, and what
each thread used since then is added to the place where the thread is. The file, written at the end, has a line for
each stage and place and its microseconds. Reading the site and importing are left out.
"""

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

EVERY_S = 0.005
DEPTH_MAX = 200
ROOT = Path(__file__).parents[2]

STAGES: tuple[tuple[str, str, str], ...] = (
    ("snapshots", "streams/snapshots.py", ""),
    ("snapshots", "streams/kafka/state.py", "replace"),
    ("decode", "streams/kafka/pose_messages.py", "read"),
    ("decode", "streams/kafka/lane.py", "_frames"),
    ("camera step", "features/camera.py", "camera_step"),
    ("person step", "features/person.py", "person_step"),
    ("decision", "models/decision.py", "decide"),
    ("encode", "streams/kafka/lane.py", "_publish"),
    ("encode", "streams/kafka/lane.py", "_set_aside"),
    ("metrics and live view", "streams/kafka/service.py", ""),
    ("metrics and live view", "streams/operations/", ""),
    ("metrics and live view", "streams/live/", ""),
    ("send", "streams/kafka/faust_broker.py", "send"),
    ("send", "aiokafka/producer/", ""),
    ("send", "streams/kafka/state.py", ""),
    ("deliver", "streams/kafka/gathered.py", ""),
    ("deliver", "streams/kafka/worker.py", "_receive"),
    ("deliver", "aiokafka/", ""),
    ("deliver", "faust/", ""),
    ("deliver", "mode/", ""),
    ("deliver", "kafka/delivery.py", ""),
    ("deliver", "app.py", "inbox"),
    ("gather and choose", "streams/kafka/runner.py", ""),
    ("metrics and live view", "socketserver.py", ""),
    ("event loops", "asyncio/", ""),
)
"""Stage, part of a file's path and function; a sample is of the first whose place is found on the stack."""


class Sampler:
    """Adds up where the threads are, by the processor time each has used since it was looked at last."""

    def __init__(self) -> None:
        self.stages, self.places = Counter[str](), Counter[str]()
        self._used: dict[int, float] = {}

    def start(self) -> None:
        """Look from now on."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, here: FrameType | None) -> None:
        frames = sys._current_frames()  # noqa: SLF001 - it is documented
        frames[threading.get_ident()] = here or frames[threading.get_ident()]
        for thread, frame in frames.items():
            try:
                used = time.clock_gettime(time.pthread_getcpuclockid(thread))
            except OSError:
                continue
            spent = used - self._used.get(thread, 0.0)
            self._used[thread] = used
            if spent > 0:
                self._note(list(_places(frame)), spent)

    def write(self, out: Path) -> None:
        """Write down what was added up."""
        named = (("stage", self.stages), ("place", self.places))
        lines = [f"{kind}\t{name}\t{used}\n" for kind, counts in named for name, used in counts.most_common()]
        out.write_text("".join(lines), encoding="utf-8")

    def _note(self, stack: list[tuple[str, str]], spent: float) -> None:
        if any(function == "load_site" or "importlib" in file for file, function in stack):
            return
        self.stages[stage_of(stack)] += round(1e6 * spent)
        self.places[":".join(stack[0]) if stack else ""] += round(1e6 * spent)


def stage_of(stack: list[tuple[str, str]]) -> str:
    """The stage that a stack of file and function, the innermost first, belongs to."""
    for stage, path, function in STAGES:
        if any(path in file and function in {"", name} for file, name in stack):
            return stage
    return "rest"


def _places(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    for _ in range(DEPTH_MAX):
        if frame is None:
            return
        yield _short(frame.f_code.co_filename), frame.f_code.co_name
        frame = frame.f_back


def _short(file: str) -> str:
    short = file.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")
    return re.sub(r".*/lib/python[0-9.]+/", "", short)


def read_samples(path: Path, kind: str) -> dict[str, int]:
    """The microseconds by `stage` or `place`, the largest first."""
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: int(used) for of, name, used in lines if of == kind}


def main() -> None:
    """Run the command and write the file."""
    from streams.cli import main as vigil  # noqa: PLC0415 - is counted from the start

    out, sampler = Path(sys.argv[1]), Sampler()
    sys.argv[:2] = ["vigil"]
    leave = os._exit

    def write_and_leave(status: int) -> NoReturn:
        sampler.stop()
        sampler.write(out)
        leave(status)

    os._exit = write_and_leave  # a worker ends with it
    sampler.start()
    vigil()


if __name__ == "__main__":
    main()
