"""CAVIAR: persons in the lobby of INRIA, 25 frames a second, with what they were doing."""

from pathlib import Path

import numpy as np
from msgspec import Struct

from features.keypoints import Bools, Int64s
from streams.adapters.imported import Imported, reading
from streams.adapters.trajectories import Floats, note, one_camera, tracked_points, write_tracks

FRAME_MS = 40
MOVEMENTS = ("walking", "inactive", "active", "running", "abrupt")
VIDEO_STARTS_MS = {
    "Walk1": 680, "Walk2": 24440, "Walk3": 66640, "Browse1": 107320, "Browse2": 149040, "Browse3": 181400,
    "Browse4": 215320, "Browse_WhileWaiting1": 248680, "Browse_WhileWaiting2": 280000, "Rest_InChair": 323000,
    "Rest_SlumpOnFloor": 362440, "Rest_WiggleOnFloor": 398880, "Rest_FallOnFloor": 446160, "LeftBag": 486440,
    "LeftBag_AtChair": 536400, "LeftBag_BehindChair": 581000, "LeftBox": 622680, "LeftBag_PickedUp": 657200,
    "Meet_WalkTogether2": 718200, "Meet_WalkSplit": 751240, "Meet_Split3rdGuy": 776160, "Meet_Crowd": 811080,
    "Fight_OneManDown2": 919120,
}  # fmt: skip


class Span(Struct):
    """What a track was doing during `[start_ms, end_ms)`; `video` is the last that is known to have begun by then."""

    track: int
    id: str
    video: str
    movement: str
    start_ms: int
    end_ms: int


class _Movements(Struct):
    time_ms: Int64s
    id: Int64s
    movement: Int64s  # place in MOVEMENTS
    x: Floats
    y: Floats


def import_lobby(source: Path, target: Path) -> Imported:
    """All videos on the time line of the source; each appearance of a person is a track of its own."""
    rows = _read_movements(source / "movementB.csv")
    appearances = _read_appearances(source / "appearance.csv")
    track = np.cumsum(_begins(rows, appearances)) - 1
    height = body_px(rows.y)
    notes: list[str] = []
    note(notes, _unmarked(rows, track), "tracks resume after a pause without an appearance: kept as one")
    frames = tracked_points(rows.time_ms, track, rows.x, rows.y + height / 2, height, notes)
    return write_tracks(target, one_camera("caviar"), frames, notes, {"spans": _spans(rows, track)})


def body_px(row: Floats) -> Floats:
    """Height of a body whose middle is at a row of the picture.

    The positions are the middles of boxes: at rows 0 to 20 there are some who would be out of the picture if it were
    their feet. Source: with bodies of 1.7 m, those who walk come out at a median of 0.9 to 1.7 m/s in each sixth of the
    picture, 1.0 m/s overall.
    """
    return 16 + 0.16 * row


def _read_movements(path: Path) -> _Movements:
    with reading(path, "rows such as walking|680|680|true|id0 and coord|680|680|true|id0|262|285"):
        cells = [line.split("|") for line in path.read_text(encoding="ascii").splitlines()]
        named = {(row[1], row[4]): MOVEMENTS.index(row[0]) for row in cells if row[0] != "coord"}
        points = [row for row in cells if row[0] == "coord"]
        values = [(row[1], row[4][2:], named[row[1], row[4]], row[5], row[6]) for row in points]
        table = np.array(values, np.float64)
        rows = table[np.lexsort((table[:, 0], table[:, 1]))].T
    whole = rows.astype(np.int64)
    return _Movements(whole[0], whole[1], whole[2], rows[3], rows[4])


def _read_appearances(path: Path) -> set[tuple[int, int]]:
    with reading(path, "rows such as appear|680|680|id0"):
        cells = [line.split("|") for line in path.read_text(encoding="ascii").splitlines()]
        return {(int(row[1]), int(row[3][2:])) for row in cells if row[0] == "appear"}


def _begins(rows: _Movements, appearances: set[tuple[int, int]]) -> Bools:
    """(rows,) whether a track begins: another id, another video or an appearance.

    An appearance in the frame after another is the same one: at 919,160 ms the source tells two of them twice.
    """
    told = [at in appearances for at in zip(rows.time_ms.tolist(), rows.id.tolist(), strict=True)]
    begins = np.array(told) | np.isin(rows.time_ms, list(VIDEO_STARTS_MS.values())) | _another_id(rows)
    again = begins[1:] & begins[:-1] & (np.diff(rows.time_ms) == FRAME_MS)
    begins[1:] &= ~again
    return begins


def _another_id(rows: _Movements) -> Bools:
    changed: Bools = np.diff(rows.id, prepend=-1) != 0
    return changed


def _unmarked(rows: _Movements, track: Int64s) -> int:
    return int(((np.diff(track) == 0) & (np.diff(rows.time_ms) > FRAME_MS)).sum())


def _spans(rows: _Movements, track: Int64s) -> list[Span]:
    changes = (np.diff(track) != 0) | (np.diff(rows.movement) != 0) | (np.diff(rows.time_ms) != FRAME_MS)
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    ends = np.append(starts[1:], len(track)) - 1
    return [_span(rows, track, *at) for at in zip(starts.tolist(), ends.tolist(), strict=True)]


def _span(rows: _Movements, track: Int64s, start: int, end: int) -> Span:
    start_ms, end_ms = int(rows.time_ms[start]), int(rows.time_ms[end]) + FRAME_MS
    video = [name for name, begin_ms in VIDEO_STARTS_MS.items() if begin_ms <= start_ms][-1:]
    return Span(
        int(track[start]), f"id{rows.id[start]}", "".join(video), MOVEMENTS[rows.movement[start]], start_ms, end_ms
    )
