from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from features.sequence import CATALOGUE, COLUMN, FINAL, GRID, MISSING, SECOND, FeatureRows
from features.site import Alerting, Camera, Site
from models import decision
from models.bundle import AbstainRule, Band, Bundle, seal
from models.calibration import Calibration
from models.decision import DecisionState, alert_again, decide, score_again
from models.records import OBJECTIVE_EVENTS, Alert, ObjectiveEvent, Score
from models.scorecard import Change, Contribution, Scorecard, ScoredFeature

BUNDLE = seal(
    Bundle(
        scoring_version=1,
        scorecard=Scorecard(
            (
                ScoredFeature("loiter_s", tuple(range(1, 501)), tuple(range(501))),
                ScoredFeature("restricted_loiter_s", (1,), (0, 20)),
                ScoredFeature("back_to_shelf_60s", (1,), (0, 80)),
                ScoredFeature("unpaid_exit", (500,), (0, 300)),
            ),
        ),
        calibration=Calibration((0, 400), (30, 600)),
        bands=(Band("low", 0, 0), Band("elevated", 200, 150), Band("high", 400, 350)),
        abstain=AbstainRule(observed_s=5, posed_permille=300),
    )
)
SITE = Site(
    cameras=[Camera(name="door"), Camera(name="aisle")], alerting=Alerting(budget_per_camera_hour=2, cooldown_s=60)
)
SEEN = {"observed_s": 60, "posed_permille": 900}


class Row(NamedTuple):
    second: int
    values: dict[str, int]
    person: str = "p"
    kind: int = SECOND
    revision: int = 0
    camera: int = 0


def rows_of(rows: list[Row]) -> FeatureRows:
    persons = sorted({row.person for row in rows})
    values = np.full((len(rows), len(CATALOGUE)), MISSING, np.int32)
    for at, row in enumerate(rows):
        for name, value in {**SEEN, **row.values}.items():
            values[at, COLUMN[name]] = value
    return FeatureRows(
        persons,
        np.array([persons.index(row.person) for row in rows], np.int32),
        np.array([row.camera for row in rows], np.int32),
        np.array([row.second * 1_000 for row in rows], np.int64),
        np.array([row.kind for row in rows], np.int8),
        np.array([row.revision for row in rows], np.int32),
        np.arange(len(rows), dtype=np.int64),
        values,
    )


def run(*rows: Row, state: DecisionState | None = None) -> decision.Decisions:
    return decide(state or DecisionState(), rows_of(list(rows)), BUNDLE, SITE)


def loiter(points: int, **values: int) -> dict[str, int]:
    """Values that score so many points, without an objective event unless one is named."""
    return {"loiter_s": points, **values}


def restricted(points: int) -> dict[str, int]:
    return loiter(points - 20, restricted_loiter_s=9)


def test_a_score_says_what_it_is_made_of() -> None:
    values = loiter(390, restricted_loiter_s=7, back_to_shelf_60s=MISSING)
    (score,) = run(Row(10, values, kind=GRID, revision=2)).scores
    assert score == Score(
        id="p#10000.2",
        person="p",
        camera="door",
        time_ms=10_000,
        kind="grid",
        revision=2,
        supersedes="p#10000.1",
        position=0,
        score=410,
        abstain=None,
        band="high",
        probability_permille=600,
        contributions=[Contribution("loiter_s", 390, "s", 390), Contribution("restricted_loiter_s", 7, "s", 20)],
        counterfactual=[Change("loiter_s", 390, 329, "s", 61)],
        events=("stayed in a restricted zone",),
        bundle=BUNDLE.digest,
    )
    assert msgspec.json.decode(msgspec.json.encode(score), type=Score | Alert) == score


