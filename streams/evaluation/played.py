"""Scenarios through the steps that production runs, each person with what truly happened."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from features.closing import Layout
from features.keypoints import Bools, Ints
from models.bundle import Bundle
from models.cases import Cases, cases_of
from models.scenarios.generate import Scenario, Visit
from models.scenarios.steps import Whereabouts, journal
from streams.evaluation.report import Advance

SEGMENT_MS = 1_000
GROUPS_A_SCENARIO = 1_000_000


class Played(NamedTuple):
    """Persons of scenarios of whom enough was seen for a verdict.

    Attributes:
        cases: what was seen of them, and said.
        visits: (cases,) what truly happened.
        group: (cases,) of those who came together; the same for all casts of one scenario.
        leads: (cases,) whether the person is the first of the group.
        size: (cases,) how many came together.
        utc_offset_minutes: (cases,) of their sites.
        camera_hours: how long the cameras ran.
    """

    cases: Cases
    visits: list[Visit]
    group: Ints
    leads: Bools
    size: Ints
    utc_offset_minutes: Ints
    camera_hours: float

    def leading(self) -> "Played":
        """Without those who only came along."""
        kept = np.flatnonzero(self.leads)
        visits = [self.visits[place] for place in kept.tolist()]
        return self._replace(
            cases=self.cases.take(kept),
            visits=visits,
            group=self.group[kept],
            leads=self.leads[kept],
            size=self.size[kept],
            utc_offset_minutes=self.utc_offset_minutes[kept],
        )

    @property
    def positive(self) -> Bools:
        """(cases,) whether a reviewer agreed that a look was worthwhile."""
        return np.array([visit.positive for visit in self.visits], np.bool_)

    @property
    def behaviour(self) -> list[str]:
        """(cases,) what the person did."""
        return [visit.behaviours[0] for visit in self.visits]


def play_all(scenarios: Iterable[tuple[int, Scenario]], bundle: Bundle, advance: Advance) -> Played:
    """The persons of all scenarios; each comes with a number that those with the same visits share."""
    parts = []
    for number, scenario in scenarios:
        parts.append(_played(number, scenario, bundle))
        advance()
    cases = Cases.concatenate([part.cases for part in parts])
    visits = [visit for part in parts for visit in part.visits]
    group, leads, size, offset = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("group", "leads", "size", "utc_offset_minutes")
    )
    return Played(cases, visits, group, leads, size, offset, sum(part.camera_hours for part in parts))


def _played(number: int, scenario: Scenario, bundle: Bundle) -> Played:
    cases = cases_of(journal(scenario, Layout.of(scenario.site)), scenario.site, bundle)
    cases = cases.take(np.flatnonzero(~cases.abstained))
    whereabouts = Whereabouts(scenario)
    ends = zip(cases.persons.tolist(), (cases.last_ms + SEGMENT_MS).tolist(), strict=True)
    visits = [whereabouts.visit_of(person, end_ms) for person, end_ms in ends]
    sizes = np.bincount([visit.group for visit in scenario.truth])
    first = {visit.group: visit.visit for visit in reversed(scenario.truth)}
    group = np.array([visit.group for visit in visits], np.int64)
    times_ms = scenario.frames.time_ms
    hours = len(scenario.site.cameras) * int(times_ms[-1] - times_ms[0]) / 3_600_000
    leads = np.array([first[visit.group] == visit.visit for visit in visits], np.bool_)
    offset = np.full(len(cases), scenario.site.utc_offset_minutes)
    return Played(cases, visits, number * GROUPS_A_SCENARIO + group, leads, sizes[group], offset, hours)
