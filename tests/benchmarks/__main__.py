"""Speed and memory on one core: `make bench`, or `python -m tests.benchmarks` and `speed`, `memory` or `day`."""

import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from features.camera import CameraState, camera_step
from features.closing import Layout
from features.identity import Identities
from features.keypoints import NO_TRACK, PersonFrames
from features.person import PersonState, person_step
from features.segments import SegmentBlock
from features.sequence import FeatureRows
from features.visit import Places
from models.bundle import default_bundle
from models.decision import DecisionState, decide
from streams.codecs.journal import JournalWriter
from streams.embedded import SCORES, Outputs, Publishing, Run, Summary
from streams.pipeline import Pipeline
from streams.recording import RecordingWriter
from streams.sources import read_recording
from tests.benchmarks.crowd import FPS, crowd, crowd_site
from tests.benchmarks.memory import held_bytes, resident_bytes

REPEATS = 5
PERSON_FRAMES = 600_000
PERSONS = (10, 100, 500, 2_000)
TARGET_A_SECOND = 250_000
TARGET_BYTES = 8_192
HOUR_S = 3_600
CHUNK_S = 600


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    console = Console()
    for name in sys.argv[1:] or ("speed", "memory", "day"):
        console.print({"speed": speed, "memory": memory, "day": day}[name]())


def speed() -> Table:
    """Person-frames a second of a whole run and of its parts, by processor time."""
    columns = (
        "persons at once",
        "whole run /s",
        "whole",
        "decode",
        "camera step",
        "journal",
        "person step",
        "decision",
    )
    table = Table(*columns, title=f"Speed, microseconds a person-frame; target {TARGET_A_SECOND:,} /s", highlight=True)
    for persons in PERSONS:
        with tempfile.TemporaryDirectory() as folder:
            recording, rows = _record(Path(folder) / "in", persons)
            whole = _median_us(lambda recording=recording: _run(recording), rows)  # type: ignore[misc]
            parts = _Parts(recording).measure(rows)
        table.add_row(f"{persons:,}", f"{1e6 / whole:,.0f}", f"{whole:.2f}", *(f"{part:.2f}" for part in parts))
    return table


