"""The way of a person through one camera's zones, coloured by time."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.site import ZONE_KINDS, Camera, Zone
from streams.console import svg
from streams.console.view import CameraPath
from streams.console.words import clock

HEIGHT_MAX = 400
MARGIN = 16
SPAN_MIN_PX = 160  # a person who hardly moved is not blown up to fill the picture
SHADES = 7
GAP_MS = 3_000  # a longer silence is drawn as a gap
POINTS_MAX = 700
LEGEND_ROW = 22

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where pixels of a camera land in the drawing."""

    scale: float
    left: float
    top: float
    height: float

    @classmethod
    def of(cls, x: Floats, y: Floats) -> Self:
        """The largest placing that shows all of the points."""
        low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
        span = np.maximum(high - low, SPAN_MIN_PX)
        room = np.array([svg.WIDTH, HEIGHT_MAX]) - 2 * MARGIN
        scale = float((room / span).min())
        height = float(span[1]) * scale + 2 * MARGIN
        middle = (low + high) / 2
        return cls(scale, float(svg.WIDTH / 2 - middle[0] * scale), float(height / 2 - middle[1] * scale), height)

    def x(self, pixels: Floats) -> list[float]:
        """Pixels to the right, placed."""
        placed: list[float] = (pixels * self.scale + self.left).tolist()
        return placed

    def y(self, pixels: Floats) -> list[float]:
        """Pixels down, placed."""
        placed: list[float] = (pixels * self.scale + self.top).tolist()
        return placed


