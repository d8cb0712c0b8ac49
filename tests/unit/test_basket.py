import math
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.basket import (
    CUSTOMER_BASKETS_MAX,
    DAY_MS,
    NO_COMBINATION,
    Basket,
    CombinationMatch,
    Corpus,
    CustomerMemory,
    basket,
    basket_unusual,
    combination_level,
    corpus_of,
    joined_permille,
    log2_millibits,
    unpaid_exit,
)
from features.events import BasketLine, Purchase
from features.segments import Attribution
from features.sequence import MISSING
from features.site import Combination, Memory

HOUR_MS = 3_600_000
RULE = Combination("kit", [["knife"], ["rope", "sack", "hammer"]], 14 * 86_400, 2)
TRIPLE = Combination("abc", [["a"], ["b"], ["c"]], 10, 3)


def lines(*bought: str) -> list[BasketLine]:
    return [BasketLine("article", each) for each in bought]


def attribution(receipt: str, time_ms: int, *bought: str, customer: str | None = "c", store: str = "s") -> Attribution:
    return Attribution(receipt, time_ms, store, "t", lines(*bought), [("x", 700), ("y", 300)], customer=customer)


def at(second: int, bought: str, permille: int = 1_000, *, receipt: str = "", earlier: bool = False) -> Basket:
    return Basket(receipt or f"{second}{bought}", second * 1_000, frozenset(bought.split()), permille, earlier)


def test_the_shares_of_a_persons_tracks_add_up() -> None:
    bought = attribution("r", 5, " Knife", "KNIFE ", "Stra\u00dfe")
    assert basket(bought, {"x"}) == Basket("s/t/r", 5, frozenset({"knife", "strasse"}), 700)
    assert basket(bought, {"x", "y"}).permille == 1_000
    assert basket(bought, {"z"}).permille == 0


def test_joined_permille() -> None:
    assert joined_permille([]) == 0
    assert joined_permille([at(1, "a", 200), at(2, "a", 450)]) == 450


@pytest.mark.parametrize(
    ("baskets", "receipts", "permille"),
    [
        ([], (), 0),
        ([at(1, "a"), at(2, "b"), at(3, "c")], ("1a", "2b", "3c"), 1_000),
        ([at(1, "a"), at(2, "c"), at(3, "b")], (), 0),  # the order counts
        ([at(1, "a b c")], (), 0),  # a basket of its own for each step
        ([at(1, "a"), at(1, "b"), at(2, "c")], (), 0),  # strictly later
        ([at(1, "a"), at(2, "b"), at(11, "c")], ("1a", "2b", "11c"), 1_000),
        ([at(1, "a"), at(2, "b"), at(12, "c")], (), 0),  # beyond the window
        ([at(1, "a"), at(3, "a"), at(4, "b"), at(12, "c")], ("3a", "4b", "12c"), 1_000),  # the first a is too early
        ([at(1, "a"), at(2, "a b"), at(3, "a b c"), at(4, "a")], ("1a", "2a b", "3a b c"), 1_000),
        ([at(1, "a", 499), at(2, "b"), at(3, "c")], (), 0),  # not joined
        ([at(1, "a", 500), at(2, "b", 900), at(3, "c", 800)], ("1a", "2b", "3c"), 500),
        ([at(1, "a"), at(2, "b", 600), at(3, "b", 900), at(4, "c")], ("1a", "3b", "4c"), 900),
        ([at(1, "a"), at(2, "b", receipt="r"), at(3, "c", receipt="r")], (), 0),  # one receipt told twice
        ([at(1, "a", earlier=True), at(2, "b", earlier=True), at(3, "c")], ("1a", "2b", "3c"), 1_000),
        ([at(1, "a", earlier=True), at(2, "b", earlier=True), at(3, "c", earlier=True), at(4, "x")], (), 0),
        ([at(1, "a"), at(2, "b"), at(3, "c"), at(3, "c", earlier=True)], ("1a", "2b", "3c"), 1_000),  # remembered too
    ],
)  # fmt: skip
def test_combinations(baskets: list[Basket], receipts: tuple[str, ...], permille: int) -> None:
    expected = CombinationMatch(3, "abc", receipts, permille) if receipts else NO_COMBINATION
    for order in permutations(baskets):
        assert combination_level(order, [TRIPLE]) == expected


