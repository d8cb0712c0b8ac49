"""Posture of a segment: where the hands are, how the trunk is held, whether the person crouches or turns away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.angles import arctangent_cdeg
from features.body import Body, Floats, feet, squared
from features.keypoints import (
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    PERMILLE,
    RIGHT_SHOULDER,
    Bools,
    Int64s,
    PersonFrames,
)
from features.runs import Runs
from features.segments import NOT_SEEN, Segments
from features.zones import ZoneTable

AT_WAIST = 0.45
BENT_ARM = 0.95
REACH_FROM_SHOULDER = 0.9
REACH_FROM_HIP = 0.6
CROUCH = 0.8
NOSE_DEPTH = 3
FACING_MIN = 0.2

_SHOULDERS, _ELBOWS, _WRISTS = (slice(left, left + 2) for left in (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST))
_HIPS, _KNEES, _ANKLES = (slice(left, left + 2) for left in (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE))


def fill_posture(segments: Segments, frames: PersonFrames, runs: Runs, zones: ZoneTable) -> None:
    """Fills in posed, the shares of frames in a posture, and lean, sway and head_range of each segment.

    Shares are permille of the posed frames (shoulders and hips seen), rounded down; the postures are what
    `hands_at_waist`, `reaching`, `crouching` and `back_to_shelf` say. With lean = arctangent of shoulders' offset
    from the hips over their height above them, in hundredths of a degree: lean_cdeg is the mean of |lean|, sway_cdeg
    the standard deviation of lean. head_range is largest less smallest (nose_x - shoulders_x) / torso in permille.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        frames: (rows,) sorted by camera, track and time.
        runs: the rows of each segment.
        zones: of the site the frames' cameras are places in.
    """
    if not len(segments):
        return
    body = Body.of(frames)
    posed = runs.sum(body.posed)
    segments["posed"] = posed
    segments["hands_at_waist"] = _share(runs.sum(hands_at_waist(body)), posed)
    segments["reach"] = _share(runs.sum(reaching(body, frames, zones)), posed)
    segments["crouch"] = _share(runs.sum(crouching(body)), posed)
    segments["back_to_shelf"] = _share(runs.sum(back_to_shelf(body, frames, zones)), posed)
    _fill_lean(segments, body, runs, posed)
    segments["head_range"] = span(body.posed & body.seen[NOSE], _nose_offset(body), runs)


def hands_at_waist(body: Body) -> Bools:
    """(rows,) a wrist within .45 torsos of a hip or of their middle, and that arm bent.

    An arm that hangs has its wrist there too (.23 torsos from the hip, after the segment lengths of Drillis and
    Contini 1966): bent is shoulder to wrist below .95 of upper arm plus forearm, an elbow of less than 144 degrees.
    """
    wrists, elbows, shoulders = body.at[:, _WRISTS], body.at[:, _ELBOWS], body.at[:, _SHOULDERS]
    hips = body.at[:, _HIPS]
    nearest = np.minimum(squared(wrists - hips), squared(wrists - hips[:, ::-1]))
    nearest = np.minimum(nearest, squared(wrists - body.hips[:, None]))
    arm = np.sqrt(squared(shoulders - elbows)) + np.sqrt(squared(elbows - wrists))
    bent = np.sqrt(squared(shoulders - wrists)) < BENT_ARM * arm
    near = nearest <= (AT_WAIST * body.torso) ** 2
    return body.posed & _either(near & bent & body.seen[_WRISTS] & body.seen[_ELBOWS])


def reaching(body: Body, frames: PersonFrames, zones: ZoneTable) -> Bools:
    """(rows,) a wrist in a shelf zone, .9 torsos or more from its shoulder and .6 from either hip.

    The hips tell a stretched arm from one that hangs in front of the goods.
    """
    wrists, hips = body.at[:, _WRISTS], body.at[:, _HIPS]
    nearest_hip = np.minimum(squared(wrists - hips), squared(wrists - hips[:, ::-1]))
    away = nearest_hip >= (REACH_FROM_HIP * body.torso) ** 2
    away &= squared(wrists - body.at[:, _SHOULDERS]) >= (REACH_FROM_SHOULDER * body.torso) ** 2
    away &= body.seen[_WRISTS] & body.posed
    side, rows = np.nonzero(away)
    camera, wrist = frames.camera[rows], LEFT_WRIST + side
    member = zones.membership(camera, frames.x[wrist, rows], frames.y[wrist, rows])
    away[side, rows] = (member & zones.bits("shelf")[camera]) != 0
    return _either(away)


def crouching(body: Body) -> Bools:
    """(rows,) hips less than .8 torsos above the ankles, or both knees bent to less than a right angle.

    Who stands has the hips 1.7 torsos above the ankles (Drillis and Contini 1966). Ankles not seen do not count.
    """
    hips, knees, ankles = body.at[:, _HIPS], body.at[:, _KNEES], body.at[:, _ANKLES]
    feet_seen = body.seen[_ANKLES]
    low = (ankles[1] - body.hips[1] < CROUCH * body.torso) | ~feet_seen
    thighs, shanks = hips - knees, ankles - knees
    acute = thighs[0] * shanks[0] + thighs[1] * shanks[1] > 0
    acute &= feet_seen & body.seen[_KNEES]
    down: Bools = (low[0] & low[1] & _either(feet_seen)) | (acute[0] & acute[1])
    return body.posed & down


def back_to_shelf(body: Body, frames: PersonFrames, zones: ZoneTable) -> Bools:
    """(rows,) standing in shelf zones and turned by more than 120 degrees from the face of each of them.

    The facing, in torsos, is right in the picture by three times the nose's offset from the shoulders and down by how
    far the left shoulder is right of the right one: both about .9 at most. Below .2 it is not known.
    """
    camera, (x, y) = frames.camera, feet(frames)
    standing = np.flatnonzero(body.posed)
    member = zones.membership(camera[standing], x[standing], y[standing]) & zones.bits("shelf")[camera[standing]]
    standing, member = standing[member != 0], member[member != 0]
    facing = _Facing.of(body, standing)
    away = facing.known
    for zone in range(zones.face.shape[1]):
        inside = (member & np.uint32(1 << zone)) != 0
        face = zones.face[camera[standing], zone].T.astype(np.float64)
        away &= ~inside | facing.turned_from(face - (x[standing], y[standing]))
    turned = np.zeros(len(frames), np.bool_)
    turned[standing] = away
    return turned


@dataclass(frozen=True, slots=True)
class _Facing:
    direction: Floats  # (2, rows) quarter pixels
    known: Bools

    @classmethod
    def of(cls, body: Body, rows: Int64s) -> "_Facing":
        nose = np.where(body.seen[NOSE, rows], body.at[0, NOSE, rows] - body.shoulders[0, rows], 0)
        across = body.at[0, LEFT_SHOULDER, rows] - body.at[0, RIGHT_SHOULDER, rows]
        direction = np.stack((NOSE_DEPTH * nose, across))
        return cls(direction, squared(direction) >= (FACING_MIN * body.torso[rows]) ** 2)

    def turned_from(self, towards: Floats) -> Bools:
        """(rows,) whether the cosine of the angle to `towards` is below -1/2."""
        dot = self.direction[0] * towards[0] + self.direction[1] * towards[1]
        turned: Bools = (dot < 0) & (4 * dot * dot > squared(self.direction) * squared(towards))
        return turned


def span(known: Bools, permille: Floats, runs: Runs) -> Int64s:
    """(..., runs) largest less smallest of the known (..., rows) values, rounded; NOT_SEEN where none is known."""
    largest = runs.largest(np.where(known, permille, -np.inf))
    smallest = runs.smallest(np.where(known, permille, np.inf))
    seen = largest >= smallest
    return np.where(seen, np.rint(np.where(seen, largest, 0) - np.where(seen, smallest, 0)), NOT_SEEN).astype(np.int64)


def _fill_lean(segments: Segments, body: Body, runs: Runs, posed: Int64s) -> None:
    upright = body.shoulders - body.hips
    lean = np.where(body.posed, arctangent_cdeg(upright[0], -upright[1]), 0).astype(np.int64)
    total, squares, count = runs.sum(lean), runs.sum(lean * lean), np.maximum(posed, 1)
    spread = np.rint(np.sqrt(count * squares - total * total) / count)
    segments["lean_cdeg"] = _where_posed((runs.sum(np.abs(lean)) + count // 2) // count, posed)
    segments["sway_cdeg"] = _where_posed(spread, posed)


def _nose_offset(body: Body) -> Floats:
    offset: Floats = PERMILLE * (body.at[0, NOSE] - body.shoulders[0]) / body.torso
    return offset


def _share(count: Int64s, posed: Int64s) -> NDArray[Any]:
    return _where_posed(PERMILLE * count // np.maximum(posed, 1), posed)


def _where_posed(values: NDArray[Any], posed: Int64s) -> NDArray[Any]:
    return np.where(posed > 0, values, NOT_SEEN)


def _either(sides: Bools) -> Bools:
    """(rows,) of (2, rows)."""
    either: Bools = sides[0] | sides[1]
    return either
