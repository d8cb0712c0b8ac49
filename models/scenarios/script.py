"""A visit's script: what one person does on one camera, told in order."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from features.angles import HALF_TURN_CDEG, arctangent_cdeg
from features.events import BasketLine
from models.scenarios.draws import Draws
from models.scenarios.motion import TURN_CDEG, Gesture, Leg, Motion, Swell, motion_of
from models.scenarios.optics import Point
from models.scenarios.shop import Area
from models.scenarios.walker import Walker


@dataclass(frozen=True, slots=True)
class Payment:
    """A basket paid so long after the visit's start at a till."""

    at_s: float
    till: str
    lines: list[BasketLine]


@dataclass(slots=True)
class Script:
    """What one person does on one camera. `at` and `now_s` are where and when the telling has come to.

    Attributes:
        draws: for what is left to chance.
        walker: the person.
        camera: place of the camera in the site, on whose ground all is told.
        at: metres; where the visit begins.
        now_s: since the visit's start.
        payments: so far.
        legs: so far.
        planted: what a test may want to find again, by name with its unit.
    """

    draws: Draws
    walker: Walker
    camera: int
    at: Point
    now_s: float = 0.0
    payments: list[Payment] = field(default_factory=list)
    planted: dict[str, int] = field(default_factory=dict)
    legs: list[Leg] = field(init=False, default_factory=list)
    _start: Point = field(init=False)
    _heading_cdeg: int = field(init=False, default=-HALF_TURN_CDEG // 2)
    _gestures: list[Gesture] = field(init=False, default_factory=list)
    _crouches: list[Swell] = field(init=False, default_factory=list)
    _glances: list[Swell] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._start = self.at

    def walk(self, to: Point, speed_m_s: float | None = None) -> Self:
        """Walk straight to a place, at the walker's own speed if none is given."""
        east, north = to[0] - self.at[0], to[1] - self.at[1]
        metres = float(np.sqrt(east * east + north * north))
        if metres > 0:
            self._turn(east, north)
            self._until(self.now_s + metres / (speed_m_s or self.walker.speed_m_s), to)
        return self

    def stand(self, seconds: float, facing: Point | None = None) -> Self:
        """Stay, turned to a place or as before."""
        if facing is not None:
            self._turn(facing[0] - self.at[0], facing[1] - self.at[1])
        self._until(self.now_s + seconds, self.at)
        return self

    def hand(self, hand: int, place: tuple[float, float, float], start_s: float, seconds: float) -> Self:
        """Hold a hand somewhere, as `Gesture` has it, from a time of the visit on."""
        self._gestures.append(Gesture(hand, place, Swell(start_s, start_s + seconds)))
        return self

    def crouch(self, start_s: float, seconds: float, depth: float) -> Self:
        """Crouch from a time of the visit on; 1 is all the way down."""
        self._crouches.append(Swell(start_s, start_s + seconds, depth))
        return self

    def glance(self, start_s: float, seconds: float, turns: float) -> Self:
        """Turn the head from a time of the visit on, to the left if positive."""
        self._glances.append(Swell(start_s, start_s + seconds, turns))
        return self

    def pay(self, till: str, lines: list[BasketLine]) -> Self:
        """Pay a basket now."""
        self.payments.append(Payment(self.now_s, till, lines))
        return self

    def beside(self, walker: Walker, aside_m: float) -> "Script":
        """Somebody else who walks and stands beside this person, so far to the right in the picture."""
        companion = Script(self.draws, walker, self.camera, (self._start[0] + aside_m, self._start[1]), self.now_s)
        companion.legs = [replace(leg, at=(leg.at[0] + aside_m, leg.at[1])) for leg in self.legs]
        return companion

    def spot(self, area: Area) -> Point:
        """A random place of an area."""
        return self.draws.uniform(area.left, area.right), self.draws.uniform(area.near, area.far)

    def motion(self, fps: int) -> Motion:
        """All of it, `fps` frames a second."""
        return motion_of(self._start, self.legs, self._gestures, self._crouches, self._glances, fps)

    def _turn(self, east: float, north: float) -> None:
        wanted = int(arctangent_cdeg(np.array(north), np.array(east)))
        self._heading_cdeg += (wanted - self._heading_cdeg + HALF_TURN_CDEG) % TURN_CDEG - HALF_TURN_CDEG

    def _until(self, end_s: float, at: Point) -> None:
        self.now_s, self.at = end_s, at
        self.legs.append(Leg(end_s, at, self._heading_cdeg))
