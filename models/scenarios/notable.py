"""Behaviours worth a look, from hardly to plainly so."""

from models.scenarios import baskets, errands
from models.scenarios.acts import Act
from models.scenarios.draws import Draws
from models.scenarios.script import Script
from models.scenarios.shop import FLOOR, PREMISES, SHELVES, Area, Premises

_LEGS_LEAST, _LEGS_MOST = 4, 10
_DOOR_PATIENCE_S, _FLOOR_PATIENCE_S = 20, 60


def pacing(draws: Draws) -> Act:
    """Walk to and fro without going anywhere."""
    premises = draws.pick(PREMISES)
    return _pacing(draws, "pacing", premises, premises.aisle, 0.35)


def door_pacing(draws: Draws) -> Act:
    """Walk to and fro past the restricted door."""
    premises = draws.pick(PREMISES)
    return _pacing(draws, "door_pacing", premises, premises.door_aisle, 0.55)


def door_loitering(draws: Draws) -> Act:
    """Stay at the restricted door beyond its threshold, perhaps looking about."""
    premises = draws.pick(PREMISES)
    seconds, looking = _DOOR_PATIENCE_S + draws.uniform(5, 90), draws.chance(500)
    script = _loiter(draws, premises, premises.restricted, seconds, looking=looking)
    strength = 0.25 + 0.7 * min(1, (seconds - _DOOR_PATIENCE_S) / 50) + 0.15 * looking
    return Act("door_loitering", strength, (script,))


def loitering(draws: Draws) -> Act:
    """Stay on the open floor beyond the site's threshold, perhaps looking about."""
    premises = draws.pick(PREMISES)
    seconds, looking = _FLOOR_PATIENCE_S + draws.uniform(10, 150), draws.chance(500)
    script = _loiter(draws, premises, premises.open_floor, seconds, looking=looking)
    strength = 0.2 + 0.6 * min(1, (seconds - _FLOOR_PATIENCE_S) / 120) + 0.2 * looking
    return Act("loitering", strength, (script,))


def handled_not_paid(draws: Draws) -> Act:
    """Take goods, hands to waist or bag soon after, look about, straight to the exit; in weak variants not all of it.

    One in seven pays for something else.
    """
    script = errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    times, looking, pays = draws.whole(1, 4), draws.chance(650), draws.chance(140)
    for shelf in draws.sample(SHELVES, times):
        _hide(draws, errands.browse(script, shelf, draws.whole(0, 1)), looking=looking)
    if pays:
        errands.pay(script, baskets.everyday(draws, draws.whole(1, 2)))
    strength = 0.3 + 0.18 * times + 0.15 * looking - 0.3 * pays
    return Act("handled_not_paid", strength, (errands.leave(script, PREMISES[FLOOR]),))


def combination(draws: Draws) -> Act:
    """Buy a knife, go back, and buy rope, a sack or a hammer: the plainer the less else is in the baskets."""
    others, script = draws.whole(0, 7), errands.enter(draws, errands.adult(draws), PREMISES[FLOOR])
    among_first = draws.whole(0, others)
    first = baskets.with_everyday(draws, [baskets.FIRST_OF_COMBINATION], among_first)
    second = baskets.with_everyday(draws, [draws.pick(baskets.SECOND_OF_COMBINATION)], others - among_first)
    for lines in (first, second):
        errands.browse(script, draws.pick(SHELVES), draws.whole(1, 2))
        errands.pay(errands.queue(script, draws.uniform(2, 10)), lines)
    return Act("combination", 1 - 0.09 * others, (errands.leave(script, PREMISES[FLOOR]),))


def _pacing(draws: Draws, behaviour: str, premises: Premises, aisle: Area, least: float) -> Act:
    legs = draws.whole(_LEGS_LEAST, _LEGS_MOST)
    script = errands.enter(draws, errands.adult(draws, 0.7, 1.3), premises)
    errands.to_and_fro(script, aisle, legs)
    errands.glance_now_and_then(script, 0, 10)
    script.planted["reversals"] = legs - 1
    return Act(behaviour, least + 0.08 * (legs - _LEGS_LEAST), (errands.leave(script, premises),))


def _loiter(draws: Draws, premises: Premises, area: Area, seconds: float, *, looking: bool) -> Script:
    script = errands.enter(draws, errands.adult(draws), premises)
    arrived_s = script.now_s
    errands.linger(script, area, seconds, premises.door)
    errands.glance_now_and_then(script, arrived_s, 4 if looking else 25)
    script.planted["stay_ms"] = int(1_000 * seconds)
    return errands.leave(script, premises)


def _hide(draws: Draws, script: Script, *, looking: bool) -> None:
    errands.reach(script).stand(draws.uniform(0.2, 1.5))
    errands.put_away(script, draws.uniform(1.5, 4))
    if looking:
        errands.look_about(script, draws.whole(2, 4))
