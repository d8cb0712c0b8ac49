"""Contests that somebody changed: any field of the file, or what the log seals."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from features.sequence import COLUMN
from models.records import Alert, Score
from streams.audit.erasures import AUDIT
from streams.audit.records import Content, Entry, Public, decode_record, encode_record, open_entry, sealed_entry
from streams.audit.visit_entries import ProvableLog
from streams.audit.visit_keys import VISIT_KEYS, read_keys
from streams.contesting.contest import Contest
from tests.running.audit_logs import log
from tests.running.contests import contest_of

Place = tuple[str | int, ...]
Change = Callable[[Any, bytes], tuple[Any, bytes]]


def leaves(value: Any, path: Place = ()) -> Iterator[Place]:  # noqa: ANN401 - JSON
    """The path of each field; of lists the first and the last item."""
    if isinstance(value, dict):
        yield (*path, "more")
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        yield (*path, len(value))
        for at in sorted({0, len(value) - 1}) if value else ():
            yield from leaves(value[at], (*path, at))
    else:
        yield path


def changed(document: Any, path: Place) -> Any:  # noqa: ANN401 - JSON
    """The document with another value there; with a field or an item more where there is none."""
    document = copy.deepcopy(document)
    at = document
    for step in path[:-1]:
        at = at[step]
    if isinstance(at, list) and path[-1] == len(at):
        at.append(at[-1] if at else 0)
    elif path[-1] == "more":
        at["more"] = 1
    else:
        at[path[-1]] = another(at[path[-1]])
    return document


def another(value: object) -> object:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1] != "0" else "1") if value else "x"
        case _:
            return "x"


def lying(run: Path, folder: Path, person: str, kind: type[Score | Alert], change: Change) -> Contest:
    """The contest of a person by a log whose owner sealed something else in the first record of a kind."""
    visits = {key.id: key for key in read_keys(run / VISIT_KEYS) if key.name == person}
    reader, leaves, found = ProvableLog.at(str(run)).reader, list[bytes](), False
    for leaf in reader.entries(0, reader.size):
        record = decode_record(leaf)
        if not found and isinstance(record, Entry) and record.visit in visits:
            content = open_entry(record, visits[record.visit])
            said = msgspec.json.decode(content.published, type=Score | Alert)
            if isinstance(said, kind) and (said.score or 0) > 100:
                other, values = change(said, content.values)
                forged = Content(content.journal, msgspec.json.encode(other), values)
                public = Public(record.kind, record.position, record.visit, record.camera, record.hour)
                record, found = sealed_entry(public, visits[record.visit], forged), True
        leaves.append(encode_record(record))
    assert found
    copied = shutil.copytree(run, folder / "run")
    shutil.rmtree(copied / AUDIT)
    with log(copied / AUDIT) as again:
        again.append(leaves)
        again.publish()
    return contest_of(copied, person)


def value_of(values: bytes, feature: str, value: int) -> bytes:
    """The features with another value."""
    others = np.frombuffer(values, "<i4").copy()
    others[COLUMN[feature]] = value
    return others.tobytes()
