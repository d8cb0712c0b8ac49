"""The score over a visit, with the bands, zones, purchases and events of the same seconds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from models.scorecard import SCORE_MAX
from streams.console import svg
from streams.console.view import ABSTAIN, Band, PersonView, ScoreAt, band_shade, band_spans
from streams.console.words import clock, plain, signed

LEFT, RIGHT = 74, 100
TOP, PLOT = 12, 210
LANE = 26
MARK_GAP = 20
LINE = 15
TICKS_MAX = 6
TICK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)


@dataclass(frozen=True, slots=True)
class Axis:
    """Where an instant lies across the picture."""

    start_ms: int
    end_ms: int

    def x(self, time_ms: int) -> float:
        """Place of an instant, held inside the plot."""
        across = (time_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return LEFT + (svg.WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, across))

    def ticks(self, utc_offset_minutes: int) -> list[int]:
        """Round local times, at most `TICKS_MAX`."""
        spans = (self.end_ms - self.start_ms) / 1_000
        step = 1_000 * next((step for step in TICK_S if spans / step <= TICKS_MAX), TICK_S[-1])
        offset = utc_offset_minutes * 60_000
        return [at - offset for at in range(-(-(self.start_ms + offset) // step) * step, self.end_ms + offset, step)]


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of marks beneath the plot."""

    name: str
    draw: Callable[[float], list[str]]


def timeline_picture(person: PersonView, bands: tuple[Band, ...], utc_offset_minutes: int = 0) -> str:
    """Score over time; events and purchases carry the numbers of the lists that name them."""
    last = max([person.last_ms, *(row.time_ms for row in person.timeline)])
    axis = Axis(person.first_ms, max(last, person.first_ms + 1_000))
    lanes = _lanes(person, axis)
    foot = TOP + PLOT + LANE * len(lanes)
    return svg.picture(
        foot + 28,
        f"Review priority of {person.name} over time",
        _description(person, utc_offset_minutes),
        svg.box(LEFT, TOP, svg.WIDTH - LEFT - RIGHT, PLOT, "panel"),
        *_bands(bands),
        *_abstained(person.timeline, axis),
        *_drops([mark.time_ms for mark in person.events], axis, foot),
        *_scores(person.timeline, axis),
        *_hits(person.timeline, axis, utc_offset_minutes),
        *_drawn_lanes(lanes),
        *_ticks(axis, foot, utc_offset_minutes),
    )


def _description(person: PersonView, utc_offset_minutes: int) -> str:
    rows = "; ".join(
        f"{clock(row.time_ms, utc_offset_minutes)} {ABSTAIN if row.score is None else row.score}"
        for row in person.timeline
    )
    return rows or "No score was published."


def _height(score: int) -> float:
    return TOP + PLOT * (1 - score / SCORE_MAX)


def _bands(bands: tuple[Band, ...]) -> list[str]:
    drawn, width = [], svg.WIDTH - LEFT - RIGHT
    for band, ceiling in band_spans(bands):
        top, bottom = _height(ceiling), _height(band.floor)
        drawn.append(svg.box(LEFT, top, width, bottom - top, f"band shade{band_shade(band.name, bands)}"))
        if band.floor:
            drawn.append(svg.line(LEFT, bottom, svg.WIDTH - RIGHT, bottom, "threshold"))
    return [*drawn, *_scale(bands), *_band_names(bands)]


def _scale(bands: tuple[Band, ...]) -> list[str]:
    scores = sorted({SCORE_MAX, 0, *(band.floor for band in bands)}, reverse=True)
    places = _lines_apart([_height(score) for score in scores])
    return [
        svg.label(LEFT - 8, place + 5, str(score), "small muted number", "end")
        for score, place in zip(scores, places, strict=True)
    ]


def _band_names(bands: tuple[Band, ...]) -> list[str]:
    spans = band_spans(bands)[::-1]
    places = _lines_apart([(_height(ceiling) + _height(band.floor)) / 2 for band, ceiling in spans])
    return [
        svg.label(svg.WIDTH - RIGHT + 10, place + 5, svg.wrap(band.name, RIGHT - 12, 1)[0], "small")
        for (band, _), place in zip(spans, places, strict=True)
    ]


def _lines_apart(heights: list[float]) -> list[float]:
    return svg.spread(heights, [LINE] * len(heights), TOP, TOP + PLOT)


def _spans(timeline: tuple[ScoreAt, ...], axis: Axis) -> list[tuple[ScoreAt, float, float]]:
    ends = [*(row.time_ms for row in timeline[1:]), axis.end_ms]
    return [(row, axis.x(row.time_ms), axis.x(end)) for row, end in zip(timeline, ends, strict=False)]


def _abstained(timeline: tuple[ScoreAt, ...], axis: Axis) -> list[str]:
    drawn = []
    for start, end in _joined((start, end) for row, start, end in _spans(timeline, axis) if row.score is None):
        drawn.append(svg.box(start, TOP + 1, end - start, PLOT - 2, "abstain"))
        drawn.append(_abstain_label(start, end))
    return drawn


