"""The benchmarks of a bundle, small, and the card that is made of what they report."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from models.bundle import default_bundle, seal
from models.cases import NEVER_MS
from models.fairness import gate, largest_ratio
from models.scenarios.bodies import AIDS, CASTS, play
from streams.evaluation import fairness, shipped
from streams.evaluation.card import CARD_FILES, VERDICTS, card_markdown, card_page, write_card
from streams.evaluation.played import Played, play_all
from streams.evaluation.report import Figure, Grid, Report

DOCS = Path(__file__).parents[2] / "docs"
CARD = DOCS / "model-card.md"
EVALUATION = (DOCS / "evaluation.md").read_text(encoding="utf-8")
REPORTS = msgspec.json.decode((DOCS / "model-card.json").read_bytes(), type=list[Report])
BUNDLE = default_bundle()
HOW = "make card measures anew and writes both"


def test_the_card_is_what_its_reports_make_of_the_shipped_bundle() -> None:
    assert card_markdown(BUNDLE, REPORTS) == CARD.read_text(encoding="utf-8"), HOW


def test_the_card_is_of_the_shipped_bundle() -> None:
    assert {report.bundle for report in REPORTS} == {BUNDLE.digest}, HOW
    assert [report.benchmark for report in REPORTS] == ["shipped", "fairness", "normal"], HOW


def test_every_number_of_the_card_is_measured_or_the_bundles() -> None:
    told = set(re.findall(r"\d+\.\d+", CARD.read_text(encoding="utf-8")))
    known = msgspec.json.encode([REPORTS, BUNDLE]).decode()
    figures = {f"{figure.value:.3f}" for report in REPORTS for figure in report.figures}
    ends = {f"{end:.3f}" for report in REPORTS for figure in report.figures for end in (figure.low, figure.high) if end}
    permille = {f"{each / 10:g}" for each in BUNDLE.calibration.permille}
    training = BUNDLE.training
    assert training
    of_training = {f"{each / 1e6:.3f}" for each in (training.auc_scorecard_ppm, training.calibration_error_ppm)}
    found = {number for number in told if number in known}
    assert told - found - figures - ends - permille - of_training - {"0.000"} == set()


def test_the_documents_tell_the_ratio_of_the_card() -> None:
    line = next(line for line in EVALUATION.splitlines() if line.startswith("| fairness, "))
    assert float(line.split("|")[2]) == pytest.approx(REPORTS[1].figures[0].value, abs=0.0006)
    assert REPORTS[1].verdict == "undecided"
    assert "**The gate is undecided:**" in EVALUATION


def made_up(benchmark: str, bundle: str = BUNDLE.digest, verdict: str = "") -> Report:
    grid = Grid("By <aids>", ["slice", "persons"], [["none", "7"]])
    return Report(benchmark, "A title", ["split"], [Figure("AUC", 0.8)], [], [grid], ["do not quote"], bundle, verdict)


def test_a_card_needs_the_scorecard_and_fairness(tmp_path: Path) -> None:
    assert write_card([made_up("shipped"), made_up("normal")], BUNDLE, tmp_path) is None
    assert not list(tmp_path.iterdir())
    reports = [made_up("theft"), made_up("shipped"), made_up("fairness", verdict="unfair")]
    assert write_card(reports, BUNDLE, tmp_path) == tmp_path / "model-card.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(CARD_FILES)
    kept = msgspec.json.decode((tmp_path / "model-card.json").read_bytes(), type=list[Report])
    assert [report.benchmark for report in kept] == ["shipped", "fairness"]
    text = (tmp_path / "model-card.md").read_text(encoding="utf-8")
    assert card_markdown(BUNDLE, kept) == text
    assert VERDICTS["unfair"] in text
    assert BUNDLE.digest in text


def test_the_page_of_a_card_escapes_and_needs_nothing_else() -> None:
    text = card_page(BUNDLE, [made_up("shipped"), made_up("fairness", verdict="fair")])
    assert "By &lt;aids&gt;" in text
    assert not re.search(r"(src|href)=|url\(|<script|@import", text)
    assert "UNFAIR" not in text


def test_a_bundle_without_a_report_of_its_training_has_a_card() -> None:
    untrained = seal(replace(BUNDLE, training=None))
    assert "The bundle does not say." in card_markdown(untrained, [made_up("fairness", verdict="fair")])


@pytest.fixture(scope="module")
def played() -> Played:
    scenarios = ((at, play(at, 16, cast)) for at in range(1) for cast in range(CASTS))
    return play_all(scenarios, BUNDLE, lambda: None)


def test_fairness_is_measured_of_every_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "SEEDS", 1)
    monkeypatch.setattr(fairness, "VISITS", 16)
    steps: list[None] = []
    report = fairness.evaluate(BUNDLE, tmp_path, lambda: steps.append(None))
    assert len(steps) == CASTS + 1
    assert [grid.title for grid in report.grids[1:]] == [
        f"By {attribute}, shares"
        for attribute in (
            "aids", "stature", "group size", "camera", "hour", "body height", "occlusion", "step asymmetry",
            "persons in view",
        )
    ]  # fmt: skip
    assert report.verdict == "undecided"
    assert report.grids[0].rows[1][:2] == ["reach high", "undecided"]
    by_hour = next(grid for grid in report.grids if grid.title == "By hour, shares")
    assert [row[0] for row in by_hour.rows] == ["0 to 6", "6 to 12", "12 to 18", "18 to 24"]
    assert all(row[-1] == "too few" for row in by_hour.rows)


def test_a_visit_of_all_casts_is_one_group(played: Played) -> None:
    sliced, leading = fairness.sliced_of(played), played.leading()
    assert len(np.unique(played.group)) == 16
    assert set(sliced["group size"][~played.leads].tolist()) == {"2 together"}
    assert leading.leads.all()
    assert len(leading.cases) == len(leading.visits) == played.leads.sum() < len(played.cases)
    assert set(fairness.sliced_of(leading)["aids"].tolist()) == set(AIDS)


def test_a_bundle_that_punishes_who_uses_aids_is_found() -> None:
    """As many persons as the benchmark has, each alarm drawn by a rate of its own."""
    random, count = np.random.default_rng(1), 6_000
    aids = np.array(["walks freely", "wheelchair"])[np.arange(count) % 2]
    alarmed = random.random(count) < np.where(aids == "wheelchair", 0.12, 0.04)
    assert gate(largest_ratio({"aids": aids}, alarmed, np.arange(count) // 4, 1)) == "unfair"


def test_the_first_in_line_are_four_of_each_camera_hour(played: Played) -> None:
    first = shipped.first_in_line(played)
    cases = played.cases
    where = list(
        zip(
            (played.group // 1_000_000).tolist(),
            (cases.last_ms // 3_600_000).tolist(),
            cases.camera.tolist(),
            strict=True,
        )
    )
    for place in set(where):
        rows = np.array([each == place for each in where])
        chosen, others = cases.score[rows & first], cases.score[rows & ~first]
        assert len(chosen) == min(4, rows.sum())
        assert not len(others) or others.max() <= chosen.min()


def test_the_scorecard_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "SCENARIOS", 1)
    monkeypatch.setattr(shipped, "VISITS", 60)
    report = shipped.evaluate(BUNDLE, tmp_path, lambda: None)
    figures = {figure.name: figure for figure in report.figures}
    assert (
        0.6
        < figures["AUC of persons"].value
        < figures["AUC of the agreement behind the labels, which nobody can exceed"].value
    )
    assert {row[0] for row in report.grids[0].rows} == {"motion", "zones", "posture", "basket"}
    assert [row[0] for row in report.grids[1].rows] == [each.feature for each in BUNDLE.scorecard.features]
    assert report.bundle == BUNDLE.digest


def test_the_delay_is_from_coming_into_view(played: Played) -> None:
    cases = played.cases
    reached = cases.high_ms != NEVER_MS
    assert (cases.high_ms[reached] >= cases.first_ms[reached]).all()
    assert reached.tolist() == cases.in_high.tolist()
