"""The decision step: which rows are published as scores, which become alerts, and which alerts are taken back."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from features.keypoints import Bools, Int32s, Int64s, Ints
from features.sequence import COLUMN, FINAL, GRID, SECOND, WITHDRAWN, FeatureRows, Row
from features.site import Camera, Site
from models.bundle import BANDS, ELEVATED, HIGH, LOW, AbstainRule, Bundle
from models.records import OBJECTIVE_EVENTS, Alert, Score, ScoreKind

HOUR_MS = 3_600_000
NOWHERE = ""  # the camera, by its name and by its place -1, of persons whom none saw
REASONS = 3  # of an alert
REMEMBERED = 16  # band changes and alerts of a person
DEPARTED_ALLOWANCES = 2  # allowances for facts for which persons who left are remembered, as corrections may come

KINDS: dict[int, ScoreKind] = {SECOND: "interim", GRID: "grid", FINAL: "final", WITHDRAWN: "withdrawn"}


EVENT_NAMES = tuple(
    tuple(event.name for bit, event in enumerate(OBJECTIVE_EVENTS) if events >> bit & 1)
    for events in range(1 << len(OBJECTIVE_EVENTS))
)

OBSERVED, POSED = COLUMN["observed_s"], COLUMN["posed_permille"]


class Standing(Struct, frozen=True, gc=False):
    """An alert that was raised and not withdrawn; bit e of `events` is objective event e."""

    id: str
    time_ms: int
    events: int


class Course(Struct, frozen=True, gc=False):
    """A person's way through the bands, as (time_ms, band from then on), and the alerts that stand."""

    changes: tuple[tuple[int, int], ...] = ()
    alerts: tuple[Standing, ...] = ()

    @property
    def band(self) -> int:
        """The band now."""
        return self.changes[-1][1] if self.changes else LOW

    def band_before(self, time_ms: int) -> int:
        """The band just before an instant."""
        return next((band for since, band in reversed(self.changes) if since < time_ms), LOW)


class DecisionState(Struct):
    """What a decision needs of earlier rows. Persons who were always low are not in it.

    Attributes:
        courses: of persons by name.
        departed: when persons of `courses` left, in the order in which they were found to have left.
        budgets: by camera, the latest hour with an alert and how many alerts it had.
        suppressed: rows of the high band that raised no alert, by reason.
    """

    courses: dict[str, Course] = field(default_factory=dict)
    departed: dict[str, int] = field(default_factory=dict)
    budgets: dict[str, tuple[int, int]] = field(default_factory=dict)
    suppressed: dict[str, int] = field(default_factory=dict)

    def forget(self, person: str) -> None:
        """Drops all that is known of a person."""
        self.courses.pop(person, None)
        self.departed.pop(person, None)


