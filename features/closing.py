"""Closing seconds: sorted person-frames become one-second segments, all persons and cameras at once."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.attribution import TillPlaces
from features.bearing import Normal, fill_unusual
from features.body import Body
from features.body import feet as feet_of
from features.gait import fill_gait
from features.handling import HandlingModel, fill_handling
from features.keypoints import Bools, Int32s, Int64s, PersonFrames
from features.posture import fill_posture
from features.runs import Runs
from features.segments import NOT_SEEN, SEGMENT, Segments
from features.site import Hours, Site
from features.strides import fill_strides
from features.watermark import second_of
from features.zones import Ground, Uint32s, ZoneTable

ROWS_AT_ONCE = 8_192  # what one pass works on stays in the processor's cache

_HOUR_MS = 3_600_000
_WEEK_HOURS = 168
_EPOCH_HOUR_OF_WEEK = 72  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a site the camera step needs, prepared once; and what was learned of bearing there and of hands."""

    site: Site
    zones: ZoneTable
    ground: Ground
    places: TillPlaces
    normal: Normal | None = None
    handling: HandlingModel | None = None

    @classmethod
    def of(cls, site: Site, normal: Normal | None = None, handling: HandlingModel | None = None) -> "Layout":
        """The layout of a site."""
        return cls(site, ZoneTable(site), Ground(site), TillPlaces.of(site), normal, handling)


@dataclass(frozen=True, slots=True)
class Closed:
    """Closed seconds, sorted by camera, tracker and time, and what was left out of them.

    Attributes:
        camera: (seconds,) place of the camera.
        tracker: (seconds,) id the tracker gave.
        rows: (seconds,) of `SEGMENT`.
        repeated: person-frames that came more than once.
        opted_out: person-frames in zones or hours in which nobody is scored.
    """

    camera: Int32s
    tracker: Int64s
    rows: Segments
    repeated: int
    opted_out: int


def close_seconds(frames: PersonFrames, layout: Layout) -> Closed:
    """The segments of whole seconds; `frames` may come in any order."""
    ordered = frames.take(np.lexsort((frames.time_ms, frames.track, frames.camera)))
    parts = [_close(ordered.take(rows), layout) for rows in _portions(ordered)]
    if len(parts) == 1:
        return parts[0]
    camera, tracker, rows = (
        np.concatenate(column)
        for column in zip(*((part.camera, part.tracker, part.rows) for part in parts), strict=True)
    )
    return Closed(camera, tracker, rows, sum(part.repeated for part in parts), sum(part.opted_out for part in parts))


def _portions(ordered: PersonFrames) -> list[slice]:
    """Spans of sorted rows that cut no second of a track in two."""
    starts = runs_of_seconds(ordered).starts
    wanted = np.searchsorted(starts, np.arange(ROWS_AT_ONCE, len(ordered), ROWS_AT_ONCE))
    cuts = np.unique(starts[wanted[wanted < len(starts)]]).tolist()
    return [slice(*span) for span in pairwise([0, *cuts, len(ordered)])]


def _close(ordered: PersonFrames, layout: Layout) -> Closed:
    single = _first_of_repeats(ordered)
    feet = feet_of(single)
    zones = layout.zones.membership(single.camera, *feet)
    scored = ~opted_out(single, zones, layout)
    repeated, excluded = len(ordered) - len(single), len(single) - int(scored.sum())
    if excluded:
        single, zones, feet = single.take(scored), zones[scored], (feet[0][scored], feet[1][scored])
    if not len(single):
        return Closed(single.camera, single.track, np.zeros(0, SEGMENT), repeated, excluded)
    runs = runs_of_seconds(single)
    segments = _fill(single, runs, feet, zones, layout)
    firsts = runs.starts
    return Closed(single.camera[firsts], single.track[firsts], segments, repeated, excluded)


def runs_of_seconds(frames: PersonFrames) -> Runs:
    """The runs of one second of one track in sorted frames."""
    begins = np.ones(len(frames), np.bool_)
    begins[1:] = _differs(second_of(frames.time_ms)) | _differs(frames.track) | _differs(frames.camera)
    return Runs(np.flatnonzero(begins), len(frames))


