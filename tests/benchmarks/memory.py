"""How many bytes a run holds, and where."""

import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from features.closing import Layout
from features.site import Site
from streams.embedded import Outputs


def held_bytes(*roots: Any) -> int:  # noqa: ANN401 - walks whatever a state is made of
    """Everything that is kept alive by objects, each thing once; a view counts as the whole array behind it."""
    seen: set[int] = set()
    total, waiting = 0, list(roots)
    while waiting:
        one = waiting.pop()
        while isinstance(one, np.ndarray) and isinstance(one.base, np.ndarray):
            one = one.base
        if id(one) in seen or isinstance(one, type | Site | Layout | Outputs):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting.extend(_parts(one))
    return total


def _parts(one: Any) -> Iterable[Any]:  # noqa: ANN401
    if isinstance(one, dict):
        return [*one.keys(), *one.values()]
    if is_dataclass(one):
        return [getattr(one, field.name) for field in fields(one)]
    if isinstance(one, msgspec.Struct):
        return [getattr(one, name) for name in one.__struct_fields__]
    if isinstance(one, str | bytes | np.ndarray | int | float | bool | None) or not isinstance(one, Iterable):
        return []
    return one


def resident_bytes() -> int:
    """What the process holds of the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096
