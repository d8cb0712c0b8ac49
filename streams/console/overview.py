"""All persons of a run on the scale of review priorities."""

from itertools import groupby

from models.scorecard import SCORE_MAX
from streams.console import svg
from streams.console.view import Band, PersonView, RunView, band_shade, band_spans

BINS = 40
PLOT = 96
SIDE = 14
CELL_MAX = 10.0


def overview_picture(run: RunView) -> str:
    """A histogram of the scores, a square a person while there are few; scale and bands beneath."""
    bins: list[list[PersonView]] = [[] for _ in range(BINS)]
    for person in reversed(run.scored):
        bins[min(BINS - 1, (person.score or 0) * BINS // SCORE_MAX)].append(person)
    unit = min(CELL_MAX, PLOT / max(1, *map(len, bins)))
    said = ", ".join(f"{name}: {count}" for name, count in band_counts(run))
    return svg.picture(
        PLOT + 70,
        "Persons by review priority",
        said or "No person was scored.",
        *_bands(run),
        *(_bin(at, persons, unit, run.bands) for at, persons in enumerate(bins)),
    )


def band_counts(run: RunView) -> list[tuple[str, int]]:
    """How many persons each band holds, the lowest band first."""
    names = [person.band for person in run.scored]
    return [(band.name, names.count(band.name)) for band in run.bands]


def _x(score: float) -> float:
    return SIDE + (svg.WIDTH - 2 * SIDE) * score / SCORE_MAX


def _bin(at: int, persons: list[PersonView], unit: float, bands: tuple[Band, ...]) -> str:
    left, width, drawn, up = _x(at * SCORE_MAX / BINS) + 1, (svg.WIDTH - 2 * SIDE) / BINS - 2, [], 0
    for pile in _piles(persons, unit):
        shade = f"shade{band_shade(pile[0].band, bands)}"
        title = f"{pile[0].name}: {pile[0].score}" if len(pile) == 1 else f"{len(pile)} persons, {pile[0].band}"
        up += len(pile)
        gap = 2 if unit == CELL_MAX else 0
        drawn.append(svg.box(left, 8 + PLOT - unit * up, width, unit * len(pile) - gap, shade, title, gap))
    return "".join(drawn)


def _piles(persons: list[PersonView], unit: float) -> list[list[PersonView]]:
    if unit == CELL_MAX:
        return [[person] for person in persons]
    return [list(pile) for _, pile in groupby(persons, key=lambda person: person.band)]


def _bands(run: RunView) -> list[str]:
    drawn = [svg.line(_x(0), 9 + PLOT, _x(SCORE_MAX), 9 + PLOT, "rule")]
    for band, ceiling in band_spans(run.bands):
        left, right = _x(band.floor), _x(ceiling)
        shade = f"shade{band_shade(band.name, run.bands)}"
        drawn.append(svg.box(left, 4, right - left, PLOT + 5, f"band {shade}"))
        drawn.append(svg.box(left + 1, 11 + PLOT, right - left - 2, 5, shade, radius=2))
    return [*drawn, *_scale(run.bands), *_legend(run)]


def _scale(bands: tuple[Band, ...]) -> list[str]:
    scores = sorted({0, SCORE_MAX, *(band.floor for band in bands)})
    widths = [svg.text_width(f"{score} ") for score in scores]
    gaps = [(one + other) / 2 for one, other in zip(widths, [0.0, *widths], strict=False)]
    places = svg.spread([_x(score) for score in scores], gaps, SIDE, svg.WIDTH - SIDE - 4)
    return [
        svg.label(place, 32 + PLOT, str(score), "small muted number", "middle")
        for score, place in zip(scores, places, strict=True)
    ]


def _legend(run: RunView) -> list[str]:
    drawn, x, y = [], float(SIDE), 58.0 + PLOT
    for (band, ceiling), (_, count) in zip(band_spans(run.bands), band_counts(run), strict=True):
        text = f"{band.name}, {band.floor} to {ceiling if ceiling == SCORE_MAX else ceiling - 1}: {count:,}"
        drawn.append(svg.box(x, y - 11, 12, 12, f"shade{band_shade(band.name, run.bands)}", radius=2))
        drawn.append(svg.label(x + 18, y, text, "small"))
        x += 40 + svg.text_width(text)
    return drawn
