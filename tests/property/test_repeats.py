from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from features.camera import CameraState, camera_step, finish
from features.facts import name_of
from features.keypoints import PersonFrames
from features.segments import SegmentBlock
from tests.normalities import layout_of
from tests.property.test_split import everything
from tests.property.worlds import Item, arrival, blocks, play, world

SEEDS = st.integers(0, 2**32 - 1)


def with_repeats(items: list[Item], random: Random) -> list[Item]:
    """Every fact once or twice more, at once or any time later."""
    said: list[tuple[float, Item]] = [*enumerate(items)]
    for at, item in enumerate(items):
        if not isinstance(item, PersonFrames):
            said += [
                (random.choice([at + 0.5, random.uniform(at, len(items))]), item) for _ in range(random.randint(1, 2))
            ]
    return [item for _, item in sorted(said, key=lambda one: one[0])]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS, order=SEEDS, on_time=st.booleans(), size=st.integers(1, 300))
def test_facts_that_come_again_change_nothing(seed: int, order: int, *, on_time: bool, size: int) -> None:
    small = world(seed)
    items = arrival(small, order, on_time=on_time)
    once = play(small.site, blocks(items, iter(lambda: 200, 0)))
    again = play(small.site, blocks(with_repeats(items, Random(order)), iter(lambda: size, 0)))
    assert not Counter(map(name_of, once.late_facts)) - Counter(map(name_of, again.late_facts))
    again.late_facts = once.late_facts
    assert everything(again) == everything(once)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, SEEDS)
def test_each_is_counted(seed: int, order: int) -> None:
    """As taken, as late or as repeated; and what is remembered of facts does not depend on blocks."""
    small = world(seed)
    items, layout = with_repeats(arrival(small, order, on_time=False), Random(order)), layout_of(small.site)
    ends = []
    for parts in (items, blocks(items, iter(lambda: 70, 0))):
        state, counted = CameraState.start(layout), Counter[str]()
        steps = []
        for item in parts:
            steps.append(camera_step(state, item, layout))
            state = steps[-1].state
        for step in (*steps, finish(state, layout)):
            counted["taken"] += sum(not isinstance(entry, SegmentBlock) for entry in step.entries)
            counted["late"] += len(step.late_facts)
            counted["repeated"] += len(step.repeated_facts)
        assert counted.total() == sum(not isinstance(item, PersonFrames) for item in items)
        ends.append((state.known, counted))
    assert ends[0] == ends[1]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=SEEDS, order=SEEDS, on_time=st.booleans())
def test_no_id_is_given_twice(seed: int, order: int, *, on_time: bool) -> None:
    """Or whoever drops repeats by id would lose a score: two cameras may see a person at once, and facts correct."""
    small = world(seed)
    played = play(small.site, blocks(arrival(small, order, on_time=on_time), iter(lambda: 200, 0)))
    for published in (played.scores, played.alerts):
        assert max(Counter(one.id for one in published).values(), default=1) == 1
