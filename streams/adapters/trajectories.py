"""Boxes and points on the ground become person-frames, and those a recording."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.events import PIXEL_LIMIT, TIME_MS_END
from features.keypoints import NO_TRACK, Bools, Int64s, PersonFrames, quarter_pixels
from features.site import Camera, Site
from streams.adapters.imported import Imported
from streams.recording import RecordingWriter

Floats = NDArray[np.float64]

BODY_MM = 1_700
WIDTH_OF_HEIGHT = 0.4  # of the synthetic box


def tracked_points(
    time_ms: Int64s, track: Int64s, x: Floats, y: Floats, height_px: Floats | float, notes: list[str]
) -> PersonFrames:
    """Person-frames of points on the ground: the middle of the bottom edge of an upright box of the given height."""
    note(notes, len(time_ms), "positions without a box: that of a standing body is made up")
    return tracked(time_ms, track, upright_box(x, y, height_px), notes)


def upright_box(x: Floats, y: Floats, height_px: Floats | float) -> Floats:
    """(4, rows) left, top, width, height of bodies that stand at x, y."""
    height = np.broadcast_to(height_px, x.shape)
    width = height * WIDTH_OF_HEIGHT
    return np.stack([x - width / 2, y - height, width, height])


def tracked(time_ms: Int64s, track: Int64s, box: Floats, notes: list[str]) -> PersonFrames:
    """Person-frames without keypoints in order of time; what cannot be used is left out and noted."""
    kept = usable(time_ms, track, box, notes)
    rows = PersonFrames.empty(int(kept.sum()))
    rows.time_ms[:], rows.track[:] = time_ms[kept], track[kept]
    rows.box[:] = quarter_pixels(box[:, kept])
    return in_time_order(rows)


def usable(time_ms: Int64s, track: Int64s, box: Floats, notes: list[str]) -> Bools:
    """Rows within the limits of events, and of several of a track in one frame the first."""
    within = (time_ms >= 0) & (time_ms < TIME_MS_END) & (track >= 0)
    within &= (np.abs(box) <= PIXEL_LIMIT).all(axis=0) & (box[2:] >= 0).all(axis=0)
    again = _repeats(time_ms, track)
    note(
        notes, int((~within).sum()), f"positions not finite, beyond {PIXEL_LIMIT} pixels or of no valid time: left out"
    )
    note(notes, int((within & again).sum()), "further positions of a track in one frame: left out")
    return within & ~again


def _repeats(time_ms: Int64s, track: Int64s) -> Bools:
    order = np.lexsort((track, time_ms))
    repeats = np.zeros(len(order), np.bool_)
    repeats[order[1:]] = (np.diff(time_ms[order]) == 0) & (np.diff(track[order]) == 0)
    return repeats


def note(notes: list[str], count: int, what: str) -> None:
    """Note how often something happened, if it did."""
    if count:
        notes.append(f"{count:,} {what}")


def in_time_order(rows: PersonFrames) -> PersonFrames:
    """Rows by time, then camera, then track."""
    return rows.take(np.lexsort((rows.track, rows.camera, rows.time_ms)))


def with_empty_frames(rows: PersonFrames, times_ms: list[Int64s]) -> PersonFrames:
    """The rows, and one that says nobody was there for each other instant at which a camera had a frame, by time.

    Args:
        rows: person-frames.
        times_ms: of each camera of the site, the instants of its frames.
    """
    empty = [_nobody(times, rows.time_ms[rows.camera == camera], camera) for camera, times in enumerate(times_ms)]
    return in_time_order(PersonFrames.concatenate([rows, *empty]))


def _nobody(times_ms: Int64s, seen_ms: Int64s, camera: int) -> PersonFrames:
    nobody_ms = np.setdiff1d(times_ms, seen_ms)
    empty = PersonFrames.empty(len(nobody_ms))
    empty.time_ms[:], empty.camera[:] = nobody_ms, camera
    return empty


def write_tracks(target: Path, site: Site, rows: PersonFrames, notes: list[str], truth: object = None) -> Imported:
    """Write a recording of person-frames, with labels where there are some."""
    with RecordingWriter(target, site) as recording:
        recording.frames(rows)
        if truth is not None:
            recording.truth(truth)
    persons = rows.take(rows.track != NO_TRACK)
    tracks = np.unique(np.stack([persons.camera, persons.track]), axis=1)
    return Imported(person_frames=len(persons), persons=tracks.shape[1], notes=notes)


def one_camera(name: str, homography: Floats | None = None) -> Site:
    """A site of one camera without zones; `homography` is (3, 3) from pixels to millimetres."""
    if homography is None:
        return Site(name=name, cameras=[Camera(name=name)])
    first, second, third = ((float(row[0]), float(row[1]), float(row[2])) for row in homography)
    return Site(name=name, cameras=[Camera(name=name, homography=(first, second, third))])
