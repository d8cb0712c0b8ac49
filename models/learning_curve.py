"""How much of a site has to be seen: how persons look who were not learned from, after a part of what there is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.events import TRACK_END, Rejection
from features.keypoints import Bools, Int64s, Ints
from models.normality import Normality
from models.normality_learning import PHASES, Observed, learn, scores

HELD_OUT_EVERY = 5  # of the tracks of a camera, to see how they look
PARTS = (8, 4, 2, 1)
RARE = 0.99
RARE_PERMILLE_ENOUGH = 20
SECONDS_AN_HOUR = 3_600


class Point(NamedTuple):
    """What is known after a part of what there is.

    Attributes:
        person_hours: learned from.
        cameras: how many had enough of their own.
        rare_permille: of the seconds of persons not learned from, those that look as rare as one in a hundred of the
            learned ones does; 10 where all has been learned.
    """

    person_hours: float
    cameras: int
    rare_permille: int


def learning_curve(seen: Observed, cameras: Sequence[str]) -> list[Point]:
    """A point for an eighth, a fourth, a half and all of the tracks that are learned from, the earliest first.

    Parts in which no camera has enough are left out, and so are all where nobody is left to be judged.

    Args:
        seen: in all phases.
        cameras: the names of the site's cameras.
    """
    turn, tracks = _turns(seen)
    held_out = turn % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    unseen = seen.take(held_out)
    points = []
    for part in PARTS:
        learned = seen.take(~held_out & (turn * part < tracks))
        try:
            normality = learn(learned, cameras)
        except Rejection:
            continue
        if len(unseen):
            points.append(_point(normality, learned, unseen, cameras))
    return points


def enough_after(curve: Sequence[Point]) -> float | None:
    """The person-hours from which on others look as they should, with tables of as many cameras as at the end.

    None where they never do.
    """
    for at, point in enumerate(curve):
        if point.cameras == curve[-1].cameras and all(
            later.rare_permille <= RARE_PERMILLE_ENOUGH for later in curve[at:]
        ):
            return point.person_hours
    return None


def _point(normality: Normality, learned: Observed, unseen: Observed, cameras: Sequence[str]) -> Point:
    level = np.quantile(scores(normality, learned, cameras), RARE)
    rare: Bools = scores(normality, unseen, cameras) > level
    return Point(len(learned) / PHASES / SECONDS_AN_HOUR, len(normality.cameras), round(1_000 * float(rare.mean())))


def _turns(seen: Observed) -> tuple[Int64s, Int64s]:
    """(rows,) the how-manieth of its camera each row's track is, by when it began, and how many its camera has."""
    named = seen.camera.astype(np.int64) * TRACK_END + seen.track
    _, first, place = np.unique(named, return_index=True, return_inverse=True)
    begun = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(begun, place, seen.second_ms)
    camera = seen.camera[first]
    turn, tracks = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    for each in np.unique(camera):
        own: Ints = np.flatnonzero(camera == each)
        turn[own[np.argsort(begun[own], kind="stable")]] = np.arange(len(own))
        tracks[own] = len(own)
    return turn[place], tracks[place]
