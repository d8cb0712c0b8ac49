"""A bundle on trial: what is published stays as it is, and the bundle says what it would say on its own."""

from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from features.basket import Corpus
from features.closing import Layout
from features.site import Alerting
from models.bundle import AbstainRule, Band, Bundle, default_bundle, dump, seal
from models.decision import DecisionState
from models.records import Score
from models.scenarios.generate import Scenario, generate
from streams.embedded import ALERTS, SCORES, SHADOW_SCORES
from streams.jobs import record_scenario, run_recording
from streams.kafka.lane import Lane
from streams.kafka.step import Outgoing
from streams.kafka.topics import SCORES as SCORE_TOPIC
from streams.kafka.topics import SHADOW_SCORES as SHADOW_TOPIC
from streams.pipeline import Scoring
from streams.runs import RunFolderError, load_shadow, open_run
from streams.snapshots import dump_state
from tests.journals import rows_of
from tests.property import test_lane
from tests.property.test_lane import SECRET, Arrivals, by_topic, steps_of
from tests.property.test_renewal import another_threshold, cut_of, restored, saved, setup_of, taken
from tests.property.worlds import arrival, play, world

scenario, arrivals = test_lane.scenario, test_lane.arrivals

LIVE = default_bundle()
BANDS = (Band("low", 0, 0), Band("elevated", 20, 10), Band("high", 40, 30))
SHADOW = seal(replace(LIVE, bands=BANDS, abstain=AbstainRule(observed_s=9)))
OTHER = seal(replace(LIVE, abstain=AbstainRule(observed_s=3)))
SEEDS = st.integers(0, 2**32)
every_seed = pytest.mark.parametrize("seed", range(3))


def lane(scenario: Scenario, bundle: Bundle = LIVE, shadow: Bundle | None = None) -> Lane:
    return Lane.begin(0, setup_of(scenario.site, bundle, shadow), SECRET)


def without_shadow(outgoing: list[Outgoing]) -> list[Outgoing]:
    return [one for one in outgoing if one.topic is not SHADOW_TOPIC]


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_decisions_are_those_of_each_bundle_alone(seed: int) -> None:
    small = world(seed)
    site = replace(small.site, alerting=Alerting(Random(seed).choice([1, 4, 100]), 20))
    layout = Layout.of(site)
    both = Scoring.start(site, LIVE, layout, SHADOW)
    alone, trial = Scoring.start(site, LIVE, layout), Scoring.start(site, SHADOW, layout)
    for entry in play(site, arrival(small, seed)).entries:
        assert both.take(entry) == alone.take(entry)
        assert both.shadow
        assert both.shadow.tell() == trial.take(entry)[:2]
    assert both.decisions == alone.decisions
    assert both.shadow_decisions == trial.decisions


@every_seed
def test_what_a_lane_publishes_stays_as_it_is(scenario: Scenario, arrivals: Arrivals, seed: int) -> None:
    """However the messages are cut into steps, and although the state is written and read on the way."""
    random, both, found = Random(seed), lane(scenario, shadow=SHADOW), list[Outgoing]()
    alone, published, alerts = lane(scenario), list[Outgoing](), 0
    for step in steps_of(arrivals, random):
        both = restored(both) if random.random() < 0.1 else both
        done = both.step(step)
        found += done.outgoing
        alerts += len(done.shadow_alerts)
        single = alone.step(step)
        published += single.outgoing
        assert (done.scores, done.alerts) == (single.scores, single.alerts)  # of which metrics and live view are made
    assert without_shadow(found) == published
    trial = lane(scenario, SHADOW)
    expected = taken(trial, arrivals, seed)
    assert by_topic(found, SHADOW_TOPIC) == by_topic(expected, SCORE_TOPIC) != by_topic(published, SCORE_TOPIC)
    assert alerts > len([one for one in published if one.topic.name == "alerts"])


@every_seed
def test_steps_taken_again_give_the_same_bytes(scenario: Scenario, arrivals: Arrivals, seed: int) -> None:
    at, first = cut_of(arrivals, seed), lane(scenario, shadow=SHADOW)
    taken(first, arrivals[:at], seed)
    again = restored(first)
    assert saved(again) == saved(first)
    outgoing = taken(first, arrivals[at:], seed)
    assert by_topic(outgoing, SHADOW_TOPIC)
    assert taken(again, arrivals[at:], seed) == outgoing


