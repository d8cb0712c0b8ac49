"""Gates: what a candidate has to show on cases that were held back before it may take the place of another bundle."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from features.keypoints import PERMILLE, Bools, Ints
from models.admission import AdmissionReport, Evenness, Figures, Gate, Verdicts
from models.bundle import HIGH, Bundle, content_digest
from models.evaluation import Interval, auc, bootstrap, calibration_error
from models.evenness import change, verdicts_unevenness
from models.judged_cases import ABSTAINED, JudgedCases, Said
from models.propensity import WEIGHT_MAX, effective_cases
from models.thresholds import PROMISED_PERMILLE, share_between

RATIO_MOST = 1.25  # of what is flagged in one part of the innocent to that in another
UNEVEN_MOST = 1.25  # of verdicts for equal scores
MILLION = 1_000_000
CHANCE = 0.5


class Asked(NamedTuple):
    """What a candidate is asked to keep to.

    Attributes:
        seed: of the split, of folds and of trees.
        confidence_permille: of the alert budget and of the promised precision.
        budget_per_camera_hour: alerts, from the threshold of the high band on.
    """

    seed: int
    confidence_permille: int
    budget_per_camera_hour: int

    @property
    def confidence(self) -> float:
        """0..1."""
        return self.confidence_permille / PERMILLE


class Source(NamedTuple):
    """Where cases come from: what was left out of them, digests of the files, and versions of what learns."""

    counts: Mapping[str, int] = {}
    digests: Mapping[str, tuple[str, ...]] = {}
    versions: Mapping[str, str] = {}


def decision_on(
    candidate: Bundle, current: Bundle, cases: JudgedCases, unseen: JudgedCases, asked: Asked, source: Source
) -> AdmissionReport:
    """Whether a candidate may take the place of the current bundle.

    Args:
        candidate: without an admission.
        current: sealed.
        cases: all of them, to be counted.
        unseen: those that the candidate has not learned from.
        asked: what it has to keep to.
        source: where the cases come from.
    """
    before, after = unseen.said(current), unseen.said(candidate)
    better = _better(unseen, before, after, asked.seed)
    ranked = [_ranked(unseen, said, asked.seed) for said in (before, after)]
    evenness = tuple(_evenness(name, unseen, before, after, asked.seed) for name in sorted(unseen.slices))
    figures = _figures(unseen, before, current), _figures(unseen, after, candidate)
    high = after.score >= candidate.bands[HIGH].enter
    gates = (
        _better_gate(better, ranked[1]),
        _not_contrary_gate(ranked[0]),
        _false_alarms_gate(*figures),
        _precision_gate(unseen, high, asked.confidence),
        *_evenness_gates(evenness),
    )
    return AdmissionReport(
        admitted=all(gate.passed for gate in gates),
        content=content_digest(candidate),
        current=current.digest,
        seed=asked.seed,
        confidence_permille=asked.confidence_permille,
        budget_per_camera_hour=asked.budget_per_camera_hour,
        promise_permille=PROMISED_PERMILLE["high"],
        verdicts=_verdicts(cases, unseen, source.counts),
        figures_current=figures[0],
        figures_candidate=figures[1],
        better_low_ppm=round(MILLION * better.low),
        better_high_ppm=round(MILLION * better.high),
        evenness=evenness,
        gates=gates,
        versions=dict(source.versions),
        **source.digests,
    )


def _better(unseen: JudgedCases, before: Said, after: Said, seed: int) -> Interval:
    """By how much the candidate ranks better, as AUC."""

    def gained(rows: Ints) -> float:
        labels, weights = unseen.agreed[rows], unseen.weights[rows]
        return auc(after.score[rows], labels, weights) - auc(before.score[rows], labels, weights)

    return bootstrap(gained, unseen.groups, seed)


def _figures(unseen: JudgedCases, said: Said, bundle: Bundle) -> Figures:
    spoken = said.score != ABSTAINED
    high = said.score >= bundle.bands[HIGH].enter
    innocent = unseen.weights[said.alarmed & ~unseen.agreed].sum()
    error = calibration_error(said.probability_permille[spoken], unseen.agreed[spoken], unseen.weights[spoken])
    return Figures(
        auc_ppm=round(MILLION * auc(said.score, unseen.agreed, unseen.weights)),
        calibration_error_ppm=round(MILLION * error),
        abstained=int((~spoken).sum()),
        alarmed=int(said.alarmed.sum()),
        false_alarms_per_1000_camera_hours=round(float(innocent) / unseen.hours),
        precision_permille=_permille_of(unseen, high, high & unseen.agreed),
        found_permille=_permille_of(unseen, unseen.agreed, said.alarmed & unseen.agreed),
    )


def _permille_of(cases: JudgedCases, whole: Bools, part: Bools) -> int:
    return round(PERMILLE * float(cases.weights[part].sum()) / max(1, int(cases.weights[whole].sum())))


def _evenness(name: str, unseen: JudgedCases, before: Said, after: Said, seed: int) -> Evenness:
    parts = unseen.slices[name]
    judged = ~unseen.agreed
    flagged = before.above_low[judged], after.above_low[judged]
    changed = change(*flagged, unseen.weights[judged], parts[judged], unseen.groups[judged], seed)
    uneven = verdicts_unevenness(unseen, after.probability_permille, parts, seed)
    return Evenness(name, *(round(PERMILLE * each) for each in (*changed, uneven)))


def _ranked(unseen: JudgedCases, said: Said, seed: int) -> Interval:
    """The AUC."""

    def area(rows: Ints) -> float:
        return auc(said.score[rows], unseen.agreed[rows], unseen.weights[rows])

    return bootstrap(area, unseen.groups, seed)


def _better_gate(better: Interval, ranked: Interval) -> Gate:
    expected = "an AUC that is surely not lower, and surely above .5"
    got = f"{better.low:+.3f} to {better.high:+.3f}, and {ranked.low:.3f} to {ranked.high:.3f}"
    return Gate("better", better.low >= 0 and ranked.low > CHANCE, expected, got)


def _not_contrary_gate(ranked: Interval) -> Gate:
    """Reviewers who surely agree with whom the current bundle puts last: it or they are upside down."""
    expected = "verdicts that do not surely contradict the current bundle, an AUC of .5 or more in reach"
    return Gate("not_contrary", ranked.high >= CHANCE, expected, f"{ranked.low:.3f} to {ranked.high:.3f}")


def _false_alarms_gate(current: Figures, candidate: Figures) -> Gate:
    most, got = (each.false_alarms_per_1000_camera_hours for each in (current, candidate))
    return Gate("false_alarms", got <= most, f"at most {most} false alarms in 1,000 camera-hours", str(got))


def _precision_gate(unseen: JudgedCases, high: Bools, confidence: float) -> Gate:
    promise = PROMISED_PERMILLE["high"]
    low, surely = share_between(unseen.agreed[high], unseen.weights[high], confidence)
    expected = f"some in the high band, of whom at least {promise} permille may be worth a look"
    got = f"{int(high.sum())}, of whom {PERMILLE * low:.0f} to {PERMILLE * surely:.0f} permille are"
    return Gate("precision", bool(high.any()) and PERMILLE * surely >= promise, expected, got)


def _evenness_gates(evenness: tuple[Evenness, ...]) -> list[Gate]:
    """Uneven is what is beyond the ratio and surely more uneven than the current bundle."""
    most = round(PERMILLE * RATIO_MOST)
    unfair = [each for each in evenness if each.candidate > most and each.change_low > PERMILLE]
    told = [f"{each.slices} {each.candidate / PERMILLE:.2f} after {each.current / PERMILLE:.2f}" for each in unfair]
    harder = [each for each in evenness if each.verdicts_low > PERMILLE * UNEVEN_MOST]
    judged = [f"{each.slices} {each.verdicts_low / PERMILLE:.2f}" for each in harder]
    ratio = f"innocent persons put above low at most {RATIO_MOST} times as often in one part, or no more than now"
    equal = f"verdicts on equal scores not surely more than {UNEVEN_MOST} times as often worth a look in one part"
    return [
        Gate("fairness", not unfair, ratio, ", ".join(told) or "that"),
        Gate("even_verdicts", not harder, equal, ", ".join(judged) or "that"),
    ]


def _verdicts(cases: JudgedCases, unseen: JudgedCases, counts: Mapping[str, int]) -> Verdicts:
    return Verdicts(
        cases=len(cases),
        agreed=int(cases.agreed.sum()),
        sampled=int(cases.sampled.sum()),
        groups=len(np.unique(cases.groups)),
        held_back=len(unseen),
        held_back_groups=len(np.unique(unseen.groups)),
        effective=round(effective_cases(cases.weights)),
        weight_max=WEIGHT_MAX,
        camera_hours=round(PERMILLE * cases.hours),
        **{name: counts.get(name, 0) for name in ("capped", "unclear", "unknown", "unsampled", "unseen")},
    )
