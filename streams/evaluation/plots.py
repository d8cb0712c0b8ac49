"""Curves and bars of a report as SVG."""

from streams.console import svg
from streams.evaluation.report import Bars, Curve, Plot

LEFT, RIGHT, TOP, HEIGHT = 62, 16, 12, 300
TICKS = 5
SHADES = 6
BAR, NAME_WIDTH, VALUE_WIDTH = 30, 210, 50
LEGEND_LINE = 20
POINTS_MAX = 200  # of a curve; a picture has no room for more


def plot_picture(plot: Plot) -> str:
    """Curves in a frame, their names beneath."""
    foot = TOP + HEIGHT + 46
    names = ", ".join(curve.name for curve in plot.curves)
    return svg.picture(
        foot + LEGEND_LINE * len(plot.curves) + 6,
        plot.title,
        f"{plot.y} over {plot.x}: {names}",
        svg.box(LEFT, TOP, _width(), HEIGHT, "panel"),
        *_ticks(plot),
        *(_curve(plot, curve, at % SHADES) for at, curve in enumerate(plot.curves)),
        *(_legend(curve.name, at % SHADES, foot + LEGEND_LINE * at) for at, curve in enumerate(plot.curves)),
    )


def _width() -> float:
    return svg.WIDTH - LEFT - RIGHT


def _x(plot: Plot, value: float) -> float:
    return LEFT + _width() * min(1.0, max(0.0, (value - plot.x_min) / (plot.x_max - plot.x_min)))


def _y(plot: Plot, value: float) -> float:
    return TOP + HEIGHT * (1 - min(1.0, max(0.0, (value - plot.y_min) / (plot.y_max - plot.y_min))))


def _ticks(plot: Plot) -> list[str]:
    drawn = []
    for at in range(TICKS + 1):
        x = plot.x_min + (plot.x_max - plot.x_min) * at / TICKS
        y = plot.y_min + (plot.y_max - plot.y_min) * at / TICKS
        drawn += [svg.line(LEFT, _y(plot, y), LEFT + _width(), _y(plot, y), "rule")]
        drawn += [svg.label(LEFT - 8, _y(plot, y) + 5, f"{y:.2g}", "small muted number", "end")]
        drawn += [svg.label(_x(plot, x), TOP + HEIGHT + 18, f"{x:.2g}", "small muted number", "middle")]
    middle = TOP + HEIGHT / 2
    turned = f"rotate(-90 14 {svg.number(middle)})"
    drawn += [svg.label(LEFT + _width() / 2, TOP + HEIGHT + 38, plot.x, "small muted", "middle")]
    drawn += [
        svg.element(
            "text", svg.escape(plot.y), x=14, y=middle, class_="small muted", text_anchor="middle", transform=turned
        )
    ]
    return drawn


def _curve(plot: Plot, curve: Curve, shade: int) -> str:
    every = max(1, -(-len(curve.x) // POINTS_MAX))
    kept = [at for at in range(len(curve.x)) if at % every == 0 or at == len(curve.x) - 1]
    xs, ys = [_x(plot, curve.x[at]) for at in kept], [_y(plot, curve.y[at]) for at in kept]
    return svg.element("polyline", points=svg.points(xs, ys), class_=f"curve curve{shade}")


def _legend(name: str, shade: int, y: float) -> str:
    return svg.box(LEFT, y, 18, 5, f"swatch curve{shade}") + svg.label(LEFT + 26, y + 7, name, "small")


def bars_picture(bars: Bars) -> str:
    """A bar for each value, the value behind it."""
    height = BAR * len(bars.names)
    width = svg.WIDTH - NAME_WIDTH - VALUE_WIDTH
    pairs = list(zip(bars.names, bars.values, strict=True))
    drawn = []
    for at, (name, value) in enumerate(pairs):
        y = TOP + BAR * at
        length = width * min(1.0, max(0.0, value / bars.end))
        drawn.append(svg.label(NAME_WIDTH - 10, y + 17, name, "small", "end"))
        drawn.append(svg.box(NAME_WIDTH, y + 4, length, BAR - 10, "swatch curve1", f"{name}: {value:.3f}", 2))
        drawn.append(svg.label(NAME_WIDTH + length + 6, y + 17, f"{value:.2f}", "small number"))
    if bars.mark is not None:
        x = NAME_WIDTH + width * bars.mark / bars.end
        drawn.append(svg.line(x, TOP, x, TOP + height, "threshold"))
    said = ", ".join(f"{name}: {value:.3f}" for name, value in pairs)
    return svg.picture(TOP + height + 8, bars.title, said, *drawn)
