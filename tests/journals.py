"""Journals opened: of run folders, and of what a lane sent."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from features.segments import Entry, Erased
from streams.audit.rows import Kept, Opener
from streams.audit.run_log import JOURNAL
from streams.audit.visit_keys import VISIT_KEYS, key_ring
from streams.codecs.journal import decode_rows, read_journal
from streams.kafka.lane_seal import decode_key
from tests.property.worlds import flat


def entries_of(folder: Path, cameras: list[str]) -> list[Entry]:
    """The entries of a run's journal, of which nothing was erased."""
    return _whole(read_journal(folder / JOURNAL, cameras, Opener(key_ring(folder / VISIT_KEYS), cameras)))


def rows_of(folder: Path, cameras: list[str]) -> list[bytes]:
    """They row by row, whatever keys they were sealed with."""
    return [row for entry in entries_of(folder, cameras) for row in flat(entry)]


def sent_entries(journal: Iterable[bytes], keys: Iterable[bytes], cameras: list[str]) -> list[Entry]:
    """The entries of messages of the topics `journal` and `visit-keys`, which have no gap."""
    opener = opener_of(keys, cameras)
    messages = [decode_rows(value) for value in journal]
    rows = [row for message in messages for row in message]
    places = sorted({row.position for row in rows})
    assert places == list(range(places[0], places[0] + len(places))), "the journal has a gap"
    return _whole(kept.entry for kept in opener.open(rows))


def opener_of(keys: Iterable[bytes], cameras: list[str]) -> Opener:
    """What opens the journal, by messages of the topic `visit-keys`."""
    return Opener({key.id: key for key in map(decode_key, keys)}, cameras)


def alone(entry: Entry) -> Kept:
    """An entry that is kept nowhere."""
    return Kept(entry, [])


def _whole(entries: Iterable[Entry | Erased]) -> list[Entry]:
    found = list[Entry]()
    for entry in entries:
        assert not isinstance(entry, Erased)
        found.append(entry)
    return found


def flat_of(entries: Sequence[Entry]) -> list[bytes]:
    """Entries row by row."""
    return [row for entry in entries for row in flat(entry)]
