"""How the points of each feature add up to a score, as a waterfall."""

from dataclasses import dataclass

from models.scorecard import SCORE_MAX
from streams.console import svg
from streams.console.view import Band, PersonView, band_shade
from streams.console.words import signed, standing

TEXT = 300
PLOT_LEFT, PLOT_RIGHT = 314, 590
LINE = 17
PAD = 11
BAR = 16
FOOT = 24


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the waterfall: points from `start` to `end`."""

    text: str
    start: int
    end: int
    class_: str
    number: str

    @property
    def lines(self) -> list[str]:
        """The text in lines that fit."""
        return svg.wrap(self.text, TEXT)

    @property
    def height(self) -> float:
        """Of the row."""
        return LINE * len(self.lines) + PAD


@dataclass(frozen=True, slots=True)
class Scale:
    """Where points lie across the picture."""

    low: int
    high: int

    def x(self, points: int) -> float:
        """Place of a sum of points."""
        return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (points - self.low) / (self.high - self.low)


def steps(person: PersonView, bands: tuple[Band, ...]) -> list[Step]:
    """The base, every contribution that counts, what the scale cut, and the score they come to."""
    rows = [Step("every person starts with", 0, person.base, "base", str(person.base))]
    parts = [(part.text, part.points) for part in person.reasons]
    if person.cut_points:
        parts.append(("held to the scale 0 to 1000", person.cut_points))
    for text, points in parts:
        start = rows[-1].end
        rows.append(Step(text, start, start + points, "raise" if points > 0 else "lower", signed(points)))
    shade = f"shade{band_shade(person.band, bands)}"
    return [*rows, Step(f"review priority ({person.band})", 0, rows[-1].end, shade, str(rows[-1].end))]


def contributions_picture(person: PersonView, bands: tuple[Band, ...]) -> str:
    """The waterfall of a person's last score; a note where Vigil abstained."""
    title = f"What makes up the score of {person.name}"
    if person.score is None:
        lines = svg.wrap(standing(person), svg.WIDTH - 60)
        note = [svg.label(svg.WIDTH / 2, 40 + 20 * at, text, "muted", "middle") for at, text in enumerate(lines)]
        return svg.picture(64 + 20 * len(lines), title, standing(person), *note)
    rows = steps(person, bands)
    ends = [edge for row in rows for edge in (row.start, row.end)]
    scale = Scale(min(0, *ends), max(SCORE_MAX, *ends))
    height = sum(row.height for row in rows) + 2 * PAD
    said = "; ".join(f"{row.text} {row.number}" for row in rows)
    return svg.picture(height + FOOT, title, said, *_thresholds(bands, scale, height), *_rows(rows, scale))


def _thresholds(bands: tuple[Band, ...], scale: Scale, foot: float) -> list[str]:
    edges = [scale.x(band.floor) for band in bands[1:]]
    widths = [svg.text_width(f"{band.name}  ") for band in bands[1:]]
    gaps = [(one + other) / 2 for one, other in zip(widths, [0.0, *widths], strict=False)]
    names = svg.spread(edges, gaps, PLOT_LEFT, svg.WIDTH - 30)
    drawn = [svg.line(scale.x(0), 0, scale.x(0), foot, "rule")]
    for band, edge, name in zip(bands[1:], edges, names, strict=True):
        drawn += [
            svg.line(edge, 0, edge, foot, "threshold"),
            svg.label(name, foot + 16, band.name, "small muted", "middle"),
        ]
    return drawn


def _rows(rows: list[Step], scale: Scale) -> list[str]:
    tops = [sum(row.height for row in rows[:at]) for at in range(len(rows))]
    tops[-1] += PAD  # the score stands apart from what it is made of
    middles = [top + row.height / 2 for top, row in zip(tops, rows, strict=True)]
    bridges = [
        svg.line(scale.x(row.end), upper + BAR / 2, scale.x(row.end), lower - BAR / 2, "bridge")
        for row, upper, lower in zip(rows, middles, middles[1:], strict=False)
    ]
    above = tops[-1] - PAD / 2
    drawn = [
        part
        for row, middle in zip(rows, middles, strict=True)
        for part in _row(row, scale, middle, total=row is rows[-1])
    ]
    return [*bridges, svg.line(0, above, svg.WIDTH, above, "rule"), *drawn]


def _row(row: Step, scale: Scale, middle: float, *, total: bool) -> list[str]:
    class_ = "strong" if total else ""
    first = middle - LINE * (len(row.lines) - 1) / 2 + 5
    texts = [svg.label(0, first + LINE * at, text, class_) for at, text in enumerate(row.lines)]
    left, right = sorted((scale.x(row.start), scale.x(row.end)))
    bar = svg.box(left, middle - BAR / 2, max(1.5, right - left), BAR, row.class_, f"{row.text} {row.number}")
    number = svg.label(right + 6, middle + 5, row.number, f"number halo {class_}")
    return [*texts, bar, number]
