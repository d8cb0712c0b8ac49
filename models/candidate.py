"""The candidate: a bundle learned from verdicts on some days and judged on the others."""

import numpy as np
from msgspec.structs import replace

from features.keypoints import Bools
from models.admission import Admission
from models.bundle import HIGH, Bundle, seal
from models.decision import judge
from models.evaluation import group_folds, refuse_shared
from models.gates import Asked, Source, decision_on
from models.judged_cases import ABSTAINED, JudgedCases
from models.thresholds import Alarms, Limits, abstain_rule, bands, threshold_within
from models.training import train

HELD_BACK_EVERY = 3  # of the groups
LEAST = {"cases": 200, "worth a look": 40, "innocent": 40, "of the random sample": 50, "days of a camera": 24}
HELD_BACK_LEAST = 10  # of each verdict


class TooFewVerdictsError(Exception):
    """Too little to learn from or to judge on; it says what is there and what is needed."""


def propose(cases: JudgedCases, current: Bundle, asked: Asked, source: Source) -> Bundle:
    """A candidate, learned from two thirds of the groups, and the decision about it, made on the others.

    Args:
        cases: of which the current bundle says something.
        current: sealed.
        asked: what it has to keep to.
        source: for the report.

    Returns:
        The sealed bundle with its admission, which nobody has signed yet.

    Raises:
        TooFewVerdictsError: more verdicts are needed.
    """
    refuse_few(cases)
    held_back = _held_back(cases, asked.seed)
    seen, unseen = cases.take(~held_back), cases.take(held_back)
    refuse_shared(seen.groups, unseen.groups)
    _refuse_few_held_back(unseen)
    candidate = learn(seen, current, asked)
    report = decision_on(candidate, current, cases, unseen, asked, source)
    return seal(replace(candidate, admission=Admission(report), digest=""))


def refuse_few(cases: JudgedCases) -> None:
    """Makes sure that there is enough to learn from.

    Raises:
        TooFewVerdictsError: naming all that there is too little of.
    """
    there = {
        "cases": len(cases),
        "worth a look": int(cases.agreed.sum()),
        "innocent": int((~cases.agreed).sum()),
        "of the random sample": int(cases.sampled.sum()),
        "days of a camera": len(np.unique(cases.groups)),
    }
    few = [f"{LEAST[what]} {what}, got {count}" for what, count in there.items() if count < LEAST[what]]
    if few:
        raise TooFewVerdictsError(f"too few verdicts: expected at least {'; at least '.join(few)}")


def _held_back(cases: JudgedCases, seed: int) -> Bools:
    return np.asarray(group_folds(cases.groups, HELD_BACK_EVERY, seed) == 0)


def _refuse_few_held_back(unseen: JudgedCases) -> None:
    there = {"worth a look": int(unseen.agreed.sum()), "innocent": int((~unseen.agreed).sum())}
    few = [f"{HELD_BACK_LEAST} {what}, got {count}" for what, count in there.items() if count < HELD_BACK_LEAST]
    if few:
        expected = f"expected at least {'; at least '.join(few)}"
        raise TooFewVerdictsError(f"too few verdicts on the third of the days that is held back: {expected}")


def learn(seen: JudgedCases, current: Bundle, asked: Asked) -> Bundle:
    """A candidate, unsealed: points, probabilities, thresholds and what abstains.

    Raises:
        TooFewVerdictsError: fewer than two folds of days hold both verdicts.
    """
    said = seen.said(current)
    rows = seen.values[said.row]
    groups = np.unique(seen.groups, return_inverse=True)[1]
    trained = train(rows, seen.agreed, groups, asked.seed, seen.weights)
    events = judge(rows, current).events > 0
    alarms = Alarms(np.where(events, trained.unseen_scores, ABSTAINED), ~seen.agreed, seen.weights, seen.hours)
    limits = Limits(
        asked.budget_per_camera_hour, asked.confidence, int(seen.weights[said.alarmed & ~seen.agreed].sum())
    )
    placed = bands(trained.calibration, threshold_within(alarms, limits))
    high = trained.unseen_scores >= placed[HIGH].enter
    observed_s = seen.observed_s(said.row)
    rule = abstain_rule(observed_s, high, seen.agreed, seen.weights, current.abstain, asked.confidence)
    return replace(
        current,
        scorecard=trained.scorecard,
        calibration=trained.calibration,
        bands=placed,
        abstain=rule,
        training=trained.report,
        digest="",
    )
