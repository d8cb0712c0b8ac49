"""The walking skeleton: 17 joints, the crown and the soles of a body in motion, in metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.keypoints import (
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_ELBOW,
    LEFT_EYE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
)
from models.scenarios.limbs import joint
from models.scenarios.motion import RIGHT, Motion
from models.scenarios.trigonometry import cosine, sine

Floats = NDArray[np.float64]

CROWN, LEFT_SOLE, BODY_POINTS = 17, 18, 20
SIDES = (1.0, -1.0)  # left, right

# Lengths in statures: Drillis and Contini 1966, as in Winter 2009 (Biomechanics and Motor Control of Human Movement).
ANKLE_UP, SHANK, THIGH, TORSO, SHOULDERS_TO_CROWN = 0.039, 0.246, 0.245, 0.288, 0.182
SHOULDER_OUT, HIP_OUT, UPPER_ARM, FOREARM = 0.129, 0.0955, 0.186, 0.146
ANKLE_OUT = 0.05
FACE = ((0.062, 0.0, -0.09), (0.05, 0.018, -0.07), (0.05, -0.018, -0.07), (0.0, 0.042, -0.075), (0.0, -0.042, -0.075))

WALK_RATIO = 0.0065  # metres of step for each step a minute, Sekiya and Nagasaki 1998 (Gait Posture 7:225)
WALK_RATIO_STATURE_M = 1.7
STANCE = 0.6  # share of the stride a foot is on the ground, Perry 1992 (Gait Analysis)
SPEED_MIN_M_S = 0.05

_ANKLE_LIFT = 0.06
_KNEE_GIVE = 0.985
_BOB = 0.15  # hips sink by 6 cm between midstance and double support at 1.3 m/s
_ARM_SWING_TURNS = 0.045  # for each metre a second
_CROUCH_DROP, _CROUCH_BACK, _CROUCH_LEAN = 0.32, 0.08, 0.1
_SEAT_UP, _PUSHES_A_METRE = 0.3, 0.8


@dataclass(frozen=True, slots=True)
class Walker:
    """How somebody is built and moves.

    Attributes:
        stature_m: body height.
        speed_m_s: of walking.
        lean_deg: of the trunk, forward.
        arm_swing: 1 is usual.
        limp: 0 is an even walk; with 1 the right foot stays .1 statures ahead and its step comes late by .1 strides.
        crutches: both hands on crutches.
        seated: in a wheelchair.
    """

    stature_m: float
    speed_m_s: float
    lean_deg: float = 4.0
    arm_swing: float = 1.0
    limp: float = 0.0
    crutches: bool = False
    seated: bool = False

    def cadence(self, speed_m_s: Floats) -> Floats:
        """Steps a minute at (...) speeds: step length over cadence is the walk ratio, larger for the tall."""
        ratio = WALK_RATIO * self.stature_m / WALK_RATIO_STATURE_M
        steps: Floats = np.sqrt(60 * speed_m_s / ratio)
        return steps


def skeleton(walker: Walker, motion: Motion, fps: int) -> Floats:
    """(3, 20, frames) metres x, y, up: the joints in COCO-17 order, the crown, the left and the right sole."""
    body = np.zeros((3, BODY_POINTS, len(motion.time_s)))
    hips = _sit(body, motion) if walker.seated else _legs(body, walker, motion, fps)
    shoulders = _trunk(body, walker, motion, hips)
    _head(body, motion, shoulders)
    _arms(body, walker, motion, hips, fps)
    return _placed(walker.stature_m * body, motion)


def _stride(walker: Walker, motion: Motion, fps: int) -> tuple[Floats, Floats]:
    """(frames,) strides walked, and how far a foot gets from under the hips, statures."""
    strides_a_second = walker.cadence(motion.speed) / 120
    speed = np.where(motion.speed > SPEED_MIN_M_S, motion.speed, 0)
    length = speed / np.where(speed > 0, strides_a_second, 1)
    return np.cumsum(strides_a_second) / fps, STANCE / 2 * length / walker.stature_m


def _legs(body: Floats, walker: Walker, motion: Motion, fps: int) -> Floats:
    phase, reach = _stride(walker, motion, fps)
    leg = SHANK + THIGH
    give = _BOB * reach * reach / leg * (1 + cosine(2 * phase - (STANCE - 0.5)))
    up = ANKLE_UP + _KNEE_GIVE * leg - give - _CROUCH_DROP * motion.crouch
    hips = np.stack((-_CROUCH_BACK * motion.crouch, 0.012 * sine(phase) * (reach > 0), up))
    for side, out in enumerate(SIDES):
        body[:, LEFT_HIP + side] = hips + _column(0, out * HIP_OUT, 0)
        ankle = _ankle(walker, side, phase, reach)
        knee, ankle = joint(body[:, LEFT_HIP + side], ankle, THIGH, SHANK, (1.0, 0.15 * out, 0.0))
        body[:, LEFT_KNEE + side], body[:, LEFT_ANKLE + side] = knee, ankle
        body[:, LEFT_SOLE + side] = ankle + _column(0.05, 0, -ANKLE_UP)
    return hips


def _ankle(walker: Walker, side: int, phase: Floats, reach: Floats) -> Floats:
    """(3, frames): back with the ground in stance, forward through the air in swing."""
    own = phase + 0.5 * side - 0.1 * walker.limp * (side == RIGHT)
    own = own - np.floor(own)
    swing = np.clip((own - STANCE) / (1 - STANCE), 0, 1)
    forward = np.where(own < STANCE, 1 - 2 * own / STANCE, 2 * swing * swing * (3 - 2 * swing) - 1)
    ahead = 0.1 * walker.limp * (side == RIGHT) * (reach > 0)
    lift = _ANKLE_LIFT * 4 * swing * (1 - swing) * np.minimum(reach / 0.15, 1)
    return np.stack((reach * forward + ahead, np.full_like(own, SIDES[side] * ANKLE_OUT), ANKLE_UP + lift))


def _sit(body: Floats, motion: Motion) -> Floats:
    """In a wheelchair, whose wheels touch the ground in place of the soles."""
    hips = np.stack([np.full_like(motion.speed, value) for value in (0.0, 0.0, _SEAT_UP)])
    for side, out in enumerate(SIDES):
        body[:, LEFT_HIP + side] = hips + _column(0, out * HIP_OUT, 0)
        body[:, LEFT_KNEE + side] = _column(THIGH, out * 0.07, _SEAT_UP)
        body[:, LEFT_ANKLE + side] = _column(THIGH + 0.03, out * 0.06, _SEAT_UP - SHANK)
        body[:, LEFT_SOLE + side] = _column(0.05, out * SHOULDER_OUT, 0)
    return hips


def _trunk(body: Floats, walker: Walker, motion: Motion, hips: Floats) -> Floats:
    lean = walker.lean_deg / 360 + _CROUCH_LEAN * motion.crouch
    shoulders: Floats = hips + TORSO * np.stack((sine(lean), np.zeros_like(lean), cosine(lean)))
    for side, out in enumerate(SIDES):
        body[:, LEFT_SHOULDER + side] = shoulders + _column(0, out * SHOULDER_OUT, 0)
    return shoulders


def _head(body: Floats, motion: Motion, shoulders: Floats) -> None:
    crown = shoulders + _column(0.02, 0, SHOULDERS_TO_CROWN)
    body[:, CROWN] = crown
    ahead, aside = cosine(motion.head), sine(motion.head)
    for point, (forward, left, up) in zip((NOSE, LEFT_EYE, LEFT_EYE + 1, LEFT_EAR, LEFT_EAR + 1), FACE, strict=True):
        turned = (forward * ahead - left * aside, forward * aside + left * ahead, np.full_like(ahead, up))
        body[:, point] = crown + np.stack(turned)


def _arms(body: Floats, walker: Walker, motion: Motion, hips: Floats, fps: int) -> None:
    for side, out in enumerate(SIDES):
        shoulder = body[:, LEFT_SHOULDER + side]
        wrist = _hand_at_rest(walker, motion, side, shoulder, hips, fps)
        for gesture in motion.gestures:
            if gesture.hand == side:
                forward, outward, up = gesture.place
                wrist += gesture.when.weight(motion.time_s) * (hips + _column(forward, out * outward, up) - wrist)
        elbow, wrist = joint(shoulder, wrist, UPPER_ARM, FOREARM, (-1.0, 0.4 * out, -0.4))
        body[:, LEFT_ELBOW + side], body[:, LEFT_WRIST + side] = elbow, wrist


def _hand_at_rest(walker: Walker, motion: Motion, side: int, shoulder: Floats, hips: Floats, fps: int) -> Floats:
    """(3, frames): on the wheel, on the crutch, or swinging against the leg of its side."""
    out = SIDES[side]
    if walker.seated:
        push = cosine(np.cumsum(motion.speed) / fps * _PUSHES_A_METRE)
        return hips + np.stack((0.05 + 0.08 * push, np.full_like(push, 0.17 * out), 0.02 + 0.03 * push))
    if walker.crutches:
        return hips + _column(0.05, 0.17 * out, 0.0) + np.zeros_like(hips)
    phase, _ = _stride(walker, motion, fps)
    swing = _ARM_SWING_TURNS * walker.arm_swing * motion.speed
    turns = swing * cosine(phase + 0.5 * (1 - side)) + 0.015
    hanging = 0.97 * (UPPER_ARM + FOREARM)
    return shoulder + hanging * np.stack((sine(turns), np.full_like(turns, 0.06 * out), -cosine(turns)))


def _placed(body: Floats, motion: Motion) -> Floats:
    """From forward, left and up to the ground's x, y and up."""
    east, north = cosine(motion.heading), sine(motion.heading)
    forward, left, up = body
    x = motion.place[0] + forward * east - left * north
    y = motion.place[1] + forward * north + left * east
    return np.stack((x, y, up))


def _column(forward: float, left: float, up: float) -> Floats:
    return np.array([[forward], [left], [up]], np.float64)
