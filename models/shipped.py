"""The shipped bundle: learned from scenarios that went through the same steps as everything that is scored."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from features.basket import corpus_of
from features.camera import CameraState, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.keypoints import PersonFrames
from features.person import PersonState, person_step
from features.segments import Entry
from features.sequence import FINAL, FeatureRows
from features.visit import Places
from models.bundle import BANDS, SCORING_VERSION, AbstainRule, Band, BandName, Bundle, seal
from models.calibration import Calibration
from models.scenarios.generate import Scenario, Visit, generate
from models.scorecard import SCORE_MAX
from models.training import train

VISITS_AT_ONCE = 250
LOSS_PPM_MAX = 5_000  # of AUC, from the model to the scorecard
ENTER_PERMILLE: dict[BandName, int] = {"elevated": 300, "high": 600}  # the probability from which on a band is entered
HYSTERESIS = 40  # points

Progress = Callable[[int], None]
Examples = tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]


class ConversionLossError(Exception):
    """A scorecard that lost too much against the model it was made from."""


def ship(seed: int, visits: int, progress: Progress) -> Bundle:
    """Train the bundle on so many made-up visits; the same bytes for the same seed.

    Args:
        seed: of the scenarios and of the training.
        visits: in scenarios of `VISITS_AT_ONCE`.
        progress: told the person-frames of each scenario.

    Raises:
        ConversionLossError: the scorecard lost more than half a point of AUC.
    """
    parts, corpus_purchases = [], []
    for at in range(-(-visits // VISITS_AT_ONCE)):
        scenario = generate(seed * 1_000 + at, VISITS_AT_ONCE)
        corpus_purchases += scenario.purchases
        parts.append(examples(scenario, at))
        progress(len(scenario.frames))
    values, labels, groups = (np.concatenate(column) for column in zip(*parts, strict=True))
    trained = train(values, labels, groups, seed)
    if trained.report.auc_loss_ppm > LOSS_PPM_MAX:
        raise ConversionLossError(f"the scorecard lost {trained.report.auc_loss_ppm} millionths of AUC")
    return seal(
        Bundle(
            scoring_version=SCORING_VERSION,
            scorecard=trained.scorecard,
            calibration=trained.calibration,
            bands=bands(trained.calibration),
            abstain=AbstainRule(),
            training=trained.report,
            corpus=corpus_of(corpus_purchases),
        )
    )


def bands(calibration: Calibration) -> tuple[Band, ...]:
    """Bands entered where a reviewer would agree often enough, and left a little below."""
    probabilities = calibration.probability_permille(np.arange(SCORE_MAX + 1, dtype=np.int32))
    found = [Band(BANDS[0], 0, 0)]
    for name in BANDS[1:]:
        enter = int(np.searchsorted(probabilities, ENTER_PERMILLE[name]))
        enter = min(max(enter, found[-1].enter + HYSTERESIS + 1), SCORE_MAX)
        found.append(Band(name, enter, enter - HYSTERESIS))
    return tuple(found)


def examples(scenario: Scenario, number: int) -> Examples:
    """What each track of a scenario amounted to when it ended.

    Returns:
        (tracks, features) values, (tracks,) whether a reviewer agreed, (tracks,) the group of the visit.
    """
    cameras = [camera.name for camera in scenario.site.cameras]
    whose: dict[tuple[str, int], list[tuple[int, Visit]]] = {
        (cameras[visit.camera], one.track): [] for visit in scenario.truth for one in visit.sightings
    }
    for visit in scenario.truth:
        for one in visit.sightings:
            whose[cameras[visit.camera], one.track].append((one.start_ms, visit))
    values, labels, groups = [], [], []
    for rows in feature_rows(scenario):
        for at in np.flatnonzero((rows.kind == FINAL) & (rows.values[:, 0] >= AbstainRule().observed_s)).tolist():
            visit = _visit_of(whose, rows, at)
            values.append(rows.values[at])
            labels.append(visit.positive)
            groups.append(number * 1_000_000 + visit.group)
    return np.array(values), np.array(labels), np.array(groups)


def _visit_of(whose: dict[tuple[str, int], list[tuple[int, Visit]]], rows: FeatureRows, at: int) -> Visit:
    camera, tracker, _ = rows.persons[rows.person[at]].split("/")
    begun = [(start_ms, visit) for start_ms, visit in whose[camera, int(tracker)] if start_ms < rows.time_ms[at]]
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
