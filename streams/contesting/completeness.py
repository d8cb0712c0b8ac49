"""Whether a contest has all that a log holds of its visits: for whoever is given the log as well."""

from streams.audit.checkpoint import Checkpoint
from streams.audit.disclosure import disclosed
from streams.audit.errors import AuditError, ForkError, RewindError
from streams.audit.merkle import Frontier, leaf_hashes
from streams.audit.proof import parse_proof
from streams.audit.records import Entry, decode_record
from streams.audit.tiles import WIDTH
from streams.audit.visit_entries import ProvableLog
from streams.contesting.contest import Contest


def check_complete(contest: Contest, checkpoint: Checkpoint, log: ProvableLog, where: str) -> None:
    """Check that a log, up to a checkpoint, has no more entries of the visits in a contest than the contest has.

    Args:
        contest: checked.
        checkpoint: that its proofs lead to.
        log: the same or grown since.
        where: what errors name.

    Raises:
        RewindError, ForkError: the log is another, or smaller.
        AuditError: it has an entry more.
    """
    if log.claimed.size < checkpoint.size:
        raise RewindError("size", f"{checkpoint.size} or more, as in {where}", log.claimed.size, log.place)
    there = {record.entry for record in contest.records}
    visits = {_visit(record.proof, where) for record in contest.records}
    frontier = Frontier()
    for first in range(0, checkpoint.size, WIDTH):
        leaves = list(log.reader.entries(first, min(first + WIDTH, checkpoint.size)))
        frontier = frontier.append(leaf_hashes(leaves))
        for index, leaf in enumerate(leaves, first):
            record = decode_record(leaf, f"{log.place}: leaf {index}")
            if isinstance(record, Entry) and record.visit in visits and index not in there:
                raise AuditError("records", f"entry {index} of the log too, of the same visit", "none", where)
    if frontier.root != checkpoint.root:
        raise ForkError(f"root of {checkpoint.size} leaves", checkpoint.root.hex(), frontier.root.hex(), log.place)


def _visit(proof: str, where: str) -> bytes:
    leaf, _ = disclosed(parse_proof(proof.encode(), where).extra or b"", where)
    record = decode_record(leaf, where)
    return record.visit if isinstance(record, Entry) else b""
