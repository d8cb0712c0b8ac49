"""Basket features: what a person bought, in which order, how unusual it was, and whether anything was paid at all."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from features.events import BasketLine, Purchase
from features.segments import Attribution
from features.sequence import MISSING
from features.site import Combination, Memory

JOINED_PERMILLE = 500  # from this share on a basket is taken to be the person's
REACHES_LEAST = 2  # one reach into a shelf may be a look at a price
CUSTOMER_BASKETS_MAX = 64  # the newest are kept
DAY_MS = 86_400_000

Integers = NDArray[np.signedinteger]


class Basket(Struct, frozen=True):
    """What the features need of a basket that may be a person's.

    Attributes:
        receipt: `store/till/receipt`.
        time_ms: when it was paid.
        categories: as `category` writes them.
        permille: how surely it is the person's.
        earlier: remembered of the person's customer token and not seen in this visit.
    """

    receipt: str
    time_ms: int
    categories: frozenset[str]
    permille: int = 1_000
    earlier: bool = False


class CombinationMatch(Struct, frozen=True):
    """A combination that was bought: its level and name, the receipts of its steps, the least of their shares."""

    level: int = 0
    combination: str = ""
    receipts: tuple[str, ...] = ()
    permille: int = 0


NO_COMBINATION = CombinationMatch()


class Corpus(Struct, frozen=True):
    """How many of so many baskets hold each category."""

    counts: dict[str, int]
    baskets: int


def category(label: str) -> str:
    """A category as it is compared: without outer white space, without case."""
    return label.strip().casefold()


def categories(lines: Iterable[BasketLine]) -> frozenset[str]:
    """The distinct categories of a basket."""
    return frozenset(category(line.category) for line in lines)


def basket(attribution: Attribution, tracks: Collection[str]) -> Basket:
    """An attributed purchase as a basket of the person who is all of `tracks`: their shares add up."""
    permille = sum(share for track, share in attribution.candidates if track in tracks)
    return Basket(receipt_of(attribution), attribution.time_ms, categories(attribution.lines), permille)


def joined_permille(baskets: Iterable[Basket]) -> int:
    """How surely a person paid for anything: the largest share, also below `JOINED_PERMILLE`; 0 without baskets."""
    return max((each.permille for each in baskets), default=0)


def combination_level(baskets: Iterable[Basket], combinations: Iterable[Combination]) -> CombinationMatch:
    """The strongest of the site's combinations that a person completed.

    Only joined baskets count. Each step is another receipt, strictly later than the step before; all lie within the
    window; the last was paid in this visit, so that nobody is reported again for what an earlier visit completed.

    Returns:
        The match of the highest level; of these of the largest share; of these the first in the site's order.
        `NO_COMBINATION` if none was completed.
    """
    ordered = _ordered(baskets)
    matches = [_match(ordered, combination) for combination in combinations]
    return max(matches, key=lambda match: (match.level, match.permille), default=NO_COMBINATION)


Chain = tuple[Basket, ...]


def _ordered(baskets: Iterable[Basket]) -> list[Basket]:
    """Joined baskets by time and receipt, each receipt once: as this visit saw it, else as it was remembered."""
    by_trust = sorted(baskets, key=lambda each: (not each.earlier, each.permille, each.time_ms))
    joined = {each.receipt: each for each in by_trust if each.permille >= JOINED_PERMILLE}
    return sorted(joined.values(), key=lambda each: (each.time_ms, each.receipt))


def _match(ordered: Sequence[Basket], combination: Combination) -> CombinationMatch:
    steps = [frozenset(map(category, step)) for step in combination.steps]
    starts = [each for each in ordered if each.categories & steps[0]]
    chain = max((_chain(start, ordered, steps, combination.window_s) for start in starts), key=_permille, default=())
    if not chain:
        return NO_COMBINATION
    receipts = tuple(each.receipt for each in chain)
    return CombinationMatch(combination.level, combination.name, receipts, _permille(chain))


def _chain(start: Basket, ordered: Sequence[Basket], steps: Sequence[frozenset[str]], window_s: int) -> Chain:
    """The chain from `start` on with the largest least share, empty if there is none.

    Dynamic programming: `best[step]` is the best chain that has reached a step strictly before the present time.
    """
    best: list[Chain] = [(start,)] + [()] * (len(steps) - 1)
    later = (each for each in ordered if start.time_ms < each.time_ms <= start.time_ms + 1_000 * window_s)
    for _, together in groupby(later, key=lambda each: each.time_ms):
        before = best.copy()
        for each in together:
            steps_open = len(steps) - each.earlier  # the last step must be of this visit
            for step in range(1, steps_open):
                if before[step - 1] and each.categories & steps[step]:
                    best[step] = max(best[step], (*before[step - 1], each), key=_permille)
    return best[-1]


def _permille(chain: Chain) -> int:
    return min((each.permille for each in chain), default=0)


def corpus_of(purchases: Iterable[Purchase]) -> Corpus:
    """Learn which categories are common from purchases; nothing about who bought them is kept."""
    counts: Counter[str] = Counter()
    baskets = 0
    for purchase in purchases:
        counts.update(categories(purchase.lines))
        baskets += 1
    return Corpus(dict(counts), baskets)


def basket_unusual(lines: Iterable[BasketLine], corpus: Corpus | None) -> int:
    """How surprising a basket's categories are: the mean of `-log2((count + 1) / (baskets + distinct + 1))`.

    Returns:
        Hundredths of a bit; `MISSING` without a corpus or without lines.

    Source: surprisal with add-one smoothing, one place kept for a category never seen.
    """
    bought = categories(lines)
    if corpus is None or corpus.baskets == 0 or not bought:
        return MISSING
    whole = log2_millibits(corpus.baskets + len(corpus.counts) + 1)
    surprise = sum(whole - log2_millibits(corpus.counts.get(each, 0) + 1) for each in bought)
    return (surprise + 5 * len(bought)) // (10 * len(bought))


@lru_cache(maxsize=4_096)
def log2_millibits(number: int) -> int:
    """Thousandths of the binary logarithm of an integer of at least 1, rounded down, exact on every machine."""
    return int((number**1_000).bit_length()) - 1


def unpaid_exit(reaches: Integers, in_exit: NDArray[np.bool_], joined: Integers) -> NDArray[np.int32]:
    """How surely goods were handled and the exit was reached with nothing paid.

    Args:
        reaches: (rows,) reaches into shelves over the visit.
        in_exit: (rows,) bool, an exit zone was reached.
        joined: (rows,) permille by `joined_permille`.

    Returns:
        (rows,) int32 permille; 0 with fewer than `REACHES_LEAST` reaches or outside of exits.
    """
    leaves_with_goods = (reaches >= REACHES_LEAST) & in_exit
    return np.where(leaves_with_goods, 1_000 - np.clip(joined, 0, 1_000), 0).astype(np.int32)


class CustomerMemory(Struct):
    """Baskets of customer tokens across visits; stays empty unless the site's owner turned it on.

    Holds at most `CUSTOMER_BASKETS_MAX` baskets of a customer, the newest; `forget` drops those too old.

    Attributes:
        memory: what the site allows.
        baskets: by `store/customer`, as the tokens of one shop say nothing about those of another.
    """

    memory: Memory
    baskets: dict[str, list[Basket]] = field(default_factory=dict)

    def remember(self, attribution: Attribution) -> None:
        """Keep the categories of a purchase that came with a customer token."""
        if not self.memory.customers or attribution.customer is None:
            return
        customer = customer_of(attribution)
        paid = replace(basket(attribution, ()), permille=1_000, earlier=True)
        by_time = sorted([*self.baskets.get(customer, []), paid], key=_place)
        once = {each.receipt: each for each in by_time}
        self.baskets[customer] = sorted(once.values(), key=_place)[-CUSTOMER_BASKETS_MAX:]

    def earlier(self, attribution: Attribution, permille: int) -> list[Basket]:
        """The remembered baskets of a purchase's customer that were paid before it.

        They are the person's as surely as the purchase is, which is `permille`.
        """
        since = attribution.time_ms - self.memory.days * DAY_MS
        known = self.baskets.get(customer_of(attribution), []) if attribution.customer is not None else []
        return [replace(each, permille=permille) for each in known if since <= each.time_ms < attribution.time_ms]

    def forget(self, now_ms: int) -> None:
        """Drop what is older than the site's days at an event time."""
        since = now_ms - self.memory.days * DAY_MS
        kept = ((customer, [each for each in old if each.time_ms >= since]) for customer, old in self.baskets.items())
        self.baskets = {customer: baskets for customer, baskets in kept if baskets}


def _place(remembered: Basket) -> tuple[int, str, list[str]]:
    return remembered.time_ms, remembered.receipt, sorted(remembered.categories)


def receipt_of(attribution: Attribution) -> str:
    """The name of a purchase, `store/till/receipt`."""
    return f"{attribution.store}/{attribution.till}/{attribution.receipt}"


def customer_of(attribution: Attribution) -> str:
    """The customer of a purchase that names one, `store/token`."""
    return f"{attribution.store}/{attribution.customer}"
