"""Thresholds: where bands begin, so that reviewers agree often enough and alerts keep to a budget; what abstains."""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, gammaincinv  # type: ignore[import-untyped]

from features.keypoints import PERMILLE, Bools, Int32s, Ints
from models.bundle import BANDS, HIGH, AbstainRule, Band, BandName
from models.calibration import Calibration
from models.evaluation import WEIGHT_OF_ONE
from models.propensity import effective_cases
from models.scorecard import SCORE_MAX

PROMISED_PERMILLE: dict[BandName, int] = {"elevated": 300, "high": 600}
"""How often reviewers agree with somebody whose score just enters a band."""

HYSTERESIS = 40  # points
OBSERVED_S = (3, 5, 8, 12, 20, 30, 60)  # what may be asked for before anything is said


class Alarms(NamedTuple):
    """What would be called at which threshold: (persons,) each.

    Attributes:
        scores: the score with an objective event; -1 without one.
        innocent: whether a reviewer disagreed.
        weights: thousandths of persons each stands for.
        camera_hours: in which they were seen.
    """

    scores: Int32s
    innocent: Bools
    weights: Ints
    camera_hours: float

    def rate_high(self, threshold: int, confidence: float) -> float:
        """Alerts a camera-hour that there are at most, with this confidence, from a threshold on."""
        return rate_high(self.weights[self.scores >= threshold], self.camera_hours, confidence)

    def false(self, threshold: int) -> int:
        """Thousandths of persons called though judged innocent, from a threshold on."""
        return int(self.weights[(self.scores >= threshold) & self.innocent].sum())


class Limits(NamedTuple):
    """What alerts have to keep to: so many a camera-hour with this confidence, so many thousandths of false ones."""

    per_camera_hour: int
    confidence: float
    false_most: int


def bands(calibration: Calibration, high_at_least: int = 0) -> tuple[Band, ...]:
    """Bands entered where a reviewer would agree often enough, and left a little below.

    Args:
        calibration: of the scores.
        high_at_least: the high band is not entered below; 0..1000 points.
    """
    probabilities = calibration.probability_permille(np.arange(SCORE_MAX + 1, dtype=np.int32))
    found = [Band(BANDS[0], 0, 0)]
    for name in BANDS[1:]:
        enter = int(np.searchsorted(probabilities, PROMISED_PERMILLE[name]))
        if name == BANDS[HIGH]:
            enter = max(enter, high_at_least)
        room = (HYSTERESIS + 1) * (len(BANDS) - 1 - len(found))
        enter = min(max(enter, found[-1].enter + HYSTERESIS + 1), SCORE_MAX - room)
        found.append(Band(name, enter, enter - HYSTERESIS))
    return tuple(found)


def threshold_within(alarms: Alarms, limits: Limits) -> int:
    """The least score from which on alerts keep to the limits; one more than the largest if none does."""
    for threshold in np.unique(np.maximum(alarms.scores, 0)).tolist():
        if alarms.false(threshold) <= limits.false_most and (
            alarms.rate_high(threshold, limits.confidence) <= limits.per_camera_hour
        ):
            return int(threshold)
    return int(alarms.scores.max(initial=0)) + 1


def rate_high(weights: Ints, camera_hours: float, confidence: float) -> float:
    """Upper bound of a rate of events of which each was seen so many times; of equal weights the exact one of Poisson.

    Args:
        weights: (events,) thousandths of events each stands for.
        camera_hours: in which they were seen, more than 0.
        confidence: 0..1, one-sided.

    Source: Fay and Feuer 1997 (Stat. Med. 16:791).
    """
    largest = int(weights.max(initial=WEIGHT_OF_ONE)) / WEIGHT_OF_ONE
    mean = weights.sum() / WEIGHT_OF_ONE + largest
    spread = float(((weights / WEIGHT_OF_ONE) ** 2).sum()) + largest**2
    return float(spread / mean * gammaincinv(mean**2 / spread, confidence) / camera_hours)


def share_between(chosen: Bools, weights: Ints, confidence: float) -> tuple[float, float]:
    """One-sided bounds of a share, each with this confidence, as if of so many cases of equal weight as say as much.

    Args:
        chosen: (cases,) bool; without a case nothing is known, 0 to 1.
        weights: (cases,) whole numbers.
        confidence: 0..1.

    Source: Clopper and Pearson 1934 (Biometrika 26:404).
    """
    cases = effective_cases(weights)
    if not cases:
        return 0.0, 1.0
    right = cases * float(weights[chosen].sum()) / float(weights.sum())
    low = float(betaincinv(right, cases - right + 1, 1 - confidence)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, cases - right, confidence)) if right < cases else 1.0
    return low, high


def abstain_rule(
    observed_s: Ints, high: Bools, agreed: Bools, weights: Ints, known: AbstainRule, confidence: float
) -> AbstainRule:
    """What has to be seen so that the high band keeps its promise with this confidence, never less than before.

    The rule stays as it was where too little is known to show it for any.

    Args:
        observed_s: (persons,) how long each was seen when its score was highest.
        high: (persons,) whether that score is in the high band.
        agreed: (persons,) whether a reviewer agreed.
        weights: (persons,) thousandths of persons each stands for.
        known: the rule before.
        confidence: 0..1.
    """
    for seconds in sorted({known.observed_s, *OBSERVED_S}):
        if seconds >= known.observed_s:
            said = high & (observed_s >= seconds)
            low, _ = share_between(agreed[said], weights[said], confidence)
            if PERMILLE * low >= PROMISED_PERMILLE["high"]:
                return AbstainRule(seconds, known.posed_permille)
    return known
