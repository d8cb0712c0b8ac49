"""The audit log of a run and its journal, made while it is scored."""

import secrets
import shutil
from collections.abc import Container, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from features.segments import Entry
from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from streams.audit.checkpoint import SignedCheckpoint, origin_of
from streams.audit.erasures import AUDIT
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier
from streams.audit.rows import Kept
from streams.audit.sealing import Sealing, beginning
from streams.audit.source import checkpoint_of, folder_source
from streams.audit.verify import verify_log
from streams.audit.visit_keys import KEY_BYTES, VISIT_KEYS, KeyFile, VisitKeys
from streams.codecs.journal import JournalWriter
from streams.pipeline import Said

JOURNAL, PUBLIC_KEY = "journal.parquet", "audit-key.txt"
TOGETHER = 1_024  # leaves that are appended at once


def begin_log(folder: Path, signers: Sequence[Signer] = ()) -> Log:
    """An empty audit log in a run's folder, and the keys that verify it. Before it is published it claims nothing.

    Args:
        folder: of the run; a log that an earlier run left there is replaced.
        signers: whose keys are kept; without, a key is made for this log alone and thrown away with the last
            signature, so that nobody can ever add to the log.
    """
    shutil.rmtree(folder / AUDIT, ignore_errors=True)
    number = secrets.token_hex(8)
    origin = f"{signers[0].verifier.name}/run-{number}" if signers else f"vigil-run-{number}"
    used = tuple(signers) or (Signer.generate(origin),)
    (folder / PUBLIC_KEY).write_text("".join(f"{one.verifier.vkey}\n" for one in used), encoding="utf-8")
    return Log(folder / AUDIT, origin, used)


class RunLog:
    """Keeps the journal of a run, and seals what it publishes, in its folder."""

    def __init__(
        self,
        folder: Path,
        site: Site,
        bundle: Bundle,
        signers: Sequence[Signer] = (),
        normality: Normality | None = None,
    ) -> None:
        self._log, self._keys = begin_log(folder, signers), KeyFile(folder / VISIT_KEYS)
        self._journal = JournalWriter(folder / JOURNAL)
        self._sealing = Sealing(VisitKeys(secrets.token_bytes(KEY_BYTES)))
        self._leaves = [beginning(site, bundle, normality)]

    def keep(self, entry: Entry) -> Kept:
        """Append an entry to the journal."""
        kept = self._sealing.keep(entry)
        self._journal.append(kept.rows)
        return kept

    def take(self, kept: Kept, said: Said) -> None:
        """Seal an entry of the journal and what it led to."""
        self._leaves += [leaf.value for leaf in self._sealing.take(kept, said)]
        if len(self._leaves) >= TOGETHER:
            self._append()

    def forget(self, present: Container[str]) -> None:
        """Let go of the keys of persons of whom nothing more can come."""
        self._sealing.forget(present)

    def finish(self) -> None:
        """Publish the checkpoint."""
        self._append()
        self._log.publish()

    def close(self) -> None:
        """Finish the files."""
        self._journal.close()
        self._keys.close()
        self._log.close()

    def _append(self) -> None:
        self._keys.add(self._sealing.keys.told())
        self._log.append(self._leaves)
        self._leaves = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def verify_run_log(folder: Path, verifiers: Sequence[Verifier]) -> SignedCheckpoint:
    """Verify the log in a run's folder: signature, every leaf, every tile and the root.

    Raises:
        AuditError: something does not hold.
    """
    source = folder_source(folder / AUDIT)
    origin = origin_of(checkpoint_of(source), verifiers, str(folder / AUDIT / "checkpoint"))
    return verify_log(source, origin, verifiers, lambda _: None)
