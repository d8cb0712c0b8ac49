"""Sights: persons in a camera's picture before any tracker has erred, and what hides them."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.keypoints import LEFT_HIP, LEFT_WRIST, RIGHT_EYE, Bools, Int64s
from models.scenarios.motion import Motion
from models.scenarios.optics import Pinhole
from models.scenarios.trigonometry import cosine, sine
from models.scenarios.walker import CROWN

Floats = NDArray[np.float64]

CLEAR = 0.95
HIDDEN = 0.3  # what a pose model is left with where it has to guess
LEFT, TOP, RIGHT, BOTTOM = range(4)
_SMALL_PX = 160
_BOX_PAD = 0.025  # of its height: skin and clothes round the joints
_FARTHER_M, _TRUNK_HALF = 0.06, 0.09  # the latter of the box's height
_SEEN_THROUGH = 0.15  # of a box's width on either side
_TOUCH_ACROSS, _TOUCH_DEEP = 0.3, 0.12


@dataclass(frozen=True, slots=True)
class Sights:
    """Persons of one camera, a row each frame.

    Attributes:
        frame: (rows,) number of the frame.
        visit: (rows,) whose row it is; the rows of a visit are together and in order.
        at: (2, 17, rows) pixels.
        box: (4, rows) left, top, right and bottom, pixels.
        confidence: (17, rows) 0..1.
    """

    frame: Int64s
    visit: Int64s
    at: Floats
    box: Floats
    confidence: Floats

    def of_visit(self, visit: int) -> Self:
        """One visit's rows."""
        start, end = np.searchsorted(self.visit, (visit, visit + 1)).tolist()
        return type(self)(*(getattr(self, field.name)[..., start:end] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: "list[Sights]") -> Self:
        """The rows of all parts, one after another."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(cls)))


def see(body: Floats, motion: Motion, pinhole: Pinhole, first_frame: int, visit: int) -> Sights:
    """What a camera sees of one body, (3, 20, frames) metres."""
    points = pinhole.project(body)
    box = _box(points)
    at = points[:, :CROWN]
    confidence = CLEAR * np.minimum(1, 0.6 + 0.4 * (box[BOTTOM] - box[TOP]) / _SMALL_PX) * np.ones_like(at[0])
    confidence[: RIGHT_EYE + 1] *= _face_shown(motion)
    hidden = pinhole.hidden(body[:, :CROWN])
    hidden[LEFT_WRIST : LEFT_WRIST + 2] |= _behind_trunk(body, at, box)
    confidence[hidden] *= HIDDEN / CLEAR
    confidence[(at[0] < 0) | (at[0] > pinhole.width_px) | (at[1] < 0) | (at[1] > pinhole.height_px)] = 0
    edges = np.array([[pinhole.width_px], [pinhole.height_px], [pinhole.width_px], [pinhole.height_px]])
    frames = first_frame + np.arange(len(motion.time_s), dtype=np.int64)
    return Sights(frames, np.full_like(frames, visit), at, np.clip(box, 0, edges), confidence)


def _box(points: Floats) -> Floats:
    (left, top), (right, bottom) = points.min(axis=1), points.max(axis=1)
    pad = _BOX_PAD * (bottom - top)
    return np.stack((left - pad, top, right + pad, bottom))


def _face_shown(motion: Motion) -> Floats:
    """(frames,) 1 for a face turned to the camera or to the side, hardly anything for the back of the head."""
    x, y = motion.place
    looks = motion.heading + motion.head
    towards = -(x * cosine(looks) + y * sine(looks)) / np.sqrt(x * x + y * y)
    shown: Floats = np.clip(0.8 + towards, HIDDEN / 2, 1)
    return shown


def _behind_trunk(body: Floats, at: Floats, box: Floats) -> Bools:
    """(2, frames) whether a wrist is farther from the camera than the hips and within the trunk's width."""
    wrists = slice(LEFT_WRIST, LEFT_WRIST + 2)
    trunk_y = (body[1, LEFT_HIP] + body[1, LEFT_HIP + 1]) / 2
    trunk_x = (at[0, LEFT_HIP] + at[0, LEFT_HIP + 1]) / 2
    farther = body[1, wrists] > trunk_y + _FARTHER_M
    within: Bools = farther & (np.abs(at[0, wrists] - trunk_x) < _TRUNK_HALF * (box[BOTTOM] - box[TOP]))
    return within


@dataclass(frozen=True, slots=True)
class Contact:
    """The first frame in which two persons were in one place of the picture."""

    frame: int
    visits: tuple[int, int]


def hide_each_other(sights: Sights) -> list[Contact]:
    """Lower the confidence of what other persons stand in front of, in place, and say who came into contact."""
    order = np.argsort(sights.frame, kind="stable")
    hidden = np.zeros_like(sights.confidence, np.bool_)
    contacts: dict[tuple[int, int], int] = {}
    for shift in range(1, len(order)):
        same = sights.frame[order[:-shift]] == sights.frame[order[shift:]]
        if not same.any():
            break
        one, other = order[:-shift][same], order[shift:][same]
        _hide(sights, hidden, one, other)
        _hide(sights, hidden, other, one)
        _note(sights, contacts, one, other)
    sights.confidence[hidden] *= HIDDEN
    return [Contact(frame, visits) for visits, frame in sorted(contacts.items(), key=lambda item: (item[1], item[0]))]


def _hide(sights: Sights, hidden: Bools, behind: Int64s, before: Int64s) -> None:
    nearer = sights.box[BOTTOM, behind] < sights.box[BOTTOM, before]
    behind, before = behind[nearer], before[nearer]
    left, top, right, bottom = sights.box[:, before]
    margin = _SEEN_THROUGH * (right - left)
    x, y = sights.at[:, :, behind]
    hidden[:, behind] |= (left + margin < x) & (x < right - margin) & (top < y) & (y < bottom)


def _note(sights: Sights, contacts: dict[tuple[int, int], int], one: Int64s, other: Int64s) -> None:
    first, second = sights.box[:, one], sights.box[:, other]
    width, height = first[RIGHT] - first[LEFT], first[BOTTOM] - first[TOP]
    near = np.abs(first[LEFT] + first[RIGHT] - second[LEFT] - second[RIGHT]) < 2 * _TOUCH_ACROSS * width
    near &= np.abs(first[BOTTOM] - second[BOTTOM]) < _TOUCH_DEEP * height
    pairs = zip(sights.visit[one[near]].tolist(), sights.visit[other[near]].tolist(), strict=True)
    for visits, frame in zip(pairs, sights.frame[one[near]].tolist(), strict=True):
        key = (min(visits), max(visits))
        contacts[key] = min(contacts.get(key, frame), frame)
