"""What the shipped bundle promises, on made-up visits that it was not made of: probabilities, and who is in a band."""

import numpy as np
import pytest

from features.keypoints import PERMILLE
from features.sequence import COLUMN
from models.bundle import BANDS, default_bundle
from models.evaluation import calibration_error
from models.scenarios.generate import generate
from models.shipped import Examples, examples
from models.thresholds import PROMISED_PERMILLE, share_between

SEEDS = (910_000, 910_001, 910_002)
VISITS, FPS = 250, 5
ERROR_MOST = 0.03


@pytest.fixture(scope="module")
def ended() -> Examples:
    """Tracks as they ended."""
    parts = [examples(generate(seed, VISITS, FPS), number) for number, seed in enumerate(SEEDS)]
    values, labels, groups = (np.concatenate(column) for column in zip(*parts, strict=True))
    return values, labels, groups


def test_probabilities_come_true(ended: Examples) -> None:
    values, agreed, _ = ended
    bundle = default_bundle()
    permille = bundle.calibration.probability_permille(bundle.scorecard.scores(values))
    assert len(agreed) > VISITS * len(SEEDS)
    assert calibration_error(permille, agreed) <= ERROR_MOST


@pytest.mark.parametrize("band", [1, 2])
def test_of_what_does_not_abstain_reviewers_agree_as_often_as_a_band_promises(ended: Examples, band: int) -> None:
    values, agreed, _ = ended
    bundle = default_bundle()
    scores = bundle.scorecard.scores(values)
    said = values[:, COLUMN["observed_s"]] >= bundle.abstain.observed_s
    upper = bundle.bands[band + 1].enter if band + 1 < len(BANDS) else PERMILLE + 1
    within = said & (scores >= bundle.bands[band].enter) & (scores < upper)
    low, _ = share_between(agreed[within], np.full(int(within.sum()), 1_000), 0.95)
    assert PERMILLE * low >= PROMISED_PERMILLE[BANDS[band]]
