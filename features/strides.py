"""Strides: how a body gets on while either foot is ahead, as sums that the seconds of a walk add up to."""

from typing import NamedTuple

import numpy as np

from features.bearing import run_medians
from features.body import ANKLE, LEFT, RIGHT, Body, Floats, squared
from features.keypoints import PERMILLE, Bools, Int64s
from features.runs import Runs

WALKING_MIN, WALKING_MAX = 300, 10_000  # permille of the torso a second; who jumps further is two persons, or none
SECOND_MS = 1_000
STRIDES = ("samples", "ahead", "ahead_squared", "speed", "speed_squared", "product", "lean")
LEAN = STRIDES.index("lean")


def strides(body: Body, time_ms: Int64s, runs: Runs) -> Int64s:
    """What each second adds to the sums of a walk; zeros where the person does not get on, or ankles are not seen.

    The way is from where the hips are first to where they are last. Along it lie `ahead`, by how much the left ankle
    is ahead of the right one, permille of the torso, and `speed`, that of the hips from the frame before to the one
    after, permille of the torso a second, and `lean`, by how much the shoulders are ahead of the hips.

    Args:
        body: of frames sorted by camera, track and time.
        time_ms: (rows,) of the frames.
        runs: the rows of each second.

    Returns:
        (7, seconds) int64 in the order of `STRIDES`: number and sums over the frames, each with one on either side.
    """
    sums = np.zeros((len(STRIDES), len(runs.starts)), np.int64)
    known = np.flatnonzero(body.posed & body.seen[ANKLE, LEFT] & body.seen[ANKLE, RIGHT])
    second = runs.spread(np.arange(len(runs.starts)))[known]
    if len(known):
        starts = np.flatnonzero(np.diff(second, prepend=-1))
        sums[:, second[starts]] = _sums(body, time_ms, known, Runs(starts, len(known)))
    return sums


def speed_by_foot(sums: Int64s) -> int:
    """How speed goes with which foot is ahead, permille.

    Args:
        sums: (7, seconds) as `strides` gives them.

    Returns:
        Their correlation: -1,000 where the body is always slower the further ahead the left foot is, 0 where it does
        not matter, as with even legs, or where nothing is known. Its sign turns in a mirror.

    With even legs the body slows down and speeds up twice a stride, whichever foot is ahead. Who limps gets on more
    slowly while the hurt leg is ahead and begins to carry.
    """
    samples, ahead, ahead_squared, speed, speed_squared, product, _ = (int(total) for total in sums.sum(axis=1))
    spreads = float(samples * ahead_squared - ahead * ahead) * float(samples * speed_squared - speed * speed)
    return round(PERMILLE * (samples * product - ahead * speed) / spreads**0.5) if spreads > 0 else 0


def lean_ahead(sums: Int64s) -> int:
    """How far the shoulders are ahead of the hips, permille of the torso; negative who leans back, 0 where unknown."""
    return round(int(sums[LEAN].sum()) / max(1, int(sums[0].sum())))


class _Way(NamedTuple):
    """From the first to the last place of each second: (2, seconds) quarter pixels, and (seconds,) its length."""

    vector: Floats
    length: Floats

    def along(self, vectors: Floats, torso: Floats, runs: Runs) -> Floats:
        """(rows,) whole permille of the torso of (2, rows) quarter pixels."""
        vector, scale = runs.spread(self.vector), runs.spread(np.maximum(self.length, 1) * torso)
        along: Floats = np.rint(PERMILLE * (vectors[0] * vector[0] + vectors[1] * vector[1]) / scale)
        return along


def _sums(body: Body, time_ms: Int64s, rows: Int64s, runs: Runs) -> Int64s:
    """(7, seconds) of the named rows alone."""
    hips, time, torso = body.hips[:, rows], time_ms[rows], run_medians(body.torso[rows], runs)
    vector = hips[:, runs.lasts] - hips[:, runs.starts]
    way = _Way(vector, np.sqrt(squared(vector)))
    ankles = body.joints[:, ANKLE, :, rows].T  # side, axis, row
    ahead = way.along(ankles[LEFT] - ankles[RIGHT], torso, runs).astype(np.int64)
    place = way.along(hips - runs.spread(hips[:, runs.starts]), torso, runs)
    speed, inner = _speed(place, time, runs)
    mean = SECOND_MS * PERMILLE * way.length / (torso * np.maximum(time[runs.lasts] - time[runs.starts], 1))
    walks = (mean >= WALKING_MIN) & (runs.largest(np.abs(speed)) <= WALKING_MAX)
    counted = inner & runs.spread(walks)
    lean = way.along(body.shoulders[:, rows] - hips, torso, runs).astype(np.int64)
    columns = np.stack((np.ones_like(ahead), ahead, ahead * ahead, speed, speed * speed, ahead * speed, lean))
    return runs.sum(columns * counted)


def _speed(place: Floats, time_ms: Int64s, runs: Runs) -> tuple[Int64s, Bools]:
    """(rows,) from the row before to the one after, a second, and which rows have both; 0 for the others."""
    inner = np.ones(len(place), np.bool_)
    inner[runs.starts] = inner[runs.lasts] = False
    at = np.flatnonzero(inner)
    speed = np.zeros(len(place), np.int64)
    apart_ms = np.maximum(time_ms[at + 1] - time_ms[at - 1], 1)
    speed[at] = np.rint(SECOND_MS * (place[at + 1] - place[at - 1]) / apart_ms)
    return speed, inner