def test_the_highest_level_then_the_largest_share_then_the_sites_order() -> None:
    bought = [at(1, "a", 600), at(2, "a"), at(3, "b")]
    low, high = Combination("low", [["a"], ["b"]], 5, 1), Combination("high", [["A "], [" B"]], 5, 3)
    other = Combination("other", [["a"], ["b"]], 5, 3)
    assert combination_level(bought, [low, high, other]) == CombinationMatch(3, "high", ("2a", "3b"), 1_000)
    assert combination_level(bought, []) == NO_COMBINATION


categories = st.frozensets(st.sampled_from("abc"), min_size=1)
some_baskets = st.lists(
    st.builds(Basket, st.sampled_from("123456"), st.integers(0, 9).map(lambda s: s * 1_000), categories,
              st.sampled_from([400, 500, 700, 1_000]), st.booleans()),
    max_size=6, unique_by=lambda each: each.receipt,
)  # fmt: skip
some_rules = st.builds(
    Combination,
    st.just("rule"),
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=2), min_size=2, max_size=4),
    st.integers(1, 9),
)


def least_share_by_trying_all(baskets: list[Basket], rule: Combination) -> int:
    joined = [each for each in baskets if each.permille >= 500]
    found = [
        min(each.permille for each in chain)
        for chain in product(joined, repeat=len(rule.steps))
        if all(one.time_ms < other.time_ms for one, other in pairwise(chain))
        and all(each.categories & set(step) for each, step in zip(chain, rule.steps, strict=True))
        and chain[-1].time_ms - chain[0].time_ms <= rule.window_s * 1_000
        and not chain[-1].earlier
    ]
    return max(found, default=0)


@settings(max_examples=300, deadline=None)
@given(some_baskets, some_rules)
def test_combinations_against_trying_all(baskets: list[Basket], rule: Combination) -> None:
    match = combination_level(baskets, [rule])
    assert match.permille == least_share_by_trying_all(baskets, rule)
    if match.receipts:
        chosen = [each for each in baskets if each.receipt in match.receipts]
        assert least_share_by_trying_all(chosen, rule) == match.permille
        assert len(set(match.receipts)) == len(rule.steps)


@given(some_baskets.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))), some_rules)
def test_combinations_do_not_depend_on_the_order_of_arrival(
    orders: tuple[list[Basket], list[Basket]], rule: Combination
) -> None:
    assert combination_level(orders[0], [rule]) == combination_level(orders[1], [rule])


@given(st.integers(1, 10**12))
def test_log2(number: int) -> None:
    exact = log2_millibits(number) / 1_000
    assert exact <= math.log2(number) + 1e-9
    assert math.log2(number) - exact < 0.01


@pytest.mark.parametrize(("number", "expected"), [(1, 0), (2, 1_000), (3, 1_584), (10, 3_321), (2**40, 40_000)])
def test_log2_of(number: int, expected: int) -> None:
    assert log2_millibits(number) == expected


def test_corpus() -> None:
    bought = [("milk", "Milk"), ("milk ", "rope")]
    purchases = [Purchase(f"{at}", 0, "s", "t", lines(*each)) for at, each in enumerate(bought)]
    assert corpus_of(purchases) == Corpus({"milk": 2, "rope": 1}, 2)


CORPUS = Corpus({"milk": 11, "bread": 3}, 13)  # 13 baskets + 2 categories + 1 = 16


