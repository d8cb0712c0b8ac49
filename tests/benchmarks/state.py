"""Memory: bytes for each person at once, and what a day leaves."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from features.keypoints import PersonFrames
from models.bundle import default_bundle
from streams.audit.rows import Kept
from streams.embedded import Outputs, Publishing, Summary
from streams.pipeline import Pipeline
from tests.benchmarks.crowd import FPS, crowd, crowd_site
from tests.benchmarks.memory import held_bytes, resident_bytes

TARGET_BYTES = 8_192
HOUR_S = 3_600
CHUNK_S = 600


class _Live:
    """A run that writes no journal, and what it holds."""

    def __init__(self, outputs: Outputs) -> None:
        self.summary, self._pipeline = Summary(), Pipeline.start(crowd_site(), default_bundle())
        self._publishing = Publishing(outputs, self.summary, self._pipeline.scoring)

    def take(self, frames: PersonFrames) -> None:
        """Take in frames."""
        for entry in self._pipeline.take(frames).entries:
            self._publishing.take(Kept(entry, []))

    def held(self) -> dict[str, object]:
        """What is held, by what for."""
        camera, scoring, publishing = self._pipeline.camera, self._pipeline.scoring, self._publishing
        persons = scoring.persons
        return {
            "open seconds": camera.pending,
            "tracks": (camera.open, camera.ended),
            "at tills": camera.presence,
            "folds, windows": (
                *(persons.slots, persons.free, persons.ended),
                *(persons.folds, persons.ring, persons.bearing, persons.gait),
            ),
            "correctable rows": persons.identities,
            "decisions": (scoring.decisions, publishing.frames, publishing.verdicts),
        }


@contextmanager
def _live() -> Iterator[_Live]:
    with tempfile.TemporaryDirectory() as folder, Outputs(Path(folder)) as outputs:
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
