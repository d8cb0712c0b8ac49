"""A lane: all that arrives in one partition, through the steps, to what is published of it.

The same messages in the same steps always give the same bytes, so a step that was taken before a crash is taken again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np

from features.camera import CameraStep
from features.events import Rejection
from features.keypoints import NO_TRACK, Bools, Int64s, PersonFrames
from streams.audit.records import Kind
from streams.audit.rows import Row
from streams.codecs.arrays import SnapshotError
from streams.codecs.journal import encode_rows
from streams.contracts.cloudevents import cloud_event
from streams.kafka import messages
from streams.kafka.areas import Areas
from streams.kafka.erasure import Erasure, digest
from streams.kafka.lane_seal import LEAF, LaneSeal, encode_key
from streams.kafka.pose_messages import Poses, person_frames
from streams.kafka.renewal import begun_anew, rescored, tracks_ended
from streams.kafka.setup import Setup
from streams.kafka.step import FromCamera, Outgoing, Step
from streams.kafka.taken import Message, erasure_of, fact_of, letter_of, poses_of, source_of
from streams.kafka.topics import (
    ALERTS,
    AUDIT,
    ERASURES,
    FACTS,
    INPUTS,
    JOURNAL,
    LATE,
    POSES,
    SCORES,
    SHADOW_SCORES,
    VISIT_KEYS,
    Topic,
)
from streams.pipeline import Pipeline, late_records
from streams.snapshots import dump_state, load_state
from streams.sources import DeadLetter, Item, dead_row, merge, sound_rows

JOURNAL_ROWS_MAX = 4_096  # of one message
LEAVES_MAX = 1_024  # of one message
KEYS_LEAST = 100  # fewer are not worth looking through
_encode = msgspec.msgpack.Encoder().encode
_state = msgspec.msgpack.Decoder(tuple[bytes, bytes])


@dataclass(slots=True)
class Lane:
    """One partition's state.

    Attributes:
        ends: by topic, the offset after the last message taken in.
        steps: how many were taken.
        ahead_ms: how far an event's time may lie after the time its message was written.
    """

    partition: int
    areas: Areas
    pipeline: Pipeline
    ahead_ms: int
    seal: LaneSeal
    ends: dict[str, int] = field(default_factory=lambda: {topic.name: 0 for topic in INPUTS})
    steps: int = 0
    cameras: list[str] = field(init=False)
    places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._name_cameras()

    @classmethod
    def begin(cls, partition: int, setup: Setup, secret: bytes) -> Self:
        """Nothing taken in yet; the secret, 32 bytes, is where the keys of visits come from."""
        pipeline = Pipeline.start(setup.site, setup.bundle, setup.shadow, setup.normality)
        return cls(partition, setup.areas, pipeline, setup.ahead_ms, LaneSeal.begin(secret))

    def dump(self) -> bytes:
        """The state, without how far it reaches."""
        scoring = self.pipeline.scoring
        steps = dump_state(self.pipeline.camera, scoring.persons, scoring.decisions, scoring.shadow_decisions)
        return _encode((steps, self.seal.dump()))

    def restore(self, state: bytes) -> None:
        """Take over a state; the setup is the one it was dumped with.

        Raises:
            SnapshotError: it is none, or of another setup.
        """
        try:
            steps, seal = _state.decode(state)
            self.seal = LaneSeal.load(seal)
        except msgspec.DecodeError as why:
            raise SnapshotError("state", "that of the steps and that of the seal", why) from None
        scoring = self.pipeline.scoring
        loaded = load_state(steps, scoring.site, scoring.bundle.corpus)
        self.pipeline.camera, scoring.persons, scoring.decisions, scoring.shadow_decisions = loaded

    @property
    def setup(self) -> Setup:
        """What the steps depend on besides the messages."""
        scoring = self.pipeline.scoring
        shadow = scoring.shadow.bundle if scoring.shadow else None
        settings = self.areas.partitions, self.ahead_ms
        return Setup(scoring.site, scoring.bundle, *settings, shadow, self.pipeline.normality)

    def _name_cameras(self) -> None:
        self.cameras = [camera.name for camera in self.pipeline.layout.site.cameras]
        self.places = {name: place for place, name in enumerate(self.cameras)}

    @property
    def latest_ms(self) -> int:
        """The latest event time taken in."""
        return self.pipeline.camera.now_ms

    def step(self, taken: Mapping[Topic, Sequence[Message]]) -> Step:
        """Take in messages that follow those taken before, merged by event time."""
        step = Step()
        for item in merge(self._sources(taken, step)):
            self._take(item, step)
        if not self.seal.tree.size:
            step.leaves.insert(0, self.seal.begun(self.setup))
        self._bury(step)
        self._publish(step)
        self._forget_keys()
        for topic, ones in taken.items():
            if ones:
                self.ends[topic.name] = ones[-1].offset + 1
        self.steps += 1
        return step

    def renew(self, setup: Setup) -> Step:
        """A step without messages: go on under another setup.

        Another bundle scores what comes from now on, and so does another one on trial. Another site begins anew, after
        everything open was closed and scored as it was under the site before.
        """
        step, before = Step(), self.setup
        if setup.digest == before.digest:
            return step
        if setup.site_digest != before.site_digest:
            self._end_all(step)
            self.pipeline = begun_anew(self.pipeline, setup)
            self._name_cameras()
        else:
            rescored(self.pipeline, setup)
        self.areas, self.ahead_ms = setup.areas, setup.ahead_ms
        if setup.sealed != before.sealed:
            step.leaves = [self.seal.begun(setup)]
            step.outgoing += self._sealed(step)
        self.steps += 1
        return step

    def _end_all(self, step: Step) -> None:
        finished = self.pipeline.finish()
        self._follow(finished, step)
        self._publish(step)
        step.ended = tracks_ended(finished.entries)

    def _sources(self, taken: Mapping[Topic, Sequence[Message]], step: Step) -> list[Iterator[tuple[int, Item]]]:
        for message in taken.get(ERASURES, ()):
            self._ask(message, step)
        facts = [self._facts(taken.get(topic, ()), step) for topic in FACTS if topic is not ERASURES]
        frames = self._frames(taken.get(POSES, ()), step)
        poses = [(int(frames.time_ms[0]), frames)] if frames is not None and len(frames) else []
        return [*map(iter, facts), iter(poses)]

    def _facts(self, taken: Sequence[Message], step: Step) -> list[tuple[int, Item]]:
        facts = list[tuple[int, Item]]()
        for message in taken:
            try:
                fact = fact_of(message)
                self.areas.check_partition(self.areas.of_fact(fact), self.partition)
                _check_ahead(fact.time_ms, message.written_ms + self.ahead_ms)
            except Rejection as why:
                step.refuse(message, letter_of(message, why))
            else:
                facts.append((fact.time_ms, fact))
                step.facts.append(fact)
        return facts

    def _ask(self, message: Message, step: Step) -> None:
        """Take in that visits are to be erased."""
        try:
            erasure = erasure_of(message)
            _check_partition(erasure.partition, self.partition)
        except Rejection as why:
            step.refuse(message, letter_of(message, why))
        else:
            self.seal.asked.append(erasure)

    def _bury(self, step: Step) -> None:
        """Erase the visits that are to be, once nothing more can come of any of them."""
        persons = self.pipeline.scoring.persons
        for erasure in self.seal.due(persons.slots.keys() | persons.ended.keys()):
            step.leaves.append(self.seal.bury(erasure))
            step.erased.append(erasure)
            self._forget(erasure)

    def _forget(self, erasure: Erasure) -> None:
        scoring = self.pipeline.scoring
        shadow = [scoring.shadow.decisions] if scoring.shadow else []
        for decisions in (scoring.decisions, *shadow):
            for name in list(filter(erasure.is_of, decisions.courses)):
                decisions.forget(name)
        memory = scoring.persons.identities.memory
        memory.baskets = {one: kept for one, kept in memory.baskets.items() if digest(one) not in erasure.customers}

    def _frames(self, taken: Sequence[Message], step: Step) -> PersonFrames | None:
        read = [pair for message in taken if (pair := self._read(message, step))]
        if not read:
            return None
        frames = person_frames([poses for _, poses in read], [self.places[poses.camera] for _, poses in read])
        self._note_cameras(frames, step)
        latest_ms = np.repeat([message.written_ms + self.ahead_ms for message, _ in read], _counts(read))
        sound = sound_rows(frames) & (frames.time_ms <= latest_ms)
        if sound.all():
            return frames
        self._refuse_rows(read, frames, sound, latest_ms, step)
        return frames.take(sound)

    def _read(self, message: Message, step: Step) -> tuple[Message, Poses] | None:
        try:
            poses = poses_of(message)
            self.areas.check_partition(self.areas.of_poses(poses.camera), self.partition)
        except Rejection as why:
            step.refuse(message, letter_of(message, why))
            return None
        return message, poses

    def _refuse_rows(
        self, read: list[tuple[Message, Poses]], frames: PersonFrames, sound: Bools, latest_ms: Int64s, step: Step
    ) -> None:
        """One dead letter for each message with rows that cannot be used."""
        ends = np.cumsum(_counts(read))
        bad = np.flatnonzero(~sound)
        for at in np.unique(np.searchsorted(ends, bad, "right")).tolist():
            message, start = read[at][0], int(ends[at]) - len(read[at][1].time_ms)
            rows = bad[(bad >= start) & (bad < ends[at])]
            first, persons = int(rows[0]), int((frames.track[rows] != NO_TRACK).sum())
            try:
                _check_ahead(int(frames.time_ms[first]), int(latest_ms[first]))
                letter = dead_row(source_of(message), first - start + 1, frames, first, read[at][1].camera)
            except Rejection as why:
                letter = DeadLetter(source_of(message), first - start + 1, why.field, why.expected, why.got)
            step.cameras[read[at][1].camera].refused += persons
            step.refuse(message, msgspec.structs.replace(letter, person_frames=persons))

    def _note_cameras(self, frames: PersonFrames, step: Step) -> None:
        latest_ms = np.zeros(len(self.cameras), np.int64)
        np.maximum.at(latest_ms, frames.camera, frames.time_ms)
        persons = np.bincount(frames.camera, frames.track != NO_TRACK, len(latest_ms)).astype(np.int64)
        for place in np.unique(frames.camera).tolist():
            step.cameras[self.cameras[place]] = FromCamera(int(latest_ms[place]), int(persons[place]))

    def _take(self, item: Item, step: Step) -> None:
        if isinstance(item, DeadLetter):
            raise TypeError("a lane's sources hold no dead letters")
        self._follow(self.pipeline.take(item), step)

    def _follow(self, taken: CameraStep, step: Step) -> None:
        for entry in taken.entries:
            kept = self.seal.sealing.keep(entry)
            said = self.pipeline.scoring.take(entry)
            step.rows += kept.rows
            step.leaves += self.seal.sealing.take(kept, said)
            step.scores += said.scores
            step.values += said.values
            step.alerts += said.alerts
        if self.pipeline.scoring.shadow:
            scores, alerts = self.pipeline.scoring.shadow.tell()
            step.shadow_scores += scores
            step.shadow_alerts += alerts
        self._set_aside(taken, step)

    def _set_aside(self, taken: CameraStep, step: Step) -> None:
        step.late_records += late_records(taken, self.cameras)
        _count(step.late, "facts", len(taken.late_facts))
        _count(step.late, "person_frames", sum(map(len, taken.late)))
        for frames in taken.late:
            for place, count in zip(*np.unique(frames.camera, return_counts=True), strict=True):
                step.cameras[self.cameras[place]].late += int(count)
        _count(step.repeated, "person_frames", taken.repeated)
        _count(step.repeated, "facts", len(taken.repeated_facts))

    def _publish(self, step: Step) -> None:
        arrow, json = [(messages.CONTENT_TYPE, messages.ARROW)], [(messages.CONTENT_TYPE, messages.JSON)]
        event = [(messages.CONTENT_TYPE, messages.CLOUD_EVENT)]
        lines = [(messages.CONTENT_TYPE, messages.JSON_LINES), (messages.STEP, str(self.steps).encode())]
        site = self.pipeline.layout.site.name
        for rows in _parts(step.rows):
            step.outgoing.append(Outgoing(JOURNAL, self._key, encode_rows(rows), arrow))
        encode = msgspec.json.Encoder().encode
        scored, alerted = (self.seal.places(step.leaves, kind) for kind in (Kind.SCORE, Kind.ALERT))
        step.outgoing += self._sealed(step)
        step.outgoing += [
            Outgoing(SCORES, one.person.encode(), encode(one), [*json, (LEAF, str(at).encode())])
            for at, one in zip(scored, step.scores, strict=True)
        ]
        step.outgoing += [Outgoing(SHADOW_SCORES, one.person.encode(), encode(one), json) for one in step.shadow_scores]
        step.outgoing += [
            Outgoing(ALERTS, one.person.encode(), cloud_event(one, site), [*event, (LEAF, str(at).encode())])
            for at, one in zip(alerted, step.alerts, strict=True)
        ]
        if step.late_records:
            late = b"".join(encode(record) + b"\n" for record in step.late_records)
            step.outgoing.append(Outgoing(LATE, self._key, late, lines))

    def _sealed(self, step: Step) -> Iterator[Outgoing]:
        """New keys, and the leaves that are sealed with them."""
        kind = [(messages.CONTENT_TYPE, messages.BYTES)]
        for visit in (visit for erasure in step.erased for visit in erasure.visits):
            yield Outgoing(VISIT_KEYS, visit.encode(), None, [])
        for key in self.seal.sealing.keys.told():
            yield Outgoing(VISIT_KEYS, key.id.hex().encode(), encode_key(key), kind)
        for start in range(0, len(step.leaves), LEAVES_MAX):
            value, headers = self.seal.append(step.leaves[start : start + LEAVES_MAX])
            yield Outgoing(AUDIT, self._key, value, [*kind, *headers])

    def _forget_keys(self) -> None:
        persons, held = self.pipeline.scoring.persons, self.seal.sealing.keys.held
        if len(held) > 2 * (len(persons.slots) + len(persons.ended)) + KEYS_LEAST:
            self.seal.sealing.forget(persons.slots.keys() | persons.ended.keys())

    @property
    def _key(self) -> bytes:
        return str(self.partition).encode()


def _check_partition(named: int, partition: int) -> None:
    if named != partition:
        raise Rejection("$.partition", f"that of the message, {partition}", str(named))


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in order, as many to a message as it may hold; those of one position stay together."""
    start = 0
    while start < len(rows):
        end = min(start + JOURNAL_ROWS_MAX, len(rows))
        while end < len(rows) and rows[end].position == rows[end - 1].position:
            end += 1
        yield rows[start:end]
        start = end


def _counts(read: list[tuple[Message, Poses]]) -> list[int]:
    return [len(poses.time_ms) for _, poses in read]


def _count(counts: dict[str, int], kind: str, number: int) -> None:
    if number:
        counts[kind] = counts.get(kind, 0) + number


def _check_ahead(time_ms: int, latest_ms: int) -> None:
    if time_ms > latest_ms:
        raise Rejection("time_ms", f"at most {latest_ms}, soon after it was written", str(time_ms))
