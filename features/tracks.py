"""Following tracker ids: which seconds belong to one track, when it began and when it fell silent."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from features.events import TIME_MS_END
from features.keypoints import Bools, Int32s, Int64s
from features.segments import SEGMENT_MS


@dataclass(frozen=True, slots=True)
class Tracks:
    """Tracks, a column each; a tracker id that comes back after a silence is another track.

    Attributes:
        camera: (tracks,) place of the camera.
        tracker: (tracks,) id the tracker gave.
        start_ms: (tracks,) start of the first second.
        end_ms: (tracks,) end of the last second so far.
    """

    camera: Int32s
    tracker: Int64s
    start_ms: Int64s
    end_ms: Int64s

    def __len__(self) -> int:
        return len(self.camera)

    @classmethod
    def none(cls) -> Self:
        """No tracks."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))

    def take(self, which: Bools | Int64s) -> Self:
        """The named tracks."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def and_(self, others: "Tracks") -> Self:
        """These tracks and then the others."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def names(self, cameras: list[str]) -> list[str]:
        """`camera/tracker/first second` of each track, the second since the epoch."""
        columns = (self.camera.tolist(), self.tracker.tolist(), (self.start_ms // SEGMENT_MS).tolist())
        return [f"{cameras[camera]}/{tracker}/{start}" for camera, tracker, start in zip(*columns, strict=True)]

    def alive_at(self, camera: int, tracker: int, time_ms: int) -> int | None:
        """Place of the track that a tracker id meant at a time: the last that had begun, or the first there was."""
        same = np.flatnonzero((self.camera == camera) & (self.tracker == tracker))
        if not len(same):
            return None
        same = same[np.argsort(self.start_ms[same])]
        begun = same[self.start_ms[same] <= time_ms]
        return int(begun[-1] if len(begun) else same[0])


def follow(known: Tracks, camera: Int32s, tracker: Int64s, second_ms: Int64s, silence_ms: int) -> tuple[Tracks, Int64s]:
    """Continue the known tracks with new seconds, or begin tracks where a silence was too long.

    Args:
        known: tracks still open.
        camera: (seconds,) place of the camera.
        tracker: (seconds,) id the tracker gave.
        second_ms: (seconds,) start of the second; each (camera, tracker, second) once and none before a known end.
        silence_ms: a silence this long ends a track.

    Returns:
        All tracks, sorted by camera, tracker and start; and (seconds,) the place of each second's track among them.
    """
    cameras = np.concatenate([known.camera, camera])
    trackers = np.concatenate([known.tracker, tracker])
    seconds = np.concatenate([known.end_ms - SEGMENT_MS, second_ms])
    order = np.lexsort((seconds, trackers, cameras))
    cameras, trackers, sorted_seconds = cameras[order], trackers[order], seconds[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (cameras[1:] != cameras[:-1]) | (trackers[1:] != trackers[:-1])
    begins[1:] |= np.diff(sorted_seconds) - SEGMENT_MS >= silence_ms
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(order))[: len(firsts)] - 1
    starts = np.concatenate([known.start_ms, second_ms])[order[firsts]]
    places = np.empty(len(order), np.int64)
    places[order] = np.cumsum(begins) - 1
    tracks = Tracks(cameras[firsts], trackers[firsts], starts, sorted_seconds[lasts] + SEGMENT_MS)
    return tracks, places[len(known) :]


def fallen_silent(tracks: Tracks, watermark_ms: Int64s, silence_ms: int) -> Bools:
    """(tracks,) whether each has been silent for too long by its camera's watermark, (cameras,)."""
    return tracks.end_ms + silence_ms <= watermark_ms[tracks.camera]


ENDLESS_MS = 2 * TIME_MS_END  # a watermark past every event time: nothing more is awaited
