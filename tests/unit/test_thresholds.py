import numpy as np
import pytest
from scipy.stats import binom, chi2  # type: ignore[import-untyped]

from models.bundle import AbstainRule, Band
from models.calibration import Calibration
from models.thresholds import Alarms, Limits, abstain_rule, bands, rate_high, share_between, threshold_within

RISING = Calibration((0, 100, 300, 500), (10, 300, 600, 900))


@pytest.mark.parametrize(
    ("calibration", "high_at_least", "enters"),
    [
        (RISING, 0, (100, 300)),
        (RISING, 450, (100, 450)),
        (RISING, 1_001, (100, 1_000)),
        (Calibration((0, 100, 110), (10, 300, 600)), 0, (100, 141)),
        (Calibration((0,), (10,)), 0, (959, 1_000)),
        (Calibration((0,), (900,)), 0, (41, 82)),
    ],
)
def test_bands_begin_where_reviewers_agree_often_enough(
    calibration: Calibration, high_at_least: int, enters: tuple[int, int]
) -> None:
    _, elevated, high = bands(calibration, high_at_least)
    assert (elevated.enter, high.enter) == enters
    assert high == Band("high", enters[1], enters[1] - 40)


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_the_bound_of_a_rate_is_the_exact_one_of_poisson(count: int) -> None:
    exact = chi2.ppf(0.95, 2 * count + 2) / 2
    assert rate_high(np.full(count, 1_000), 10.0, 0.95) == pytest.approx(exact / 10)


def test_a_few_heavy_alerts_are_less_sure_than_many_light_ones() -> None:
    assert rate_high(np.full(4, 10_000), 10.0, 0.95) > rate_high(np.full(40, 1_000), 10.0, 0.95)


def alarms(scores: list[int], innocent: list[bool], camera_hours: float = 10.0) -> Alarms:
    return Alarms(np.array(scores, np.int32), np.array(innocent), np.full(len(scores), 1_000), camera_hours)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(9, 0.95, 9_000), 0),
        (Limits(9, 0.95, 1_000), 200),
        (Limits(9, 0.95, 0), 300),
        (Limits(0, 0.95, 9_000), 401),
    ],
)
def test_the_threshold_is_the_least_that_keeps_to_all_limits(limits: Limits, expected: int) -> None:
    assert threshold_within(alarms([-1, 100, 200, 300, 400], [True, True, True, False, False]), limits) == expected


def test_alerts_keep_to_the_budget_with_the_confidence_that_is_said() -> None:
    kept = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        seen = rng.integers(0, 1_001, rng.poisson(200))
        threshold = threshold_within(alarms(seen.tolist(), [False] * len(seen), 50.0), Limits(2, 0.9, 0))
        kept += 4 * (1_001 - threshold) / 1_001 <= 2  # alerts a camera-hour in truth: 200 in 50 hours, evenly spread
    assert kept / 400 >= 0.87


@pytest.mark.parametrize(("right", "cases"), [(0, 5), (3, 10), (10, 10), (80, 100)])
def test_the_bounds_of_a_share_are_the_exact_ones(right: int, cases: int) -> None:
    low, high = share_between(np.arange(cases) < right, np.full(cases, 2_000), 0.95)
    assert low == 0 if not right else binom.sf(right - 1, cases, low) == pytest.approx(0.05)
    assert high == 1 if right == cases else binom.cdf(right, cases, high) == pytest.approx(0.05)


def test_of_nobody_nothing_is_known() -> None:
    assert share_between(np.zeros(0, np.bool_), np.zeros(0, np.int64), 0.95) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("brief_agreed", "known", "expected"),
    [(0.9, AbstainRule(), 5), (0.1, AbstainRule(), 12), (0.1, AbstainRule(20, 500), 20), (0.9, AbstainRule(7), 7)],
)
def test_what_is_seen_too_briefly_to_keep_the_promise_abstains(
    brief_agreed: float, known: AbstainRule, expected: int
) -> None:
    observed_s = np.repeat([6, 9, 30], [200, 200, 200])
    agreed = np.arange(600) % 10 < 10 * np.repeat([brief_agreed, brief_agreed, 0.8], 200)
    rule = abstain_rule(observed_s, np.ones(600, np.bool_), agreed, np.full(600, 1_000), known, 0.95)
    assert rule == AbstainRule(expected, known.posed_permille)


def test_the_rule_stays_where_too_little_is_known() -> None:
    nobody = np.zeros(3, np.bool_)
    assert abstain_rule(np.full(3, 60), nobody, nobody, np.full(3, 1_000), AbstainRule(), 0.95) == AbstainRule()
