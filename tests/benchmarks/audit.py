"""The audit log on one core, beside pymerkle, which keeps its tree in SQLite: adding leaves, proofs, verification.

Records are of the size of a score's. pymerkle seals nothing: it is given leaves that are as long and were made before.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

from pymerkle import SqliteTree
from rich.table import Table

from features.sequence import CATALOGUE
from streams.audit.log import Log
from streams.audit.merkle import leaf_hash, verify_inclusion
from streams.audit.records import DIGEST_BYTES, Content, Kind, Public, encode_record, sealed_entry
from streams.audit.source import folder_source
from streams.audit.verify import verify_log
from streams.audit.visit_keys import KEY_BYTES, VisitKey
from tests.running.audit_logs import ORIGIN, log, signer

LEAF_BYTES, BATCH = 400, 300
LEAVES, MANY = 1_000_000, 10_000_000
PUBLISH_EVERY = 20_000
RECORDS, VISITS, PUBLISHED_BYTES = 300_000, 1_000, 390
PROOFS, REPEATS = 2_000, 5
REST = bytes(LEAF_BYTES - 8)


def audit() -> Table:
    """Leaves a second, and what proofs and verification take."""
    title = f"Audit log, leaves of {LEAF_BYTES} bytes in batches of {BATCH}, one core"
    table = Table("", "target", "Vigil", "pymerkle", title=title, highlight=True)
    with tempfile.TemporaryDirectory() as scratch:
        _append(table, Path(scratch))
        _seal(table, Path(scratch, "sealed"))
        with log(Path(scratch, "0")) as ours, SqliteTree(f"{scratch}/0.sqlite") as theirs:
            _prove(table, ours, theirs)
        _verify(table, Path(scratch, "0"))
    with tempfile.TemporaryDirectory() as scratch, log(Path(scratch)) as large:
        for first in range(0, MANY, 100_000):
            large.append([index.to_bytes(8, "big") for index in range(first, first + 100_000)])
        large.publish()
        reader = large.reader()
        table.add_row(f"a proof from {MANY:,} leaves, ms", "1", f"{_median_ms(reader.inclusion, MANY):.3f}", "")
    return table


def _append(table: Table, folder: Path) -> None:
    """The first log and the first database stay, for the proofs."""
    rarely = _median_s(lambda repeat: _vigil(folder / f"{repeat}", PUBLISH_EVERY, _batches()))
    each = _median_s(lambda repeat: _vigil(folder / f"each-{repeat}", BATCH, _batches()))
    theirs_rarely = _median_s(lambda repeat: _pymerkle(folder / f"{repeat}.sqlite", PUBLISH_EVERY, _batches()))
    theirs_each = _median_s(lambda repeat: _pymerkle(folder / f"each-{repeat}.sqlite", BATCH, _batches()))
    name = f"added, checkpoint (root) every {PUBLISH_EVERY:,} leaves, /s"
    table.add_row(name, "50,000", f"{LEAVES / rarely:,.0f}", f"{LEAVES / theirs_rarely:,.0f}")
    table.add_row(
        "added, checkpoint (root) each batch, /s", "", f"{LEAVES / each:,.0f}", f"{LEAVES / theirs_each:,.0f}"
    )


def _seal(table: Table, folder: Path) -> None:
    """Records made, sealed and added."""
    folder.mkdir()
    ours = _median_s(lambda repeat: _vigil(folder / f"{repeat}", PUBLISH_EVERY, _records()))
    made = list(_records())
    theirs = _median_s(lambda repeat: _pymerkle(folder / f"{repeat}.sqlite", PUBLISH_EVERY, iter(made)))
    name = f"records of {len(made[0][0])} bytes sealed and added, /s"
    table.add_row(name, "50,000", f"{RECORDS / ours:,.0f}", f"{RECORDS / theirs:,.0f} unsealed")


def _records() -> Iterator[list[bytes]]:
    """Leaves as they are sealed, no two from the same content."""
    keys = [VisitKey(f"floor/{number}/0", number.to_bytes(KEY_BYTES, "big")) for number in range(VISITS)]
    digest, values = bytes(DIGEST_BYTES), bytes(4 * len(CATALOGUE))
    for first in range(0, RECORDS, BATCH):
        contents = [(at, Content(digest, b"%*d" % (PUBLISHED_BYTES, at), values)) for at in range(first, first + BATCH)]
        keyed = [(at, keys[at % VISITS], content) for at, content in contents]
        yield [encode_record(sealed_entry(Public(Kind.SCORE, at, key.id), key, content)) for at, key, content in keyed]


def _vigil(folder: Path, publish_every: int, batches: Iterator[list[bytes]]) -> None:
    with log(folder) as opened:
        for batch in batches:
            opened.append(batch)
            if opened.size - opened.checkpoint.size >= publish_every:
                opened.publish()
        opened.publish()


def _pymerkle(path: Path, root_every: int, batches: Iterator[list[bytes]]) -> None:
    """Each batch is committed, and the root computed, which a checkpoint would need."""
    with SqliteTree(str(path)) as tree:
        rooted = 0
        for batch in batches:
            size = tree.append_entries(batch)
            if size - rooted >= root_every:
                tree.get_root()
                rooted = size


def _prove(table: Table, ours: Log, theirs: SqliteTree) -> None:
    reader, root = ours.reader(), ours.checkpoint.root
    if theirs.get_root() != root:
        raise AssertionError("the two trees have different roots")
    vigil, other = _median_ms(reader.inclusion, LEAVES), _median_ms(lambda at: theirs.prove_inclusion(at + 1), LEAVES)
    table.add_row(f"a proof from {LEAVES:,} leaves, ms", "1", f"{vigil:.3f}", f"{other:.3f}")
    proof, hashed = reader.inclusion(7), leaf_hash(_leaf(7))
    checked = _median_ms(lambda _: verify_inclusion(7, LEAVES, hashed, proof, root), LEAVES)
    table.add_row("a proof checked, ms", "", f"{checked:.3f}", "")


def _verify(table: Table, folder: Path) -> None:
    seconds = _seconds(lambda: verify_log(folder_source(folder), ORIGIN, [signer().verifier], lambda _: None))
    table.add_row(f"{LEAVES:,} leaves verified, s", "20", f"{seconds:.2f}", "")
    opened = _seconds(lambda: log(folder).close())
    table.add_row("opened for writing, ms", "", f"{opened * 1e3:.1f}", "")


def _batches() -> Iterator[list[bytes]]:
    for first in range(0, LEAVES, BATCH):
        yield [_leaf(index) for index in range(first, min(first + BATCH, LEAVES))]


def _leaf(index: int) -> bytes:
    return index.to_bytes(8, "big") + REST


def _median_ms(prove: Callable[[int], object], size: int) -> float:
    random = Random(1)
    return median(_seconds(lambda: prove(random.randrange(size))) for _ in range(PROOFS)) * 1e3


def _median_s(work: Callable[[int], None]) -> float:
    return median(_seconds(lambda repeat=repeat: work(repeat)) for repeat in range(REPEATS))  # type: ignore[misc]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
