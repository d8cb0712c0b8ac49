"""Person-frames as Parquet: one row each, one column per quantity, integers throughout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.keypoints import COCO17, NO_TRACK, PersonFrames
from streams.codecs.tables import check_columns, check_filled, reading

BOX_COLUMNS = ("box_left", "box_top", "box_width", "box_height")
X_COLUMNS = tuple(f"{name}_x" for name in COCO17)
Y_COLUMNS = tuple(f"{name}_y" for name in COCO17)
CONFIDENCE_COLUMNS = tuple(f"{name}_confidence" for name in COCO17)
BODY_COLUMNS = (*BOX_COLUMNS, *X_COLUMNS, *Y_COLUMNS, *CONFIDENCE_COLUMNS)

SCHEMA = pa.schema(
    [
        pa.field("time_ms", pa.int64(), nullable=False),
        pa.field("camera", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("track", pa.int64()),
        *(pa.field(name, pa.int16(), nullable=False) for name in BODY_COLUMNS),
    ]
)
ROWS_PER_GROUP = 65_536


def to_table(frames: PersonFrames, cameras: list[str]) -> pa.Table:
    """A Parquet table of person-frames; `cameras` are the names by their place in the site."""
    empty = frames.track == NO_TRACK
    camera = pa.DictionaryArray.from_arrays(pa.array(frames.camera), pa.array(cameras, pa.string()))
    body = (*frames.box, *frames.x, *frames.y, *frames.confidence)
    columns = [pa.array(frames.time_ms), camera, pa.array(frames.track, mask=empty), *map(pa.array, body)]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def from_batch(batch: pa.RecordBatch, cameras: dict[str, int]) -> PersonFrames:
    """The person-frames of a record batch; a camera not among `cameras` is -1.

    Raises:
        Rejection: a column is missing or of another type.
    """
    check_columns(batch.schema, SCHEMA)
    names = batch.column("camera")
    places = np.array([cameras.get(name, -1) for name in names.dictionary.to_pylist()], np.int32)
    return PersonFrames(
        _numbers(batch, "time_ms"),
        places[names.indices.to_numpy(zero_copy_only=False)],
        batch.column("track").fill_null(NO_TRACK).to_numpy(zero_copy_only=False),
        _stack(batch, BOX_COLUMNS),
        _stack(batch, X_COLUMNS),
        _stack(batch, Y_COLUMNS),
        _stack(batch, CONFIDENCE_COLUMNS),
    )


def opened(path: Path) -> pq.ParquetFile:
    """A file of person-frames.

    Raises:
        Rejection: a column is missing or of another type.
    """
    present = [name for name in pq.read_schema(path).names if name == "camera"]
    file = pq.ParquetFile(path, read_dictionary=present, memory_map=True)
    check_columns(file.schema_arrow, SCHEMA)
    return file


def read_batches(path: Path, rows: int = ROWS_PER_GROUP) -> Iterator[pa.RecordBatch]:
    """The record batches of a Parquet file, in order.

    Raises:
        TableError: it cannot be read.
    """
    with reading(path), opened(path) as file:
        for batch in file.iter_batches(batch_size=rows, columns=SCHEMA.names, use_threads=False):
            check_filled(batch, SCHEMA)
            yield batch


def camera_names(path: Path) -> set[str]:
    """The cameras that occur in a Parquet file.

    Raises:
        TableError: it cannot be read.
    """
    with reading(path), opened(path) as file:
        batches = file.iter_batches(columns=["camera"])
        return {name for batch in batches for name in batch.column("camera").unique().to_pylist() if name is not None}


def person_frames(path: Path) -> int:
    """How many rows of a Parquet file are of a person; all of its rows where it does not say.

    Raises:
        TableError: it cannot be read.
    """
    with reading(path), opened(path) as file:
        track, metadata = SCHEMA.get_field_index("track"), file.metadata
        groups = [metadata.row_group(at).column(track) for at in range(metadata.num_row_groups)]
        empty = [group.statistics.null_count for group in groups if group.statistics is not None]
        return int(metadata.num_rows - sum(empty))


def writer(path: Path) -> pq.ParquetWriter:
    """A writer of person-frame tables."""
    packed = dict.fromkeys(BODY_COLUMNS, "DELTA_BINARY_PACKED")  # 46 instead of 108 bytes a row, as fast to read
    return pq.ParquetWriter(path, SCHEMA, compression="lz4", use_dictionary=["camera"], column_encoding=packed)


def _numbers(batch: pa.RecordBatch, name: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    return batch.column(name).to_numpy()


def _stack(batch: pa.RecordBatch, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - pyarrow is untyped
    stacked = np.empty((len(names), batch.num_rows), np.int16)
    for row, name in zip(stacked, names, strict=True):
        row[:] = _numbers(batch, name)
    return stacked
