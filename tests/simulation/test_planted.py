"""What the scripts of scenarios plant is found, through occlusions and changes of the tracker's ids."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from models.scenarios.generate import Scenario, Sighting, generate
from streams.sources import Item
from tests.calls import Watched, watch

SEEDS = range(2_000, 2_003)
VISITS = 250
FOUND_LEAST = 0.95
CALLED_WRONGLY_MAX = 0.02
NOBODY = -1
HELD_S_LEAST = 8  # seconds of a visit that a track must hold to speak for it
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
    """The tracks that held seconds of each visit, by the tracker's ids in these seconds."""
    given: dict[tuple[str, int], list[tuple[Sighting, int]]] = defaultdict(list)
    for visit in scenario.truth:
        for sighting in visit.sightings:
            given[scenario.site.cameras[visit.camera].name, sighting.track].append((sighting, visit.visit))
    seen: dict[int, list[Watched]] = defaultdict(list)
    for name, person in persons.items():
        camera = name.partition("/")[0]
        owners = (
            _owner(given[camera, tracker], at)
            for (at, *_), tracker in zip(person.seconds, person.trackers, strict=True)
        )
        times = Counter(owners)
        for owner, held_s in times.items():
            if owner != NOBODY and held_s >= HELD_S_LEAST:
                seen[owner].append(person)
    return seen


def _owner(given: list[tuple[Sighting, int]], second_ms: int) -> int:
    """Which visit a tracker's id was given to in a second."""
    owners = (visit for sighting, visit in given if sighting.start_ms - 1_000 < second_ms < sighting.end_ms)
    return next(owners, NOBODY)


@pytest.mark.parametrize("kind", ["loitering", "pacing"])
def test_what_was_planted_is_found(called: Called, kind: str) -> None:
    found = called[kind] + called[f"door_{kind}"]
    assert len(found) > 50
    assert sum(found) / len(found) >= FOUND_LEAST, f"{sum(found)} of {len(found)}, seeds {SEEDS}"


def test_hardly_anybody_else_is_called_pacing(called: Called) -> None:
    """Staff aside, who walk to and fro at their work."""
    others = [call for behaviour, calls in called.items() if behaviour not in {*PLANTED, "staff"} for call in calls]
    assert sum(others) / len(others) <= CALLED_WRONGLY_MAX
