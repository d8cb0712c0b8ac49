"""What a benchmark reports: figures with intervals beside the published ones, tables and curves."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from models.evaluation import Interval

Advance = Callable[[], None]
"""Told each time a step of a benchmark is done."""


class Published(Struct, frozen=True):
    """A figure that others published, and whose it is."""

    source: str
    value: float


class Figure(Struct, frozen=True):
    """A measured figure.

    Attributes:
        name: what it is.
        value: 0..1 unless the name says a unit.
        low: lower end of the 95 % interval over groups; None where none was drawn.
        high: upper end.
        published: what others report for it.
        published_on: what data theirs is on, where that is not the same.
        target: what this project set itself to reach; None without one.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    published: tuple[Published, ...] = ()
    published_on: str = ""
    target: float | None = None

    @classmethod
    def with_interval(cls, name: str, value: float, interval: Interval, **more: object) -> "Figure":
        """A figure with its interval."""
        return cls(name, value, interval.low, interval.high, **more)  # type: ignore[arg-type]


class Curve(Struct, frozen=True):
    """A line of a plot."""

    name: str
    x: list[float]
    y: list[float]


class Plot(Struct, frozen=True, tag=True):
    """Curves over two axes, each from its `_min` to its `_max`."""

    title: str
    x: str
    y: str
    curves: list[Curve]
    x_max: float = 1.0
    y_max: float = 1.0
    x_min: float = 0.0
    y_min: float = 0.0


class Bars(Struct, frozen=True, tag=True):
    """A value of each of several things, drawn as bars from 0 to `end`, with a line at `mark`."""

    title: str
    names: list[str]
    values: list[float]
    end: float = 1.0
    mark: float | None = None


class Grid(Struct, frozen=True):
    """A table: its heading, the names of its columns, and rows of text."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class Report(Struct, frozen=True):
    """What came of a benchmark.

    Attributes:
        benchmark: its name on the command line.
        title: what was measured, in words.
        protocol: how it was split and scored, a sentence each.
        figures: the ones that count come first.
        pictures: curves and bars.
        grids: tables.
        cautions: what a reader must know before quoting a figure.
        bundle: digest of the one that was measured; none where none was.
        verdict: of the gate on fairness.
    """

    benchmark: str
    title: str
    protocol: list[str]
    figures: list[Figure]
    pictures: list[Plot | Bars]
    grids: list[Grid]
    cautions: list[str]
    bundle: str = ""
    verdict: str = ""


class Benchmark(NamedTuple):
    """A benchmark: what it is called, the folder of the data it needs if any, its steps, and how it is run."""

    name: str
    folder: str | None
    steps: int
    run: Callable[[Path, Advance], Report]
