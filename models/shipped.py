"""The shipped bundle: learned from scenarios that went through the same steps as everything that is scored."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.basket import corpus_of
from features.closing import Layout
from features.sequence import FINAL
from models.bundle import SCORING_VERSION, AbstainRule, Bundle, seal
from models.cases import cases_of
from models.drift import Reference, reference_of
from models.scenarios.generate import Scenario, generate
from models.scenarios.steps import Whereabouts, feature_rows, journal
from models.thresholds import bands
from models.training import train

VISITS_AT_ONCE = 250
LOSS_PPM_MAX = 5_000  # of AUC, from the model to the scorecard

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


def usual(bundle: Bundle, seed: int, visits: int, progress: Progress) -> Reference:
    """What made-up persons look like to a bundle, for drift; the same bytes for the same seed. As `ship` otherwise."""
    values = []
    for at in range(-(-visits // VISITS_AT_ONCE)):
        scenario = generate(seed * 1_000 + at, VISITS_AT_ONCE)
        cases = cases_of(journal(scenario, Layout.of(scenario.site)), scenario.site, bundle)
        values.append(cases.values[~cases.abstained])
        progress(len(scenario.frames))
    return reference_of(np.concatenate(values), bundle)


def examples(scenario: Scenario, number: int) -> Examples:
    """What each track of a scenario amounted to when it ended.

    Returns:
        (tracks, features) values, (tracks,) whether a reviewer agreed, (tracks,) the group of the visit.
    """
    whereabouts = Whereabouts(scenario)
    values, labels, groups = [], [], []
    for rows in feature_rows(scenario):
        for at in np.flatnonzero((rows.kind == FINAL) & (rows.values[:, 0] >= AbstainRule().observed_s)).tolist():
            visit = whereabouts.visit_of(rows.persons[rows.person[at]], int(rows.time_ms[at]))
            values.append(rows.values[at])
            labels.append(visit.positive)
            groups.append(number * 1_000_000 + visit.group)
    return np.array(values), np.array(labels), np.array(groups)
