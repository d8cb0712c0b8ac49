"""UCalgary gait: persons who walk towards a depth camera, normally or as if one leg were hurt, seen from the side."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.keypoints import (
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    PERMILLE,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    Bools,
    PersonFrames,
    quarter_pixels,
)
from streams.adapters.imported import files_of, reading
from streams.adapters.trajectories import Floats

FRAMES_PER_SECOND = 30
NEAR_M = 1.6  # nearer, feet are out of the picture
FAR_M = 4.5  # as far as the camera is made for (Kinect for Windows v2)
PX_PER_M = 200
JOINTS = 18
PELVIS = 8
JOINT_OF_KEYPOINT = {
    NOSE: 11, LEFT_SHOULDER: 12, RIGHT_SHOULDER: 13, LEFT_ELBOW: 16, RIGHT_ELBOW: 17, LEFT_WRIST: 14, RIGHT_WRIST: 15,
    LEFT_HIP: 3, RIGHT_HIP: 7, LEFT_KNEE: 2, RIGHT_KNEE: 6, LEFT_ANKLE: 1, RIGHT_ANKLE: 5,
}  # fmt: skip
KINDS = ("N", "AR", "AL")  # normal; as if the right, the left leg were hurt
SAME_SUBJECT = {10: 4}
SEQUENCES = 6
_NAME = re.compile(r"subject(\d+)_Seq_(\d+)_Gen_[FM]_GeometricPositions_(N|AR|AL)\.csv")


class Clip(NamedTuple):
    """One walk: who, how, and the person-frames of a camera at the side."""

    subject: int
    kind: str
    frames: PersonFrames


def read_clips(source: Path) -> list[Clip]:
    """All walks but repeated and empty ones; subject 10, whose walks are those of subject 4, counts as subject 4."""
    clips: list[Clip] = []
    seen: set[bytes] = set()
    for path in files_of(source / "csv", "*_GeometricPositions_*.csv", "the walks of the UCalgary gait data"):
        named = _NAME.fullmatch(path.name)
        positions = _read(path)
        if named is None or int(named[2]) > SEQUENCES or not len(positions) or positions.tobytes() in seen:
            continue
        seen.add(positions.tobytes())
        subject = int(named[1])
        clips.append(Clip(SAME_SUBJECT.get(subject, subject), named[3], from_the_side(positions)))
    return clips


def _read(path: Path) -> Floats:
    """(frames, 18, 3) metres: right, up, away."""
    with reading(path, "62 numbers a row beneath a heading"):
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()[1:]
        rows = [[float(cell) for cell in line.split(",")[: 3 * JOINTS]] for line in lines if line.strip()]
        return np.array(rows, np.float64).reshape(-1, JOINTS, 3)


def from_the_side(positions: Floats) -> PersonFrames:
    """What a camera at the side would show of the frames in which the whole body is tracked, walking to the right."""
    tracked: Bools = (positions[:, PELVIS, 2] > NEAR_M) & (positions[:, PELVIS, 2] < FAR_M)
    at = np.flatnonzero(tracked)
    frames = PersonFrames.empty(len(at))
    frames.time_ms[:], frames.track[:] = at * 1_000 // FRAMES_PER_SECOND, 0
    keypoints, joints = list(JOINT_OF_KEYPOINT), list(JOINT_OF_KEYPOINT.values())
    frames.x[keypoints] = quarter_pixels((5 - positions[at][:, joints, 2].T) * PX_PER_M)
    frames.y[keypoints] = quarter_pixels((2 - positions[at][:, joints, 1].T) * PX_PER_M)
    frames.confidence[keypoints] = PERMILLE
    low = np.stack([frames.x[keypoints].min(axis=0), frames.y[keypoints].min(axis=0)])
    frames.box[:2] = low
    frames.box[2:] = np.stack([frames.x[keypoints].max(axis=0), frames.y[keypoints].max(axis=0)]) - low
    return frames