def _record(folder: Path, persons: int) -> tuple[Path, int]:
    rows = 0
    with RecordingWriter(folder, crowd_site()) as writer:
        for frames in crowd(persons, PERSON_FRAMES // (persons * FPS)):
            writer.frames(frames)
            rows += int((frames.track != NO_TRACK).sum())
    return folder, rows


def _run(recording: Path) -> None:
    site = crowd_site()
    with Outputs(recording.parent / "out", site) as outputs:
        run = Run(site, default_bundle(), outputs)
        for item in read_recording(recording, site):
            run.take(item)
        summary = run.finish()
    assert not summary.unaccounted


def _median_us(work: Callable[[], None], rows: int) -> float:
    return median(_seconds(work) for _ in range(REPEATS)) / rows * 1e6


def _seconds(work: Callable[[], None]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


class _Parts:
    """The parts of a run, each by itself on what the parts before it gave."""

    def __init__(self, recording: Path) -> None:
        self._recording, self._site = recording, crowd_site()
        self._layout, self._bundle = Layout.of(self._site), default_bundle()
        self._frames = list(self._decode())
        self._blocks = list(self._close())
        self._rows = list(self._fold())

    def measure(self, rows: int) -> list[float]:
        """Microseconds a person-frame of decoding, camera step, journal, person step and decision."""
        parts = (self._decode, self._close, self._journal, self._fold, self._decide)
        return [_median_us(lambda part=part: _exhaust(part()), rows) for part in parts]  # type: ignore[misc]

    def _decode(self) -> Iterator[PersonFrames]:
        return (item for item in read_recording(self._recording, self._site) if isinstance(item, PersonFrames))

    def _close(self) -> Iterator[SegmentBlock]:
        state = CameraState.start(self._layout)
        for frames in self._frames:
            step = camera_step(state, frames, self._layout)
            state = step.state
            yield from (entry for entry in step.entries if isinstance(entry, SegmentBlock))

    def _journal(self) -> Iterator[int]:
        writer = JournalWriter(self._recording.parent / "journal.parquet")
        cameras = [camera.name for camera in self._site.cameras]
        for block in self._blocks:
            yield writer.append(block, cameras)
        writer.close()

    def _fold(self) -> Iterator[FeatureRows]:
        state, places = PersonState(Identities.start(self._site)), Places(self._site, self._layout.zones)
        return (person_step(state, block, places) for block in self._blocks)

    def _decide(self) -> Iterator[object]:
        state = DecisionState()
        with Outputs(self._recording.parent / "decided", self._site, journal=False) as outputs:
            for rows in self._rows:
                decided = decide(state, rows, self._bundle, self._site)
                outputs.write(SCORES, decided.scores)
                yield decided


def _exhaust(parts: Iterator[object]) -> None:
    for _ in parts:
        pass


class _Live:
    """A run that writes no journal, and what it holds."""

    def __init__(self, outputs: Outputs) -> None:
        self.summary, self._pipeline = Summary(), Pipeline.start(crowd_site(), default_bundle())
        self._publishing = Publishing(outputs, self.summary, self._pipeline.scoring)

    def take(self, frames: PersonFrames) -> None:
        """Take in frames."""
        for entry in self._pipeline.take(frames).entries:
            self._publishing.take(entry)

    def held(self) -> dict[str, object]:
        """What is held, by what for."""
        camera, scoring, publishing = self._pipeline.camera, self._pipeline.scoring, self._publishing
        persons = scoring.persons
        return {
            "open seconds": camera.pending,
            "tracks": (camera.open, camera.ended),
            "at tills": camera.presence,
            "folds, windows": (persons.slots, persons.free, persons.folds, persons.ring, persons.gait, persons.ended),
            "correctable rows": persons.identities,
            "decisions": (scoring.decisions, publishing.frames, publishing.verdicts),
        }


@contextmanager
def _live() -> Iterator[_Live]:
    with tempfile.TemporaryDirectory() as folder, Outputs(Path(folder), crowd_site(), journal=False) as outputs:
        yield _Live(outputs)


def memory() -> Table:
    """Bytes of state for each person at once, frames coming in blocks of a second as they do live."""
    table = Table(title=f"State after 5 minutes, bytes for each person at once, {FPS} fps; target {TARGET_BYTES:,}")
    for persons in (20, 200, 1_000):
        with _live() as run:
            for frames in crowd(persons, 5 * 60, chunk_s=1):
                run.take(frames)
            held = run.held()
            sizes = {"all": held_bytes(*held.values())} | {name: held_bytes(part) for name, part in held.items()}
        if not table.columns:
            for name in ("persons", *sizes):
                table.add_column(name, justify="right")
        table.add_row(f"{persons:,}", *(f"{size / persons:,.0f}" for size in sizes.values()))
    return table


def day() -> Table:
    """State and resident memory over a day of arriving and leaving persons."""
    table = Table("hours", "tracks so far", "state, KiB", "resident, MiB", title="A day, 20 persons at once at 5 fps")
    with _live() as run:
        for part, frames in enumerate(crowd(20, 24 * HOUR_S, fps=5, chunk_s=CHUNK_S), start=1):
            run.take(frames)
            if part * CHUNK_S in (HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 18 * HOUR_S, 24 * HOUR_S):
                state, resident = held_bytes(*run.held().values()) / 2**10, resident_bytes() / 2**20
                hours = f"{part * CHUNK_S // HOUR_S}"
                table.add_row(hours, f"{run.summary.tracks:,}", f"{state:,.0f}", f"{resident:,.1f}")
    return table


if __name__ == "__main__":
    main()
