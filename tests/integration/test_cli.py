"""The installed `vigil`, run as its users do: good input, bad input, and interrupted."""

import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from msgspec.structs import replace

from features.basket import Corpus
from features.events import Event
from features.segments import SegmentBlock
from features.site import Site
from models.bundle import Bundle, default_bundle, dump, seal
from models.normality import load as load_normality
from models.records import Alert, Score
from models.scenarios.generate import generate
from streams import jobs
from streams.audit.certificate import open_certificate
from streams.audit.keys import load_verifiers
from streams.codecs.journal import read_journal
from streams.embedded import Summary
from streams.recording import RecordingWriter
from streams.runs import open_run
from streams.site_file import load_site
from streams.sources import DeadLetter, read_recording, site_of
from streams.whatif.records import Whatif
from tests.journals import rows_of
from tests.normalities import hands
from tests.running.changed_runs import change_journal
from tests.unit.test_gait_model import model

VIGIL = Path(sys.executable).with_name("vigil")
DEMO = ("demo", "--visits", "15", "--seed", "7")
SEALS = {"audit", "audit-key.txt", "visit-keys.jsonl"}  # differ from run to run
RUN_FILES = SEALS | {
    "alerts.jsonl", "bundle.json", "dead-letters.jsonl", "journal.parquet", "late.jsonl", "scores.jsonl", "site.yaml",
    "summary.json",
}  # fmt: skip
COMMANDS = (
    "demo", "run", "replay", "whatif", "contest", "explain", "features", "train", "check", "import", "evaluate",
    "calibrate", "learn", "erase",
)  # fmt: skip


