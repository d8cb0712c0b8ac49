"""A command of Vigil that writes down what its main thread spends its processor time on.

`python -m tests.benchmarks.sampled FILE COMMAND...`: every 5 ms of processor time the kernel interrupts it, and the
place where it is is counted. The file, written at the end, has a line for each place and its count.
"""

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

EVERY_S = 0.005
DEPTH_MAX = 60
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
    ("gather and choose", "streams/kafka/runner.py", ""),
)
"""Stage, part of a file's path and function; a sample is of the first whose place is found on the stack."""


class Sampler:
    """Counts where the main thread is."""

    def __init__(self) -> None:
        self.stages, self.places = Counter[str](), Counter[str]()

    def start(self) -> None:
        """Count from now on."""
        signal.signal(signal.SIGPROF, self._count)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Count no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _count(self, _: int, frame: FrameType | None) -> None:
        stack = list(_places(frame))
        self.stages[stage_of(stack)] += 1
        self.places[":".join(stack[0]) if stack else ""] += 1


def stage_of(stack: list[tuple[str, str]]) -> str:
    """The stage that a stack of file and function, the innermost first, belongs to."""
    for stage, path, function in STAGES:
        if any(path in file and (not function or name == function) for file, name in stack):
            return stage
    return "rest"


def _places(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    for _ in range(DEPTH_MAX):
        if frame is None:
            return
        yield _short(frame.f_code.co_filename), frame.f_code.co_name
        frame = frame.f_back


def _short(file: str) -> str:
    return file.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")


def read_samples(path: Path, kind: str) -> dict[str, int]:
    """The counts of `stage` or `place`, the largest first."""
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: int(count) for of, name, count in lines if of == kind}


def main() -> None:
    """Run the command and write the file."""
    from streams.cli import main as vigil

    out, sampler = Path(sys.argv[1]), Sampler()
    sys.argv[:2] = ["vigil"]
    sampler.start()
    try:
        vigil()
    finally:
        sampler.stop()
        named = (("stage", sampler.stages), ("place", sampler.places))
        lines = [f"{kind}\t{name}\t{count}\n" for kind, counts in named for name, count in counts.most_common()]
        out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
