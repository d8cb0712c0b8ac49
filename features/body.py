"""Measures of a body in one frame that posture and gait share."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.keypoints import LEFT_SHOULDER, NOSE, Bools, Int32s, PersonFrames

Floats = NDArray[np.float64]

SEEN_PERMILLE = 300  # a keypoint of less confidence counts as not seen
TORSO_MIN_PX4 = 16
TORSO_MIN_OF_BOX = 0.22
SHOULDER, ELBOW, WRIST, HIP, KNEE, ANKLE = range(6)
LEFT, RIGHT = range(2)


@dataclass(frozen=True, slots=True)
class Body:
    """Where a body's parts are. Floats hold integers and halves, exactly, unless they are lengths.

    Attributes:
        joints: (2, 6, 2, rows) quarter pixels: x and y; shoulder, elbow, wrist, hip, knee, ankle; left and right.
        seen: (6, 2, rows) whether a joint was seen.
        nose_x: (rows,) quarter pixels.
        nose_seen: (rows,).
        posed: (rows,) whether shoulders and hips were seen, without which no measure of the torso holds.
        shoulders: (2, rows) their middle, quarter pixels.
        hips: (2, rows) their middle, quarter pixels.
        torso: (rows,) shoulder middle to hip middle, quarter pixels; at least 4 px and .22 of the box's diagonal,
            so that who bends towards the camera does not shrink to nothing.
        arm_squared: (2, rows) from each shoulder to the wrist, squared.
        hip_squared: (2, rows) from each wrist to the hip nearer to it, squared.
    """

    joints: Floats
    seen: Bools
    nose_x: Floats
    nose_seen: Bools
    posed: Bools
    shoulders: Floats
    hips: Floats
    torso: Floats
    arm_squared: Floats
    hip_squared: Floats

    @classmethod
    def of(cls, frames: PersonFrames) -> Self:
        """Measures each row."""
        joints = np.empty((2, 6, 2, len(frames)))
        joints[0] = frames.x[LEFT_SHOULDER:].reshape(joints.shape[1:])
        joints[1] = frames.y[LEFT_SHOULDER:].reshape(joints.shape[1:])
        seen = (frames.confidence[LEFT_SHOULDER:] >= SEEN_PERMILLE).reshape(joints.shape[1:])
        shoulders, hips = (joints[:, pair, LEFT] + joints[:, pair, RIGHT] for pair in (SHOULDER, HIP))
        shoulders /= 2
        hips /= 2
        diagonal = np.sqrt(squared(frames.box[2:].astype(np.float64)))
        wrists, both_hips = joints[:, WRIST], joints[:, HIP]
        return cls(
            joints,
            seen,
            frames.x[NOSE].astype(np.float64),
            frames.confidence[NOSE] >= SEEN_PERMILLE,
            seen[SHOULDER, LEFT] & seen[SHOULDER, RIGHT] & seen[HIP, LEFT] & seen[HIP, RIGHT],
            shoulders,
            hips,
            np.maximum(np.sqrt(squared(shoulders - hips)), np.maximum(TORSO_MIN_OF_BOX * diagonal, TORSO_MIN_PX4)),
            squared(wrists - joints[:, SHOULDER]),
            np.minimum(squared(wrists - both_hips), squared(wrists - both_hips[:, ::-1])),
        )


def squared(vector: Floats) -> Floats:
    """(...) squared lengths of (2, ...)."""
    lengths: Floats = vector[0] * vector[0] + vector[1] * vector[1]
    return lengths


def feet(frames: PersonFrames) -> tuple[Int32s, Int32s]:
    """(rows,) x and y of the middle of the box's lower edge, quarter pixels."""
    left, top, width, height = frames.box.astype(np.int32)
    return left + width // 2, top + height
