"""Stitching: a person whose tracker id changed goes on as the same track, if nobody else can be meant.

Trackers lose people behind shelves and each other and find them again under another id. Who appears where exactly one
track of the camera was going when it was lost a moment before, about as tall, is taken to be the same person; where
two could be meant, at exits, or while the old id is still there, nothing is joined, and nothing at all on a camera
without exit zones, where leaving cannot be told from losing: one person's evidence must not become another's.
"""

import heapq
from dataclasses import replace

import numpy as np

from features.keypoints import Bools, Int32s, Int64s
from features.motion import distance
from features.segments import NO_SAMPLE, SEGMENT_MS, Segments
from features.tracks import Following, Tracks
from features.watermark import second_of
from features.zones import Uint32s

REACH_MM = 400  # where someone was going and where someone appears may differ by this and by
REACH_MM_PER_S = 400  # this with the time between
HEIGHT_PERMILLE = 250  # heights in the picture may differ by this of the larger
_PAIRED = 256  # pieces compared with all others at once
_KEY_STRIDE = 1 << 43  # more than any event time


def stitch(followed: Following, rows: Segments, exits: Uint32s, within_ms: int) -> Following:
    """Join pieces that begin to the tracks they go on with.

    What is joined rests only on seconds up to the one in which a piece begins, so any split of the input gives the
    same.

    Args:
        followed: pieces as the tracker gave them.
        rows: (seconds,) the new segments.
        exits: (cameras,) bits of the exit zones; who is lost there has left.
        within_ms: a person may be lost for this long; 0 joins nothing.
    """
    begun = np.flatnonzero(followed.begun)
    if not within_ms or not len(begun):
        return followed
    joining = _Joining(followed, rows, exits, within_ms)
    marked = begun[exits[followed.tracks.camera[begun]] != 0]
    for some in np.split(marked, range(_PAIRED, len(marked), _PAIRED)):
        for piece in joining.hopeful(some):
            joining.await_turn(piece)
    joining.join_all()
    return joining.followed()


class _Joining:
    """Pieces while they are being joined, in order of their beginnings."""

    def __init__(self, followed: Following, rows: Segments, exits: Uint32s, within_ms: int) -> None:
        self._was, self._rows, self._exits, self._within_ms = followed, rows, exits, within_ms
        self._pieces, self._place = followed.tracks, followed.place.copy()
        self._retired = np.zeros(len(followed.tracks), np.bool_)
        self._turns: list[tuple[int, int, int, int]] = []
        self._sort()

    def _sort(self) -> None:
        self._order = np.lexsort((self._rows["second_ms"], self._place))
        self._keys = self._place[self._order] * _KEY_STRIDE + self._rows["second_ms"][self._order]

    def hopeful(self, begun: Int64s) -> list[int]:
        """Those for whom anybody at all was lost in time: a look at all pairs at once, as hardly any piece is one."""
        pieces, start_ms = self._pieces, self._pieces.start_ms[begun]
        first = self._order[np.searchsorted(self._keys, begun * _KEY_STRIDE)]
        seen_ms = start_ms + self._rows["first_ms"][first]
        pairs = pieces.camera[begun][:, None] == pieces.camera
        pairs &= pieces.start_ms <= start_ms[:, None]
        pairs &= pieces.end_ms >= (seen_ms - self._within_ms)[:, None]
        of, other = np.nonzero(pairs)
        lost_ms = seen_ms[of] - self._last_seen(other, start_ms[of])["seen_ms"]
        lost = (lost_ms > 0) & (lost_ms <= self._within_ms) & (begun[of] != other)
        found: list[int] = begun[np.unique(of[lost])].tolist()
        return found

    def await_turn(self, piece: int) -> None:
        tracks, first = self._pieces, self._rows[self._order[np.searchsorted(self._keys, piece * _KEY_STRIDE)]]
        begun_ms = int(tracks.start_ms[piece]) + int(first["first_ms"])
        turn = begun_ms, int(tracks.camera[piece]), int(tracks.tracker[piece]), piece
        heapq.heappush(self._turns, turn)

    def join_all(self) -> None:
        while self._turns:
            begun_ms, *_, piece = heapq.heappop(self._turns)
            second_ms = begun_ms - begun_ms % SEGMENT_MS
            before = self._predecessor(piece, second_ms)
            if before is not None:
                self._join(before, piece, second_ms)

    def followed(self) -> Following:
        return replace(self._was, tracks=self._pieces, place=self._place, retired=self._retired)

    def _predecessor(self, piece: int, second_ms: int) -> int | None:
        """The one lost track that can be meant by a piece that begins."""
        exits = self._exits[self._pieces.camera[piece]]
        first = self._rows[self._order[np.searchsorted(self._keys, piece * _KEY_STRIDE)]]
        here = (
            (self._pieces.camera == self._pieces.camera[piece]) & (self._pieces.start_ms <= second_ms) & ~self._retired
        )
        here[piece] = False
        others = np.flatnonzero(here)
        last = self._last_seen(others, second_ms)
        lost_ms = second_ms + int(first["first_ms"]) - last["seen_ms"]
        lost = (lost_ms > 0) & (lost_ms <= self._within_ms) & (last["zones"] & exits == 0)
        near = others[lost & _may_be_same(last, first)]
        return int(near[0]) if len(near) == 1 else None

    def _last_seen(self, pieces: Int64s, second_ms: int | Int64s) -> Segments:
        """(pieces,) where each was last seen, as far as is known when a second, or one for each, is closed."""
        last = self._was.last_known(pieces)
        at = np.searchsorted(self._keys, pieces * _KEY_STRIDE + second_ms, "right") - 1
        rows = self._order[at]
        inside = (at >= 0) & (self._place[rows] == pieces)
        now, before = Tracks.last_of(self._rows[rows[inside]]), last[inside]
        earlier = np.maximum(at[inside] - 1, 0)
        same = self._place[self._order[earlier]] == pieces[inside]
        same &= at[inside] > 0
        before[same] = Tracks.last_of(self._rows[self._order[earlier[same]]])
        Tracks.tell_speed(now, before)
        last[inside] = now
        return last

    def _join(self, before: int, piece: int, second_ms: int) -> None:
        self._retired[before] = True
        self._pieces.first_tracker[piece] = self._pieces.first_tracker[before]
        self._pieces.first_ms[piece] = self._pieces.first_ms[before]
        later = (self._place == before) & (self._rows["second_ms"] > second_ms)
        if later.any():
            self._split(before, later)

    def _split(self, before: int, later: Bools) -> None:
        """The old id came back, so it is somebody else now."""
        new, start_ms = len(self._pieces), int(self._rows["second_ms"][later].min())
        whole = self._pieces.take(np.array([before]))
        again = replace(
            whole, start_ms=np.array([start_ms]), first_tracker=whole.tracker, first_ms=np.array([start_ms])
        )
        self._pieces = self._pieces.and_(again)
        self._retired = np.append(self._retired, False)
        self._place[later] = new
        self._sort()
        self._pieces.last[[before, new]] = self._last_seen(np.array([before, new]), _KEY_STRIDE - 1)
        self._pieces.end_ms[before] = second_of(self._pieces.last["seen_ms"][before]) + SEGMENT_MS
        self.await_turn(new)


