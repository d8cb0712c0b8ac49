"""Event time of each source: how far it has come, what is late, and who has fallen silent."""

from dataclasses import dataclass

import numpy as np

from features.keypoints import Bools, Int32s, Int64s
from features.segments import SEGMENT_MS

_CAMERA_STRIDE = 1 << 42  # more than any event time, so that sorted keys keep cameras apart
NEVER = -1


@dataclass(frozen=True, slots=True)
class Progress:
    """How the watermarks of the cameras moved over the rows of a block.

    Attributes:
        latest_ms: (rows,) latest event time of the row's camera up to and including the row.
        order: (rows,) the rows sorted by camera, in order of arrival within each.
        keys: (rows,) ascending: camera and latest event time in one number, along `order`.
    """

    latest_ms: Int64s
    order: Int64s
    keys: Int64s

    def reached_at(self, camera: Int32s, latest_ms: Int64s) -> Int64s:
        """The first row at which each camera's latest event time reaches the given one.

        A camera that does not get there in this block gives the number of rows.
        """
        at = np.searchsorted(self.keys, camera.astype(np.int64) * _CAMERA_STRIDE + latest_ms)
        inside = at < len(self.keys)
        same = np.zeros(len(at), np.bool_)
        same[inside] = self.keys[at[inside]] // _CAMERA_STRIDE == camera[inside]
        rows = np.full(len(at), len(self.keys), np.int64)
        rows[same] = self.order[at[same]]
        return rows


def progress(camera: Int32s, time_ms: Int64s, latest_ms: Int64s) -> Progress:
    """The progress of each row's camera, in order of arrival.

    Args:
        camera: (rows,) place of the camera.
        time_ms: (rows,) event time.
        latest_ms: (cameras,) latest event time before the block, `NEVER` where there was none.
    """
    order = np.argsort(camera, kind="stable")
    sorted_camera = camera[order].astype(np.int64)
    reached = np.maximum(time_ms[order], latest_ms[sorted_camera])
    keys = np.maximum.accumulate(sorted_camera * _CAMERA_STRIDE + reached)
    latest = np.empty_like(time_ms)
    latest[order] = keys - sorted_camera * _CAMERA_STRIDE
    return Progress(latest, order, keys)


def second_of(time_ms: Int64s) -> Int64s:
    """Start of the second that holds each time."""
    return time_ms - time_ms % SEGMENT_MS


def is_late(time_ms: Int64s, latest_ms: Int64s, allowance_ms: int) -> Bools:
    """Whether each row's second had been closed when it arrived."""
    return second_of(time_ms) + SEGMENT_MS <= latest_ms - allowance_ms


def first_silence(camera: Int32s, time_ms: Int64s, heard_ms: Int64s, now_ms: int, silence_ms: int) -> tuple[int, int]:
    """The first camera to fall silent in a block, by the time of all sources together.

    Args:
        camera: (rows,) place of the camera.
        time_ms: (rows,) event time.
        heard_ms: (cameras,) time of all sources when each camera was last heard; `NEVER` where it need not be.
        now_ms: time of all sources before the block.
        silence_ms: how long a camera may be silent.

    Returns:
        The row at whose arrival the silence is noticed, and the camera; (rows, -1) where all were heard in time.
    """
    now = np.maximum.accumulate(np.concatenate([[now_ms], time_ms]))
    if now[-1] - min(heard_ms[heard_ms != NEVER], default=now[1]) < silence_ms:
        return len(camera), -1
    first, silent = len(camera), -1
    for place in np.union1d(np.flatnonzero(heard_ms != NEVER), camera):
        rows = np.flatnonzero(camera == place)
        before = now[-1] if heard_ms[place] == NEVER else heard_ms[place]
        heard = np.append(before, now[rows + 1])
        noticed = np.searchsorted(now[1:], heard + silence_ms)
        missed = noticed < np.concatenate([rows, [len(camera)]])
        if missed.any() and noticed[missed][0] < first:
            first, silent = int(noticed[missed][0]), int(place)
    return first, silent
