"""Measures of a body in one frame that posture and gait share."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.keypoints import LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, Bools, Int32s, PersonFrames

Floats = NDArray[np.float64]

SEEN_PERMILLE = 300  # a keypoint of less confidence counts as not seen
TORSO_MIN_PX4 = 16
TORSO_MIN_OF_BOX = 0.22


@dataclass(frozen=True, slots=True)
class Body:
    """Where a body's parts are. Floats hold integers and halves, exactly.

    Attributes:
        at: (2, 17, rows) quarter pixels, x and y.
        seen: (17, rows) whether a keypoint was seen.
        posed: (rows,) whether shoulders and hips were seen, without which no measure of the torso holds.
        shoulders: (2, rows) their middle, quarter pixels.
        hips: (2, rows) their middle, quarter pixels.
        torso: (rows,) shoulder middle to hip middle, quarter pixels; at least 4 px and .22 of the box's diagonal,
            so that who bends towards the camera does not shrink to nothing.
    """

    at: Floats
    seen: Bools
    posed: Bools
    shoulders: Floats
    hips: Floats
    torso: Floats

    @classmethod
    def of(cls, frames: PersonFrames) -> Self:
        """Measures each row."""
        at = np.stack((frames.x, frames.y)).astype(np.float64)
        seen = frames.confidence >= SEEN_PERMILLE
        posed = seen[LEFT_SHOULDER] & seen[RIGHT_SHOULDER] & seen[LEFT_HIP] & seen[RIGHT_HIP]
        shoulders = (at[:, LEFT_SHOULDER] + at[:, RIGHT_SHOULDER]) / 2
        hips = (at[:, LEFT_HIP] + at[:, RIGHT_HIP]) / 2
        diagonal = np.sqrt(squared(frames.box[2:].astype(np.float64)))
        torso = np.maximum(np.sqrt(squared(shoulders - hips)), np.maximum(TORSO_MIN_OF_BOX * diagonal, TORSO_MIN_PX4))
        return cls(at, seen, posed, shoulders, hips, torso)


def squared(vector: Floats) -> Floats:
    """(...) squared lengths of (2, ...)."""
    lengths: Floats = vector[0] * vector[0] + vector[1] * vector[1]
    return lengths


def feet(frames: PersonFrames) -> tuple[Int32s, Int32s]:
    """(rows,) x and y of the middle of the box's lower edge, quarter pixels."""
    left, top, width, height = frames.box.astype(np.int32)
    return left + width // 2, top + height
