"""A contest: everything of one person and nothing of others; whatever was changed in it is refused with a reason."""

import copy
import re
import shutil
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.events import Disposition
from features.segments import SEGMENT
from models.records import Alert, Score
from streams.audit.cosignature import Quorum
from streams.audit.errors import AuditError, ForkError, FormatError, RewindError, SignatureError, UnusableError
from streams.audit.note import Signer, Verifier
from streams.audit.proof import parse_proof
from streams.audit.run_log import VISIT_KEYS
from streams.audit.visit_entries import ProvableLog
from streams.audit.visit_keys import read_keys
from streams.cli import main
from streams.contesting.checking import CheckedContest, check_contest
from streams.contesting.completeness import check_complete
from streams.contesting.contest import Contest, decode_contest, encode_contest, sealed
from streams.contesting.page import contest_page, drawn_page
from streams.embedded import ALERTS, SCORES
from streams.runs import open_run, read_lines
from tests.running.audit_logs import ORIGIN, cosigner, log, signer
from tests.running.contests import LINKED, LINKED_TO, PAID, SPLIT, SPLIT_FROM, contest_of, sealed_run

KEYS = [signer().verifier]
Place = tuple[str | int, ...]


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


def checked(contest: Contest, keys: list[Verifier] = KEYS) -> CheckedContest:
    """What a contest shows once it was written and read."""
    return check_contest(decode_contest(encode_contest(contest)), keys, Quorum())


def persons(run: Path) -> set[str]:
    return {key.name for key in read_keys(run / VISIT_KEYS)}


def test_it_has_all_records_of_each_person(run: Path) -> None:
    scores, alerts = list(read_lines(run / SCORES, Score)), list(read_lines(run / ALERTS, Alert))
    assert alerts
    for person in open_run(run).scores:
        contest = contest_of(run, person)
        shown = checked(contest)
        assert contest.scores == [score for score in scores if score.person in contest.names]
        assert contest.alerts == [alert for alert in alerts if alert.person in contest.names]
        assert shown.signed.checkpoint.origin.startswith(f"{ORIGIN}/run-")
        assert shown.remade == len(contest.scores) or contest.told.changes
        assert shown.vouching == []


def test_linked_tracks_are_one_person(run: Path, linked: Contest) -> None:
    assert contest_of(run, LINKED_TO) == linked
    assert linked.person == LINKED
    assert linked.names == sorted([LINKED, LINKED_TO])
    assert [track.track for track in linked.told.tracks] == [LINKED, LINKED_TO]
    assert [(change.track, change.other) for change in linked.told.changes] == [(LINKED, LINKED_TO)]
    verdicts = [record.said.disposition for record in linked.records if isinstance(record.said, Disposition)]
    assert verdicts == ["d1", "d2"]
    assert linked.alerts
    assert 0 < checked(linked).remade < len(linked.scores)


def test_who_was_split_off_is_not_named(run: Path) -> None:
    for person in (SPLIT, SPLIT_FROM):
        contest = contest_of(run, person)
        assert contest.names == [person]
        assert [change.kind for change in contest.told.changes] == ["link", "split"]
        assert all({change.track, change.other} == {person, None} for change in contest.told.changes)


def bundle_text(contest: Contest) -> str:
    """All that is in page and file, and inside the proofs."""
    proofs = [parse_proof(proof.encode()) for proof in (*contest.beginnings, *(one.proof for one in contest.records))]
    inside = b"".join((proof.extra or b"") + b"".join(proof.hashes) + proof.checkpoint for proof in proofs)
    whole = encode_contest(contest) + contest_page(contest, checked(contest)).encode() + inside
    return whole.decode("utf-8", "replace")


def names_in(text: str) -> set[str]:
    """Names of persons, also as people say them, `camera/tracker`, but for MIME types and the like."""
    return {f"{camera}/{track}" for camera, track in re.findall(r"\b(floor|corridor)/(\d+)", text)}


def test_nobody_else_is_in_it(run: Path) -> None:
    everybody = persons(run)
    shorts = {name.rpartition("/")[0] for name in everybody}
    receipts = {"r1": LINKED, "r2": PAID, "r3": SPLIT, "r00013-0": PAID}
    reasons = {"secret of another": SPLIT, "waited for a friend": LINKED}
    for person in open_run(run).scores:
        contest = contest_of(run, person)
        own = {name.rpartition("/")[0] for name in contest.names}
        text = bundle_text(contest)
        assert names_in(text) == own < shorts
        assert not [name for name in everybody - set(contest.names) if name in text]
        assert {said for said, of in reasons.items() if said in text} <= {
            said for said, of in reasons.items() if of in contest.names
        }
        assert {each for each in receipts if f'"receipt": "{each}"' in text} <= {
            each for each, of in receipts.items() if of in contest.names
        }


