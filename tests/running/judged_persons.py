"""Persons of a made-up site whose truth is known, those of them that get a verdict, and an old bundle to be beaten."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Bools, Int32s
from features.sequence import CATALOGUE, COLUMN, MISSING
from models.bundle import Band, Bundle, seal
from models.calibration import Calibration
from models.judged_cases import JudgedCases
from models.propensity import Answers, drawn, weigh
from models.scorecard import Scorecard, ScoredFeature

DAYS, CAMERAS = 16, 2
SALT = "a salt of tests"

OLD = seal(
    Bundle(
        scoring_version=1,
        scorecard=Scorecard(
            (
                ScoredFeature("loiter_s", (60, 200, 400), (0, 150, 250, 400)),
                ScoredFeature("unpaid_exit", (500,), (0, 250)),
            )
        ),
        calibration=Calibration((0, 200, 400), (50, 350, 650)),
        bands=(Band("low", 0, 0), Band("elevated", 200, 160), Band("high", 400, 360)),
    )
)
"""It weighs waiting, of which reviewers at this site think nothing, and knows nothing of concealments."""


@dataclass(frozen=True)
class Persons:
    """Everybody who came: (persons,) each, values (persons, features)."""

    values: Int32s
    agreed: Bools
    likely: NDArray[np.float64]
    day: NDArray[np.int64]
    camera: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.agreed)


def persons(seed: int, count: int, *, entangled: bool = False) -> Persons:
    """So many persons, of whom reviewers agree by concealments and by goods that were not paid for.

    Where it is entangled, they do not agree with what alerts are raised for, long waits that end unpaid: no sum of
    points says that, so what fits those with an alert does not fit the others.
    """
    rng = np.random.default_rng(seed)
    values = np.full((count, len(CATALOGUE)), MISSING, np.int32)
    values[:, COLUMN["observed_s"]], values[:, COLUMN["posed_permille"]] = 90, 900
    values[:, COLUMN["step_asymmetry"]] = rng.integers(0, 400, count)
    values[:, COLUMN["loiter_s"]] = rng.exponential(120, count) * (rng.random(count) < 0.3)
    values[:, COLUMN["concealments"]] = rng.poisson(1.2, count) * (rng.random(count) < 0.3)
    values[:, COLUMN["unpaid_exit"]] = 900 * (rng.random(count) < 0.2)
    values[:, COLUMN["head_turns_60s"]] = rng.poisson(3, count)
    concealed, unpaid = values[:, COLUMN["concealments"]], values[:, COLUMN["unpaid_exit"]] > 0
    waited = values[:, COLUMN["loiter_s"]] >= 60
    excused = 3.0 * (waited & unpaid) if entangled else 0.0
    likely = 1 / (1 + np.exp(3.5 - 1.5 * concealed - 2.2 * unpaid + excused))
    day, camera = rng.integers(0, DAYS, count), rng.integers(0, CAMERAS, count)
    return Persons(values, rng.random(count) < likely, likely, day, camera)


def reviewed(of: Persons, rate_permille: int, current: Bundle = OLD) -> JudgedCases:
    """The cases of everybody with an alert, and of those who were drawn at a rate; 0 for nobody."""
    everybody = cases_of(of)
    called = everybody.said(current).alarmed
    lots = np.array([drawn(f"hall/{place}/1", SALT, rate_permille) for place in range(len(of))], np.bool_)
    asked = called | lots
    rates = np.full(int(asked.sum()), max(1, rate_permille))
    count = int(called.sum()), int((lots & ~called).sum())
    weights = weigh(called[asked], rates, *(Answers(each, each) for each in count)).weights
    return replace(everybody.take(asked), weights=weights, sampled=~called[asked])


def cases_of(of: Persons) -> JudgedCases:
    """As if there were a verdict on everybody."""
    names = np.array(
        [
            f"2026-01-{day + 1:02} camera{camera}"
            for day, camera in zip(of.day.tolist(), of.camera.tolist(), strict=True)
        ]
    )
    return JudgedCases(
        values=of.values,
        case=np.arange(len(of)),
        agreed=of.agreed,
        weights=np.full(len(of), 1_000, np.int64),
        sampled=np.ones(len(of), np.bool_),
        groups=names,
        slices={
            "camera": of.camera.astype(np.str_),
            "step asymmetry": np.where(of.values[:, COLUMN["step_asymmetry"]] > 200, "more", "less"),
        },
        camera_hours=dict.fromkeys(np.unique(names).tolist(), 10_000),
    )