def _may_be_same(last: Segments, first: Segments) -> Bools:
    """Whether each who was lost may be the one who appears: about where they were going, and about as tall."""
    passed_ms = int(first["second_ms"]) + int(first["mean_ms"]) - last["at_ms"]
    scale = (last["um_per_unit"].astype(np.int64) + int(first["um_per_unit"])) // 2
    dx, dy = (
        last[axis] + last[f"{axis}_per_s"].astype(np.int64) * passed_ms // SEGMENT_MS - int(first[axis])
        for axis in ("x", "y")
    )
    near = distance(dx, dy) * scale <= 1_000 * REACH_MM + REACH_MM_PER_S * passed_ms
    taller = np.maximum(last["height_px4"], first["height_px4"]).astype(np.int64)
    other = np.abs(last["height_px4"].astype(np.int64) - int(first["height_px4"]))
    same: Bools = near & (other * 1_000 <= HEIGHT_PERMILLE * taller)
    return same


def merge_seconds(track: Int32s, rows: Segments) -> tuple[Int64s, Segments]:
    """Make one segment of two of the same track and second, in which the tracker's id changed.

    Args:
        track: (seconds,) the track of each.
        rows: (seconds,) of `SEGMENT`.

    Returns:
        (seconds kept,) places, and the segments there.
    """
    order = np.lexsort((rows["first_ms"], rows["second_ms"], track))
    again = (np.diff(track[order]) == 0) & (np.diff(rows["second_ms"][order]) == 0)
    if not again.any():
        return np.arange(len(rows)), rows
    rows, keep = rows.copy(), np.ones(len(rows), np.bool_)
    for at in np.flatnonzero(again).tolist():
        early, late = order[at], order[at + 1]
        rows[late] = _merged(rows[early], rows[late])
        keep[early] = False
    return np.flatnonzero(keep), rows[keep]


def _merged(early: np.void, late: np.void) -> np.void:
    """The part of more frames stands for the second; frames are added up and gait samples completed."""
    part, rest = (early, late) if early["frames"] > late["frames"] else (late, early)
    merged, frames = part.copy(), int(early["frames"]) + int(late["frames"])
    weighted = int(early["mean_ms"]) * int(early["frames"]) + int(late["mean_ms"]) * int(late["frames"])
    merged["frames"], merged["mean_ms"] = frames, weighted // frames
    merged["posed"] = int(early["posed"]) + int(late["posed"])
    merged["first_ms"], merged["last_ms"] = early["first_ms"], late["last_ms"]
    for name in ("ankles_across", "ankles_down"):
        merged[name] = np.where(part[name] == NO_SAMPLE, rest[name], part[name])
    return merged


def track_of(pieces: Tracks) -> Int32s:
    """(pieces,) a number for the track each piece belongs to, the same for all pieces of a track."""
    identity = np.stack([pieces.camera.astype(np.int64), pieces.first_tracker, pieces.first_ms])
    return np.unique(identity, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int32)
