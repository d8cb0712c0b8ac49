"""What a run would have said under another bundle or other rules: persons, alerts, and counts per camera and hour.

Compared is what stands in the end: of each instant the last revision, without what was withdrawn, and without interim
scores, which the next score on the grid supersedes; of alerts those that were not taken back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from models.bundle import BANDS, BandName, Bundle
from models.decision import HOUR_MS, NOWHERE
from models.records import Alert, Score
from streams.embedded import Summary
from streams.whatif.records import (
    AlertMove,
    BandCount,
    HourCount,
    PartChange,
    PersonChange,
    RuleChange,
    Side,
    Verdict,
    Whatif,
    band_of,
    points,
)


@dataclass(frozen=True)
class Standing:
    """What stands of a run in the end.

    Attributes:
        bundle: it was scored with.
        summary: for how much was published and held back.
        scores: by person, in order of time.
        alerts: that were not taken back, in the order in which they were raised.
    """

    bundle: Bundle
    summary: Summary
    scores: Mapping[str, Sequence[Score]]
    alerts: Sequence[Alert]

    @classmethod
    def of(
        cls, bundle: Bundle, summary: Summary, scores: Mapping[str, Sequence[Score]], alerts: Iterable[Alert]
    ) -> "Standing":
        """Of scores that stand, interim ones among them, and all alerts that were published."""
        settled = {person: [one for one in ones if one.kind != "interim"] for person, ones in scores.items()}
        return cls(
            bundle, summary, {person: ones for person, ones in settled.items() if ones}, _standing_alerts(alerts)
        )


def compare(before: Standing, after: Standing, rules: Sequence[RuleChange] = ()) -> Whatif:
    """What differs between two ways to score one journal."""
    persons = [
        _person(name, before.scores.get(name, ()), after.scores.get(name, ()))
        for name in sorted(before.scores.keys() | after.scores.keys())
    ]
    bands = Counter((band_of(one.before), band_of(one.after)) for one in persons)
    changes = [one for one in persons if one.instants or one.before != one.after]
    calls = _pair_alerts(before.alerts, after.alerts)
    return Whatif(
        before=_side(before),
        after=_side(after),
        rules=list(rules),
        persons=len(persons),
        bands=[BandCount(*pair, count) for pair, count in sorted(bands.items(), key=lambda one: _by_rank(one[0]))],
        changes=sorted(changes, key=_weight),
        alerts_kept=calls.kept,
        alerts_moved=calls.moved,
        alerts_gained=calls.gained,
        alerts_lost=calls.lost,
        hours=_hours(persons, before.alerts, after.alerts),
    )


def _rank(band: BandName | None) -> int:
    return -1 if band is None else BANDS.index(band)


def _by_rank(pair: tuple[BandName | None, BandName | None]) -> tuple[int, int]:
    return -_rank(pair[0]), -_rank(pair[1])


def _weight(change: PersonChange) -> tuple[int, int, int, str]:
    steps = abs(_rank(band_of(change.before)) - _rank(band_of(change.after)))
    return -steps, -abs(points(change)), change.first_ms, change.person


def _side(standing: Standing) -> Side:
    bundle, summary = standing.bundle, standing.summary
    _, elevated, high = bundle.bands
    counts = (summary.scores, len(standing.alerts), summary.alerts_suppressed)
    return Side(bundle.digest, bundle.scorecard.base, elevated.enter, high.enter, *counts)


def _person(name: str, before: Sequence[Score], after: Sequence[Score]) -> PersonChange:
    highest = [max(ones, key=_height, default=None) for ones in (before, after)]
    both = [*before, *after]
    last = max(both, key=lambda one: one.time_ms)
    return PersonChange(
        person=name,
        camera=last.camera,
        first_ms=min(one.time_ms for one in both),
        last_ms=last.time_ms,
        before=_verdict(highest[0]),
        after=_verdict(highest[1]),
        parts=_parts(*highest),
        instants=_instants(before, after),
    )


def _height(score: Score) -> tuple[int, int, int]:
    return _rank(score.band), score.score or 0, score.time_ms


def _verdict(score: Score | None) -> Verdict | None:
    return Verdict(score.time_ms, score.score, score.band, score.abstain, score.events) if score else None


def _parts(before: Score | None, after: Score | None) -> list[PartChange]:
    had, has = ({part.feature: part for part in one.contributions} if one else {} for one in (before, after))
    changed = [
        PartChange(
            feature,
            had[feature].value if feature in had else None,
            had[feature].points if feature in had else 0,
            has[feature].value if feature in has else None,
            has[feature].points if feature in has else 0,
        )
        for feature in {**had, **has}
        if had.get(feature) != has.get(feature)
    ]
    return sorted(changed, key=lambda part: (-abs(part.points_after - part.points_before), part.feature))


def _instants(before: Sequence[Score], after: Sequence[Score]) -> int:
    """At how many instants the two say something else, or only one of them says something."""
    had, has = ({one.time_ms: _said(one) for one in ones} for ones in (before, after))
    return sum(had.get(time_ms) != has.get(time_ms) for time_ms in had.keys() | has.keys())


def _said(score: Score) -> tuple[object, ...]:
    return score.score, score.band, score.abstain, score.contributions, score.events


def _standing_alerts(alerts: Iterable[Alert]) -> list[Alert]:
    raised = dict[str, Alert]()
    for alert in alerts:
        if alert.withdraws is None:
            raised[alert.id] = alert
        else:
            raised.pop(alert.withdraws, None)
    return list(raised.values())


class _Paired(NamedTuple):
    kept: int
    moved: list[AlertMove]
    gained: list[Alert]
    lost: list[Alert]


def _pair_alerts(before: Sequence[Alert], after: Sequence[Alert]) -> _Paired:
    """Alerts on the same events of a person: those of the same time are one, of the others the first with the first."""
    paired = _Paired(0, [], [], [])
    had, has = _by_call(before), _by_call(after)
    kept = 0
    for call in sorted(had.keys() | has.keys()):
        same = {one.time_ms for one in had[call]} & {one.time_ms for one in has[call]}
        kept += len(same)
        olds, news = ([one for one in ones[call] if one.time_ms not in same] for ones in (had, has))
        both = min(len(olds), len(news))
        paired.moved.extend(map(AlertMove, olds[:both], news[:both]))
        paired.lost.extend(olds[both:])
        paired.gained.extend(news[both:])
    paired.moved.sort(key=lambda one: _when(one.before))
    paired.lost.sort(key=_when)
    paired.gained.sort(key=_when)
    return paired._replace(kept=kept)


def _by_call(alerts: Sequence[Alert]) -> defaultdict[tuple[str, tuple[str, ...]], list[Alert]]:
    calls = defaultdict[tuple[str, tuple[str, ...]], list[Alert]](list)
    for alert in sorted(alerts, key=_when):
        calls[alert.person, alert.events].append(alert)
    return calls


def _when(alert: Alert) -> tuple[int, str]:
    return alert.time_ms, alert.id


def _hours(persons: Sequence[PersonChange], before: Sequence[Alert], after: Sequence[Alert]) -> list[HourCount]:
    counts = Counter[tuple[str, int, str]]()
    for person in persons:
        at = _place(person.camera, person.last_ms)
        counts[*at, "persons"] += 1
        counts[*at, "persons_in_another_band"] += person.another_band
        counts[*at, "abstained_before"] += band_of(person.before) is None
        counts[*at, "abstained_after"] += band_of(person.after) is None
    for name, alerts in (("alerts_before", before), ("alerts_after", after)):
        counts.update((*_place(alert.camera, alert.time_ms), name) for alert in alerts)
    hours = defaultdict[tuple[str, int], dict[str, int]](dict)
    for (camera, hour_ms, name), count in counts.items():
        hours[camera, hour_ms][name] = count
    return [
        msgspec.convert({"camera": camera, "hour_ms": hour_ms, **named}, HourCount)
        for (camera, hour_ms), named in sorted(hours.items())
    ]


def _place(camera: str | None, time_ms: int) -> tuple[str, int]:
    return camera or NOWHERE, time_ms - time_ms % HOUR_MS
