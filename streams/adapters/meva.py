"""MEVA: boxes of persons and their activities, in five-minute clips of 30 frames a second."""

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from msgspec import Struct

from features.keypoints import Int64s, PersonFrames
from features.site import Camera, Site
from streams.adapters.imported import Imported, files_of, reading
from streams.adapters.trajectories import Floats, note, tracked, with_empty_frames, write_tracks

FRAMES_PER_SECOND = 30
TRACKS_PER_CLIP = 10_000
_GEOM = re.compile(
    r"^- \{'geom': \{'g0': '([\d.-]+) ([\d.-]+) ([\d.-]+) ([\d.-]+)', 'id0': \d+, 'id1': (\d+), "
    r"'keyframe': \w+, 'ts0': (\d+)\}\}$",
    re.MULTILINE,
)


class Clip(Struct):
    """A clip's place in the recording; its tracks are the source's ids plus `first_track`."""

    clip: str
    camera: str
    start_ms: int
    first_track: int
    boxes: bool


class Actor(Struct):
    """A track that takes part in an activity, and when."""

    track: int
    start_ms: int
    end_ms: int


class Activity(Struct):
    """An activity during `[start_ms, end_ms)`; its actors may be things as well as persons."""

    activity: str
    clip: str
    camera: str
    start_ms: int
    end_ms: int
    actors: list[Actor]


class _Boxes(Struct):
    id: Int64s
    frame: Int64s
    box: Floats  # (4, rows) left, top, width, height
    unread: int  # lines not understood


def import_clips(source: Path, target: Path) -> Imported:
    """The boxes of all clips that have some, and the activities of all."""
    files = files_of(source, "*.activities.yml.gz", "MEVA's clips as KPF files")
    clips = [_clip(path, first) for first, path in enumerate(files)]
    notes: list[str] = []
    note(notes, sum(not clip.boxes for clip in clips), "clips without boxes: only their activities are kept")
    site = Site(name="meva", cameras=[Camera(name=name) for name in sorted({clip.camera for clip in clips})])
    activities = [activity for path, clip in zip(files, clips, strict=True) for activity in _activities(path, clip)]
    files_of(source, "*.geom.yml.gz", "boxes of at least one clip")
    rows = _rows(source, clips, [camera.name for camera in site.cameras], notes)
    return write_tracks(target, site, rows, notes, {"clips": clips, "activities": activities})


def _clip(path: Path, index: int) -> Clip:
    with reading(path, "a name such as 2018-03-05.13-15-01.13-20-01.bus.G331.activities.yml.gz"):
        name = path.name.removesuffix(".activities.yml.gz")
        day, start, _, place, camera = name.split(".")
        began = datetime.strptime(f"{day}.{start}", "%Y-%m-%d.%H-%M-%S").replace(tzinfo=UTC)
    boxes = _beside(path.parent, name, "geom").exists()
    return Clip(name, f"{place}.{camera}", int(began.timestamp()) * 1_000, index * TRACKS_PER_CLIP, boxes)


def _beside(source: Path, clip: str, kind: str) -> Path:
    return source / f"{clip}.{kind}.yml.gz"


def _rows(source: Path, clips: list[Clip], cameras: list[str], notes: list[str]) -> PersonFrames:
    boxes = [(clip, _read_boxes(_beside(source, clip.clip, "geom"))) for clip in clips if clip.boxes]
    persons = [np.isin(each.id, _read_persons(_beside(source, clip.clip, "types"))) for clip, each in boxes]
    note(notes, sum(each.unread for _, each in boxes), "lines of boxes not understood: left out")
    note(notes, sum(int((~person).sum()) for person in persons), "boxes of things that are no person: left out")
    person = np.concatenate(persons)
    time_ms = np.concatenate([_times(clip, each.frame) for clip, each in boxes])[person]
    track = np.concatenate([clip.first_track + each.id for clip, each in boxes])[person]
    rows = tracked(time_ms, track, np.concatenate([each.box for _, each in boxes], axis=1)[:, person], notes)
    places = np.array([cameras.index(clip.camera) for clip in clips])
    rows.camera[:] = places[rows.track // TRACKS_PER_CLIP]
    return with_empty_frames(rows, [_frame_times(boxes, camera) for camera in cameras])


def _frame_times(boxes: list[tuple[Clip, _Boxes]], camera: str) -> Int64s:
    """Times of a camera's frames: each clip from its beginning to its last box of anything."""
    clips = [_times(clip, np.arange(each.frame.max() + 1)) for clip, each in boxes if clip.camera == camera]
    return np.concatenate([np.zeros(0, np.int64), *clips])


def _times(clip: Clip, frame: Int64s) -> Int64s:
    return clip.start_ms + frame * 1_000 // FRAMES_PER_SECOND


def _read_boxes(path: Path) -> _Boxes:
    with reading(path, "lines such as - {'geom': {'g0': '1 2 3 4', 'id0': 1, 'id1': 31, ...}}"):
        text = gzip.decompress(path.read_bytes()).decode("ascii")
        left, top, right, bottom, id1, frame = np.array(_GEOM.findall(text), np.float64).T
        if id1.max() >= TRACKS_PER_CLIP:
            raise ValueError(f"id1 {id1.max():.0f}, above {TRACKS_PER_CLIP - 1}")
    unread = sum(map(bool, text.splitlines())) - len(id1)
    box = np.stack([left, top, right - left, bottom - top])
    return _Boxes(id1.astype(np.int64), frame.astype(np.int64), box, unread)


def _read_yaml(path: Path) -> list[dict[str, Any]]:
    entries = yaml.load(gzip.decompress(path.read_bytes()), Loader=yaml.CSafeLoader)
    return list(entries)


def _read_persons(path: Path) -> list[int]:
    with reading(path, "entries such as {types: {id1: 31, cset3: {person: 1.0}}}"):
        types = [entry["types"] for entry in _read_yaml(path) if "types" in entry]
        return [int(each["id1"]) for each in types if "person" in each["cset3"]]


def _activities(path: Path, clip: Clip) -> list[Activity]:
    with reading(path, "entries such as {act: {act2: {person_purchases: 1.0}, actors: [...], timespan: [...]}}"):
        return [_activity(entry["act"], clip) for entry in _read_yaml(path) if "act" in entry]


def _activity(act: dict[str, Any], clip: Clip) -> Activity:
    (name,) = act["act2"]
    actors = [Actor(clip.first_track + actor["id1"], *_span(actor, clip)) for actor in act["actors"]]
    return Activity(name, clip.clip, clip.camera, *_span(act, clip), actors)


def _span(part: dict[str, Any], clip: Clip) -> tuple[int, int]:
    ((first, last),) = [span["tsr0"] for span in part["timespan"]]
    start_ms, end_ms = _times(clip, np.array([first, last + 1])).tolist()
    return start_ms, end_ms
