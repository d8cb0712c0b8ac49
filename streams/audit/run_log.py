"""The audit log of a run: made while it is scored, and made again from its journal to be compared."""

import secrets
import shutil
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
import numpy as np

from features.segments import Entry
from features.sequence import CATALOGUE
from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from streams.audit.checkpoint import SignedCheckpoint
from streams.audit.errors import AuditError, FormatError
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier, parse_note
from streams.audit.reader import LogReader
from streams.audit.records import Beginning, Content, Kind, Record, decode_record, open_entry
from streams.audit.sealing import Sealing, beginning
from streams.audit.source import checkpoint_of, folder_source
from streams.audit.verify import verify_log
from streams.audit.visit_keys import KEY_BYTES, KeyFile, RecordedKeys, VisitKey, VisitKeys, read_keys
from streams.pipeline import Said

AUDIT, VISIT_KEYS, PUBLIC_KEY = "audit", "visit-keys.jsonl", "audit-key.txt"
TOGETHER = 1_024  # leaves that are appended at once


class LogFiles:
    """The audit log and the keys of visits in a run's folder. Before it is published it claims nothing.

    Args:
        folder: of the run; a log that an earlier run left there is replaced.
        signers: whose keys are kept; without, a key is made for this log alone and thrown away with the last
            signature, so that nobody can ever add to the log.
    """

    def __init__(self, folder: Path, signers: Sequence[Signer] = ()) -> None:
        shutil.rmtree(folder / AUDIT, ignore_errors=True)
        number = secrets.token_hex(8)
        origin = f"{signers[0].verifier.name}/run-{number}" if signers else f"vigil-run-{number}"
        used = tuple(signers) or (Signer.generate(origin),)
        self._log = Log(folder / AUDIT, origin, used)
        self._keys = KeyFile(folder / VISIT_KEYS)
        (folder / PUBLIC_KEY).write_text("".join(f"{one.verifier.vkey}\n" for one in used), encoding="utf-8")

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._log.size

    def append(self, keys: Iterable[VisitKey], leaves: Sequence[bytes]) -> None:
        """The next keys and leaves."""
        self._keys.add(keys)
        self._log.append(leaves)

    def publish(self) -> None:
        """Publish the checkpoint."""
        self._log.publish()

    def close(self) -> None:
        """Finish the files."""
        self._keys.close()
        self._log.close()


class RunLog:
    """Seals what a run publishes, into its folder."""

    def __init__(
        self,
        folder: Path,
        site: Site,
        bundle: Bundle,
        signers: Sequence[Signer] = (),
        normality: Normality | None = None,
    ) -> None:
        self._files = LogFiles(folder, signers)
        self._sealing = Sealing(VisitKeys(secrets.token_bytes(KEY_BYTES)))
        self._leaves = [beginning(site, bundle, normality)]

    def take(self, entry: Entry, said: Said) -> None:
        """Seal an entry of the journal and what it led to."""
        self._leaves += [leaf.value for leaf in self._sealing.take(entry, said)]
        if len(self._leaves) >= TOGETHER:
            self._append()

    def forget(self, present: Container[str]) -> None:
        """Let go of the keys of persons of whom nothing more can come."""
        self._sealing.forget(present)

    def finish(self) -> None:
        """Publish the checkpoint."""
        self._append()
        self._files.publish()

    def _append(self) -> None:
        self._files.append(self._sealing.keys.told(), self._leaves)
        self._leaves = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


class Differs(NamedTuple):
    """The first leaf that is not what the journal gives: fields as (name, sealed, replayed)."""

    leaf: int
    fields: list[tuple[str, object, object]]


class DiffersError(AuditError):
    """A log that is not what its journal gives."""

    def __init__(self, differs: Differs) -> None:
        name, sealed, replayed = differs.fields[0]
        super().__init__(name, sealed, replayed, f"leaf {differs.leaf}")
        self.differs = differs


class Replayed(NamedTuple):
    """What was made again.

    Attributes:
        scores, alerts, dispositions: how many records of each kind.
        journal: digest of the whole journal.
    """

    scores: int
    alerts: int
    dispositions: int
    journal: bytes


