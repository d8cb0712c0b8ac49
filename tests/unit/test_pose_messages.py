"""Pose messages: what is written is read, and what is no pose message is refused with the reason."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import Frame, PersonPose, PoseBatch, Rejection
from features.keypoints import NO_TRACK, PersonFrames
from streams.kafka.pose_messages import POSE_FIELDS, PoseReader, encode_poses, person_frames


def some_frames(rows: int, seed: int) -> PersonFrames:
    random = np.random.default_rng(seed)
    frames = PersonFrames.empty(rows)
    frames.time_ms[:] = random.integers(0, 10**12, rows)
    frames.track[:] = random.integers(NO_TRACK, 2**53, rows)
    for column in (frames.box, frames.x, frames.y, frames.confidence):
        column[:] = random.integers(-32_768, 32_768, column.shape)
    return frames


def same(one: PersonFrames, other: PersonFrames) -> bool:
    names = ("time_ms", "camera", "track", "box", "x", "y", "confidence")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2**32), st.sampled_from(["a", "door:2"])), min_size=1))
def test_what_is_written_is_read(batches: list[tuple[int, int, str]]) -> None:
    reader, frames = PoseReader(), [some_frames(rows, seed) for rows, seed, _ in batches]
    read = [reader.read(encode_poses(one, camera)) for one, (_, _, camera) in zip(frames, batches, strict=True)]
    assert [poses.camera for poses in read] == [camera for _, _, camera in batches]
    assert same(person_frames(read, [0] * len(read)), PersonFrames.concatenate(frames))


def test_json_and_arrow_say_the_same() -> None:
    person = PersonPose(7, (1.0, 2.0, 3.25, 4.0), [(5.5, 6.0, 0.5)] * 17)
    batch = PoseBatch("a", [Frame(1_000, [person]), Frame(1_066, [])])
    read = PoseReader().read(msgspec.json.encode(batch))
    frames = person_frames([read], [0])
    assert same(person_frames([PoseReader().read(encode_poses(frames, "a"))], [0]), frames)
    assert (read.camera, read.person_frames, frames.track.tolist()) == ("a", 1, [7, NO_TRACK])
    assert (int(frames.x[3, 0]), int(frames.confidence[3, 0]), frames.box[:, 0].tolist()) == (22, 500, [4, 8, 13, 16])


def stream_of(schema: pa.Schema, *batches: pa.RecordBatch, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as stream:
        for batch in batches:
            stream.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def opened(value: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(value).read_next_batch()


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_and_cut_streams_are_read_as_well(compression: str) -> None:
    frames = some_frames(20, 3)
    batch = opened(encode_poses(frames, "a"))
    reader = PoseReader()
    for value in (
        stream_of(batch.schema, batch, compression=compression),
        stream_of(batch.schema, batch.slice(0, 7), batch.slice(7)),
        encode_poses(frames, "a"),
    ):
        for _ in range(2):
            assert same(person_frames([reader.read(value)], [0]), frames)


def test_what_is_no_pose_message_is_refused() -> None:
    good = encode_poses(some_frames(4, 1), "a")
    batch, bare = opened(good), POSE_FIELDS
    nulls = pa.RecordBatch.from_arrays([pa.nulls(4, pa.int64()), *batch.columns[1:]], names=bare.names)
    reader = PoseReader()
    reader.read(good)
    for value, field in (
        (b"", r"\$"),
        (b"no arrow", r"\$"),
        (good[:-700], r"\$"),
        (b"{}", r"\$\.type"),
        (b'{"type": "purchase"}', r"\$\."),
        (stream_of(bare, batch.cast(bare)), r"metadata\.camera"),
        (stream_of(batch.schema), r"\$: expected at least one row"),
        (stream_of(nulls.schema.with_metadata({"camera": "a"}), nulls), "time_ms"),
        (stream_of(pa.schema([("time_ms", pa.int64())])), "track"),
    ):
        with pytest.raises(Rejection, match=field):
            reader.read(value)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_spoilt_message_is_refused_or_read_but_never_ends_the_reader(at: int, byte: int) -> None:
    good = encode_poses(some_frames(4, 1), "a")
    spoilt = bytearray(good)
    spoilt[at % len(good)] = byte
    reader = PoseReader()
    reader.read(good)
    try:
        poses = reader.read(bytes(spoilt))
    except Rejection:
        return
    assert len(poses.time_ms) == len(poses.track) == len(poses.box) == len(poses.keypoints)
