from hypothesis import given, settings
from hypothesis import strategies as st

from features.sequence import FINAL, WITHDRAWN
from tests.property.worlds import arrival, blocks, play, world

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, SEEDS, SEEDS)
def test_any_order_of_arrival_within_the_allowances_ends_in_the_same_scores(seed: int, one: int, other: int) -> None:
    small = world(seed)
    ends = [play(small.site, blocks(arrival(small, order), iter(lambda: 200, 0))) for order in (one, other)]
    for end in ends:
        assert not end.late
        assert not end.late_facts
    assert ends[0].standing_rows() == ends[1].standing_rows()
    assert ends[0].standing_scores() == ends[1].standing_scores()


def test_the_worlds_hold_what_may_go_wrong() -> None:
    """Corrections, persons withdrawn, ends and purchases joined, or the orders above would prove little."""
    ends = [play(small.site, blocks(arrival(small, 1), iter(lambda: 500, 0))) for small in map(world, range(12))]
    rows = [row for end in ends for row in end.flat_rows()]
    assert sum(revision > 0 for *_, revision, _, _ in rows) >= 20
    assert sum(kind == WITHDRAWN for _, _, _, kind, *_ in rows) >= 2
    assert sum(kind == FINAL for _, _, _, kind, *_ in rows) >= 40
    assert (
        sum(b'"attribution"' in entry and b'"candidates":[]' not in entry for end in ends for entry in end.journal) >= 5
    )