@dataclass(slots=True)
class RunReplay:
    """Makes the log of a run again, leaf by leaf, with the keys the run left, and compares.

    Raises, from `take` and `finish`:
        DiffersError: the first leaf that differs.
        AuditError: a key is missing.
    """

    keys: Path
    sealed: Iterator[bytes]
    sealing: Sealing
    leaf: int
    counts: dict[int, int]

    @classmethod
    def of(cls, folder: Path, site: Site, bundle: Bundle, size: int, normality: Normality | None = None) -> Self:
        """Ready for the first entry, after the log's beginning was compared."""
        sealed = LogReader(folder_source(folder / AUDIT), size).entries(0, size)
        keys = folder / VISIT_KEYS
        replay = cls(keys, sealed, Sealing(RecordedKeys.of_file(keys)), 0, {})
        replay._compare(beginning(site, bundle, normality))
        return replay

    def take(self, entry: Entry, said: Said) -> None:
        """Compare the leaves of an entry of the journal."""
        for leaf in self.sealing.take(entry, said):
            self._compare(leaf.value)

    def forget(self, present: Container[str]) -> None:
        """Let go of the keys of persons of whom nothing more can come."""
        self.sealing.forget(present)

    def finish(self) -> Replayed:
        """The journal has ended; so must the log."""
        if (more := next(self.sealed, None)) is not None:
            raise DiffersError(Differs(self.leaf, [("record", self._told(decode_record(more)), "none")]))
        scores, alerts, dispositions = (self.counts.get(kind, 0) for kind in Kind)
        return Replayed(scores, alerts, dispositions, self.sealing.journal)

    def _compare(self, replayed: bytes) -> None:
        sealed = next(self.sealed, None)
        if sealed != replayed:
            raise DiffersError(Differs(self.leaf, self._fields(sealed, replayed)))
        record = decode_record(replayed)
        if not isinstance(record, Beginning):
            self.counts[record.kind] = self.counts.get(record.kind, 0) + 1
        self.leaf += 1

    def _fields(self, sealed: bytes | None, replayed: bytes) -> list[tuple[str, object, object]]:
        here = self._told(decode_record(sealed, f"leaf {self.leaf}")) if sealed is not None else {}
        there = self._told(decode_record(replayed))
        names = [name for name in (here | there) if here.get(name) != there.get(name)]
        return [(name, here.get(name, "none"), there.get(name, "none")) for name in names] or [("record", here, there)]

    def _told(self, record: Record) -> dict[str, object]:
        """A record in words, opened by the keys of its visit."""
        if isinstance(record, Beginning):
            digests = {name: getattr(record, name).hex() for name in ("site", "bundle", "normality")}
            return {**digests, "scoring_version": record.scoring_version, "vigil": record.vigil}
        told: dict[str, object] = {"kind": record.kind, "position": record.position, "visit": record.visit.hex()}
        content = next((open_entry(record, key) for key in read_keys(self.keys) if key.id == record.visit), None)
        return told | (_content(content) if content else {})


def _content(content: Content) -> dict[str, object]:
    """The fields of what was published, and by name the sequence features of a score."""
    values = np.frombuffer(content.values, "<i4").tolist()
    features = dict(zip((spec.name for spec in CATALOGUE), values, strict=False))
    return (
        {"journal": content.journal.hex()} | msgspec.json.decode(content.published, type=dict[str, object]) | features
    )


def verify_run_log(folder: Path, verifiers: Sequence[Verifier]) -> SignedCheckpoint:
    """Verify the log in a run's folder: signature, every leaf, every tile and the root.

    Raises:
        AuditError: something does not hold.
    """
    source = folder_source(folder / AUDIT)
    text = parse_note(checkpoint_of(source), str(folder / AUDIT / "checkpoint")).text
    origin = text.partition("\n")[0]
    if not any(origin == one.name or origin.startswith(f"{one.name}/run-") for one in verifiers):
        raise FormatError("origin", f"that of {verifiers[0].name}", origin, str(folder / AUDIT))
    return verify_log(source, origin, verifiers, lambda _: None)