def vigil(*arguments: object, cwd: Path, columns: int = 80) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": str(columns), "VIGIL_DATA": str(cwd / "no-data"), "NO_COLOR": "1"}
    command = [str(VIGIL), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def refused(*arguments: object, cwd: Path) -> str:
    """What a command says on stderr when it refuses its input."""
    ended = vigil(*arguments, cwd=cwd)
    assert "Traceback" not in ended.stderr + ended.stdout
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.strip()
    return ended.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    ended = vigil(*DEMO, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    (folder / "said.txt").write_text(ended.stdout, encoding="utf-8")
    return folder / "vigil-demo"


@pytest.fixture
def run(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo's run, to be tampered with."""
    return Path(shutil.copytree(demo / "run", tmp_path / "run"))


@pytest.fixture
def recording(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo's recording, to be broken."""
    return Path(shutil.copytree(demo / "recording", tmp_path / "recording"))


def test_help_teaches_the_order_of_work(tmp_path: Path) -> None:
    said = vigil("--help", cwd=tmp_path).stdout
    places = [said.index(f"│ {name} ") for name in ("demo", "check", "run", "explain", "replay", "whatif", "import")]
    assert places == sorted(places)
    assert vigil(cwd=tmp_path).returncode == 2
    assert default_bundle().digest in vigil("--version", cwd=tmp_path, columns=200).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    ended = vigil(name, "--help", cwd=tmp_path)
    assert ended.returncode == 0
    assert f"vigil {name}" in ended.stdout


def test_no_command_waits_for_what_only_others_need() -> None:
    for_others = ("streams.kafka_cli", "streams.evaluation.benchmarks", "streams.calibrating.observing", "sklearn")
    program = (
        "import sys; from streams.cli import commands_for\n"
        f"for name in ('audit', *{COMMANDS}): commands_for([name])\n"
        f"print([name for name in {for_others} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout == "[]\n", ended.stderr


def test_demo_says_at_last_where_everything_is(demo: Path) -> None:
    said = (demo.parent / "said.txt").read_text(encoding="utf-8").splitlines()
    assert "vigil-demo/index.html" in said[-2]
    assert said[-1].endswith("vigil-demo")
    assert {path.name for path in (demo / "run").iterdir()} == RUN_FILES
    assert max(map(len, said)) <= 80


def test_what_demo_tells_to_type_works(demo: Path) -> None:
    said = (demo.parent / "said.txt").read_text(encoding="utf-8")
    command = re.search(r"vigil (explain .*)", said)
    assert command
    ended = vigil(*command[1].split(), cwd=demo.parent)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.index("every person starts with") < ended.stdout.index("Objective events")
    assert ended.stdout.index("Objective events") < ended.stdout.index("What would have changed it")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_fits(demo: Path, tmp_path: Path, columns: int) -> None:
    said = vigil("run", demo / "recording", "--out", tmp_path / "o", cwd=tmp_path, columns=columns).stdout
    rows = [line for line in said.splitlines() if re.match(r"\s*\d+  (floor|corridor)/\d+  +\d\d:\d\d:\d\d ", line)]
    assert 1 < len(rows) <= 15
    assert all(len(line) <= columns for line in said.split("review priority")[0].splitlines())


def test_the_outputs_are_of_their_types(demo: Path) -> None:
    run = demo / "run"
    summary = msgspec.json.decode((run / "summary.json").read_bytes(), type=Summary)
    assert summary.unaccounted == 0
    kinds = {"scores.jsonl": Score, "alerts.jsonl": Alert, "dead-letters.jsonl": DeadLetter}
    counts = {name: len(read(run / name, kind)) for name, kind in kinds.items()}
    counted = (summary.scores, summary.alerts, summary.dead_letters)
    assert tuple(counts.values()) == counted
    assert len(read(demo / "recording" / "events.jsonl", Event)) == summary.purchases > 0
    assert msgspec.convert(yaml.safe_load((run / "site.yaml").read_text(encoding="utf-8")), Site).cameras


def read(path: Path, kind: object) -> list[object]:
    decoder = msgspec.json.Decoder(kind)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


class Links(html.parser.HTMLParser):
    """What a page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.fetched += [str(named[key]) for key in ("src", "href", "xlink:href", "srcset") if key in named]
        assert tag not in {"link", "iframe", "object", "embed", "img"}


def test_the_page_needs_nothing_else(demo: Path) -> None:
    text = (demo / "index.html").read_text(encoding="utf-8")
    assert all(target.startswith("#") for target in Links(text).fetched)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_running_twice_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    assert vigil(*DEMO, cwd=tmp_path).returncode == 0
    for folder in ("recording", "run"):
        for path in (path for path in (demo / folder).iterdir() if path.name not in {*SEALS, "journal.parquet"}):
            assert path.read_bytes() == (tmp_path / "vigil-demo" / folder / path.name).read_bytes(), path.name
    cameras = [camera.name for camera in open_run(demo / "run").site.cameras]
    assert rows_of(demo / "run", cameras) == rows_of(tmp_path / "vigil-demo" / "run", cameras)


def test_replay_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    ended = vigil("replay", demo / "run", "--out", tmp_path / "again", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "Identical" in ended.stdout
    for name in ("scores.jsonl", "alerts.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (demo / "run" / name).read_bytes()


def test_replay_finds_a_changed_score(run: Path, tmp_path: Path) -> None:
    lines = (run / "scores.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(place for place, line in enumerate(lines) if json.loads(line)["score"])
    score = json.loads(lines[at])["score"]
    lines[at] = lines[at].replace(f'"score":{score},', f'"score":{score + 1},')
    (run / "scores.jsonl").write_text("".join(lines), encoding="utf-8")
    ended = vigil("replay", run, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"line {at + 1} of scores.jsonl" in ended.stdout
    assert f"score: recorded {score + 1}, replayed {score}" in ended.stdout


@pytest.mark.parametrize("name", ["scores.jsonl", "alerts.jsonl"])
def test_replay_finds_what_was_taken_away(run: Path, tmp_path: Path, name: str) -> None:
    lines = (run / name).read_bytes().splitlines(keepends=True)
    (run / name).write_bytes(b"".join(lines[:-1]))
    ended = vigil("replay", run, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"line {len(lines)} of {name}" in ended.stdout


def test_replay_finds_a_changed_journal(run: Path, tmp_path: Path) -> None:
    change_journal(run, "zones")
    ended = vigil("replay", run, cwd=tmp_path)
    assert ended.returncode == 1
    assert "Different from entry" in ended.stdout
    assert "journal: sealed" in ended.stdout
    shutil.rmtree(run / "audit")
    (run / "audit-key.txt").unlink()
    ended = vigil("replay", run, cwd=tmp_path)
    assert ended.returncode == 1
    assert "Different from line" in ended.stdout


def test_a_run_is_sealed_with_kept_keys_and_certified(demo: Path, tmp_path: Path) -> None:
    made = vigil("audit", "keys", "make", "shop.example/audit", "--keys", "keys", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    ended = vigil("run", demo / "recording", "--keys", "keys", "--out", "run", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    ended = vigil("replay", "run", "--key", "keys", "--certificate", "it.txt", "--keys", "keys", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    certificate = open_certificate((tmp_path / "it.txt").read_bytes(), load_verifiers(tmp_path / "keys"))
    assert certificate.scores == len((tmp_path / "run" / "scores.jsonl").read_bytes().splitlines())
    assert vigil("replay", "run", "--key", demo / "run" / "audit-key.txt", cwd=tmp_path).returncode == 1
    assert "both or neither" in refused("replay", "run", "--keys", "keys", cwd=tmp_path)
    assert "nowhere" in refused("run", demo / "recording", "--keys", "nowhere", cwd=tmp_path)


def test_a_changed_bundle_is_refused(run: Path, tmp_path: Path) -> None:
    bundle = json.loads((run / "bundle.json").read_bytes())
    bundle["scorecard"]["base"] += 1
    (run / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    assert "digest" in refused("replay", run, cwd=tmp_path)


def test_whatif_says_what_another_bundle_would_have_said(demo: Path, tmp_path: Path) -> None:
    run = demo / "run"
    (tmp_path / "other.json").write_bytes(dump(halved(default_bundle())))
    tried = ("--bundle", "other.json", "--out", "o", "--page", "whatif.html")
    ended = vigil("whatif", run, *tried, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"alerts.jsonl", "scores.jsonl", "whatif.json"}
    found = msgspec.json.decode((tmp_path / "o" / "whatif.json").read_bytes(), type=Whatif)
    assert f"{found.persons:,}, of whom {len(found.changes):,} scored differently" in ended.stdout
    assert found.before.bundle == default_bundle().digest != found.after.bundle
    assert any(one.before and one.before.band == "high" and one.another_band for one in found.changes)
    assert found.alerts_lost
    ended = vigil("run", demo / "recording", "--bundle", "other.json", "--out", "run", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    for name in ("scores.jsonl", "alerts.jsonl"):
        assert (tmp_path / "o" / name).read_bytes() == (tmp_path / "run" / name).read_bytes(), name
    text = (tmp_path / "whatif.html").read_text(encoding="utf-8")
    assert all(target.startswith("#") for target in Links(text).fetched)


def test_a_bundle_on_trial_changes_nothing_and_is_replayed_too(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_bytes(dump(halved(default_bundle())))
    ended = vigil("run", demo / "recording", "--shadow", "other.json", "--out", "run", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == RUN_FILES | {"shadow-scores.jsonl", "shadow-bundle.json"}
    for name in RUN_FILES - SEALS - {"summary.json", "journal.parquet"}:
        assert (run / name).read_bytes() == (demo / "run" / name).read_bytes(), name
    scores = read(run / "shadow-scores.jsonl", Score)
    summary = msgspec.json.decode((run / "summary.json").read_bytes(), type=Summary)
    assert summary.shadow_scores == len(scores) > 0
    assert f"{summary.shadow_scores:,} scores and would have published {summary.shadow_alerts:,} alerts" in ended.stdout
    assert vigil("replay", run, cwd=tmp_path).returncode == 0
    lines = (run / "shadow-scores.jsonl").read_bytes().splitlines(keepends=True)
    (run / "shadow-scores.jsonl").write_bytes(b"".join(lines[:-1]))
    ended = vigil("replay", run, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"line {len(lines)} of shadow-scores.jsonl" in ended.stdout


@pytest.mark.parametrize(
    ("field", "other"), [("corpus", Corpus({"rope": 1}, 7)), ("gait", model()), ("handling", hands())]
)
def test_a_bundle_on_trial_by_which_features_are_others_is_refused(
    demo: Path, tmp_path: Path, field: str, other: object
) -> None:
    (tmp_path / "other.json").write_bytes(dump(seal(replace(default_bundle(), **{field: other}))))
    told = refused("run", demo / "recording", "--shadow", "other.json", cwd=tmp_path)
    assert f"other.json: $.{field}: expected that of the bundle that counts" in told
    assert not (tmp_path / "vigil-run").exists()


def halved(bundle: Bundle) -> Bundle:
    """The bundle with half the points."""
    features = tuple(replace(one, points=tuple(at // 2 for at in one.points)) for one in bundle.scorecard.features)
    return seal(replace(bundle, scorecard=replace(bundle.scorecard, features=features)))


def test_whatif_says_what_other_rules_would_have_said(demo: Path, tmp_path: Path) -> None:
    run = demo / "run"
    text = (run / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(text.replace("cooldown_s: 120", "cooldown_s: 1"), encoding="utf-8")
    ended = vigil("whatif", run, "--site", "site.yaml", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "$.alerting.cooldown_s: 120 → 1" in ended.stdout
    assert "Nobody would have been scored differently." in ended.stdout
    assert "Alerts gained" in ended.stdout
    same = vigil("whatif", run, "--site", run / "site.yaml", cwd=tmp_path)
    assert "Alerts" not in same.stdout


def test_whatif_refuses_a_site_of_another_journal(demo: Path, tmp_path: Path) -> None:
    text = (demo / "run" / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(text.replace("stitch_ms: 3000", "stitch_ms: 0"), encoding="utf-8")
    told = refused("whatif", demo / "run", "--site", "site.yaml", cwd=tmp_path)
    assert re.match(r"site.yaml:\d+:\d+: \$.timing.stitch_ms: expected 3000, on which the journal rests, got 0", told)


def test_json_lines_and_parquet_give_the_same_scores(demo: Path, tmp_path: Path) -> None:
    recording = demo / "recording"
    as_lines(recording, tmp_path / "lines")
    ended = vigil("run", tmp_path / "lines", "--out", tmp_path / "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    for name in ("scores.jsonl", "alerts.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (demo / "run" / name).read_bytes()


def as_lines(recording: Path, target: Path) -> None:
    """Write the poses of a recording as JSON lines, a line for each frame of a camera."""
    target.mkdir()
    for name in ("site.yaml", "events.jsonl"):
        shutil.copy(recording / name, target)
    cameras = [camera.name for camera in site_of(recording).cameras]
    table = pq.read_table(recording / "poses.parquet").to_pylist()
    frames: dict[tuple[int, str], list[dict[str, object]]] = {}
    for row in table:
        persons = frames.setdefault((row["time_ms"], row["camera"]), [])
        persons += [person(row)] if row["track"] is not None else []
    with (target / "poses.jsonl").open("w", encoding="utf-8") as lines:
        for (time_ms, camera), persons in sorted(frames.items(), key=lambda one: (one[0][0], cameras.index(one[0][1]))):
            event = {"type": "poses", "camera": camera, "frames": [{"time_ms": time_ms, "persons": persons}]}
            lines.write(json.dumps(event) + "\n")


def person(row: dict[str, int]) -> dict[str, object]:
    names = [name.removesuffix("_x") for name in row if name.endswith("_x")]
    points = [(row[f"{name}_x"] / 4, row[f"{name}_y"] / 4, row[f"{name}_confidence"] / 1_000) for name in names]
    box = [row[f"box_{side}"] / 4 for side in ("left", "top", "width", "height")]
    return {"track": row["track"], "box": box, "keypoints": points}


def test_pictures_are_whole_files(demo: Path, tmp_path: Path) -> None:
    ended = vigil("explain", "corridor/1", "--run", demo / "run", "--pictures", tmp_path / "p", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    pictures = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "p").glob("*.svg")}
    assert pictures.keys() == {"timeline", "score", "skeletons", "path-corridor"}
    assert all("<style>" in text and "xmlns=" in text for text in pictures.values())


def test_a_name_nearly_right_is_helped(demo: Path, tmp_path: Path) -> None:
    assert "corridor/1/" in refused("explain", "coridor/1", "--run", demo / "run", cwd=tmp_path)
    assert "begin so" in refused("explain", "corridor", "--run", demo / "run", cwd=tmp_path)
    assert "expected caviar" in refused("import", "cavir", cwd=tmp_path)
    assert "VIGIL_DATA" in refused("import", "caviar", cwd=tmp_path)
    assert "purchases" in refused("import", "eth", "x", "--at", demo / "recording", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "nowhere"), "no such folder"),
        (("run", "empty"), "got neither"),
        (("run", "nested"), "is it nested/recording?"),
        (("run", "run"), "results of `vigil run`"),
        (("run", "recording", "--out", "recording"), "another folder"),
        (("run", "recording", "--out", "file"), "Not a directory"),
        (("run", "recording", "--site", "nowhere"), "nowhere:1:1"),
        (("run", "recording", "--site", "site.yaml"), "site.yaml:3:12"),
        (("run", "recording", "--bundle", "nowhere"), "No such file"),
        (("run", "recording", "--bundle", "file"), "expected a bundle"),
        (("check", "site.yaml"), "site.yaml:2:11"),
        (("check", "empty"), "directory"),
        (("replay", "nowhere"), "no such folder"),
        (("replay", "empty"), "without site.yaml"),
        (("replay", "run", "--out", "run"), "another folder"),
        (("whatif", "run"), "what is to be tried?"),
        (("whatif", "nowhere", "--bundle", "file"), "no such folder"),
        (("whatif", "run", "--bundle", "file"), "expected a bundle"),
        (("whatif", "run", "--site", "site.yaml"), "site.yaml:3:12"),
        (("whatif", "run", "--site", "run/site.yaml", "--out", "run"), "another folder"),
        (("whatif", "run", "--site", "run/site.yaml", "--page", "nowhere/x.html"), "No such file"),
        (("explain", "floor/1", "--run", "empty"), "without site.yaml"),
        (("explain", "floor/1"), "vigil-run"),
        (("import", "nothing-like-it"), "expected one of"),
        (("import", "eth", "x", "--source", "empty"), "obsmat"),
        (("train", "--out", "nowhere/bundle.json"), "no such folder"),
        (("demo", "--folder", "others"), "notes.txt"),
        (("demo", "--visits", "0"), "--visits"),
        (("explain",), "person"),
        (("nonsense",), "nonsense"),
    ],
)
def test_bad_input_is_refused_in_words(demo: Path, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    for name in ("empty", "nested", "others/recording"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("recording", "nested/recording"):
        (tmp_path / name).symlink_to(demo / "recording")
    (tmp_path / "run").symlink_to(demo / "run")
    (tmp_path / "file").write_text("hello", encoding="utf-8")
    (tmp_path / "others/recording/notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "site.yaml").write_text("cameras:\n  - name: a b\n    zones: 3\n", encoding="utf-8")
    assert told in refused(*arguments, cwd=tmp_path).replace("\n", " ")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4_000])


def scramble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 4)
    path.write_bytes(content)


def of_another_schema(path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), path)


def of_floats(path: Path) -> None:
    table = pq.read_table(path)
    here = table.schema.get_field_index("time_ms")
    pq.write_table(table.set_column(here, "time_ms", table["time_ms"].cast(pa.float64())), path)


def with_nulls(path: Path) -> None:
    table = pq.read_table(path)
    columns = {name: table[name] for name in table.column_names}
    pq.write_table(pa.table(columns | {"nose_x": pa.nulls(len(table), pa.int16())}), path)


@pytest.mark.parametrize("spoil", [cut, scramble, of_another_schema, of_floats, with_nulls])
def test_spoiled_poses_are_refused(recording: Path, tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    spoil(recording / "poses.parquet")
    assert "poses.parquet" in refused("run", recording, "--out", "out", cwd=tmp_path)
    assert not (tmp_path / "out" / "summary.json").exists()


@pytest.mark.parametrize("spoil", [cut, scramble, of_another_schema])
def test_a_spoiled_journal_is_refused(run: Path, tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    spoil(run / "journal.parquet")
    assert "journal.parquet" in refused("replay", run, cwd=tmp_path)
    assert "journal.parquet" in refused("explain", "floor/1", "--run", run, cwd=tmp_path)


@pytest.mark.parametrize("name", sorted(RUN_FILES - {"late.jsonl"}))
def test_a_run_without_a_file_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    assert name in refused("replay", run, cwd=tmp_path)


def test_lines_that_cannot_be_used_are_dead_letters(recording: Path, tmp_path: Path) -> None:
    with (recording / "events.jsonl").open("ab") as lines:
        lines.write(b'\xff\x00 nonsense\n{"type": "purchase"}\n{"type": "poses", "camera": "x", "frames": [{}]}\n[[[\n')
    ended = vigil("run", recording, "--out", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "4 dead letters" in ended.stdout
    assert "expected" in ended.stdout
    letters = read(tmp_path / "out" / "dead-letters.jsonl", DeadLetter)
    assert len(letters) == 4


def test_poses_without_a_site_file_are_scored(recording: Path, tmp_path: Path) -> None:
    (recording / "site.yaml").unlink()
    plain = pq.read_table(recording / "poses.parquet")
    here = plain.schema.get_field_index("camera")
    plain = plain.set_column(here, "camera", plain["camera"].cast(pa.string()))
    pq.write_table(plain.replace_schema_metadata(None), recording / "poses.parquet", store_schema=False)
    ended = vigil("run", recording, "--out", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "of tracks with a score" in ended.stdout


def test_an_unwritable_folder_is_told(recording: Path, tmp_path: Path) -> None:
    assert "/proc/" in refused("run", recording, "--out", "/proc/vigil", cwd=tmp_path)
    assert "/proc/" in refused("demo", "--visits", "1", "--folder", "/proc/vigil", cwd=tmp_path)


def test_a_recording_of_another_site_is_not_overwritten(demo: Path, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "vigil-demo" / "recording", Site(name="mine")):
        pass
    assert "another site" in refused(*DEMO, cwd=tmp_path)
    assert not list(read_recording(tmp_path / "vigil-demo" / "recording", Site(name="mine")))
    assert demo.exists()


def test_training_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("raise ImportError(name='sklearn')", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "80"}
    command = [str(VIGIL), "train", "--out", str(tmp_path / "bundle.json")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "vigil[train]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_interrupted_run_ends_quietly_and_leaves_no_summary(demo: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    shutil.copytree(demo / "recording", slow)
    os.mkfifo(slow / "slow.jsonl")
    shutil.copytree(demo / "run", tmp_path / "out")
    command = [str(VIGIL), "run", str(slow), "--out", str(tmp_path / "out")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with running, (slow / "slow.jsonl").open("w"):  # opens when the run does
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert (out + err).strip() == ""
    assert not (tmp_path / "out" / "summary.json").exists()
    assert "finished" in refused("replay", tmp_path / "out", cwd=tmp_path)


def test_the_features_are_told_in_two_parts(tmp_path: Path) -> None:
    said = vigil("features", cwd=tmp_path).stdout
    assert said.index("loiter_s") < said.index("Only describe") < said.index("cadence")


def test_check_prints_an_example_that_it_accepts(tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(vigil("check", cwd=tmp_path).stdout, encoding="utf-8")
    ended = vigil("check", "example.yaml", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "can be used" in ended.stdout


EVALUATE_REFUSES = [
    (("posefilt",), "no benchmark posefilt: expected poselift"),
    (("--data", "."), "at least one of the folders poselift, caviar_rtec, ucalgary_gait, mnnit_shoplifting"),
    (("gait", "--data", "."), "ucalgary_gait/csv: expected the walks of the UCalgary gait data, got no such folder"),
]


@pytest.mark.parametrize(("arguments", "expected"), EVALUATE_REFUSES)
def test_evaluate_says_what_there_is_to_measure(arguments: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    said = refused("evaluate", *arguments, cwd=tmp_path)
    assert expected in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_calibrate_learns_from_a_recording_and_says_whether_it_was_enough(tmp_path: Path) -> None:
    jobs.record_scenario(generate(3, 80), tmp_path / "recording")
    ended = vigil("calibrate", "recording", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"(Enough after [\d.]+ person-hours|Not enough yet)", ended.stdout)
    normality = load_normality((tmp_path / "normality.json").read_bytes())
    assert f"digest {normality.digest[:16]}" in ended.stdout
    used = ("--normality", "normality.json")
    assert vigil("run", "recording", *used, "--out", "run", cwd=tmp_path).returncode == 0
    assert load_normality((tmp_path / "run" / "normality.json").read_bytes()) == normality
    site = load_site(tmp_path / "run" / "site.yaml")
    blocks = list(read_journal(tmp_path / "run" / "journal.parquet", [camera.name for camera in site.cameras]))
    assert max(int(block.rows["unusual_mbit"].max()) for block in blocks if isinstance(block, SegmentBlock)) > 1_000
    assert vigil("replay", "run", cwd=tmp_path).returncode == 0
    assert vigil("run", "recording", "--out", "run", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "run" / "normality.json").exists()


def test_what_is_no_normality_is_refused(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "tables.json").write_text("{}", encoding="utf-8")
    said = refused("run", demo / "recording", "--normality", "tables.json", cwd=tmp_path)
    assert "tables.json: expected tables as `vigil calibrate` writes; " in said


def test_learn_refuses_what_is_no_data(tmp_path: Path) -> None:
    said = refused("learn", "handling", "--data", ".", cwd=tmp_path)
    assert "mnnit_shoplifting/v10_Features/0: expected the clips of the MNNIT data, got no such folder" in said
    said = refused("learn", "gait", "--data", ".", cwd=tmp_path)
    assert "ucalgary_gait/csv: expected the walks of the UCalgary gait data, got no such folder" in said
    assert "nowhere: no such folder" in refused("learn", "gait", "--out", "nowhere/it", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_calibrate_refuses_too_little_and_says_what_is_missing(demo: Path, tmp_path: Path) -> None:
    said = refused("calibrate", demo / "recording", cwd=tmp_path)
    assert "expected enough of at least one camera, got" in said
    assert re.search(r"floor: \d+ tracks with poses of at least 20", said)
    assert "nowhere: no such folder" in refused("calibrate", demo / "recording", "--out", "nowhere/it", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []
