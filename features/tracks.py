"""Following tracker ids: which seconds belong to one track, when it began and when it fell silent."""

from dataclasses import dataclass, fields
from sys import intern
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.events import TIME_MS_END
from features.keypoints import Bools, Int32s, Int64s
from features.segments import SEGMENT_MS, Segments

LAST = np.dtype(
    [
        ("seen_ms", "<i8"),  # its last frame
        ("at_ms", "<i8"),  # mean time and place of its last second, as in SEGMENT
        ("x", "<i4"),
        ("y", "<i4"),
        ("um_per_unit", "<i4"),
        ("height_px4", "<i2"),
        ("x_per_s", "<i4"),  # how the place changed since the second before; 0 where that is not known
        ("y_per_s", "<i4"),
        ("zones", "<u4"),
    ]
)
SPEED_MAX = 1_000_000
PACE_GAP_MS = 2_500  # between two places from which a speed is told


@dataclass(frozen=True, slots=True)
class Tracks:
    """Pieces of tracks, a column each: what one tracker id gave without a silence. Most tracks are of one piece.

    Attributes:
        camera: (pieces,) place of the camera.
        tracker: (pieces,) id the tracker gave.
        start_ms: (pieces,) start of the first second.
        end_ms: (pieces,) end of the last second so far.
        first_tracker: (pieces,) id the tracker gave when the track began.
        first_ms: (pieces,) start of the track's first second.
        last: (pieces,) of `LAST`, where it was seen last.
    """

    camera: Int32s
    tracker: Int64s
    start_ms: Int64s
    end_ms: Int64s
    first_tracker: Int64s
    first_ms: Int64s
    last: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.camera)

    @classmethod
    def none(cls) -> Self:
        """No tracks."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing.astype(np.int32), nothing, nothing, nothing, nothing, nothing, np.zeros(0, LAST))

    @staticmethod
    def last_of(rows: Segments) -> NDArray[np.void]:
        """(seconds,) of `LAST`, where each segment saw its track."""
        last = np.zeros(len(rows), LAST)
        last["seen_ms"] = rows["second_ms"] + rows["last_ms"]
        last["at_ms"] = rows["second_ms"] + rows["mean_ms"]
        for name in ("x", "y", "um_per_unit", "height_px4", "zones"):
            last[name] = rows[name]
        return last

    @staticmethod
    def tell_speed(last: NDArray[np.void], before: NDArray[np.void]) -> None:
        """Fill in how places changed since the ones before, where these are near enough in time."""
        passed_ms = last["at_ms"] - before["at_ms"]
        known = (passed_ms > 0) & (passed_ms <= PACE_GAP_MS) & (before["um_per_unit"] > 0)
        for axis in ("x", "y"):
            step = (last[axis].astype(np.int64) - before[axis]) * SEGMENT_MS // np.where(known, passed_ms, 1)
            last[f"{axis}_per_s"] = np.where(known, np.clip(step, -SPEED_MAX, SPEED_MAX), 0)

    def take(self, which: Bools | Int64s) -> Self:
        """The named tracks."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def and_(self, others: "Tracks") -> Self:
        """These tracks and then the others."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def names(self, cameras: list[str]) -> list[str]:
        """`camera/tracker/first second` of each track as it began, the second since the epoch."""
        columns = (self.camera.tolist(), self.first_tracker.tolist(), (self.first_ms // SEGMENT_MS).tolist())
        named = zip(*columns, strict=True)
        return [intern(f"{cameras[camera]}/{tracker}/{start}") for camera, tracker, start in named]  # held many times

    def meant_at(self, camera: int, tracker: int, time_ms: int) -> int | None:
        """Place of the piece that a tracker id meant at a time: the last that had begun."""
        begun = np.flatnonzero((self.camera == camera) & (self.tracker == tracker) & (self.start_ms <= time_ms))
        return int(begun[self.start_ms[begun].argmax()]) if len(begun) else None


@dataclass(frozen=True, slots=True)
class Following:
    """Known pieces continued and new ones begun.

    Attributes:
        tracks: all pieces.
        place: (seconds,) the piece of each new second.
        begun: (pieces,) whether it begins with a new second.
        retired: (pieces,) whether its track goes on under another tracker id.
        known_last: (pieces,) of `LAST` before the new seconds; never seen where the piece begins.
    """

    tracks: Tracks
    place: Int64s
    begun: Bools
    retired: Bools
    known_last: NDArray[np.void]

    def last_known(self, pieces: Int64s) -> NDArray[np.void]:
        """(n,) where pieces were last seen before the new seconds; pieces added since were never."""
        last = np.zeros(len(pieces), LAST)
        old = pieces < len(self.known_last)
        last[old] = self.known_last[pieces[old]]
        return last


def follow(known: Tracks, camera: Int32s, tracker: Int64s, rows: Segments, silence_ms: int) -> Following:
    """Continue the known pieces with new seconds, or begin pieces where a silence was too long.

    Args:
        known: pieces still open.
        camera: (seconds,) place of the camera.
        tracker: (seconds,) id the tracker gave.
        rows: (seconds,) segments; each (camera, tracker, second) once and none before a known end.
        silence_ms: a silence this long ends a track.

    Returns:
        The pieces, sorted by camera, tracker and start.
    """
    cameras = np.concatenate([known.camera, camera])
    trackers = np.concatenate([known.tracker, tracker])
    seconds = np.concatenate([known.end_ms - SEGMENT_MS, rows["second_ms"]])
    order = np.lexsort((seconds, trackers, cameras))
    cameras, trackers, seconds = cameras[order], trackers[order], seconds[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (cameras[1:] != cameras[:-1]) | (trackers[1:] != trackers[:-1])
    begins[1:] |= np.diff(seconds) - SEGMENT_MS >= silence_ms
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(order))[: len(firsts)] - 1
    places = np.empty(len(order), np.int64)
    places[order] = np.cumsum(begins) - 1
    heads = order[firsts]
    begun = heads >= len(known)
    new = np.concatenate([known.first_tracker, tracker]), np.concatenate([known.first_ms, rows["second_ms"]])
    starts = np.concatenate([known.start_ms, rows["second_ms"]])[heads]
    seen = np.concatenate([known.last, Tracks.last_of(rows)])
    last, inner = seen[order[lasts]], lasts > firsts
    moved = last[inner]
    Tracks.tell_speed(moved, seen[order[lasts[inner] - 1]])
    last[inner] = moved
    ends = seconds[lasts] + SEGMENT_MS
    tracks = Tracks(cameras[firsts], trackers[firsts], starts, ends, new[0][heads], new[1][heads], last)
    known_last = np.zeros(len(firsts), LAST)
    known_last[~begun] = known.last[heads[~begun]]
    return Following(tracks, places[len(known) :], begun, np.zeros(len(firsts), np.bool_), known_last)


def silent_at_ms(tracks: Tracks, silence_ms: int) -> Int64s:
    """(tracks,) the watermark at which each has been silent for too long: every second that could go on is closed."""
    return tracks.end_ms + -(-silence_ms // SEGMENT_MS) * SEGMENT_MS


def fallen_silent(tracks: Tracks, watermark_ms: Int64s, silence_ms: int) -> Bools:
    """(tracks,) whether each has been silent for too long by its camera's watermark, (cameras,)."""
    return silent_at_ms(tracks, silence_ms) <= watermark_ms[tracks.camera]


ENDLESS_MS = 2 * TIME_MS_END  # a watermark past every event time: nothing more is awaited
