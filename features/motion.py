"""Motion of tracks: travel, staying and loitering, pacing; one second of many tracks at a time, in place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.fold import Folds
from features.keypoints import Bools, Int32s, Int64s, Ints
from features.segments import SEGMENT_MS, Segments
from features.site import Thresholds

GAP_MS = 3_000  # over a longer gap the way between two places is not known
STEP_MM_MAX = 30_000
STROLL_MM_PER_S = 600  # a leg walked more slowly on the whole is browsing, not pacing
LEG_REST_MS = 3_000
UM = 1_000
PLACE = np.dtype([("at_ms", "<i8"), ("x", "<i4"), ("y", "<i4"), ("um_per_unit", "<i4")])
Places = NDArray[np.void]  # of dtype PLACE


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


def ways(rows: Segments, slot: Ints, order: Int64s, folds: Folds, still_mm_per_s: int) -> Way:
    """The way of each row of a block since its track's second before.

    A step is the way between the mean places of two seconds, at most `GAP_MS` apart, so that the jitter of single
    frames does not count; in millimetres by the mean scale of both places. Below `still_mm_per_s` it is standing.

    Args:
        rows: (rows,) segments.
        slot: (rows,) the fold of each.
        order: the rows by slot and second.
        folds: (slots,) before the block.
        still_mm_per_s: the site's threshold.
    """
    places, after = np.empty(len(rows), PLACE), slot[order]
    places["at_ms"] = rows["second_ms"] + rows["mean_ms"]
    for name in ("x", "y", "um_per_unit"):
        places[name] = rows[name]
    first = np.append(True, after[1:] != after[:-1])[: len(rows)]
    before = np.empty(len(rows), PLACE)
    before[order[1:]] = places[order[:-1]]
    for name in PLACE.names or ():
        before[name][order[first]] = folds[name][after[first]]
    way = _steps(places, before, still_mm_per_s)
    moved = np.zeros(len(rows), np.bool_)
    moved[order[1:]] = way.moving[order[:-1]]
    moved[order[first]] = folds["moving"][after[first]]
    way.stops[:] = way.still & moved
    return way


def _steps(places: Places, before: Places, still_mm_per_s: int) -> Way:
    passed_ms = places["at_ms"] - before["at_ms"]
    known = (before["um_per_unit"] > 0) & (passed_ms <= GAP_MS)
    scale = np.where(known, (before["um_per_unit"].astype(np.int64) + places["um_per_unit"]) // 2, 0)
    dx, dy = (_step_mm(places[axis], before[axis], scale) for axis in ("x", "y"))
    path = distance(dx, dy)
    still = known & (path * SEGMENT_MS < still_mm_per_s * passed_ms)
    return Way(path, dx, dy, known & ~still, still, np.zeros(len(places), np.bool_))


def _step_mm(now: Int32s, before: Int32s, scale: Int64s) -> Int64s:
    step: Int64s = (now.astype(np.int64) - before) * scale // UM
    return np.clip(step, -STEP_MM_MAX, STEP_MM_MAX)


def move(folds: Folds, second: Segments, moving: Bools) -> None:
    """Put each fold where its track is now."""
    folds["at_ms"] = second["second_ms"] + second["mean_ms"]
    folds["moving"] = moving
    for name in ("x", "y", "um_per_unit"):
        folds[name] = second[name]


def stay(folds: Folds, second: Segments, exempt: Bools, loiter_after_s: Int32s, radius_mm: int) -> None:
    """Go on with each stay, or begin another where the track has left the radius round the middle of its stay.

    Loitering is what a stay exceeds its threshold by, seconds spent where waiting is expected left out; so neither
    someone in a queue nor a slow walker, who leaves the radius, loiters.

    Args:
        folds: (tracks,) to be changed.
        second: (tracks,) the new second.
        exempt: (tracks,) at a till, in a queue or a waiting area.
        loiter_after_s: (tracks,) seconds, the threshold where the track is.
        radius_mm: of a stay.

    Source: stay points, Li et al. 2008 (GIS '08, article 34), with the running mean as the middle.
    """
    places = np.maximum(folds["stay_places"], 1)
    away = distance(*(second[axis].astype(np.int64) - folds[f"stay_{axis}"] // places for axis in ("x", "y")))
    leaves = (folds["stay_places"] == 0) | (away * second["um_per_unit"] > radius_mm * UM)
    for name in ("stay_x", "stay_y", "stay_places", "stay_counted_s"):
        folds[name] = np.where(leaves, 0, folds[name])
    folds["stay_since_ms"] = np.where(leaves, second["second_ms"], folds["stay_since_ms"])
    folds["stay_x"] += second["x"]
    folds["stay_y"] += second["y"]
    folds["stay_places"] += 1
    folds["stay_counted_s"] += ~exempt
    folds["loiter_s"] = np.maximum(folds["loiter_s"], folds["stay_counted_s"] - loiter_after_s)


def pace(folds: Folds, second: Segments, thresholds: Thresholds) -> None:
    """Look for turning points of each path.

    A leg runs from its start to the place farthest from it. It ends when the track has come back from there by the
    least leg length; if the way back points to where the leg came from, within 60 degrees, and the leg was walked and
    not strolled, that place is a reversal. Legs along a bent way turn by less and do not count.

    Source: turning points of a path with hysteresis; the angle is Vigil's own choice.
    """
    x, y = second["x"].astype(np.int64), second["y"].astype(np.int64)
    scale, at_ms = second["um_per_unit"], folds["at_ms"]
    fresh = folds["leg_ms"] == 0
    for name, value in (("leg_x", x), ("leg_y", y), ("leg_ms", at_ms), ("far_x", x), ("far_y", y), ("far_ms", at_ms)):
        folds[name] = np.where(fresh, value, folds[name])
    out_mm = distance(x - folds["leg_x"], y - folds["leg_y"]) * scale // UM
    farther = out_mm > folds["far_mm"]
    for name, value in (("far_x", x), ("far_y", y), ("far_ms", at_ms), ("far_mm", out_mm)):
        folds[name] = np.where(farther, value, folds[name])
    back_mm = distance(x - folds["far_x"], y - folds["far_y"]) * scale // UM
    ended = (folds["far_mm"] >= thresholds.pacing_leg_mm) & (back_mm >= thresholds.pacing_leg_mm)
    if ended.any():
        _end_legs(folds, ended, x, y, back_mm)
    since_ms = np.maximum(at_ms - thresholds.pacing_window_s * SEGMENT_MS, 0)
    in_window = folds["turns_ms"] > since_ms[:, None]
    folds["reversals"] = np.maximum(folds["reversals"], in_window.sum(axis=1))


def _end_legs(folds: Folds, ended: Bools, x: Int64s, y: Int64s, back_mm: Int64s) -> None:
    out_x, out_y = ((folds[f"far_{axis}"].astype(np.int64) - folds[f"leg_{axis}"]).astype(np.float64) for axis in "xy")
    back_x, back_y = (x - folds["far_x"]).astype(np.float64), (y - folds["far_y"]).astype(np.float64)
    along = out_x * back_x + out_y * back_y
    lengths = np.sqrt(out_x * out_x + out_y * out_y) * np.sqrt(back_x * back_x + back_y * back_y)
    opposite = -2 * along >= lengths
    leg_ms = folds["far_ms"] - folds["leg_ms"]
    walked = (leg_ms - LEG_REST_MS) * STROLL_MM_PER_S <= folds["far_mm"] * SEGMENT_MS
    turned = ended & opposite & walked
    folds["turns_ms"][turned] = np.concatenate([folds["far_ms"][turned, None], folds["turns_ms"][turned, :-1]], axis=1)
    for name in ("x", "y", "ms"):
        folds[f"leg_{name}"] = np.where(ended, folds[f"far_{name}"], folds[f"leg_{name}"])
    for name, value in (("far_x", x), ("far_y", y), ("far_ms", folds["at_ms"]), ("far_mm", back_mm)):
        folds[name] = np.where(ended, value, folds[name])
