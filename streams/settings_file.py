"""Settings from a YAML file and the environment, with everything wrong in either told at once."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from msgspec import Struct, inspect

from streams.config import PREFIX, SETTINGS_FILE, may_be_setting
from streams.settings import HIDDEN, SECRETS, Settings
from streams.settings_rules import findings
from streams.site_text import Place, SiteError, SiteText

EXAMPLE = Path(__file__).with_name("example-settings.yaml")
DEFAULT_FILE = Path("vigil.yaml")
_IN_FILE = "_FILE"
_NOT_SHOWN = "a value that is not shown"
_AFTER_SECRET = re.compile(rf"\b({'|'.join(SECRETS)})(\s*[:= ]\s*)\S.*", re.DOTALL)
_IN_QUOTES = re.compile(r"""(?<=')[^'<][^']+(?=')|(?<=")[^"<][^"]+(?=")""")  # not <block end> and the like
_NAME_PATTERN = re.compile(r".* matching regex .*")


class Variable(NamedTuple):
    """A variable of the environment that sets a field.

    `path`: the names of the parts and of the field. `kind`: its type. `optional`: whether it may be nothing.
    """

    name: str
    path: tuple[str, ...]
    kind: inspect.Type
    optional: bool

    @property
    def secret(self) -> bool:
        """Whether its value is never shown, and may come from a file named by `NAME_FILE`."""
        return self.path[-1] in SECRETS


class SettingsFinding(Struct, frozen=True):
    """Something in the settings that is wrong, or with `warning` only doubtful.

    `where`: `file:line:column` or the name of a variable.
    """

    where: str
    field: str
    expected: str
    got: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.where}: {kind}{self.field}: expected {self.expected}, got {self.got}"


class SettingsError(ValueError):
    """Settings that cannot be used; the text has one line for each error, none shows a secret."""

    def __init__(self, errors: list[SettingsFinding]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of a file, each replaced by the environment's where that sets it.

    Without a path, the file is the one that `VIGIL_SETTINGS` names, else `vigil.yaml` if there is one.

    Raises:
        SettingsError: with everything that is wrong and doubtful, if anything is wrong.
    """
    value, found = _read(path, environment)
    if any(not each.warning for each in found):
        raise SettingsError(found)
    return msgspec.convert(value, Settings)


def check_settings(path: Path | None, environment: Mapping[str, str]) -> list[SettingsFinding]:
    """Everything wrong or doubtful; `load_settings` loads where no more than warnings are among it."""
    return _read(path, environment)[1]


def variables() -> dict[str, Variable]:
    """Every variable that sets a field, by name; those of secrets also come as `NAME_FILE`."""
    return {each.name: each for each in _variables(inspect.type_info(Settings), ())}


def _variables(kind: inspect.Type, path: tuple[str, ...], *, optional: bool = False) -> Iterator[Variable]:
    if isinstance(kind, inspect.Metadata):
        yield from _variables(kind.type, path, optional=optional)
    elif isinstance(kind, inspect.UnionType):
        inner = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
        yield from _variables(inner, path, optional=True)
    elif isinstance(kind, inspect.StructType):
        for each in kind.fields:
            yield from _variables(each.type, (*path, each.encode_name))
    else:
        yield Variable(PREFIX + "__".join(path).upper(), path, kind, optional)


class _SettingsText(SiteText):
    """The text of settings with the environment's values put in; an nth of these has place (0, n)."""

    def __init__(self, text: str, values: list[tuple[Variable, str]]) -> None:
        self._values = values
        super().__init__(text)

    def _read(self, node: yaml.Node, kind: Any, path: str) -> object:  # noqa: ANN401 - a type as msgspec takes it
        if path != "$":
            return super()._read(node, kind, path)
        for at, (variable, value) in enumerate(self._values):
            node = _with(node, variable.path, _node(self._loader, variable, value, _mark(at)))
        return super()._read(_mapping_if_nothing(node), Settings, path)

    def _refuse(self, place: Place, path: str, expected: str, got: str) -> None:
        if expected == "YAML":
            got = _IN_QUOTES.sub("...", got)  # a secret beginning with * or ! is a name to YAML, and quoted
        if path.rpartition(".")[2] in SECRETS and got != "nothing":
            got = _NOT_SHOWN
        if _NAME_PATTERN.fullmatch(expected):
            expected = "text of 1 to 64 letters, digits and . _ : @ -"
        super()._refuse(place, _without_secret(path), expected, _without_secret(got))


def _read(path: Path | None, environment: Mapping[str, str]) -> tuple[object, list[SettingsFinding]]:
    path = path or _default_path(environment)
    values, refused = _from_environment(environment)
    try:
        text = path.read_text(encoding="utf-8") if path else ""
    except OSError as error:
        return None, [*refused, _of_file(path, "a settings file", error.strerror or str(error))]
    except UnicodeDecodeError as error:
        return None, [*refused, _of_file(path, "UTF-8", f"byte {error.start} that is not")]
    read = _SettingsText(text, values)
    return read.value, [*refused, *_located(path, [name.name for name, _ in values], _errors(read))]


