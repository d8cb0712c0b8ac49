"""`vigil evaluate`: measure on public data."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streams import config
from streams.evaluation.page import FIGURE_COLUMNS, figure_cells
from streams.evaluation.report import Benchmark, Report
from streams.terminal import refuse, say, screen, steps


def evaluate(
    benchmarks: Annotated[list[str] | None, typer.Argument(help="Which; without one, all whose data is there.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the public data sets; else VIGIL_DATA.")] = None,
    out: Annotated[Path, typer.Option(help="Where the page, JSON and Markdown go.")] = Path("vigil-evaluation"),
) -> None:
    """Measure what Vigil is worth on public data: figures with intervals, beside the published ones."""
    from streams.evaluation.benchmarks import BENCHMARKS, present, run, write_reports  # noqa: PLC0415 - takes long

    folder = data or config.data_folder()
    chosen = [_named(name, BENCHMARKS) for name in benchmarks] if benchmarks else present(folder)
    with steps() as bar:

        def begin(benchmark: Benchmark) -> Callable[[], None]:
            task = bar.add_task(benchmark.name, total=benchmark.steps)
            return lambda: bar.advance(task)

        reports = run(chosen, folder, begin)
    write_reports(reports, out)
    for each in reports:
        screen.print(_figures_table(each))
    say(f"The page to look at: {out / 'index.html'}")


def _named(name: str, benchmarks: Mapping[str, Benchmark]) -> Benchmark:
    if name not in benchmarks:
        near = get_close_matches(name, benchmarks, 1)
        refuse(f"no benchmark {name}: expected {near[0] if near else 'one of ' + ', '.join(benchmarks)}")
    return benchmarks[name]


def _figures_table(report: Report) -> Table:
    table = Table(*FIGURE_COLUMNS, title=report.title)
    for cells in map(figure_cells, report.figures):
        table.add_row(*map(escape, cells))
    return table
