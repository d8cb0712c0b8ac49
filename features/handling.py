"""Handling: how arms and hands are held over a second, for a model of goods being put away. It describes.

Left and right are taken together, so that a mirror changes nothing.
"""

from typing import Protocol

import numpy as np

from features.angles import angle_at_cdeg, arctangent_cdeg
from features.bearing import UNKNOWN, means_of
from features.body import ELBOW, HIP, LEFT, RIGHT, SHOULDER, WRIST, Body, Floats, squared
from features.keypoints import PERMILLE, Int16s, Int32s, Ints
from features.runs import Runs
from features.segments import Segments

FRAMES_MIN = 3  # of a second that show both arms; fewer say too little

_SIDED = (
    "elbow_angle", "arm_angle", "wrist_below_shoulder", "wrist_below_hip", "wrist_to_hip", "wrist_to_other_hip",
    "forearm", "upper_arm",
)  # fmt: skip
_PAIRS = (("elbows_apart", ELBOW), ("wrists_apart", WRIST), ("shoulders_apart", SHOULDER), ("hips_apart", HIP))
HANDLING = (
    *_SIDED,
    *(f"{name}_differs" for name in _SIDED),
    *(name for name, _ in _PAIRS),
    "lean",
)
"""Means of both sides, how far they differ, widths and lean: hundredths of a degree or permille of the torso."""


class HandlingModel(Protocol):
    """Tells seconds apart in which somebody puts goods away."""

    def permille(self, values: Ints) -> Int32s:
        """(rows,) the probability, of values (rows, quantities) in the order of `HANDLING`."""


def handling(body: Body, runs: Runs) -> Int16s:
    """(quantities, runs) means over the frames of each run that show both arms; UNKNOWN where fewer than three do."""
    shown = body.posed & body.seen[[ELBOW, WRIST]].all(axis=(0, 1))
    values = _arms(body)
    means = means_of(values, np.broadcast_to(shown, values.shape), runs)
    means[:, runs.sum(shown) < FRAMES_MIN] = UNKNOWN
    return means


def fill_handling(segments: Segments, body: Body, runs: Runs, model: HandlingModel) -> None:
    """Fills in handling of each segment, but of those in which too little of the arms was seen.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        body: of frames sorted by camera, track and time.
        runs: the rows of each segment.
        model: of goods being put away.
    """
    values = handling(body, runs)
    known = np.flatnonzero(values[0] != UNKNOWN)
    segments["handling"][known] = model.permille(values[:, known].T)


def _arms(body: Body) -> Floats:
    """(quantities, rows)."""
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
        ]
    )
    widths = [np.sqrt(squared(joints[:, joint, LEFT] - joints[:, joint, RIGHT])) * scale for _, joint in _PAIRS]
    upright = body.shoulders - body.hips
    lean = np.abs(arctangent_cdeg(upright[0], -upright[1]))
    return np.stack([*sided.mean(axis=1), *np.abs(sided[:, LEFT] - sided[:, RIGHT]), *widths, lean])
