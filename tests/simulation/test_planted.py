"""What the scripts of scenarios plant is found, through occlusions and changes of the tracker's ids."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from models.scenarios.generate import Scenario, Visit, generate
from streams.sources import Item
from tests.calls import Watched, watch

SEEDS = range(2_000, 2_003)
VISITS = 250
FOUND_LEAST = 0.95
PLANTED = {
    "pacing": ("pacing_reversals", 3),
    "door_pacing": ("pacing_reversals", 3),
    "loitering": ("loiter_s", 1),
    "door_loitering": ("restricted_loiter_s", 1),
}

Called = dict[str, list[bool]]


@pytest.fixture(scope="module")
def called() -> Called:
    """Of each behaviour, whether each of its visits was called by the feature that was planted."""
    calls: Called = defaultdict(list)
    for seed in SEEDS:
        scenario = generate(seed, VISITS)
        seen = _by_visit(scenario, watch(_items(scenario), scenario.site))
        for visit in scenario.truth:
            feature = PLANTED.get(visit.behaviours[0], PLANTED["pacing"])
            calls[visit.behaviours[0]].append(any(person.has(*feature) for person in seen[visit.visit]))
    return calls


def _items(scenario: Scenario) -> Iterator[Item]:
    cuts = np.searchsorted(scenario.frames.time_ms, [purchase.time_ms for purchase in scenario.purchases]).tolist()
    ends = [*cuts, len(scenario.frames)]
    for start, end, purchase in zip([0, *cuts], ends, [*scenario.purchases, None], strict=True):
        if end > start:
            yield scenario.frames.take(slice(start, end))
        if purchase is not None:
            yield purchase


def _by_visit(scenario: Scenario, persons: dict[str, Watched]) -> dict[int, list[Watched]]:
    seen: dict[int, list[Watched]] = defaultdict(list)
    for name, person in persons.items():
        camera, tracker, _ = name.split("/")
        if visit := _visit_of(scenario, camera, int(tracker), min(person.seconds)[0]):
            seen[visit.visit].append(person)
    return seen


def _visit_of(scenario: Scenario, camera: str, tracker: int, second_ms: int) -> Visit | None:
    """Whose track it is: the visit the tracker's id was last given to when the track began."""
    cameras = [one.name for one in scenario.site.cameras]
    given = [
        (sighting.start_ms, visit.visit)
        for visit in scenario.truth
        for sighting in visit.sightings
        if cameras[visit.camera] == camera and sighting.track == tracker and sighting.start_ms < second_ms + 1_000
    ]
    return scenario.truth[max(given)[1]] if given else None


@pytest.mark.parametrize("behaviour", PLANTED)
def test_what_was_planted_is_found(called: Called, behaviour: str) -> None:
    found = called[behaviour]
    assert len(found) > 20
    assert sum(found) / len(found) >= FOUND_LEAST, f"{sum(found)} of {len(found)}, seeds {SEEDS}"


def test_nobody_else_is_called_pacing(called: Called) -> None:
    others = [call for behaviour, calls in called.items() if behaviour not in PLANTED for call in calls]
    assert sum(others) / len(others) <= 0.01
