"""PoseLift: poses of persons in a shop, six cameras at 15 frames a second, with and without shoplifting."""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from features.keypoints import PERMILLE, Int64s, PersonFrames, quarter_pixels
from features.site import Camera, Site
from streams.adapters.imported import Imported, files_of, reading
from streams.adapters.trajectories import Floats, note, usable, with_empty_frames, write_tracks

FRAMES_PER_SECOND = 15
GAP_MS = 60_000  # between two videos of a camera, so that no track goes on in the next
TRACKS_PER_VIDEO = 10_000
BOX_MARGIN = 0.1  # of the keypoints' extent, on each side


class _Pose(Struct):
    keypoints: Annotated[list[float | None], Meta(min_length=51, max_length=51)]


class Video(Struct):
    """A video's place in the recording and its label for each frame: 1 is shoplifting.

    The recording's tracks are the source's persons plus `first_track`.
    """

    video: str
    camera: str
    start_ms: int
    frames: int
    first_track: int
    labels: list[int]


class _Poses(Struct):
    person: Int64s
    frame: Int64s
    keypoints: Floats  # (rows, 17, 3) row, column, confidence


_Person = Annotated[int, Meta(ge=0, lt=TRACKS_PER_VIDEO)]
_FrameNumber = Annotated[int, Meta(ge=0, lt=10_000_000)]
_decoder = msgspec.json.Decoder(dict[_Person, dict[_FrameNumber, _Pose]])


def import_train(source: Path, target: Path) -> Imported:
    """The videos of normal shopping below `pose/train`."""
    files = files_of(source / "pose" / "train", "*.json", "the videos of PoseLift's training part")
    poses = [_read(path) for path in files]
    return _write(target, files, poses, [[0] * (int(each.frame.max()) + 1) for each in poses])


def import_dev(source: Path, target: Path) -> Imported:
    """The labelled videos below `pose/dev`, with the labels of `gt/dev_frame_mask`."""
    files = files_of(source / "pose" / "dev", "*.json", "the videos of PoseLift's development part")
    poses = [_read(path) for path in files]
    masks = source / "gt" / "dev_frame_mask"
    labels = [_read_mask(masks / f"{_name(path)}.npy", each) for path, each in zip(files, poses, strict=True)]
    return _write(target, files, poses, labels)


def _name(path: Path) -> str:
    return "_".join(path.name.split("_")[:2])


def _read(path: Path) -> _Poses:
    with reading(path, "persons, their frames, and 17 keypoints of row, column, confidence"):
        persons = _decoder.decode(path.read_bytes().replace(b"NaN", b"null"))
        rows = [(person, frame, pose) for person, poses in persons.items() for frame, pose in poses.items()]
        values = np.array([pose.keypoints for *_, pose in rows], np.float64).reshape(-1, 17, 3)
        person, frame = np.array([row[:2] for row in rows], np.int64).T
    return _Poses(person, frame, values)


def _read_mask(path: Path, poses: _Poses) -> list[int]:
    needed = int(poses.frame.max()) + 1
    with reading(path, f"0 or 1 for each of at least {needed} frames"):
        labels: list[int] = np.load(path).tolist()
        if len(labels) < needed or not set(labels) <= {0, 1}:
            raise ValueError(f"{len(labels)} labels of {sorted(set(labels))[:5]}")
    return labels


def _write(target: Path, files: list[Path], poses: list[_Poses], labels: list[list[int]]) -> Imported:
    videos = _schedule([_name(path) for path in files], labels)
    cameras = sorted({video.camera for video in videos})
    notes: list[str] = []
    rows = _rows(videos, poses, [cameras.index(video.camera) for video in videos], notes)
    times = [np.concatenate([_times(video) for video in videos if video.camera == camera]) for camera in cameras]
    site = Site(name="poselift", cameras=[Camera(name=camera) for camera in cameras])
    return write_tracks(target, site, with_empty_frames(rows, times), notes, {"videos": videos})


def _schedule(names: list[str], labels: list[list[int]]) -> list[Video]:
    videos: list[Video] = []
    free_ms: dict[str, int] = {}
    for name, marked in zip(names, labels, strict=True):
        camera = name.split("_")[0]
        start_ms = free_ms.get(camera, 0)
        videos.append(Video(name, camera, start_ms, len(marked), len(videos) * TRACKS_PER_VIDEO, marked))
        free_ms[camera] = start_ms + -(-len(marked) // FRAMES_PER_SECOND) * 1_000 + GAP_MS
    return videos


def _times(video: Video) -> Int64s:
    return video.start_ms + np.arange(video.frames, dtype=np.int64) * 1_000 // FRAMES_PER_SECOND


def _rows(videos: list[Video], poses: list[_Poses], cameras: list[int], notes: list[str]) -> PersonFrames:
    counts = [len(each.frame) for each in poses]
    time_ms = np.concatenate([_times(video)[each.frame] for video, each in zip(videos, poses, strict=True)])
    track = np.concatenate([video.first_track + each.person for video, each in zip(videos, poses, strict=True)])
    keypoints = np.concatenate([each.keypoints for each in poses])
    confidence = known_confidence(time_ms, track, keypoints[:, :, 2], notes)
    box = keypoint_box(keypoints)
    kept = usable(time_ms, track, box, notes)
    return PersonFrames(
        time_ms[kept],
        np.repeat(cameras, counts).astype(np.int32)[kept],
        track[kept],
        quarter_pixels(box[:, kept]),
        quarter_pixels(keypoints[kept, :, 1].T),
        quarter_pixels(keypoints[kept, :, 0].T),
        np.rint(confidence[kept].T * PERMILLE).astype(np.int16),
    )


def keypoint_box(keypoints: Floats) -> Floats:
    """(4, rows) left, top, width, height round (rows, 17, 3) keypoints of row, column, confidence, with a margin."""
    top_left = keypoints[:, :, 1::-1].min(axis=1)
    extent = keypoints[:, :, 1::-1].max(axis=1) - top_left
    return np.concatenate([top_left - extent * BOX_MARGIN, extent * (1 + 2 * BOX_MARGIN)], axis=1).T


def known_confidence(time_ms: Int64s, track: Int64s, confidence: Floats, notes: list[str]) -> Floats:
    """(rows, 17) confidences within 0 to 1; where the source has none, as between the track's neighbouring frames.

    A keypoint without any confidence along its track counts as not seen.
    """
    unknown = np.isnan(confidence)
    note(notes, int(unknown.any(axis=1).sum()), "person-frames without confidences: interpolated along the track")
    note(notes, int((confidence > 1).sum()), "confidences above 1: taken as 1")
    filled = confidence.copy()
    for each in np.unique(track[unknown.any(axis=1)]):
        rows = np.flatnonzero(track == each)
        for keypoint in np.flatnonzero(unknown[rows].any(axis=0)):
            filled[rows, keypoint] = _interpolated(time_ms[rows], confidence[rows, keypoint])
    return np.clip(filled, 0, 1)


def _interpolated(time_ms: Int64s, values: Floats) -> Floats:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    order = np.argsort(time_ms[known])
    return np.interp(time_ms, time_ms[known][order], values[known][order])
