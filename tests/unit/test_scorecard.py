from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import Rejection
from features.sequence import CATALOGUE, COLUMN, MISSING
from models.scorecard import Change, Contribution, Scorecard, ScoredFeature, check_scorecard

RAISING = [spec for spec in CATALOGUE if spec.direction == "raises"]

LOITER = ScoredFeature("loiter_s", (60, 300), (0, 100, 250))
PACING = ScoredFeature("pacing_reversals", (3, 5), (0, 40, 150))
UNPAID = ScoredFeature("unpaid_exit", (500,), (0, 300))
CARD = Scorecard((LOITER, PACING, UNPAID), base=10)


def row(**named: int) -> list[int]:
    return [named.get(scored.feature, MISSING) for scored in CARD.features]


def matrix(card: Scorecard, rows: list[list[int]]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    values = np.full((len(rows), len(CATALOGUE)), MISSING, np.int32)
    values[:, card.columns] = np.array(rows, np.int32).reshape(len(rows), len(card.features))
    return values


@st.composite
def scorecards(draw: st.DrawFn, features_max: int = len(RAISING)) -> Scorecard:
    specs = draw(st.lists(st.sampled_from(RAISING), unique=True, max_size=features_max))
    share = 1_000 // (len(specs) + 1)
    features = []
    for spec in specs:
        edges = sorted(draw(st.sets(st.integers(1, spec.high), min_size=1, max_size=4)))
        points = sorted(draw(st.lists(st.integers(0, share), min_size=len(edges), max_size=len(edges))))
        features.append(ScoredFeature(spec.name, tuple(edges), (0, *points)))
    return Scorecard(tuple(features), base=draw(st.integers(0, share)))


@st.composite
def cards_and_rows(draw: st.DrawFn, features_max: int = len(RAISING)) -> tuple[Scorecard, list[list[int]]]:
    card = draw(scorecards(features_max))
    row = st.tuples(*(st.integers(MISSING, scored.spec.high) for scored in card.features)).map(list)
    return card, draw(st.lists(row, min_size=1, max_size=5))


@pytest.mark.parametrize(
    ("value", "points"), [(MISSING, 0), (0, 0), (59, 0), (60, 100), (299, 100), (300, 250), (3_600, 250), (9_999, 250)]
)
def test_bins_hold_their_lower_edge(value: int, points: int) -> None:
    assert CARD.contributions(matrix(CARD, [row(loiter_s=value)])).tolist() == [[points, 0, 0]]


@given(cards_and_rows())
def test_a_score_is_base_and_contributions_exactly(drawn: tuple[Scorecard, list[list[int]]]) -> None:
    card, rows = drawn
    check_scorecard(card)
    values = matrix(card, rows)
    expected = [[_points(f, value) for f, value in zip(card.features, row, strict=True)] for row in rows]
    assert card.contributions(values).tolist() == expected
    assert card.scores(values).tolist() == [card.base + sum(points) for points in expected]
    assert card.scores(values).max() <= 1_000
    assert {card.contributions(values).dtype, card.scores(values).dtype} == {np.dtype(np.int32)}


def _points(scored: ScoredFeature, value: int) -> int:
    return max(p for edge, p in zip((MISSING, *scored.edges), scored.points, strict=True) if value >= edge)


@given(cards_and_rows(), st.data())
def test_more_never_scores_less_and_missing_never_more(
    drawn: tuple[Scorecard, list[list[int]]], data: st.DataObject
) -> None:
    card, rows = drawn
    highs = [scored.spec.high for scored in card.features]
    higher = [[data.draw(st.integers(value, high)) for value, high in zip(row, highs, strict=True)] for row in rows]
    assert (card.scores(matrix(card, higher)) >= card.scores(matrix(card, rows))).all()
    nothing = [[MISSING] * len(card.features)]
    assert card.scores(matrix(card, nothing)).tolist() == [card.base]


def test_what_only_describes_has_no_effect() -> None:
    values = matrix(CARD, [row(loiter_s=100)])
    for spec in CATALOGUE:
        if spec.direction == "describes":
            values[:, COLUMN[spec.name]] = spec.high
    assert CARD.scores(values).tolist() == [110]


def test_reasons_are_named_with_value_and_unit_largest_first() -> None:
    values = row(loiter_s=70, unpaid_exit=900, pacing_reversals=1)
    points = CARD.contributions(matrix(CARD, [values]))[0].tolist()
    assert CARD.reasons(values, points) == [
        Contribution("unpaid_exit", 900, "permille", 300),
        Contribution("loiter_s", 70, "s", 100),
    ]


@pytest.mark.parametrize(
    ("values", "threshold", "changes"),
    [
        (row(loiter_s=70), 200, []),
        (row(loiter_s=400), 200, [Change("loiter_s", 400, 299, "s", 150)]),
        (row(loiter_s=400), 100, [Change("loiter_s", 400, 59, "s", 250)]),
        (row(loiter_s=400, pacing_reversals=8), 350, [Change("pacing_reversals", 8, 4, "count", 110)]),
        (
            row(loiter_s=400, pacing_reversals=8, unpaid_exit=900),
            350,
            [Change("unpaid_exit", 900, 499, "permille", 300), Change("pacing_reversals", 8, 4, "count", 110)],
        ),
        (row(loiter_s=400), 10, []),
    ],
)
def test_counterfactuals(values: list[int], threshold: int, changes: list[Change]) -> None:
    assert CARD.counterfactual(values, threshold) == changes


@given(cards_and_rows(features_max=4), st.integers(1, 1_000))
def test_counterfactuals_suffice_and_are_the_smallest(drawn: tuple[Scorecard, list[list[int]]], threshold: int) -> None:
    card, rows = drawn
    names = [scored.feature for scored in card.features]
    scores = card.scores(matrix(card, rows)).tolist()
    for values, score in zip(rows, scores, strict=True):
        changes = card.counterfactual(values, threshold)
        if score < threshold or card.base >= threshold:
            assert changes == []
            continue
        lowered = list(values)
        for change in changes:
            assert change.at_most < lowered[names.index(change.feature)] == change.value
            lowered[names.index(change.feature)] = change.at_most
        after = int(card.scores(matrix(card, [lowered]))[0])
        assert after < threshold
        assert score - after == sum(change.points for change in changes)
        assert (len(changes), score - after if len(changes) == 1 else 0) == _least(card, values, threshold)


def _least(card: Scorecard, values: list[int], threshold: int) -> tuple[int, int]:
    """Fewest features and, where one suffices, the fewest points, by trying everything."""
    options = [
        [value, *(edge - 1 for edge in scored.edges if edge <= value)]
        for scored, value in zip(card.features, values, strict=True)
    ]
    tried = [list(option) for option in product(*options)]
    scores = card.scores(matrix(card, tried)).tolist()
    score = int(card.scores(matrix(card, [values]))[0])
    enough = [
        (sum(a != b for a, b in zip(option, values, strict=True)), score - after)
        for option, after in zip(tried, scores, strict=True)
        if after < threshold
    ]
    fewest, points = min(enough)
    return fewest, points if fewest == 1 else 0


@pytest.mark.parametrize(
    ("features", "field", "expected"),
    [
        ([ScoredFeature("shoe_size", (1,), (0, 1))], "features[0].feature", "a feature of the catalogue"),
        ([LOITER, LOITER], "features[1].feature", "each feature once"),
        ([LOITER, ScoredFeature("pacing_reversals", (3, 3), (0, 1, 2))], "features[1].edges", "ascending edges"),
        ([ScoredFeature("pacing_reversals", (9,), (0, 1))], "features[0].edges", "edges of at most 8"),
        ([ScoredFeature("loiter_s", (60,), (0, 1, 2))], "features[0].points", "2 points"),
        ([ScoredFeature("loiter_s", (60,), (1, 2))], "features[0].points", "points that start at 0 and never fall"),
        ([ScoredFeature("loiter_s", (6, 7), (0, 2, 1))], "features[0].points", "points that start at 0 and never fall"),
    ],
)
def test_refused_scorecards(features: list[ScoredFeature], field: str, expected: str) -> None:
    with pytest.raises(Rejection) as refused:
        check_scorecard(Scorecard(tuple(features)))
    assert (refused.value.field, refused.value.expected) == (f"$.scorecard.{field}", expected)


def test_points_that_could_exceed_the_scale_are_refused() -> None:
    with pytest.raises(Rejection, match="at most 1000 together, got 1001"):
        check_scorecard(Scorecard((ScoredFeature("loiter_s", (60,), (0, 1_000)),), base=1))


@pytest.mark.parametrize("name", [spec.name for spec in CATALOGUE if spec.direction == "describes"])
def test_what_only_describes_may_not_carry_points(name: str) -> None:
    with pytest.raises(Rejection, match=f"{name}, which only describes"):
        check_scorecard(Scorecard((ScoredFeature(name, (1,), (0, 1)),)))
