import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.runs import Runs, Waves

RUNS = st.lists(st.lists(st.integers(-50, 50), min_size=1, max_size=6), max_size=6)


def runs_of(lists: list[list[int]]) -> tuple[Runs, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    lengths = [len(one) for one in lists]
    starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    return Runs(starts, sum(lengths)), np.array([value for one in lists for value in one], np.int64)


@given(RUNS)
def test_running_values_start_anew_with_each_run(lists: list[list[int]]) -> None:
    runs, values = runs_of(lists)
    before = np.arange(len(lists)) - 3
    ends = [[before[at], *one] for at, one in enumerate(lists)]
    sums = [sum(one[: upto + 1]) for one in ends for upto in range(1, len(one))]
    largest = [max(one[: upto + 1]) for one in ends for upto in range(1, len(one))]
    assert runs.running_sum(values, before).tolist() == sums
    assert runs.running_largest(values, before).tolist() == largest
    assert runs.previous(values, before).tolist() == [value for one in ends for value in one[:-1]]


@given(RUNS)
def test_a_wave_stands_beside_what_came_before_it(lists: list[list[int]]) -> None:
    runs, values = runs_of(lists)
    before = np.arange(len(lists)) + 1_000
    waves = Waves.of(runs)
    laid = waves.lay([before], [values])[0]
    assert laid[waves.place].tolist() == values.tolist()
    assert laid[waves.first].tolist() == before.tolist()
    pairs = sorted((laid[was][at], laid[now][at]) for was, now in waves.spans for at in range(now.stop - now.start))
    assert pairs == sorted(zip(runs.previous(values, before).tolist(), values.tolist(), strict=True))