class Decisions(NamedTuple):
    """The state after a block of rows, and what it led to, in the order of the rows.

    Attributes:
        values: of each score the sequence features it was made of, in the catalogue's order, int32 little-endian.
        rests_on: of each alert the place of its score in `scores`.
    """

    state: DecisionState
    scores: list[Score]
    alerts: list[Alert]
    values: list[bytes]
    rests_on: list[int]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What each row says by itself: (rows,) each, contributions (rows, scored features).

    `floor` is the band whose enter threshold the score reaches, `ceiling` the one whose leave threshold it reaches: a
    person's band is the one before, held between the two. Rows that abstain hold nobody.
    """

    contributions: Int32s
    scores: Int32s
    events: Ints
    abstained: Bools
    floor: Ints
    ceiling: Ints


class _Moment(NamedTuple):
    row: int
    person: str
    camera: str
    time_ms: int
    kind: int
    revision: int
    position: int
    events: int
    abstained: bool
    floor: int
    ceiling: int


class _Draft(NamedTuple):
    person: str
    camera: str
    values: list[int]
    time_ms: int
    kind: int
    revision: int
    position: int
    score: int
    abstained: bool
    band: int
    probability_permille: int
    events: int
    observed_s: int
    posed_permille: int
    points: list[int]


class _Call(NamedTuple):
    """An alert that a row raises or, with `withdraws`, takes back."""

    row: int
    id: str
    withdraws: str | None = None


def decide(state: DecisionState, rows: FeatureRows, bundle: Bundle, site: Site) -> Decisions:
    """What is published of a block of rows, and what is alerted.

    Rows of the grid and final rows are always published. A row of a second is published, as an interim score, when
    the person's band changed or an alert is raised. Corrections (revision > 0) leave bands and later scores as they
    were, but may raise or withdraw an alert.

    Args:
        state: moved on in place.
        rows: in journal order; how they are split into blocks makes no difference.
        bundle: sealed.
        site: of the rows' cameras.
    """
    judged = _judge(rows.values, bundle)
    bands = np.zeros(len(rows), np.int8)
    published = rows.kind != SECOND
    calls: list[_Call] = []
    for moment in _moments(state, rows, judged, site):
        band, changed = _move(state, moment)
        called = [*_withdraw(state, moment, band), *_raise(state, moment, band, site)]
        if moment.kind == FINAL:
            _depart(state, moment, DEPARTED_ALLOWANCES * site.timing.fact_allowance_ms)
        bands[moment.row] = band
        published[moment.row] |= changed or bool(called)
        calls += called
    scores = _publish(np.flatnonzero(published), rows, judged, bands, bundle, site)
    alerts = [_alert(call, scores[call.row]) for call in calls]
    values = [rows.values[row].astype("<i4").tobytes() for row in scores]
    places = {row: place for place, row in enumerate(scores)}
    return Decisions(state, list(scores.values()), alerts, values, [places[call.row] for call in calls])


def score_again(said: Score, values: Int32s, bundle: Bundle) -> Score:
    """A published score made anew out of its sequence features, to be compared with what was said.

    Args:
        said: what names the row: person, camera, time, kind, revision and position; and the band before, as far as the
            score lets it stand.
        values: (features,) in the catalogue's order.
        bundle: sealed, by which it was scored.
    """
    cameras = [Camera(said.camera)] if said.camera else []
    kind = next(kind for kind, name in KINDS.items() if name == said.kind)
    row = Row(said.person, len(cameras) - 1, said.time_ms, kind, said.revision, said.position, values)
    rows = FeatureRows.of([row])
    judged = _judge(rows.values, bundle)
    before = BANDS.index(said.band) if said.band else LOW
    bands = np.maximum(judged.floor, np.minimum(before, judged.ceiling))
    return _publish(np.array([0]), rows, judged, bands, bundle, Site(cameras=cameras))[0]


def alert_again(said: Alert, score: Score) -> Alert:
    """A published alert made anew out of its score, to be compared with what was said."""
    return _alert(_Call(0, said.id, said.withdraws), score)


def _judge(values: Int32s, bundle: Bundle) -> _Judged:
    contributions = bundle.scorecard.contributions(values)
    scores = bundle.scorecard.totals(contributions)
    events = np.zeros(len(values), np.int8)
    for bit, event in enumerate(OBJECTIVE_EVENTS):
        events |= (values[:, COLUMN[event.feature]] >= event.at_least).astype(np.int8) << bit
    brief, thin = _unseen(values, contributions, bundle)
    abstained = (brief | thin) & (events == 0)
    floor = np.searchsorted([band.enter for band in bundle.bands[ELEVATED:]], scores, "right")
    ceiling = np.searchsorted([band.leave for band in bundle.bands[ELEVATED:]], scores, "right")
    floor[abstained], ceiling[abstained] = LOW, HIGH
    return _Judged(contributions, scores, events, abstained, floor, ceiling)


def _unseen(values: Int32s, contributions: Int32s, bundle: Bundle) -> tuple[Bools, Bools]:
    """(rows,) seen too briefly; (rows,) points for posture where too little of the body was seen."""
    postural = [at for at, scored in enumerate(bundle.scorecard.features) if scored.spec.family == "posture"]
    thin = (values[:, POSED] < bundle.abstain.posed_permille) & contributions[:, postural].any(axis=1)
    return values[:, OBSERVED] < bundle.abstain.observed_s, thin


def _moments(state: DecisionState, rows: FeatureRows, judged: _Judged, site: Site) -> list[_Moment]:
    """The rows at which a band or an alert may change: of persons who are known or reach a band above low."""
    at = np.flatnonzero(_restless(state, rows, judged)[rows.person])
    cameras = [*(camera.name for camera in site.cameras), NOWHERE]
    told = (rows.time_ms, rows.kind, rows.revision, rows.position)
    columns = (*told, judged.events, judged.abstained, judged.floor, judged.ceiling)
    return [
        _Moment(row, rows.persons[person], cameras[camera], *others)
        for row, person, camera, *others in zip(
            at.tolist(),
            rows.person[at].tolist(),
            rows.camera[at].tolist(),
            *(column[at].tolist() for column in columns),
            strict=True,
        )
    ]


def _restless(state: DecisionState, rows: FeatureRows, judged: _Judged) -> Bools:
    restless = np.zeros(len(rows.persons), np.bool_)
    restless[rows.person[judged.floor > LOW]] = True
    if state.courses:
        present = np.unique(rows.person).tolist()
        restless[[person for person in present if rows.persons[person] in state.courses]] = True
    return restless


def _move(state: DecisionState, moment: _Moment) -> tuple[int, bool]:
    """The band at a moment, and whether it is a change to be told; a correction changes nothing."""
    course = state.courses.get(moment.person, Course())
    before = course.band_before(moment.time_ms) if moment.revision else course.band
    band = max(moment.floor, min(before, moment.ceiling))
    if moment.revision:
        return band, False
    after = LOW if moment.kind == FINAL else band
    if after != course.band:
        changes = (*course.changes, (moment.time_ms, after))[-REMEMBERED:]
        state.courses[moment.person] = replace(course, changes=changes)
    return band, band != before


def _withdraw(state: DecisionState, moment: _Moment, band: int) -> list[_Call]:
    """The calls that a correction takes back.

    An alert falls with the band of its own row, and with its objective events: those are facts of the visit so far,
    so a correction of the same row or a later one that has none of them denies them for the alert's row too.
    """
    course = state.courses.get(moment.person)
    if course is None or not moment.revision:
        return []
    void = [alert for alert in course.alerts if _is_void(alert, moment, band)]
    if void:
        left = tuple(alert for alert in course.alerts if alert not in void)
        state.courses[moment.person] = replace(course, alerts=left)
    return [_Call(moment.row, alert.id.replace("#alert", "#withdrawn"), alert.id) for alert in void]


def _is_void(alert: Standing, moment: _Moment, band: int) -> bool:
    below = alert.time_ms == moment.time_ms and band < HIGH
    return below or (alert.time_ms <= moment.time_ms and not alert.events & moment.events)


def _raise(state: DecisionState, moment: _Moment, band: int, site: Site) -> list[_Call]:
    if band < HIGH or moment.abstained:
        return []
    if reason := _suppressed(state, moment, site):
        state.suppressed[reason] = state.suppressed.get(reason, 0) + 1
        return []
    call = _Call(moment.row, f"{_score_id(moment)}#alert")
    course = state.courses.get(moment.person, Course())
    alerts = (*course.alerts, Standing(call.id, moment.time_ms, moment.events))[-REMEMBERED:]
    state.courses[moment.person] = replace(course, alerts=alerts)
    spend(state, moment.camera, moment.time_ms // HOUR_MS)
    return [call]


def spend(state: DecisionState, camera: str, hour: int) -> None:
    """Count an alert of a camera in the budget of an hour, or of the latest one if that is later."""
    hour, used = _budget(state, camera, hour)
    state.budgets[camera] = (hour, used + 1)


def _suppressed(state: DecisionState, moment: _Moment, site: Site) -> str | None:
    """Why a row of the high band raises no alert, if it does not."""
    if not moment.events:
        return "no objective event"
    course = state.courses.get(moment.person, Course())
    if any(_rests(alert, moment, site.alerting.cooldown_s * 1_000) for alert in course.alerts):
        return "cooldown"
    if _budget(state, moment.camera, moment.time_ms // HOUR_MS)[1] >= site.alerting.budget_per_camera_hour:
        return "budget"
    return None


def _rests(alert: Standing, moment: _Moment, cooldown_ms: int) -> bool:
    same = alert.events == moment.events and moment.time_ms - alert.time_ms < cooldown_ms
    return same or alert.time_ms == moment.time_ms


def _budget(state: DecisionState, camera: str, hour: int) -> tuple[int, int]:
    """The hour an alert would count in, and the alerts counted there; what is earlier counts in the latest."""
    latest, used = state.budgets.get(camera, (0, 0))
    return (hour, 0) if hour > latest else (latest, used)


def _depart(state: DecisionState, moment: _Moment, remembered_ms: int) -> None:
    if moment.person not in state.courses:
        return
    state.departed.pop(moment.person, None)
    state.departed[moment.person] = moment.time_ms
    while state.departed and next(iter(state.departed.values())) < moment.time_ms - remembered_ms:
        state.forget(next(iter(state.departed)))


def _publish(
    at: Int64s, rows: FeatureRows, judged: _Judged, bands: Ints, bundle: Bundle, site: Site
) -> dict[int, Score]:
    """The scores of the rows `at`, by row."""
    cameras = [*(camera.name for camera in site.cameras), NOWHERE]
    probability_permille = bundle.calibration.probability_permille(judged.scores)
    columns: list[NDArray[Any]] = [
        *(rows.time_ms, rows.kind, rows.revision, rows.position, judged.scores, judged.abstained, bands),
        *(probability_permille, judged.events, rows.values[:, OBSERVED], rows.values[:, POSED], judged.contributions),
    ]
    drafts = zip(
        at.tolist(),
        rows.person[at].tolist(),
        rows.camera[at].tolist(),
        rows.values[at[:, None], bundle.scorecard.columns].tolist(),
        *(column[at].tolist() for column in columns),
        strict=True,
    )
    return {
        row: _score(_Draft(rows.persons[person], cameras[camera], *others), bundle)
        for row, person, camera, *others in drafts
    }


def _score(draft: _Draft, bundle: Bundle) -> Score:
    card, said = bundle.scorecard, not draft.abstained
    return Score(
        id=_score_id(draft),
        person=draft.person,
        camera=draft.camera or None,
        time_ms=draft.time_ms,
        kind=KINDS[draft.kind],
        revision=draft.revision,
        supersedes=_superseded(draft),
        position=draft.position,
        score=draft.score if said else None,
        abstain=None if said else _abstain_reason(draft, bundle.abstain),
        band=BANDS[draft.band] if said else None,
        probability_permille=draft.probability_permille if said else None,
        contributions=card.reasons(draft.values, draft.points) if said else [],
        counterfactual=card.counterfactual(draft.values, bundle.bands[draft.band].leave) if said else [],
        events=EVENT_NAMES[draft.events],
        bundle=bundle.digest,
    )


def _score_id(of: _Moment | _Draft) -> str:
    """An interim score is named by its place in the journal: tracks of one person may give two of the same second."""
    place = f"@{of.position}" if of.kind == SECOND else f".{of.revision}"
    return f"{of.person}#{of.time_ms}{place}"


def _superseded(draft: _Draft) -> str | None:
    if draft.kind == SECOND or not draft.revision:
        return None
    return _score_id(draft._replace(revision=draft.revision - 1))


def _abstain_reason(draft: _Draft, rule: AbstainRule) -> str:
    if draft.kind == WITHDRAWN:
        return "the evidence belongs to another person"
    if draft.observed_s < rule.observed_s:
        return f"observed {max(0, draft.observed_s)} s, needs {rule.observed_s} s"
    return f"saw {max(0, draft.posed_permille)} permille of the body, needs {rule.posed_permille} permille"


def _alert(call: _Call, score: Score) -> Alert:
    return Alert(
        id=call.id,
        person=score.person,
        camera=score.camera,
        time_ms=score.time_ms,
        score_id=score.id,
        score=score.score,
        band=score.band,
        events=score.events,
        reasons=score.contributions[:REASONS],
        withdraws=call.withdraws,
    )
