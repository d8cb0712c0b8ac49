"""Near misses: what looks for a moment like something, and is not."""

from features.events import BasketLine
from models.scenarios import baskets, errands
from models.scenarios.acts import Act
from models.scenarios.draws import Draws
from models.scenarios.script import Script
from models.scenarios.shop import FLOOR, PREMISES, SHELVES

_HARDLY = 0.12


def put_back(draws: Draws) -> Act:
    """Take something in hand, put it back, and leave without buying."""
    script = errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    for shelf in errands.shelves(draws, 1, 2):
        hand = draws.whole(0, 1)
        errands.reach(errands.browse(script, shelf, 0), hand)
        seconds = draws.uniform(3, 7)
        script.hand(hand, (0.26, 0.0, 0.25), script.now_s, seconds).stand(seconds)
        errands.reach(script, hand).stand(draws.uniform(1, 3))
    return Act("put_back", _HARDLY, (errands.leave(script, PREMISES[FLOOR]),))


def bought_everything(draws: Draws) -> Act:
    """Take goods, hands at the waist, look about, and pay for all of it."""
    script = errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    for shelf in errands.shelves(draws, 1, 3):
        errands.put_away(errands.browse(script, shelf, draws.whole(1, 2)), draws.uniform(1.5, 3.5))
        errands.look_about(script, draws.whole(1, 3))
    errands.pay(errands.queue(script, draws.uniform(3, 15)), baskets.everyday(draws, draws.whole(2, 6)))
    return Act("bought_everything", _HARDLY, (errands.leave(script, PREMISES[FLOOR]),))


def wrong_order(draws: Draws) -> Act:
    """Buy the goods of a combination in two baskets, the last one first."""
    second = baskets.with_everyday(draws, [baskets.FIRST_OF_COMBINATION], draws.whole(0, 3))
    first = baskets.with_everyday(draws, [draws.pick(baskets.SECOND_OF_COMBINATION)], draws.whole(0, 3))
    script = _buy(draws, errands.enter(draws, errands.adult(draws), PREMISES[FLOOR]), first)
    return Act("wrong_order", _HARDLY, (errands.leave(_buy(draws, script, second), PREMISES[FLOOR]),))


def same_basket(draws: Draws) -> Act:
    """Buy the goods of a combination in one basket."""
    both = [baskets.FIRST_OF_COMBINATION, draws.pick(baskets.SECOND_OF_COMBINATION)]
    script = errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    _buy(draws, script, baskets.with_everyday(draws, both, draws.whole(0, 5)))
    return Act("same_basket", _HARDLY, (errands.leave(script, PREMISES[FLOOR]),))


def passes_door(draws: Draws) -> Act:
    """Walk past the restricted door without stopping."""
    premises = draws.pick(PREMISES)
    script = errands.enter(draws, errands.adult(draws), premises)
    aisle = premises.door_aisle
    y = draws.uniform(aisle.near, aisle.far)
    script.walk((aisle.right, y)).walk((aisle.left, y))
    return Act("passes_door", 0.05, (errands.leave(script, premises, 1),))


def waits_at_door(draws: Draws) -> Act:
    """Stand at the restricted door for about ten seconds, as if somebody were to come out."""
    premises = draws.pick(PREMISES)
    script = errands.enter(draws, errands.adult(draws), premises)
    script.walk(script.spot(premises.restricted)).stand(draws.uniform(7, 13), premises.door)
    return Act("waits_at_door", _HARDLY, (errands.leave(script, premises),))


def one_reversal(draws: Draws) -> Act:
    """Walk on, turn round once as if something had been forgotten, and go."""
    premises = draws.pick(PREMISES)
    script = errands.enter(draws, errands.adult(draws), premises)
    errands.to_and_fro(script, premises.aisle, 1)
    return Act("one_reversal", 0.05, (errands.leave(script, premises, draws.whole(0, 1)),))


def _buy(draws: Draws, script: Script, lines: list[BasketLine]) -> Script:
    errands.browse(script, draws.pick(SHELVES), draws.whole(1, 2))
    return errands.pay(errands.queue(script, draws.uniform(2, 10)), lines)
