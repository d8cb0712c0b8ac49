"""Contests that are each wrong in one thing, and the reason they are refused for."""

import re
from base64 import b64decode
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.events import Disposition
from features.segments import SEGMENT
from models.records import Alert, Score
from streams.audit.cosignature import Quorum
from streams.audit.errors import AuditError, ForkError, FormatError, RewindError, SignatureError
from streams.audit.note import Signer
from streams.audit.proof import parse_proof
from streams.audit.visit_entries import ProvableLog
from streams.contesting.checking import check_contest
from streams.contesting.completeness import check_complete
from streams.contesting.contest import Contest, decode_contest, encode_contest, sealed
from streams.contesting.page import drawn_page
from tests.running.audit_logs import cosigner, log, signer
from tests.running.contest_forgeries import Change, changed, leaves, lying, value_of
from tests.running.contests import KEYS, LINKED, PAID, SPLIT, SPLIT_FROM, checked, contest_of, sealed_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed_run(tmp_path_factory.mktemp("contested"))


@pytest.fixture(scope="module")
def linked(run: Path) -> Contest:
    return contest_of(run, LINKED)


@pytest.fixture(scope="module")
def split(run: Path) -> Contest:
    """One that has everything: a purchase, changes, an alert and a verdict."""
    contest = contest_of(run, SPLIT)
    assert all((contest.told.purchases, contest.told.changes, contest.alerts))
    assert isinstance(contest.records[-1].said, Disposition)
    return contest


def test_every_changed_field_is_refused(split: Contest) -> None:
    document = msgspec.json.decode(encode_contest(split))
    paths = list(leaves(document))
    assert len(paths) > 350
    for path in paths:
        with pytest.raises(AuditError) as refused:
            check_contest(decode_contest(msgspec.json.encode(changed(document, path))), KEYS, Quorum())
        assert refused.value.expected != refused.value.got, path


PROVEN = ("format", "person", "names", "beginnings", "records", "bundle")


def test_what_is_proven_is_refused_under_a_new_digest(split: Contest) -> None:
    """Whoever changes the file can make its digest anew, but not what the log has."""
    document = msgspec.json.decode(encode_contest(split))
    for path in leaves({name: document[name] for name in PROVEN}):
        try:
            forged = msgspec.convert(changed(document, path), Contest)
        except msgspec.ValidationError:
            continue
        if forged == split:
            continue  # a field more where unknown ones are passed over: it is refused when it is read
        with pytest.raises(AuditError) as refused:
            checked(sealed(forged))
        assert refused.value.where, path


def re_said(contest: Contest, at: int, **said: object) -> Contest:
    """The contest with a record that says something else."""
    record = contest.records[at]
    other = msgspec.structs.replace(record, said=msgspec.structs.replace(record.said, **said))
    return sealed(msgspec.structs.replace(contest, records=[*contest.records[:at], other, *contest.records[at + 1 :]]))


def with_proof(contest: Contest, at: int, proof: str) -> Contest:
    record = msgspec.structs.replace(contest.records[at], proof=proof)
    return sealed(msgspec.structs.replace(contest, records=[*contest.records[:at], record, *contest.records[at + 1 :]]))


def test_reasons_name_record_and_field(linked: Contest) -> None:
    at = next(at for at, one in enumerate(linked.records) if isinstance(one.said, Score) and one.said.contributions)
    said = linked.records[at].said
    assert isinstance(said, Score)
    assert said.score is not None
    with pytest.raises(AuditError, match=rf"records\[{at}\]: said.score: expected {said.score}, got {said.score + 1}$"):
        checked(re_said(linked, at, score=said.score + 1))
    with pytest.raises(AuditError, match=rf"records\[{at}\]: said.contributions: expected "):
        checked(re_said(linked, at, contributions=said.contributions[1:]))
    with pytest.raises(AuditError, match=rf"records\[{at}\]: entry: expected "):
        checked(with_proof(linked, at, linked.records[at + 1].proof))
    proof = parse_proof(linked.records[at].proof.encode())
    closed = proof._replace(extra=b64decode(b"AAAA")).encoded.decode()
    with pytest.raises(AuditError, match=rf"records\[{at}\]: root by the inclusion proof: expected "):
        checked(with_proof(linked, at, closed))


