"""The benchmarks by name, and running them into a folder of reports."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from models.bundle import Bundle, default_bundle
from streams.evaluation import fairness, gait, lobby, normal, poselift, shipped, theft
from streams.evaluation.page import markdown, page
from streams.evaluation.report import Advance, Benchmark, Report
from streams.jobs import write_whole

WITHOUT_BUNDLE = (poselift.BENCHMARK, lobby.BENCHMARK, gait.BENCHMARK, theft.BENCHMARK)
REPORT_FILES = ("index.html", "report.json", "report.md")


def benchmarks_of(bundle: Bundle) -> dict[str, Benchmark]:
    """All by name, those of a bundle first."""
    of_bundle = [module.benchmark(bundle) for module in (shipped, fairness, normal)]
    return {benchmark.name: benchmark for benchmark in (*of_bundle, *WITHOUT_BUNDLE)}


BENCHMARKS = benchmarks_of(default_bundle())


def present(benchmarks: Mapping[str, Benchmark], data: Path) -> list[Benchmark]:
    """Those that need no data, or whose folder is in the data folder."""
    return [each for each in benchmarks.values() if each.folder is None or (data / each.folder).is_dir()]


def run(chosen: Sequence[Benchmark], data: Path, begin: Callable[[Benchmark], Advance]) -> list[Report]:
    """The reports of the chosen benchmarks; `begin` is told of each and gives what it is to tell of its steps."""
    return [benchmark.run(data / (benchmark.folder or ""), begin(benchmark)) for benchmark in chosen]


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