def test_no_key_of_a_visit_is_in_it(run: Path, linked: Contest) -> None:
    text = encode_contest(linked).decode()
    openings = [parse_proof(one.proof.encode()).extra or b"" for one in linked.records]
    for key in read_keys(run / VISIT_KEYS):
        assert key.secret.hex() not in text
        assert not any(key.secret in opening for opening in openings)


def leaves(value: Any, path: Place = ()) -> Iterator[Place]:  # noqa: ANN401 - JSON
    """The path of each field; of lists the first and the last item."""
    if isinstance(value, dict):
        yield (*path, "more")
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        yield (*path, len(value))
        for at in sorted({0, len(value) - 1}) if value else ():
            yield from leaves(value[at], (*path, at))
    else:
        yield path


def changed(document: Any, path: Place) -> Any:  # noqa: ANN401 - JSON
    """The document with another value there; with a field or an item more where there is none."""
    document = copy.deepcopy(document)
    at = document
    for step in path[:-1]:
        at = at[step]
    if isinstance(at, list) and path[-1] == len(at):
        at.append(at[-1] if at else 0)
    elif path[-1] == "more":
        at["more"] = 1
    else:
        at[path[-1]] = another(at[path[-1]])
    return document


def another(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1] != "0" else "1") if value else "x"
        case _:
            return "x"


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


def test_another_layout_is_the_same_contest(linked: Contest) -> None:
    assert decode_contest(msgspec.json.format(encode_contest(linked), indent=4)) == linked


def test_an_erased_person_has_none(run: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(run, tmp_path / "run")
    lines = (copied / VISIT_KEYS).read_text().splitlines(keepends=True)
    (copied / VISIT_KEYS).write_text("".join(line for line in lines if PAID not in line))
    with pytest.raises(UnusableError, match="keys: expected those of floor/6/1700000145, got none"):
        contest_of(copied, PAID)
    assert checked(contest_of(copied, LINKED))


Vigil = Callable[..., tuple[int, str]]


@pytest.fixture
def vigil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vigil:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["vigil", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return command


def test_from_a_run_to_a_court(run: Path, tmp_path: Path, vigil: Vigil) -> None:
    copied = shutil.copytree(run, tmp_path / "run")
    code, said = vigil("contest", "corridor/5", "--run", "run", "--out", "bundle")
    assert code == 0, said
    assert re.match(rf"{LINKED}: \d+ records, each proven and opened, [\d,]+ bytes\n", said)
    code, said = vigil("audit", "check", "bundle/contest.json", "--log", "run")
    assert code == 0, said
    assert said.endswith("Complete: run has no other entry of the same visits.\n")
    shutil.rmtree(copied)
    (tmp_path / "key").write_text(signer().verifier.vkey)
    code, said = vigil("audit", "check", "bundle/contest.json", "--key", "key", "--page", "again.html")
    assert code == 0, said
    assert re.match(rf"Holds: \d+ scores, 1 alert, 2 human decisions about {LINKED}\.\n", said)
    assert "The key came in the file" not in said
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "bundle/contest.html").read_bytes()
    code, said = vigil("audit", "check", "bundle/contest.json")
    assert code == 0
    assert f"make sure elsewhere that it is the log's: {signer().verifier.vkey}" in said
    document = msgspec.json.decode((tmp_path / "bundle/contest.json").read_bytes())
    (tmp_path / "forged").write_bytes(msgspec.json.encode(changed(document, ("records", 0, "said", "score"))))
    code, said = vigil("audit", "check", "forged")
    assert code == 1
    assert said.startswith("Does not hold: forged: digest: expected ")
    code, said = vigil("audit", "check", "bundle/contest.json", "--key", signer("forger").verifier.vkey)
    assert code == 1


def test_what_cannot_be_contested(run: Path, tmp_path: Path, vigil: Vigil) -> None:
    code, said = vigil("contest", "nobody", "--run", run)
    assert code == 2
    assert "nobody of " in said
    copied = shutil.copytree(run, tmp_path / "run")
    (copied / VISIT_KEYS).unlink()
    code, said = vigil("contest", LINKED, "--run", "run")
    assert (code, said) == (2, "run: expected the folder of a sealed run, got one without visit-keys.jsonl\n")


def test_the_page_is_whole_and_escapes(linked: Contest) -> None:
    text = contest_page(linked, checked(linked))
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "waited for a friend" in text
    told = msgspec.structs.replace(linked.told, site="<script>alert(1)</script>")
    forged = sealed(msgspec.structs.replace(linked, told=told))
    assert "<script>alert" not in contest_page(forged, checked(forged))
    for score in linked.scores:
        if score.score is not None and score.contributions:
            total = " ".join(f"+ {part.points}" for part in score.contributions)
            assert f"{total} = {score.score}." in text
