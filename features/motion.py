"""Motion of tracks: travel, staying and pacing; what needs the second before goes in waves across tracks."""

from dataclasses import dataclass

import numpy as np

from features.fold import Folds
from features.keypoints import PERMILLE, Bools, Int32s, Int64s, Ints
from features.runs import Runs, Waves
from features.segments import SEGMENT_MS, Segments
from features.site import Thresholds

GAP_MS = 3_000  # over a longer gap the way between two places is not known
STEP_MM_MAX = 30_000  # fits 16 bits
STROLL_MM_PER_S = 600  # a leg walked more slowly on the whole is browsing, not pacing
LEG_REST_MS = 3_000
UM = 1_000
_STAY = ("stay_x", "stay_y", "stay_places", "stay_counted_s", "stay_since_ms")
STRAIGHT_PERMILLE = 800  # a leg is at least this share of the way walked along it
RETURN_MM = 1_500  # every other turning point lies this near, or within a quarter of the leg
_LEG = (
    "leg_x", "leg_y", "leg_ms", "far_x", "far_y", "far_ms", "far_mm", "leg_path_mm", "far_path_mm", "turn_x", "turn_y",
    "turns",
)  # fmt: skip
_START, _FAR, _LEG_MS, _FAR_MS, _FAR_MM = slice(0, 3), slice(3, 6), 2, 5, 6
_PATH_MM, _FAR_PATH_MM, _TURN, _TURNS = 7, 8, slice(9, 11), 11


@dataclass(frozen=True, slots=True)
class Way:
    """The way of each row since the second before: (rows,) millimetres, and whether it moved, stood or stopped."""

    path_mm: Int64s
    dx_mm: Int64s
    dy_mm: Int64s
    moving: Bools
    still: Bools
    stops: Bools


def distance(dx: Int64s, dy: Int64s) -> Int64s:
    """Whole length of vectors of integers below 2^26, rounded down; exact, as the square root is."""
    square = (dx * dx + dy * dy).astype(np.float64)
    return np.sqrt(square).astype(np.int64)


