"""The noisy tracker: keypoints that jitter, frames that are missed, ids that change and swap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.keypoints import LEFT_ANKLE, PERMILLE, Bools, Int64s, PersonFrames, quarter_pixels
from models.scenarios.draws import Draws
from models.scenarios.sights import BOTTOM, LEFT, RIGHT, TOP, Contact, Sights

Floats = NDArray[np.float64]

# How far annotators of COCO disagree on each keypoint, shares of the root of the person's area: sigmas of the
# keypoint similarity, Lin et al. 2014 (ECCV 2014) and the COCO keypoint evaluation.
_SIGMAS = np.array((26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89)) / 1_000
_JITTER = 0.12  # of those, where all is clear
_GUESS_JITTER = 4.0  # times as much again where nothing is
_CONFIDENCE_SPREAD = 0.04
_BOX_JITTER = 0.006  # of the height
_GUESSED_FOOT_JITTER = 0.012
_MISSED, _MISSED_WHEN_HIDDEN = 0.01, 0.5
_DIM = 0.4
_GAP_EVERY_S, _GAP_S_MIN, _GAP_S_MAX = 60, 0.3, 2.5
_SWITCH_EVERY_S = 240
_SWITCHES_AFTER_GAP_PERMILLE, _SWAPS_PERMILLE = 350, 80


@dataclass(slots=True)
class Follow:
    """What the tracker made of one visit.

    Attributes:
        camera: place in the site.
        frame: (rows,) the frames in which the person was found.
        track: (rows,) tracker ids; before `name_tracks`, which stretch of the visit.
        seen: (rows,) the rows as measured, times still 0.
    """

    camera: int
    frame: Int64s
    track: Int64s
    seen: PersonFrames


def follow(draws: Draws, sights: Sights, camera: int, fps: int) -> Follow:
    """Track one visit."""
    found, stretch = _found(draws, sights, fps)
    seen = _measured(draws, sights)
    seen.camera[:] = camera
    return Follow(camera, sights.frame[found], stretch[found], seen.take(found))


def _measured(draws: Draws, sights: Sights) -> PersonFrames:
    rows = PersonFrames.empty(len(sights.frame))
    left, top, right, bottom = sights.box
    unsure = 1 + _GUESS_JITTER * (1 - sights.confidence)
    spread = _JITTER * np.sqrt((right - left) * (bottom - top)) * _SIGMAS[:, None] * unsure
    x, y = sights.at + spread * draws.normals(*sights.at.shape)
    noise = _CONFIDENCE_SPREAD * draws.normals(*sights.confidence.shape) * (sights.confidence > 0)
    rows.x[:], rows.y[:] = quarter_pixels(x), quarter_pixels(y)
    rows.confidence[:] = np.rint(PERMILLE * np.clip(sights.confidence + noise, 0, 1))
    rows.box[:] = _measured_box(draws, sights)
    return rows


def _measured_box(draws: Draws, sights: Sights) -> NDArray[np.int16]:
    height = sights.box[BOTTOM] - sights.box[TOP]
    noise = _BOX_JITTER * height * draws.normals(*sights.box.shape)
    feet_guessed = sights.confidence[LEFT_ANKLE : LEFT_ANKLE + 2].max(axis=0) < _DIM
    noise[BOTTOM] *= np.where(feet_guessed, _GUESSED_FOOT_JITTER / _BOX_JITTER, 1)
    edges = quarter_pixels(np.maximum(sights.box + noise, 0))
    size = np.maximum(edges[[RIGHT, BOTTOM]] - edges[[LEFT, TOP]], 1)
    return np.concatenate((edges[[LEFT, TOP]], size))


def _found(draws: Draws, sights: Sights, fps: int) -> tuple[Bools, Int64s]:
    """(rows,) whether the person was found, and how many times the id had changed by then."""
    rows = len(sights.frame)
    dim = (sights.confidence < _DIM).sum(axis=0) / len(sights.confidence)
    found = draws.uniforms(rows) >= _MISSED + _MISSED_WHEN_HIDDEN * np.maximum(2 * dim - 1, 0)
    changes = np.zeros(rows, np.int64)
    for _ in range(_times(draws, rows / fps / _GAP_EVERY_S)):
        start = draws.whole(0, rows - 1)
        end = start + int(fps * draws.uniform(_GAP_S_MIN, _GAP_S_MAX))
        found[start:end] = False
        if draws.chance(_SWITCHES_AFTER_GAP_PERMILLE):
            changes[end : end + 1] = 1
    for _ in range(_times(draws, rows / fps / _SWITCH_EVERY_S)):
        changes[draws.whole(0, rows - 1)] = 1
    if not found.any():
        found[0] = True
    return found, np.cumsum(changes)


def _times(draws: Draws, mean: float) -> int:
    return int(mean + draws.uniform(0, 1))


def name_tracks(follows: list[Follow]) -> None:
    """Give each stretch of each visit the next free id of its camera, in the order they begin, in place."""
    begun = [
        (one.camera, int(one.frame[first]), place, int(one.track[first]))
        for place, one in enumerate(follows)
        for first in np.unique(one.track, return_index=True)[1].tolist()
    ]
    named: dict[tuple[int, int], int] = {}
    count: dict[int, int] = {}
    for camera, _, place, stretch in sorted(begun):
        named[place, stretch] = count[camera] = count.get(camera, 0) + 1
    for place, one in enumerate(follows):
        one.track = np.array([named[place, stretch] for stretch in one.track.tolist()], np.int64)


def swap_tracks(draws: Draws, follows: list[Follow], contacts: list[Contact]) -> None:
    """Let some persons in contact leave with each other's id, in place."""
    for contact in contacts:
        if draws.chance(_SWAPS_PERMILLE):
            one, other = (follows[visit] for visit in contact.visits)
            _swap(one, other, contact.frame)


def _swap(one: Follow, other: Follow, frame: int) -> None:
    id_one, id_other = _id_after(one, frame), _id_after(other, frame)
    if id_one is not None and id_other is not None:
        one.track[(one.frame >= frame) & (one.track == id_one)] = id_other
        other.track[(other.frame >= frame) & (other.track == id_other)] = id_one


def _id_after(one: Follow, frame: int) -> int | None:
    at = int(np.searchsorted(one.frame, frame))
    return int(one.track[at]) if at < len(one.frame) else None