def test_a_record_twice_or_out_of_order_is_refused(linked: Contest) -> None:
    for records in ([*linked.records, linked.records[-1]], linked.records[::-1]):
        with pytest.raises(AuditError, match=r"records\[\d+\]: entry: expected one after \d+, got \d+$"):
            checked(sealed(msgspec.structs.replace(linked, records=records)))


def test_a_score_that_was_left_out_is_missed(run: Path) -> None:
    contest = contest_of(run, PAID)
    assert not contest.alerts
    for at in range(len(contest.records)):
        fewer = [*contest.records[:at], *contest.records[at + 1 :]]
        said = contest.records[at].said
        if any(one.said.time_ms == said.time_ms for one in fewer) or getattr(said, "kind", "") == "interim":
            continue  # a correction of the same instant, or a score that only tells of another band
        with pytest.raises(AuditError, match=r"records: expected the (grid|final) score of floor/6/1700000145 at "):
            checked(sealed(msgspec.structs.replace(contest, records=fewer)))


def test_an_alert_without_its_score_is_refused(run: Path) -> None:
    contest = contest_of(run, SPLIT_FROM)
    at = next(at for at, one in enumerate(contest.records) if isinstance(one.said, Alert))
    alert = contest.records[at].said
    assert isinstance(alert, Alert)
    fewer = [one for one in contest.records if not isinstance(one.said, Score) or one.said.id != alert.score_id]
    with pytest.raises(AuditError, match=r"said\.score_id: expected a score among the records before it, got "):
        checked(sealed(msgspec.structs.replace(contest, records=fewer)))


replace = msgspec.structs.replace
LIES: list[tuple[str, type[Score | Alert], Change, str]] = [
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, score=said.score + 1), values),
        "said.score: expected",
    ),
    ("corridor/6/1700000093", Score, lambda said, values: (replace(said, band="low"), values), "said.band: expected"),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, contributions=[]), values),
        "said.contributions: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, counterfactual=[]), values),
        "said.counterfactual: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, events=("ran",)), values),
        "said.events: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, bundle="0" * 64), values),
        "said.bundle: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (replace(said, position=1), values),
        "said.position: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (said, value_of(values, "pacing_reversals", 0)),
        "said.score: expected",
    ),
    (
        "corridor/6/1700000093",
        Score,
        lambda said, values: (said, value_of(values, "speed_60s", 9)),
        "speed_60s by the seconds told: expected 9",
    ),
    ("corridor/6/1700000093", Score, lambda said, values: (said, values[4:]), "features: expected"),
    (SPLIT_FROM, Alert, lambda said, values: (replace(said, events=("ran",)), values), "said.events: expected"),
    (SPLIT_FROM, Alert, lambda said, values: (replace(said, reasons=[]), values), "said.reasons: expected"),
    (SPLIT_FROM, Alert, lambda said, values: (replace(said, score=999), values), "said.score: expected"),
]


@pytest.mark.parametrize(("person", "kind", "change", "why"), LIES)
def test_a_log_that_lies_is_found_out(
    run: Path, tmp_path: Path, person: str, kind: type[Score | Alert], change: Change, why: str
) -> None:
    """Even where its owner signed it, a record that does not follow from what was seen is refused."""
    with pytest.raises(AuditError, match=re.escape(why)):
        checked(lying(run, tmp_path, person, kind, change))


def test_a_log_that_is_made_again_holds(run: Path, tmp_path: Path) -> None:
    assert checked(lying(run, tmp_path, SPLIT_FROM, Score, lambda said, values: (said, values)))


@pytest.mark.parametrize("column", ["x", "y", "zones", "frames", "hands_at_waist", "reach", "posed", "lean_cdeg"])
def test_seconds_that_were_not_those_give_other_features(run: Path, column: str) -> None:
    contest = contest_of(run, "corridor/4/1700000086")
    track = contest.told.tracks[0]
    for other in ([0] * len(track.columns[column]), track.columns[column][::-1]):
        if other == track.columns[column]:
            continue
        forged = msgspec.structs.replace(track, columns=track.columns | {column: other})
        told = msgspec.structs.replace(contest.told, tracks=[forged])
        with pytest.raises(AuditError, match=r"by the seconds told|told\.tracks|records: expected"):
            checked(sealed(msgspec.structs.replace(contest, told=told)))


