"""Pose messages: consecutive frames of one camera, as an Arrow stream or as JSON."""

from collections.abc import Sequence
from struct import unpack_from
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.events import PoseBatch, Rejection, parse_event
from features.keypoints import NO_TRACK, Int16s, PersonFrames, frames_of_batch
from streams.codecs.tables import check_columns

POSE_FIELDS = pa.schema(
    [
        pa.field("time_ms", pa.int64(), nullable=False),
        pa.field("track", pa.int64(), nullable=False),
        pa.field("box", pa.list_(pa.int16(), 4), nullable=False),
        pa.field("keypoints", pa.list_(pa.int16(), 51), nullable=False),
    ]
)
"""Columns of a pose message in Arrow's stream format, one row a person-frame, the camera's name in the metadata.

`track` is -1 where a frame shows nobody; `box` is left, top, width, height in quarter pixels; `keypoints` are x, y in
quarter pixels and confidence in permille of each of COCO's 17.
"""


class Poses(NamedTuple):
    """A pose message: (rows,) times and tracks, (rows, 4) boxes, (rows, 51) keypoints."""

    camera: str
    time_ms: NDArray[np.int64]
    track: NDArray[np.int64]
    box: Int16s
    keypoints: Int16s

    @property
    def person_frames(self) -> int:
        """How many of the rows show somebody."""
        return int((self.track != NO_TRACK).sum())


def encode_poses(frames: PersonFrames, camera: str) -> bytes:
    """Person-frames of one camera as a message."""
    schema = POSE_FIELDS.with_metadata({"camera": camera})
    keypoints = np.stack([frames.x, frames.y, frames.confidence], axis=-1).transpose(1, 0, 2)
    columns = [
        pa.array(frames.time_ms),
        pa.array(frames.track),
        _listed(frames.box.T, 4),
        _listed(keypoints, 51),
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _listed(values: Int16s, width: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(-1)), width)


class Layout(NamedTuple):
    """Where the columns of an Arrow stream lie: what all messages share that begin with the same bytes."""

    camera: str
    rows: int
    size: int
    offsets: tuple[int, int, int, int]


LAYOUTS_MAX = 20_000  # a few for each camera


class PoseReader:
    """Reads pose messages, those that are laid out like an earlier one ten times as fast as the first."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, Layout] = {}

    def read(self, value: bytes) -> Poses:
        """A pose message, in Arrow's stream format or as JSON.

        Raises:
            Rejection: it is neither, or not as it should be.
        """
        if value[:1] == b"{":
            return _of_json(value)
        head = _head(value)
        layout = self._layouts.get(head)
        if layout is not None and len(value) == layout.size:
            return _at(value, layout)
        poses = _of_arrow(value)
        if (found := _layout(value, poses)) is not None:
            if len(self._layouts) >= LAYOUTS_MAX:
                self._layouts.clear()
            self._layouts[head] = found
        return poses


def _head(value: bytes) -> bytes:
    """The bytes of a stream before its first columns: the schema and the shape of the first batch."""
    end = 0
    for _ in range(2):
        if len(value) < end + 8:
            break
        end += 8 + int(unpack_from("<i", value, end + 4)[0])
    return value[: max(end, 0)]


def _at(value: bytes, layout: Layout) -> Poses:
    time_ms, track, box, keypoints = layout.offsets
    return Poses(
        layout.camera,
        np.frombuffer(value, "<i8", layout.rows, time_ms),
        np.frombuffer(value, "<i8", layout.rows, track),
        np.frombuffer(value, "<i2", 4 * layout.rows, box).reshape(-1, 4),
        np.frombuffer(value, "<i2", 51 * layout.rows, keypoints).reshape(-1, 51),
    )


def _layout(value: bytes, poses: Poses) -> Layout | None:
    """Where the columns lie, if they lie in the message as they are: in one batch and not compressed."""
    start = np.frombuffer(value, np.uint8).ctypes.data
    columns: list[NDArray[Any]] = [poses.time_ms, poses.track, poses.box, poses.keypoints]
    offsets = tuple(column.ctypes.data - start for column in columns)
    within = all(0 <= at <= len(value) - column.nbytes for at, column in zip(offsets, columns, strict=True))
    return Layout(poses.camera, len(poses.time_ms), len(value), offsets) if within else None  # type: ignore[arg-type]


def _of_arrow(value: bytes) -> Poses:
    try:
        with pa.ipc.open_stream(value) as stream:
            schema = stream.schema
            check_columns(schema, POSE_FIELDS)
            batch = _joined(list(stream))
            batch.validate(full=True)
    except (pa.ArrowException, OSError) as why:
        raise Rejection("$", "a pose batch as an Arrow stream or as JSON", str(why)) from None
    camera = (schema.metadata or {}).get(b"camera")
    if camera is None:
        raise Rejection("metadata.camera", "the name of a camera", "nothing")
    return Poses(camera.decode("utf-8", "replace"), *_columns(batch))


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    filled = [batch for batch in batches if len(batch)]
    if not filled:
        raise Rejection("$", "at least one row", "none")
    return filled[0] if len(batches) == 1 else pa.Table.from_batches(filled).combine_chunks().to_batches()[0]


def _columns(batch: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64], Int16s, Int16s]:
    time_ms, track, box, keypoints = (_values(batch, name) for name in POSE_FIELDS.names)
    return time_ms, track, box.reshape(-1, 4), keypoints.reshape(-1, 51)


def _values(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    column = batch.column(name)
    flat = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
    nulls = column.null_count + flat.null_count
    if nulls:
        raise Rejection(name, "a column without nulls", f"{nulls} nulls in {len(column)} rows")
    values: NDArray[Any] = flat.to_numpy()
    return values


def _of_json(value: bytes) -> Poses:
    event = parse_event(value)
    if not isinstance(event, PoseBatch):
        raise Rejection("$.type", "poses", msgspec.json.decode(value)["type"])
    frames = frames_of_batch(event, 0)
    keypoints = np.stack([frames.x, frames.y, frames.confidence], axis=-1).transpose(1, 0, 2).reshape(-1, 51)
    return Poses(event.camera, frames.time_ms, frames.track, frames.box.T, keypoints)


def person_frames(batches: Sequence[Poses], cameras: Sequence[int]) -> PersonFrames:
    """The rows of pose messages, in their order; `cameras` are the places of their cameras in the site."""
    keypoints = np.concatenate([batch.keypoints for batch in batches]).reshape(-1, 17, 3)
    x, y, confidence = (np.ascontiguousarray(keypoints[:, :, axis].T) for axis in range(3))
    return PersonFrames(
        np.concatenate([batch.time_ms for batch in batches]),
        np.repeat(np.array(cameras, np.int32), [len(batch.time_ms) for batch in batches]),
        np.concatenate([batch.track for batch in batches]),
        np.ascontiguousarray(np.concatenate([batch.box for batch in batches]).T),
        x,
        y,
        confidence,
    )
