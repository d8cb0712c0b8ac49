"""What Vigil calls whole persons, for tests against data sets and scenarios."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.camera import CameraState, CameraStep, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.person import PersonState, person_step
from features.segments import SegmentBlock
from features.sequence import CATALOGUE, COLUMN, FINAL, FeatureRows
from features.site import Site
from features.visit import Places
from streams.sources import DeadLetter, Item, read_recording, site_of


@dataclass(slots=True)
class Watched:
    """A person's visit.

    Attributes:
        values: (features,) the largest of the values with which the tracks ended.
        observed_s: how long they were seen.
        stood_s: the most they stood still in a minute.
        seconds: (start of the second, x, y), metres.
        trackers: the tracker's id in each of these seconds.
    """

    values: NDArray[np.int32] = field(default_factory=lambda: np.full(len(CATALOGUE), -1, np.int32))
    observed_s: int = 0
    stood_s: float = 0.0
    seconds: list[tuple[int, float, float]] = field(default_factory=list)
    trackers: list[int] = field(default_factory=list)

    @property
    def crossed_m(self) -> float:
        """From the first to the last position."""
        (_, x, y), (_, last_x, last_y) = min(self.seconds), max(self.seconds)
        return float(np.hypot(last_x - x, last_y - y))

    def has(self, feature: str, at_least: int) -> bool:
        """Whether a feature reached a value."""
        return bool(self.values[COLUMN[feature]] >= at_least)


def watch_recording(folder: Path) -> dict[str, Watched]:
    """The persons of a recording by name."""
    site = site_of(folder)
    return watch(read_recording(folder, site), site)


def watch(items: Iterable[Item], site: Site) -> dict[str, Watched]:
    """The persons in what cameras and tills report, by name; of tracks that no identity change joins."""
    layout, known = Layout.of(site), dict[str, Watched]()
    places, persons = Places(site, layout.zones), PersonState(Identities.start(site))
    for step in _steps(items, layout):
        for entry in step.entries:
            if isinstance(entry, SegmentBlock):
                _note_segments(entry, known)
            _note_rows(person_step(persons, entry, places), known)
    return known


def _steps(items: Iterable[Item], layout: Layout) -> Iterator[CameraStep]:
    state = CameraState.start(layout)
    for item in items:
        assert not isinstance(item, DeadLetter)
        step = camera_step(state, item, layout)
        state = step.state
        yield step
    yield finish(state, layout)


def _note_segments(block: SegmentBlock, known: dict[str, Watched]) -> None:
    for place, row in zip(block.track.tolist(), block.rows, strict=True):
        if row["frames"]:
            watched = known.setdefault(block.tracks[place], Watched())
            unit = float(row["um_per_unit"]) / 1e6
            watched.trackers.append(int(row["tracker"]))
            watched.seconds.append((int(row["second_ms"]), float(row["x"]) * unit, float(row["y"]) * unit))


def _note_rows(rows: FeatureRows, known: dict[str, Watched]) -> None:
    observed, still = rows.values[:, COLUMN["observed_s"]], rows.values[:, COLUMN["still_60s"]]
    stood = np.where(still >= 0, still, 0) * np.minimum(observed, 60) / 1_000
    for at, (place, kind) in enumerate(zip(rows.person.tolist(), rows.kind.tolist(), strict=True)):
        watched = known.setdefault(rows.persons[place], Watched())
        watched.observed_s = max(watched.observed_s, int(observed[at]))
        watched.stood_s = max(watched.stood_s, float(stood[at]))
        if kind == FINAL:
            watched.values = np.maximum(watched.values, rows.values[at])
