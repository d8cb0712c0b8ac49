"""Keypoints of a body: their names and order, and person-frames as columns of integers."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.events import PersonPose, PoseBatch

Ints = NDArray[np.integer]
Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

COCO17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
(
    NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST,
    RIGHT_WRIST, LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE,
) = range(17)  # fmt: skip
COCO17_OF_BLAZEPOSE33 = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where each COCO-17 keypoint stands among BlazePose's 33 (MediaPipe pose landmark model card)."""

QUARTERS = 4  # pixels are kept as quarter pixels
PERMILLE = 1_000
NO_TRACK = -1  # a frame without persons is one row with this track


@dataclass(frozen=True, slots=True)
class PersonFrames:
    """Person-frames of any cameras, a column each; a frame without persons is one row of track `NO_TRACK`.

    Attributes:
        time_ms: (rows,) int64.
        camera: (rows,) int32, the camera's place in the site.
        track: (rows,) int64 tracker ids.
        box: (4, rows) int16 quarter pixels: left, top, width, height.
        x: (17, rows) int16 quarter pixels to the right, COCO-17 order.
        y: (17, rows) int16 quarter pixels down.
        confidence: (17, rows) int16 permille; 0 where a keypoint was not seen, all 0 where only a box was tracked.
    """

    time_ms: Int64s
    camera: Int32s
    track: Int64s
    box: Int16s
    x: Int16s
    y: Int16s
    confidence: Int16s

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, rows: Ints | Bools | slice) -> Self:
        """The named rows, in the named order."""
        columns = (getattr(self, field.name) for field in fields(self))
        if isinstance(rows, slice):
            return type(self)(*(column[..., rows] for column in columns))
        at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return type(self)(*(np.take(column, at, axis=-1) for column in columns))  # four times as fast as an index

    @classmethod
    def empty(cls, rows: int = 0) -> Self:
        """Rows of zeros, to be filled."""
        return cls(
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int32),
            np.full(rows, NO_TRACK, np.int64),
            np.zeros((4, rows), np.int16),
            np.zeros((17, rows), np.int16),
            np.zeros((17, rows), np.int16),
            np.zeros((17, rows), np.int16),
        )

    @classmethod
    def concatenate(cls, parts: "list[PersonFrames]") -> Self:
        """The rows of all parts, one after another."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(cls)))


def frames_of_batch(batch: PoseBatch, camera: int) -> PersonFrames:
    """The rows of a pose batch, in its order; `camera` is the camera's place in the site."""
    counted = [max(1, len(frame.persons)) for frame in batch.frames]
    rows = PersonFrames.empty(sum(counted))
    rows.camera[:] = camera
    rows.time_ms[:] = np.repeat([frame.time_ms for frame in batch.frames], counted)
    seen = np.repeat([bool(frame.persons) for frame in batch.frames], counted)
    persons = [person for frame in batch.frames for person in frame.persons]
    if persons:
        rows.track[seen] = [person.track for person in persons]
        rows.box[:, seen] = quarter_pixels(np.array([person.box for person in persons])).T
        _fill_keypoints(rows, np.flatnonzero(seen), persons, batch.skeleton)
    return rows


def _fill_keypoints(rows: PersonFrames, at: Ints, persons: list[PersonPose], skeleton: str) -> None:
    posed = [index for index, person in enumerate(persons) if person.keypoints is not None]
    if not posed:
        return
    values = np.array([persons[index].keypoints for index in posed])
    if skeleton == "blazepose33":
        values = values[:, COCO17_OF_BLAZEPOSE33]
    where = at[posed]
    rows.x[:, where] = quarter_pixels(values[:, :, 0]).T
    rows.y[:, where] = quarter_pixels(values[:, :, 1]).T
    rows.confidence[:, where] = np.rint(values[:, :, 2] * PERMILLE).astype(np.int16).T


def quarter_pixels(pixels: NDArray[np.floating]) -> Int16s:
    """Pixels, at most 8,191 either way, as the nearest quarter pixels."""
    quarters: Int16s = np.rint(pixels * QUARTERS).astype(np.int16)
    return quarters
