"""Reports as one HTML page that needs nothing else, and as Markdown."""

import base64
import hashlib
from importlib.resources import files

from streams.console import svg
from streams.console.svg import element, escape
from streams.evaluation.plots import bars_picture, plot_picture
from streams.evaluation.report import Bars, Figure, Grid, Plot, Report

TITLE = "What Vigil is worth, measured"
MEANING = (
    "Each figure is of persons or videos that were not learned from, with the span in which 95 % of such figures would "
    "lie had others been recorded, beside what others published."
)
FIGURE_COLUMNS = ("Figure", "Vigil", "95 %", "Aim", "Published")


def page(reports: list[Report]) -> str:
    """The page: each benchmark with figures, pictures, tables, and what to know before quoting one."""
    return document(TITLE, MEANING, *map(section, reports))


def document(title: str, purpose: str, *sections: str) -> str:
    """A page of sections that needs nothing else."""
    style = svg.style() + (files("streams.console") / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", escape(title)),
        element("style", style),
    )
    header = element("header", element("h1", escape(title)), element("p", escape(purpose), class_="purpose"))
    body = element("body", header, element("main", *sections))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def section(report: Report) -> str:
    """A benchmark's part of a page."""
    return element(
        "section",
        element("h2", escape(report.title), id=report.benchmark),
        _table("", FIGURE_COLUMNS, [figure_cells(figure) for figure in report.figures]),
        element("ul", *(element("li", escape(sentence)) for sentence in report.cautions)),
        element("div", *(_drawn(picture) for picture in report.pictures), class_="figures"),
        *(_table(grid.title, grid.columns, grid.rows) for grid in report.grids),
        element("h4", "How it was measured"),
        element("ul", *(element("li", escape(sentence)) for sentence in report.protocol)),
    )


def _drawn(picture: Plot | Bars) -> str:
    drawn = plot_picture(picture) if isinstance(picture, Plot) else bars_picture(picture)
    return element("figure", element("figcaption", escape(picture.title)), drawn)


def _table(title: str, columns: tuple[str, ...] | list[str], rows: list[list[str]]) -> str:
    caption = [element("caption", escape(title))] if title else []
    head = element("thead", element("tr", *(element("th", escape(name), scope="col") for name in columns)))
    body = [
        element("tr", element("th", escape(row[0]), scope="row"), *(element("td", escape(cell)) for cell in row[1:]))
        for row in rows
    ]
    table = element("table", *caption, head, element("tbody", *body))
    return element("div", table, class_="scroll listed", tabindex="0", role="region", aria_label=title or "Figures")


def figure_cells(figure: Figure) -> list[str]:
    """Name, value, interval, aim and published figures, in the order of `FIGURE_COLUMNS`."""
    span = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
    aim = "" if figure.target is None else f"{figure.target:.3g}"
    return [figure.name, f"{figure.value:.3f}", span, aim, _published(figure)]


def _published(figure: Figure) -> str:
    told = ", ".join(f"{each.source} {each.value:.3f}" for each in figure.published)
    return f"{told} (on {figure.published_on})" if figure.published_on else told


def markdown(reports: list[Report]) -> str:
    """The figures and tables of all benchmarks."""
    return f"# {TITLE}\n\n{MEANING}\n" + "".join(map(markdown_section, reports))


def markdown_section(report: Report) -> str:
    """The same in Markdown, without curves."""
    figures = Grid("", list(FIGURE_COLUMNS), [figure_cells(figure) for figure in report.figures])
    grids = "".join(f"\n{grid.title}:\n\n{_markdown_table(grid)}" for grid in report.grids)
    bars = "".join(
        f"\n{each.title}:\n\n{_markdown_table(_grid(each))}" for each in report.pictures if isinstance(each, Bars)
    )
    told = "".join(f"- {sentence}\n" for sentence in (*report.cautions, *report.protocol))
    return f"\n## {report.title}\n\n{_markdown_table(figures)}\n{told}{grids}{bars}"


def _grid(bars: Bars) -> Grid:
    rows = [[name, f"{value:.3f}"] for name, value in zip(bars.names, bars.values, strict=True)]
    return Grid(bars.title, ["", "value"], rows)


def _markdown_table(grid: Grid) -> str:
    lines = [grid.columns, ["---"] * len(grid.columns), *grid.rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
