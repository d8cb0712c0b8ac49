"""Drift: how far the features and scores of persons have moved from those of a reference."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct

from features.events import Rejection, explain
from features.keypoints import Int32s, Int64s, Ints
from features.sequence import CATALOGUE, COLUMN
from models.admission import Sha256
from models.bundle import Bundle, packaged
from models.records import Score

SCORE = "score"
SHIFTED, CHANGED = 0.1, 0.25
QUANTILES = 10
PERSONS_A_BIN = 50
LEAST_PERSONS = 500  # before anything is told of a stream
HALVED_AT = 4_000  # persons of a stream: older ones weigh half, then a quarter, and so on
PSEUDO_PERSONS = 0.5
_NORMAL_95 = 1.645

Level = Literal["stable", "shifted", "changed"]
Count = Annotated[int, Meta(ge=0)]


class Distribution(Struct, frozen=True, forbid_unknown_fields=True):
    """How many persons have which values: `counts[b]` from `edges[b - 1]` up to, not including, `edges[b]`."""

    feature: str
    edges: Annotated[tuple[int, ...], Meta(min_length=1)]
    counts: tuple[Count, ...]


class Reference(Struct, frozen=True, forbid_unknown_fields=True):
    """What persons looked like when all was well: the features and the score of each at the end of the visit.

    Attributes:
        persons: how many.
        bundle: digest of the one that scored them.
        distributions: of features of the catalogue and of the score.
    """

    persons: Annotated[int, Meta(ge=1)]
    bundle: Sha256
    distributions: Annotated[tuple[Distribution, ...], Meta(min_length=1)]
    schema_version: Literal[1] = 1


class Shift(NamedTuple):
    """How far a feature has moved.

    Attributes:
        psi: the population stability index.
        chance: what it exceeds in one of twenty cases where nothing has moved, so few persons being seen.
    """

    feature: str
    psi: float
    chance: float

    @property
    def level(self) -> Level:
        """`shifted` from .1 on, `changed` from .25 on; what chance may do is `stable`."""
        if self.psi < SHIFTED or self.psi <= self.chance:
            return "stable"
        return "changed" if self.psi >= CHANGED else "shifted"


def reference_of(values: Int32s, bundle: Bundle) -> Reference:
    """The reference of persons with values (persons, features), at least one."""
    columns = _columns(values, bundle)
    distributions = tuple(_distribution(name, column) for name, column in columns.items())
    return Reference(len(values), bundle.digest, distributions)


def _columns(values: Int32s, bundle: Bundle) -> dict[str, Int32s]:
    columns: dict[str, Int32s] = {spec.name: values[:, at] for at, spec in enumerate(CATALOGUE)}
    return columns | {SCORE: bundle.scorecard.scores(values)}


def _distribution(name: str, column: Int32s) -> Distribution:
    """Nothing known, none, and at most tenths of those who have some, each of at least `PERSONS_A_BIN` persons."""
    some = np.sort(column[column > 0])
    parts = min(QUANTILES, len(some) // PERSONS_A_BIN)
    starts = some[np.arange(1, parts) * len(some) // max(1, parts)].tolist()
    edges = tuple(sorted({0, 1, *starts}))
    return Distribution(name, edges, tuple(_counts(column, edges).tolist()))


def _counts(column: Int32s, edges: tuple[int, ...]) -> Int64s:
    return np.bincount(np.searchsorted(edges, column, "right"), minlength=len(edges) + 1).astype(np.int64)


@dataclass(slots=True)
class Drift:
    """Counts of what is seen, as a reference counts it.

    Attributes:
        persons: that are counted.
        counts: of each distribution of the reference.
    """

    reference: Reference
    bundle: Bundle
    persons: int = 0
    counts: list[Int64s] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [np.zeros(len(each.counts), np.int64) for each in self.reference.distributions]

    def take(self, values: Int32s) -> None:
        """Count persons by their values (persons, features) at the end of their visits."""
        columns = _columns(values, self.bundle)
        for at, its in enumerate(self.reference.distributions):
            self.counts[at] += _counts(columns[its.feature], its.edges)
        self.persons += len(values)

    def fade(self) -> None:
        """Halve all counts once there are `HALVED_AT` persons, so that what is told is of the latest ones."""
        if self.persons >= HALVED_AT:
            self.persons //= 2
            self.counts = [counts // 2 for counts in self.counts]

    def shifts(self) -> list[Shift]:
        """How far each feature and the score have moved, in the reference's order; nothing before anybody is seen."""
        return list(self._shifts()) if self.persons else []

    def _shifts(self) -> Iterator[Shift]:
        spread = 1 / self.persons + 1 / self.reference.persons
        for counts, its in zip(self.counts, self.reference.distributions, strict=True):
            expected = np.array(its.counts, np.int64)
            used = int(((expected > 0) | (counts > 0)).sum())
            yield Shift(its.feature, psi(expected, counts), spread * _chi_squared_95(used - 1))


def final_values(scores: list[Score], values: list[bytes]) -> list[bytes]:
    """The values of persons whose visits ended, of scores as they are published; of those that abstain none.

    Args:
        scores: as the decision gives them.
        values: of each, likewise.
    """
    pairs = zip(scores, values, strict=True)
    return [its for score, its in pairs if score.kind == "final" and not score.revision and score.score is not None]


def psi(expected: Ints, seen: Ints) -> float:
    """The population stability index of two counts of the same bins; half a person is added to each bin of both.

    Source: Siddiqi 2006 (Credit Risk Scorecards, chapter 8): the sum of the differences of the shares times those of
    their logarithms, which is Kullback and Leibler's divergence both ways.
    """
    used = (expected > 0) | (seen > 0)
    shares = [(counts[used] + PSEUDO_PERSONS) / (counts[used] + PSEUDO_PERSONS).sum() for counts in (expected, seen)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _chi_squared_95(freedom: int) -> float:
    """What a sum of so many squared normal numbers exceeds once in twenty.

    Source: Wilson and Hilferty 1931 (PNAS 17:684). That the index is such a sum: Yurdakul 2018 (thesis, Western
    Michigan University).
    """
    if freedom < 1:
        return 0.0
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _NORMAL_95 * part**0.5) ** 3)


def dump(reference: Reference) -> bytes:
    """The reference as JSON."""
    return msgspec.json.encode(reference)


def load(text: bytes) -> Reference:
    """A reference from its JSON.

    Raises:
        Rejection: naming the first wrong field, what was expected and what came.
    """
    try:
        reference = msgspec.json.decode(text, type=Reference)
    except msgspec.ValidationError as error:
        raise explain(str(error), text) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejection("$", "JSON", str(error)) from None
    for at, each in enumerate(reference.distributions):
        _check(each, f"$.distributions[{at}]")
    return reference


def _check(its: Distribution, field: str) -> None:
    if its.feature != SCORE and its.feature not in COLUMN:
        raise Rejection(f"{field}.feature", "a feature of the catalogue or score", its.feature)
    if any(lower >= upper for lower, upper in pairwise(its.edges)):
        raise Rejection(f"{field}.edges", "ascending edges", str(list(its.edges)))
    if len(its.counts) != len(its.edges) + 1:
        raise Rejection(f"{field}.counts", f"{len(its.edges) + 1} counts", str(len(its.counts)))


@cache
def default_reference() -> Reference:
    """That of the made-up persons from whom the bundle that Vigil ships was learned."""
    return load(packaged("default-reference.json"))
