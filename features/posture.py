"""Posture of a segment: where the hands are, how the trunk is held, whether the person crouches or turns away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.angles import arctangent_cdeg
from features.body import ANKLE, ELBOW, HIP, KNEE, LEFT, RIGHT, SHOULDER, WRIST, Body, Floats, feet, squared
from features.keypoints import LEFT_WRIST, PERMILLE, Bools, Int64s, PersonFrames
from features.runs import Runs
from features.segments import NOT_SEEN, Segments
from features.zones import Uint32s, ZoneTable

AT_WAIST = 0.45
BENT_ARM = 0.95
REACH_FROM_SHOULDER = 0.9
REACH_FROM_HIP = 0.6
CROUCH = 0.8
NOSE_DEPTH = 3
FACING_MIN = 0.2


def fill_posture(
    segments: Segments, frames: PersonFrames, body: Body, inside: Uint32s, runs: Runs, zones: ZoneTable
) -> None:
    """Fills in posed, the shares of frames in a posture, and lean, sway and head_range of each segment.

    Shares are permille of the posed frames (shoulders and hips seen), rounded down; the postures are what
    `hands_at_waist`, `reaching`, `crouching` and `back_to_shelf` say. With lean = arctangent of shoulders' offset
    from the hips over their height above them, in hundredths of a degree: lean_cdeg is the mean of |lean|, sway_cdeg
    the standard deviation of lean. head_range is largest less smallest (nose_x - shoulders_x) / torso in permille.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        frames: (rows,) sorted by camera, track and time.
        body: of the frames.
        inside: (rows,) bits of the zones the feet are in.
        runs: the rows of each segment.
        zones: of the site the frames' cameras are places in.
    """
    if not len(segments):
        return
    posed = runs.sum(body.posed)
    segments["posed"] = posed
    segments["hands_at_waist"] = _share(runs.sum(hands_at_waist(body)), posed)
    segments["reach"] = _share(runs.sum(reaching(body, frames, zones)), posed)
    segments["crouch"] = _share(runs.sum(crouching(body)), posed)
    segments["back_to_shelf"] = _share(runs.sum(back_to_shelf(body, frames, inside, zones)), posed)
    _fill_lean(segments, body, runs, posed)
    segments["head_range"] = span(body.posed & body.nose_seen, _nose_offset(body), runs)


def hands_at_waist(body: Body) -> Bools:
    """(rows,) a wrist within .45 torsos of a hip or of their middle, and that arm bent.

    An arm that hangs has its wrist there too (.23 torsos from the hip, after the segment lengths of Drillis and
    Contini 1966): bent is shoulder to wrist below .95 of upper arm plus forearm, an elbow of less than 144 degrees.
    """
    shoulders, elbows, wrists = body.joints[:, SHOULDER], body.joints[:, ELBOW], body.joints[:, WRIST]
    nearest = np.minimum(body.hip_squared, squared(wrists - body.hips[:, None]))
    arm = np.sqrt(squared(shoulders - elbows)) + np.sqrt(squared(elbows - wrists))
    bent = np.sqrt(body.arm_squared) < BENT_ARM * arm
    near = nearest <= (AT_WAIST * body.torso) ** 2
    return body.posed & _either(near & bent & body.seen[WRIST] & body.seen[ELBOW])


def reaching(body: Body, frames: PersonFrames, zones: ZoneTable) -> Bools:
    """(rows,) a wrist in a shelf zone, .9 torsos or more from its shoulder and .6 from either hip.

    The hips tell a stretched arm from one that hangs in front of the goods.
    """
    away = body.hip_squared >= (REACH_FROM_HIP * body.torso) ** 2
    away &= body.arm_squared >= (REACH_FROM_SHOULDER * body.torso) ** 2
    away &= body.seen[WRIST] & body.posed
    side, rows = np.nonzero(away)
    camera, wrist = frames.camera[rows], LEFT_WRIST + side
    member = zones.membership(camera, frames.x[wrist, rows], frames.y[wrist, rows])
    away[side, rows] = (member & zones.bits("shelf")[camera]) != 0
    return _either(away)


def crouching(body: Body) -> Bools:
    """(rows,) hips less than .8 torsos above the ankles, or both knees bent to less than a right angle.

    Who stands has the hips 1.7 torsos above the ankles (Drillis and Contini 1966). Ankles not seen do not count.
    """
    hips, knees, ankles = body.joints[:, HIP], body.joints[:, KNEE], body.joints[:, ANKLE]
    feet_seen = body.seen[ANKLE]
    low = (ankles[1] - body.hips[1] < CROUCH * body.torso) | ~feet_seen
    thighs, shanks = hips - knees, ankles - knees
    acute = thighs[0] * shanks[0] + thighs[1] * shanks[1] > 0
    acute &= feet_seen & body.seen[KNEE]
    down: Bools = (low[0] & low[1] & _either(feet_seen)) | (acute[0] & acute[1])
    return body.posed & down


def back_to_shelf(body: Body, frames: PersonFrames, inside: Uint32s, zones: ZoneTable) -> Bools:
    """(rows,) standing in shelf zones and turned by more than 120 degrees from the face of each of them.

    The facing, in torsos, is right in the picture by three times the nose's offset from the shoulders and down by how
    far the left shoulder is right of the right one: both about .9 at most. Below .2 it is not known.
    """
    shelves = inside & zones.bits("shelf")[frames.camera]
    standing = np.flatnonzero(body.posed & (shelves != 0))
    member, camera = shelves[standing], frames.camera[standing]
    x, y = (place[standing] for place in feet(frames))
    facing = _Facing.of(body, standing)
    away = facing.known
    for zone in range(zones.face.shape[1]):
        here = np.flatnonzero(member & np.uint32(1 << zone))
        face = zones.face[camera[here], zone].T.astype(np.float64)
        away[here] &= facing.turned_from(face - (x[here], y[here]), here)
    turned = np.zeros(len(frames), np.bool_)
    turned[standing] = away
    return turned


@dataclass(frozen=True, slots=True)
class _Facing:
    direction: Floats  # (2, rows) quarter pixels
    known: Bools

    @classmethod
    def of(cls, body: Body, rows: Int64s) -> "_Facing":
        nose = np.where(body.nose_seen[rows], body.nose_x[rows] - body.shoulders[0, rows], 0)
        across = body.joints[0, SHOULDER, LEFT, rows] - body.joints[0, SHOULDER, RIGHT, rows]
        direction = np.stack((NOSE_DEPTH * nose, across))
        return cls(direction, squared(direction) >= (FACING_MIN * body.torso[rows]) ** 2)

    def turned_from(self, towards: Floats, rows: Int64s) -> Bools:
        """(rows,) whether the cosine of the angle to `towards` is below -1/2."""
        direction = self.direction[:, rows]
        dot = direction[0] * towards[0] + direction[1] * towards[1]
        turned: Bools = (dot < 0) & (4 * dot * dot > squared(direction) * squared(towards))
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
    offset: Floats = PERMILLE * (body.nose_x - body.shoulders[0]) / body.torso
    return offset


def _share(count: Int64s, posed: Int64s) -> NDArray[Any]:
    return _where_posed(PERMILLE * count // np.maximum(posed, 1), posed)


def _where_posed(values: NDArray[Any], posed: Int64s) -> NDArray[Any]:
    return np.where(posed > 0, values, NOT_SEEN)


def _either(sides: Bools) -> Bools:
    """(rows,) of (2, rows)."""
    either: Bools = sides[0] | sides[1]
    return either
