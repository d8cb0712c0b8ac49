"""Everyday behaviours: what most people do, in all the ways people move."""

from dataclasses import replace

from models.scenarios import baskets, errands
from models.scenarios.acts import Act
from models.scenarios.draws import Draws
from models.scenarios.optics import MM_PER_M
from models.scenarios.script import Script
from models.scenarios.shop import FLOOR, PREMISES, SHELVES, WASHROOMS, Premises
from models.scenarios.walker import Walker


def crossing(draws: Draws) -> Act:
    """Walk through from one door to the other."""
    return Act("crossing", 0, (_walk_through(draws, errands.adult(draws, 1.0, 1.6), draws.pick(PREMISES)),))


def slow_walker(draws: Draws) -> Act:
    """The same at .4 to .7 m/s, bent a little, with short steps and pauses."""
    walker = replace(errands.adult(draws, 0.4, 0.7), lean_deg=draws.uniform(6, 16), arm_swing=draws.uniform(0.2, 0.7))
    return Act("slow_walker", 0, (_walk_through(draws, walker, draws.pick(PREMISES), pauses=draws.whole(0, 2)),))


def wheelchair(draws: Draws) -> Act:
    """In a wheelchair, through the premises or to a shelf and the till."""
    walker = replace(errands.adult(draws, 0.6, 1.2), seated=True, lean_deg=draws.uniform(0, 10))
    script = _walk_through(draws, walker, draws.pick(PREMISES)) if draws.chance(600) else _shopping(draws, walker, 1)
    return Act("wheelchair", 0, (script,))


def crutches(draws: Draws) -> Act:
    """On crutches, one leg spared, with a rest or two."""
    walker = replace(errands.adult(draws, 0.5, 0.8), limp=draws.uniform(0.5, 1), crutches=True, lean_deg=8)
    return Act("crutches", 0, (_walk_through(draws, walker, draws.pick(PREMISES), pauses=draws.whole(0, 2)),))


def carrying(draws: Draws) -> Act:
    """A child or a bag in the arms all the time."""
    walker = errands.adult(draws, 0.8, 1.3)
    script = _walk_through(draws, walker, draws.pick(PREMISES), pauses=draws.whole(0, 2))
    return Act("carrying", 0, (errands.hold(script, draws.pick((errands.IN_ARMS, errands.WAIST)), 0),))


def phone(draws: Draws) -> Act:
    """Stand with a phone in both hands, for less than is called loitering."""
    premises = draws.pick(PREMISES)
    script = errands.enter(draws, errands.adult(draws), premises)
    start_s = script.walk(script.spot(premises.open_floor)).now_s
    script.stand(draws.uniform(15, 50))
    errands.hold(script, errands.PHONE, start_s)
    return Act("phone", 0, (errands.leave(script, premises, draws.whole(0, 1)),))


def waiting(draws: Draws) -> Act:
    """Wait long where one may, or shortly elsewhere, or before the washrooms, where nobody is scored."""
    premises = draws.pick(PREMISES)
    script = errands.enter(draws, errands.adult(draws), premises)
    start_s = script.now_s
    anywhere = [(premises.waiting, 150), (premises.waiting, 150), (premises.open_floor, 45)]
    if premises.camera == FLOOR:
        anywhere.append((WASHROOMS, 90))
    area, longest_s = draws.pick(anywhere)
    errands.linger(script, area, draws.uniform(12, longest_s), premises.entries[0][0])
    errands.glance_now_and_then(script, start_s, 10)
    return Act("waiting", 0, (errands.leave(script, premises),))


def shopper(draws: Draws) -> Act:
    """Browse one to four shelves, take goods, queue, pay and leave."""
    return Act("shopper", 0, (_shopping(draws, errands.adult(draws), draws.whole(1, 4)),))


def browser(draws: Draws) -> Act:
    """Look at shelves, touch nothing, buy nothing."""
    script = errands.enter(draws, errands.adult(draws, 0.7, 1.2), PREMISES[FLOOR])
    for shelf in errands.shelves(draws, 1, 3):
        start_s = script.now_s
        errands.browse(script, shelf, 0).stand(draws.uniform(2, 10))
        errands.glance_now_and_then(script, start_s, 6)
    return Act("browser", 0, (errands.leave(script, PREMISES[FLOOR], draws.whole(0, 1)),))


def queueing(draws: Draws) -> Act:
    """Stand in a long queue with something from one shelf, then pay."""
    script = errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    errands.browse(script, draws.pick(SHELVES), draws.whole(1, 2))
    errands.queue(script, draws.uniform(50, 120))
    errands.pay(script, baskets.everyday(draws, draws.whole(1, 6)))
    return Act("queueing", 0, (errands.leave(script, PREMISES[FLOOR]),))


def staff(draws: Draws) -> Act:
    """Stock shelves: to and fro from the stockroom, reaching and crouching, briefly in its restricted door."""
    premises = PREMISES[FLOOR]
    script = errands.enter(draws, errands.adult(draws, 1.0, 1.5), premises)
    for shelf in draws.sample(SHELVES, draws.whole(2, 4)):
        script.walk(script.spot(premises.restricted)).stand(draws.uniform(2, 6), premises.door)
        fetched_s = script.now_s
        script.walk(script.spot(shelf.spots)).stand(draws.uniform(1, 2), shelf.goods)
        errands.hold(script, errands.IN_ARMS, fetched_s)
        for _ in range(draws.whole(2, 5)):
            errands.reach(script)
    return Act("staff", 0, (errands.leave(script, premises),))


def parent_and_child(draws: Draws) -> Act:
    """A parent shops for a moment or passes through; the child walks beside and stands by."""
    premises = draws.pick(PREMISES)
    parent = _walk_through(draws, errands.adult(draws, 0.7, 1.0), premises, pauses=draws.whole(1, 2))
    child = replace(errands.adult(draws), stature_m=draws.uniform(1.0, 1.35))
    return Act("parent_and_child", 0, (parent, parent.beside(child, draws.pick((-0.5, 0.5)))))


def _walk_through(draws: Draws, walker: Walker, premises: Premises, pauses: int = 0) -> Script:
    door = draws.whole(0, 1)
    script = errands.enter(draws, walker, premises, door)
    for _ in range(pauses):
        errands.look_about(script.walk(script.spot(premises.open_floor)), draws.whole(1, 3))
    if not pauses:
        script.planted["speed_mm_per_s"] = round(MM_PER_M * walker.speed_m_s)
    return errands.leave(script, premises, 1 - door)


def _shopping(draws: Draws, walker: Walker, shelves: int) -> Script:
    script = errands.enter(draws, walker, PREMISES[FLOOR])
    for shelf in draws.sample(SHELVES, shelves):
        errands.browse(script, shelf, draws.whole(1, 3))
        if draws.chance(350):
            errands.to_basket(script)
    errands.queue(script, draws.uniform(3, 25))
    errands.pay(script, baskets.everyday(draws, draws.whole(1, 9)))
    return errands.leave(script, PREMISES[FLOOR])
