"""Whether innocent persons are called more often for how they look or move: made-up visits, each by every body."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from msgspec.structs import replace as changed

from features.closing import Layout
from features.keypoints import Bools
from models.bundle import LOW, Bundle
from models.cases import Cases, Names, cases_of
from models.fairness import (
    LEAST_EXPECTED,
    LEAST_PERSONS,
    TARGET,
    Ratio,
    Slice,
    false_alarm_table,
    gate,
    largest_ratio,
    slices,
)
from models.scenarios.bodies import CASTS, aid_of, play
from models.scenarios.generate import Scenario
from streams.adapters.registry import IMPORTERS, folder_of
from streams.evaluation.played import Played, play_all
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Report
from streams.evaluation.visits import journal_of
from streams.sources import site_of

SEED = 1
FIRST_SEED = 800_000  # of visits that training never used
SEEDS, VISITS = 10, 150
OFFSETS_MINUTES = (-60, 300, 660, -420)  # in which it is 21, 3, 9 and 15 o'clock when a scenario begins
STATURE_EDGES_M = (1.4, 1.6, 1.8)
STATURES = ("under 1.40 m", "1.40 to 1.60 m", "1.60 to 1.80 m", "1.80 m and more")
RECORDINGS = ("poselift-train", "caviar", "eth", "hotel", "zara01")
"""Of real persons of whom nobody is known to have done anything."""

ALARMS = ("reach elevated", "reach high", "are alerted")
COUNTED = "reach high"
COLUMNS = ("slice", "persons", *ALARMS, "95 %, high")

PROTOCOL = [
    (
        f"{SEEDS * VISITS:,} made-up visits of everyday life and of near misses, {CASTS} times over: each visit is "
        "played once by somebody who walks freely, who limps, on crutches and in a wheelchair, once at each stature, "
        "and alone in half of them; who comes along makes the company and is not counted. So slices by aids, stature "
        "and group size differ in nothing but that. Bundle, features and rules are those of production."
    ),
    (
        "An innocent person is one whom fewer than one in ten made-up reviewers would call worth a look. A false "
        "alarm is one of them who reaches the high band, from which on alerts are raised; who reaches elevated and "
        "who is alerted is shown as well."
    ),
    (
        "Camera, body height in the picture, frames with shoulders or hips hidden, step asymmetry and persons in view "
        "are as measured. What persons do differs there: each slice is compared with what would be expected of "
        "persons who did the same."
    ),
    (
        f"A ratio is of two slices of one attribute, each of at least {LEAST_PERSONS} persons and {LEAST_EXPECTED} "
        "expected false alarms; the others are shown as too few."
    ),
    (
        f"The gate: unfair if a ratio is above {TARGET} beyond chance (95 % for all pairs at once), fair if every "
        f"ratio is surely at most {TARGET} (95 % each), else undecided. Chance is measured by drawing whole visits "
        "anew, 1,000 times."
    ),
]
CAUTIONS = [
    (
        "Nothing about age, sex, ethnicity, face or disability is taken in, so of real persons the slices by aids "
        "cannot be made: they are of walking skeletons."
    ),
    (
        "The hour of a scenario is its clock: nothing in Vigil reads the hour, and made-up light does not change with "
        "it."
    ),
    "Rates of real persons below are not compared: what they do at each camera is not known.",
]


def benchmark(bundle: Bundle) -> Benchmark:
    """The benchmark of a bundle."""
    return Benchmark("fairness", None, SEEDS * CASTS + 1, partial(evaluate, bundle))


def evaluate(bundle: Bundle, data: Path, advance: Advance) -> Report:
    """Made-up visits, and the public data that is there."""
    played = play_all(scenarios(), bundle, advance).leading()
    sliced, doing = sliced_of(played), np.array(played.behaviour)
    ratios = {
        name: largest_ratio(sliced, alarmed, played.group, SEED, doing)
        for name, alarmed in alarms(played.cases).items()
    }
    counted_first = sorted(ratios.items(), key=lambda item: item[0] != COUNTED)
    figures = [_figure(name, ratio) for name, ratio in counted_first if ratio]
    grids = [_verdicts(ratios), *alarm_grids(played.cases, sliced, doing), *_recorded(data, bundle)]
    advance()
    title, verdict = "False alarms by who comes", gate(ratios[COUNTED])
    return Report("fairness", title, PROTOCOL, figures, [], grids, CAUTIONS, bundle.digest, verdict)


def scenarios() -> Iterator[tuple[int, Scenario]]:
    """Each visit by each cast, the casts of a visit at different hours."""
    for at in range(SEEDS):
        for cast in range(CASTS):
            scenario = play(FIRST_SEED + at, VISITS, cast)
            offset = OFFSETS_MINUTES[(at + cast) % len(OFFSETS_MINUTES)]
            yield at, replace(scenario, site=changed(scenario.site, utc_offset_minutes=offset))


def alarms(cases: Cases) -> dict[str, Bools]:
    """What may be called a false alarm, (cases,) each."""
    return dict(zip(ALARMS, (cases.band > LOW, cases.in_high, cases.alerted), strict=True))


def sliced_of(played: Played) -> dict[str, Names]:
    """All attributes, those that only the truth knows first."""
    stature = [visit.walker.stature_m for visit in played.visits]
    told: dict[str, Names] = {
        "aids": np.array([aid_of(visit.walker) for visit in played.visits]),
        "stature": np.array(STATURES)[np.searchsorted(STATURE_EDGES_M, stature, "right")],
        "group size": np.array([f"{size} together" if size > 1 else "alone" for size in played.size.tolist()]),
    }
    return told | slices(played.cases, {}, played.utc_offset_minutes)


def _figure(name: str, ratio: Ratio) -> Figure:
    target = TARGET if name == COUNTED else None
    told = f"ratio of false alarms, persons who {name}: {ratio.attribute}, {ratio.more} to {ratio.fewer}"
    return Figure.with_interval(told, ratio.value, ratio.interval, target=target)


def _verdicts(ratios: dict[str, Ratio | None]) -> Grid:
    columns = ["persons who", "verdict", "ratio", "95 %", "of", "in", "persons", "no ratio above"]
    rows = []
    for name, ratio in ratios.items():
        cells = [name, gate(ratio)]
        if ratio is None:
            rows.append([*cells, "", "", "no two slices are large enough", "", "", ""])
            continue
        span = f"{ratio.interval.low:.2f} to {ratio.interval.high:.2f}"
        of = (f"{ratio.more} to {ratio.fewer}", ratio.attribute, f"{ratio.persons:,}", f"{ratio.at_most:.2f}")
        rows.append([*cells, f"{ratio.value:.2f}", span, *of])
    return Grid(f"The gate: at most {TARGET}; of each the ratio that is most surely above 1", columns, rows)


def alarm_grids(cases: Cases, sliced: dict[str, Names], doing: Names) -> list[Grid]:
    """A table of each attribute: who reaches what in each slice."""
    rows: dict[str, list[list[str]]] = {}
    for each in _slices_of(cases, sliced, doing):
        counted = each[ALARMS.index(COUNTED)]
        to_expected = f"{counted.alarms / counted.expected:.2f}" if counted.enough else "too few"
        rows.setdefault(counted.attribute, []).append([*_cells(each), to_expected])
    return [Grid(f"By {attribute}, shares", [*COLUMNS, "high, to expected"], its) for attribute, its in rows.items()]


def _slices_of(cases: Cases, sliced: dict[str, Names], doing: Names | None = None) -> Iterator[tuple[Slice, ...]]:
    """Each slice, by what may be called a false alarm."""
    tables = [false_alarm_table(sliced, alarmed, doing) for alarmed in alarms(cases).values()]
    return zip(*tables, strict=True)


def _cells(each: tuple[Slice, ...]) -> list[str]:
    counted = each[ALARMS.index(COUNTED)]
    low, high = counted.interval
    return [counted.name, f"{counted.persons:,}", *(f"{its.rate:.3f}" for its in each), f"{low:.3f} to {high:.3f}"]


def _recorded(data: Path, bundle: Bundle) -> Iterator[Grid]:
    """Real persons of whom nobody is known to have done anything, data set after data set."""
    for name in RECORDINGS:
        source = data / folder_of(name)
        if source.is_dir():
            cases = _cases_of(name, source, bundle)
            sliced = {attribute: names for attribute, names in slices(cases).items() if len(np.unique(names)) > 1}
            rows = [[each[0].attribute, *_cells(each)] for each in _slices_of(cases, sliced)]
            yield Grid(f"Real persons, {name}, shares", ["attribute", *COLUMNS], rows)


def _cases_of(name: str, source: Path, bundle: Bundle) -> Cases:
    with tempfile.TemporaryDirectory() as scratch:
        IMPORTERS[name](source, Path(scratch))
        site = site_of(Path(scratch))
        cases = cases_of(journal_of(Path(scratch), Layout.of(site)), site, bundle)
    return cases.take(np.flatnonzero(~cases.abstained))