def _differs(column: Int32s | Int64s) -> Bools:
    """(rows - 1,) from the row before."""
    differs: Bools = column[1:] != column[:-1]
    return differs


def opted_out(frames: PersonFrames, zones: Uint32s, layout: Layout) -> Bools:
    """(rows,) whether each person-frame is in a zone or an hour in which nobody is scored."""
    out: Bools = (zones & layout.zones.bits("opt-out")[frames.camera]) != 0
    for hours in layout.site.opt_out_hours:
        out |= _within(hours, frames.time_ms, layout.site.utc_offset_minutes)
    return out


def _within(hours: Hours, time_ms: Int64s, utc_offset_minutes: int) -> Bools:
    local_ms = time_ms + utc_offset_minutes * 60_000
    hour = (local_ms // _HOUR_MS + _EPOCH_HOUR_OF_WEEK) % _WEEK_HOURS
    inside: Bools = (hour >= hours.start) & (hour < hours.end)
    return inside


def _first_of_repeats(ordered: PersonFrames) -> PersonFrames:
    again = np.zeros(len(ordered), np.bool_)
    again[1:] = ~(_differs(ordered.time_ms) | _differs(ordered.track) | _differs(ordered.camera))
    if not again.any():
        return ordered
    return ordered.take(_one_of_each(ordered, again))


def _one_of_each(ordered: PersonFrames, again: Bools) -> Int64s:
    """Of person-frames that differ for the same instant, always the same one, whatever order they came in."""
    groups = np.split(np.arange(len(ordered)), np.flatnonzero(~again)[1:])
    return np.array(
        [rows[0] if len(rows) == 1 else max(rows, key=lambda row: _content(ordered, row)) for rows in groups]
    )


def _content(frames: PersonFrames, row: int) -> bytes:
    columns = (frames.confidence[:, row], frames.x[:, row], frames.y[:, row], frames.box[:, row])
    return b"".join(column.astype(">i2").tobytes() for column in columns)


def _fill(
    frames: PersonFrames,
    runs: Runs,
    feet: tuple[Int32s, Int32s],
    zones: Uint32s,
    layout: Layout,
) -> Segments:
    segments = np.zeros(len(runs.starts), SEGMENT)
    second = second_of(frames.time_ms[runs.starts])
    counts = runs.counts
    segments["second_ms"] = second
    segments["mean_ms"] = runs.sum(frames.time_ms - runs.spread(second)) // counts
    segments["first_ms"] = frames.time_ms[runs.starts] - second
    segments["last_ms"] = frames.time_ms[runs.starts + counts - 1] - second
    segments["frames"] = np.minimum(counts, np.iinfo(np.int16).max)
    segments["height_px4"] = runs.sum(frames.box[3]) // counts
    where = layout.ground.locate(frames.camera, *feet, frames.box[3].astype(np.int32))
    for name, values in zip(("x", "y", "um_per_unit"), where, strict=True):
        segments[name] = runs.sum(values) // counts
    segments["zones"] = _mostly_in(zones, runs)
    body = Body.of(frames)
    fill_posture(segments, frames, body, zones, runs, layout.zones)
    fill_gait(segments, body, frames.time_ms, runs)
    fill_strides(segments, body, frames.time_ms, runs)
    segments["unusual_mbit"] = segments["handling"] = NOT_SEEN
    if layout.normal is not None:
        fill_unusual(segments, frames, body, runs, layout.normal)
    if layout.handling is not None:
        fill_handling(segments, body, frames.time_ms, runs, layout.handling)
    return segments


def _mostly_in(zones: Uint32s, runs: Runs) -> Uint32s:
    mostly = np.zeros(len(runs.starts), np.uint32)
    seen = int(np.bitwise_or.reduce(zones, initial=0))
    for bit in range(seen.bit_length()):
        inside = runs.sum((zones >> np.uint32(bit)) & np.uint32(1))
        mostly |= (2 * inside >= runs.counts).astype(np.uint32) << np.uint32(bit)
    return mostly
