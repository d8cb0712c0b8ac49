"""Normality: how unusual a person's bearing is at a place, learned from unlabelled recordings of the site itself.

At each place of a camera's picture a table says how large each quantity of bearing normally is. A second's value falls
into a tail of that table, and the smaller the tail, the more bits it gives: one for what half of the seconds exceed,
seven for what one in 128 does. The sum over the quantities is the output; each of them is a reason. It says unusual,
never wrong: who uses a wheelchair where nobody else does is unusual too.
"""

import hashlib
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from features.bearing import QUANTITIES, UNKNOWN
from features.events import Name, Rejection, explain
from features.keypoints import PERMILLE, Int16s, Int32s, Int64s, Ints

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
    def _thresholds(self) -> Int16s:
        return np.array(self.tables, np.int16)

    @cached_property
    def _nearest(self) -> tuple[Int64s, Int32s]:
        """The first cell of a rectangle round all cells, and of each of its cells the place of the nearest table."""
        cells = np.array(self.cells, np.int64).T
        first = cells.min(axis=1)
        columns, rows = np.indices(cells.max(axis=1) - first + 1)
        apart = (columns[..., None] + first[0] - cells[0]) ** 2 + (rows[..., None] + first[1] - cells[1]) ** 2
        return first, apart.argmin(axis=-1).astype(np.int32)

    def thresholds(self, hips: Ints) -> Int16s:
        """(rows, quantities, levels) the table of where the hips (2, rows, quarter pixels) are, or of the nearest."""
        first, nearest = self._nearest
        column, row = hips // self.cell_px4 - first[:, None]
        place = nearest[np.clip(column, 0, nearest.shape[0] - 1), np.clip(row, 0, nearest.shape[1] - 1)]
        thresholds: Int16s = self._thresholds[place]
        return thresholds


class Term(NamedTuple):
    """What one quantity adds: its name, its value in its own unit, and the thousandths of a bit."""

    quantity: str
    value: int
    millibits: int


class Normality(_Part, frozen=True, dict=True):
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

    @cached_property
    def _of_camera(self) -> dict[str, CameraTables]:
        return {tables.camera: tables for tables in self.cameras}

    @cached_property
    def _elsewhere(self) -> Int16s:
        return np.array(self.elsewhere, np.int16)

    def millibits(self, camera: str, bearing: Int16s, hips: Ints) -> Int32s:
        """Thousandths of a bit that each quantity gives; what a person-second gets is the sum.

        Args:
            camera: name of the camera.
            bearing: (quantities, rows) as `features.bearing` has it; what is UNKNOWN exceeds nothing.
            hips: (2, rows) quarter pixels.

        Returns:
            (quantities, rows) int32.
        """
        known = self._of_camera.get(camera)
        thresholds = self._elsewhere if known is None else known.thresholds(hips)
        exceeded = (bearing.T[..., None] > thresholds).sum(axis=-1)
        given = MILLIBITS_OF_TAIL if known else MILLIBITS_OF_TAIL_ELSEWHERE
        millibits: Int32s = given[np.arange(len(QUANTITIES))[:, None], exceeded.T]
        return millibits


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
