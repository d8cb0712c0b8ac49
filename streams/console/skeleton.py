"""Stick figures of a person at telling instants."""

import numpy as np
from numpy.typing import NDArray

from features.keypoints import (
    COCO17,
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)
from streams.console import svg
from streams.console.view import Pose
from streams.console.words import clock

LIMBS = (
    (LEFT_SHOULDER, RIGHT_SHOULDER, "middle"), (LEFT_HIP, RIGHT_HIP, "middle"),
    (LEFT_SHOULDER, LEFT_HIP, "left"), (RIGHT_SHOULDER, RIGHT_HIP, "right"),
    (LEFT_SHOULDER, LEFT_ELBOW, "left"), (LEFT_ELBOW, LEFT_WRIST, "left"),
    (RIGHT_SHOULDER, RIGHT_ELBOW, "right"), (RIGHT_ELBOW, RIGHT_WRIST, "right"),
    (LEFT_HIP, LEFT_KNEE, "left"), (LEFT_KNEE, LEFT_ANKLE, "left"),
    (RIGHT_HIP, RIGHT_KNEE, "right"), (RIGHT_KNEE, RIGHT_ANKLE, "right"),
)  # fmt: skip
HEAD = slice(0, 5)
FIRST_BODY = LEFT_SHOULDER
SURE_PERMILLE = 500  # less is drawn faint
SEEN_PERMILLE = 50  # less is not drawn
FIGURE = (112.0, 170.0)
CELL = 156
ROW = 262
FIGURES_PER_ROW = svg.WIDTH // CELL

Floats = NDArray[np.float64]


def skeleton_picture(poses: tuple[Pose, ...], utc_offset_minutes: int = 0) -> str:
    """The poses side by side, each scaled to the same box; the person's own left and right told apart."""
    rows = max(1, -(-len(poses) // FIGURES_PER_ROW))
    said = "; ".join(f"{clock(pose.time_ms, utc_offset_minutes)} {pose.caption}" for pose in poses)
    figures = [
        _figure(pose, CELL * (at % FIGURES_PER_ROW) + 8, ROW * (at // FIGURES_PER_ROW), utc_offset_minutes)
        for at, pose in enumerate(poses)
    ]
    none = [] if poses else [svg.label(svg.WIDTH / 2, ROW / 2, "no body pose was seen", "muted", "middle")]
    height = ROW * rows + 30
    return svg.picture(height, "Body poses", said or "No body pose was seen.", *figures, *none, _legend(height - 12))


def _figure(pose: Pose, left: float, top: float, utc_offset_minutes: int) -> str:
    confidence = np.nan_to_num(np.asarray(pose.confidence, np.float64))
    xs, ys = np.asarray(pose.x, np.float64), np.asarray(pose.y, np.float64)
    seen = (confidence >= SEEN_PERMILLE) & np.isfinite(xs) & np.isfinite(ys)
    confidence = np.where(seen, confidence, 0)
    panel = svg.box(left + 0.5, top + 0.5, CELL - 13, 198, "panel", radius=6)
    if not seen.any():
        drawn = [svg.label(left + CELL / 2 - 6, top + 100, "not visible", "muted small", "middle")]
    else:
        placed = _placed(xs, ys, seen, left + (CELL - 12 - FIGURE[0]) / 2, top + 14)
        drawn = [*_limbs(*placed, confidence), _head(*placed, seen), *_joints(*placed, confidence)]
    return panel + "".join(drawn) + _caption(pose, left, top + 218, utc_offset_minutes)


def _placed(xs: Floats, ys: Floats, seen: NDArray[np.bool_], left: float, top: float) -> tuple[Floats, Floats]:
    low = np.array([xs[seen].min(), ys[seen].min()])
    span = np.array([xs[seen].max(), ys[seen].max()]) - low
    scale = float((np.array(FIGURE) / np.maximum(span, 1e-6)).min())
    spare = (np.array(FIGURE) - span * scale) / 2
    return (xs - low[0]) * scale + left + spare[0], (ys - low[1]) * scale + top + spare[1]


def _limbs(xs: Floats, ys: Floats, confidence: Floats) -> list[str]:
    drawn = []
    for start, end, side in LIMBS:
        weakest = min(confidence[start], confidence[end])
        if weakest > 0:
            drawn.append(svg.line(xs[start], ys[start], xs[end], ys[end], f"limb {side}{_faint(weakest)}"))
    return drawn


def _head(xs: Floats, ys: Floats, seen: NDArray[np.bool_]) -> str:
    if not seen[HEAD].any():
        return ""
    x, y = float(xs[HEAD][seen[HEAD]].mean()), float(ys[HEAD][seen[HEAD]].mean())
    shoulders = [at for at in (LEFT_SHOULDER, RIGHT_SHOULDER) if seen[at]]
    if not shoulders:
        return svg.circle(x, y, 10, "joint middle")
    neck_x, neck_y = float(xs[shoulders].mean()), float(ys[shoulders].mean())
    radius = min(18.0, max(6.0, 0.5 * float(np.hypot(x - neck_x, y - neck_y))))
    return svg.line(neck_x, neck_y, x, y, "limb middle") + svg.circle(x, y, radius, "joint middle")


def _joints(xs: Floats, ys: Floats, confidence: Floats) -> list[str]:
    body = [at for at in range(FIRST_BODY, len(COCO17)) if confidence[at] > 0]
    return [svg.circle(xs[at], ys[at], 3.2, f"joint {_side(at)}{_faint(confidence[at])}") for at in body]


def _side(keypoint: int) -> str:
    return "left" if COCO17[keypoint].startswith("left") else "right"


def _faint(confidence: float) -> str:
    return "" if confidence >= SURE_PERMILLE else " faint"


def _caption(pose: Pose, left: float, top: float, utc_offset_minutes: int) -> str:
    time = svg.label(left + 2, top, clock(pose.time_ms, utc_offset_minutes), "small strong number")
    lines = svg.wrap(pose.caption, CELL - 12, 2)
    return time + "".join(svg.label(left + 2, top + 17 * (at + 1), text, "small") for at, text in enumerate(lines))


def _legend(y: float) -> str:
    texts = (("left", "the person's left"), ("right", "right"), ("middle faint", "uncertain"))
    parts, x = [], 10.0
    for class_, text in texts:
        parts += [svg.line(x, y - 5, x + 24, y - 5, f"limb {class_}"), svg.label(x + 34, y, text, "small")]
        x += 60 + len(text) * svg.CHARACTER_PX
    return "".join(parts)
