"""The benchmarks by name, and running them into a folder of reports."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from streams.adapters.imported import ImportFailure
from streams.evaluation import gait, lobby, poselift, theft
from streams.evaluation.page import markdown, page
from streams.evaluation.report import Advance, Benchmark, Report
from streams.jobs import write_whole

ALL = (poselift.BENCHMARK, lobby.BENCHMARK, gait.BENCHMARK, theft.BENCHMARK)
BENCHMARKS = {benchmark.name: benchmark for benchmark in ALL}
REPORT_FILES = ("index.html", "report.json", "report.md")


def present(data: Path) -> list[Benchmark]:
    """The benchmarks whose folder is in the data folder.

    Raises:
        ImportFailure: none is.
    """
    found = [benchmark for benchmark in BENCHMARKS.values() if (data / benchmark.folder).is_dir()]
    if not found:
        folders = ", ".join(benchmark.folder for benchmark in BENCHMARKS.values())
        raise ImportFailure(data, f"at least one of the folders {folders}", "none of them")
    return found


def run(chosen: Sequence[Benchmark], data: Path, begin: Callable[[Benchmark], Advance]) -> list[Report]:
    """The reports of the chosen benchmarks; `begin` is told of each and gives what it is to tell of its steps."""
    return [benchmark.run(data / benchmark.folder, begin(benchmark)) for benchmark in chosen]


def write_reports(reports: list[Report], folder: Path) -> None:
    """Write the page, JSON and Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = (
        page(reports).encode(),
        msgspec.json.format(msgspec.json.encode(reports), indent=1),
        markdown(reports).encode(),
    )
    for name, content in zip(REPORT_FILES, contents, strict=True):
        write_whole(folder / name, content)
