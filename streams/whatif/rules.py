"""Which rules of a site act after the journal: under others of these, a journal that is there can be scored anew."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from features.site import Site
from streams.site_file import at_fields
from streams.site_rules import Finding

_AFTER = re.compile(
    r"\$\.(combinations|thresholds|memory|alerting|timing\.score_every_ms"
    r"|cameras\[\d+\]\.zones\[\d+\]\.loiter_after_s)\b"
)
SHOWN_CHARACTERS_MAX = 80


def changed_rules(before: Site, after: Site, path: Path) -> list[Finding]:
    """The rules that are others, all of which act after the journal.

    These are combinations, thresholds, memory, alerting, and how often is scored.

    Args:
        before: the site the journal was made with.
        after: the other one.
        path: its file.

    Raises:
        SiteFileError: they differ in something that the journal rests on; names every such field.
    """
    found = list(_differences(_plain(before), _plain(after), "$"))
    fixed = [one for one in found if not _AFTER.match(one.field)]
    if fixed:
        raise at_fields(path, [one._replace(expected=f"{one.expected}, on which the journal rests") for one in fixed])
    return found


def _differences(before: object, after: object, field: str) -> Iterator[Finding]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from _differences(value, after[name], f"{field}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{field}[{at}]")
    elif before != after:
        yield Finding(field, _shown(before), _shown(after))


def _plain(site: Site) -> object:
    return msgspec.json.decode(msgspec.json.encode(site))


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = "nothing" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
