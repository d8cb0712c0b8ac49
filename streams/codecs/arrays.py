"""Arrays as bytes: raw and little-endian, with what they are made of, so that another layout is refused."""

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Array = NDArray[Any]
Columns = TypeVar("Columns", bound="DataclassInstance")


class SnapshotError(Exception):
    """A snapshot that cannot be gone on from: which field, what was expected, what came."""

    def __init__(self, field: str, expected: object, got: object) -> None:
        super().__init__(f"snapshot: {field}: expected {expected}, got {got}")
        self.field, self.expected, self.got = field, str(expected), str(got)


class Column(NamedTuple):
    """A field of a structured array, or the values of a plain one, whose name is empty."""

    name: str
    kind: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind} {list(self.shape)}" if self.shape else self.kind


class Form(Struct, frozen=True, array_like=True):
    """What an array is made of."""

    columns: list[Column]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: Array) -> "Form":
        """The form of an array."""
        kinds = [("", array.dtype)] if array.dtype.names is None else _fields(array.dtype)
        return cls([Column(name, _little(kind.base).str, kind.shape) for name, kind in kinds], array.shape)


def _fields(kind: "np.dtype[Any]") -> list[tuple[str, "np.dtype[Any]"]]:
    return [(name, kind[name]) for name in kind.names or ()]


def _little(kind: "np.dtype[Any]") -> "np.dtype[Any]":
    return kind.newbyteorder("<")


class ArrayWriter:
    """Gathers arrays, which are copied no sooner than their bytes are joined.

    Attributes:
        forms: by name, in the order of the bytes.
        parts: the bytes of each.
    """

    def __init__(self) -> None:
        self.forms: dict[str, Form] = {}
        self.parts: list[memoryview] = []

    def add(self, name: str, array: Array) -> None:
        """Append an array."""
        self.forms[name] = Form.of(array)
        little = np.ascontiguousarray(array, _little(array.dtype))
        self.parts.append(little.reshape(-1).view(np.uint8).data)


class ArrayReader:
    """Arrays out of the bytes that an `ArrayWriter` gathered; they are copies and pin nothing of these."""

    def __init__(self, forms: Mapping[str, Form], data: bytes, at: int) -> None:
        self._forms, self._data, self._at = forms, data, {}
        for name, form in forms.items():
            self._at[name] = at
            at += _size(name, form)
        if at != len(data):
            raise SnapshotError("length", f"{at} bytes", f"{len(data)} bytes")

    def take(self, name: str, like: Array) -> Array:
        """An array of the type and shape of `like`, whose empty axes may be of any length.

        Raises:
            SnapshotError: it is made of something else.
        """
        form = self._forms.get(name)
        if form is None:
            raise SnapshotError(name, "an array", "nothing")
        _check(name, Form.of(like), form)
        values = np.frombuffer(self._data, _little(like.dtype), _length(form), self._at[name])
        return values.reshape(form.shape).astype(like.dtype)


def add_columns(arrays: ArrayWriter, name: str, columns: "DataclassInstance") -> None:
    """Append the arrays of a dataclass, each under its own name below `name`."""
    for column, array in _arrays_of(columns).items():
        arrays.add(f"{name}.{column}", array)


def take_columns(arrays: ArrayReader, name: str, like: Columns) -> Columns:
    """A dataclass with the arrays that were appended under a name, made as those of `like`; all else is as there.

    Raises:
        SnapshotError: one is made of something else.
    """
    columns: dict[str, Any] = {
        column: arrays.take(f"{name}.{column}", array) for column, array in _arrays_of(like).items()
    }
    return replace(like, **columns)


def _arrays_of(columns: "DataclassInstance") -> dict[str, Array]:
    values = ((field.name, getattr(columns, field.name)) for field in fields(columns))
    return {name: value for name, value in values if isinstance(value, np.ndarray)}


def _length(form: Form) -> int:
    return int(np.prod(form.shape, dtype=np.int64))


def _size(name: str, form: Form) -> int:
    try:
        return _length(form) * sum(np.dtype((one.kind, one.shape)).itemsize for one in form.columns)
    except (TypeError, ValueError) as error:
        raise SnapshotError(name, "an array of numbers", error) from None


def _check(name: str, expected: Form, got: Form) -> None:
    for want, came in zip_longest(expected.columns, got.columns):
        if want != came:
            field = (want or came).name
            raise SnapshotError(f"{name}.{field}" if field else name, want or "nothing", _told(want, came))
    fits = len(expected.shape) == len(got.shape)
    if not fits or any(wide not in (0, came) for wide, came in zip(expected.shape, got.shape, strict=True)):
        shape = ", ".join(str(wide or "any") for wide in expected.shape)
        raise SnapshotError(name, f"shape [{shape}]", f"shape {list(got.shape)}")


def _told(want: Column | None, came: Column | None) -> str:
    if came is None:
        return "nothing"
    return str(came) if want is None or want.name == came.name else f"{came} named {came.name}"
