"""Checking a contest with nothing but itself: every proof, every record, and every score made anew."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from features.events import Disposition, Rejection
from features.sequence import CATALOGUE
from models.bundle import load
from models.decision import alert_again, score_again
from models.records import Alert, Score
from streams.audit.checkpoint import SignedCheckpoint, origin_of
from streams.audit.cosignature import Quorum, Seen
from streams.audit.disclosure import disclosed, opened
from streams.audit.errors import AuditError, FormatError
from streams.audit.note import Verifier, parse_note, verify_note
from streams.audit.proof import check_proof, parse_proof
from streams.audit.records import Beginning, decode_record
from streams.contesting.contest import Contest, ContestedRecord, content_digest
from streams.contesting.remaking import check_seconds


class CheckedContest(NamedTuple):
    """What a contest shows.

    Attributes:
        signed: the checkpoint that every proof leads to.
        seen: the witnesses who cosigned it.
        beginning: the last of the log, with which site, bundle and version scores were made.
        vouching: who signed for the whole file; empty where nobody did.
        remade: how many scores' features came out the same from the seconds told; of scores of joined tracks none do.
    """

    signed: SignedCheckpoint
    seen: list[Seen]
    beginning: Beginning
    vouching: list[Verifier]
    remade: int


class _Proven(NamedTuple):
    entry: int
    leaf: bytes
    own: bytes | None
    signed: SignedCheckpoint
    seen: list[Seen]


class _Checking(NamedTuple):
    """By what it is checked."""

    contest: Contest
    verifiers: Sequence[Verifier]
    quorum: Quorum
    where: str

    def proven(self, text: str, where: str) -> _Proven:
        """A proof that holds, of the log and at the checkpoint of all the others."""
        proof = parse_proof(text.encode(), where)
        leaf, own = disclosed(proof.extra or b"", where)
        origin = origin_of(proof.checkpoint, self.verifiers, where)
        checked = check_proof(proof, leaf, origin, self.verifiers, self.quorum, where)
        first = parse_proof(self.contest.beginnings[0].encode(), where)
        _must_be("checkpoint", proof.checkpoint, first.checkpoint, where)
        return _Proven(proof.leaf_index, leaf, own, checked.signed, checked.seen)


def check_contest(
    contest: Contest, verifiers: Sequence[Verifier], quorum: Quorum, where: str = "contest.json"
) -> CheckedContest:
    """Check everything in a contest that can be checked without the run it is of.

    Args:
        contest: out of its file.
        verifiers: keys of the log, of which one must have signed.
        quorum: the witnesses of whom enough must have cosigned.
        where: what errors name.

    Raises:
        AuditError: something does not hold.
    """
    checking = _Checking(contest, verifiers, quorum, where)
    _must_be("digest", contest.digest, content_digest(contest), where)
    vouching = _vouching(contest, verifiers, where)
    _check_bundle(contest, where)
    begun = dict(_beginnings(checking))
    _check_records(checking, begun)
    _check_names(contest, where)
    remade = check_seconds(contest, where)
    last = checking.proven(contest.beginnings[-1], f"{where}: beginnings")
    return CheckedContest(last.signed, last.seen, begun[last.entry], vouching, remade)


def _vouching(contest: Contest, verifiers: Sequence[Verifier], where: str) -> list[Verifier]:
    if not contest.signed:
        return []
    note = parse_note(contest.signed.encode(), f"{where}: signed")
    _must_be("signed", " ".join(note.text.split()), " ".join(contest.note.split()), where)
    return verify_note(note, verifiers, f"{where}: signed")


def _check_bundle(contest: Contest, where: str) -> None:
    try:
        load(msgspec.json.encode(contest.bundle))
    except Rejection as why:
        raise FormatError(f"bundle{why.field.removeprefix('$')}", why.expected, why.got, where) from None


def _beginnings(checking: _Checking) -> Iterator[tuple[int, Beginning]]:
    """Each beginning by its place in the log, which starts with one."""
    if not checking.contest.beginnings:
        raise FormatError("beginnings", "at least one", "none", checking.where)
    before = -1
    for at, text in enumerate(checking.contest.beginnings):
        where = f"{checking.where}: beginnings[{at}]"
        proven = checking.proven(text, where)
        record = decode_record(proven.leaf, where)
        if not isinstance(record, Beginning):
            raise FormatError("record", "the beginning of a log", "another", where)
        _must_follow(proven.entry, before, where)
        if not at:
            _must_be("entry", proven.entry, 0, where)
        before = proven.entry
        yield proven.entry, record


def _check_records(checking: _Checking, begun: dict[int, Beginning]) -> None:
    scores: dict[str, Score] = {}
    before = 0
    for at, record in enumerate(checking.contest.records):
        where = f"{checking.where}: records[{at}]"
        _must_follow(record.entry, before, where)
        before = record.entry
        _check_record(checking, record, where)
        if isinstance(record.said, Score):
            beginning = begun[max(index for index in begun if index < record.entry)]
            _must_be("said.bundle", record.said.bundle, beginning.bundle.hex(), where)
            _check_score(checking.contest, record.said, record.features, where)
            scores[record.said.id] = record.said
        elif isinstance(record.said, Alert):
            _check_alert(record.said, scores, where)


def _check_record(checking: _Checking, record: ContestedRecord, where: str) -> None:
    """The record is in the log, opens, and says what is shown."""
    proven = checking.proven(record.proof, where)
    if proven.own is None:
        raise FormatError("proof", "one that opens its record", "one that does not", where)
    found = opened(proven.leaf, proven.own, where)
    _must_be("entry", record.entry, proven.entry, where)
    _must_be_same("said", record.said, found.published, where)
    _must_be("journal", record.journal, found.journal.hex(), where)
    for name in record.features.keys() | found.features.keys():
        _must_be(f"features.{name}", record.features.get(name), found.features.get(name), where)
    if isinstance(record.said, Score):
        _must_be("said.position", record.said.position, found.position, where)
    if record.said.person not in checking.contest.names:
        raise AuditError("said.person", f"one of {', '.join(checking.contest.names)}", record.said.person, where)


def _check_score(contest: Contest, said: Score, features: dict[str, int], where: str) -> None:
    """The score is what the bundle gives for the features that were sealed with it."""
    _must_be("said.bundle", said.bundle, contest.bundle.digest, where)
    values = np.array([features[spec.name] for spec in CATALOGUE], np.int32)
    _must_be_same("said", said, score_again(said, values, contest.bundle), where)
    if said.score is not None:
        points = contest.bundle.scorecard.base + sum(part.points for part in said.contributions)
        _must_be("said.score, by its contributions", said.score, points, where)


def _check_alert(said: Alert, scores: dict[str, Score], where: str) -> None:
    if said.score_id not in scores:
        raise AuditError("said.score_id", "a score among the records before it", said.score_id, where)
    _must_be_same("said", said, alert_again(said, scores[said.score_id]), where)


def _check_names(contest: Contest, where: str) -> None:
    """The names told are those the records are of."""
    names = sorted({record.said.person for record in contest.records})
    _must_be("names", contest.names, names, where)
    if contest.person not in names:
        raise AuditError("person", f"one of {', '.join(names) or 'nobody'}", contest.person, where)


def _must_follow(index: int, before: int, where: str) -> None:
    if index <= before:
        raise AuditError("entry", f"one after {before}", index, where)


def _must_be(field: str, told: object, found: object, where: str) -> None:
    if told != found:
        raise AuditError(field, found, told, where)


def _must_be_same(field: str, told: Score | Alert | Disposition, found: object, where: str) -> None:
    """Two records are the same; the first field in which they are not is named."""
    if type(told) is not type(found):
        raise AuditError(field, type(found).__name__, type(told).__name__, where)
    for name in told.__struct_fields__:
        _must_be(f"{field}.{name}", getattr(told, name), getattr(found, name), where)
