"""A site's YAML text as values with their places, each checked against the type `features.site` gives it."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import repeat
from sys import maxsize
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo

from features.events import Name, explain
from features.site import Site

GOT_CHARACTERS_MAX = 60
_UNREADABLE = (ValueError, LookupError, AttributeError, ArithmeticError, yaml.YAMLError)  # PyYAML 6 on `!!bool x`
_QUOTED = re.compile(r"`([a-z| ]+)`")
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}


class Place(NamedTuple):
    """Where a value stands in a file, both from 1."""

    line: int
    column: int


class SiteError(Struct, frozen=True):
    """Something in a site file that is wrong, or with `warning` only doubtful."""

    line: int
    column: int
    field: str
    expected: str
    got: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.line}:{self.column}: {kind}{self.field}: expected {self.expected}, got {self.got}"


class SiteText:
    """What a site's text says.

    Attributes:
        value: mappings, lists and scalars as `msgspec.convert` takes them; without unknown and repeated keys.
        places: of each value by its path, such as `$.cameras[0].name`.
        errors: everything that does not fit the schema.
    """

    def __init__(self, text: str) -> None:
        self.places: dict[str, Place] = {}
        self.errors: list[SiteError] = []
        self.value: object = None
        try:
            self._loader, node = _composed(text)
            node = node or yaml.ScalarNode("tag:yaml.org,2002:null", "", *_start())
            self.value = self._read(node, Site, "$")
        except yaml.reader.ReaderError as error:
            self._refuse(_place_of(text, error.position), "$", "YAML", error.reason)
        except yaml.MarkedYAMLError as error:
            self._refuse(
                _marked(error.problem_mark), "$", "YAML", ", ".join(filter(None, (error.context, error.problem)))
            )
        except RecursionError:
            self._refuse(Place(1, 1), "$", "YAML", "lists within lists without end")

    def _refuse(self, place: Place, path: str, expected: str, got: str) -> None:
        self.errors.append(SiteError(*place, path, expected, got))

    def _read(self, node: yaml.Node, kind: Any, path: str) -> object:  # noqa: ANN401 - a type as msgspec takes it
        self.places[path] = _marked(node.start_mark)
        bare = _bare(kind)
        if isinstance(node, yaml.MappingNode) and isinstance(bare, type) and issubclass(bare, Struct):
            return self._mapping(node, bare, path)
        if isinstance(node, yaml.SequenceNode) and get_origin(bare) in {list, tuple}:
            return self._sequence(node, kind, path)
        return self._scalar(node, kind, path)

    def _mapping(self, node: yaml.MappingNode, kind: type[Struct], path: str) -> dict[str, object]:
        known = {each.encode_name: each for each in fields_of(kind)}
        value: dict[str, object] = {}
        for key, item in self._keys(node, known, path):
            value[key] = self._read(item, known[key].type, f"{path}.{key}")
        for key in [key for key, each in known.items() if each.required and key not in value]:
            self._refuse(_marked(node.start_mark), f"{path}.{key}", f"the field {key}", "nothing")
        return value

    def _keys(self, node: yaml.MappingNode, known: dict[str, FieldInfo], path: str) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, item in node.value:
            key, place = _source(key_node), _marked(key_node.start_mark)
            if key not in known:
                self._refuse(place, f"{path}.{key}", one_of(key, list(known)), f"the unknown field {key}")
            elif key in seen:
                self._refuse(place, f"{path}.{key}", "each field once", f"{key} again, first in line {seen[key]}")
            else:
                seen[key] = place.line
                yield key, item

    def _sequence(self, node: yaml.SequenceNode, kind: Any, path: str) -> list[object]:  # noqa: ANN401
        bare = _bare(kind)
        items = repeat(get_args(bare)[0]) if get_origin(bare) is list else get_args(bare)
        value = [self._read(*pair, f"{path}[{at}]") for at, pair in enumerate(zip(node.value, items, strict=False))]
        least, most = _lengths(kind)
        if not least <= len(node.value) <= most:
            count = f"{least}" if least == most else f"at least {least}" if most == maxsize else f"{least} to {most}"
            self._refuse(self.places[path], path, f"a list of {count}", _source(node))
        return value

    def _scalar(self, node: yaml.Node, kind: Any, path: str) -> object:  # noqa: ANN401
        value: object = [] if isinstance(node, yaml.SequenceNode) else {}
        if isinstance(node, yaml.ScalarNode):
            try:
                value = self._loader.construct_object(node)
            except _UNREADABLE:
                value = object()  # which no type takes
        self._convert(node, value, kind, path)
        return value

    def _convert(self, node: yaml.Node, value: object, kind: Any, path: str) -> None:  # noqa: ANN401
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._refuse(self.places[path], path, _expected(kind, str(error), _source(node)), _source(node))


def one_of(got: str, known: list[str]) -> str:
    """What was expected, the known name nearest to what came first."""
    near = get_close_matches(got, known, 1)
    others = ", ".join(name for name in known if name not in near)
    return ", or another of ".join([*near, *filter(None, [others])]) if near else f"one of {others}"


def _bare(kind: Any) -> Any:  # noqa: ANN401
    """The type without limits and without `None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return _bare(next(each for each in get_args(kind) if each is not type(None)))
    return kind


def _lengths(kind: Any) -> tuple[int, int]:  # noqa: ANN401
    """The least and the largest number of items of a list or tuple type."""
    bare = _bare(kind)
    if get_origin(bare) is tuple:
        return len(get_args(bare)), len(get_args(bare))
    limits = next((each for each in getattr(kind, "__metadata__", ()) if isinstance(each, Meta)), Meta())
    return limits.min_length or 0, limits.max_length or maxsize


def _expected(kind: Any, message: str, got: str) -> str:  # noqa: ANN401
    if kind == Name and "regex" in message:
        return "text of 1 to 64 letters, digits and . _ : @ -"
    if get_origin(_bare(kind)) is Literal:
        return one_of(got, list(get_args(_bare(kind))))
    return _QUOTED.sub(lambda match: _in_words(match[1]), explain(message).expected)


def _in_words(types: str) -> str:
    return " or ".join(_WORDS.get(each, each) for each in types.split(" | "))


fields_of = lru_cache(msgspec.structs.fields)
"""The fields of a struct; a site has thousands of the same few kinds."""


def _composed(text: str) -> tuple[Any, yaml.Node | None]:
    """A loader and what it reads, with libyaml where PyYAML has it: ten times as fast, but it says less of errors."""
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        return loader, loader.get_single_node()
    except yaml.YAMLError:
        loader = yaml.SafeLoader(text)
        return loader, loader.get_single_node()


def _source(node: yaml.Node) -> str:
    """What stands in the file, shortened."""
    if isinstance(node, yaml.ScalarNode):
        text = str(node.value)
        return (text if len(text) <= GOT_CHARACTERS_MAX else text[:GOT_CHARACTERS_MAX] + "...") or "nothing"
    return f"a list of {len(node.value)}" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _start() -> tuple[yaml.Mark, yaml.Mark]:
    mark = yaml.Mark("site", 0, 0, 0, None, 0)
    return mark, mark


def _marked(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - before.rfind("\n"))
