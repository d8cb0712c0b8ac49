"""Pictures as SVG text: elements, escaping, and the style a picture needs on its own."""

import html
import textwrap
from functools import cache
from importlib.resources import files

from streams.console.words import plain

WIDTH = 640
CHARACTER_PX = 7.3  # mean width of a character of the pictures' 14 px font


def escape(text: object) -> str:
    """A text made safe for element content and quoted attributes of HTML and XML."""
    return html.escape(plain(text), quote=True)


def number(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    return f"{round(float(value), 1):g}"


def element(name: str, *children: str, **attributes: object) -> str:
    """An element; `children` are markup already. `class_` is class, `_` in a name is a hyphen."""
    named = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{named}>{''.join(children)}</{name}>"


def _name(key: str) -> str:
    return "viewBox" if key == "viewBox" else key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    return number(value) if isinstance(value, int | float) else escape(value)


def label(x: float, y: float, text: object, class_: str = "", anchor: str = "start") -> str:
    """A line of text; `anchor` is start, middle or end."""
    return element("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def box(x: float, y: float, width: float, height: float, class_: str, title: str = "", radius: float = 0) -> str:
    """A rectangle, with a text that shows when pointed at."""
    hint = [element("title", escape(title))] if title else []
    return element("rect", *hint, x=x, y=y, width=max(0.0, width), height=height, rx=radius, class_=class_)


def circle(x: float, y: float, radius: float, class_: str) -> str:
    """A circle."""
    return element("circle", cx=x, cy=y, r=radius, class_=class_)


def points(xs: list[float], ys: list[float]) -> str:
    """The points of a polyline or polygon."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in zip(xs, ys, strict=True))


def spread(places: list[float], gaps: list[float], low: float, high: float) -> list[float]:
    """Ascending places moved apart, each by at least its gap from the one before, all between `low` and `high`.

    Args:
        places: ascending.
        gaps: (places,) the least distance from the one before; the first is not used.
        low: least place.
        high: largest place; where there is no room for all, this one gives way last.
    """
    apart: list[float] = []
    for place, gap in zip(places, gaps, strict=True):
        apart.append(max(place, apart[-1] + gap if apart else low))
    edge = high
    for at in reversed(range(len(apart))):
        apart[at] = min(apart[at], edge)
        edge = apart[at] - gaps[at]
    return apart


def text_width(text: str) -> float:
    """About how wide a line of text is drawn."""
    return len(text) * CHARACTER_PX


def wrap(text: str, width_px: float, lines_max: int = 3) -> list[str]:
    """The text in lines that fit; what does not is cut with an ellipsis."""
    columns = max(4, int(width_px / CHARACTER_PX))
    return textwrap.wrap(plain(text), columns, max_lines=lines_max, placeholder=" …") or [""]


def picture(height: float, title: str, description: str, *children: str) -> str:
    """A picture `WIDTH` wide with a title and a description for those who cannot see it."""
    return element(
        "svg", element("title", escape(title)), element("desc", escape(description)), *children,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {number(height)}", role="img", class_="picture",
    )  # fmt: skip


@cache
def style() -> str:
    """The style sheet of the pictures."""
    return (files("streams.console") / "picture.css").read_text(encoding="utf-8")


def standalone(drawn: str) -> str:
    """A picture as a file of its own, its style inside."""
    start = drawn.index(">") + 1
    return f"{drawn[:start]}{element('style', style())}{drawn[start:]}"
