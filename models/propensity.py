"""Who gets a verdict, and with which probability, so that persons nobody was called to look at count as well.

Verdicts mostly exist of persons with an alert. Whoever learns from these alone learns what reviewers think of alerts.
So some of the others are drawn at random, to be looked at too, and stand for all who were not drawn.

Source: inverse propensity weights, Horvitz and Thompson 1952 (J. Am. Stat. Assoc. 47:663); answers taken to be missing
at random within those called and within those drawn, Saerndal, Swensson and Wretman 1992, chapter 15; weights cut off
after Ionides 2008 (J. Comput. Graph. Stat. 17:295).
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from features.keypoints import PERMILLE, Bools, Ints
from models.evaluation import WEIGHT_OF_ONE

WEIGHT_MAX = 100  # persons a case may stand for
_DIGEST_BITS = 64


class Answers(NamedTuple):
    """How many persons were called or drawn for review, and of how many of them there is a verdict."""

    asked: int
    answered: int


class Weighted(NamedTuple):
    """(cases,) thousandths of persons each stands for, and how many would have stood for more than may be."""

    weights: Ints
    capped: int


def drawn(person: str, salt: str, rate_permille: int) -> bool:
    """Whether a person is of the random sample: as good as by lot, and the same whoever asks.

    Args:
        person: its name.
        salt: of the site; who does not know it cannot tell who will be drawn.
        rate_permille: how many of a thousand are.
    """
    lot = int.from_bytes(sha256(f"{salt}\n{person}".encode()).digest()[: _DIGEST_BITS // 8], "big")
    return lot * PERMILLE < rate_permille << _DIGEST_BITS


def weigh(called: Bools, rate_permille: Ints, of_called: Answers, of_drawn: Answers) -> Weighted:
    """For how many persons each case stands: the inverse of how likely it was to be asked for and answered.

    Args:
        called: (cases,) bool, whether there was an alert, of which all are asked for.
        rate_permille: (cases,) at which the others of the same run were drawn, 1..1000.
        of_called: of all persons with an alert.
        of_drawn: of all persons drawn.
    """
    answers = np.where(called, _per_answer(of_called), _per_answer(of_drawn))
    exact = np.rint(WEIGHT_OF_ONE * answers * np.where(called, 1.0, PERMILLE / rate_permille)).astype(np.int64)
    most = WEIGHT_MAX * WEIGHT_OF_ONE
    return Weighted(np.minimum(exact, most), int((exact > most).sum()))


def _per_answer(answers: Answers) -> float:
    return answers.asked / max(1, answers.answered)


def effective_cases(weights: Ints) -> float:
    """How many cases of equal weight would say as much; 0 without any.

    Source: Kish 1965, Survey Sampling, section 8.2.
    """
    squares = float((weights.astype(np.float64) ** 2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
