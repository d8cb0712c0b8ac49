"""Errands: the pieces that visits are made of, such as coming in, browsing a shelf, queueing and paying."""

from features.events import BasketLine
from models.scenarios.draws import Draws
from models.scenarios.motion import LEFT, RIGHT
from models.scenarios.optics import Point
from models.scenarios.script import Script
from models.scenarios.shop import QUEUE, SHELVES, TILLS, Area, Premises, Shelf
from models.scenarios.walker import Walker

WAIST = (0.1, 0.05, 0.02)  # forward, outward and up from the middle of the hips, statures
POCKET = (0.05, 0.12, -0.02)
BAG = (0.02, 0.15, 0.01)
PHONE = (0.11, -0.04, 0.07)
IN_ARMS = (0.11, 0.0, 0.06)
HIGH, MIDDLE, LOW = 0.42, 0.22, 0.06  # shelf boards
MAIN_DOOR, SIDE_DOOR = 0, 1
_TILL_FACE_M = 1.0
_CROUCHES_PERMILLE = 500


def adult(draws: Draws, low_m_s: float = 0.9, high_m_s: float = 1.5) -> Walker:
    """Somebody of 1.50 to 1.95 m who walks at a usual speed.

    Source: comfortable speeds of adults, Bohannon 1997 (Age and Ageing 26:15), slowed down by a shop's aisles.
    """
    return Walker(
        stature_m=draws.uniform(1.5, 1.95),
        speed_m_s=draws.uniform(low_m_s, high_m_s),
        lean_deg=draws.uniform(1, 7),
        arm_swing=draws.uniform(0.6, 1.2),
    )


def enter(draws: Draws, walker: Walker, premises: Premises, door: int = MAIN_DOOR) -> Script:
    """Come in through a door."""
    outside, inside = premises.entries[door]
    return Script(draws, walker, premises.camera, outside).walk(inside)


def leave(script: Script, premises: Premises, door: int = MAIN_DOOR) -> Script:
    """Go out through a door."""
    outside, inside = premises.entries[door]
    return script.walk(inside).walk(outside)


def browse(script: Script, shelf: Shelf, reaches: int) -> Script:
    """Walk to a shelf and look at it, reaching into it so many times."""
    script.walk(script.spot(shelf.spots)).stand(script.draws.uniform(2, 6), shelf.goods)
    for _ in range(reaches):
        reach(script)
        script.stand(script.draws.uniform(0.5, 4))
    return script


def reach(script: Script, hand: int | None = None) -> Script:
    """Take hold of something in the shelf one stands before, perhaps crouching for the low ones."""
    draws = script.draws
    hand = draws.pick((LEFT, RIGHT)) if hand is None else hand
    board, seconds = draws.pick((HIGH, MIDDLE, MIDDLE, LOW)), draws.uniform(1.8, 3.2)
    script.hand(hand, (draws.uniform(0.25, 0.4), draws.uniform(0.1, 0.35), board), script.now_s, seconds)
    if board == LOW and draws.chance(_CROUCHES_PERMILLE):
        script.crouch(script.now_s - 0.4, seconds + 0.8, draws.uniform(0.6, 1))
    return script.stand(seconds)


def shelves(draws: Draws, low: int, high: int) -> list[Shelf]:
    """Between so many different shelves."""
    return draws.sample(SHELVES, draws.whole(low, high))


def to_basket(script: Script) -> Script:
    """Put goods into a basket or on the arm before oneself."""
    seconds = script.draws.uniform(1, 2.5)
    script.hand(script.draws.pick((LEFT, RIGHT)), WAIST, script.now_s, seconds)
    return script.stand(seconds)


def put_away(script: Script, seconds: float) -> Script:
    """Put something into a pocket, a bag or under the jacket."""
    hand, place = script.draws.pick((LEFT, RIGHT)), script.draws.pick((WAIST, POCKET, BAG))
    script.hand(hand, place, script.now_s, seconds)
    if script.draws.chance(500):
        script.hand(1 - hand, WAIST, script.now_s, seconds)
    return script.stand(seconds)


def look_about(script: Script, glances: int) -> Script:
    """Stand and look to both sides in turn."""
    side = script.draws.pick((-1, 1))
    for _ in range(glances):
        seconds = script.draws.uniform(1, 1.8)
        script.glance(script.now_s, seconds, side * script.draws.uniform(0.12, 0.22)).stand(seconds)
        side = -side
    return script


def glance_now_and_then(script: Script, start_s: float, every_s: float) -> Script:
    """Turn the head now and then from a time of the visit up to now."""
    at_s = start_s + script.draws.uniform(0, every_s)
    while at_s < script.now_s - 2:
        turns = script.draws.pick((-1, 1)) * script.draws.uniform(0.06, 0.2)
        script.glance(at_s, script.draws.uniform(1, 2), turns)
        at_s += script.draws.uniform(0.5, 1.5) * every_s
    return script


def queue(script: Script, seconds: float) -> Script:
    """Stand in the queue."""
    spot = script.spot(QUEUE)
    start_s = script.walk(spot).now_s
    script.stand(seconds, (spot[0] + _TILL_FACE_M, spot[1]))
    return glance_now_and_then(script, start_s, 8)


def pay(script: Script, lines: list[BasketLine]) -> Script:
    """Have a basket scanned and pay it, hands busy with goods and purse."""
    till, area = script.draws.pick(TILLS)
    spot = script.spot(area)
    script.walk(spot).stand(script.draws.uniform(8, 20), (spot[0] + _TILL_FACE_M, spot[1]))
    for hand in (LEFT, RIGHT):
        script.hand(hand, (0.24, 0.04, 0.12), script.now_s - script.draws.uniform(4, 7), script.draws.uniform(2, 4))
    script.hand(script.draws.pick((LEFT, RIGHT)), POCKET, script.now_s - 2.5, 2)
    return script.pay(till, lines).stand(script.draws.uniform(4, 9))


def hold(script: Script, place: tuple[float, float, float], start_s: float) -> Script:
    """Have had both hands in one place from a time of the visit up to now."""
    for hand in (LEFT, RIGHT):
        script.hand(hand, place, start_s, script.now_s - start_s)
    return script


def linger(script: Script, area: Area, seconds: float, facing: Point) -> Script:
    """Stand in an area, changing place a little now and then."""
    end_s = script.walk(script.spot(area)).now_s + seconds
    while script.now_s < end_s - 1:
        script.stand(min(script.draws.uniform(6, 20), end_s - script.now_s), facing)
        if script.now_s < end_s - 4:
            script.walk(script.spot(area), 0.6)
    return script


def to_and_fro(script: Script, aisle: Area, legs: int) -> Script:
    """Walk the length of an aisle or at least 2.5 m of it, so many legs."""
    draws = script.draws
    length = draws.uniform(2.6, min(4.2, aisle.right - aisle.left))
    left = draws.uniform(aisle.left, aisle.right - length)
    y, side = draws.uniform(aisle.near, aisle.far), draws.whole(0, 1)
    script.walk((left + side * length, y))
    for _ in range(legs):
        script.stand(draws.uniform(0.3, 1.5))
        side = 1 - side
        script.walk((left + side * length, min(max(y + draws.uniform(-0.2, 0.2), aisle.near), aisle.far)))
    return script
