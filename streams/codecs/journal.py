"""The journal as Parquet: segments as columns, facts as JSON, in one order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.events import Rejection
from features.segments import SEGMENT, Entry, Fact, SegmentBlock
from streams.codecs.tables import check_columns, reading

_TEXT = pa.dictionary(pa.int32(), pa.string())
_SEGMENT_FIELDS = [
    pa.field(name, pa.list_(pa.from_numpy_dtype(kind.base), kind.shape[0]) if kind.shape else pa.from_numpy_dtype(kind))
    for name, kind in ((name, SEGMENT[name]) for name in SEGMENT.names or ())
]
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("track", _TEXT),
        pa.field("camera", _TEXT),
        *_SEGMENT_FIELDS,
        pa.field("fact", pa.binary()),
    ]
)
_facts = msgspec.json.Decoder(Fact)


ROWS_PER_GROUP = 65_536


class JournalWriter:
    """Appends entries to a journal file and gives each its position; `position` is that of the next."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=["track", "camera"])
        self._held: list[pa.Table] = []
        self._facts: list[bytes] = []  # that follow one another, at the end of what is held
        self.position = self._written = 0

    def append(self, entry: Entry, cameras: list[str]) -> int:
        """Write an entry; returns the position of its first row. `cameras` are the site's."""
        first = self.position
        if isinstance(entry, SegmentBlock):
            self._hold_facts()
            self._held.append(_segments_table(entry, cameras, first))
            self.position += len(entry)
        else:
            self._facts.append(msgspec.json.encode(entry))
            self.position += 1
        if self.position - self._written >= ROWS_PER_GROUP:
            self._write()
        return first

    def close(self) -> None:
        """Finish the file."""
        self._write()
        self._file.close()

    def _hold_facts(self) -> None:
        if self._facts:
            self._held.append(_facts_table(self._facts, self.position - len(self._facts)))
            self._facts = []

    def _write(self) -> None:
        self._hold_facts()
        if self._held:
            self._file.write_table(pa.concat_tables(self._held).unify_dictionaries(), row_group_size=ROWS_PER_GROUP)
        self._held, self._written = [], self.position


def read_journal(path: Path, cameras: list[str]) -> Iterator[Entry]:
    """The entries of a journal in order; segments that follow one another come as blocks.

    Raises:
        TableError: it cannot be read, or is of other cameras.
    """
    places = {name: place for place, name in enumerate(cameras)}
    with reading(path), pq.ParquetFile(path) as file:
        check_columns(file.schema_arrow, SCHEMA)
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, use_threads=False):
            yield from _entries(batch, places)


def count_rows(path: Path) -> int:
    """How many rows a journal has.

    Raises:
        TableError: it cannot be read.
    """
    with reading(path), pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def encode_entries(entries: list[Entry], cameras: list[str], first: int) -> bytes:
    """Entries as one message, an Arrow stream; `first` is the position of the first."""
    tables, position = list[pa.Table](), first
    for entry in entries:
        if isinstance(entry, SegmentBlock):
            tables.append(_segments_table(entry, cameras, position))
            position += len(entry)
        else:
            tables.append(_facts_table([msgspec.json.encode(entry)], position))
            position += 1
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks() if len(tables) > 1 else tables[0]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def decode_entries(value: bytes, cameras: list[str]) -> tuple[int, list[Entry]]:
    """The position of the first entry of a message, and its entries.

    Raises:
        Rejection: it is no such stream, or of other cameras.
    """
    places = {name: place for place, name in enumerate(cameras)}
    try:
        with pa.ipc.open_stream(value) as stream:
            check_columns(stream.schema, SCHEMA)
            batches = list(stream)
    except (pa.ArrowException, OSError) as why:
        raise Rejection("$", "journal entries as an Arrow stream", str(why)) from None
    first = int(batches[0].column("position")[0].as_py())
    return first, [entry for batch in batches for entry in _entries(batch, places)]


def _entries(batch: pa.RecordBatch, places: dict[str, int]) -> Iterator[Entry]:
    facts = np.flatnonzero(batch.column("fact").is_valid().to_numpy(zero_copy_only=False)).tolist()
    start = 0
    for stop in [*facts, batch.num_rows]:
        if stop > start:
            yield _block(batch.slice(start, stop - start), places)
        if stop < batch.num_rows:
            yield _facts.decode(batch.column("fact")[stop].as_py())
        start = stop + 1


def _block(batch: pa.RecordBatch, places: dict[str, int]) -> SegmentBlock:
    tracks, first, track = np.unique(_texts(batch, "track"), return_index=True, return_inverse=True)
    cameras = np.array([_place(name, places) for name in _texts(batch, "camera")[first]], np.int32)
    rows = np.zeros(batch.num_rows, SEGMENT)
    for field in _SEGMENT_FIELDS:
        values = batch.column(field.name)
        flat = values.flatten() if pa.types.is_fixed_size_list(field.type) else values
        rows[field.name] = flat.to_numpy(zero_copy_only=False).reshape(rows[field.name].shape)
    return SegmentBlock(tracks.tolist(), cameras, track.astype(np.int32), rows)


def _place(camera: str, places: dict[str, int]) -> int:
    if camera not in places:
        raise Rejection("camera", "a camera of the site", camera)
    return places[camera]


def _texts(batch: pa.RecordBatch, name: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    return np.array(batch.column(name).cast(pa.string()).to_pylist(), dtype=object).astype(str)


def _segments_table(block: SegmentBlock, cameras: list[str], first: int) -> pa.Table:
    rows = len(block)
    names = pa.DictionaryArray.from_arrays(pa.array(block.track), pa.array(block.tracks, pa.string()))
    used, place = np.unique(block.cameras, return_inverse=True)
    seen_by = pa.array([cameras[camera] for camera in used.tolist()], pa.string())
    places = pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)[block.track]), seen_by)
    columns = [_segment_column(block.rows[field.name]) for field in _SEGMENT_FIELDS]
    positions = pa.array(np.arange(first, first + rows))
    return pa.Table.from_arrays([positions, names, places, *columns, pa.nulls(rows, pa.binary())], schema=SCHEMA)


def _segment_column(values: Any) -> pa.Array:  # noqa: ANN401 - pyarrow is untyped
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _facts_table(facts: list[bytes], first: int) -> pa.Table:
    positions = pa.array(np.arange(first, first + len(facts)))
    nothing = [pa.nulls(len(facts), field.type) for field in SCHEMA][1:-1]
    return pa.Table.from_arrays([positions, *nothing, pa.array(facts, pa.binary())], schema=SCHEMA)
