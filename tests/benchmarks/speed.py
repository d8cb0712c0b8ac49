"""Speed of a run without Kafka, on one core: person-frames a second, and what each part of it takes."""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from rich.table import Table

from features.camera import CameraState, camera_step
from features.closing import Layout
from features.identity import Identities
from features.keypoints import NO_TRACK, PersonFrames
from features.person import PersonState, person_step
from features.segments import SegmentBlock
from features.sequence import FeatureRows
from features.visit import Places
from features.walk import WalkModel
from models.bundle import default_bundle
from models.decision import DecisionState, decide
from models.gait_learning import learn_gait
from streams.audit.run_log import RunLog
from streams.embedded import SCORES, Outputs, Run
from streams.recording import RecordingWriter
from streams.sources import read_recording
from tests.benchmarks.crowd import FPS, crowd, crowd_site
from tests.normalities import hands, normality
from tests.unit.test_gait_model import made_up_walks

REPEATS = 5
PERSON_FRAMES = 600_000
PERSONS = (10, 100, 500, 2_000)
TARGET_A_SECOND = 250_000
TARGET_DESCRIBED_US = 20


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


def described() -> Table:
    """What normality, gait and handling cost a person's second, on top of the steps."""
    columns = ("persons at once", "steps", "and normality", "and gait", "and handling", "all of it")
    title = f"Microseconds a person's second of both steps; all of it adds at most {TARGET_DESCRIBED_US}"
    table = Table(*columns, title=title, highlight=True)
    for persons in PERSONS:
        with tempfile.TemporaryDirectory() as folder:
            recording, rows = _record(Path(folder) / "in", persons)
            plain, *costs = _described(recording, rows // FPS)
        table.add_row(f"{persons:,}", f"{plain:.2f}", *(f"+{cost:.2f}" for cost in (*costs, sum(costs))))
    return table


def _described(recording: Path, seconds: int) -> Iterator[float]:
    """Of the steps alone, and what each of the three adds to what was there before it."""
    site, walks = crowd_site(), learn_gait(*made_up_walks())
    normal = normality([camera.name for camera in site.cameras]).at([camera.name for camera in site.cameras])
    layouts = (Layout.of(site), Layout.of(site, normal), Layout.of(site, normal), Layout.of(site, normal, hands()))
    parts = [_Parts(recording, *each) for each in zip(layouts, (None, None, walks, walks), strict=True)]
    measured = [[_seconds(part.both) / seconds * 1e6 for part in parts] for _ in range(REPEATS)]
    yield median(first for first, *_ in measured)
    for at in range(1, len(parts)):
        yield median(each[at] - each[at - 1] for each in measured)


def _record(folder: Path, persons: int) -> tuple[Path, int]:
    rows = 0
    with RecordingWriter(folder, crowd_site()) as writer:
        for frames in crowd(persons, PERSON_FRAMES // (persons * FPS)):
            writer.frames(frames)
            rows += int((frames.track != NO_TRACK).sum())
    return folder, rows


def _run(recording: Path) -> None:
    site = crowd_site()
    folder, bundle = recording.parent / "out", default_bundle()
    with Outputs(folder) as outputs, RunLog(folder, site, bundle) as log:
        run = Run(site, bundle, outputs, log)
        for item in read_recording(recording, site):
            run.take(item)
        summary = run.finish()
        log.finish()
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

    def __init__(self, recording: Path, layout: Layout | None = None, walks: WalkModel | None = None) -> None:
        self._recording, self._site = recording, crowd_site()
        self._layout, self._bundle, self._walks = layout or Layout.of(self._site), default_bundle(), walks
        self._frames = list(self._decode())
        self._blocks = list(self._close())
        self._rows = list(self._fold())

    def measure(self, rows: int) -> list[float]:
        """Microseconds a person-frame of decoding, camera step, journal, person step and decision."""
        parts = (self._decode, self._close, self._journal, self._fold, self._decide)
        return [_median_us(lambda part=part: _exhaust(part()), rows) for part in parts]  # type: ignore[misc]

    def both(self) -> None:
        """The camera step and the person step."""
        self._blocks = list(self._close())
        _exhaust(self._fold())

    def _decode(self) -> Iterator[PersonFrames]:
        return (item for item in read_recording(self._recording, self._site) if isinstance(item, PersonFrames))

    def _close(self) -> Iterator[SegmentBlock]:
        state = CameraState.start(self._layout)
        for frames in self._frames:
            step = camera_step(state, frames, self._layout)
            state = step.state
            yield from (entry for entry in step.entries if isinstance(entry, SegmentBlock))

    def _journal(self) -> Iterator[object]:
        folder = self._recording.parent / "kept"
        folder.mkdir(exist_ok=True)
        with RunLog(folder, self._site, self._bundle) as log:
            for block in self._blocks:
                yield log.keep(block)

    def _fold(self) -> Iterator[FeatureRows]:
        state, places = PersonState(Identities.start(self._site)), Places(self._site, self._layout.zones, self._walks)
        return (person_step(state, block, places) for block in self._blocks)

    def _decide(self) -> Iterator[object]:
        state = DecisionState()
        with Outputs(self._recording.parent / "decided") as outputs:
            for rows in self._rows:
                decided = decide(state, rows, self._bundle, self._site)
                outputs.write(SCORES, decided.scores)
                yield decided


def _exhaust(parts: Iterator[object]) -> None:
    for _ in parts:
        pass
