"""A contest: everything of one person and nothing of others, to be read and to be checked alone."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from features.events import Disposition
from models.records import Alert, Score
from streams.audit.errors import UnusableError
from streams.audit.proof import parse_proof
from streams.audit.visit_keys import VISIT_KEYS, read_keys
from streams.cli import main
from streams.contesting.contest import Contest, decode_contest, encode_contest, sealed
from streams.contesting.page import contest_page
from streams.embedded import ALERTS, SCORES
from streams.runs import open_run, read_lines
from tests.running.audit_logs import ORIGIN, signer
from tests.running.contest_forgeries import changed
from tests.running.contests import LINKED, LINKED_TO, PAID, SPLIT, SPLIT_FROM, checked, contest_of, sealed_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed_run(tmp_path_factory.mktemp("contested"))


@pytest.fixture(scope="module")
def linked(run: Path) -> Contest:
    return contest_of(run, LINKED)


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
