"""What thresholds would lead to if a score raised alarms on its own: how many, how right, how soon."""

from typing import NamedTuple

import numpy as np

from features.keypoints import Bools, Int64s, Ints
from features.segments import SEGMENT_MS
from streams.evaluation.report import Grid


class Event(NamedTuple):
    """Something that an alarm should be for: where it was recorded, and `[start_ms, end_ms)`."""

    video: int
    start_ms: int
    end_ms: int


class Seconds(NamedTuple):
    """Scored seconds: (rows,) video, track, start and score."""

    video: Ints
    track: Ints
    second_ms: Int64s
    score: Int64s

    def reaching(self, threshold: int) -> "Seconds":
        """Those with at least this score."""
        return self._take(self.score >= threshold)

    def within(self, event: Event) -> "Seconds":
        """Those that overlap with an event."""
        kept = (self.video == event.video) & (self.second_ms < event.end_ms)
        kept &= self.second_ms + SEGMENT_MS > event.start_ms
        return self._take(kept)

    def _take(self, kept: Bools) -> "Seconds":
        return Seconds(self.video[kept], self.track[kept], self.second_ms[kept], self.score[kept])


def alarm_grid(title: str, thresholds: dict[int, int], seconds: Seconds, events: list[Event]) -> Grid:
    """A row for each budget and the threshold that keeps it; one alarm a track, an event's delay to its second's end.

    Args:
        title: of the table.
        thresholds: of each budget, thousandths of a bit.
        seconds: all that were scored.
        events: what should be found.
    """
    rows = [_row(budget, threshold, seconds.reaching(threshold), events) for budget, threshold in thresholds.items()]
    columns = ["alarms a camera-hour", "from bits", "tracks alarmed", "of them in an event", "events found", "delay, s"]
    return Grid(title, columns, rows)


def _row(budget: int, threshold: int, alarmed: Seconds, events: list[Event]) -> list[str]:
    hits = [(event, during) for event in events if len((during := alarmed.within(event)).track)]
    right = len(np.unique(np.concatenate([during.track for _, during in hits]))) if hits else 0
    delays_ms = [int(during.second_ms.min()) + SEGMENT_MS - event.start_ms for event, during in hits]
    delay = f"{np.median(delays_ms) / 1_000:.1f}" if hits else "none found"
    raised = len(np.unique(alarmed.track))
    return [str(budget), f"{threshold / 1_000:.1f}", str(raised), str(right), f"{len(hits)} of {len(events)}", delay]


def thresholds_of(budgets: tuple[int, ...], highest: Int64s, hours: float) -> dict[int, int]:
    """The lowest thresholds that keep each budget of alarms an hour on normal recordings.

    Args:
        budgets: alarms an hour.
        highest: (tracks,) the highest score of each normal track, one alarm at most.
        hours: how long the cameras ran in which these tracks were seen.
    """
    descending = np.sort(highest)[::-1]
    return {budget: int(descending[min(int(budget * hours), len(descending) - 1)]) + 1 for budget in budgets}
