from math import log

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.events import Rejection
from features.keypoints import Int32s
from features.sequence import CATALOGUE, COLUMN, MISSING
from models.bundle import default_bundle
from models.drift import (
    HALVED_AT,
    PERSONS_A_BIN,
    SCORE,
    Drift,
    Reference,
    Shift,
    default_reference,
    dump,
    final_values,
    load,
    psi,
    reference_of,
)
from models.records import Score

BUNDLE = default_bundle()
COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=9)


def persons(seed: int, count: int) -> Int32s:
    random = np.random.default_rng(seed)
    values = np.full((count, len(CATALOGUE)), MISSING, np.int32)
    values[:, COLUMN["observed_s"]] = random.integers(5, 200, count)
    values[:, COLUMN["loiter_s"]] = np.maximum(random.integers(-300, 100, count), 0)
    return values


def shifts(values: Int32s, reference: Reference) -> dict[str, Shift]:
    drift = Drift(reference, BUNDLE)
    drift.take(values)
    return {shift.feature: shift for shift in drift.shifts()}


@pytest.mark.parametrize(
    ("expected", "seen", "index"),
    [
        ([10, 10], [10, 10], 0),
        ([10, 10], [1_000, 1_000], 0),
        ([0, 7, 9], [0, 7, 9], 0),
        ([9, 29], [29, 9], 2 * (29.5 - 9.5) / 39 * log(29.5 / 9.5)),
        ([39, 0], [0, 39], 2 * 39 / 40 * log(39.5 / 0.5)),
    ],
)
def test_the_index_of_a_few(expected: list[int], seen: list[int], index: float) -> None:
    assert psi(np.array(expected), np.array(seen)) == pytest.approx(index, abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_index_is_never_negative_and_the_same_both_ways(one: list[int], other: list[int]) -> None:
    size = min(len(one), len(other))
    here, there = np.array(one[:size]), np.array(other[:size])
    if here.any() or there.any():
        assert psi(here, there) >= 0
        assert psi(here, there) == pytest.approx(psi(there, here))


def test_a_reference_counts_nothing_known_none_and_tenths_of_the_rest() -> None:
    values = persons(1, 2_000)
    reference = reference_of(values, BUNDLE)
    assert [each.feature for each in reference.distributions] == [*COLUMN, SCORE]
    by_name = {each.feature: each for each in reference.distributions}
    assert by_name["cadence"].edges == (0, 1)
    assert by_name["cadence"].counts == (2_000, 0, 0)
    loitering = by_name["loiter_s"]
    some = int((values[:, COLUMN["loiter_s"]] > 0).sum())
    assert loitering.counts[0] == 0
    assert loitering.counts[1] == 2_000 - some
    assert len(loitering.edges) == 2 + min(10, some // PERSONS_A_BIN) - 1
    assert all(count > 0.7 * PERSONS_A_BIN for count in loitering.counts[1:])
    assert all(sum(each.counts) == 2_000 for each in reference.distributions)


def test_what_has_not_moved_is_stable() -> None:
    found = shifts(persons(2, 3_000), reference_of(persons(1, 3_000), BUNDLE))
    assert {shift.level for shift in found.values()} == {"stable"}


def test_what_has_moved_is_told_and_nothing_else() -> None:
    moved = persons(2, 3_000)
    moved[:, COLUMN["observed_s"]] //= 3
    found = shifts(moved, reference_of(persons(1, 3_000), BUNDLE))
    assert [name for name, shift in found.items() if shift.level == "changed"] == ["observed_s"]
    moved[:, COLUMN["loiter_s"]] = 90
    found = shifts(moved, reference_of(persons(1, 3_000), BUNDLE))
    assert [name for name, shift in found.items() if shift.level != "stable"] == ["observed_s", "loiter_s", SCORE]


def test_chance_is_told_as_often_as_it_is_said_to_be() -> None:
    """Of features of which nothing has moved, about one of twenty exceeds what chance does in one of twenty cases."""
    reference = reference_of(persons(1, 2_000), BUNDLE)
    over = [
        shift.psi > shift.chance
        for seed in range(2, 202)
        for name, shift in shifts(persons(seed, 200), reference).items()
        if name == "observed_s"
    ]
    assert 2 <= sum(over) <= 24


def test_few_persons_are_not_called_changed() -> None:
    found = shifts(persons(2, 12), reference_of(persons(1, 3_000), BUNDLE))
    assert found["observed_s"].psi > 0.1
    assert found["observed_s"].level == "stable"


@pytest.mark.parametrize(
    ("index", "chance", "level"),
    [(0.09, 0, "stable"), (0.1, 0, "shifted"), (0.1, 0.2, "stable"), (0.25, 0.2, "changed"), (0.24, 0, "shifted")],
)
def test_levels(index: float, chance: float, level: str) -> None:
    assert Shift("loiter_s", index, chance).level == level


@settings(max_examples=20)
@given(st.lists(st.integers(0, 400), max_size=4))
def test_blocks_make_no_difference(cuts: list[int]) -> None:
    values, reference = persons(3, 400), reference_of(persons(1, 500), BUNDLE)
    drift = Drift(reference, BUNDLE)
    for part in np.split(values, sorted(cuts)):
        drift.take(part)
    assert {shift.feature: shift for shift in drift.shifts()} == shifts(values, reference)


def test_old_persons_fade() -> None:
    reference, moved = reference_of(persons(1, 2_000), BUNDLE), persons(3, HALVED_AT)
    moved[:, COLUMN["observed_s"]] = 300
    drift = Drift(reference, BUNDLE)
    drift.take(persons(2, HALVED_AT - 1))
    drift.fade()
    assert drift.persons == HALVED_AT - 1
    for _ in range(6):
        drift.take(moved)
        drift.fade()
        assert drift.persons < HALVED_AT
    counts = drift.counts[COLUMN["observed_s"]]
    assert 0.95 * drift.persons < counts[-1] <= drift.persons


def test_nothing_is_told_of_nobody() -> None:
    assert Drift(default_reference(), BUNDLE).shifts() == []


def test_the_shipped_reference_is_of_the_shipped_bundle() -> None:
    reference = default_reference()
    assert reference.bundle == BUNDLE.digest, "vigil train writes both"
    assert {each.feature for each in reference.distributions} == {*COLUMN, SCORE}
    assert reference.persons > 1_000


def test_a_reference_is_read_as_it_was_written() -> None:
    reference = reference_of(persons(1, 300), BUNDLE)
    assert load(dump(reference)) == reference


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"feature": "age"}, "$.distributions[0].feature"),
        ({"edges": [1, 1]}, "$.distributions[0].edges"),
        ({"counts": [1]}, "$.distributions[0].counts"),
        ({"counts": [-1, 1, 1]}, "$.distributions[0].counts[0]"),
    ],
)
def test_a_wrong_reference_is_refused(change: dict[str, object], field: str) -> None:
    plain = msgspec.json.decode(dump(reference_of(persons(1, 300), BUNDLE)))
    plain["distributions"][0] |= change
    with pytest.raises(Rejection) as refused:
        load(msgspec.json.encode(plain))
    assert refused.value.field == field
    with pytest.raises(Rejection):
        load(b"no JSON")


def test_values_of_whom_nothing_was_said_do_not_count() -> None:
    said = Score(
        "a", "a", None, 0, "final", 0, None, 0, 5, None, "low", 10, [], [], (), "digest"
    )  # fmt: skip
    scores = [
        said,
        msgspec.structs.replace(said, kind="grid"),
        msgspec.structs.replace(said, score=None),
        msgspec.structs.replace(said, revision=1),
    ]
    assert final_values(scores, [b"0", b"1", b"2", b"3"]) == [b"0"]
