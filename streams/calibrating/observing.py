"""Learning what is normal at a site from a recording, however long: the seconds are taken in as they become whole."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.body import feet
from features.closing import Layout, opted_out
from features.keypoints import NO_TRACK, PersonFrames
from features.segments import SEGMENT_MS
from features.site import Site
from models.normality_learning import Observed
from streams.sources import read_recording

ROWS_HELD = 200_000
ALLOWANCE_MS = 60_000  # by how much frames may be out of order
Progress = Callable[[int], None]


def observe(recording: Path, site: Site, progress: Progress, rows_held: int = ROWS_HELD) -> Observed:
    """All seconds with a pose, in all phases, but those in zones and hours in which nobody is scored.

    Args:
        recording: a folder.
        site: whose cameras the frames' are places in.
        progress: told how many person-frames were taken in since the last time.
        rows_held: about how many person-frames are held in memory.

    Raises:
        TableError: the poses cannot be read.
    """
    watching = _Watching(Layout.of(site), rows_held)
    for item in read_recording(recording, site):
        if isinstance(item, PersonFrames):
            watching.take(item)
            progress(int((item.track != NO_TRACK).sum()))
    return watching.finish()


@dataclass(slots=True)
class _Watching:
    layout: Layout
    rows_held: int
    held: list[PersonFrames] = field(default_factory=list)
    seen: list[Observed] = field(default_factory=list)
    seen_until_ms: int = 0

    def take(self, frames: PersonFrames) -> None:
        posed = frames.take((frames.track != NO_TRACK) & (frames.confidence > 0).any(axis=0))
        zones = self.layout.zones.membership(posed.camera, *feet(posed))
        self.held.append(posed.take(~opted_out(posed, zones, self.layout)))
        if sum(map(len, self.held)) > self.rows_held:
            self._look(max(int(part.time_ms.max(initial=0)) for part in self.held) - ALLOWANCE_MS)

    def finish(self) -> Observed:
        if self.held:
            self._look(max(int(part.time_ms.max(initial=0)) for part in self.held) + 2 * SEGMENT_MS)
        return Observed.concatenate(self.seen or [Observed.in_all_phases(PersonFrames.empty())])

    def _look(self, until_ms: int) -> None:
        """Take in the seconds that end by then, and hold what the next ones need."""
        until_ms = max(until_ms - until_ms % SEGMENT_MS, self.seen_until_ms)
        frames = PersonFrames.concatenate(self.held)
        self.seen.append(Observed.in_all_phases(frames, self.seen_until_ms, until_ms))
        self.held = [frames.take(np.flatnonzero(frames.time_ms >= until_ms - SEGMENT_MS))]
        self.seen_until_ms = until_ms
