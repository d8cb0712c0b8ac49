"""The journal as Parquet: segments as columns, facts as JSON, in one order."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.segments import SEGMENT, Entry, Fact, SegmentBlock
from features.site import Site

_TEXT = pa.dictionary(pa.int32(), pa.string())
_SEGMENT_FIELDS = [
    pa.field(name, pa.list_(pa.from_numpy_dtype(kind.base), kind.shape[0]) if kind.shape else pa.from_numpy_dtype(kind))
    for name, kind in ((name, SEGMENT[name]) for name in SEGMENT.names or ())
]
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("track", _TEXT),
        *_SEGMENT_FIELDS,
        pa.field("fact", pa.binary()),
    ]
)
_facts = msgspec.json.Decoder(Fact)


class JournalWriter:
    """Appends entries to a journal file and gives each its position."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=["track"])
        self._position = 0

    def append(self, entry: Entry) -> int:
        """Write an entry; returns the position of its first row."""
        first = self._position
        table = _segments_table(entry, first) if isinstance(entry, SegmentBlock) else _fact_table(entry, first)
        self._file.write_table(table)
        self._position += table.num_rows
        return first

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _segments_table(block: SegmentBlock, first: int) -> pa.Table:
    rows = len(block)
    names = pa.DictionaryArray.from_arrays(pa.array(block.track), pa.array(block.tracks, pa.string()))
    columns = [_segment_column(block.rows[field.name]) for field in _SEGMENT_FIELDS]
    positions = pa.array(np.arange(first, first + rows))
    return pa.Table.from_arrays([positions, names, *columns, pa.nulls(rows, pa.binary())], schema=SCHEMA)


def _segment_column(values: np.ndarray) -> pa.Array:  # type: ignore[type-arg]
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _fact_table(fact: Fact, position: int) -> pa.Table:
    columns = [pa.array([position]), pa.nulls(1, _TEXT), *(pa.nulls(1, field.type) for field in _SEGMENT_FIELDS)]
    return pa.Table.from_arrays([*columns, pa.array([msgspec.json.encode(fact)])], schema=SCHEMA)
