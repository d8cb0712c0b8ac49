"""Examples of every topic's messages: a made-up shop's input, and what a worker makes of it."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
import numpy as np

from features.events import Disposition, IdentityChange, PoseBatch, Purchase
from features.keypoints import NO_TRACK, PERMILLE, QUARTERS, PersonFrames
from features.segments import NO_TIME
from models.bundle import AbstainRule, Bundle, default_bundle, seal
from models.records import Score
from models.scenarios.generate import Scenario, generate
from streams.audit.visit_keys import KEY_BYTES
from streams.codecs.journal import decode_rows
from streams.contracts.cloudevents import alert_of
from streams.kafka.areas import partition_of
from streams.kafka.erasure import Erasure
from streams.kafka.lane import Lane
from streams.kafka.messages import ARROW, CONTENT_TYPE, JSON, Headers
from streams.kafka.pose_messages import Poses, encode_poses
from streams.kafka.setup import Setup
from streams.kafka.step import Outgoing
from streams.kafka.taken import Message, Reader
from streams.kafka.topics import (
    ALERTS,
    AUDIT,
    DEAD_LETTERS,
    DISPOSITIONS,
    ERASURES,
    IDENTITIES,
    INPUTS,
    JOURNAL,
    LATE,
    POSES,
    PURCHASES,
    SCORES,
    SHADOW_SCORES,
    VISIT_KEYS,
    Topic,
)
from streams.settings import Settings

SEED, VISITS = 10, 8  # of the few shops so small in which an alert is raised and taken back
STEP_MS = 2_000
LONG_AFTER_MS = 120_000


class Example(NamedTuple):
    """A message and what it shows."""

    shows: str
    topic: Topic
    key: bytes | None
    value: bytes
    headers: Headers


@cache
def examples() -> tuple[Example, ...]:
    """At least one message of every topic, as it is read or written; the same each time."""
    taken, written = _played(generate(SEED, VISITS))
    return (*_inputs(taken), *_outputs(written))


class _Feed:
    """Messages as they come out of Kafka, in one partition."""

    def __init__(self, scenario: Scenario) -> None:
        self._key = scenario.site.name.encode()
        self._reader = Reader()
        self._offsets = dict.fromkeys(INPUTS, 0)
        self.partition = partition_of(scenario.site.name, Settings().kafka.partitions)

    def message(self, topic: Topic, written_ms: int, value: bytes, content_type: bytes = JSON) -> Message:
        offset, self._offsets[topic] = self._offsets[topic], self._offsets[topic] + 1
        content = self._reader.read(topic, value)
        headers = [(CONTENT_TYPE, content_type)]
        return Message(topic, self.partition, offset, written_ms, self._key, value, headers, content)


def _played(scenario: Scenario) -> tuple[list[Message], list[Outgoing]]:
    """All messages a worker reads of a scenario, and all that it writes."""
    settings, feed = Settings(), _Feed(scenario)
    setup = Setup(scenario.site, default_bundle(), settings.kafka.partitions, settings.worker.ahead_ms, _on_trial())
    lane = Lane.begin(feed.partition, setup, bytes(KEY_BYTES))  # a secret that gives the same examples each time
    read, written = list[Message](), list[Outgoing]()
    for messages in (*_steps(scenario, feed), _afterwards(scenario, feed)):
        read += messages
        written += lane.step({topic: [one for one in messages if one.topic is topic] for topic in INPUTS}).outgoing
    return read, written


def _on_trial() -> Bundle:
    return seal(msgspec.structs.replace(default_bundle(), abstain=AbstainRule(observed_s=8)))


def _steps(scenario: Scenario, feed: _Feed) -> Iterator[list[Message]]:
    """What arrives in each step, in order."""
    events: list[tuple[Topic, Purchase | IdentityChange]] = [(PURCHASES, purchase) for purchase in scenario.purchases]
    events += [(IDENTITIES, change) for change in _merges(scenario)]
    arrivals = [(topic, event.time_ms, msgspec.json.encode(event), JSON) for topic, event in events]
    arrivals += _pose_messages(scenario)
    end_ms, step = int(scenario.frames.time_ms[0]) + STEP_MS, list[Message]()
    for topic, time_ms, value, content_type in sorted(arrivals, key=lambda arrival: arrival[1]):
        while time_ms >= end_ms:
            yield step
            end_ms, step = end_ms + STEP_MS, []
        step.append(feed.message(topic, time_ms, value, content_type))
    yield step


def _pose_messages(scenario: Scenario) -> Iterator[tuple[Topic, int, bytes, bytes]]:
    """(topic, last frame's time, value, content type) of every few frames of each camera; JSON once, else Arrow."""
    frames, few, as_json = scenario.frames, Settings().produce.frames_per_message, True
    for place, camera in enumerate(scenario.site.cameras):
        rows = np.flatnonzero(frames.camera == place)
        _, frame = np.unique(frames.time_ms[rows], return_inverse=True)
        for number in range(int(frame[-1]) // few + 1):
            part = frames.take(rows[frame // few == number])
            if as_json and (part.track != NO_TRACK).all():
                as_json, sent = False, (_as_json(part, camera.name), JSON)
            else:
                sent = encode_poses(part, camera.name), ARROW
            yield POSES, int(part.time_ms[-1]), *sent


def _as_json(frames: PersonFrames, camera: str) -> bytes:
    """Person-frames as a camera without Arrow sends them."""
    batch = []
    for time_ms in np.unique(frames.time_ms).tolist():
        persons = frames.take((frames.time_ms == time_ms) & (frames.track != NO_TRACK))
        batch.append({"time_ms": time_ms, "persons": [_person(persons, row) for row in range(len(persons))]})
    return msgspec.json.encode(msgspec.convert({"type": "poses", "camera": camera, "frames": batch}, PoseBatch))


def _person(frames: PersonFrames, row: int) -> dict[str, object]:
    keypoints = [
        (x / QUARTERS, y / QUARTERS, confidence / PERMILLE)
        for x, y, confidence in zip(
            frames.x[:, row].tolist(), frames.y[:, row].tolist(), frames.confidence[:, row].tolist(), strict=True
        )
    ]
    box = [side / QUARTERS for side in frames.box[:, row].tolist()]
    return {"track": int(frames.track[row]), "box": box, "keypoints": keypoints}


def _merges(scenario: Scenario) -> list[IdentityChange]:
    """What a re-identification system says of the first person whose tracker id changed."""
    visit = next(visit for visit in scenario.truth if len(visit.sightings) > 1)
    before, after = visit.sightings[:2]
    camera = scenario.site.cameras[visit.camera].name
    return [IdentityChange("reid-1", "merge", after.start_ms, camera, after.track, camera, before.track, 0.93)]


def _afterwards(scenario: Scenario, feed: _Feed) -> list[Message]:
    """A verdict, input that is too late, and input that is refused."""
    first, now_ms = scenario.purchases[0], int(scenario.frames.time_ms[-1])
    frame = scenario.frames.take(scenario.frames.track != NO_TRACK).take(slice(1))
    sighting, camera = scenario.truth[0].sightings[0], scenario.site.cameras[scenario.truth[0].camera].name
    verdict = Disposition(
        "verdict-1", now_ms, f"{camera}/{sighting.track}", "agree", "reviewer-3", "waited at the door"
    )
    late = msgspec.structs.replace(first, receipt="r-late", time_ms=now_ms - LONG_AFTER_MS)
    refused = msgspec.json.encode(msgspec.to_builtins(first) | {"receipt": "r-refused", "age": 41})
    place = scenario.site.cameras[int(frame.camera[0])].name
    return [
        feed.message(DISPOSITIONS, now_ms, msgspec.json.encode(verdict)),
        feed.message(ERASURES, now_ms, msgspec.json.encode(_erasure(feed.partition, now_ms))),
        feed.message(POSES, now_ms, encode_poses(frame, place), ARROW),
        feed.message(PURCHASES, now_ms, msgspec.json.encode(late)),
        feed.message(PURCHASES, now_ms, refused),
    ]


def _erasure(partition: int, time_ms: int) -> Erasure:
    visits = [f"{number:032x}" for number in (4_711, 4_712)]
    return Erasure("erasure-1", time_ms, partition, visits, before={"scores": 12, "poses": 3_456})


def _inputs(read: Sequence[Message]) -> Iterator[Example]:
    arrow = [one for one in read if one.topic is POSES and (CONTENT_TYPE, ARROW) in one.headers]
    with_persons = [one for one in arrow if isinstance(one.content, Poses) and one.content.person_frames]
    yield _example("frames of one camera", min(with_persons, key=lambda one: len(one.value)))
    yield _example("frames of one camera as JSON", _first(read, POSES))
    yield _example("a paid basket", _first(read, PURCHASES))
    yield _example("a tracker's new id for somebody it had before", _first(read, IDENTITIES))
    yield _example("a reviewer agreed", _first(read, DISPOSITIONS))
    yield _example("two visits are to be erased", _first(read, ERASURES))


def _first(read: Sequence[Message], topic: Topic) -> Message:
    return next(one for one in read if one.topic is topic and (CONTENT_TYPE, JSON) in one.headers)


def _outputs(written: Sequence[Outgoing]) -> Iterator[Example]:
    yield _example("a second of one track, and a fact, both sealed", _shortest(written, JOURNAL, _segment_and_fact))
    yield _example(
        "a score with its reasons", _shortest(written, SCORES, lambda value: bool(_score(value).counterfactual))
    )
    yield _example("some leaves of a log", _shortest(written, AUDIT, bool))
    yield _example("the key of a visit", _shortest(written, VISIT_KEYS, bool))
    yield _example("an abstention", _shortest(written, SCORES, lambda value: _score(value).abstain is not None))
    yield _example(
        "a score by a bundle on trial",
        _shortest(written, SHADOW_SCORES, lambda value: bool(_score(value).contributions)),
    )
    yield _example("an alert", _shortest(written, ALERTS, lambda value: alert_of(value).withdraws is None))
    yield _example(
        "an alert that is taken back", _shortest(written, ALERTS, lambda value: alert_of(value).withdraws is not None)
    )
    yield _example("a frame that came too late", _shortest(written, LATE, lambda value: b"person_frame" in value))
    yield _example("a purchase that came too late", _shortest(written, LATE, lambda value: b"purchase" in value))
    yield _example("a purchase with a field that is refused", _shortest(written, DEAD_LETTERS, bool))


def _example(shows: str, one: Message | Outgoing) -> Example:
    return Example(shows, one.topic, one.key, one.value or b"", one.headers)


def _shortest(written: Sequence[Outgoing], topic: Topic, wanted: Callable[[bytes], bool]) -> Outgoing:
    of_topic = ((len(one.value), at) for at, one in enumerate(written) if one.topic is topic and one.value)
    return next(written[at] for _, at in sorted(of_topic) if wanted(written[at].value or b""))


def _segment_and_fact(value: bytes) -> bool:
    return len({row.time_ms == NO_TIME for row in decode_rows(value)}) > 1


def _score(value: bytes) -> Score:
    return msgspec.json.decode(value, type=Score)
