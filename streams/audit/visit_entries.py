"""What a log holds of some visits: the entries that their keys open, found by going through all of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from features.events import Disposition
from streams.audit.checkpoint import Checkpoint, parse_checkpoint
from streams.audit.disclosure import Opened, Published, disclose, opened
from streams.audit.erasures import AUDIT
from streams.audit.errors import UnusableError
from streams.audit.merkle import leaf_hash, verify_inclusion
from streams.audit.note import parse_note
from streams.audit.proof import LogProof
from streams.audit.reader import LogReader
from streams.audit.records import Beginning, Entry, decode_record
from streams.audit.source import checkpoint_of, source_of
from streams.audit.tiles import CHECKPOINT
from streams.audit.visit_keys import VISIT_KEYS, VisitKey, opening, read_keys


class Found(NamedTuple):
    """An entry of a visit, by its index; without a key the beginning of a log."""

    entry: int
    leaf: bytes
    key: VisitKey | None

    def open(self, where: str) -> Opened:
        """What the entry says.

        Raises:
            AuditError: it is not what the key sealed, or a beginning.
        """
        record = decode_record(self.leaf, where)
        own = opening(record.sealed.nonce, self.key) if isinstance(record, Entry) and self.key else b""
        return opened(self.leaf, own, where)


class ProvableLog(NamedTuple):
    """A log out of which entries are proven.

    Attributes:
        place: folder or URL.
        encoded: its checkpoint as it is served.
        claimed: what that says, its signatures not verified.
        reader: of all that it claims.
    """

    place: str
    encoded: bytes
    claimed: Checkpoint
    reader: LogReader

    @classmethod
    def at(cls, place: str) -> Self:
        """The log of a run's folder, or the one that a folder or a URL is.

        Raises:
            UnusableError: there is none.
            AuditError: its checkpoint is none.
        """
        folder = Path(place) / AUDIT
        place = str(folder) if folder.is_dir() else place
        source = source_of(place)
        encoded = checkpoint_of(source)
        claimed = parse_checkpoint(parse_note(encoded, CHECKPOINT).text, CHECKPOINT)
        return cls(place, encoded, claimed, LogReader(source, claimed.size))

    def entries(self, keys: Iterable[VisitKey]) -> Iterator[Found]:
        """The entries that these keys open, and every beginning, in the order of the log.

        Raises:
            AuditError: the log has an entry that is no record, or lacks some.
        """
        by_id = {key.id: key for key in keys}
        for index, leaf in enumerate(self.reader.entries(0, self.reader.size)):
            record = decode_record(leaf, f"{self.place}: leaf {index}")
            if isinstance(record, Beginning):
                yield Found(index, leaf, None)
            elif isinstance(record, Entry) and record.visit in by_id:
                yield Found(index, leaf, by_id[record.visit])

    def prove(self, index: int, extra: bytes = b"") -> LogProof:
        """The proof of an entry, verified but for the checkpoint's signature; its line `extra` is the leaf or another.

        Raises:
            UnusableError: the log has no such entry.
            AuditError: its files do not lead to the root.
        """
        if index >= self.reader.size:
            raise UnusableError("index", f"below {self.reader.size:,}, the entries of the log", index, self.place)
        leaf, hashes = self.reader.leaf(index), self.reader.inclusion(index)
        verify_inclusion(index, self.reader.size, leaf_hash(leaf), hashes, self.claimed.root)
        return LogProof(index, tuple(hashes), self.encoded, extra or leaf)

    def prove_opened(self, found: Found) -> LogProof:
        """The proof of an entry, with the key of its record.

        Raises:
            AuditError: as `prove`.
        """
        return self.prove(found.entry, disclose(found.leaf, found.key) if found.key else b"")


def keys_of(keys: Path, names: Iterable[str]) -> list[VisitKey]:
    """The keys of these persons' visits and of verdicts on them.

    Raises:
        UnusableError: the file is missing, or a line of it is no key.
    """
    wanted = set(names)
    return [key for key in read_keys(keys) if key.name in wanted]


def keys_beside(place: str) -> Path:
    """Where the keys are of what a run's folder, or the log in it, holds."""
    folder = Path(place)
    return (folder if (folder / AUDIT).is_dir() else folder.parent) / VISIT_KEYS


def find_entry(log: ProvableLog, keys: Path, name: str) -> Found:
    """The entry of a score, an alert or a disposition by its id.

    Raises:
        UnusableError: the keys open none of this id, or cannot be read.
        AuditError: an entry is not what its key sealed.
    """
    person, mark, _ = name.partition("#")
    for found in log.entries(keys_of(keys, [person]) if mark else read_keys(keys)):
        if found.key and _id(found.open(f"{log.place}: leaf {found.entry}").published) == name:
            return found
    what = "the id of a score, an alert or a disposition that a key opens"
    raise UnusableError("entry", f"an index, or {what}", name, f"{log.place}, {keys}")


def _id(published: Published) -> str:
    return published.disposition if isinstance(published, Disposition) else published.id
