"""Fairness: whether innocent persons are called for a look more often for how they look, move or where they are seen.

    sliced = slices(cases, {"aids": aids})
    table = false_alarm_table(sliced, alarmed)
    ratio = largest_ratio(sliced, alarmed, visits, seed=1)
    if gate(ratio) == "unfair": refuse

All of it is about innocent persons alone: leave the others out of `cases` before.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.keypoints import Bools, Ints
from features.sequence import COLUMN
from models.cases import Cases, Names
from models.evaluation import Floats, Groups, Interval, group_draws

HOUR_MS, HOURS_A_DAY = 3_600_000, 24
HOURS, HOUR_NAMES = (6, 12, 18), ("0 to 6", "6 to 12", "12 to 18", "18 to 24")
HEIGHTS_PX, HEIGHT_NAMES = (140, 180, 220), ("under 140 px", "140 to 180 px", "180 to 220 px", "220 px and more")
HIDDEN_PERMILLE, HIDDEN_NAMES = (30, 100), ("under 3 % of frames", "3 to 10 %", "10 % and more")
ASYMMETRY_PERMILLE = (0, 100, 400)
ASYMMETRY_NAMES = ("no gait seen", "under 100 permille", "100 to 400", "400 and more")
IN_VIEW_TENTHS, IN_VIEW_NAMES = (20, 40), ("under 2", "2 to 4", "4 and more")
_IN_ORDER = (*HOUR_NAMES, *HEIGHT_NAMES, *HIDDEN_NAMES, *ASYMMETRY_NAMES, *IN_VIEW_NAMES)
_PLACE = {name: place for place, name in enumerate(_IN_ORDER)}

LEAST_PERSONS = 100
LEAST_EXPECTED = 10
TARGET = 1.25
PSEUDO_ALARMS = 0.5
ONE_SIDED_95 = 1.645
SIMULTANEOUS_PERCENT = 95

Verdict = Literal["fair", "unfair", "undecided"]


class Slice(NamedTuple):
    """Innocent persons who have something in common.

    Attributes:
        attribute: what persons are told apart by.
        name: which of them these are.
        persons: how many.
        alarms: how many of them were false alarms.
        expected: how many would be, had each the rate of all who did the same.
        interval: where the rate lies with 95 %.
    """

    attribute: str
    name: str
    persons: int
    alarms: int
    expected: float
    interval: Interval

    @property
    def rate(self) -> float:
        """Share of false alarms."""
        return self.alarms / self.persons

    @property
    def enough(self) -> bool:
        """Whether a ratio may rest on it; the alarms expected count, not those that came, or zero would hide."""
        return self.persons >= LEAST_PERSONS and self.expected >= LEAST_EXPECTED


class Ratio(NamedTuple):
    """How many times as often one slice of an attribute has false alarms as another, the most surely of all pairs.

    Attributes:
        attribute: of the two slices.
        more: the one with more.
        fewer: the one with fewer.
        value: of the rates, each against what would be expected of persons who did the same.
        interval: where it lies with 95 %, at once with those of all other pairs; no other has a higher lower end.
        persons: innocent ones in both slices.
        at_most: what no pair exceeds: the highest upper end of one-sided 95 % intervals, each of one pair by itself.
    """

    attribute: str
    more: str
    fewer: str
    value: float
    interval: Interval
    persons: int
    at_most: float


def slices(
    cases: Cases, told: Mapping[str, Names] | None = None, utc_offset_minutes: int | Ints = 0
) -> dict[str, Names]:
    """By attribute, the name of each case's slice.

    Args:
        cases: of innocent persons.
        told: attributes that no journal knows, such as aids or the size of a group; (cases,) names each.
        utc_offset_minutes: of the site, or (cases,) of each one's.
    """
    hour = (cases.first_ms // 60_000 + utc_offset_minutes) * 60_000 // HOUR_MS % HOURS_A_DAY
    asymmetry = cases.values[:, COLUMN["step_asymmetry"]]
    return {
        "camera": cases.camera,
        "hour": _named(hour, HOURS, HOUR_NAMES),
        "body height": _named(cases.height_px, HEIGHTS_PX, HEIGHT_NAMES),
        "occlusion": _named(cases.hidden_permille, HIDDEN_PERMILLE, HIDDEN_NAMES),
        "step asymmetry": _named(asymmetry, ASYMMETRY_PERMILLE, ASYMMETRY_NAMES),
        "persons in view": _named(cases.in_view, IN_VIEW_TENTHS, IN_VIEW_NAMES),
        **(told or {}),
    }


def _named(values: Ints, edges: tuple[int, ...], names: tuple[str, ...]) -> Names:
    named: Names = np.array(names)[np.searchsorted(edges, values, "right")]
    return named


def false_alarm_table(sliced: Mapping[str, Names], alarmed: Bools, doing: NDArray[Any] | None = None) -> list[Slice]:
    """The false alarms of each slice, attribute after attribute.

    Args:
        sliced: as `slices` gives it.
        alarmed: (cases,) whether an innocent person was one.
        doing: (cases,) what the person did, where that is known: slices are compared with those who did the same.
    """
    expected = _expected(alarmed, doing)
    return [
        Slice(attribute, name, len(its), int(alarmed[its].sum()), float(expected[its].sum()), wilson(alarmed[its]))
        for attribute, name, its in _members(sliced)
    ]


def _members(sliced: Mapping[str, Names]) -> Iterator[tuple[str, str, Ints]]:
    for attribute, names in sliced.items():
        for name in sorted(np.unique(names).tolist(), key=lambda name: (_PLACE.get(name, 0), name)):
            yield attribute, name, np.flatnonzero(names == name)


def _expected(alarmed: Bools, doing: NDArray[Any] | None) -> Floats:
    """(cases,) the rate of all who did the same."""
    _, place = np.unique(np.zeros(len(alarmed)) if doing is None else doing, return_inverse=True)
    rates: Floats = np.bincount(place, alarmed) / np.bincount(place)
    return np.asarray(rates[place])


def wilson(alarmed: Bools) -> Interval:
    """Where a share lies with 95 %.

    Source: Wilson 1927 (J. Am. Stat. Assoc. 22:209).
    """
    count, z = len(alarmed), 1.96
    share = float(alarmed.mean())
    middle = share + z * z / (2 * count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return Interval(max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


class _Pair(NamedTuple):
    more: int
    fewer: int
    log: float
    deviation: float
    drawn: Floats  # (draws,) of the logarithm


def largest_ratio(
    sliced: Mapping[str, Names], alarmed: Bools, visits: Groups, seed: int, doing: NDArray[Any] | None = None
) -> Ratio | None:
    """The ratio of two slices that is most surely large, and how sure it is; none where no two are large enough.

    A slice counts from `LEAST_PERSONS` persons and `LEAST_EXPECTED` expected false alarms on. Its rate is the alarms
    that came over those expected, half an alarm added to both. How far ratios vary is measured by drawing whole visits
    anew. Intervals hold for all pairs at once: the largest of many ratios is large by chance.

    Args:
        sliced: as `slices` gives it.
        alarmed: (cases,) whether an innocent person was a false alarm.
        visits: (cases,) what is drawn as a whole: persons who came together, or the same visit played several times.
        seed: of the draws.
        doing: (cases,) what the person did, where that is known.

    Source: indirect standardisation, Breslow and Day 1987 (IARC 82, chapter 2); simultaneous intervals by the largest
    studentised difference, Romano and Wolf 2005 (Econometrica 73:1237).
    """
    table = false_alarm_table(sliced, alarmed, doing)
    logs, drawn = _log_rates(sliced, alarmed, _expected(alarmed, doing), visits, seed)
    pairs = list(_pairs(table, logs, drawn))
    if not pairs:
        return None
    apart = np.max([np.abs(pair.drawn - pair.log) / pair.deviation for pair in pairs], axis=0)
    reach = float(np.percentile(apart, SIMULTANEOUS_PERCENT))
    largest = max(pairs, key=lambda pair: pair.log - reach * pair.deviation)
    more, fewer = table[largest.more], table[largest.fewer]
    low, high = (float(np.exp(largest.log + sign * reach * largest.deviation)) for sign in (-1, 1))
    return Ratio(
        *(more.attribute, more.name, fewer.name, float(np.exp(largest.log)), Interval(low, high)),
        persons=more.persons + fewer.persons,
        at_most=float(np.exp(max(pair.log + ONE_SIDED_95 * pair.deviation for pair in pairs))),
    )


def _log_rates(
    sliced: Mapping[str, Names], alarmed: Bools, expected: Floats, visits: Groups, seed: int
) -> tuple[Floats, Floats]:
    """(slices,) logarithms of alarms over those expected, and (draws, slices) the same of visits drawn anew."""
    names, visit = np.unique(visits, return_inverse=True)
    came, due = (
        np.array([np.bincount(visit[its], of[its], len(names)) for _, _, its in _members(sliced)]).T
        for of in (alarmed.astype(np.float64), expected)
    )
    drawn = (np.bincount(rows, minlength=len(names)) for rows in group_draws(len(names), seed))
    weights = np.array([np.ones(len(names)), *drawn])
    logs: Floats = np.log((weights @ came + PSEUDO_ALARMS) / (weights @ due + PSEUDO_ALARMS))
    return logs[0], logs[1:]


def _pairs(table: list[Slice], logs: Floats, drawn: Floats) -> Iterator[_Pair]:
    for more, its in enumerate(table):
        for fewer, other in enumerate(table):
            alike = more != fewer and its.attribute == other.attribute and its.enough and other.enough
            if alike and logs[more] >= logs[fewer]:
                apart = drawn[:, more] - drawn[:, fewer]
                yield _Pair(more, fewer, float(logs[more] - logs[fewer]), max(float(apart.std()), 1e-9), apart)


def gate(ratio: Ratio | None, target: float = TARGET) -> Verdict:
    """Whether a bundle may go out: `unfair` where a ratio is above the target beyond chance, `fair` where none can be.

    `unfair` if the lower end of a ratio's interval is above the target, with intervals that hold for all pairs at once;
    `fair` if the upper ends of all are at or below it, each a one-sided 95 % interval, as all of them have to be; else
    `undecided`: more innocent persons are needed. So noise never fails it, and few persons never pass it.
    """
    if ratio is None:
        return "undecided"
    if ratio.interval.low > target:
        return "unfair"
    return "fair" if ratio.at_most <= target else "undecided"
