"""Which Vigil scores again what a log seals: one of its scoring version, as the log's beginning names."""

from importlib.metadata import version
from shlex import quote

from models.bundle import SCORING_VERSION
from streams.audit.checkpoint import parse_checkpoint
from streams.audit.errors import AuditError
from streams.audit.note import parse_note
from streams.audit.reader import LogReader
from streams.audit.records import Beginning, decode_record
from streams.audit.source import Source, checkpoint_of


def beginning_of(source: Source) -> Beginning | None:
    """The beginning of a log of records, as it stands there, not verified; None of another log."""
    try:
        size = parse_checkpoint(parse_note(checkpoint_of(source)).text).size
        record = decode_record(LogReader(source, size).leaf(0))
    except AuditError:
        return None
    return record if isinstance(record, Beginning) else None


def other_scoring(begun: Beginning | None, scoring_version: int) -> str:
    """What to do with records of another scoring version than this code's, as sentences."""
    here = f"{SCORING_VERSION}, that of vigil {version('vigil')}"
    differs = f"expected scoring version {here}, got {scoring_version}"
    if begun is None:
        return f"{differs}; no audit log says which vigil has it"
    install = quote(f"vigil=={begun.vigil}")
    return f"{differs}, that of vigil {begun.vigil}, which scores it again to the byte: pip install {install}"