def _default_path(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get(SETTINGS_FILE):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def _errors(text: SiteText) -> list[SiteError]:
    """What does not fit the types, and what contradicts, in the order of the file."""
    known = {error.field for error in text.errors}
    doubts = [
        SiteError(*_place(text, each.field), each.field, each.expected, each.got, each.warning)
        for each in (findings(text.value) if text.value is not None else ())
        if each.field not in known
    ]
    return sorted([*text.errors, *doubts], key=lambda error: (error.line, error.column))


def _place(text: SiteText, field: str) -> Place:
    """Where a field stands, or what it would stand in if it was left out."""
    while field not in text.places:
        field = field.rpartition(".")[0]
    return text.places[field]


def _located(path: Path | None, names: list[str], errors: Iterable[SiteError]) -> Iterator[SettingsFinding]:
    for error in errors:
        place = f"{path}:{error.line}:{error.column}" if path else "settings"
        where = place if error.line else names[error.column]
        yield SettingsFinding(where, error.field, error.expected, error.got, error.warning)


def _of_file(path: Path | None, expected: str, got: str) -> SettingsFinding:
    return SettingsFinding(f"{path}:1:1", "$", expected, got)


def _from_environment(environment: Mapping[str, str]) -> tuple[list[tuple[Variable, str]], list[SettingsFinding]]:
    """What the environment sets, and what of it is no setting."""
    known, values, refused = variables(), [], list[SettingsFinding]()
    secrets = {each.name + _IN_FILE: each for each in known.values() if each.secret}
    for name in sorted(filter(may_be_setting, environment)):
        if name in known:
            values.append((known[name], environment[name]))
        elif (variable := secrets.get(name)) is None:
            refused.append(_unknown(name, [*known, *secrets]))
        elif variable.name in environment:
            expected = f"one of {variable.name} and {name}"
            refused.append(SettingsFinding(name, _field(variable), expected, "both"))
        else:
            values += _from_file(variable, name, environment[name], refused)
    return values, refused


def _unknown(name: str, known: list[str]) -> SettingsFinding:
    near = get_close_matches(name.upper(), known, 1)
    expected = near[0] if near else f"{PREFIX} and the path of a field, such as {known[0]}"
    return SettingsFinding(name, "$", expected, "a variable that is no setting")


def _from_file(
    variable: Variable, name: str, path: str, refused: list[SettingsFinding]
) -> Iterator[tuple[Variable, str]]:
    """A secret as it stands in a file, without the end of its line."""
    try:
        yield variable._replace(name=name), Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        got = error.strerror if isinstance(error, OSError) else "something else"
        refused.append(SettingsFinding(name, _field(variable), f"a text file to read, not {path}", f"{got}"))


def _field(variable: Variable) -> str:
    return ".".join(("$", *variable.path))


def _mark(at: int) -> yaml.Mark:
    return yaml.Mark("environment", 0, -1, at - 1, None, 0)


def _node(loader: yaml.SafeLoader, variable: Variable, text: str, mark: yaml.Mark) -> yaml.Node:
    """A value of the environment as if it stood in the file, in quotes where text belongs."""
    if isinstance(variable.kind, inspect.ListType):
        items = [yaml.ScalarNode("tag:yaml.org,2002:str", item.strip(), mark, mark) for item in text.split(",")]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, mark, mark)
    if not text and variable.optional:
        return yaml.ScalarNode("tag:yaml.org,2002:null", text, mark, mark)
    if number := _number(variable.kind, text):
        return yaml.ScalarNode(*number, mark, mark)
    if isinstance(variable.kind, inspect.BoolType):
        tag = loader.resolve(yaml.ScalarNode, text.strip(), (True, False))  # type: ignore[no-untyped-call]
        return yaml.ScalarNode(tag, text.strip(), mark, mark)
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, mark, mark)


def _number(kind: inspect.Type, text: str) -> tuple[str, str] | None:
    """Tag and text of a number where one belongs and is there."""
    with suppress(ValueError):
        if isinstance(kind, inspect.IntType):
            return "tag:yaml.org,2002:int", str(int(text))
        if isinstance(kind, inspect.FloatType):
            return "tag:yaml.org,2002:float", str(float(text))
    return None


def _with(node: yaml.Node, path: tuple[str, ...], leaf: yaml.Node) -> yaml.Node:
    """The node with a leaf at a path; parts that are not there are made, what is not a mapping stays as it is."""
    if not path:
        return leaf
    node = _mapping_if_nothing(node, leaf.start_mark)
    if not isinstance(node, yaml.MappingNode):
        return node
    name, *rest = path
    at = next((at for at, (key, _) in enumerate(node.value) if key.value == name), len(node.value))
    key, inner = node.value[at] if at < len(node.value) else (_text(name, leaf), _nothing(leaf))
    pairs = [*node.value[:at], (key, _with(inner, tuple(rest), leaf)), *node.value[at + 1 :]]
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)


def _mapping_if_nothing(node: yaml.Node, mark: yaml.Mark | None = None) -> yaml.Node:
    if node.tag != "tag:yaml.org,2002:null" or not isinstance(node, yaml.ScalarNode):
        return node
    mark = mark or node.start_mark
    return yaml.MappingNode("tag:yaml.org,2002:map", [], mark, mark)


def _text(text: str, beside: yaml.Node) -> yaml.Node:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, beside.start_mark, beside.end_mark)


def _nothing(beside: yaml.Node) -> yaml.Node:
    return yaml.ScalarNode("tag:yaml.org,2002:null", "", beside.start_mark, beside.end_mark)


def _without_secret(text: str) -> str:
    """A text in which nothing follows a secret's name, as in `password:letmein` without the space."""
    return _AFTER_SECRET.sub(rf"\1\2{HIDDEN}", text)