@pytest.mark.parametrize(
    ("bought", "corpus", "expected"),
    [
        (["bread"], CORPUS, 200),  # log2(16 / 4)
        (["Bread", " bread"], CORPUS, 200),
        (["never"], CORPUS, 400),
        (["bread", "never"], CORPUS, 300),
        (["milk"], CORPUS, 42),  # log2(16 / 12) is .415
        (["milk"], None, MISSING),
        (["milk"], Corpus({}, 0), MISSING),
        ([], CORPUS, MISSING),
    ],
)
def test_basket_unusual(bought: list[str], corpus: Corpus | None, expected: int) -> None:
    assert basket_unusual(lines(*bought), corpus) == expected


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50)), st.integers(50, 99), st.permutations("abcdef"))
def test_basket_unusual_against_floats(counts: dict[str, int], baskets: int, bought: list[str]) -> None:
    bits = [math.log2((baskets + len(counts) + 1) / (counts.get(each, 0) + 1)) for each in bought]
    expected = 100 * math.fsum(bits) / len(bits)
    assert abs(basket_unusual(lines(*bought), Corpus(counts, baskets)) - expected) <= 1


def test_unpaid_exit() -> None:
    table = np.array(
        [  # reaches, in the exit, joined, expected
            (2, 1, 0, 1_000),
            (1, 1, 0, 0),
            (2, 0, 0, 0),
            (9, 1, 300, 700),
            (9, 1, 1_000, 0),
            (9, 1, 1_200, 0),
        ]
    )
    assert unpaid_exit(table[:, 0], table[:, 1] == 1, table[:, 2]).tolist() == table[:, 3].tolist()


def test_with_memory_off_nothing_is_kept() -> None:
    memory = CustomerMemory(Memory())
    memory.remember(attribution("1", 0, "knife"))
    assert memory.baskets == {}
    assert memory.earlier(attribution("2", HOUR_MS, "rope"), 1_000) == []


def test_without_a_token_nothing_is_kept() -> None:
    memory = CustomerMemory(Memory(customers=True))
    memory.remember(attribution("1", 0, "knife", customer=None))
    assert memory.baskets == {}


def test_a_combination_over_two_visits() -> None:
    memory = CustomerMemory(Memory(customers=True, days=30))
    memory.remember(attribution("1", 0, "knife"))
    now = attribution("2", 3 * DAY_MS, "rope")
    memory.remember(now)
    bought = basket(now, {"x"})
    match = combination_level([bought, *memory.earlier(now, bought.permille)], [RULE])
    assert match == CombinationMatch(2, "kit", ("s/t/1", "s/t/2"), 700)
    next_day = attribution("3", 4 * DAY_MS, "milk")
    assert combination_level([basket(next_day, {"x"}), *memory.earlier(next_day, 700)], [RULE]) == NO_COMBINATION


def test_memory_keeps_shops_apart_and_looks_back_only() -> None:
    memory = CustomerMemory(Memory(customers=True, days=1))
    for each in (attribution("1", 0, "a"), attribution("2", 5, "b"), attribution("3", 5, "c", store="other")):
        memory.remember(each)
    assert [each.receipt for each in memory.earlier(attribution("4", 5, "d"), 800)] == ["s/t/1"]
    assert [each.receipt for each in memory.earlier(attribution("4", DAY_MS + 1, "d"), 800)] == ["s/t/2"]
    assert memory.earlier(attribution("4", 9, "d", customer=None), 800) == []


def test_memory_forgets_by_event_time() -> None:
    memory = CustomerMemory(Memory(customers=True, days=1))
    memory.remember(attribution("1", 0, "a"))
    memory.remember(attribution("2", 5, "b"))
    memory.forget(DAY_MS + 1)
    assert [each.receipt for each in memory.baskets["s/c"]] == ["s/t/2"]
    memory.forget(DAY_MS + 6)
    assert memory.baskets == {}


@settings(deadline=None)
@given(st.permutations([(f"{number % 90}", number % 97) for number in range(100)]))
def test_memory_is_bounded_and_does_not_depend_on_the_order(order: list[tuple[str, int]]) -> None:
    memory, sorted_memory = CustomerMemory(Memory(customers=True)), CustomerMemory(Memory(customers=True))
    for receipt, time_ms in order:
        memory.remember(attribution(receipt, time_ms, "a"))
    for receipt, time_ms in sorted(order):
        sorted_memory.remember(attribution(receipt, time_ms, "a"))
    assert len(memory.baskets["s/c"]) == CUSTOMER_BASKETS_MAX
    assert {each.receipt for each in memory.baskets["s/c"]} == {each.receipt for each in sorted_memory.baskets["s/c"]}
