"""From runs of several days, verdicts and samples to a signed candidate, with the commands as users give them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from models.admission import Admission
from models.bundle import Band, Bundle, default_bundle, dump, load, seal
from models.calibration import Calibration
from models.propensity import drawn
from models.scorecard import Scorecard, ScoredFeature
from streams.audit.errors import SignatureError
from streams.audit.keys import make_key
from streams.audit.note import Signer, parse_note
from streams.embedded import SHADOW_SCORES
from streams.learning.review_sample import ReviewSample, draw, persons_called
from streams.learning.signing import verify_admission
from tests.running.reviewed_days import Day, day, write_lines

VIGIL = Path(sys.executable).with_name("vigil")
DAYS, VISITS = 12, 35
SALT, RATE = "the shop's own salt", 900
OLD = seal(
    replace(
        default_bundle(),
        scorecard=Scorecard(
            (
                ScoredFeature("loiter_s", (60,), (0, 100)),
                ScoredFeature("restricted_loiter_s", (1,), (0, 300)),
                ScoredFeature("unpaid_exit", (500,), (0, 300)),
            )
        ),
        calibration=Calibration((0, 100, 300), (100, 350, 650)),
        bands=(Band("low", 0, 0), Band("elevated", 100, 80), Band("high", 300, 260)),
        training=None,
        digest="",
    )
)
"""It calls whenever there is an objective event, and is wrong more often than not."""


def vigil(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
    command = [str(VIGIL), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Shop:
    """Runs with a sample and a file of verdicts each, and a folder of keys."""

    folder: Path
    days: list[Day]

    @property
    def given(self) -> list[object]:
        """What `vigil train` is given."""
        named = range(len(self.days))
        journals = [each for number in named for each in ("--journal", f"run-{number}")]
        samples = [each for number in named for each in ("--sample", f"sample-{number}.json")]
        return [*journals, *samples, "--dispositions", "verdicts.jsonl", "--keys", "keys"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    days = [day(folder, number, VISITS, OLD) for number in range(DAYS)]
    for number, each in enumerate(days[1:], 1):
        (folder / f"sample-{number}.json").write_bytes(msgspec.json.encode(draw(each.run, SALT, RATE)))
    drew = vigil("review-sample", "run-0", "--rate", RATE, "--salt", SALT, "--out", "sample-0.json", cwd=folder)
    assert drew.returncode == 0, drew.stderr
    write_lines(folder / "verdicts.jsonl", [verdict for each in days for verdict in each.verdicts()])
    make_key(folder / "keys", Signer.generate("shop.example/audit"))
    return Shop(folder, days)


@pytest.fixture(scope="module")
def candidate(shop: Shop) -> Bundle:
    ended = vigil("train", *shop.given, "--out", "candidate.json", cwd=shop.folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Admitted" in ended.stdout
    return load((shop.folder / "candidate.json").read_bytes())


def admission(bundle: Bundle) -> Admission:
    assert isinstance(bundle.admission, Admission)
    return bundle.admission


def test_those_without_an_alert_are_drawn_by_lot(shop: Shop) -> None:
    run = shop.days[0].run
    sample = msgspec.json.decode((shop.folder / "sample-0.json").read_bytes(), type=ReviewSample)
    called = persons_called(run)
    scored = {person for person, scores in run.scores.items() if any(one.score is not None for one in scores)}
    assert {one.person for one in sample.persons} == {person for person in scored - called if drawn(person, SALT, RATE)}
    assert sample.persons_without_alert == len(scored - called) > len(sample.persons)
    assert "score" not in (shop.folder / "sample-0.json").read_text(encoding="utf-8")


def test_good_verdicts_make_a_signed_candidate_that_may_count(shop: Shop, candidate: Bundle) -> None:
    found = admission(candidate)
    assert found.report.admitted
    assert found.report.current == OLD.digest
    assert found.report.figures_candidate.auc_ppm > found.report.figures_current.auc_ppm
    assert found.report.verdicts.cases > 200
    assert len(found.report.journals) == len(found.report.samples) == DAYS
    checked = vigil("admission", "candidate.json", "--key", "keys", "--note", "note.txt", cwd=shop.folder)
    assert checked.returncode == 0, checked.stderr
    assert "Signed by shop.example/audit" in checked.stdout
    note = parse_note((shop.folder / "note.txt").read_bytes())
    assert note.text.startswith("vigil admission report v1\n{")
    ran = vigil("run", "recording-0", "--bundle", "candidate.json", "--out", "after", cwd=shop.folder)
    assert ran.returncode == 0, ran.stderr


def test_the_same_input_gives_the_same_bytes(shop: Shop, candidate: Bundle) -> None:
    assert vigil("train", *shop.given, "--out", "again.json", cwd=shop.folder).returncode == 0
    assert (shop.folder / "again.json").read_bytes() == dump(candidate)


def test_a_changed_report_does_not_verify(shop: Shop, candidate: Bundle) -> None:
    found = admission(candidate)
    changed = Admission(replace(found.report, seed=found.report.seed + 1), found.signatures)
    (shop.folder / "changed.json").write_bytes(dump(replace(candidate, admission=changed, digest="")))
    ended = vigil("admission", "changed.json", "--key", "keys", cwd=shop.folder)
    assert ended.returncode == 1
    assert "Does not hold" in ended.stderr
    with pytest.raises(SignatureError, match="signatures: expected one by another"):
        verify_admission(candidate, [Signer.generate("another").verifier])


def test_what_is_not_admitted_may_only_be_tried(shop: Shop) -> None:
    given = [*shop.given, "--current", "candidate.json", "--out", "worse.json", "--seed", 3]
    upside_down = [
        replace(verdict, verdict="disagree" if verdict.verdict == "agree" else "agree")
        for each in shop.days
        for verdict in each.verdicts()
    ]
    write_lines(shop.folder / "contrary.jsonl", upside_down)
    given[given.index("verdicts.jsonl")] = "contrary.jsonl"
    ended = vigil("train", *given, cwd=shop.folder)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Not admitted" in ended.stdout
    refused = vigil("run", "recording-0", "--bundle", "worse.json", "--out", "no", cwd=shop.folder)
    assert refused.returncode == 2
    assert "not_contrary: expected" in refused.stderr
    assert not (shop.folder / "no").exists()
    tried = vigil("run", "recording-0", "--shadow", "worse.json", "--out", "tried", cwd=shop.folder)
    assert tried.returncode == 0, tried.stderr
    assert (shop.folder / "tried" / SHADOW_SCORES).exists()
    assert vigil("admission", "worse.json", cwd=shop.folder).returncode == 1
    work = "from streams.kafka.serve import *; serve(Settings(site='run-0/site.yaml', bundle='worse.json'))"
    working = subprocess.run([sys.executable, "-c", work], cwd=shop.folder, capture_output=True, text=True, check=False)
    assert "this may only be tried as a shadow" in working.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "--journal", "run-0"), "too few verdicts: expected at least 200 cases, got 0"),
        (("train", "--dispositions", "verdicts.jsonl"), "go with --journal"),
        (("train", "--journal", "run-0", "--sample", "sample-1.json"), "sample of one of the --journal runs"),
        (("train", "--journal", "run-0", "--sample", "forged.json"), "expected whom its salt and rate draw"),
        (("train", "--journal", "run-0", "--sample", "verdicts.jsonl"), "expected what `vigil review-sample` writes"),
        (("train", "--journal", "run-0", "--dispositions", "sample-0.json"), "sample-0.json:1: "),
        (("train", "--journal", "run-0", "--journal", "run-0"), "expected persons of its own"),
        (("review-sample", "run-0", "--salt", "short"), "--salt: expected 8 to 200"),
        (("admission", "plain.json"), "admission: expected the report of `vigil train --journal`, got none"),
    ],
)
def test_bad_input_is_refused_in_words(shop: Shop, arguments: tuple[str, ...], told: str) -> None:
    sample = msgspec.json.decode((shop.folder / "sample-0.json").read_bytes(), type=ReviewSample)
    forged = msgspec.structs.replace(sample, persons=sample.persons[1:])
    (shop.folder / "forged.json").write_bytes(msgspec.json.encode(forged))
    (shop.folder / "plain.json").write_bytes(dump(OLD))
    ended = vigil(*arguments, cwd=shop.folder)
    assert ended.returncode in {1, 2}
    assert "Traceback" not in ended.stderr
    assert told in ended.stderr.replace("\n", " ")
