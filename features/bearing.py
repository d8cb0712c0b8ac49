"""Bearing: how a person holds trunk, head and arms over a second, as quantities that grow the less usual they are."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.angles import HALF_TURN_CDEG, angle_at_cdeg, arctangent_cdeg
from features.body import ELBOW, HIP, KNEE, LEFT, RIGHT, SHOULDER, WRIST, Body, Floats, squared
from features.keypoints import LEFT_SHOULDER, NOSE, PERMILLE, Bools, Int16s, Int32s, Int64s, Ints, PersonFrames
from features.runs import Runs
from features.segments import FAMILIES, Segments

UNKNOWN = -32_768  # a quantity none of whose keypoints were given
LIMIT = 32_000
HEAD = slice(NOSE, LEFT_SHOULDER)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of bearing.

    Attributes:
        name: as in normality tables and reasons.
        family: what it is part of; the quantities of a family weigh as much as one together.
        unit: of the integer value.
        meaning: what a large value says of a person, for a reason.
    """

    name: str
    family: str
    unit: str
    meaning: str


_TORSO = "permille of the torso"
_CDEG = "hundredths of a degree"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity("trunk_lean", "bend", _CDEG, "the trunk leans from the vertical"),
    Quantity("head_low", "bend", _TORSO, "the head is low over the shoulders"),
    Quantity("hip_bend", "bend", _CDEG, "a hip is bent"),
    Quantity("nose_low", "head", _TORSO, "the nose is low over the shoulders"),
    Quantity("nose_aside", "head", _TORSO, "the nose is beside the shoulders' middle"),
    Quantity("arm_angles_differ", "arms", _CDEG, "one arm is raised more than the other"),
    Quantity("wrists_differ", "arms", _TORSO, "one wrist is further from the opposite hip than the other"),
    Quantity("forearms_differ", "arms", _TORSO, "one forearm looks longer than the other"),
    Quantity("shoulders_hidden", "hidden", "permille", "the shoulders are hardly seen"),
    Quantity("wrists_hidden", "hidden", "permille", "the wrists are hardly seen"),
    Quantity("hips_hidden", "hidden", "permille", "the hips are hardly seen"),
)

_FIRST_OF_FAMILY = [[quantity.family for quantity in QUANTITIES].index(family) for family in FAMILIES]


class Normal(Protocol):
    """What is normal at the places of a site's cameras."""

    def millibits(self, camera: Ints, bearing: Int16s, hips: Ints) -> Int32s:
        """Thousandths of a bit that each quantity gives.

        Args:
            camera: (rows,) places of the cameras in the site.
            bearing: (quantities, rows) as `bearing` has it.
            hips: (2, rows) as `hips_of` has it.

        Returns:
            (quantities, rows) int32.
        """


def fill_unusual(segments: Segments, frames: PersonFrames, body: Body, runs: Runs, normal: Normal) -> None:
    """Fills in unusual_mbit of each segment, but of those in which no keypoint was given at all.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        frames: (rows,) sorted by camera, track and time.
        body: of the frames.
        runs: the rows of each segment.
        normal: at the site.
    """
    given: Bools = np.any(frames.confidence > 0, axis=0)
    seen = np.arange(len(segments))
    if not given.all():
        seen = np.flatnonzero(runs.sum(given))
        frames, runs = frames.take(given), _of_counts(runs.sum(given)[seen])
        body = Body.of(frames)
    if len(seen):
        given_mbit = normal.millibits(frames.camera[runs.starts], bearing(frames, body, runs), hips_of(body, runs))
        segments["unusual_mbit"][seen] = of_families(given_mbit).T


def of_families(millibits: Int32s) -> Int32s:
    """(families, rows) the sums over the quantities (quantities, rows) of each family."""
    sums: Int32s = np.add.reduceat(millibits, _FIRST_OF_FAMILY, axis=0)
    return sums


def _of_counts(counts: Int64s) -> Runs:
    return Runs(np.cumsum(counts) - counts, int(counts.sum()))


def bearing(frames: PersonFrames, body: Body, runs: Runs) -> Int16s:
    """The quantities of each run of frames, such as a second of a track, from nothing but its own frames.

    A value is the mean over the frames whose keypoints were given at all (a confidence above 0), rounded. Lengths are
    in the run's median torso, so that who turns or is hidden for a frame does not change the scale.

    Args:
        frames: (rows,) sorted by camera, track and time.
        body: of the frames.
        runs: of rows that belong together.

    Returns:
        (11, runs) int16 in the order of `QUANTITIES`, within 32,000; UNKNOWN where no frame shows it.
    """
    if not len(frames):
        return np.zeros((len(QUANTITIES), 0), np.int16)
    torso = runs.spread(run_medians(body.torso, runs))
    given = frames.confidence > 0
    rows = (*_bend(frames, body, torso, given), *_head(frames, body, torso, given), *_arms(body, torso, given))
    seen = given.any(axis=0)
    hidden = [(PERMILLE - value, seen) for value in _confidences(frames)]
    values = np.stack([value.astype(np.float64) for value, _ in (*rows, *hidden)])
    return means_of(values, np.stack([known for _, known in (*rows, *hidden)]), runs)


