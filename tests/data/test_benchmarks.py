"""Every benchmark runs to its end, and its first figure is not worse than when it was written down."""

from pathlib import Path

import pytest

from streams.config import data_folder
from streams.evaluation.benchmarks import BENCHMARKS
from streams.evaluation.page import markdown, page

EVALUATION = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.data

# The first figure of each; the same on every machine but for the last digits where a solver is involved.
AT_LEAST = {"poselift": 0.85, "lobby": 0.93, "gait": 0.95, "theft": 0.835}


def test_every_benchmark_has_a_figure_to_keep() -> None:
    assert AT_LEAST.keys() == BENCHMARKS.keys()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_keeps_its_figure(name: str) -> None:
    benchmark = BENCHMARKS[name]
    folder: Path = data_folder() / benchmark.folder
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set VIGIL_DATA to the folder that holds {benchmark.folder}")
    steps: list[None] = []
    report = benchmark.run(folder, lambda: steps.append(None))
    assert report.benchmark == name
    assert len(steps) == benchmark.steps
    first = report.figures[0]
    assert first.value >= AT_LEAST[name]
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.value < first.high
    told = next(line for line in EVALUATION.splitlines() if line.startswith(f"| {name}, "))
    assert f"| {first.value:.3f} | ".replace("| 0", "| ") in told
    assert name in page([report])
    assert f"{first.value:.3f}" in markdown([report])
