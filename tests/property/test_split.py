import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.worlds import Played, arrival, blocks, play, world

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.lists(st.integers(1, 90), min_size=1, max_size=6)


def everything(played: Played) -> tuple[object, ...]:
    """All that a run puts out, byte for byte and in order."""
    published = [msgspec.json.encode(one) for one in (*played.scores, *played.alerts)]
    late = [row.tobytes() for row in played.late]
    told = played.late_facts, played.repeated, played.opted_out
    return played.journal, played.flat_rows(), published, played.leaves, late, told


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=SEEDS, order=SEEDS, on_time=st.booleans(), sizes=SIZES)
def test_any_split_into_blocks_gives_the_same_bytes(seed: int, order: int, *, on_time: bool, sizes: list[int]) -> None:
    small = world(seed)
    items = arrival(small, order, on_time=on_time)
    whole = play(small.site, blocks(items, iter(lambda: 10_000, 0)))
    parts = play(small.site, blocks(items, (sizes[at % len(sizes)] for at in range(len(items) + 1))))
    assert everything(parts) == everything(whole)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(SEEDS, SEEDS)
def test_so_does_one_row_at_a_time(seed: int, order: int) -> None:
    small = world(seed)
    items = arrival(small, order, on_time=False)
    assert everything(play(small.site, items)) == everything(play(small.site, blocks(items, iter(lambda: 500, 0))))
