"""Handling: how arms and hands are held over a second, for a model of goods being put away. It describes.

Left and right are taken together, so that a mirror changes nothing.
"""

from typing import Protocol

import numpy as np

from features.angles import angle_at_cdeg, arctangent_cdeg
from features.bearing import LIMIT, UNKNOWN, means_of
from features.body import ELBOW, HIP, LEFT, RIGHT, SHOULDER, WRIST, Body, Floats, squared
from features.keypoints import PERMILLE, Int16s, Int32s, Int64s, Ints
from features.runs import Runs
from features.segments import SEGMENT_MS, Segments

FRAMES_MIN = 3  # of a second that show both arms; fewer say too little
TENTHS = 10  # movement is from one tenth of a second to the next, so that it is the same at any frame rate

_SIDED = (
    "elbow_angle", "arm_angle", "wrist_below_shoulder", "wrist_below_hip", "wrist_to_hip", "wrist_to_other_hip",
    "forearm", "upper_arm", "elbow_below_shoulder",
)  # fmt: skip
_ASIDE = ("wrist_aside_of_shoulder", "wrist_aside_of_hip", "elbow_aside_of_shoulder")
_PAIRS = (("elbows_apart", ELBOW), ("wrists_apart", WRIST), ("shoulders_apart", SHOULDER), ("hips_apart", HIP))
_HELD = (
    *_SIDED,
    *_ASIDE,
    *(f"{name}_differs" for name in (*_SIDED, *_ASIDE)),
    *(name for name, _ in _PAIRS),
    "lean",
    "shoulder_tilt",
)
HANDLING = (*_HELD, *(f"{name}_moves" for name in _HELD))
"""Means of both sides, how far they differ, widths, lean and tilt: hundredths of a degree or permille of the torso.

Then how far each moves from one tenth of a second to the next, on average.
"""


class HandlingModel(Protocol):
    """Tells seconds apart in which somebody puts goods away."""

    def permille(self, values: Ints) -> Int32s:
        """(rows,) the probability, of values (rows, quantities) in the order of `HANDLING`."""


def handling(body: Body, time_ms: Int64s, runs: Runs) -> Int16s:
    """How arms are held and moved in each run of frames, such as a second of a track.

    Args:
        body: of frames sorted by camera, track and time.
        time_ms: (rows,) of the frames.
        runs: of rows that belong together.

    Returns:
        (quantities, runs) int16 in the order of `HANDLING`, from the frames that show both arms; UNKNOWN where fewer
        than three do.
    """
    shown = body.posed & body.seen[[ELBOW, WRIST]].all(axis=(0, 1))
    values = np.rint(_arms(body))
    means = means_of(values, np.broadcast_to(shown, values.shape), runs)
    means[:, runs.sum(shown) < FRAMES_MIN] = UNKNOWN
    moves = np.where(means[:1] == UNKNOWN, UNKNOWN, _moves(values, np.flatnonzero(shown), time_ms, runs))
    return np.concatenate([means, moves.astype(np.int16)])


def _moves(values: Floats, rows: Int64s, time_ms: Int64s, runs: Runs) -> Int64s:
    """(quantities, runs) mean distances between the first of the rows in each tenth of a second and in the next."""
    moves = np.zeros((len(values), len(runs.starts)), np.int64)
    place = runs.spread(np.arange(len(runs.starts)))[rows]
    first = np.flatnonzero(np.diff(place * TENTHS + time_ms[rows] % SEGMENT_MS * TENTHS // SEGMENT_MS, prepend=-1))
    if len(first):
        sampled, run = values[:, rows[first]], place[first]
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        apart = np.abs(np.diff(sampled, axis=1, prepend=sampled[:, :1])).astype(np.int64)
        apart[:, starts] = 0
        found = Runs(starts, len(run))
        steps = np.maximum(found.counts - 1, 1)
        moves[:, run[starts]] = np.minimum((found.sum(apart) + steps // 2) // steps, LIMIT)
    return moves


def fill_handling(segments: Segments, body: Body, time_ms: Int64s, runs: Runs, model: HandlingModel) -> None:
    """Fills in handling of each segment, but of those in which too little of the arms was seen.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        body: of frames sorted by camera, track and time.
        time_ms: (rows,) of the frames.
        runs: the rows of each segment.
        model: of goods being put away.
    """
    values = handling(body, time_ms, runs)
    known = np.flatnonzero(values[0] != UNKNOWN)
    segments["handling"][known] = model.permille(values[:, known].T)


def _arms(body: Body) -> Floats:
    """(quantities, rows) in the order of `_HELD`."""
    joints, scale = body.joints, PERMILLE / body.torso
    shoulders, elbows, wrists, hips = (joints[:, joint] for joint in (SHOULDER, ELBOW, WRIST, HIP))
    sided = np.stack(
        [
            angle_at_cdeg(*shoulders, *elbows, *wrists),
            angle_at_cdeg(*elbows, *shoulders, *hips),
            (wrists[1] - shoulders[1]) * scale,
            (wrists[1] - hips[1]) * scale,
            np.sqrt(squared(wrists - hips)) * scale,
            np.sqrt(squared(wrists - hips[:, ::-1])) * scale,
            np.sqrt(squared(wrists - elbows)) * scale,
            np.sqrt(squared(elbows - shoulders)) * scale,
            (elbows[1] - shoulders[1]) * scale,
            (wrists[0] - shoulders[0]) * scale,
            (wrists[0] - hips[0]) * scale,
            (elbows[0] - shoulders[0]) * scale,
        ]
    )
    both = (sided[:, LEFT] + sided[:, RIGHT]) / 2
    both[len(_SIDED) :] = np.abs(both[len(_SIDED) :])
    widths = [np.sqrt(squared(joints[:, joint, LEFT] - joints[:, joint, RIGHT])) * scale for _, joint in _PAIRS]
    return np.stack([*both, *np.abs(sided[:, LEFT] - sided[:, RIGHT]), *widths, *_slants(body)])


def _slants(body: Body) -> list[Int32s]:
    """Angles of the trunk from upright and of the shoulders from level."""
    upright = body.shoulders - body.hips
    across = body.joints[:, SHOULDER, LEFT] - body.joints[:, SHOULDER, RIGHT]
    return [np.abs(arctangent_cdeg(upright[0], -upright[1])), np.abs(arctangent_cdeg(across[1], np.abs(across[0])))]
