"""Days of a made-up shop, each a run, with verdicts on persons by what truly happened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from features.events import Disposition
from models.bundle import Bundle
from models.scenarios.generate import Scenario, Visit, generate
from streams.jobs import record_scenario, run_recording
from streams.runs import RunFolder, open_run

DAY_MS = 86_400_000
LATER_MS = 3_600_000  # after a day's last visit its persons are judged
FPS = 5


@dataclass(frozen=True)
class Day:
    """A run and the scenario it came of."""

    run: RunFolder
    scenario: Scenario

    def verdicts(self) -> Iterator[Disposition]:
        """A verdict on every person who was scored, an hour after the last visit."""
        time_ms = int(self.scenario.frames.time_ms[-1]) + LATER_MS
        for person, scores in sorted(self.run.scores.items()):
            verdict = "agree" if self.visit_of(person, scores[-1].time_ms).positive else "disagree"
            yield Disposition(f"v-{person.replace('/', '-')}", time_ms, person, verdict, "reviewer-1")  # type: ignore[arg-type]

    def visit_of(self, person: str, time_ms: int) -> Visit:
        """The visit that a person was of just before a time."""
        camera, tracker, _ = person.split("/")
        names = [each.name for each in self.scenario.site.cameras]
        began = [
            (one.start_ms, visit.visit, visit)
            for visit in self.scenario.truth
            for one in visit.sightings
            if names[visit.camera] == camera and one.track == int(tracker) and one.start_ms < time_ms
        ]
        return max(began)[2]


def day(folder: Path, number: int, visits: int, bundle: Bundle) -> Day:
    """The run of a day, the same for the same number."""
    scenario = moved(generate(1_000 + number, visits, FPS), number * DAY_MS)
    record_scenario(scenario, folder / f"recording-{number}")
    run_recording(folder / f"recording-{number}", scenario.site, bundle, folder / f"run-{number}", lambda _: None)
    return Day(open_run(folder / f"run-{number}"), scenario)


def moved(scenario: Scenario, by_ms: int) -> Scenario:
    """The same at another time."""
    frames = scenario.frames.take(slice(None))
    frames.time_ms[:] = scenario.frames.time_ms + by_ms
    truth = [
        replace(
            visit,
            sightings=tuple(
                replace(one, start_ms=one.start_ms + by_ms, end_ms=one.end_ms + by_ms) for one in visit.sightings
            ),
        )
        for visit in scenario.truth
    ]
    purchases = [
        msgspec.structs.replace(one, time_ms=one.time_ms + by_ms, receipt=f"{one.receipt}-{by_ms}")
        for one in scenario.purchases
    ]
    return replace(scenario, frames=frames, purchases=purchases, truth=truth)


def write_lines(path: Path, records: Iterable[object]) -> Path:
    """Records as JSON lines."""
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    return path
