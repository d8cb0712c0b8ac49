"""The messages that play a recording: frames of each camera together, facts alone, in the order of their sending.

Everything here goes by event time, so the same items always give the same messages.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from features.events import Disposition, IdentityChange, Purchase, Rejection
from features.keypoints import NO_TRACK, Int64s, PersonFrames
from streams.kafka.areas import Areas, partition_of
from streams.kafka.messages import ARROW, CONTENT_TYPE, JSON
from streams.kafka.pose_encoder import PoseEncoder
from streams.kafka.topics import DISPOSITIONS, IDENTITIES, POSES, PURCHASES, Topic
from streams.settings import Produce
from streams.sources import DeadLetter, Fact, Item

TOPIC_OF: dict[type, Topic] = {Purchase: PURCHASES, IdentityChange: IDENTITIES, Disposition: DISPOSITIONS}
_ARROW, _JSON = [(CONTENT_TYPE, ARROW)], [(CONTENT_TYPE, JSON)]
NOTHING_YET = -1


class Outgoing(NamedTuple):
    """A message to be sent.

    Attributes:
        key: the area, UTF-8.
        time_ms: the event time at which it is sent when a recording is played as fast as it was recorded.
        person_frames: in it.
    """

    topic: Topic
    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    time_ms: int
    person_frames: int = 0


class Held(NamedTuple):
    """Frames of one camera that wait for their message to fill, and the event time at which each row arrived."""

    frames: PersonFrames
    arrived_ms: Int64s


class _Cut(NamedTuple):
    """A message to be: what it is sorted by, where it comes from, and its rows there."""

    row: int
    time_ms: int
    camera: int
    start: int
    stop: int


def messages(
    items: Iterable[Item], areas: Areas, produce: Produce, refuse: Callable[[DeadLetter], None] = lambda _: None
) -> Iterator[Outgoing]:
    """The messages of items in their order; `refuse` is told what cannot be sent.

    Frames of a camera gather until there are `produce.frames_per_message` of them or the first has waited for
    `produce.wait_ms`; all persons of a frame are in one message. A fact comes before every message with a later frame.
    """
    batching = _Batching(areas, produce)
    for item in items:
        if isinstance(item, DeadLetter):
            refuse(item)
        elif isinstance(item, PersonFrames):
            yield from batching.frames(item)
        else:
            try:
                yield from batching.fact(item)
            except Rejection as why:
                text = msgspec.json.encode(item).decode()
                refuse(DeadLetter(TOPIC_OF[type(item)].name, 1, why.field, why.expected, why.got, text))
    yield from batching.rest()


class _Batching:
    def __init__(self, areas: Areas, produce: Produce) -> None:
        self._areas, self._encoder = areas, PoseEncoder()
        self._cameras = list(areas.of_camera)
        self._frames_max, self._wait_ms = produce.frames_per_message, max(1, produce.wait_ms)
        self._held = dict[int, Held]()
        self._now_ms = 0

    def frames(self, frames: PersonFrames) -> Iterator[Outgoing]:
        if len(frames):
            now_ms = np.maximum(np.maximum.accumulate(frames.time_ms), self._now_ms)
            yield from self._send(frames, now_ms)

    def fact(self, fact: Fact) -> Iterator[Outgoing]:
        area = self._areas.of_fact(fact)
        now_ms = max(self._now_ms, fact.time_ms)
        yield from self._send(PersonFrames.empty(), np.array([now_ms]))
        key, partition = area.encode(), partition_of(area, self._areas.partitions)
        yield Outgoing(TOPIC_OF[type(fact)], partition, key, msgspec.json.encode(fact), _JSON, now_ms)

    def rest(self) -> Iterator[Outgoing]:
        """All that waits, as if the time went on."""
        end_ms = self._now_ms + self._wait_ms
        yield from self._send(PersonFrames.empty(), np.array([end_ms]))

    def _send(self, frames: PersonFrames, now_ms: Int64s) -> Iterator[Outgoing]:
        """What is to be sent while new rows arrive; `now_ms` is ascending, the time at each row."""
        self._now_ms = int(now_ms[-1])
        blocks, cuts = dict[int, PersonFrames](), list[_Cut]()
        for camera in sorted({*self._held, *np.unique(frames.camera).tolist()}):
            blocks[camera] = self._gather(camera, frames, now_ms, cuts)
        encoded = {place: self._encoder.block(rows, self._cameras[place]) for place, rows in blocks.items()}
        persons = {place: np.concatenate([[0], np.cumsum(rows.track != NO_TRACK)]) for place, rows in blocks.items()}
        for cut in sorted(cuts):
            area = self._areas.of_camera[self._cameras[cut.camera]]
            partition = partition_of(area, self._areas.partitions)
            value, counted = encoded[cut.camera].encode(cut.start, cut.stop), persons[cut.camera]
            shown = int(counted[cut.stop] - counted[cut.start])
            yield Outgoing(POSES, partition, area.encode(), value, _ARROW, cut.time_ms, shown)

    def _gather(self, camera: int, frames: PersonFrames, now_ms: Int64s, cuts: list[_Cut]) -> PersonFrames:
        """The rows of a camera, held and new; `cuts` gets its messages, and what fills none is held."""
        rows = np.flatnonzero(frames.camera == camera)
        own, arrived_ms = frames.take(rows), now_ms[rows]
        if (held := self._held.pop(camera, None)) is not None:
            own = PersonFrames.concatenate([held.frames, own])
            arrived_ms = np.concatenate([held.arrived_ms, arrived_ms])
            rows = np.concatenate([np.full(len(held.frames), NOTHING_YET), rows])
        stop = 0
        for cut in self._cut(camera, own.time_ms, arrived_ms, rows, now_ms):
            cuts.append(cut)
            stop = cut.stop
        if stop < len(own):
            self._held[camera] = Held(own.take(slice(stop, None)), arrived_ms[stop:])
        return own

    def _cut(self, camera: int, time_ms: Int64s, arrived_ms: Int64s, rows: Int64s, now_ms: Int64s) -> Iterator[_Cut]:
        """The messages of a camera, up to the first that is to wait for further rows.

        Args:
            camera: its place.
            time_ms: (own rows,) of frames; rows that follow one another at one time are one frame.
            arrived_ms: (own rows,) when each arrived.
            rows: (own rows,) where each stands among the new rows of all cameras; before them if held.
            now_ms: (new rows,) the time at each new row of all cameras.
        """
        starts = np.concatenate([[0], np.flatnonzero(np.diff(time_ms)) + 1])
        due_ms = arrived_ms[starts] + self._wait_ms
        due_rows = np.searchsorted(now_ms, due_ms).tolist()
        edges, first_rows, due = [*starts.tolist(), len(time_ms)], rows[starts].tolist(), due_ms.tolist()
        at = 0
        while at < len(first_rows):
            end = at + 1
            while end < len(first_rows) and end - at < self._frames_max and first_rows[end] < due_rows[at]:
                end += 1
            row = due_rows[at] if end == len(first_rows) else min(due_rows[at], first_rows[end])
            if row >= len(now_ms):
                return
            yield _Cut(row, min(int(now_ms[row]), due[at]), camera, edges[at], edges[end])
            at = end
