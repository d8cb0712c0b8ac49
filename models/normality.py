"""Normality: how unusual a person's bearing is at a place, learned from unlabelled recordings of the site itself.

At each place of a camera's picture a table says how large each quantity of bearing normally is. A second's value falls
into a tail of that table, and the smaller the tail, the more bits it gives: one for what half of the seconds exceed,
seven for what one in 128 does. The sum over the quantities is the output; each of them is a reason. It says unusual,
never wrong: who uses a wheelchair where nobody else does is unusual too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from features.bearing import QUANTITIES, UNKNOWN
from features.events import Name, Rejection, explain
from features.keypoints import PERMILLE, Bools, Int16s, Int32s, Int64s, Ints

SCHEMA_VERSION: Literal[1] = 1
LEVELS_PERMILLE = (*range(0, 901, 50), 925, 950, 965, 975, 985, 990, 995)
"""Of which quantiles a table is made: finer towards the tail, where the bits are."""

ELSEWHERE_BITS_MAX = 8
MILLIBITS = 1_000

_Values = Annotated[tuple[int, ...], Meta(min_length=len(LEVELS_PERMILLE), max_length=len(LEVELS_PERMILLE))]
Table = Annotated[tuple[_Values, ...], Meta(min_length=len(QUANTITIES), max_length=len(QUANTITIES))]
CELLS_ACROSS_MAX = 64
CellNumber = Annotated[int, Meta(ge=-40_000, le=40_000)]
Cell = tuple[CellNumber, CellNumber]
Count = Annotated[int, Meta(ge=0)]


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Learned(_Part, frozen=True):
    """What a table was learned from: tracks, their seconds, and how many of these were used."""

    tracks: Count
    seconds: Count
    samples: Count


class CameraTables(_Part, frozen=True, dict=True):
    """The tables of a camera's picture.

    Attributes:
        camera: its name.
        cell_px4: width and height of a cell, quarter pixels.
        cells: column and row of each cell in which hips were seen.
        tables: of each cell, the quantiles of each quantity.
        learned: what from.
    """

    camera: Name
    cell_px4: Annotated[int, Meta(ge=1)]
    cells: Annotated[tuple[Cell, ...], Meta(min_length=1)]
    tables: Annotated[tuple[Table, ...], Meta(min_length=1)]
    learned: Learned

    @cached_property
    def nearest(self) -> tuple[Int64s, Int32s]:
        """The first cell of a rectangle round all cells, and of each of its cells the place of the nearest table."""
        cells = np.array(self.cells, np.int64).T
        first = cells.min(axis=1)
        columns, rows = np.indices(cells.max(axis=1) - first + 1)
        apart = (columns[..., None] + first[0] - cells[0]) ** 2 + (rows[..., None] + first[1] - cells[1]) ** 2
        return first, apart.argmin(axis=-1).astype(np.int32)


class Term(NamedTuple):
    """What one quantity adds: its name, its value in its own unit, and the thousandths of a bit."""

    quantity: str
    value: int
    millibits: int


class Normality(_Part, frozen=True):
    """What is normal at a site.

    Attributes:
        cameras: tables of the cameras of which enough was seen.
        elsewhere: quantiles over all of these cameras, for a camera that has no tables.
        digest: sha256 over the canonical bytes without this field.
    """

    cameras: Annotated[tuple[CameraTables, ...], Meta(min_length=1)]
    elsewhere: Table
    schema_version: Literal[1] = SCHEMA_VERSION
    digest: str = ""

    def at(self, cameras: Sequence[str]) -> "NormalAt":
        """What is normal at the cameras of a site, by their names."""
        return NormalAt.of(self, cameras)

    def millibits(self, camera: str, bearing: Int16s, hips: Ints) -> Int32s:
        """Thousandths of a bit that each quantity gives at one camera, as `NormalAt.millibits`."""
        return self.at([camera]).millibits(np.zeros(bearing.shape[1], np.int32), bearing, hips)


@dataclass(frozen=True, slots=True)
class NormalAt:
    """What is normal at the cameras of a site, laid out so that persons of all of them are looked up at once.

    Attributes:
        known: (cameras,) whether each has tables of its own.
        cell_px4: (cameras,) width and height of a cell, quarter pixels.
        first: (2, cameras) column and row of each camera's first cell.
        shape: (2, cameras) columns and rows of the rectangle round its cells.
        start: (cameras,) where its cells begin in `table`.
        table: (cells,) place of each cell's table, cameras and columns one after another.
        thresholds: (tables, quantities, levels); the first is of cameras without tables of their own.
    """

    known: Bools
    cell_px4: Int64s
    first: Int64s
    shape: Int64s
    start: Int64s
    table: Int32s
    thresholds: Int16s

    @classmethod
    def of(cls, normality: Normality, cameras: Sequence[str]) -> Self:
        """Of a model and the names of the cameras."""
        own = {tables.camera: tables for tables in normality.cameras}
        cells = [own[name].nearest if name in own else _EVERYWHERE for name in cameras]
        tables = [own[name].tables if name in own else () for name in cameras]
        starts = 1 + np.cumsum([0, *map(len, tables)])
        numbers = [
            nearest + (start if name in own else 0)
            for name, (_, nearest), start in zip(cameras, cells, starts.tolist(), strict=False)
        ]
        sizes = np.array([nearest.size for _, nearest in cells], np.int64)
        return cls(
            known=np.array([name in own for name in cameras], np.bool_),
            cell_px4=np.array([own[name].cell_px4 if name in own else 1 for name in cameras], np.int64),
            first=np.array([first for first, _ in cells], np.int64).reshape(-1, 2).T,
            shape=np.array([nearest.shape for _, nearest in cells], np.int64).reshape(-1, 2).T,
            start=np.cumsum(sizes) - sizes,
            table=np.concatenate([*(each.reshape(-1) for each in numbers), np.zeros(0, np.int32)]).astype(np.int32),
            thresholds=np.array([normality.elsewhere, *(table for each in tables for table in each)], np.int16),
        )

    def millibits(self, camera: Ints, bearing: Int16s, hips: Ints) -> Int32s:
        """Thousandths of a bit that each quantity gives; what a person-second gets is the sum.

        Args:
            camera: (rows,) places of the cameras among those that this was made for.
            bearing: (quantities, rows) as `features.bearing` has it; what is UNKNOWN exceeds nothing.
            hips: (2, rows) quarter pixels.

        Returns:
            (quantities, rows) int32.
        """
        exceeded = (bearing.T[..., None] > self.thresholds[self._table_of(camera, hips)]).sum(axis=-1)
        of_tail = _OF_TAIL[self.known[camera].astype(np.intp)[:, None], np.arange(len(QUANTITIES)), exceeded]
        return np.ascontiguousarray(of_tail.T)

    def _table_of(self, camera: Ints, hips: Ints) -> Int32s:
        """(rows,) the table of where the hips are, or of the nearest cell."""
        cell = hips // self.cell_px4[camera] - self.first[:, camera]
        columns, rows = self.shape[:, camera]
        column, row = np.clip(cell[0], 0, columns - 1), np.clip(cell[1], 0, rows - 1)
        tables: Int32s = self.table[self.start[camera] + column * rows + row]
        return tables


_EVERYWHERE = np.zeros(2, np.int64), np.zeros((1, 1), np.int32)


def terms(bearing: list[int], millibits: list[int]) -> list[Term]:
    """One row's quantities that gave something, the largest first; their millibits are the row's sum."""
    named = [
        Term(quantity.name, value, given)
        for quantity, value, given in zip(QUANTITIES, bearing, millibits, strict=True)
        if given
    ]
    return sorted(named, key=lambda term: -term.millibits)


def _millibits_of_tail(bits_max: float) -> Int32s:
    """(quantities, levels + 1) what a value gives that exceeds so many of the quantiles.

    That is minus the binary logarithm of the middle of the tail it falls in, times the weight of the quantity.
    """
    levels = np.array((*LEVELS_PERMILLE, PERMILLE))
    middle = 1 - (levels[:-1] + levels[1:]) / (2 * PERMILLE)
    bits = np.minimum(-np.log2(np.concatenate([[1.0], middle])), bits_max)
    families = [quantity.family for quantity in QUANTITIES]
    shares = np.array([families.count(family) for family in families])
    millibits: Int32s = np.rint(MILLIBITS * bits / shares[:, None]).astype(np.int32)
    return millibits


MILLIBITS_OF_TAIL = _millibits_of_tail(np.inf)
MILLIBITS_OF_TAIL_ELSEWHERE = _millibits_of_tail(ELSEWHERE_BITS_MAX)
_OF_TAIL = np.stack([MILLIBITS_OF_TAIL_ELSEWHERE, MILLIBITS_OF_TAIL])


def seal(normality: Normality) -> Normality:
    """The model with its digest, checked.

    Raises:
        Rejection: as `load` does.
    """
    _check(normality)
    return replace(normality, digest=_digest(normality))


def dump(normality: Normality) -> bytes:
    """The canonical bytes: JSON with sorted keys and no white space."""
    return msgspec.json.encode(seal(normality), order="sorted")


def load(text: bytes | str) -> Normality:
    """A model from its JSON, however it is laid out.

    Raises:
        Rejection: naming the first wrong field, what was expected and what came.
    """
    try:
        normality = msgspec.json.decode(text, type=Normality)
    except msgspec.ValidationError as error:
        raise explain(str(error), text) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejection("$", "JSON", str(error)) from None
    if normality.digest != _digest(normality):
        raise Rejection("$.digest", f"{_digest(normality)}, the content's", normality.digest or "none")
    _check(normality)
    return normality


def _digest(normality: Normality) -> str:
    content = msgspec.json.encode(replace(normality, digest=""), order="sorted")
    return hashlib.sha256(content).hexdigest()


def _check(normality: Normality) -> None:
    _check_table(normality.elsewhere, "$.elsewhere")
    names = [tables.camera for tables in normality.cameras]
    for at, tables in enumerate(normality.cameras):
        if tables.camera in names[:at]:
            raise Rejection(f"$.cameras[{at}].camera", "each camera once", f"{tables.camera} again")
        _check_camera(tables, f"$.cameras[{at}]")


def _check_camera(tables: CameraTables, field: str) -> None:
    if len(tables.tables) != len(tables.cells):
        raise Rejection(f"{field}.tables", f"one for each of {len(tables.cells)} cells", str(len(tables.tables)))
    across = max(max(axis) - min(axis) + 1 for axis in zip(*tables.cells, strict=True))
    if across > CELLS_ACROSS_MAX:
        raise Rejection(f"{field}.cells", f"cells in a square of {CELLS_ACROSS_MAX}", f"{across} across")
    for cell, table in enumerate(tables.tables):
        _check_table(table, f"{field}.tables[{cell}]")


def _check_table(table: Table, field: str) -> None:
    for at, values in enumerate(table):
        if any(lower > upper for lower, upper in pairwise(values)):
            raise Rejection(f"{field}[{at}]", f"quantiles of {QUANTITIES[at].name} that never fall", str(list(values)))
        if values[0] <= UNKNOWN or values[-1] >= -UNKNOWN:
            raise Rejection(f"{field}[{at}]", "values of 16 bits", f"{values[0]} to {values[-1]}")
