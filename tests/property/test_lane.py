"""A lane: however its messages are cut into steps, what it publishes is what the embedded run writes."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

from features.events import Event, Purchase
from features.keypoints import PersonFrames
from features.site import Site
from models.bundle import default_bundle
from models.drift import Drift, default_reference, final_values
from models.scenarios.generate import Scenario, generate
from streams.audit.run_log import RunLog
from streams.audit.visit_keys import KEY_BYTES
from streams.contracts.cloudevents import alert_of
from streams.embedded import ALERTS, SCORES, Outputs, Run
from streams.kafka.lane import Lane
from streams.kafka.pose_messages import encode_poses
from streams.kafka.runner import Done
from streams.kafka.service import Watcher
from streams.kafka.setup import Setup
from streams.kafka.step import Outgoing
from streams.kafka.taken import Message, Reader
from streams.kafka.topics import ALERTS as ALERT_TOPIC
from streams.kafka.topics import JOURNAL as JOURNAL_TOPIC
from streams.kafka.topics import POSES, PURCHASES, VISIT_KEYS, Topic
from streams.kafka.topics import SCORES as SCORE_TOPIC
from streams.live.mirror import Mirror
from streams.operations.metrics import Metrics
from streams.settings import Live
from streams.sources import Timed, merge
from tests.journals import flat_of, rows_of, sent_entries

AHEAD_MS = 60_000
SECRET = bytes(KEY_BYTES)
Arrivals = list[Message]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return generate(11, 14)


@pytest.fixture(scope="module")
def arrivals(scenario: Scenario) -> Arrivals:
    """Each frame as a message and each purchase before the first frame after it, in the order of their times."""
    frames, reader, offsets = scenario.frames, Reader(), dict[Topic, int]()
    items: list[tuple[int, PersonFrames | Event]] = [(each.time_ms, each) for each in scenario.purchases]
    keys = frames.time_ms * 100 + frames.camera
    cuts = [0, *(int(at) + 1 for at in (keys[1:] != keys[:-1]).nonzero()[0]), len(frames)]
    items += [(int(frames.time_ms[start]), frames.take(slice(start, end))) for start, end in pairwise(cuts)]
    arrived = Arrivals()
    for time_ms, item in sorted(items, key=lambda pair: (pair[0], isinstance(pair[1], PersonFrames))):
        topic = POSES if isinstance(item, PersonFrames) else PURCHASES
        value = _encoded(item, scenario.site)
        offset = offsets[topic] = offsets.get(topic, -1) + 1
        arrived.append(Message(topic, 0, offset, time_ms, None, value, (), reader.read(topic, value)))
    return arrived


def _encoded(item: PersonFrames | Event, site: Site) -> bytes:
    if isinstance(item, PersonFrames):
        return encode_poses(item, site.cameras[int(item.camera[0])].name)
    return msgspec.json.encode(item)


def lane_of(site: Site) -> Lane:
    return Lane.begin(0, Setup(site, default_bundle(), 1, AHEAD_MS), SECRET)


def steps_of(arrivals: Arrivals, random: Random) -> list[dict[Topic, Arrivals]]:
    """Consecutive messages, by topic; now and then a purchase overtakes the poses before it."""
    steps, at = [], 0
    while at < len(arrivals):
        end = at + random.choice([1, 3, 20, 200, 2_000])
        part = arrivals[at:end]
        steps.append({topic: [each for each in part if each.topic is topic] for topic in (POSES, PURCHASES)})
        at = end
    return steps


def by_topic(outgoing: list[Outgoing], topic: Topic) -> list[bytes]:
    return [one.value for one in outgoing if one.topic is topic and one.value is not None]


def embedded(scenario: Scenario, folder: Path) -> Path:
    """What the embedded runner writes of the same, up to the end of the messages."""
    purchases = sorted(scenario.purchases, key=lambda each: each.time_ms)
    with Outputs(folder) as outputs, RunLog(folder, scenario.site, default_bundle()) as log:
        run = Run(scenario.site, default_bundle(), outputs, log)
        paid: Iterator[Timed] = ((each.time_ms, each) for each in purchases)
        seen: Iterator[Timed] = iter([(int(scenario.frames.time_ms[0]), scenario.frames)])
        for item in merge([paid, seen]):
            run.take(item)
        log.finish()
    return folder


def journal_of(outgoing: list[Outgoing], site: Site) -> list[bytes]:
    """The rows of its journal, whatever they were sealed with."""
    cameras = [camera.name for camera in site.cameras]
    return flat_of(sent_entries(by_topic(outgoing, JOURNAL_TOPIC), by_topic(outgoing, VISIT_KEYS), cameras))


@pytest.mark.parametrize("seed", range(4))
def test_steps_make_no_difference(scenario: Scenario, arrivals: Arrivals, tmp_path: Path, seed: int) -> None:
    lane, outgoing = lane_of(scenario.site), list[Outgoing]()
    for step in steps_of(arrivals, Random(seed)):
        outgoing += lane.step(step).outgoing
    run = embedded(scenario, tmp_path / "run")
    assert by_topic(outgoing, SCORE_TOPIC) == (run / SCORES).read_bytes().splitlines()
    alerts = [msgspec.json.encode(alert_of(value)) for value in by_topic(outgoing, ALERT_TOPIC)]
    assert alerts == (run / ALERTS).read_bytes().splitlines()
    assert journal_of(outgoing, scenario.site) == rows_of(run, [camera.name for camera in scenario.site.cameras])
    assert lane.ends[POSES.name] == sum(each.topic is POSES for each in arrivals)
    assert any(isinstance(each.content, Purchase) for each in arrivals)
    assert by_topic(outgoing, SCORE_TOPIC)
    assert alerts


def test_a_step_taken_again_gives_the_same_bytes(scenario: Scenario, arrivals: Arrivals) -> None:
    random = Random(5)
    steps = steps_of(arrivals, random)
    lane = lane_of(scenario.site)
    published, kept = list[list[Outgoing]](), (0, b"")
    for number, step in enumerate(steps):
        if random.random() < 0.1:
            kept = number, lane.dump()
        published.append(lane.step(step).outgoing)
    number, snapshot = kept
    assert number > 0
    again = lane_of(scenario.site)
    again.restore(snapshot)
    assert [again.step(step).outgoing for step in steps[number:]] == published[number:]


def test_persons_who_leave_are_compared_with_what_is_usual(
    scenario: Scenario, arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.service.LEAST_PERSONS", 4)
    monkeypatch.setattr("streams.kafka.service.TOLD_EVERY_PERSONS", 1)
    lane, metrics, drift = lane_of(scenario.site), Metrics(), Drift(default_reference(), default_bundle())
    watcher = Watcher(metrics, Mirror(Live(), lane.areas, None), scenario.site, drift)
    scores, values = [], []
    for taken in steps_of(arrivals, Random(3)):
        step = lane.step(taken)
        watcher.done(Done(lane, step, {}, {}, again=True, compute_s=0.0, publish_s=0.0))
        scores += step.scores
        values += step.values
    left = final_values(scores, values)
    again = Drift(default_reference(), default_bundle())
    again.take(np.frombuffer(b"".join(left), "<i4").reshape(len(left), -1))
    assert len(values) == len(scores)
    assert drift.persons == again.persons == len(left) > 4
    assert drift.shifts() == again.shifts()
    told = {shift.feature: shift.psi for shift in drift.shifts()}
    exposed = {
        sample.labels["feature"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "vigil_drift_psi"
    }
    assert exposed == told
