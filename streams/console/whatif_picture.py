"""Every person's highest score before and after, as points on a square; those on the diagonal stay as they were."""

from collections import Counter

from models.scorecard import SCORE_MAX
from streams.console import svg
from streams.console.whatif_words import TO
from streams.whatif.records import PersonChange, Side, Verdict, Whatif

LEFT, TOP, SIZE = 150, 14, 360
RADIUS, RADIUS_MAX = 4.0, 9.0
CELL = 10  # points that are drawn as one


def whatif_picture(found: Whatif) -> str:
    """The square with the bands of both sides; persons of whom nothing is said on a side are not on it."""
    drawn = [pair for change in found.changes if (pair := _pair(change))]
    said = f"{len(drawn)} persons whose highest score is another: before from left to right, after from below upwards."
    return svg.picture(
        TOP + SIZE + 52,
        "Highest score before and after",
        said,
        svg.box(LEFT, TOP, SIZE, SIZE, "panel"),
        svg.line(_x(0), _y(0), _x(SCORE_MAX), _y(SCORE_MAX), "rule"),
        *_bands(found.before, found.after),
        *_points(drawn),
        svg.label(LEFT + SIZE / 2, TOP + SIZE + 44, f"before {TO}", "small muted", "middle"),
        svg.label(LEFT - 70, TOP + SIZE / 2, f"after {TO}", "small muted", "end"),
    )


def _pair(change: PersonChange) -> tuple[int, int] | None:
    before, after = _score(change.before), _score(change.after)
    return None if before is None or after is None or change.before == change.after else (before, after)


def _score(verdict: Verdict | None) -> int | None:
    return verdict.score if verdict else None


def _x(score: float) -> float:
    return LEFT + SIZE * score / SCORE_MAX


def _y(score: float) -> float:
    return TOP + SIZE - SIZE * score / SCORE_MAX


def _bands(before: Side, after: Side) -> list[str]:
    drawn = []
    for name, across, up in (("elevated", before.elevated, after.elevated), ("high", before.high, after.high)):
        drawn += [
            svg.line(_x(across), TOP, _x(across), TOP + SIZE, "threshold"),
            svg.line(LEFT, _y(up), LEFT + SIZE, _y(up), "threshold"),
            svg.label(LEFT + SIZE + 6, _y(up) + 5, f"{name}, {up}", "small muted"),
        ]
    names = svg.spread([_x(before.elevated), _x(before.high)], [0, 100], LEFT, LEFT + SIZE)
    for (name, floor), place in zip((("elevated", before.elevated), ("high", before.high)), names, strict=True):
        drawn.append(svg.label(place, TOP + SIZE + 20, f"{name}, {floor}", "small muted", "middle"))
    return drawn


def _points(pairs: list[tuple[int, int]]) -> list[str]:
    """A circle for each place on a grid, the larger the more persons are there."""
    cells = Counter((before // CELL * CELL, after // CELL * CELL) for before, after in pairs)
    return [
        svg.circle(_x(before), _y(after), min(RADIUS_MAX, RADIUS * count**0.5), f"moved {_way(before, after)}")
        for (before, after), count in sorted(cells.items())
    ]


def _way(before: int, after: int) -> str:
    return "raise" if after > before else "lower" if after < before else "base"
