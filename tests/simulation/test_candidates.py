"""Learning from verdicts where the truth is known: what leans without weights, what is not admitted, and what is."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from features.keypoints import PERMILLE, Bools
from features.sequence import COLUMN
from models.admission import Admission, AdmissionReport
from models.bundle import HIGH, Bundle, dump, load
from models.candidate import LEAST, TooFewVerdictsError, propose
from models.evaluation import auc, calibration_error
from models.gates import Asked, Source
from models.judged_cases import JudgedCases
from models.training import train
from tests.running.judged_persons import OLD, Persons, cases_of, persons, reviewed

SEEDS = range(3)
EVERYBODY, DRAWN_PERMILLE = 20_000, 60
ASKED = Asked(seed=1, confidence_permille=950, budget_per_camera_hour=40)


def plain(cases: JudgedCases) -> JudgedCases:
    """The same cases as if each stood for one person."""
    return replace(cases, weights=np.full(len(cases), 1_000, np.int64))


CHOICES: dict[str, Callable[[Persons], JudgedCases]] = {
    "only those with an alert": lambda everybody: reviewed(everybody, 0),
    "a sample too, unweighted": lambda everybody: plain(reviewed(everybody, DRAWN_PERMILLE)),
    "a sample too, weighted": lambda everybody: reviewed(everybody, DRAWN_PERMILLE),
}


def worth(cases: JudgedCases, others: Persons) -> tuple[float, float, float]:
    """Error of the mean probability, calibration error and AUC of what is learned from cases, on other persons."""
    groups = np.unique(cases.groups, return_inverse=True)[1]
    trained = train(cases.values, cases.agreed, groups, 1, cases.weights)
    scores = trained.scorecard.scores(others.values)
    permille = trained.calibration.probability_permille(scores)
    off = abs(float(permille.mean()) / PERMILLE - float(others.likely.mean()))
    return off, calibration_error(permille, others.agreed), auc(scores, others.agreed)


@pytest.fixture(scope="module")
def learned() -> dict[str, tuple[float, float, float]]:
    """What each choice of cases is worth, the mean over the seeds."""
    found = {
        name: np.mean(
            [
                worth(choose(persons(seed, EVERYBODY, entangled=True)), persons(100 + seed, EVERYBODY, entangled=True))
                for seed in SEEDS
            ],
            axis=0,
        )
        for name, choose in CHOICES.items()
    }
    return {name: (float(off), float(error), float(area)) for name, (off, error, area) in found.items()}


def test_a_weighted_sample_tells_of_everybody(learned: dict[str, tuple[float, float, float]]) -> None:
    off, error, area = learned["a sample too, weighted"]
    assert off < 0.015
    assert error < 0.03
    assert area > 0.84


@pytest.mark.parametrize(
    ("choice", "off_least", "error_least", "area_most"),
    [("only those with an alert", 0.07, 0.07, 0.77), ("a sample too, unweighted", 0.03, 0.03, 0.82)],
)
def test_without_sample_or_weights_what_is_learned_leans(
    learned: dict[str, tuple[float, float, float]],
    choice: str,
    off_least: float,
    error_least: float,
    area_most: float,
) -> None:
    off, error, area = learned[choice]
    assert off > off_least
    assert error > error_least
    assert area < area_most


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_cases_stand_for_everybody(seed: int) -> None:
    everybody = persons(seed, EVERYBODY)
    cases = reviewed(everybody, DRAWN_PERMILLE)
    truly, told = everybody.agreed.mean(), cases.weights[cases.agreed].sum() / cases.weights.sum()
    assert abs(told - truly) < 0.01
    assert cases.agreed.mean() - truly > 0.06
    assert cases.weights.sum() / 1_000 == pytest.approx(EVERYBODY, rel=0.05)


def decided(everybody: Persons) -> AdmissionReport:
    return admission(propose(reviewed(everybody, 150), OLD, ASKED, Source())).report


def admission(bundle: Bundle) -> Admission:
    assert isinstance(bundle.admission, Admission)
    return bundle.admission


def failed(report: AdmissionReport) -> set[str]:
    return {gate.name for gate in report.gates if not gate.passed}


@pytest.mark.parametrize("seed", SEEDS)
def test_good_verdicts_are_admitted(seed: int) -> None:
    report = decided(persons(seed, 10_000))
    assert failed(report) == set()
    assert report.admitted
    assert report.better_low_ppm > 0
    assert report.figures_candidate.auc_ppm > report.figures_current.auc_ppm
    assert report.figures_candidate.calibration_error_ppm < 40_000
    before, after = report.figures_current, report.figures_candidate
    assert after.false_alarms_per_1000_camera_hours <= before.false_alarms_per_1000_camera_hours


Eyes = Callable[[Persons, np.random.Generator], Bools]
ADVERSE: dict[str, tuple[Eyes, str]] = {
    "by lot": (lambda of, rng: rng.random(len(of)) < 0.3, "better"),
    "one camera": (lambda of, rng: (of.camera == 0) & (rng.random(len(of)) < 0.7), "even_verdicts"),
    "one camera harder": (lambda of, rng: of.agreed | (of.camera == 0) & (rng.random(len(of)) < 0.2), "even_verdicts"),
    "who limps harder": (lambda of, rng: of.agreed | limps(of) & (rng.random(len(of)) < 0.2), "even_verdicts"),
    "the contrary": (lambda of, _: ~of.agreed, "not_contrary"),
}


def limps(of: Persons) -> Bools:
    return of.values[:, COLUMN["step_asymmetry"]] > 200


@pytest.mark.parametrize("eyes", ADVERSE)
@pytest.mark.parametrize("seed", SEEDS)
def test_adverse_verdicts_are_not_admitted_and_why_is_said(eyes: str, seed: int) -> None:
    judge, gate = ADVERSE[eyes]
    everybody = persons(seed, 10_000)
    report = decided(replace(everybody, agreed=judge(everybody, np.random.default_rng(seed))))
    assert not report.admitted
    assert gate in failed(report)


def test_the_same_cases_in_any_order_give_the_same_bytes() -> None:
    everybody = persons(4, 6_000)
    cases = reviewed(everybody, 150)
    order = np.random.default_rng(1).permutation(len(cases))
    mixed = replace(
        cases,
        values=cases.values[order],
        agreed=cases.agreed[order],
        weights=cases.weights[order],
        sampled=cases.sampled[order],
        groups=cases.groups[order],
        slices={name: part[order] for name, part in cases.slices.items()},
    )
    one, other = (dump(propose(each, OLD, ASKED, Source())) for each in (cases, mixed))
    assert one == other
    assert load(one).admission == load(other).admission
    assert one != dump(propose(cases, OLD, ASKED._replace(seed=2), Source()))


def test_thresholds_keep_to_the_budget() -> None:
    everybody = persons(5, 10_000)
    cases = reviewed(everybody, 150)
    placed = [
        propose(cases, OLD, ASKED._replace(budget_per_camera_hour=budget), Source()).bands[HIGH].enter
        for budget in (0, 1, 2, 40)
    ]
    assert placed == sorted(placed, reverse=True)
    assert placed[0] > placed[-1]


def test_too_few_verdicts_are_refused_with_all_that_is_missing() -> None:
    few = cases_of(persons(6, 30))
    few = replace(few, groups=np.array(["2026-01-01 hall"] * 30), sampled=np.zeros(30, np.bool_))
    with pytest.raises(TooFewVerdictsError) as refused:
        propose(few, OLD, ASKED, Source())
    for what, least in LEAST.items():
        assert f"at least {least} {what}, got " in str(refused.value)


def test_nothing_that_only_describes_enters_a_candidate() -> None:
    everybody = persons(7, 6_000)
    values = everybody.values.copy()
    values[:, COLUMN["crouch_60s"]] = np.where(everybody.agreed, 900, 0)
    candidate = propose(reviewed(replace(everybody, values=values), 150), OLD, ASKED, Source())
    assert {scored.spec.direction for scored in candidate.scorecard.features} == {"raises"}
    assert candidate.corpus == OLD.corpus
