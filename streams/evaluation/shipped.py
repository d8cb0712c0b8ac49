"""A bundle on scenarios it was not trained on, through the same features and decisions as in production."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from features.keypoints import PERMILLE, Bools, Ints
from models.bundle import Bundle
from models.cases import NEVER_MS
from models.evaluation import Interval, auc, bootstrap, calibration_error, precision_recall
from models.scenarios.generate import generate
from streams.evaluation.played import Played, play_all
from streams.evaluation.report import Advance, Benchmark, Curve, Figure, Grid, Plot, Report

SCENARIOS, VISITS = 8, 250
FIRST_SEED = 700_000  # `vigil train` uses a thousand times its own seed and the numbers after it
SEED = 1
BINS = 10
BUDGET = 4  # alerts a camera-hour, as a site has it unless it says otherwise
HOUR_MS = 3_600_000

PROTOCOL = [
    (
        f"{SCENARIOS * VISITS:,} made-up visits of seeds that training never used, through camera step, person step "
        "and decision as they run in production."
    ),
    (
        "A person counts as Vigil knows it: half of the visits are of several tracks, as a tracker's ids change. "
        "Persons of whom too little was seen for a score are left out."
    ),
    (
        "The label is the word of a made-up reviewer, who errs: the agreement behind it is what nobody could do "
        "better than."
    ),
    "By family: the points of the other features taken away, nothing trained anew.",
    "Intervals: 1,000 draws of those who came together, with all their tracks.",
]
CAUTIONS = [
    (
        "Made-up persons from the generator that the bundle was trained with: it says how well training worked, not "
        "what the bundle is worth in a real shop. `vigil train` on a site's own verdicts is what can say that."
    ),
    "Every event that an alert needs rests on zones or rules that a site has to set.",
]


def benchmark(bundle: Bundle) -> Benchmark:
    """The benchmark of a bundle."""
    return Benchmark("shipped", None, SCENARIOS + 2, partial(evaluate, bundle))


def evaluate(bundle: Bundle, _source: Path, advance: Advance) -> Report:
    """Figures, the points of each feature, and what each family is worth."""
    scenarios = ((at, generate(FIRST_SEED + at, VISITS)) for at in range(SCENARIOS))
    played = play_all(scenarios, bundle, advance)
    figures = _figures(played, bundle)
    advance()
    pictures = [_reliability(played, bundle), _points(bundle)]
    grids = [_ablation(played, bundle), _features(played, bundle), _by_behaviour(played)]
    advance()
    return Report(
        "shipped", "The scorecard on made-up visits", PROTOCOL, figures, [*pictures], grids, CAUTIONS, bundle.digest
    )


def _figures(played: Played, bundle: Bundle) -> list[Figure]:
    positive, scores = played.positive, played.cases.score
    permille = bundle.calibration.probability_permille(scores)
    agreement = np.array([visit.agreement_permille for visit in played.visits])
    first, delay_s = first_in_line(played), _delays_s(played)

    def figure(name: str, of: Callable[[Ints], float]) -> Figure:
        return Figure.with_interval(name, of(np.arange(len(positive))), bootstrap(of, played.group, SEED))

    def precision(kept: Bools, rows: Ints) -> float:
        return precision_recall(kept[rows], positive[rows])[0]

    return [
        figure("AUC of persons", lambda rows: auc(scores[rows], positive[rows])),
        Figure("AUC of the agreement behind the labels, which nobody can exceed", auc(agreement, positive)),
        figure("precision of the first 4 in line of each camera-hour", partial(precision, first)),
        figure("precision of alerts", partial(precision, played.cases.alerted)),
        figure("share of those worth a look who reach high", lambda rows: _reach(played.cases.in_high, positive, rows)),
        figure("share of the others who reach high", lambda rows: _reach(played.cases.in_high, ~positive, rows)),
        figure(
            "expected calibration error, ten bins",
            lambda rows: calibration_error(permille[rows], positive[rows]),
        ),
        figure("seconds in view until high, median", lambda rows: _median(delay_s[rows])),
        Figure("alerts a camera-hour", int(played.cases.alerts.sum()) / played.camera_hours),
        Figure("false alerts a camera-hour", int(played.cases.alerts[~positive].sum()) / played.camera_hours),
    ]


def first_in_line(played: Played) -> Bools:
    """(cases,) whether a person is among the four with the highest scores of its camera and hour."""
    cases = played.cases
    hour = cases.last_ms // HOUR_MS
    _, camera = np.unique(cases.camera, return_inverse=True)
    scenario = played.group // 1_000_000
    order = np.lexsort((-cases.score, camera, hour, scenario))
    where = np.stack((scenario, hour, camera))[:, order]
    begins = np.append(True, (np.diff(where) != 0).any(axis=0))
    start = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    first = np.zeros(len(order), np.bool_)
    first[order] = np.arange(len(order)) - start < BUDGET
    return first


def _delays_s(played: Played) -> Ints:
    """(cases,) seconds from when a person worth a look came into view until it was in the high band; -1 for others."""
    reached = played.positive & (played.cases.high_ms != NEVER_MS)
    return np.where(reached, (played.cases.high_ms - played.cases.first_ms) // 1_000, -1)


def _median(delay_s: Ints) -> float:
    known = delay_s[delay_s >= 0]
    return float(np.median(known)) if len(known) else float("nan")


def _reach(in_high: Bools, meant: Bools, rows: Ints) -> float:
    return precision_recall(in_high[rows], meant[rows])[1]


def _reliability(played: Played, bundle: Bundle) -> Plot:
    permille = bundle.calibration.probability_permille(played.cases.score)
    bins = np.minimum(permille * BINS // PERMILLE, BINS - 1)
    used = np.unique(bins)
    said = [float(permille[bins == at].mean() / PERMILLE) for at in used]
    came = [float(played.positive[bins == at].mean()) for at in used]
    return Plot(
        "Reliability, ten bins", "probability said", "share of reviewers who agreed",
        [Curve("measured", said, came), Curve("perfect", [0, 1], [0, 1])],
    )  # fmt: skip


def _points(bundle: Bundle) -> Plot:
    """The points of each feature over its value, the value as a share of the last edge."""
    curves = []
    for scored in bundle.scorecard.features:
        starts = [0, *scored.edges]
        ends = [*scored.edges, scored.edges[-1]]
        x = [float(edge) / scored.edges[-1] for pair in zip(starts, ends, strict=True) for edge in pair]
        curves.append(Curve(f"{scored.feature}, to {scored.edges[-1]}", x, np.repeat(scored.points, 2).tolist()))
    highest = max(scored.points[-1] for scored in bundle.scorecard.features)
    return Plot("Points of each feature", "value, as a share of its last edge", "points", curves, y_max=float(highest))


def _families(bundle: Bundle) -> dict[str, Ints]:
    names = [scored.spec.family for scored in bundle.scorecard.features]
    return {family: np.flatnonzero([name == family for name in names]) for family in dict.fromkeys(names)}


def _ablation(played: Played, bundle: Bundle) -> Grid:
    points = bundle.scorecard.contributions(played.cases.values)
    whole, rows = np.arange(points.shape[1]), []
    for family, members in _families(bundle).items():
        cells = [family]
        for kept in (members, np.setdiff1d(whole, members)):
            scores = points[:, kept].sum(axis=1)
            interval = bootstrap(partial(_auc_of, scores, played.positive), played.group, SEED)
            cells.append(_spanned(auc(scores, played.positive), interval))
        rows.append(cells)
    return Grid("AUC by family of features", ["family", "alone", "without it"], rows)


def _auc_of(scores: Ints, positive: Bools, rows: Ints) -> float:
    return auc(scores[rows], positive[rows])


def _spanned(value: float, interval: Interval) -> str:
    return f"{value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _features(played: Played, bundle: Bundle) -> Grid:
    """What each feature adds, to those worth a look and to others."""
    points = bundle.scorecard.contributions(played.cases.values)
    rows = []
    for at, scored in enumerate(bundle.scorecard.features):
        its = points[:, at]
        mean = [float(its[meant].mean()) for meant in (played.positive, ~played.positive)]
        rows.append([
            *(scored.feature, scored.spec.family, str(scored.points[-1])),
            *(f"{each:.1f}" for each in mean),
            f"{auc(its, played.positive):.3f}",
        ])  # fmt: skip
    columns = ["feature", "family", "points at most", "mean, worth a look", "mean, others", "AUC alone"]
    return Grid("What each feature adds", columns, rows)


def _by_behaviour(played: Played) -> Grid:
    behaviour, cases = np.array(played.behaviour), played.cases
    rows = []
    for name in np.unique(behaviour).tolist():
        its = np.flatnonzero(behaviour == name)
        agreement = np.mean([played.visits[at].agreement_permille for at in its]) / PERMILLE
        shares = (agreement, (cases.band[its] > 0).mean(), cases.in_high[its].mean(), cases.alerted[its].mean())
        rows.append([name.replace("_", " "), str(len(its)), *(f"{share:.3f}" for share in shares)])
    columns = ["what the person does", "persons", "would agree", "reach elevated", "reach high", "alerted"]
    return Grid("By what persons do, shares", columns, rows)
