"""What cameras send in benchmarks: many cameras over several areas, as pose messages in order of time."""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

import numpy as np

from features.keypoints import NO_TRACK, Bools, Int64s, Ints, PersonFrames
from features.site import Site
from streams.kafka.areas import partition_of
from streams.kafka.pose_encoder import PoseEncoder
from tests.benchmarks.crowd import FPS, START_MS, crowd, crowd_site

AREAS_A_PARTITION = 8
CHUNK_S = 4  # holds whole messages of 1, 2 or 4 frames


class PoseMessage(NamedTuple):
    """A message, the area it goes to, and when its last frame was taken."""

    due_ms: int
    area: str
    person_frames: int
    value: bytes


@dataclass(frozen=True)
class Load:
    """Cameras at `FPS` that are not in step with each other.

    `places` are the persons a camera sees at most; each is taken for `visit_s` and free for `pause_s`.
    """

    cameras: int
    places: int
    frames_per_message: int = 4
    start_ms: int = START_MS
    visit_s: int = 120
    pause_s: int = 20
    partitions: int = 2

    @cached_property
    def areas(self) -> list[str]:
        """Names of areas, as many for each partition, those of one partition not beside each other."""
        found: list[list[str]] = [[] for _ in range(self.partitions)]
        for number in count():
            name = f"shop-{number}"
            found[partition_of(name, self.partitions)].append(name)
            if min(map(len, found)) >= AREAS_A_PARTITION:
                return [name for row in zip(*found, strict=False) for name in row][
                    : self.partitions * AREAS_A_PARTITION
                ]
        raise AssertionError

    @cached_property
    def site(self) -> Site:
        """The site of these cameras."""
        return crowd_site(self.cameras, self.areas)

    def partition(self, area: str) -> int:
        """Where an area's messages go."""
        number: int = partition_of(area, self.partitions)
        return number

    def late_ms(self, camera: Int64s) -> Int64s:
        """How long after the first camera the others begin: neither frames nor messages are in step."""
        return camera * (self.frames_per_message * 1_000 // FPS) // self.cameras

    def frames(self, seconds: int, chunk_s: int = CHUNK_S) -> Iterator[PersonFrames]:
        """The person-frames, those of a camera together, in parts of some seconds."""
        shape = {"cameras": self.cameras, "visit_s": self.visit_s, "pause_s": self.pause_s}
        for rows in crowd(self.cameras * self.places, seconds, chunk_s=chunk_s, start_ms=self.start_ms, **shape):
            rows.time_ms[:] += self.late_ms(rows.camera.astype(np.int64))
            yield _without_idle_rows(rows)

    def messages(self, seconds: int, chunk_s: int = CHUNK_S) -> Iterator[list[PoseMessage]]:
        """Arrow messages by the time they are due, in parts of some seconds."""
        encoder, held, end_ms = PoseEncoder(), list[PoseMessage](), self.start_ms
        for rows in self.frames(seconds, chunk_s):
            end_ms += 1_000 * chunk_s
            held += (message for camera, part in self._by_camera(rows) for message in self._cut(encoder, camera, part))
            held.sort(key=lambda message: message.due_ms)
            due = bisect_left(held, end_ms, key=lambda message: message.due_ms)
            yield held[:due]
            held = held[due:]
        yield held

    def json_messages(self, seconds: int, *, each_person: bool) -> Iterator[PoseMessage]:
        """JSON messages of a frame each, or of a person in a frame, by time."""
        for rows in self.frames(seconds, 1):
            for at in _starts(rows.camera, rows.time_ms, each_person=each_person):
                yield self._json(rows.take(at))

    def _by_camera(self, rows: PersonFrames) -> Iterator[tuple[int, PersonFrames]]:
        starts = np.flatnonzero(np.diff(rows.camera, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            yield int(rows.camera[start]), rows.take(slice(start, stop))

    def _cut(self, encoder: PoseEncoder, camera: int, rows: PersonFrames) -> Iterator[PoseMessage]:
        name, area = self.site.cameras[camera].name, self.areas[camera % len(self.areas)]
        block = encoder.block(rows, name)
        frames = np.flatnonzero(np.diff(rows.time_ms, prepend=-1))[:: self.frames_per_message].tolist()
        for start, stop in zip(frames, [*frames[1:], len(rows)], strict=True):
            persons = int((rows.track[start:stop] != NO_TRACK).sum())
            yield PoseMessage(int(rows.time_ms[stop - 1]), area, persons, block.encode(start, stop))

    def _json(self, rows: PersonFrames) -> PoseMessage:
        camera, time_ms = int(rows.camera[0]), int(rows.time_ms[0])
        seen = np.flatnonzero(rows.track != NO_TRACK).tolist()
        persons = [
            {
                "track": int(rows.track[at]),
                "box": (rows.box[:, at] / 4).tolist(),
                "keypoints": np.stack(
                    [rows.x[:, at] / 4, rows.y[:, at] / 4, rows.confidence[:, at] / 1_000], 1
                ).tolist(),
            }
            for at in seen
        ]
        frame = {"time_ms": time_ms, "persons": persons}
        event = {"type": "poses", "camera": self.site.cameras[camera].name, "frames": [frame]}
        value = json.dumps(event, separators=(",", ":")).encode()
        return PoseMessage(time_ms, self.areas[camera % len(self.areas)], len(seen), value)


def _without_idle_rows(rows: PersonFrames) -> PersonFrames:
    """By camera and time; of a frame that shows somebody, no row that says it shows nobody."""
    rows = rows.take(np.lexsort((rows.track, rows.time_ms, rows.camera)))
    first = _first_of_frame(rows)
    frame = np.cumsum(first) - 1
    shows = np.bincount(frame, rows.track != NO_TRACK) > 0
    idle = rows.track == NO_TRACK
    return rows.take(~idle | (first & ~shows[frame]))


def _first_of_frame(rows: PersonFrames) -> Bools:
    first: Bools = np.diff(rows.camera, prepend=-1).astype(bool) | np.diff(rows.time_ms, prepend=-1).astype(bool)
    return first


def _starts(camera: Ints, time_ms: Ints, *, each_person: bool) -> Iterator[Int64s]:
    """The rows of each message, in order of time."""
    order = np.lexsort((camera, time_ms))
    if each_person:
        yield from np.split(order, len(order))
        return
    new = np.diff(time_ms[order], prepend=-1).astype(bool) | np.diff(camera[order], prepend=-1).astype(bool)
    yield from np.split(order, np.flatnonzero(new)[1:])
