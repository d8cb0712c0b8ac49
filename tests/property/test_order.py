from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.worlds import arrival, blocks, play, world

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.lists(SEEDS, min_size=2, max_size=3))
def test_any_order_of_arrival_within_the_allowances_ends_in_the_same_scores(seed: int, orders: list[int]) -> None:
    small = world(seed)
    ends = [play(small.site, blocks(arrival(small, order), iter(lambda: 40, 0))) for order in orders]
    for end in ends:
        assert not end.late
        assert not end.late_facts
        assert end.standing_rows() == ends[0].standing_rows()
        assert end.standing_scores() == ends[0].standing_scores()
