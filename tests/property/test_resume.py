from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from features.camera import CameraState, camera_step, finish
from features.events import Disposition
from models.bundle import default_bundle
from streams.audit.merkle import Frontier
from streams.kafka.lane_seal import LaneSeal
from streams.snapshots import LaneState, dump_state, load_state
from tests.normalities import layout_of
from tests.property.test_repeats import with_repeats
from tests.property.test_split import everything
from tests.property.worlds import Fold, Item, Played, World, _take, arrival, blocks, play, world

SEEDS = st.integers(0, 2**32 - 1)


def stored(small: World, state: LaneState) -> LaneState:
    """The state after it was written and read; what was written says the same when written again."""
    data = dump_state(*state)
    loaded = load_state(data, small.site, default_bundle().corpus)
    assert dump_state(*loaded) == data == dump_state(*state)
    return loaded


def play_cut(small: World, items: Iterable[Item | Disposition], cuts: set[int]) -> Played:
    """As `play`, but at each cut everything that was there is thrown away for what was written of it."""
    layout, played = layout_of(small.site), Played()
    camera, fold = CameraState.start(layout), Fold(small.site, layout)
    for at, item in enumerate(items):
        if at in cuts:
            camera, persons, decisions, _ = stored(small, LaneState(camera, fold.persons, fold.decisions))
            seal = LaneSeal.load(LaneSeal(fold.sealing, Frontier()).dump())
            fold = Fold(small.site, layout)
            fold.persons, fold.decisions, fold.sealing = persons, decisions, seal.sealing
        step = camera_step(camera, item, layout)
        camera = step.state
        _take(played, step, fold)
    _take(played, finish(camera, layout), fold)
    return played


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS, order=SEEDS, on_time=st.booleans(), size=st.integers(5, 200), cuts=st.integers(1, 8))
def test_a_run_that_is_taken_up_again_gives_the_same_bytes(
    seed: int, order: int, *, on_time: bool, size: int, cuts: int
) -> None:
    small, random = world(seed), Random(order)
    items = blocks(with_repeats(arrival(small, order, on_time=on_time), random), iter(lambda: size, 0))
    places = set(random.choices(range(len(items)), k=cuts))
    assert everything(play_cut(small, items, places)) == everything(play(small.site, items))


@settings(max_examples=4, deadline=None, derandomize=True)
@given(SEEDS, SEEDS)
def test_writing_the_state_leaves_it_alone(seed: int, order: int) -> None:
    small = world(seed)
    items = blocks(arrival(small, order), iter(lambda: 60, 0))
    layout = layout_of(small.site)
    camera, fold, played = CameraState.start(layout), Fold(small.site, layout), Played()
    before: list[tuple[bytes, bytes]] = []
    for item in items:
        data = dump_state(camera, fold.persons, fold.decisions)
        before.append((data, bytes(bytearray(data))))
        step = camera_step(camera, item, layout)
        camera = step.state
        _take(played, step, fold)
    _take(played, finish(camera, layout), fold)
    assert everything(played) == everything(play(small.site, items))
    assert all(data == copy for data, copy in before)
