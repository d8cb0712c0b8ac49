"""Motion: where a person is, faces and reaches, frame by frame, from legs of walking and standing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.angles import HALF_TURN_CDEG
from models.scenarios.optics import Point

Floats = NDArray[np.float64]

LEFT, RIGHT = 0, 1
TURN_CDEG = 2 * HALF_TURN_CDEG
_SMOOTHED_S = 0.6  # it takes about a step to start, stop or turn
_RAMP_S = 0.5  # and as long for a hand or the head to get somewhere


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight walk or a stand: it ends at a time and place, in a direction (anticlockwise from x, not folded)."""

    end_s: float
    at: Point
    heading_cdeg: int


@dataclass(frozen=True, slots=True)
class Swell:
    """Something that comes and goes: `amount` between two times, with ramps inside them."""

    start_s: float
    end_s: float
    amount: float = 1.0

    def weight(self, time_s: Floats) -> Floats:
        """(frames,) share of the amount, 0..1."""
        rise = np.clip(np.minimum(time_s - self.start_s, self.end_s - time_s) / _RAMP_S, 0, 1)
        smooth: Floats = rise * rise * (3 - 2 * rise)
        return smooth


@dataclass(frozen=True, slots=True)
class Gesture:
    """A hand at a place: forward, outward and up from the middle of the hips, in statures."""

    hand: int
    place: tuple[float, float, float]
    when: Swell


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion frame by frame.

    Attributes:
        time_s: (frames,) since the visit's start.
        place: (2, frames) metres.
        heading: (frames,) turns, anticlockwise from x.
        speed: (frames,) metres a second.
        crouch: (frames,) 0..1.
        head: (frames,) turns of the head to the left.
        gestures: of the hands.
    """

    time_s: Floats
    place: Floats
    heading: Floats
    speed: Floats
    crouch: Floats
    head: Floats
    gestures: Sequence[Gesture]


def motion_of(
    start: Point,
    legs: Sequence[Leg],
    gestures: Sequence[Gesture],
    crouches: Sequence[Swell],
    glances: Sequence[Swell],
    fps: int,
) -> Motion:
    """The motion of legs, gestures, crouches (0..1) and glances (turns to the left), `fps` frames a second."""
    time_s = np.arange(int(legs[-1].end_s * fps) + 1) / fps
    window = int(_SMOOTHED_S * fps) | 1
    corners, heading = _path(start, legs, time_s)
    place = np.stack([moving_average(values, window) for values in corners])
    step = np.diff(place, axis=1, prepend=place[:, :1])
    return Motion(
        time_s=time_s,
        place=place,
        heading=moving_average(heading, window),
        speed=np.sqrt(step[0] * step[0] + step[1] * step[1]) * fps,
        crouch=_total(crouches, time_s),
        head=_total(glances, time_s),
        gestures=gestures,
    )


def moving_average(values: Floats, window: int) -> Floats:
    """(frames,) centred means over an odd number of frames; the ends are held."""
    summed = np.cumsum(np.concatenate([[0.0], np.pad(values, window // 2, mode="edge")]))
    averaged: Floats = (summed[window:] - summed[:-window]) / window
    return averaged


def _path(start: Point, legs: Sequence[Leg], time_s: Floats) -> tuple[Floats, Floats]:
    """(2, frames) metres and (frames,) turns, with corners."""
    ends = np.array([0.0, *(leg.end_s for leg in legs)])
    places = np.array([start, *(leg.at for leg in legs)]).T
    headings = np.array([leg.heading_cdeg for leg in legs]) / TURN_CDEG
    now = np.clip(np.searchsorted(ends, time_s, side="right"), 1, len(legs))
    share = (time_s - ends[now - 1]) / (ends[now] - ends[now - 1])
    return places[:, now - 1] + (places[:, now] - places[:, now - 1]) * share, headings[now - 1]


def _total(swells: Sequence[Swell], time_s: Floats) -> Floats:
    total = np.zeros_like(time_s)
    for swell in swells:
        total += swell.amount * swell.weight(time_s)
    return total
