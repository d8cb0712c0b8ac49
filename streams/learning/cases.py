"""From runs, verdicts and samples to the cases that a bundle is learned from and judged on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from features.events import Disposition
from features.keypoints import Bools, Int32s, Int64s, Ints
from features.sequence import COLUMN, FeatureRows
from models.bundle import Bundle
from models.decision import HOUR_MS, NOWHERE
from models.judged_cases import UNTOLD, JudgedCases, Names
from models.propensity import Answers, weigh
from streams.learning.reviewed import SLOT_MS, Reviewed
from streams.learning.verdicts import Verdict, verdicts_on

SLOTS_AN_HOUR = HOUR_MS // SLOT_MS
MINUTE_MS = 60_000
NO_TIME = -1
PARTS_OF_DAY = np.array(["0 to 6", "6 to 12", "12 to 18", "18 to 24"])


class Gathered(NamedTuple):
    """Cases, and how many persons with a verdict are none, by why."""

    cases: JudgedCases
    counts: dict[str, int]


def gather(reviewed: Sequence[Reviewed], dispositions: Iterable[Disposition], current: Bundle) -> Gathered:
    """The cases of all runs.

    Args:
        reviewed: runs of which nobody is in two.
        dispositions: besides those of the journals.
        current: the bundle that counts now; who is unseen by it is no case.
    """
    named = {track: name for each in reviewed for name, tracks in each.run.tracks.items() for track in tracks}
    told = [*dispositions, *(one for each in reviewed for one in each.dispositions)]
    verdicts = verdicts_on(told, named)
    clear = {person: verdict for person, verdict in verdicts.items() if verdict.agreed is not None}
    everybody = {name for each in reviewed for name in each.run.scores}
    asked = {name for each in reviewed for name in each.called | each.drawn}
    counts = Counter[str](
        unclear=len(verdicts) - len(clear),
        unknown=len(clear.keys() - everybody),
        unsampled=len((clear.keys() & everybody) - asked),
    )
    judged = [_judged(each, clear) for each in reviewed]
    cases = _cases(reviewed, judged, current)
    counts["unseen"] = len(clear.keys() & asked) - len(cases.cases)
    counts["capped"] = cases.capped
    return Gathered(cases.cases, dict(counts))


class _Judged(NamedTuple):
    """Rows up to the verdict of the persons of a run who have one; (cases,) besides."""

    rows: FeatureRows
    case: Int64s
    verdicts: list[Verdict]
    called: Bools
    rate_permille: Ints
    groups: list[str]
    last: FeatureRows


class _Weighed(NamedTuple):
    cases: JudgedCases
    capped: int


def _judged(each: Reviewed, verdicts: Mapping[str, Verdict]) -> _Judged:
    rows = each.rows
    until = np.array([verdicts[name].time_ms if name in verdicts else NO_TIME for name in rows.persons], np.int64)
    known = rows.take(rows.time_ms <= until[rows.person]).compact()
    names = known.persons
    last = known.take(np.searchsorted(known.person, np.arange(len(names)), "right") - 1)
    cameras = [*(camera.name for camera in each.run.site.cameras), NOWHERE]
    offset_ms = each.run.site.utc_offset_minutes * MINUTE_MS
    return _Judged(
        rows=known,
        case=known.person.astype(np.int64),
        verdicts=[verdicts[name] for name in names],
        called=np.array([name in each.called for name in names], np.bool_),
        rate_permille=np.full(len(names), max(1, each.rate_permille)),
        groups=[
            _group(time_ms + offset_ms, cameras[camera])
            for time_ms, camera in zip(last.time_ms.tolist(), last.camera.tolist(), strict=True)
        ],
        last=last,
    )


def _group(local_ms: int, camera: str) -> str:
    return f"{datetime.fromtimestamp(local_ms // 1_000, UTC).date()} {camera}"


def _cases(reviewed: Sequence[Reviewed], judged: Sequence[_Judged], current: Bundle) -> _Weighed:
    starts = np.cumsum([0, *(len(each.verdicts) for each in judged)])
    called = np.concatenate([each.called for each in judged])
    groups = np.array([group for each in judged for group in each.groups], np.str_)
    cases = JudgedCases(
        values=np.concatenate([each.rows.values for each in judged]),
        case=np.concatenate([each.case + start for each, start in zip(judged, starts.tolist(), strict=False)]),
        agreed=np.array([verdict.agreed for each in judged for verdict in each.verdicts], np.bool_),
        weights=np.ones(len(called), np.int64),
        sampled=~called,
        groups=groups,
        slices=_slices(reviewed, judged, groups),
        camera_hours=_camera_hours(reviewed),
    )
    seen = cases.said(current).row >= 0
    called = called[seen]
    answers = (
        Answers(sum(len(each.called) for each in reviewed), int(called.sum())),
        Answers(sum(len(each.drawn) for each in reviewed), int((~called).sum())),
    )
    weighted = weigh(called, np.concatenate([each.rate_permille for each in judged])[seen], *answers)
    kept = cases.take(seen)
    return _Weighed(replace(kept, weights=weighted.weights), weighted.capped)


def _slices(reviewed: Sequence[Reviewed], judged: Sequence[_Judged], groups: Names) -> dict[str, Names]:
    """Ways to part persons, by what was known of them at the verdict."""
    offsets_ms = (each.run.site.utc_offset_minutes * MINUTE_MS for each in reviewed)
    local_ms = np.concatenate([each.last.time_ms + ms for each, ms in zip(judged, offsets_ms, strict=True)])
    last = np.concatenate([each.last.values for each in judged])
    return {
        "camera": np.array([group.partition(" ")[2] for group in groups.tolist()], np.str_),
        "hour": PARTS_OF_DAY[local_ms // HOUR_MS % 24 // 6],
        "step asymmetry": _halves(last[:, COLUMN["step_asymmetry"]]),
        "body seen": _halves(last[:, COLUMN["posed_permille"]]),
    }


def _halves(values: Int32s) -> Names:
    """Up to the median or above it; `UNTOLD` where missing."""
    there = values >= 0
    middle = np.sort(values[there])[int(there.sum()) // 2] if there.any() else 0
    return np.where(there, np.where(values > middle, "above the median", "up to the median"), UNTOLD)


def _camera_hours(reviewed: Sequence[Reviewed]) -> dict[str, int]:
    slots = Counter(
        _group(slot * SLOT_MS + each.run.site.utc_offset_minutes * MINUTE_MS, camera)
        for each in reviewed
        for camera, slot in each.slots
    )
    return {group: 1_000 * count // SLOTS_AN_HOUR for group, count in slots.items()}
