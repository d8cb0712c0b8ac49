"""Many pose messages of a camera at once: what `encode_poses` gives, at a tenth of its cost.

Messages of one camera with as many rows differ in nothing but their columns, whose place an encoded one tells.
"""

from typing import NamedTuple

import numpy as np

from features.keypoints import Int16s, PersonFrames
from streams.kafka.pose_messages import PoseReader, encode_poses

TEMPLATES_MAX = 10_000


class Template(NamedTuple):
    """What stands in a message before, between and after the columns."""

    before_time_ms: bytes
    before_track: bytes
    before_box: bytes
    before_keypoints: bytes
    after: bytes


class PoseEncoder:
    """Encodes messages, those of a camera and length that came before without asking Arrow."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, int], Template] = {}

    def block(self, frames: PersonFrames, camera: str) -> "PoseBlock":
        """Person-frames of one camera, to be cut into messages."""
        return PoseBlock(self, frames, camera)

    def template(self, camera: str, rows: int) -> Template:
        """What all messages of a camera with as many rows share."""
        key = camera, rows
        if (known := self._templates.get(key)) is not None:
            return known
        if len(self._templates) >= TEMPLATES_MAX:
            self._templates.clear()
        self._templates[key] = template = _template(camera, rows)
        return template


class PoseBlock:
    """Person-frames of one camera as the columns of messages."""

    def __init__(self, encoder: PoseEncoder, frames: PersonFrames, camera: str) -> None:
        self._encoder, self._camera = encoder, camera
        self._columns = (
            np.ascontiguousarray(frames.time_ms),
            np.ascontiguousarray(frames.track),
            np.ascontiguousarray(frames.box.T),
            _keypoints(frames),
        )

    def encode(self, start: int, stop: int) -> bytes:
        """The rows from `start` up to `stop` as a message, the same bytes as `encode_poses` gives."""
        first, second, third, fourth, last = self._encoder.template(self._camera, stop - start)
        time_ms, track, box, keypoints = (column[start:stop].tobytes() for column in self._columns)
        return b"".join((first, time_ms, second, track, third, box, fourth, keypoints, last))


def _keypoints(frames: PersonFrames) -> Int16s:
    """(rows, 51): x, y and confidence of each keypoint in turn."""
    keypoints = np.empty((len(frames), 17, 3), np.int16)
    for axis, values in enumerate((frames.x, frames.y, frames.confidence)):
        keypoints[:, :, axis] = values.T
    return keypoints.reshape(-1, 51)


def _template(camera: str, rows: int) -> Template:
    value = encode_poses(PersonFrames.empty(rows), camera)
    read = PoseReader().read(value)
    start = np.frombuffer(value, np.uint8).ctypes.data
    edges = [0]
    for column in (read.time_ms, read.track, read.box, read.keypoints):
        begin = column.ctypes.data - start
        edges += [begin, begin + column.nbytes]
    edges.append(len(value))
    return Template(*(value[edges[at] : edges[at + 1]] for at in range(0, len(edges), 2)))
