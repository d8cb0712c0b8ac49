"""What was erased of a run, as its own log says, and what opens the rest."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from streams.audit.checkpoint import parse_checkpoint
from streams.audit.note import parse_note
from streams.audit.reader import LogReader
from streams.audit.records import Entry, Kind, Tombstone, decode_record, open_entry
from streams.audit.rows import Opener
from streams.audit.source import checkpoint_of, folder_source
from streams.audit.visit_keys import VISIT_KEYS, VisitKey, key_ring

AUDIT = "audit"  # the log's folder, in that of a run


class Erasures(NamedTuple):
    """What a log says was erased.

    Attributes:
        visits: names of the keys that are gone.
        spent: by position, the alerts of these visits that count in a budget, as (camera, hour).
    """

    visits: frozenset[bytes]
    spent: dict[int, list[tuple[str, int]]]


def erasures_of(folder: Path) -> Erasures:
    """What the log of a run says was erased; nothing if it has none.

    Raises:
        AuditError: the log cannot be read.
    """
    if not (folder / AUDIT).exists():
        return Erasures(frozenset(), {})
    records = [decode_record(leaf) for leaf in _leaves(folder)]
    visits = frozenset(visit for one in records if isinstance(one, Tombstone) for visit in one.visits)
    spent = dict[int, list[tuple[str, int]]]()
    for one in records:
        if isinstance(one, Entry) and one.visit in visits and one.hour:
            spent.setdefault(one.position, []).append((one.camera, one.hour))
    return Erasures(visits, spent)


def published_of(folder: Path, kind: Kind, keys: Mapping[bytes, VisitKey]) -> Iterator[bytes]:
    """What the log of a run says was published of a kind, as JSON, as far as the keys open it.

    Raises:
        AuditError: the log cannot be read, or a record was changed.
    """
    for at, leaf in enumerate(_leaves(folder)):
        record = decode_record(leaf, f"leaf {at}")
        if isinstance(record, Entry) and record.kind == kind and record.visit in keys:
            yield open_entry(record, keys[record.visit], f"leaf {at}").published


def _leaves(folder: Path) -> Iterator[bytes]:
    source, where = folder_source(folder / AUDIT), str(folder / AUDIT / "checkpoint")
    size = parse_checkpoint(parse_note(checkpoint_of(source), where).text, where).size
    return LogReader(source, size).entries(0, size)


def opener_of(folder: Path, cameras: list[str], erased: Erasures) -> Opener:
    """What opens the journal of a run.

    Raises:
        UnusableError: the keys cannot be read.
    """
    ring = key_ring(folder / VISIT_KEYS)
    return Opener({visit: key for visit, key in ring.items() if visit not in erased.visits}, cameras, erased.spent)
