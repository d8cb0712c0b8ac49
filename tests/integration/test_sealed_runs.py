"""Runs are sealed: their logs are made again from the journal, and whatever was changed since is found and named."""

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from features.events import Disposition
from models.bundle import default_bundle, dump, seal
from models.normality import dump as dump_normality
from models.records import Alert, Score
from models.scenarios.generate import generate
from streams import jobs
from streams.audit.certificate import WHAT, open_certificate, sign_certificate
from streams.audit.disclosure import disclosed, opened
from streams.audit.erasures import AUDIT
from streams.audit.errors import AuditError, FormatError, SignatureError, UnusableError
from streams.audit.note import Signer, Verifier, parse_note, sign_note
from streams.audit.records import Beginning, Kind, decode_record, encode_record, open_entry
from streams.audit.records import Entry as SealedEntry
from streams.audit.rows import Row
from streams.audit.run_log import JOURNAL, PUBLIC_KEY
from streams.audit.run_replay import DiffersError
from streams.audit.visit_entries import ProvableLog, find_entry, keys_beside
from streams.audit.visit_keys import VISIT_KEYS, read_keys
from streams.cli import main
from streams.codecs.journal import read_rows
from streams.codecs.tables import TableError
from streams.embedded import ALERTS, BUNDLE, NORMALITY, SCORES
from streams.recording import RecordingWriter
from streams.runs import RunFolderError, load_bundle, open_run, read_lines
from tests.journals import rows_of
from tests.normalities import normality
from tests.running.changed_runs import (
    change_bundle,
    change_journal,
    change_record,
    change_site,
    leaves_of,
    sealed_anew,
    with_rows,
)

SIGNER = Signer.generate("shop.example/audit")
VERIFIERS = [SIGNER.verifier]
NORMAL = normality(["floor"])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, scenario = tmp_path_factory.mktemp("sealed"), generate(11, 14)
    with RecordingWriter(folder / "recording", scenario.site) as writer:
        writer.frames(scenario.frames)
        for purchase in scenario.purchases:
            writer.event(purchase)
        for number in range(2):
            time_ms = int(scenario.frames.time_ms[-1]) - 1_000 + number
            writer.event(Disposition(f"d{number}", time_ms, "floor/1/0", "agree", "r1", "saw it"))
    run = folder / "run"
    site, bundle = scenario.site, default_bundle()
    jobs.run_recording(folder / "recording", site, bundle, run, lambda _: None, signers=[SIGNER], normality=NORMAL)
    return run


