"""Every benchmark runs to its end, and its first figure is not worse than when it was written down."""

from pathlib import Path

import pytest

from streams.config import data_folder
from streams.evaluation.benchmarks import BENCHMARKS
from streams.evaluation.page import markdown, page
from streams.evaluation.report import Benchmark, Report

EVALUATION = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.data

# The first figure of each; the same on every machine but for the last digits where a solver is involved.
AT_LEAST = {"shipped": 0.83, "poselift": 0.85, "lobby": 0.93, "gait": 0.95, "theft": 0.835}
BY_THEMSELVES = {"normal", "fairness"}


def reported(benchmark: Benchmark) -> Report:
    folder = data_folder() / (benchmark.folder or "")
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set VIGIL_DATA to the folder that holds {benchmark.folder}")
    steps: list[None] = []
    report = benchmark.run(folder, lambda: steps.append(None))
    assert len(steps) == benchmark.steps
    return report


def told(name: str) -> float:
    """The first figure of a benchmark in the documents."""
    line = next(line for line in EVALUATION.splitlines() if line.startswith(f"| {name}, "))
    return float(line.split("|")[2])


def test_every_benchmark_has_a_figure_to_keep() -> None:
    assert AT_LEAST.keys() | BY_THEMSELVES == BENCHMARKS.keys()


@pytest.mark.parametrize("name", AT_LEAST)
def test_a_benchmark_keeps_its_figure(name: str) -> None:
    benchmark = BENCHMARKS[name]
    report = reported(benchmark)
    assert report.benchmark == name
    first = report.figures[0]
    assert first.value >= AT_LEAST[name]
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.value < first.high
    assert first.value == pytest.approx(told(name), abs=0.0006)
    assert name in page([report])
    assert f"{first.value:.3f}" in markdown([report])


def test_nobody_is_alerted_on_in_normal_shopping() -> None:
    report = reported(BENCHMARKS["normal"])
    alerts, high = report.figures[0], report.figures[2]
    assert (alerts.name, alerts.value) == ("alerts a camera-hour, as recorded", told("normal"))
    assert alerts.value == 0
    assert alerts.high is not None
    assert alerts.high < 2.2
    assert high.name == "persons who reach high, as recorded"
    assert high.value <= 0.01
    assert [row[0] for row in report.grids[0].rows] == ["01", "02", "03", "04", "05", "06"]