def hips_of(body: Body, runs: Runs) -> Int32s:
    """(2, runs) where the hips are on average, x and y in quarter pixels, rounded."""
    means: Int32s = np.rint(runs.sum(np.rint(body.hips).astype(np.int64)) / runs.counts).astype(np.int32)
    return means


def run_medians(values: Floats, runs: Runs) -> Floats:
    """(runs,) the median of each run; of an even number the lower of the middle ones."""
    order = np.lexsort((values, runs.spread(np.arange(len(runs.starts)))))
    medians: Floats = values[order[runs.starts + (runs.counts - 1) // 2]]
    return medians


_Column = tuple[NDArray[np.float64] | Int32s, Bools]  # (rows,) values and which of them are known


def _bend(frames: PersonFrames, body: Body, torso: Floats, given: Bools) -> list[_Column]:
    trunk = _both(given, SHOULDER) & _both(given, HIP)
    lean = arctangent_cdeg(np.abs(body.shoulders[0] - body.hips[0]), body.hips[1] - body.shoulders[1])
    points = given[HEAD].sum(axis=0)
    head_y = np.where(given[HEAD], frames.y[HEAD], 0).sum(axis=0) / np.maximum(points, 1)
    joints = body.joints
    bent = HALF_TURN_CDEG - angle_at_cdeg(*joints[:, SHOULDER], *joints[:, HIP], *joints[:, KNEE])
    known = _sides(given, SHOULDER) & _sides(given, HIP) & _sides(given, KNEE)
    return [
        (lean, trunk),
        (_permille(head_y - body.shoulders[1], torso), (points > 0) & _both(given, SHOULDER)),
        (np.where(known, bent, 0).max(axis=0), known.any(axis=0)),
    ]


def _head(frames: PersonFrames, body: Body, torso: Floats, given: Bools) -> list[_Column]:
    known = given[NOSE] & _both(given, SHOULDER)
    return [
        (_permille(frames.y[NOSE] - body.shoulders[1], torso), known),
        (_permille(np.abs(frames.x[NOSE] - body.shoulders[0]), torso), known),
    ]


def _arms(body: Body, torso: Floats, given: Bools) -> list[_Column]:
    joints = body.joints
    raised = angle_at_cdeg(*joints[:, ELBOW], *joints[:, SHOULDER], *joints[:, HIP])
    across = np.sqrt(squared(joints[:, WRIST] - joints[:, HIP, ::-1]))
    forearm = np.sqrt(squared(joints[:, WRIST] - joints[:, ELBOW]))
    elbows, wrists, hips = (_both(given, joint) for joint in (ELBOW, WRIST, HIP))
    return [
        (np.abs(raised[LEFT] - raised[RIGHT]), elbows & hips & _both(given, SHOULDER)),
        (_permille(np.abs(across[LEFT] - across[RIGHT]), torso), wrists & hips),
        (_permille(np.abs(forearm[LEFT] - forearm[RIGHT]), torso), wrists & elbows),
    ]


def _confidences(frames: PersonFrames) -> list[Floats]:
    pairs = frames.confidence[LEFT_SHOULDER:].reshape(6, 2, -1)
    return [pairs[joint].mean(axis=0) for joint in (SHOULDER, WRIST, HIP)]


def _sides(given: Bools, joint: int) -> Bools:
    """(2, rows) whether the left and the right one were given."""
    return given[LEFT_SHOULDER + 2 * joint : LEFT_SHOULDER + 2 * joint + 2]


def _both(given: Bools, joint: int) -> Bools:
    both: Bools = given[LEFT_SHOULDER + 2 * joint] & given[LEFT_SHOULDER + 2 * joint + 1]
    return both


def _permille(length: Floats, torso: Floats) -> Floats:
    permille: Floats = PERMILLE * length / torso
    return permille


def means_of(values: Floats, known: Bools, runs: Runs) -> Int16s:
    """(..., runs) means of what is known of (..., rows), rounded and within 32,000; UNKNOWN where nothing is."""
    whole = np.rint(np.clip(np.where(known, values, 0), -LIMIT, LIMIT)).astype(np.int64)
    counted = runs.sum(known)
    means = np.rint(runs.sum(whole) / np.maximum(counted, 1))
    return np.where(counted > 0, means, UNKNOWN).astype(np.int16)
