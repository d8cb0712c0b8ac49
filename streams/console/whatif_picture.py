"""Every person's highest score before and after, as points on a square; those on the diagonal stay as they were."""

from collections import Counter
from dataclasses import dataclass

from streams.console import svg
from streams.console.whatif_words import TO
from streams.whatif.records import PersonChange, Side, Verdict, Whatif

LEFT, TOP, SIZE = 150, 14, 360
RADIUS, RADIUS_MAX = 4.0, 9.0
CELLS = 100  # along each side; persons in one are drawn as one
STEP = 100  # points; the scale ends at a multiple of these


@dataclass(frozen=True, slots=True)
class Square:
    """Scores from 0 to `most` on both sides, before from left to right and after from below upwards."""

    most: int

    def x(self, score: float) -> float:
        """Where a score before is."""
        return LEFT + SIZE * score / self.most

    def y(self, score: float) -> float:
        """Where a score after is."""
        return TOP + SIZE - SIZE * score / self.most


def whatif_picture(found: Whatif) -> str:
    """The square with the bands of both sides; persons of whom nothing is said on a side are not on it."""
    pairs = [pair for change in found.changes if (pair := _pair(change))]
    most = max(found.before.high, found.after.high, *(score for pair in pairs for score in pair))
    square = Square(-(-most // STEP) * STEP)
    said = f"{len(pairs)} persons whose highest score is another: before from left to right, after from below upwards."
    return svg.picture(
        TOP + SIZE + 52,
        "Highest score before and after",
        said,
        svg.box(LEFT, TOP, SIZE, SIZE, "panel"),
        svg.line(LEFT, TOP + SIZE, LEFT + SIZE, TOP, "rule"),
        *_across(square, found.before),
        *_up(square, found.after),
        *_points(square, pairs),
        svg.label(LEFT + SIZE / 2, TOP + SIZE + 44, f"before {TO}", "small muted", "middle"),
        svg.label(LEFT - 14, TOP + SIZE / 2, f"after {TO}", "small muted", "end"),
    )


def _pair(change: PersonChange) -> tuple[int, int] | None:
    before, after = _score(change.before), _score(change.after)
    return None if before is None or after is None or change.before == change.after else (before, after)


def _score(verdict: Verdict | None) -> int | None:
    return verdict.score if verdict else None


def _across(square: Square, side: Side) -> list[str]:
    edges = [square.x(side.elevated), square.x(side.high)]
    places = svg.spread(edges, [0, 100], LEFT, LEFT + SIZE)
    lines = [svg.line(edge, TOP, edge, TOP + SIZE, "threshold") for edge in edges]
    return lines + [
        svg.label(place, TOP + SIZE + 20, text, "small muted", "middle")
        for place, text in zip(places, _named(side), strict=True)
    ]


def _up(square: Square, side: Side) -> list[str]:
    edges = [square.y(side.high), square.y(side.elevated)]
    places = svg.spread(edges, [0, 18], TOP, TOP + SIZE)
    lines = [svg.line(LEFT, edge, LEFT + SIZE, edge, "threshold") for edge in edges]
    return lines + [
        svg.label(LEFT + SIZE + 6, place + 5, text, "small muted")
        for place, text in zip(places, reversed(_named(side)), strict=True)
    ]


def _named(side: Side) -> list[str]:
    return [f"elevated, {side.elevated}", f"high, {side.high}"]


def _points(square: Square, pairs: list[tuple[int, int]]) -> list[str]:
    """A circle for each place on a grid, the larger the more persons are there."""
    cell = max(1, square.most // CELLS)
    cells = Counter((before // cell * cell, after // cell * cell) for before, after in pairs)
    return [
        svg.circle(
            square.x(before), square.y(after), min(RADIUS_MAX, RADIUS * count**0.5), f"moved {_way(before, after)}"
        )
        for (before, after), count in sorted(cells.items())
    ]


def _way(before: int, after: int) -> str:
    return "raise" if after > before else "lower" if after < before else "base"