@dataclass(frozen=True, slots=True)
class Way:
    """Finite points of a path, thinned to what can be seen."""

    time_ms: NDArray[Any]
    x: Floats
    y: Floats

    @classmethod
    def of(cls, path: CameraPath) -> Self:
        """The points of a path that can be drawn, at most about `POINTS_MAX` and always the last."""
        x, y = np.asarray(path.x, np.float64), np.asarray(path.y, np.float64)
        kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        step = max(1, len(kept) // POINTS_MAX)
        kept = np.unique(np.concatenate([kept[::step], kept[-1:]]))
        return cls(np.asarray(path.time_ms)[kept], x[kept], y[kept])


def path_picture(path: CameraPath, camera: Camera, utc_offset_minutes: int = 0) -> str:
    """A person's way over the zones of a camera, with start, end and legend."""
    way = Way.of(path)
    corners = np.array([corner for zone in camera.zones for corner in zone.polygon], np.float64).reshape(-1, 2)
    xs, ys = np.append(way.x, corners[:, 0]), np.append(way.y, corners[:, 1])
    placing = Placing.of(xs, ys) if len(xs) else Placing(1, 0, 0, 120)
    legend, legend_height = _legend(way, camera, placing.height, utc_offset_minutes)
    return svg.picture(
        placing.height + legend_height,
        f"Way through {camera.name}",
        _description(way, camera, utc_offset_minutes),
        svg.box(0.5, 0.5, svg.WIDTH - 1, placing.height - 1, "panel", radius=6),
        *(_zone(zone, placing) for zone in camera.zones),
        *_way(way, placing),
        *(_zone_name(zone, placing) for zone in camera.zones),
        *_ends(way, placing),
        legend,
    )


def _description(way: Way, camera: Camera, utc_offset_minutes: int) -> str:
    zones = ", ".join(f"{zone.name} ({zone.kind})" for zone in camera.zones) or "none"
    if not len(way.x):
        return f"No position was seen. Zones: {zones}."
    first, last = (clock(int(way.time_ms[at]), utc_offset_minutes) for at in (0, -1))
    return f"Where the person walked from {first} to {last}. Zones: {zones}."


def _zone(zone: Zone, placing: Placing) -> str:
    corners = np.array(zone.polygon, np.float64)
    hint = svg.element("title", svg.escape(f"{zone.name} ({zone.kind})"))
    outline = svg.points(placing.x(corners[:, 0]), placing.y(corners[:, 1]))
    return svg.element("polygon", hint, points=outline, class_=f"zone kind-{zone.kind}")


def _zone_name(zone: Zone, placing: Placing) -> str:
    corners = np.array(zone.polygon, np.float64)
    xs, ys = placing.x(corners[:, 0]), placing.y(corners[:, 1])
    if len(zone.name) * svg.CHARACTER_PX > max(xs) - min(xs) + 24:
        return ""
    return svg.label(
        (min(xs) + max(xs)) / 2, min((min(ys) + max(ys)) / 2 + 5, min(ys) + 22), zone.name, "small halo", "middle"
    )


def _way(way: Way, placing: Placing) -> list[str]:
    if len(way.x) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    xs, ys = placing.x(way.x), placing.y(way.y)
    joined = np.diff(way.time_ms) <= GAP_MS
    shade = _shades(way.time_ms)[:-1]
    starts = np.flatnonzero(np.diff(shade, prepend=-1) | np.diff(joined, prepend=not joined[0]))
    ends = np.append(starts[1:], len(joined))
    outlines = [svg.points(xs[start : end + 1], ys[start : end + 1]) for start, end in zip(starts, ends, strict=True)]
    classes = [f"way t{shade[start]}" if joined[start] else "way-gap" for start in starts]
    halos = [svg.element("polyline", points=outline, class_="way-halo") for outline in outlines]
    return halos + [
        svg.element("polyline", points=outline, class_=class_)
        for outline, class_ in zip(outlines, classes, strict=True)
    ]


def _shades(time_ms: NDArray[Any]) -> NDArray[np.int64]:
    since = np.asarray(time_ms, np.int64) - int(time_ms[0])
    return np.minimum(SHADES * since // max(1, int(since[-1])), SHADES - 1)


def _ends(way: Way, placing: Placing) -> list[str]:
    if not len(way.x):
        return [svg.label(svg.WIDTH / 2, placing.height / 2, "no position was seen", "muted", "middle")]
    xs, ys = placing.x(way.x[[0, -1]]), placing.y(way.y[[0, -1]])
    return [svg.circle(xs[0], ys[0], 7, "mark-start"), svg.box(xs[1] - 6, ys[1] - 6, 12, 12, "mark-end", radius=2)]


def _legend(way: Way, camera: Camera, top: float, utc_offset_minutes: int) -> tuple[str, float]:
    rows = [_time_legend(way, top + LEGEND_ROW, utc_offset_minutes)] if len(way.x) else []
    kinds = [kind for kind in ZONE_KINDS if any(zone.kind == kind for zone in camera.zones)]
    if kinds:
        rows.append(_kind_legend(kinds, top + LEGEND_ROW * (len(rows) + 1)))
    return "".join(rows), LEGEND_ROW * len(rows) + 8


def _time_legend(way: Way, y: float, utc_offset_minutes: int) -> str:
    first, last = (clock(int(way.time_ms[at]), utc_offset_minutes) for at in (0, -1))
    steps = [svg.line(96 + 18 * at, y - 5, 110 + 18 * at, y - 5, f"way t{at}") for at in range(SHADES)]
    after = 100 + 18 * SHADES
    return "".join(
        [
            svg.circle(8, y - 5, 6, "mark-start"),
            svg.label(22, y, first, "small number"),
            *steps,
            svg.box(after + 4, y - 11, 12, 12, "mark-end", radius=2),
            svg.label(after + 24, y, last, "small number"),
        ]
    )


def _kind_legend(kinds: list[str] | list[Any], y: float) -> str:
    parts, x = [], 2.0
    for kind in kinds:
        parts += [svg.box(x, y - 11, 14, 12, f"zone kind-{kind}", radius=2), svg.label(x + 20, y, kind, "small")]
        x += 40 + len(kind) * svg.CHARACTER_PX
    return "".join(parts)