WHOLE = [(name, SEGMENT[name].base) for name in SEGMENT.names or () if not SEGMENT[name].shape]
FORGERIES = st.sampled_from(WHOLE).flatmap(
    lambda one: st.tuples(
        st.just(one[0]),
        st.integers(0, 20),
        st.lists(st.integers(np.iinfo(one[1]).min, np.iinfo(one[1]).max), min_size=1, max_size=4),
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forgery=FORGERIES, off=st.integers(-(2**40), 2**40))
def test_seconds_of_any_kind_hold_or_are_refused(split: Contest, forgery: tuple[str, int, list[int]], off: int) -> None:
    name, first, values = forgery
    track = split.told.tracks[0]
    column = [*track.columns[name][:first], *values, *track.columns[name][first + len(values) :]]
    forged = msgspec.structs.replace(track, columns=track.columns | {name: column})
    contest = sealed(
        msgspec.structs.replace(
            split, told=msgspec.structs.replace(split.told, tracks=[forged], utc_offset_minutes=off)
        )
    )
    with suppress(AuditError):
        drawn_page(contest, checked(contest), "contest.json")


def test_who_signed_vouches_for_what_is_told_too(run: Path) -> None:
    contest = contest_of(run, LINKED, [signer()])
    assert checked(contest).vouching == KEYS
    told = msgspec.structs.replace(contest.told, site="another")
    forged = sealed(msgspec.structs.replace(contest, told=told))
    assert checked(forged).vouching == []
    with pytest.raises(AuditError, match="signed: expected vigil contest v1"):
        checked(msgspec.structs.replace(forged, signed=contest.signed))
    with pytest.raises(SignatureError, match="signed: signatures: expected one by"):
        checked(sealed(contest, [Signer.generate("other.example")]))
    with pytest.raises(SignatureError, match=r"signature"):
        checked(sealed(contest, [signer("forger")]))


def test_who_has_the_log_sees_what_was_left_out(run: Path, tmp_path: Path, linked: Contest) -> None:
    at, checkpoint = ProvableLog.at, checked(linked).signed.checkpoint
    check_complete(linked, checkpoint, at(str(run)), "c")
    for place in (0, len(linked.records) // 2):
        fewer = [*linked.records[:place], *linked.records[place + 1 :]]
        left = linked.records[place].entry
        with pytest.raises(AuditError, match=f"c: records: expected entry {left} of the log too, of the same visit"):
            check_complete(msgspec.structs.replace(linked, records=fewer), checkpoint, at(str(run)), "c")
    entries = ProvableLog.at(str(run)).reader.entries(0, checkpoint.size)
    with log(tmp_path / "grown") as grown:
        grown.append([*entries, b"\x95\x01\xc4\x00\xc4\x00\x01\xa1v"])
        grown.publish()
    check_complete(linked, checkpoint, at(str(tmp_path / "grown")), "c")
    with pytest.raises(RewindError, match="size: expected"):
        check_complete(linked, checkpoint._replace(size=checkpoint.size + 2), at(str(tmp_path / "grown")), "c")
    with pytest.raises(ForkError, match="root of"):
        check_complete(linked, checkpoint._replace(root=bytes(32)), at(str(run)), "c")


def test_another_log_and_missing_witnesses_are_refused(linked: Contest) -> None:
    with pytest.raises(FormatError, match=r"origin: expected that of other\.example"):
        checked(linked, [Signer.generate("other.example").verifier])
    with pytest.raises(SignatureError):
        checked(linked, [signer("forger").verifier])
    with pytest.raises(AuditError, match=r"cosignatures: expected 1 of witness\.example/one, got 0: nobody"):
        check_contest(linked, KEYS, Quorum((cosigner("one").witness,), 1))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'{\n "format"', b'{\n "digest": "",\n "format"', "expected the fields of a contest, each once"),
        (b'"entry": ', b'"entry": 0', "expected"),
        (b'"camera"', b'"\\u0063amera"', "expected the fields of a contest, each once"),
        (b'"journal"', b'"jrnal"', "expected"),
        (b"}", b"", "expected JSON"),
        (b'"score"', b"7", r"records\[0\].said.type: expected"),
        (b"vigil contest v1", b"vigil contest v2", "format: expected"),
    ],
)
def test_another_form_is_refused(linked: Contest, old: bytes, new: bytes, why: str) -> None:
    encoded = encode_contest(linked)
    assert old in encoded
    with pytest.raises(FormatError, match=why):
        decode_contest(encoded.replace(old, new, 1))
    with pytest.raises(FormatError):
        decode_contest(encoded[:-3])
