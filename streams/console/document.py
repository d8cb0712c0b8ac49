"""The frame of every page: one file that needs no other, under a policy that lets nothing else in."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from streams.console import svg
from streams.console.svg import element, escape


def document(title: str, skip: str, *body: str) -> str:
    """A whole page.

    Args:
        title: of the window.
        skip: markup of a link to what one came for, past the rest.
        body: markup.
    """
    whole = element("body", skip, *body, element("script", _asset("page.js")))
    return f'<!doctype html>\n<html lang="en">{_head(title)}{whole}</html>\n'


def table(names: list[tuple[str, str]], rows: list[str], heading_id: str, id_: str = "") -> str:
    """A table that may be wider than the page; `names` are those of the columns, each with its class."""
    head = [element("th", escape(name), scope="col", class_=class_) for name, class_ in names]
    named = {"id": id_} if id_ else {}
    drawn = element("table", element("thead", element("tr", *head)), element("tbody", *rows), **named)
    return element("div", drawn, class_="scroll", tabindex="0", role="region", aria_labelledby=heading_id)


def band_filter(bands: list[str]) -> str:
    """A form that hides rows of the table `persons` by text and band; works only where scripts do."""
    options = [element("option", escape(name), value=name) for name in bands]
    return (
        '<form class="filter" hidden><label>Find <input name="text" type="search"></label>'
        f'<label>Band <select name="band"><option value="">all</option>{"".join(options)}</select></label>'
        '<output class="muted" aria-live="polite"></output></form>'
    )


def facts(told: list[tuple[str, str]]) -> str:
    """Terms and what they are, those without a value left out."""
    listed = [f"<div><dt>{escape(term)}</dt><dd>{escape(value)}</dd></div>" for term, value in told if value]
    return element("dl", *listed, class_="facts")


def skip_to(anchor: str, what: str) -> str:
    """The link past everything before an anchor."""
    return element("a", escape(f"Skip to {what}"), class_="skip", href=f"#{anchor}")


@cache
def _asset(name: str) -> str:
    return (files("streams.console") / name).read_text(encoding="utf-8")


def _head(title: str) -> str:
    style = svg.style() + _asset("page.css")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(_asset('page.js'))}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        element("title", escape(title)),
        element("style", style),
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