def _abstain_label(start: float, end: float) -> str:
    x, y = (start + end) / 2, TOP + PLOT / 2
    if end - start > len(ABSTAIN) * svg.CHARACTER_PX + 16:
        return svg.label(x, y, ABSTAIN, "small muted", "middle")
    if end - start < MARK_GAP:
        return ""
    upright = svg.label(x, y + 5, ABSTAIN, "small muted", "middle")
    return svg.element("g", upright, transform=f"rotate(-90 {svg.number(x)} {svg.number(y)})")


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _scores(timeline: tuple[ScoreAt, ...], axis: Axis) -> list[str]:
    steps, drawn = "", False
    for row, start, end in _spans(timeline, axis):
        if row.score is not None:
            y = svg.number(_height(row.score))
            steps += f"{'V' + y if drawn else f'M{svg.number(start)} {y}'}H{svg.number(end)}"
        drawn = row.score is not None
    line = [svg.element("path", d=steps, class_="score")] if steps else []
    return line + _last(timeline, axis)


def _last(timeline: tuple[ScoreAt, ...], axis: Axis) -> list[str]:
    if not timeline or timeline[-1].score is None:
        return []
    score = timeline[-1].score
    x, y = axis.x(axis.end_ms), _height(score)
    above = y - 9 if y > TOP + 24 else y + 20
    return [svg.circle(x, y, 4.5, "score-dot"), svg.label(x - 8, above, str(score), "strong halo number", "end")]


def _hits(timeline: tuple[ScoreAt, ...], axis: Axis, utc_offset_minutes: int) -> list[str]:
    return [
        svg.box(start, TOP, end - start, PLOT, "hit", hint(row, utc_offset_minutes))
        for row, start, end in _spans(timeline, axis)
    ]


def hint(row: ScoreAt, utc_offset_minutes: int = 0) -> str:
    """One published score with its reasons, on one line."""
    said = ABSTAIN if row.score is None else f"{row.score} ({row.band})"
    reasons = [f"{signed(part.points)} {part.text}" for part in row.contributions if part.points]
    return plain(f"{clock(row.time_ms, utc_offset_minutes)}: {', '.join([said, *reasons])}")


def _drops(times_ms: list[int], axis: Axis, foot: float) -> list[str]:
    return [svg.line(axis.x(at), TOP, axis.x(at), foot, "drop") for at in times_ms]


def _lanes(person: PersonView, axis: Axis) -> list[Lane]:
    lanes = (
        ("zones", person.stays, lambda y: _stays(person, axis, y)),
        ("paid", person.purchases, lambda y: _purchases(person, axis, y)),
        ("events", person.events, lambda y: _events(person, axis, y)),
    )
    return [Lane(name, draw) for name, marks, draw in lanes if marks]


def _drawn_lanes(lanes: list[Lane]) -> list[str]:
    drawn = []
    for at, lane in enumerate(lanes):
        y = TOP + PLOT + LANE * (at + 0.5) + 3
        drawn += [svg.label(LEFT - 8, y + 5, lane.name, "small muted", "end"), *lane.draw(y)]
    return drawn


def _stays(person: PersonView, axis: Axis, y: float) -> list[str]:
    drawn = []
    for stay in person.stays:
        start = axis.x(stay.start_ms)
        title = f"{stay.zone} ({stay.kind}), {(stay.end_ms - stay.start_ms) // 1_000} s"
        width = max(2.5, axis.x(stay.end_ms) - start)
        drawn.append(svg.box(start, y - 6, width, 12, f"stay kind-{stay.kind}", title, 2))
    return drawn


def _purchases(person: PersonView, axis: Axis, y: float) -> list[str]:
    places = _spread([axis.x(mark.time_ms) for mark in person.purchases])
    return [
        svg.box(x - 9, y - 9, 18, 18, "purchase", mark.text, 3)
        + svg.label(x, y + 4.5, str(at), "purchase-number", "middle")
        for at, (x, mark) in enumerate(zip(places, person.purchases, strict=True), 1)
    ]


def _events(person: PersonView, axis: Axis, y: float) -> list[str]:
    places = _spread([axis.x(mark.time_ms) for mark in person.events])
    return [
        svg.element("g", svg.element("title", svg.escape(mark.text)), svg.circle(x, y, 9, "event"))
        + svg.label(x, y + 4.5, str(at), "event-number", "middle")
        for at, (x, mark) in enumerate(zip(places, person.events, strict=True), 1)
    ]


def _spread(places: list[float]) -> list[float]:
    """Marks that do not hide each other, all of them inside the plot."""
    gap = min(MARK_GAP, (svg.WIDTH - LEFT - RIGHT) / max(1, len(places)))
    return svg.spread(places, [gap] * len(places), LEFT, svg.WIDTH - RIGHT)


def _ticks(axis: Axis, foot: float, utc_offset_minutes: int) -> list[str]:
    drawn = []
    for at in axis.ticks(utc_offset_minutes):
        x = axis.x(at)
        drawn.append(svg.line(x, foot, x, foot + 5, "rule"))
        drawn.append(svg.label(x, foot + 20, clock(at, utc_offset_minutes), "small muted number", "middle"))
    return drawn
