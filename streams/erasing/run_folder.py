"""Erasing persons from the folder of a run, so that every other proof and replay of it still holds.

What is to be done is written down first and thrown away last, so an erasure that was interrupted is gone on with. In
between: a tombstone is sealed in the audit log, public files and recordings are written anew, the keys are let go of.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from features.site import Site
from streams.audit.checkpoint import parse_checkpoint
from streams.audit.erasures import AUDIT, erasures_of
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier, parse_note
from streams.audit.records import Tombstone, encode_record
from streams.audit.run_log import PUBLIC_KEY
from streams.audit.source import checkpoint_of, folder_source
from streams.audit.visit_keys import VISIT_KEYS, read_keys, write_keys
from streams.embedded import ALERTS, DEAD_LETTERS, LATE, SCORES, SHADOW_SCORES
from streams.erasing.closure import Visits
from streams.erasing.files import Traces, erase_recording, is_late_of, is_published_of, keep_lines
from streams.jobs import write_whole
from streams.runs import ERASING

TOGETHER = 1_000  # names in one tombstone


class ToDo(Struct):
    """What is to be erased of a run.

    Attributes:
        names: of the persons, and of all they are tied to.
        reason: `asked` or `age`.
        recordings: folders whose person-frames and events the run was made of.
        trackers: (camera, tracker id, first, last), ms.
        receipts, tokens: as in `Traces`.
    """

    names: list[str]
    reason: str
    recordings: list[str]
    trackers: list[tuple[str, int, int, int]]
    receipts: list[str]
    tokens: list[str]

    @property
    def traces(self) -> Traces:
        """What tells that something is of these persons."""
        trackers = dict[tuple[str, int], list[tuple[int, int]]]()
        for camera, tracker, first_ms, last_ms in self.trackers:
            trackers.setdefault((camera, tracker), []).append((first_ms, last_ms))
        return Traces(frozenset(self.names), trackers, frozenset(self.receipts), frozenset(self.tokens))


def write_down(folder: Path, visits: Visits, names: Iterable[str], reason: str, recordings: Sequence[Path]) -> None:
    """Write down what is to be erased; from here on it is gone on with after a crash."""
    traces = Traces.of(visits, frozenset(names))
    spans = [(*tracker, *span) for tracker, found in sorted(traces.trackers.items()) for span in found]
    places = [str(path.resolve()) for path in recordings]
    to_do = ToDo(sorted(traces.names), reason, places, spans, sorted(traces.receipts), sorted(traces.tokens))
    write_whole(folder / ERASING, msgspec.json.encode(to_do))


def is_unfinished(folder: Path) -> bool:
    """Whether an erasure was interrupted."""
    return (folder / ERASING).exists()


def carry_out(folder: Path, site: Site, signers: Sequence[Signer] = ()) -> int:
    """Erase what was written down; how many keys of visits are gone.

    Args:
        folder: of the run.
        site: of the run.
        signers: of its audit log; without, a new key signs the tombstone and is put beside the log's first one.

    Raises:
        AuditError: the log cannot be gone on with.
        OSError: a file cannot be written.
    """
    to_do = msgspec.json.decode((folder / ERASING).read_bytes(), type=ToDo)
    names, keys = frozenset(to_do.names), read_keys(folder / VISIT_KEYS)
    _bury(folder, sorted(key.id for key in keys if key.name in names), to_do.reason, signers)
    _erase_files(folder, site, to_do)
    write_keys(folder / VISIT_KEYS, (key for key in keys if key.name not in names))
    (folder / ERASING).unlink()
    return sum(key.name in names for key in keys)


def _bury(folder: Path, visits: list[bytes], reason: str, signers: Sequence[Signer]) -> None:
    """Seal tombstones of the visits that have none yet."""
    if not (folder / AUDIT).exists():
        return
    known = erasures_of(folder).visits
    fresh = [visit for visit in visits if visit not in known]
    stones = [Tombstone(fresh[at : at + TOGETHER], reason) for at in range(0, len(fresh), TOGETHER)]
    if stones:
        with _log(folder, signers) as log:
            log.append([encode_record(stone) for stone in stones])
            log.publish()


def _log(folder: Path, signers: Sequence[Signer]) -> Log:
    lines = (folder / PUBLIC_KEY).read_text(encoding="utf-8").splitlines()
    verifiers = [Verifier.parse(line) for line in lines]
    where = str(folder / AUDIT / "checkpoint")
    origin = parse_checkpoint(parse_note(checkpoint_of(folder_source(folder / AUDIT)), where).text, where).origin
    used = tuple(signers) or (Signer.generate(origin),)
    told = [*lines, *(one.verifier.vkey for one in used if one.verifier.vkey not in lines)]
    write_whole(folder / PUBLIC_KEY, "".join(f"{line}\n" for line in told).encode())
    return Log(folder / AUDIT, origin, used, verifiers)


def _erase_files(folder: Path, site: Site, to_do: ToDo) -> None:
    traces = to_do.traces
    for name in (SCORES, SHADOW_SCORES, ALERTS):
        keep_lines(folder / name, lambda line: not is_published_of(line, traces))
    keep_lines(folder / LATE, lambda line: not is_late_of(line, traces))
    keep_lines(folder / DEAD_LETTERS, lambda line: not traces.within(line.replace(b'\\"', b'"')))
    for page in _pages(folder):
        page.unlink()
    for recording in map(Path, to_do.recordings):
        erase_recording(recording, site, traces)


def _pages(folder: Path) -> Iterator[Path]:
    """Pages about persons, which are made again when they are wanted."""
    return (path for path in folder.iterdir() if path.suffix == ".html")
