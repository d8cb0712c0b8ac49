"""Runs are sealed: their logs are made again from the journal, and whatever was changed since is found and named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.events import Disposition
from models.bundle import AbstainRule, default_bundle, dump, seal
from models.normality import dump as dump_normality
from models.records import Alert, Score
from models.scenarios.generate import generate
from streams import jobs
from streams.audit.certificate import WHAT, open_certificate, sign_certificate
from streams.audit.errors import AuditError, FormatError, SignatureError
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier, parse_note, sign_note
from streams.audit.reader import LogReader
from streams.audit.records import Beginning, Kind, decode_record, open_entry
from streams.audit.run_log import AUDIT, PUBLIC_KEY, VISIT_KEYS, DiffersError
from streams.audit.source import folder_source
from streams.audit.visit_keys import read_keys
from streams.embedded import ALERTS, BUNDLE, JOURNAL, NORMALITY, SCORES
from streams.recording import SITE, RecordingWriter
from streams.runs import open_run, read_lines
from streams.site_file import dump_site
from tests.normalities import normality

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


def leaves_of(run: Path) -> list[bytes]:
    source = folder_source(run / AUDIT)
    size = int(parse_note((run / AUDIT / "checkpoint").read_bytes()).text.split("\n")[1])
    return list(LogReader(source, size).entries(0, size))


def replayed(run: Path, folder: Path, verifiers: list[Verifier] = VERIFIERS) -> object:
    return jobs.replay_sealed(open_run(run), verifiers, folder)


def test_every_score_alert_and_disposition_is_sealed(sealed: Path) -> None:
    keys = {key.id: key for key in read_keys(sealed / VISIT_KEYS)}
    first, *records = map(decode_record, leaves_of(sealed))
    assert isinstance(first, Beginning)
    found: dict[int, list[bytes]] = {}
    for record in records:
        assert not isinstance(record, Beginning)
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
    assert (tmp_path / JOURNAL).read_bytes() == (sealed / JOURNAL).read_bytes()
    one, other = ({key.secret for key in read_keys(run / VISIT_KEYS)} for run in (sealed, tmp_path))
    assert not one & other
    own = [Verifier.parse(line) for line in (tmp_path / PUBLIC_KEY).read_text(encoding="utf-8").splitlines()]
    assert replayed(tmp_path, tmp_path / "again", own)


def change_journal(run: Path) -> None:
    """One bit of one row."""
    table = pq.read_table(run / JOURNAL)
    place = table.column_names.index("x")
    values = table.column("x").to_pylist()
    at = next(at for at in range(len(values) // 2, len(values)) if values[at] is not None)
    values[at] ^= 1
    changed = table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))
    pq.write_table(changed, run / JOURNAL)


def change_bundle(run: Path) -> None:
    (run / BUNDLE).write_bytes(dump(seal(msgspec.structs.replace(default_bundle(), abstain=AbstainRule(observed_s=6)))))


def change_site(run: Path) -> None:
    site = open_run(run).site
    (run / SITE).write_text(dump_site(msgspec.structs.replace(site, name="another")), encoding="utf-8")


def change_normality(run: Path) -> None:
    (run / NORMALITY).write_bytes(dump_normality(normality(["floor"], -390)))


def lose_normality(run: Path) -> None:
    (run / NORMALITY).unlink()


def forge_leaf(run: Path) -> None:
    """The log signed anew by its owner, with a leaf less."""
    leaves, key = leaves_of(run), parse_note((run / AUDIT / "checkpoint").read_bytes()).text.split("\n")[0]
    shutil.rmtree(run / AUDIT)
    with Log(run / AUDIT, key, [SIGNER]) as log:
        log.append(leaves[:5] + leaves[6:])
        log.publish()


def lengthen_log(run: Path) -> None:
    leaves, key = leaves_of(run), parse_note((run / AUDIT / "checkpoint").read_bytes()).text.split("\n")[0]
    shutil.rmtree(run / AUDIT)
    with Log(run / AUDIT, key, [SIGNER]) as log:
        log.append([*leaves, leaves[-1]])
        log.publish()


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
    bundle = next(path for path in (run / AUDIT / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[200] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(AuditError, match=r"tile/|leaf|root"):
        replayed(run, tmp_path / "again")


def test_a_key_that_is_gone_is_told(run: Path, tmp_path: Path) -> None:
    lines = (run / VISIT_KEYS).read_bytes().splitlines(keepends=True)
    (run / VISIT_KEYS).write_bytes(b"".join(lines[1:]))
    with pytest.raises(AuditError, match="key: expected one of"):
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
