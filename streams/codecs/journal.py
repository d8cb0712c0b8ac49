"""The journal as Parquet and as messages: a line of sealed rows, in one order."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.events import Rejection
from features.segments import NO_TIME, SEGMENT, Entry, Erased
from streams.audit.errors import AuditError
from streams.audit.rows import Kept, Opener, Row
from streams.audit.visit_keys import ID_BYTES, VISIT_KEYS, key_ring
from streams.codecs.tables import check_columns, reading

LAYOUT = b"vigil.segment"
ROWS_PER_GROUP = 65_536
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("time_ms", pa.int64(), nullable=False),
        pa.field("visit", pa.binary(ID_BYTES), nullable=False),
        pa.field("sealed", pa.binary(), nullable=False),
    ],
    metadata={LAYOUT: ",".join(f"{name}:{kind}" for name, kind, *_ in SEGMENT.descr)},
)


class JournalWriter:
    """Appends rows to a journal file."""

    def __init__(self, path: Path) -> None:
        packed = {"position": "zstd", "time_ms": "zstd", "visit": "zstd", "sealed": "none"}
        self._file = pq.ParquetWriter(path, SCHEMA, compression=packed, use_dictionary=["visit"])
        self._held: list[Row] = []

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        self._held += rows
        if len(self._held) >= ROWS_PER_GROUP:
            self._write()

    def close(self) -> None:
        """Finish the file."""
        self._write()
        self._file.close()

    def _write(self) -> None:
        if self._held:
            self._file.write_table(_table(self._held), row_group_size=ROWS_PER_GROUP)
        self._held = []


def read_journal(path: Path, cameras: list[str], opener: Opener | None = None) -> Iterator[Entry | Erased]:
    """The entries of a journal in order; segments that follow one another come as blocks.

    Args:
        path: of the file.
        cameras: of the site.
        opener: with the keys; without, they are read from the file beside the journal.

    Raises:
        TableError: it cannot be read, or is of other cameras or another layout of segments.
        UnusableError: the keys cannot be read.
    """
    return (kept.entry for kept in read_kept(path, opener or Opener(key_ring(path.parent / VISIT_KEYS), cameras)))


def read_kept(path: Path, opener: Opener) -> Iterator[Kept]:
    """The entries of a journal with their rows.

    Raises:
        TableError: as `read_journal`.
    """
    for rows in read_rows(path):
        with reading(path):
            try:
                yield from opener.open(rows)
            except AuditError as why:
                raise Rejection(f"{why.where} {why.field}".strip(), str(why.expected), str(why.got)) from None


def read_rows(path: Path) -> Iterator[list[Row]]:
    """The rows of a journal in order, those of one position together.

    Raises:
        TableError: it cannot be read.
    """
    held = list[Row]()
    with reading(path), pq.ParquetFile(path) as file:
        _check(file.schema_arrow)
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, use_threads=False):
            held += _rows(batch)
            whole = len(held) - _of_last(held)
            yield held[:whole]
            held = held[whole:]
    yield held


def _of_last(rows: list[Row]) -> int:
    """How many rows at the end are of one fact, of which more may follow."""
    if not rows or rows[-1].time_ms != NO_TIME:
        return 0
    return next((at for at, row in enumerate(reversed(rows)) if row.position != rows[-1].position), len(rows))


def count_rows(path: Path) -> int:
    """How many rows a journal has.

    Raises:
        TableError: it cannot be read.
    """
    with reading(path), pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def encode_rows(rows: Sequence[Row]) -> bytes:
    """Rows as one message, an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write_table(_table(rows))
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def decode_rows(value: bytes) -> list[Row]:
    """The rows of a message.

    Raises:
        Rejection: it is no such stream, or of another layout of segments.
    """
    try:
        with pa.ipc.open_stream(value) as stream:
            _check(stream.schema)
            return [row for batch in stream for row in _rows(batch)]
    except (pa.ArrowException, OSError) as why:
        raise Rejection("$", "journal rows as an Arrow stream", str(why)) from None


def _check(schema: pa.Schema) -> None:
    check_columns(schema, SCHEMA)
    expected, got = SCHEMA.metadata[LAYOUT], (schema.metadata or {}).get(LAYOUT, b"none")
    if got != expected:
        raise Rejection("segment", f"the layout {expected.decode()}", got.decode("utf-8", "replace"))


def _rows(batch: pa.RecordBatch) -> Iterator[Row]:
    columns = (batch.column(name).to_pylist() for name in SCHEMA.names)
    return (Row(*values) for values in zip(*columns, strict=True))


def _table(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
