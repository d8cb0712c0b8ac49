"""The steps one after another: what comes in goes through the camera step, the journal's entries through the rest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from features.camera import CameraEntry, CameraState, CameraStep, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.person import PersonState, person_step
from features.segments import Entry, Erased
from features.site import Site
from features.visit import Places
from models.bundle import Bundle
from models.decision import DecisionState, decide, spend
from models.normality import NormalAt, Normality
from models.records import Alert, Score
from streams.shadow import Shadow


class Said(NamedTuple):
    """What an entry of the journal leads to; `values` and `rests_on` as `decide` gives them."""

    scores: list[Score]
    alerts: list[Alert]
    values: list[bytes]
    rests_on: list[int]


@dataclass(slots=True)
class Scoring:
    """The steps after the journal: the same entries always give the same scores.

    Attributes:
        persons: what the person step remembers.
        decisions: what the decision remembers.
        shadow: a bundle on trial, which changes nothing of the above.
    """

    site: Site
    bundle: Bundle
    places: Places
    persons: PersonState
    decisions: DecisionState = field(default_factory=DecisionState)
    shadow: Shadow | None = None

    @classmethod
    def start(cls, site: Site, bundle: Bundle, layout: Layout, shadow: Bundle | None = None) -> Self:
        """Nothing scored yet."""
        persons = PersonState(Identities.start(site, bundle.corpus))
        tried = None if shadow is None else Shadow(shadow)
        return cls(site, bundle, Places(site, layout.zones, bundle.gait or None), persons, shadow=tried)

    @property
    def shadow_decisions(self) -> DecisionState | None:
        """What the decision of the bundle on trial remembers, if there is one."""
        return self.shadow.decisions if self.shadow else None

    @shadow_decisions.setter
    def shadow_decisions(self, decisions: DecisionState | None) -> None:
        if self.shadow and decisions:
            self.shadow.decisions = decisions

    def take(self, entry: Entry | Erased) -> Said:
        """What an entry of the journal leads to."""
        if isinstance(entry, Erased):
            for camera, hour in entry.spent:
                spend(self.decisions, camera, hour)
        rows = person_step(self.persons, entry, self.places)
        if not len(rows):
            return Said([], [], [], [])
        decided = decide(self.decisions, rows, self.bundle, self.site)
        self.decisions = decided.state
        if self.shadow:
            self.shadow.take(rows, self.site)
        return Said(decided.scores, decided.alerts, decided.values, decided.rests_on)


@dataclass(slots=True)
class Pipeline:
    """All steps. What `take` and `finish` return are the entries for the journal, which `scoring` takes in turn.

    Attributes:
        normality: what is normal at the site, which the layout rests on.
    """

    layout: Layout
    camera: CameraState
    scoring: Scoring
    normality: Normality | None = None

    @classmethod
    def start(
        cls, site: Site, bundle: Bundle, shadow: Bundle | None = None, normality: Normality | None = None
    ) -> Self:
        """Nothing seen yet."""
        layout = Layout.of(site, normal_at(normality, site), bundle.handling or None)
        return cls(layout, CameraState.start(layout), Scoring.start(site, bundle, layout, shadow), normality)

    def take(self, entry: CameraEntry) -> CameraStep:
        """Take in person-frames or a fact."""
        return self._follow(camera_step(self.camera, entry, self.layout))

    def finish(self) -> CameraStep:
        """Close what is open: nothing more is awaited."""
        return self._follow(finish(self.camera, self.layout))

    def _follow(self, step: CameraStep) -> CameraStep:
        self.camera = step.state
        return step


def normal_at(normality: Normality | None, site: Site) -> NormalAt | None:
    """What is normal at the cameras of a site, if anybody has learned it."""
    return normality.at([camera.name for camera in site.cameras]) if normality else None


def late_records(step: CameraStep, cameras: list[str]) -> Iterator[object]:
    """What came too late, as it is told: person-frames by camera, tracker id and time, facts as they are."""
    for late in step.late:
        for camera, track, time_ms in zip(
            late.camera.tolist(), late.track.tolist(), late.time_ms.tolist(), strict=True
        ):
            yield {"type": "person_frame", "camera": cameras[camera], "track": track, "time_ms": time_ms}
    yield from step.late_facts
