"""Gait: what a segment keeps of a walk, and the rhythm of a walk over several seconds."""

import numpy as np

from features.angles import angle_at_cdeg
from features.body import ANKLE, HIP, KNEE, LEFT, RIGHT, SHOULDER, WRIST, Body
from features.keypoints import PERMILLE, Int16s, Int32s, Int64s
from features.posture import span
from features.rhythm import rhythm_of
from features.runs import Runs
from features.segments import GAIT_SAMPLES, NO_SAMPLE, NOT_SEEN, SEGMENT_MS, Segments
from features.sequence import MISSING

OFFSET_LIMIT = 32_000
KNEE_CDEG_MAX = 18_000
ARM_SWING_MAX = 5_000
QUALITY_MIN = 400


def fill_gait(segments: Segments, body: Body, time_ms: Int64s, runs: Runs) -> None:
    """Fills in knee_min_cdeg, knee_max_cdeg, arm_range, ankles_across and ankles_down of each segment.

    Knees: the angle hip-knee-ankle, hundredths of a degree. Arms: largest less smallest (wrist_x - shoulder_x) / torso.
    Ankles: (left - right) / torso in sixteenths of a second, of several frames in one the last. Lengths in permille.

    Args:
        segments: (segments,) of `SEGMENT`, changed in place.
        body: of frames sorted by camera, track and time.
        time_ms: (rows,) of the frames.
        runs: the rows of each segment.
    """
    if not len(segments):
        return
    _fill_knees(segments, body, runs)
    swing = PERMILLE * (body.joints[0, WRIST] - body.joints[0, SHOULDER]) / body.torso
    segments["arm_range"] = np.minimum(span(body.seen[WRIST] & body.posed, swing, runs), OFFSET_LIMIT).T
    _fill_ankles(segments, body, time_ms, runs)


def _fill_knees(segments: Segments, body: Body, runs: Runs) -> None:
    angle = angle_at_cdeg(*body.joints[:, HIP], *body.joints[:, KNEE], *body.joints[:, ANKLE])
    known = body.seen[HIP] & body.seen[KNEE] & body.seen[ANKLE] & (angle > 0)
    segments["knee_max_cdeg"] = runs.largest(np.where(known, angle, NOT_SEEN)).T
    smallest = runs.smallest(np.where(known, angle, KNEE_CDEG_MAX + 1)).T
    segments["knee_min_cdeg"] = np.where(smallest > KNEE_CDEG_MAX, NOT_SEEN, smallest)


def _fill_ankles(segments: Segments, body: Body, time_ms: Int64s, runs: Runs) -> None:
    known = np.flatnonzero(body.seen[ANKLE, LEFT] & body.seen[ANKLE, RIGHT] & body.posed)
    segment = runs.spread(np.arange(len(segments)))[known]
    slot = time_ms[known] % SEGMENT_MS * GAIT_SAMPLES // SEGMENT_MS
    offset = PERMILLE * (body.joints[:, ANKLE, LEFT, known] - body.joints[:, ANKLE, RIGHT, known]) / body.torso[known]
    sampled = np.full((2, len(segments), GAIT_SAMPLES), NO_SAMPLE, np.int16)
    sampled[:, segment, slot] = np.rint(np.clip(offset, -OFFSET_LIMIT, OFFSET_LIMIT))
    segments["ankles_across"], segments["ankles_down"] = sampled


def gait_features(
    across: Int16s, down: Int16s, knee_min: Int16s, knee_max: Int16s, arm_range: Int16s, lean: Int16s, sway: Int16s
) -> Int32s:
    """The gait family of the catalogue over a trailing window of seconds, as the segments hold them.

    Args:
        across: (rows, seconds * 16) permille of the torso, NO_SAMPLE where not seen.
        down: as across.
        knee_min: (rows, seconds, 2) hundredths of a degree, NOT_SEEN where not.
        knee_max: as knee_min.
        arm_range: (rows, seconds, 2) permille of the torso, NOT_SEEN where not.
        lean: (rows, seconds) hundredths of a degree, NOT_SEEN where not.
        sway: as lean.

    Returns:
        (rows, 8) int32: cadence, step_asymmetry, stride_regularity (see `rhythm_of`), knee_range (of the leg that bends
        more), arm_swing, trunk_lean, trunk_sway (means over the seconds seen), gait_quality. All but the last are
        MISSING where gait_quality is below 400: who stands, or is hardly seen, has no gait.
    """
    rhythm = rhythm_of(across, down)
    values = np.stack(
        (
            rhythm.cadence,
            rhythm.asymmetry,
            rhythm.regularity,
            _knee_range(knee_min, knee_max),
            np.minimum(_mean_seen(arm_range), ARM_SWING_MAX),
            _mean_seen(lean),
            _mean_seen(sway),
            rhythm.quality,
        ),
        axis=1,
    ).astype(np.int32)
    values[rhythm.quality < QUALITY_MIN, :-1] = MISSING
    return values


def _knee_range(knee_min: Int16s, knee_max: Int16s) -> Int64s:
    smallest = np.where(knee_min == NOT_SEEN, KNEE_CDEG_MAX, knee_min.astype(np.int64)).min(axis=1)
    bent = knee_max.astype(np.int64).max(axis=1) - smallest
    return np.where((knee_max != NOT_SEEN).any(axis=(1, 2)), bent.max(axis=1), MISSING)


def _mean_seen(values: Int16s) -> Int64s:
    """(rows,) rounded means of what was seen of (rows, ...)."""
    seen, others = values != NOT_SEEN, tuple(range(1, values.ndim))
    count = seen.sum(axis=others)
    total = np.where(seen, values, 0).sum(axis=others, dtype=np.int64)
    return np.where(count > 0, (total + count // 2) // np.maximum(count, 1), MISSING)
