"""Parquet files that others may have written, cut short or broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from features.events import Rejection


class TableError(Exception):
    """A Parquet file that cannot be used: which, what was expected and what is there instead."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a table into a TableError that names the file.

    Raises:
        TableError: it is no Parquet file, ends early, or holds other columns.
    """
    try:
        yield
    except Rejection as why:
        raise TableError(f"{path}: {why}") from None
    except (pa.ArrowException, OSError, msgspec.MsgspecError) as why:
        raise TableError(f"{path}: expected a whole Parquet file, got: {why}") from None


def check_columns(schema: pa.Schema, wanted: pa.Schema) -> None:
    """Raise a Rejection that names the first column which differs from what is wanted."""
    for expected in wanted:
        index = schema.get_field_index(expected.name)
        got = schema.field(index).type if index >= 0 else None
        if got != expected.type:
            raise Rejection(expected.name, f"a column of {expected.type}", str(got or "no such column"))


def check_filled(batch: pa.RecordBatch, wanted: pa.Schema) -> None:
    """Raise a Rejection that names the first column with nulls which may have none."""
    for expected in wanted:
        nulls = batch.column(expected.name).null_count
        if nulls and not expected.nullable:
            raise Rejection(expected.name, "a column without nulls", f"{nulls} of {batch.num_rows} rows null")
