"""Sealed runs that were changed afterwards, each in one thing."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from features.segments import NO_TIME, SegmentBlock
from models.bundle import AbstainRule, default_bundle, dump, seal
from streams.audit.erasures import AUDIT
from streams.audit.log import Log
from streams.audit.note import Signer, parse_note
from streams.audit.reader import LogReader
from streams.audit.rows import Row, seal_entry
from streams.audit.run_log import JOURNAL
from streams.audit.source import folder_source
from streams.audit.visit_keys import VisitKeys
from streams.codecs.journal import JournalWriter, read_rows
from streams.embedded import BUNDLE
from streams.recording import SITE
from streams.runs import open_run
from streams.site_file import dump_site


def leaves_of(run: Path) -> list[bytes]:
    """The leaves of a run's log."""
    source = folder_source(run / AUDIT)
    size = int(parse_note((run / AUDIT / "checkpoint").read_bytes()).text.split("\n")[1])
    return list(LogReader(source, size).entries(0, size))


def with_rows(run: Path, change: Callable[[list[Row]], None]) -> None:
    """The journal with other rows."""
    rows = [row for some in read_rows(run / JOURNAL) for row in some]
    change(rows)
    writer = JournalWriter(run / JOURNAL)
    writer.append(rows)
    writer.close()


def change_journal(run: Path, field: str = "x") -> None:
    """One bit of each second of somebody, sealed anew as by whoever has the key."""

    def reseal(rows: list[Row]) -> None:
        opener = open_run(run).opener()
        middle = next(row for row in rows[len(rows) // 2 :] if row.time_ms != NO_TIME)
        for at, row in enumerate(rows):
            if row.visit == middle.visit and row.time_ms != NO_TIME:
                (kept,) = opener.open([row])
                assert isinstance(kept.entry, SegmentBlock)
                kept.entry.rows[field] ^= 1
                keys = VisitKeys(b"", dict.fromkeys(kept.entry.tracks, opener.keys[row.visit]))
                (rows[at],) = seal_entry(kept.entry, row.position, keys)

    with_rows(run, reseal)


def change_bundle(run: Path) -> None:
    """One figure of one rule, sealed anew."""
    (run / BUNDLE).write_bytes(dump(seal(msgspec.structs.replace(default_bundle(), abstain=AbstainRule(observed_s=6)))))


def spoil_bundle(run: Path) -> None:
    """One bit of one figure, and nothing sealed anew."""
    content = bytearray((run / BUNDLE).read_bytes())
    content[content.index(b'"points"') + 10] ^= 1
    (run / BUNDLE).write_bytes(content)


def change_site(run: Path) -> None:
    """The name."""
    site = open_run(run).site
    (run / SITE).write_text(dump_site(msgspec.structs.replace(site, name="another")), encoding="utf-8")


def sealed_anew(run: Path, leaves: Sequence[bytes], signer: Signer) -> None:
    """The log of these leaves, rightly signed."""
    origin = parse_note((run / AUDIT / "checkpoint").read_bytes()).text.partition("\n")[0]
    shutil.rmtree(run / AUDIT)
    with Log(run / AUDIT, origin, [signer]) as log:
        log.append(leaves)
        log.publish()


def change_record(run: Path) -> None:
    """One bit of one leaf."""
    bundle = next(path for path in (run / AUDIT / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[200] ^= 1
    bundle.write_bytes(content)