@pytest.fixture
def run(sealed: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return shutil.copytree(sealed, tmp_path / "run")


def replayed(run: Path, folder: Path, verifiers: list[Verifier] = VERIFIERS) -> object:
    return jobs.replay_sealed(open_run(run), verifiers, folder)


def test_every_score_alert_and_disposition_is_sealed(sealed: Path) -> None:
    keys = {key.id: key for key in read_keys(sealed / VISIT_KEYS)}
    first, *records = map(decode_record, leaves_of(sealed))
    assert isinstance(first, Beginning)
    found: dict[int, list[bytes]] = {}
    for record in records:
        assert isinstance(record, SealedEntry)
        found.setdefault(record.kind, []).append(open_entry(record, keys[record.visit]).published)
    assert found[Kind.SCORE] == (sealed / SCORES).read_bytes().splitlines()
    assert found[Kind.ALERT] == (sealed / ALERTS).read_bytes().splitlines()
    assert [msgspec.json.decode(one, type=Disposition).disposition for one in found[Kind.DISPOSITION]] == ["d0", "d1"]
    assert all(leaf not in b"".join(leaves_of(sealed)) for leaf in (b"floor/", b"reason"))


def test_it_is_made_again_to_the_byte(sealed: Path, tmp_path: Path) -> None:
    certificate = jobs.replay_sealed(open_run(sealed), VERIFIERS, tmp_path)
    scores = list(read_lines(sealed / SCORES, Score))
    assert (certificate.scores, certificate.dispositions) == (len(scores), 2)
    assert certificate.alerts == len(list(read_lines(sealed / ALERTS, Alert))) > 0
    assert certificate.size == 1 + certificate.scores + certificate.alerts + certificate.dispositions
    assert certificate.log.startswith("shop.example/audit/run-")
    assert open_certificate(sign_certificate(certificate, [SIGNER]), VERIFIERS) == certificate


def test_two_runs_share_no_key(sealed: Path, tmp_path: Path) -> None:
    recording = sealed.parent / "recording"
    jobs.run_recording(recording, open_run(sealed).site, default_bundle(), tmp_path, lambda _: None, normality=NORMAL)
    cameras = [camera.name for camera in open_run(sealed).site.cameras]
    assert rows_of(tmp_path, cameras) == rows_of(sealed, cameras)
    assert pq.read_table(tmp_path / JOURNAL)["visit"] != pq.read_table(sealed / JOURNAL)["visit"]
    one, other = ({key.secret for key in read_keys(run / VISIT_KEYS)} for run in (sealed, tmp_path))
    assert not one & other
    own = [Verifier.parse(line) for line in (tmp_path / PUBLIC_KEY).read_text(encoding="utf-8").splitlines()]
    assert replayed(tmp_path, tmp_path / "again", own)


def flip_bit(rows: list[Row]) -> None:
    row = rows[len(rows) // 2]
    rows[len(rows) // 2] = row._replace(sealed=row.sealed[:-1] + bytes([row.sealed[-1] ^ 1]))


def test_a_flipped_bit_of_the_journal_is_named(run: Path, tmp_path: Path) -> None:
    place = len([row for some in read_rows(run / JOURNAL) for row in some]) // 2
    with_rows(run, flip_bit)
    with pytest.raises(TableError, match=r"position \d+ row: expected what was sealed") as raised:
        replayed(run, tmp_path / "again")
    assert abs(int(str(raised.value).partition("position ")[2].partition(" ")[0]) - place) < 100


def change_normality(run: Path) -> None:
    (run / NORMALITY).write_bytes(dump_normality(normality(["floor"], -390)))


def lose_normality(run: Path) -> None:
    (run / NORMALITY).unlink()


def forge_leaf(run: Path) -> None:
    """The log signed anew by its owner, with a leaf less."""
    leaves = leaves_of(run)
    sealed_anew(run, leaves[:5] + leaves[6:], SIGNER)


def lengthen_log(run: Path) -> None:
    leaves = leaves_of(run)
    sealed_anew(run, [*leaves, leaves[-1]], SIGNER)


@pytest.mark.parametrize(
    ("change", "leaf", "field"),
    [
        (change_journal, None, "journal"),
        (change_bundle, 0, "bundle"),
        (change_site, 0, "site"),
        (change_normality, 0, "normality"),
        (lose_normality, 0, "normality"),
        (forge_leaf, 5, ""),
        (lengthen_log, None, "record"),
    ],
)
def test_what_was_changed_is_named(
    run: Path, tmp_path: Path, change: Callable[[Path], None], leaf: int | None, field: str
) -> None:
    change(run)
    with pytest.raises(DiffersError) as raised:
        replayed(run, tmp_path / "again")
    differs = raised.value.differs
    assert leaf in {None, differs.leaf}
    assert not field or field in {name for name, _, _ in differs.fields}
    assert all(sealed != again for _, sealed, again in differs.fields)


def test_a_changed_record_breaks_the_log(run: Path, tmp_path: Path) -> None:
    change_record(run)
    with pytest.raises(AuditError, match=r"tile/|leaf|root"):
        replayed(run, tmp_path / "again")


def test_a_key_that_is_gone_is_told(run: Path, tmp_path: Path) -> None:
    lines = (run / VISIT_KEYS).read_bytes().splitlines(keepends=True)
    (run / VISIT_KEYS).write_bytes(b"".join(lines[1:]))
    with pytest.raises(AuditError, match="no tombstone of it"):
        replayed(run, tmp_path / "again")


def test_another_signer_is_refused(sealed: Path, tmp_path: Path) -> None:
    with pytest.raises(SignatureError):
        replayed(sealed, tmp_path, [Signer.generate("shop.example/audit").verifier])
    with pytest.raises(FormatError, match="origin"):
        replayed(sealed, tmp_path, [Signer.generate("other.example").verifier])


@pytest.mark.parametrize("line", ["", "scores 08", "alerts x", "more 1"])
def test_a_certificate_of_another_form_is_refused(sealed: Path, tmp_path: Path, line: str) -> None:
    signed = sign_certificate(jobs.replay_sealed(open_run(sealed), VERIFIERS, tmp_path), [SIGNER])
    lines = parse_note(signed).text.splitlines()
    name = line.partition(" ")[0]
    changed = [line if one.startswith(f"{name} ") else one for one in lines] if line else lines[1:]
    changed += [line] if name == "more" else []
    encoded = sign_note("".join(f"{one}\n" for one in changed), [SIGNER]).encoded
    with pytest.raises(FormatError):
        open_certificate(encoded, VERIFIERS)
    with pytest.raises(SignatureError):
        open_certificate(signed.replace(WHAT.encode(), b"another"), VERIFIERS)


def test_a_score_is_proven_by_its_id(sealed: Path) -> None:
    log = ProvableLog.at(str(sealed))
    for score in list(read_lines(sealed / SCORES, Score))[::9]:
        found = find_entry(log, keys_beside(str(sealed)), score.id)
        entry, own = disclosed(log.prove_opened(found).extra or b"")
        assert opened(entry, own or b"").published == score
        assert entry == leaves_of(sealed)[found.entry]
    alert = next(read_lines(sealed / ALERTS, Alert))
    assert find_entry(log, sealed / VISIT_KEYS, alert.id).open("leaf").published == alert
    verdict = find_entry(log, sealed / VISIT_KEYS, "d1").open("leaf")
    assert (verdict.kind, verdict.features) == (Kind.DISPOSITION, {})
    assert keys_beside(str(sealed / AUDIT)) == sealed / VISIT_KEYS


def test_what_was_never_sealed_or_is_erased_is_not_proven(run: Path) -> None:
    score = next(read_lines(run / SCORES, Score))
    keys = [line for line in (run / VISIT_KEYS).read_text().splitlines() if f'"{score.person}"' not in line]
    (run / VISIT_KEYS).write_text("\n".join(keys))
    for name in (score.id, "floor/1/0#1.0", "d9"):
        with pytest.raises(UnusableError, match=f"that a key opens, got {name}"):
            find_entry(ProvableLog.at(str(run)), run / VISIT_KEYS, name)


def test_any_vigil_of_the_same_scoring_version_makes_it_again(run: Path, tmp_path: Path) -> None:
    first, *others = leaves_of(run)
    begun = decode_record(first)
    assert isinstance(begun, Beginning)
    sealed_anew(run, [encode_record(msgspec.structs.replace(begun, vigil="0.9.0")), *others], SIGNER)
    assert replayed(run, tmp_path / "again")


@pytest.fixture
def of_another_version(run: Path) -> Path:
    """As a vigil 0.9.0 of another scoring version would have left it."""
    bundle = seal(msgspec.structs.replace(default_bundle(), scoring_version=7))
    (run / BUNDLE).write_bytes(dump(bundle))
    first, *others = leaves_of(run)
    begun = decode_record(first)
    assert isinstance(begun, Beginning)
    begun = msgspec.structs.replace(begun, bundle=bytes.fromhex(bundle.digest), scoring_version=7, vigil="0.9.0")
    sealed_anew(run, [encode_record(begun), *others], SIGNER)
    return run


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("replay {run} --key {key}", 2),
        ("whatif {run} --site {run}/site.yaml", 2),
        ("audit verify {run}/audit --key {key} --origin {origin}", 0),
    ],
)
def test_who_scores_a_run_of_another_version_again_is_told(
    of_another_version: Path,
    command: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = of_another_version
    origin = parse_note((run / AUDIT / "checkpoint").read_bytes()).text.partition("\n")[0]
    told = command.format(run=run, key=SIGNER.verifier.vkey, origin=origin)
    monkeypatch.setattr(sys, "argv", ["vigil", *told.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = "".join(capsys.readouterr())
    assert ended.value.code == code
    assert f"expected scoring version 1, that of vigil {version('vigil')}, got 7, that of vigil 0.9.0" in said
    assert "pip install vigil==0.9.0" in said


def test_it_can_be_looked_at_and_tried_with_a_bundle_of_this_version(of_another_version: Path, tmp_path: Path) -> None:
    opened = open_run(of_another_version)
    assert opened.scores
    assert jobs.rescore(opened, opened.site, default_bundle(), tmp_path, lambda _: None).scores


def test_without_a_log_nobody_knows_which_vigil_it_was(of_another_version: Path, tmp_path: Path) -> None:
    shutil.rmtree(of_another_version / AUDIT)
    opened = open_run(of_another_version)
    with pytest.raises(RunFolderError, match="got 7; no audit log says which vigil has it"):
        jobs.rescore(opened, opened.site, opened.bundle, tmp_path, lambda _: None)


def test_nothing_is_scored_with_a_bundle_of_another_version(of_another_version: Path) -> None:
    with pytest.raises(RunFolderError, match=r"bundle.json: \$.scoring_version: expected 1, .* got 7. Train one"):
        load_bundle(of_another_version / BUNDLE)
