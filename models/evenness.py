"""Evenness: whether persons judged innocent are put above the low band, and verdicts given, alike in each part."""

from typing import NamedTuple

import numpy as np

from features.keypoints import PERMILLE, Bools, Int32s, Ints
from models.evaluation import Groups, bootstrap
from models.judged_cases import UNTOLD, JudgedCases, Names

CASES_LEAST = 20  # of a part, or nothing is said of it
FLAGGED_LEAST = 10  # cases that would be flagged in a part if all were alike; those that were could be none
RATIO_MOST = 1_000.0


class Change(NamedTuple):
    """The largest share of a part over the smallest, of one and of another; and the low end of the other's over it.

    All are 0 where fewer than two parts have enough cases to say.
    """

    before: float
    after: float
    low: float


def change(before: Bools, after: Bools, weights: Ints, parts: Names, groups: Groups, seed: int) -> Change:
    """How the evenness of one way to flag cases compares with that of another.

    Args:
        before: (cases,) bool; of those judged innocent only, as all that follows.
        after: (cases,) bool, likewise.
        weights: (cases,) for how much each counts.
        parts: (cases,) the part each is in.
        groups: (cases,) what is drawn as a whole for the interval.
        seed: of the draws.
    """
    judged = [part for part in _large(parts) if after.mean() * int((parts == part).sum()) >= FLAGGED_LEAST]
    if len(judged) < len(("one", "other")):
        return Change(0.0, 0.0, 0.0)

    def ratios(rows: Ints) -> tuple[float, float]:
        counted, where = weights[rows], parts[rows]
        return _ratio(before[rows], counted, where, judged), _ratio(after[rows], counted, where, judged)

    def changed(rows: Ints) -> float:
        one, other = ratios(rows)
        return other / one

    return Change(*ratios(np.arange(len(parts))), bootstrap(changed, groups, seed).low)


def _ratio(flagged: Bools, weights: Ints, parts: Names, judged: list[str]) -> float:
    """The largest share of flagged cases of these parts over the smallest; nan where one of them has no case.

    Half a case more in each part, and a whole one for its size, keep it finite.
    """
    shares = [_share(flagged[of], weights[of]) for of in (parts == part for part in judged)]
    return max(shares) / min(shares)


def _share(flagged: Bools, weights: Ints) -> float:
    mean = float(weights.mean()) if len(weights) else float("nan")
    return (float(weights[flagged].sum()) + mean / 2) / (float(weights.sum()) + mean)


def verdicts_unevenness(cases: JudgedCases, permille: Int32s, parts: Names, seed: int) -> float:
    """By how much a part is surely judged more or less often worth a look than its scores say, against all others.

    Args:
        cases: that a bundle has not learned from.
        permille: (cases,) the probability that the bundle gave.
        parts: (cases,) the part each is in.
        seed: of the draws.

    Returns:
        1 for not at all; 2 where reviewers surely agree twice as often, or half as often.
    """
    known = parts != UNTOLD
    sure = [_surely(cases, permille, parts == part, known & (parts != part), seed) for part in _large(parts)]
    return max(sure, default=1.0)


def _surely(cases: JudgedCases, permille: Int32s, part: Bools, others: Bools, seed: int) -> float:
    if not others.any():
        return 1.0

    def beyond(rows: Ints) -> float:
        here, there = rows[part[rows]], rows[others[rows]]
        return _found_for_told(cases, permille, here) / _found_for_told(cases, permille, there)

    interval = bootstrap(beyond, cases.groups, seed)
    return min(RATIO_MOST, max(1.0, interval.low, 1 / max(interval.high, 1 / RATIO_MOST)))


def _found_for_told(cases: JudgedCases, permille: Int32s, rows: Ints) -> float:
    """How often a look was worthwhile, for how often the bundle said so, half a case added to both."""
    weights = cases.weights[rows]
    half = float(weights.mean()) / 2 if len(rows) else 1.0
    told = float((weights * permille[rows].astype(np.int64)).sum()) / PERMILLE
    return float((weights[cases.agreed[rows]].sum() + half) / (told + half))


def _large(parts: Names) -> list[str]:
    names, counts = np.unique(parts, return_counts=True)
    return [name for name, count in zip(names.tolist(), counts.tolist(), strict=True) if count >= CASES_LEAST and name]
