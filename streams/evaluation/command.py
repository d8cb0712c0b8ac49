"""`vigil evaluate`: measure on public data."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from models.bundle import default_bundle
from streams import config
from streams.evaluation.page import FIGURE_COLUMNS, figure_cells
from streams.evaluation.report import Benchmark, Report
from streams.runs import load_bundle
from streams.terminal import refuse, say, screen, steps


def evaluate(
    benchmarks: Annotated[list[str] | None, typer.Argument(help="Which; without one, all whose data is there.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the public data sets; else VIGIL_DATA.")] = None,
    out: Annotated[Path, typer.Option(help="Where the pages, JSON and Markdown go.")] = Path("vigil-evaluation"),
    bundle: Annotated[Path | None, typer.Option(help="Bundle to measure instead of the shipped one.")] = None,
) -> None:
    """Measure what Vigil is worth: figures with intervals, beside the published ones, and a model card of the bundle.

    Without data, what made-up visits tell: the scorecard, and whether it is fair. The card is written once both are
    measured.
    """
    from streams.evaluation.benchmarks import benchmarks_of, present, run, write_reports  # noqa: PLC0415 - takes long
    from streams.evaluation.card import write_card  # noqa: PLC0415

    if data and not data.is_dir():
        refuse(f"{data}: no such folder; say with --data where the public data sets are")
    folder = data or config.data_folder()
    measured = load_bundle(bundle) if bundle else default_bundle()
    named = benchmarks_of(measured)
    chosen = [_named(name, named) for name in benchmarks] if benchmarks else present(named, folder)
    with steps() as bar:

        def begin(benchmark: Benchmark) -> Callable[[], None]:
            task = bar.add_task(benchmark.name, total=benchmark.steps)
            return lambda: bar.advance(task)

        reports = run(chosen, folder, begin)
    write_reports(reports, out)
    card = write_card(reports, measured, out)
    for each in reports:
        screen.print(_figures_table(each))
    for left_out in named.values():
        if not benchmarks and left_out not in chosen:
            say(f"Left out: {left_out.name}, as {folder} has no folder {left_out.folder}")
    say(f"The page to look at: {out / 'index.html'}")
    if card:
        say(f"The model card:      {card}")


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
