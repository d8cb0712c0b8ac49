"""The folder of published contracts: schemas, the AsyncAPI document, the journal's columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from streams.contracts.asyncapi import asyncapi_yaml
from streams.contracts.columns import Columns, journal_columns, pose_columns
from streams.contracts.schemas import PUBLISHED, file_of, schemas
from streams.settings import Kafka

ASYNCAPI, COLUMNS, README = "asyncapi.yaml", "columns.md", "README.md"


def contracts(folder: Path) -> list[Path]:
    """Write everything that is published; returns the files. Others in the folder are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / name: content for name, content in published().items()}
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def published() -> dict[str, bytes]:
    """The content of each file by name."""
    files = {file_of(name): _formatted(schema) for name, schema in schemas().items()}
    files[ASYNCAPI] = asyncapi_yaml(Kafka()).encode()
    files[COLUMNS] = "".join(_columns_page()).encode()
    files[README] = "".join(_overview()).encode()
    return files


def _formatted(schema: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def _columns_page() -> Iterator[str]:
    yield "# Columns of what travels as Arrow streams\n\n"
    yield "Made by the code; see README.md.\n"
    yield "\n## poses\n\nThe schema's metadata has `camera`, the camera's name. One row a person-frame.\n\n"
    yield from _table(pose_columns())
    yield "\n## journal\n\nOne row a second of a track, an end of a track, or a fact. Repeats: a message whose first\n"
    yield "position is below the one expected.\n\n"
    yield from _table(journal_columns())


def _table(columns: Columns) -> Iterator[str]:
    yield "| column | type | may be null | holds |\n|---|---|---|---|\n"
    for each in columns:
        null = "yes" if each["nullable"] else "no"
        yield f"| `{each['name']}` | `{each['type']}` | {null} | {each['description']} |\n"


def _overview() -> Iterator[str]:
    yield "# Contracts\n\n"
    yield "What Vigil reads and writes, for those who write to it and read from it. All of this is made by\n"
    yield "`streams.contracts.publish.contracts`, and a test holds that it is what the code says.\n\n"
    yield "Fields may be added to what Vigil writes. Whatever else changes gets another number in the `$id`s.\n"
    yield "Unknown fields of what it reads are refused. `vigil.internal` names the schemas and is no address.\n\n"
    yield "| file | holds |\n|---|---|\n"
    yield f"| [{ASYNCAPI}]({ASYNCAPI}) | every topic: key, headers, content, retention, examples (AsyncAPI 3.0) |\n"
    yield f"| [{COLUMNS}]({COLUMNS}) | the columns of poses and journal, which travel as Arrow streams |\n"
    for name, contract in PUBLISHED.items():
        yield f"| [{file_of(name)}]({file_of(name)}) | {contract.holds} |\n"