def test_grid_and_final_rows_are_published_seconds_only_when_the_band_changes() -> None:
    points = [0, 0, 210, 260, 160, 140, 0]
    kinds = [SECOND, GRID, SECOND, SECOND, GRID, SECOND, FINAL]
    rows = [Row(at, loiter(n), kind=kind) for at, (n, kind) in enumerate(zip(points, kinds, strict=True))]
    published = [(score.time_ms // 1_000, score.kind, score.band) for score in run(*rows).scores]
    assert published == [
        (1, "grid", "low"),
        (2, "interim", "elevated"),
        (4, "grid", "elevated"),
        (5, "interim", "low"),
        (6, "final", "low"),
    ]


@pytest.mark.parametrize(
    ("points", "bands"),
    [
        ([199, 200, 150, 149], ["low", "elevated", "elevated", "low"]),
        ([400, 399, 350, 349, 150, 149], ["high", "high", "high", "elevated", "elevated", "low"]),
        ([199, 399, 400, 0], ["low", "elevated", "high", "low"]),
        ([400, 160, 399], ["high", "elevated", "elevated"]),
    ],
)
def test_a_band_is_left_only_below_its_leave_threshold(points: list[int], bands: list[str]) -> None:
    rows = [Row(at, loiter(n), kind=GRID) for at, n in enumerate(points)]
    assert [score.band for score in run(*rows).scores] == bands


def test_no_alert_without_an_objective_event() -> None:
    decided = run(*(Row(at, loiter(500, back_to_shelf_60s=1_000)) for at in range(5)))
    assert [score.band for score in decided.scores] == ["high"]
    assert decided.alerts == []
    assert decided.state.suppressed == {"no objective event": 5}


def test_no_alert_below_the_high_band() -> None:
    assert run(Row(1, restricted(399), kind=GRID)).alerts == []


@pytest.mark.parametrize("event", OBJECTIVE_EVENTS)
def test_each_objective_event_opens_the_gate_from_its_threshold_on(event: ObjectiveEvent) -> None:
    assert run(Row(1, loiter(450, **{event.feature: event.at_least - 1}))).alerts == []
    (alert,) = run(Row(1, loiter(450, **{event.feature: event.at_least}))).alerts
    assert alert.events == (event.name,)


def test_an_alert_rests_on_a_published_score() -> None:
    decided = run(Row(1, loiter(450)), Row(2, restricted(450)))
    assert [(score.id, score.kind) for score in decided.scores] == [("p#1000@0", "interim"), ("p#2000@1", "interim")]
    assert decided.alerts == [
        Alert(
            id="p#2000@1#alert",
            person="p",
            camera="door",
            time_ms=2_000,
            score_id="p#2000@1",
            score=450,
            band="high",
            events=("stayed in a restricted zone",),
            reasons=[Contribution("loiter_s", 430, "s", 430), Contribution("restricted_loiter_s", 9, "s", 20)],
        )
    ]


def test_cooldown_is_of_the_same_events() -> None:
    both = {**restricted(450), "unpaid_exit": 1_000}
    only = restricted(450)
    decided = run(Row(0, only), Row(30, only), Row(31, both), Row(59, both), Row(60, only))
    assert [alert.time_ms // 1_000 for alert in decided.alerts] == [0, 31]
    assert decided.state.suppressed == {"cooldown": 2, "budget": 1}


def test_each_camera_has_a_budget_an_hour() -> None:
    rows = [Row(second, restricted(450), person) for second, person in ((10, "a"), (20, "b"), (30, "c"))]
    rows += [Row(40, restricted(450), "d", camera=1), Row(3_600, restricted(450), "e"), Row(50, restricted(450), "f")]
    decided = run(*rows, Row(3_601, restricted(450), "g"))
    assert [alert.person for alert in decided.alerts] == ["a", "b", "d", "e", "f"]
    assert decided.state.suppressed == {"budget": 2}


@pytest.mark.parametrize(
    ("values", "abstain"),
    [
        ({"observed_s": 4}, "observed 4 s, needs 5 s"),
        ({"observed_s": MISSING}, "observed 0 s, needs 5 s"),
        ({"observed_s": 5}, None),
        ({"posed_permille": 299, "back_to_shelf_60s": 500}, "saw 299 permille of the body, needs 300 permille"),
        ({"posed_permille": MISSING, "back_to_shelf_60s": 500}, "saw 0 permille of the body, needs 300 permille"),
        ({"posed_permille": 299}, None),
        ({"observed_s": 1, "restricted_loiter_s": 1}, None),
    ],
)
def test_abstains_where_too_little_was_seen_and_nothing_objective(values: dict[str, int], abstain: str | None) -> None:
    (score,) = run(Row(1, loiter(420, **values), kind=GRID)).scores
    assert score.abstain == abstain
    if abstain:
        assert (score.score, score.band, score.probability_permille) == (None, None, None)
        assert (score.contributions, score.counterfactual) == ([], [])


def test_abstaining_moves_nobody() -> None:
    unseen = {"observed_s": 1}
    rows = [Row(1, loiter(450)), Row(2, unseen), Row(3, unseen, kind=GRID), Row(4, loiter(360), kind=GRID)]
    told = [(score.time_ms // 1_000, score.band) for score in run(*rows).scores]
    assert told == [(1, "high"), (3, None), (4, "high")]


def test_a_correction_below_the_band_withdraws_the_alert() -> None:
    first = run(Row(9, restricted(450)), Row(10, restricted(450), kind=FINAL))
    (raised,) = first.alerts
    assert raised.id == "p#9000@0#alert"
    second = run(
        Row(9, restricted(300), revision=1), Row(10, restricted(300), kind=FINAL, revision=1), state=first.state
    )
    (withdrawn,) = second.alerts
    assert (withdrawn.id, withdrawn.withdraws) == ("p#9000@0#withdrawn", raised.id)
    assert (withdrawn.score_id, withdrawn.score, withdrawn.band) == ("p#9000@0", 300, "elevated")
    assert [(score.id, score.supersedes) for score in second.scores] == [
        ("p#9000@0", None),
        ("p#10000.1", "p#10000.0"),
    ]


def test_a_correction_that_denies_the_event_withdraws_earlier_alerts() -> None:
    paid, unpaid = loiter(100, unpaid_exit=0), loiter(100, unpaid_exit=900)
    first = run(Row(8, unpaid), Row(10, unpaid, kind=FINAL))
    assert [alert.withdraws for alert in first.alerts] == [None]
    second = run(Row(10, paid, kind=FINAL, revision=1), state=first.state)
    assert [alert.withdraws for alert in second.alerts] == ["p#8000@0#alert"]
    assert run(Row(10, paid, kind=FINAL, revision=2), state=second.state).alerts == []


def test_a_correction_may_raise_an_alert_and_moves_no_band() -> None:
    rows = [Row(10, loiter(300), kind=GRID), Row(20, loiter(100), kind=GRID)]
    decided = run(*rows, Row(10, restricted(450), kind=GRID, revision=1), Row(30, loiter(160), kind=GRID))
    assert [alert.id for alert in decided.alerts] == ["p#10000.1#alert"]
    assert [score.band for score in decided.scores] == ["elevated", "low", "high", "low"]


def test_a_correction_that_changes_nothing_says_the_same() -> None:
    points = [100, 210, 160, 450, 360, 340, 160, 100]
    rows = [Row(at, loiter(n), kind=GRID) for at, n in enumerate(points)]
    decided = run(*rows, *(row._replace(revision=1) for row in rows))
    bands = [score.band for score in decided.scores]
    assert bands[len(points) :] == bands[: len(points)]


def test_a_person_who_left_starts_from_low_again() -> None:
    decided = run(Row(1, loiter(450)), Row(2, loiter(450), kind=FINAL), Row(90, loiter(360), kind=GRID))
    assert [score.band for score in decided.scores] == ["high", "high", "elevated"]


def test_a_forgotten_person_leaves_nothing() -> None:
    state = run(Row(1, restricted(450)), Row(2, restricted(450), kind=FINAL)).state
    assert list(state.courses) == list(state.departed) == ["p"]
    state.forget("p")
    assert not state.courses
    assert not state.departed


def test_who_left_is_remembered_for_two_allowances() -> None:
    allowance_s = SITE.timing.fact_allowance_ms // 1_000
    seconds = (1, 2 * allowance_s, 2 * allowance_s + 2)
    rows = [Row(at, loiter(450), f"p{at}", kind=kind) for at in seconds for kind in (SECOND, FINAL)]
    assert list(run(*rows[:4]).state.departed) == [f"p{at}" for at in seconds[:2]]
    state = run(*rows).state
    assert list(state.departed) == [f"p{at}" for at in seconds[1:]]
    assert state.courses.keys() == state.departed.keys()


def test_low_persons_are_not_remembered() -> None:
    assert run(*(Row(at, loiter(199), kind=GRID) for at in range(9))).state == DecisionState()


def test_a_person_no_camera_saw() -> None:
    decided = run(Row(1, loiter(399, combination_level=1), camera=-1, kind=GRID))
    assert [score.camera for score in decided.scores] == [None]


ROWS = st.lists(
    st.builds(
        Row,
        second=st.integers(0, 7_300),
        values=st.fixed_dictionaries(
            {"loiter_s": st.sampled_from([MISSING, 0, 100, 149, 150, 200, 349, 350, 400, 450])},
            optional={
                "restricted_loiter_s": st.sampled_from([0, 1]),
                "unpaid_exit": st.sampled_from([0, 499, 500]),
                "back_to_shelf_60s": st.sampled_from([0, 500]),
                "observed_s": st.sampled_from([1, 60]),
                "posed_permille": st.sampled_from([MISSING, 100, 900]),
            },
        ),
        person=st.sampled_from("abc"),
        kind=st.sampled_from([SECOND, SECOND, GRID, FINAL]),
        revision=st.sampled_from([0, 0, 0, 1, 2]),
        camera=st.sampled_from([-1, 0, 1]),
    ),
    max_size=40,
)


def ordered(rows: list[Row], *, in_time: bool) -> list[Row]:
    return sorted(rows, key=lambda row: row.second) if in_time else rows


def taken(rows: FeatureRows, part: slice) -> FeatureRows:
    columns: list[Any] = [rows.person, rows.camera, rows.time_ms, rows.kind, rows.revision, rows.position, rows.values]
    return FeatureRows(rows.persons, *(column[part] for column in columns))


@settings(max_examples=300)
@given(ROWS, st.booleans(), st.lists(st.integers(0, 40), max_size=6))
def test_blocks_make_no_difference(drawn: list[Row], in_time: bool, cuts: list[int]) -> None:  # noqa: FBT001
    rows = rows_of(ordered(drawn, in_time=in_time))
    whole = decide(DecisionState(), rows, BUNDLE, SITE)
    state, scores, alerts, values, rests_on = DecisionState(), list[Score](), list[Alert](), list[bytes](), list[int]()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(rows)], strict=True):
        state = msgspec.json.decode(msgspec.json.encode(state), type=DecisionState)
        part = decide(state, taken(rows, slice(start, max(start, end))), BUNDLE, SITE)
        rests_on += [len(scores) + place for place in part.rests_on]
        state, scores, alerts, values = part.state, scores + part.scores, alerts + part.alerts, values + part.values
    assert msgspec.json.encode([state, scores, alerts, values, rests_on]) == msgspec.json.encode([*whole])
    assert [scores[place].id for place in rests_on] == [alert.score_id for alert in alerts]


@settings(max_examples=300)
@given(ROWS)
def test_what_holds_of_all_decisions(drawn: list[Row]) -> None:
    rows = rows_of(ordered(drawn, in_time=True))
    decided = decide(DecisionState(), rows, BUNDLE, SITE)
    scores = {score.id: score for score in decided.scores}
    assert len(decided.scores) >= int((rows.kind != SECOND).sum())
    for score in decided.scores:
        assert (score.score is None) == (score.abstain is not None) == (score.band is None)
        assert (score.score or 0) == sum(contribution.points for contribution in score.contributions)
    raised = [alert for alert in decided.alerts if alert.withdraws is None]
    for alert in raised:
        assert alert.events
        assert alert.band == "high"
        assert alert.score_id in scores
    taken_back = [alert.withdraws for alert in decided.alerts if alert.withdraws]
    assert len(set(taken_back)) == len(taken_back)
    assert set(taken_back) <= {alert.id for alert in raised}


@settings(max_examples=300)
@given(ROWS, st.booleans())
def test_all_that_is_said_is_made_again(drawn: list[Row], in_time: bool) -> None:  # noqa: FBT001
    decided = decide(DecisionState(), rows_of(ordered(drawn, in_time=in_time)), BUNDLE, SITE)
    for score, values in zip(decided.scores, decided.values, strict=True):
        assert score_again(score, np.frombuffer(values, "<i4"), BUNDLE) == score
    for alert, place in zip(decided.alerts, decided.rests_on, strict=True):
        assert alert_again(alert, decided.scores[place]) == alert


def test_what_cannot_have_been_said_is_made_otherwise() -> None:
    decided = run(Row(10, restricted(420), kind=GRID))
    said, values = decided.scores[0], np.frombuffer(decided.values[0], "<i4")
    for forged in (
        replace(said, score=419),
        replace(said, band="elevated"),
        replace(said, abstain="seen too briefly"),
        replace(said, probability_permille=1),
        replace(said, contributions=said.contributions[1:]),
        replace(said, counterfactual=[]),
        replace(said, events=()),
        replace(said, bundle="another"),
        replace(said, revision=1),
    ):
        assert score_again(forged, values, BUNDLE) != forged
    alert = decided.alerts[0]
    for other in (replace(alert, score=1), replace(alert, events=()), replace(alert, reasons=[])):
        assert alert_again(other, said) != other


def test_a_band_that_the_score_lets_stand_is_the_one_that_was_said() -> None:
    decided = run(Row(10, loiter(220), kind=GRID))
    said, values = decided.scores[0], np.frombuffer(decided.values[0], "<i4")
    between = values.copy()
    between[COLUMN["loiter_s"]] = 160
    bands = {score_again(replace(said, band=band), between, BUNDLE).band for band in ("low", "elevated", "high")}
    assert bands == {"low", "elevated"}