def ways(rows: Segments, tracks: Runs, before: Folds, still_mm_per_s: int) -> Way:
    """The way of each row of a block since its track's second before.

    A step is the way between the mean places of two seconds, at most `GAP_MS` apart, so that the jitter of single
    frames does not count; in millimetres by the mean scale of both places. Below `still_mm_per_s` it is standing.

    Args:
        rows: (rows,) segments by track and second.
        tracks: the rows of each track.
        before: (tracks,) before the block.
        still_mm_per_s: the site's threshold.
    """
    at_ms = rows["second_ms"] + rows["mean_ms"]
    passed_ms = at_ms - tracks.previous(at_ms, before["at_ms"])
    um, um_before = (column.astype(np.int64) for column in _pair(rows, tracks, before, "um_per_unit"))
    known = (um_before > 0) & (passed_ms <= GAP_MS)
    scale = np.where(known, (um_before + um) // 2, 0)
    dx, dy = (_step_mm(*_pair(rows, tracks, before, axis), scale) for axis in ("x", "y"))
    path = np.minimum(distance(dx, dy), STEP_MM_MAX)
    still = known & (path * SEGMENT_MS < still_mm_per_s * passed_ms)
    moving = known & ~still
    return Way(path, dx, dy, moving, still, still & tracks.previous(moving, before["moving"]))


def _pair(rows: Segments, tracks: Runs, before: Folds, name: str) -> tuple[Int32s, Int32s]:
    """A column now and a second before."""
    return rows[name], tracks.previous(rows[name], before[name])


def _step_mm(now: Int32s, before: Int32s, scale: Int64s) -> Int64s:
    step: Int64s = (now.astype(np.int64) - before) * scale // UM
    return np.clip(step, -STEP_MM_MAX, STEP_MM_MAX)


def stay(folds: Folds, before: Folds, seconds: Segments, waves: Waves, exempt: Bools, radius_mm: int) -> None:
    """Go on with each stay, or begin another where the track has left the radius round the middle of its stay.

    Args:
        folds: (rows,) whose `stay_*` are filled in.
        before: (tracks,) before the block.
        seconds: (rows,) by track and second.
        waves: the rows in turns.
        exempt: (rows,) at a till, in a queue or a waiting area: not counted.
        radius_mm: of a stay.

    Source: stay points, Li et al. 2008 (GIS '08, article 34), with the running mean as the middle.
    """
    stays = waves.lay([before[name] for name in _STAY], [])
    columns = [seconds["x"], seconds["y"], 1, ~exempt, seconds["second_ms"], seconds["um_per_unit"]]
    here = waves.lay([], columns)
    for was, now in waves.spans:
        old, step = stays[:, was], here[:, now]
        away = distance(*(step[:2] - old[:2] // np.maximum(old[2], 1)))
        goes_on = (old[2] > 0) & (away * step[5] <= radius_mm * UM)
        stays[:4, now] = old[:4] * goes_on + step[:4]
        stays[4, now] = np.where(goes_on, old[4], step[4])
    for name, column in zip(_STAY, stays, strict=True):
        folds[name] = column[waves.place]


def pace(
    folds: Folds,
    before: Folds,
    seconds: Segments,
    path_mm: Ints,
    tracks: Runs,
    waves: Waves,
    thresholds: Thresholds,
) -> None:
    """Look for turning points of each path.

    A leg runs from its start to the place farthest from it. It ends when the track has come back from there by the
    least leg length. That place is a reversal if the way back points to where the leg came from, within 60 degrees,
    the leg was straight, and walked and not strolled, and every other turning point is at about the same place. So
    rounds, and going up one aisle and down the next, are not to and fro.

    Args:
        folds: (rows,) whose `leg_*`, `far_*`, `turn*`, `reversals` and, in the last row of each track, `turns_ms` are
            filled in.
        before: (tracks,) before the block.
        seconds: (rows,) by track and second.
        path_mm: (rows,) the way since the second before.
        tracks: the rows of each track.
        waves: the same in turns.
        thresholds: of the site.

    Source: turning points of a path with hysteresis; angle, straightness and distance are Vigil's own choice.
    """
    legs = waves.lay([before[name] for name in _LEG], [])
    at_ms = seconds["second_ms"] + seconds["mean_ms"]
    here = waves.lay([], [seconds["x"], seconds["y"], at_ms, seconds["um_per_unit"], path_mm])
    turns_ms, reversals = np.empty_like(before["turns_ms"]), waves.lay([0], [0])[0]
    turns_ms[waves.first] = before["turns_ms"]
    for was, now in waves.spans:
        leg, place, um_per_unit = legs[:, now], here[:3, now], here[3, now]
        leg[:] = legs[:, was]
        leg[_PATH_MM] += here[4, now]
        fresh = leg[_LEG_MS] == 0
        if fresh.any():
            leg[_START, fresh] = leg[_FAR, fresh] = place[:, fresh]
        out_mm = distance(*(place[:2] - leg[_START][:2])) * um_per_unit // UM
        farther = out_mm > leg[_FAR_MM]
        np.copyto(leg[_FAR], place, where=farther)
        np.copyto(leg[_FAR_MM], out_mm, where=farther)
        np.copyto(leg[_FAR_PATH_MM], leg[_PATH_MM], where=farther)
        back_mm = distance(*(place[:2] - leg[_FAR][:2])) * um_per_unit // UM
        ended = np.flatnonzero(np.minimum(leg[_FAR_MM], back_mm) >= thresholds.pacing_leg_mm)
        if len(ended):
            turned = ended[_is_reversal(leg[:, ended], place[:, ended], um_per_unit[ended])]
            turns_ms[turned, 1:], turns_ms[turned, 0] = turns_ms[turned, :-1], leg[_FAR_MS, turned]
            since_ms = np.maximum(place[2, turned] - thresholds.pacing_window_s * SEGMENT_MS, 0)
            reversals[now.start + turned] = (turns_ms[turned] > since_ms[:, None]).sum(axis=1)
            leg[:, ended] = _next_leg(leg[:, ended], place[:, ended], back_mm[ended])
    for name, column in zip(_LEG, legs, strict=True):
        folds[name] = column[waves.place]
    folds["reversals"] = tracks.running_largest(reversals[waves.place], before["reversals"])
    folds["turns_ms"][tracks.lasts] = turns_ms[waves.first]


def _next_leg(leg: Int64s, place: Int64s, back_mm: Int64s) -> Int64s:
    """(quantities, legs) the legs that begin at the farthest places of those that ended."""
    following = leg.copy()
    following[_TURN], following[_TURNS] = leg[_START][:2], leg[_TURNS] + 1
    following[_START], following[_FAR], following[_FAR_MM] = leg[_FAR], place, back_mm
    following[_PATH_MM] = following[_FAR_PATH_MM] = leg[_PATH_MM] - leg[_FAR_PATH_MM]
    return following


def _is_reversal(leg: Int64s, place: Int64s, um_per_unit: Int64s) -> Bools:
    """(legs,) whether each leg that ended is one of going to and fro."""
    straight = leg[_FAR_MM] * PERMILLE >= STRAIGHT_PERMILLE * leg[_FAR_PATH_MM]
    off_mm = distance(*(leg[_FAR][:2] - leg[_TURN])) * um_per_unit // UM
    again = (leg[_TURNS] < 2) | (off_mm <= np.maximum(RETURN_MM, leg[_FAR_MM] // 4))  # noqa: PLR2004 - two turns to compare
    reversal: Bools = straight & again & _turns_back(leg, place)
    return reversal


def _turns_back(leg: Int64s, place: Int64s) -> Bools:
    """(legs,) whether each leg that ended was walked, and the way back points to where it came from."""
    out = (leg[_FAR][:2] - leg[_START][:2]).astype(np.float64)
    back = (place[:2] - leg[_FAR][:2]).astype(np.float64)
    along = out[0] * back[0] + out[1] * back[1]
    lengths = np.sqrt(out[0] * out[0] + out[1] * out[1]) * np.sqrt(back[0] * back[0] + back[1] * back[1])
    walked = (leg[_FAR_MS] - leg[_LEG_MS] - LEG_REST_MS) * STROLL_MM_PER_S <= leg[_FAR_MM] * SEGMENT_MS
    turn: Bools = walked & (-2 * along >= lengths)
    return turn