@every_seed
@pytest.mark.parametrize(("before", "after"), [(None, SHADOW), (SHADOW, OTHER), (SHADOW, None), (SHADOW, SHADOW)])
def test_another_bundle_on_trial(
    scenario: Scenario, arrivals: Arrivals, before: Bundle | None, after: Bundle | None, seed: int
) -> None:
    at, changed = cut_of(arrivals, seed), lane(scenario, shadow=before)
    outgoing = taken(changed, arrivals[:at], seed)
    changed = restored(changed)
    renewed = changed.renew(setup_of(scenario.site, LIVE, after))
    assert renewed.outgoing == []
    assert changed.setup == setup_of(scenario.site, LIVE, after)
    later = taken(restored(changed), arrivals[at:], seed)
    alone = lane(scenario)
    assert without_shadow(outgoing) == taken(alone, arrivals[:at], seed)
    assert [one.value for one in without_shadow(later)] == [one.value for one in taken(alone, arrivals[at:], seed)]
    assert bundles(outgoing) == {before.digest if before else None} - {None}
    assert bundles(later) == {after.digest if after else None} - {None}
    if before is after:
        assert by_topic(outgoing + later, SHADOW_TOPIC) == by_topic(
            taken(lane(scenario, SHADOW), arrivals, 0), SCORE_TOPIC
        )


def bundles(outgoing: list[Outgoing]) -> set[str]:
    return {msgspec.json.decode(value, type=Score).bundle for value in by_topic(outgoing, SHADOW_TOPIC)}


def dumped(lane: Lane) -> bytes:
    """What the steps remember, the audit log left out."""
    scoring = lane.pipeline.scoring
    return dump_state(lane.pipeline.camera, scoring.persons, scoring.decisions, scoring.shadow_decisions)


def test_a_bundle_stays_on_trial_while_the_other_one_changes(scenario: Scenario, arrivals: Arrivals) -> None:
    at, both = cut_of(arrivals, 1), lane(scenario, shadow=SHADOW)
    outgoing = taken(both, arrivals[:at], 1)
    known = dumped(both)
    both.renew(setup_of(scenario.site, OTHER, SHADOW))
    assert both.pipeline.scoring.shadow_decisions != DecisionState()
    assert dumped(both) == known
    outgoing += taken(both, arrivals[at:], 1)
    assert by_topic(outgoing, SHADOW_TOPIC) == by_topic(taken(lane(scenario, SHADOW), arrivals, 0), SCORE_TOPIC)


def test_another_site_ends_what_the_bundle_on_trial_followed(scenario: Scenario, arrivals: Arrivals) -> None:
    at, both, trial = cut_of(arrivals, 2), lane(scenario, shadow=SHADOW), lane(scenario, SHADOW)
    site = another_threshold(scenario.site)
    found, expected = (
        taken(one, arrivals[:at], 2) + one.renew(setup).outgoing + taken(one, arrivals[at:], 2)
        for one, setup in ((both, setup_of(site, LIVE, SHADOW)), (trial, setup_of(site, SHADOW)))
    )
    assert by_topic(found, SHADOW_TOPIC) == by_topic(expected, SCORE_TOPIC)


def test_a_run_with_a_bundle_on_trial(tmp_path: Path) -> None:
    recorded = generate(6, 12)
    record_scenario(recorded, tmp_path / "recording")
    made = {}
    for name, bundle, shadow in (("alone", LIVE, None), ("both", LIVE, SHADOW), ("trial", SHADOW, None)):
        arguments = (tmp_path / "recording", recorded.site, bundle, tmp_path / name, lambda _: None, shadow)
        made[name] = run_recording(*arguments)
    cameras = [camera.name for camera in recorded.site.cameras]
    assert rows_of(tmp_path / "both", cameras) == rows_of(tmp_path / "alone", cameras)
    for name in (SCORES, ALERTS):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name
    assert (tmp_path / "both" / SHADOW_SCORES).read_bytes() == (tmp_path / "trial" / SCORES).read_bytes()
    told = made["both"].shadow_scores, made["both"].shadow_alerts
    assert told == (made["trial"].scores, made["trial"].alerts)
    assert made["trial"].alerts > made["alone"].alerts
    assert replace(made["both"], shadow_scores=0, shadow_alerts=0) == made["alone"]
    assert open_run(tmp_path / "both").shadow == SHADOW
    assert open_run(tmp_path / "alone").shadow is None


def test_a_later_run_leaves_nothing_of_a_bundle_on_trial(tmp_path: Path) -> None:
    recorded = generate(6, 3)
    record_scenario(recorded, tmp_path / "recording")
    for shadow in (SHADOW, None):
        run_recording(tmp_path / "recording", recorded.site, LIVE, tmp_path / "run", lambda _: None, shadow)
    assert not list((tmp_path / "run").glob("shadow*"))


def test_another_corpus_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shadow.json"
    path.write_bytes(dump(seal(replace(LIVE, corpus=Corpus({"rope": 1}, 7)))))
    with pytest.raises(RunFolderError, match=r"shadow.json: \$.corpus: expected that of the bundle that counts"):
        load_shadow(path, LIVE)
    path.write_bytes(dump(SHADOW))
    assert load_shadow(path, LIVE) == SHADOW
