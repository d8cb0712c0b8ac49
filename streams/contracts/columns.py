"""The columns of what travels as Arrow streams: names, types, and what they hold."""

from typing import Any

import pyarrow as pa

from features.segments import SEGMENT
from streams.codecs.journal import SCHEMA
from streams.kafka.pose_messages import POSE_FIELDS

POSE_COLUMNS = {
    "time_ms": "event time, milliseconds since the epoch; consecutive frames, so it never falls",
    "track": "the tracker's id of the person; -1 in the one row of a frame without persons",
    "box": "left, top, width, height, quarter pixels",
    "keypoints": "x, y in quarter pixels and confidence in permille of each of COCO's 17; "
    "confidence 0: not seen, 0 throughout: only a box was tracked",
}
_POSED = "permille of the posed frames, -1 without any"
_EXTREME = "left, right; hundredths of a degree, 18,000 is a straight leg, -1 where not visible"
_ANKLES = "left less right ankle, permille of the torso, in sixteenths of the second; -32,768 where not visible"
JOURNAL_COLUMNS = {
    "position": "place in the partition's journal; contiguous from 0 on, and the same for each row of one fact",
    "time_ms": "start of a segment's second, milliseconds since the epoch; -1 where the row is a fact",
    "visit": "id of the visit key that the row is sealed with",
    "sealed": "12 bytes of nonce and AES-256-GCM of a segment, or of a fact as journal-fact.schema.json says. A "
    "segment is the name of its track (camera/tracker id/first second), a zero byte, and the fields of `segment`, "
    "little-endian and without gaps. A fact has a row for each person it is about, which names no other",
}
SEGMENT_FIELDS = {
    "second_ms": "start of the second, milliseconds since the epoch",
    "tracker": "id that the tracker gave; may change within a track",
    "mean_ms": "mean time of the second's frames after its start",
    "first_ms": "time of its first frame after its start",
    "last_ms": "time of its last frame after its start",
    "frames": "how many frames; 0: no second but the end of the track, at second_ms",
    "posed": "frames in which shoulders and hips were seen",
    "x": "mean position of the feet: millimetres on calibrated cameras, else quarter pixels",
    "y": "as x",
    "um_per_unit": "micrometres that one unit of x and y stands for where the person stood",
    "height_px4": "height of the body in the picture, quarter pixels",
    "zones": "bit z: in zone z of the camera for at least half of the frames",
    "hands_at_waist": _POSED,
    "reach": _POSED,
    "crouch": _POSED,
    "back_to_shelf": _POSED,
    "lean_cdeg": "mean of the trunk's angle from the vertical, hundredths of a degree, -1 without posed frames",
    "sway_cdeg": "standard deviation of the signed lean, hundredths of a degree, -1 without posed frames",
    "head_range": "span of the nose's sideways offset from the shoulders, permille of the torso, -1 without any",
    "knee_min_cdeg": f"least angle of the knees, {_EXTREME}",
    "knee_max_cdeg": f"largest angle of the knees, {_EXTREME}",
    "arm_range": "left, right; span of the wrist's sideways offset from the shoulder, permille of the torso, -1 "
    "where not visible",
    "ankles_across": f"sideways, {_ANKLES}",
    "ankles_down": f"downwards, {_ANKLES}",
    "strides": "how it goes with which foot is ahead on the way: number of frames; means of how far the left ankle is "
    "ahead (permille of the torso), of the speed of the hips (permille of the torso a second), of how far the "
    "shoulders are ahead of the hips (permille); spreads of the first two; their correlation "
    "(permille). 0 where nobody gets on",
    "unusual_mbit": "how unusual the bearing is at its place, thousandths of a bit: bend, head, arms, hidden; -1 where "
    "what is normal is not known, or without any keypoint",
    "handling": "how likely goods are being put away, permille; -1 without a model, or where the arms were not seen",
}

Columns = list[dict[str, Any]]


def pose_columns() -> Columns:
    """The columns of a pose message."""
    return _columns(POSE_FIELDS, POSE_COLUMNS)


def journal_columns() -> Columns:
    """The columns of a journal message."""
    return _columns(SCHEMA, JOURNAL_COLUMNS)


def segment_fields() -> Columns:
    """The fields of a segment, which a journal message holds sealed."""
    return [
        {"name": name, "type": f"{kind}{list(*shape) if shape else ''}", "description": SEGMENT_FIELDS[name]}
        for name, kind, *shape in SEGMENT.descr
    ]


def _columns(schema: pa.Schema, described: dict[str, str]) -> Columns:
    return [
        {"name": each.name, "type": _type(each.type), "nullable": each.nullable, "description": described[each.name]}
        for each in schema
    ]


def _type(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return f"dictionary<{kind.index_type}, {kind.value_type}>"
    return f"fixed_size_list<{kind.value_type}>[{kind.list_size}]" if pa.types.is_fixed_size_list(kind) else str(kind)
