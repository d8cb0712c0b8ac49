"""Where in the topics persons can be read of without a key."""

from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np

from features.events import Rejection, parse_event
from streams.erasing.files import Traces, is_late_of
from streams.kafka.interruption import never
from streams.kafka.messages import WHY
from streams.kafka.pose_messages import PoseReader, Poses
from streams.kafka.record import Arrived, Follower
from streams.kafka.topics import ALERTS, DEAD_LETTERS, LATE, POSES, READABLE, SCORES, SHADOW_SCORES
from streams.settings import Kafka

Places = dict[int, dict[str, int]]  # by partition and topic, the offset after the last message that is of a person


def mentions(kafka: Kafka, traces: Mapping[int, Traces], progress: Callable[[int], None]) -> Places:
    """The offset after the last message that tells of any of the persons of a partition.

    Raises:
        KafkaError: the broker cannot be reached or refuses.
    """
    found, reader = Places(), PoseReader()
    with closing(Follower(kafka, READABLE)) as follower:
        for many in follower.arriving(0, never):
            for one in many:
                if one.partition in traces and is_told(one, traces[one.partition], reader):
                    found.setdefault(one.partition, {})[one.topic.name] = one.offset + 1
            progress(len(many))
    return found


def is_told(one: Arrived, traces: Traces, reader: PoseReader) -> bool:
    """Whether a message tells of the person."""
    value = one.value or b""
    if one.topic in {SCORES, ALERTS, SHADOW_SCORES}:
        return (one.key or b"").decode("utf-8", "replace") in traces.names
    if one.topic is LATE:
        return any(is_late_of(line, traces) for line in value.splitlines())
    if one.topic is DEAD_LETTERS:
        return traces.within(dict(one.headers).get(WHY, b"")) or _is_content_of(value, traces, reader)
    if one.topic is POSES:
        return _are_poses_of(value, traces, reader)
    return _is_content_of(value, traces, reader)


def _is_content_of(value: bytes, traces: Traces, reader: PoseReader) -> bool:
    if value[:1] != b"{":
        return _are_poses_of(value, traces, reader)
    try:
        return traces.tell(parse_event(value))
    except Rejection:
        return traces.within(value)


def _are_poses_of(value: bytes, traces: Traces, reader: PoseReader) -> bool:
    try:
        poses = reader.read(value)
    except Rejection:
        return False
    own = (one for one in traces.trackers.items() if one[0][0] == poses.camera)
    return any(_is_in(poses, tracker, spans) for (_, tracker), spans in own)


def _is_in(poses: Poses, tracker: int, spans: list[tuple[int, int]]) -> bool:
    time_ms = poses.time_ms[poses.track == tracker]
    return any(bool(np.any((time_ms >= first_ms) & (time_ms < last_ms))) for first_ms, last_ms in spans)
