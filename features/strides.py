"""Strides: how a body gets on while either foot is ahead, as what a second keeps and what seconds say together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.body import ANKLE, LEFT, RIGHT, Body, Floats, squared
from features.keypoints import PERMILLE, Bools, Int16s, Int64s
from features.runs import Runs
from features.segments import SEGMENT_MS, Segments

WALKING_MIN, WALKING_MAX = 300, 10_000  # permille of the torso a second; who jumps further is two persons, or none
LIMIT = 32_000
SAMPLES_MIN = 24  # of a walk: about a stride at the frame rates of cameras
SPREAD_MIN = 60  # permille: who stands, or rolls, does not move the ankles apart


def fill_strides(segments: Segments, body: Body, time_ms: Int64s, runs: Runs) -> None:
    """Fills in strides of each segment: zeros where the person does not get on, or ankles are not seen.

    The way is from where the hips are first to where they are last. Along it lie `ahead`, by how much the left ankle
    is ahead of the right one, and `lean`, by how much the shoulders are ahead of the hips, permille of the torso, and
    `speed`, that of the hips from the frame before to the one after, permille of the torso a second. Kept are, over the
    frames with one on either side, their number, the means, the spreads of ahead and speed, and how these go together.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        body: of frames sorted by camera, track and time.
        time_ms: (rows,) of the frames.
        runs: the rows of each segment.
    """
    known = np.flatnonzero(body.posed & body.seen[ANKLE, LEFT] & body.seen[ANKLE, RIGHT])
    found, second = _parted(known, runs.spread(np.arange(len(segments)))[known])
    way = _Way.of(body, time_ms, known, found)
    gets_on = way.speed >= WALKING_MIN
    rows = known[found.spread(gets_on)]
    if len(rows):
        kept, _ = _parted(rows, found.spread(second)[found.spread(gets_on)])
        segments["strides"][second[gets_on]] = _kept(body, time_ms[rows], rows, kept, way.take(gets_on)).T


def _parted(rows: Int64s, second: Int64s) -> tuple[Runs, Int64s]:
    """Rows as runs of the same second, and (runs,) which it is."""
    starts = np.flatnonzero(np.diff(second, prepend=-1))
    return Runs(starts, len(rows)), second[starts]


class Pooled(NamedTuple):
    """What seconds of strides say together.

    Attributes:
        known: (rows,) whether that is a walk: of at least 24 frames, with ankles that move apart.
        speed_by_foot: (rows,) permille, how speed goes with which foot is ahead: -1,000 where the body is always slower
            the further ahead the left foot is, 0 where that does not matter. Its sign turns in a mirror. With even
            legs the body slows down and speeds up twice a stride, whichever foot is ahead; who limps gets on more
            slowly while the hurt leg is ahead and begins to carry.
        lean_ahead: (rows,) permille of the torso, of the shoulders; negative who leans back.
    """

    known: Bools
    speed_by_foot: Int64s
    lean_ahead: Int64s

    @classmethod
    def of(cls, strides: Int16s) -> "Pooled":
        """Of strides (rows, seconds, 7)."""
        samples, ahead, speed, lean, ahead_spread, speed_spread, together = strides.astype(np.int64).transpose(2, 0, 1)
        number = samples.sum(axis=1)
        ahead_sum, speed_sum = (samples * ahead).sum(axis=1), (samples * speed).sum(axis=1)
        ahead_spread_squared = number * (samples * (ahead * ahead + ahead_spread * ahead_spread)).sum(axis=1)
        ahead_spread_squared -= ahead_sum * ahead_sum
        speed_spread_squared = number * (samples * (speed * speed + speed_spread * speed_spread)).sum(axis=1)
        speed_spread_squared -= speed_sum * speed_sum
        product = (samples * (PERMILLE * ahead * speed + together * ahead_spread * speed_spread)).sum(axis=1)
        covariance = number * product - PERMILLE * ahead_sum * speed_sum
        spreads = np.sqrt(np.maximum(ahead_spread_squared, 1)) * np.sqrt(np.maximum(speed_spread_squared, 1))
        return cls(
            (number >= SAMPLES_MIN) & (ahead_spread_squared >= (SPREAD_MIN * number) ** 2),
            np.rint(covariance / spreads).astype(np.int64),
            np.rint((samples * lean).sum(axis=1) / np.maximum(number, 1)).astype(np.int64),
        )


class _Way(NamedTuple):
    """From the first to the last place of each second.

    Attributes:
        vector: (2, seconds) quarter pixels.
        length: (seconds,) at least one.
        torso: (seconds,) quarter pixels, the mean.
        speed: (seconds,) permille of the torso a second.
    """

    vector: Floats
    length: Floats
    torso: Floats
    speed: Floats

    @classmethod
    def of(cls, body: Body, time_ms: Int64s, rows: Int64s, runs: Runs) -> "_Way":
        """The ways of runs of the named rows."""
        first, last = rows[runs.starts], rows[runs.lasts]
        vector = body.hips[:, last] - body.hips[:, first]
        length = np.maximum(np.sqrt(squared(vector)), 1)
        torso = runs.sum(np.rint(body.torso[rows]).astype(np.int64)) / runs.counts
        speed = SEGMENT_MS * PERMILLE * length / (torso * np.maximum(time_ms[last] - time_ms[first], 1))
        return cls(vector, length, torso, speed)

    def take(self, seconds: Bools) -> "_Way":
        """Some of them."""
        return _Way(*(column[..., seconds] for column in self))

    def along(self, vectors: Floats, runs: Runs) -> Int64s:
        """(rows,) permille of the torso of (2, rows) quarter pixels."""
        x, y = runs.spread(self.vector * (PERMILLE / (self.length * self.torso)))
        permille = vectors[0] * x + vectors[1] * y
        whole: Int64s = np.rint(np.clip(permille, -LIMIT, LIMIT)).astype(np.int64)
        return whole


def _kept(body: Body, time_ms: Int64s, rows: Int64s, runs: Runs, way: _Way) -> Int64s:
    """(7, seconds) of the named rows alone."""
    hips = np.take(body.hips, rows, axis=1)
    left, right = (np.take(body.joints[:, ANKLE, side], rows, axis=1) for side in (LEFT, RIGHT))
    ahead = way.along(left - right, runs)
    lean = way.along(np.take(body.shoulders, rows, axis=1) - hips, runs)
    speed, inner = _speed(way.along(hips - runs.spread(hips[:, runs.starts]), runs), time_ms, runs)
    steady = runs.largest(np.abs(speed)) <= WALKING_MAX
    return _moments(ahead, speed, lean, inner & runs.spread(steady), runs)


def _speed(place: Int64s, time_ms: Int64s, runs: Runs) -> tuple[Int64s, Bools]:
    """(rows,) from the row before to the one after, a second, and which rows have both; 0 for the others."""
    inner = np.ones(len(place), np.bool_)
    inner[runs.starts] = inner[runs.lasts] = False
    at = np.flatnonzero(inner)
    speed = np.zeros(len(place), np.int64)
    apart_ms = np.maximum(time_ms[at + 1] - time_ms[at - 1], 1)
    speed[at] = np.rint(SEGMENT_MS * (place[at + 1] - place[at - 1]) / apart_ms)
    return speed, inner


def _moments(ahead: Int64s, speed: Int64s, lean: Int64s, counted: Bools, runs: Runs) -> Int64s:
    """(7, seconds) in the order of `features.segments.STRIDES`."""
    columns = np.stack((np.ones_like(ahead), ahead, speed, lean, ahead * ahead, speed * speed, ahead * speed))
    samples, a, s, leans, aa, ss, product = runs.sum(columns * counted)
    number = np.maximum(samples, 1)
    spreads = [np.sqrt(number * squares - sums * sums) / number for squares, sums in ((aa, a), (ss, s))]
    covariance = (number * product - a * s) / (number * number)
    together = PERMILLE * covariance / np.maximum(spreads[0] * spreads[1], 1e-9)
    kept: list[NDArray[np.float64]] = [a / number, s / number, leans / number, *spreads, together]
    return np.stack((samples, *np.rint(kept).astype(np.int64)))
