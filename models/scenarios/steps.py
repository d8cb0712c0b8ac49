"""A scenario through the steps that production runs, and which visit a person that came of it was."""

from collections.abc import Iterator

import numpy as np

from features.camera import CameraState, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.keypoints import PersonFrames
from features.person import PersonState, person_step
from features.segments import Entry
from features.sequence import FeatureRows
from features.visit import Places
from models.scenarios.generate import Scenario, Visit


class Whereabouts:
    """Which visit each tracker id of each camera was of, and from when on."""

    def __init__(self, scenario: Scenario) -> None:
        cameras = [camera.name for camera in scenario.site.cameras]
        self._begun: dict[tuple[str, int], list[tuple[int, Visit]]] = {}
        for visit in scenario.truth:
            for one in visit.sightings:
                begun = self._begun.setdefault((cameras[visit.camera], one.track), [])
                begun.append((one.start_ms, visit))

    def visit_of(self, person: str, time_ms: int) -> Visit:
        """The visit that a person, named as the steps name it, was of just before a time."""
        camera, tracker, _ = person.split("/")
        begun = [(start_ms, visit) for start_ms, visit in self._begun[camera, int(tracker)] if start_ms < time_ms]
        return max(begun, key=lambda one: one[0])[1]


def feature_rows(scenario: Scenario) -> Iterator[FeatureRows]:
    """The feature rows of a scenario, from the steps that production runs."""
    layout = Layout.of(scenario.site)
    places = Places(scenario.site, layout.zones)
    persons = PersonState(Identities.start(scenario.site))
    for entry in journal(scenario, layout):
        yield person_step(persons, entry, places)


def journal(scenario: Scenario, layout: Layout) -> Iterator[Entry]:
    """The journal of a scenario, each purchase coming when it was paid."""
    state = CameraState.start(layout)
    cuts = np.searchsorted(scenario.frames.time_ms, [purchase.time_ms for purchase in scenario.purchases]).tolist()
    items: list[PersonFrames] = [
        scenario.frames.take(slice(a, b)) for a, b in zip([0, *cuts], [*cuts, None], strict=True)
    ]
    for frames, purchase in zip(items, [*scenario.purchases, None], strict=True):
        for item in (frames, purchase):
            if item is not None and not (isinstance(item, PersonFrames) and not len(item)):
                step = camera_step(state, item, layout)
                state = step.state
                yield from step.entries
    yield from finish(state, layout).entries
