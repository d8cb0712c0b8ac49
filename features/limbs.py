"""Limbs: where arms, legs and head are in each frame, in measures of the body itself."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.angles import angle_at_cdeg, arctangent_cdeg
from features.body import ANKLE, ELBOW, HIP, KNEE, LEFT, RIGHT, SHOULDER, WRIST, Body, Floats, squared
from features.keypoints import LEFT_EAR, LEFT_SHOULDER, NOSE, PERMILLE, RIGHT_EAR, PersonFrames

SIDES = ("left", "right")
MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Where each keypoint of a mirrored picture stands in the original."""

_TRIPLES = (
    ("elbow", SHOULDER, ELBOW, WRIST),
    ("arm", ELBOW, SHOULDER, HIP),
    ("hip", SHOULDER, HIP, KNEE),
    ("knee", HIP, KNEE, ANKLE),
)
_OFFSETS = (
    ("wrist_from_shoulder", WRIST, SHOULDER),
    ("wrist_from_hip", WRIST, HIP),
    ("elbow_from_shoulder", ELBOW, SHOULDER),
    ("knee_from_hip", KNEE, HIP),
    ("ankle_from_hip", ANKLE, HIP),
)
_LENGTHS = (("wrist_to_hip", WRIST, HIP), ("forearm", WRIST, ELBOW), ("upper_arm", ELBOW, SHOULDER))
_WIDTHS = (("shoulders", SHOULDER), ("elbows", ELBOW), ("wrists", WRIST), ("hips", HIP), ("knees", KNEE))


@dataclass(slots=True)
class _Columns:
    values: dict[str, NDArray[np.floating] | NDArray[np.integer]] = field(default_factory=dict)

    def both(self, name: str, sides: NDArray[np.floating] | NDArray[np.integer]) -> None:
        """A quantity of each side, and how far the sides differ."""
        self.values |= {f"{side}_{name}": sides[at] for at, side in enumerate(SIDES)}
        self.values[f"{name}_differs"] = np.abs(sides[LEFT] - sides[RIGHT])


def limbs(frames: PersonFrames) -> dict[str, Floats]:
    """Angles in hundredths of a degree and lengths in permille of the torso, each (rows,), by name.

    For frames in which all keypoints but eyes were given; what one that was not leads to means nothing.
    """
    body, columns = Body.of(frames), _Columns()
    _angles(body, columns)
    _lengths(body, columns)
    _head(frames, body, columns)
    return {name: np.asarray(values, np.float64) for name, values in columns.values.items()}


def mirrored(frames: PersonFrames) -> PersonFrames:
    """What a mirror would have shown: left and right change places."""
    box = frames.box.copy()
    box[0] = -box[0] - box[2]
    x, y, confidence = -frames.x[MIRRORED, :], frames.y[MIRRORED, :], frames.confidence[MIRRORED, :]
    return replace(frames, box=box, x=x, y=y, confidence=confidence)


def _angles(body: Body, columns: _Columns) -> None:
    joints = body.joints
    for name, one, vertex, other in _TRIPLES:
        columns.both(f"{name}_angle", angle_at_cdeg(*joints[:, one], *joints[:, vertex], *joints[:, other]))
    upright = body.shoulders - body.hips
    columns.values["lean"] = arctangent_cdeg(upright[0], -upright[1])
    across = joints[:, SHOULDER, LEFT] - joints[:, SHOULDER, RIGHT]
    columns.values["shoulder_tilt"] = arctangent_cdeg(across[1], np.abs(across[0]))


def _lengths(body: Body, columns: _Columns) -> None:
    joints, scale = body.joints, PERMILLE / body.torso
    for name, end, start in _OFFSETS:
        for axis, direction in enumerate(("across", "down")):
            columns.both(f"{name}_{direction}", (joints[axis, end] - joints[axis, start]) * scale)
    for name, end, start in _LENGTHS:
        columns.both(name, np.sqrt(squared(joints[:, end] - joints[:, start])) * scale)
    columns.both("wrist_to_other_hip", np.sqrt(squared(joints[:, WRIST] - joints[:, HIP, ::-1])) * scale)
    for name, joint in _WIDTHS:
        columns.values[f"{name}_apart"] = np.sqrt(squared(joints[:, joint, LEFT] - joints[:, joint, RIGHT])) * scale
    apart = joints[:, ANKLE, LEFT] - joints[:, ANKLE, RIGHT]
    columns.values |= {"ankles_across": np.abs(apart[0]) * scale, "ankles_down": np.abs(apart[1]) * scale}


def _head(frames: PersonFrames, body: Body, columns: _Columns) -> None:
    scale = PERMILLE / body.torso
    nose = np.stack([frames.x[NOSE], frames.y[NOSE]]).astype(np.float64)
    head_y = frames.y[NOSE:LEFT_SHOULDER].mean(axis=0)
    columns.values["nose_across"] = (nose[0] - body.shoulders[0]) * scale
    columns.values["nose_aside"] = np.abs(nose[0] - body.shoulders[0]) * scale
    columns.values["nose_down"] = (nose[1] - body.shoulders[1]) * scale
    columns.values["head_down"] = (head_y - body.shoulders[1]) * scale
    columns.values["ears_apart"] = np.abs(frames.x[LEFT_EAR].astype(np.float64) - frames.x[RIGHT_EAR]) * scale
    columns.both("wrist_to_nose", np.sqrt(squared(body.joints[:, WRIST] - nose[:, None])) * scale)
