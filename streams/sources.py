"""Reading a recording: all its files as one stream in order of event time, and dead letters for what is refused."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from features.events import (
    TIME_MS_END,
    TRACK_END,
    Disposition,
    IdentityChange,
    PoseBatch,
    Purchase,
    Rejection,
    parse_event,
)
from features.keypoints import NO_TRACK, PERMILLE, Bools, PersonFrames, frames_of_batch
from features.site import Camera, Site
from streams.codecs import poses
from streams.recording import POSES, SITE, check_recording, event_files
from streams.site_file import load_site

EXCERPT = 200
_TRACKS = f"0..{TRACK_END - 1}, or null for a frame without persons"


class DeadLetter(Struct, frozen=True):
    """Input that could not be used, and why.

    Attributes:
        source: the file; of a message `topic/partition/offset`.
        place: line of a text file, row of a table; from 1.
        field: what was wrong.
        expected: what would have been right.
        got: what came.
        excerpt: the beginning of a line.
        person_frames: how many were in it, as far as they could be counted.
    """

    source: str
    place: int
    field: str
    expected: str
    got: str
    excerpt: str = ""
    person_frames: int = 0


Fact = Purchase | IdentityChange | Disposition
Item = PersonFrames | Fact | DeadLetter
Timed = tuple[int, Item]


def site_of(folder: Path) -> Site:
    """The site of a recording; if it has none, one of the cameras that occur, without zones or calibration."""
    check_recording(folder)
    if (folder / SITE).exists():
        return load_site(folder / SITE)
    return Site(cameras=[Camera(name) for name in sorted(_cameras(folder))])


def _cameras(folder: Path) -> set[str]:
    names = poses.camera_names(folder / POSES) if (folder / POSES).exists() else set()
    for path in event_files(folder):
        names |= {item.camera for _, item in _events(path) if isinstance(item, PoseBatch)}
    return names


def person_frames_of(folder: Path) -> int:
    """How many person-frames a recording's table has, for progress."""
    return poses.person_frames(folder / POSES) if (folder / POSES).exists() else 0


def read_recording(folder: Path, site: Site, rows: int = poses.ROWS_PER_GROUP) -> Iterator[Item]:
    """All of a recording, merged by event time, person-frames in blocks of up to `rows`."""
    cameras = {camera.name: place for place, camera in enumerate(site.cameras)}
    sources = [_lines(path, cameras) for path in event_files(folder)]
    if (folder / POSES).exists():
        sources.append(_table(folder / POSES, cameras, rows))
    return gather(merge(sources), rows)


def merge(sources: Iterable[Iterator[Timed]]) -> Iterator[Item]:
    """The items of all sources by time, each source in its own order; blocks are cut where another source goes on."""
    heads = [(*head, number, source) for number, source in enumerate(sources) if (head := next(source, None))]
    queue = [(time_ms, number, item, source) for time_ms, item, number, source in heads]
    queue.sort(key=lambda head: head[:2])
    while queue:
        _, number, item, source = queue.pop(0)
        rest = None
        if isinstance(item, PersonFrames) and queue:
            item, rest = _until(item, queue[0][0])
        yield item
        following = (_time_of(rest), rest) if rest is not None else next(source, None)
        if following:
            _insert(queue, (following[0], number, following[1], source))


def _insert(queue: list[tuple[int, int, Item, Iterator[Timed]]], head: tuple[int, int, Item, Iterator[Timed]]) -> None:
    """Keep the few heads sorted by time and source."""
    at = next((at for at, other in enumerate(queue) if other[:2] > head[:2]), len(queue))
    queue.insert(at, head)


def _until(frames: PersonFrames, time_ms: int) -> tuple[PersonFrames, PersonFrames | None]:
    cut = int(np.searchsorted(np.maximum.accumulate(frames.time_ms), time_ms, "right"))
    cut = max(cut, 1)
    return (frames, None) if cut == len(frames) else (frames.take(slice(0, cut)), frames.take(slice(cut, None)))


def _time_of(frames: PersonFrames) -> int:
    return int(frames.time_ms[0])


def gather(items: Iterable[Item], rows: int) -> Iterator[Item]:
    """Join person-frames that follow one another, so that steps work on blocks."""
    held: list[PersonFrames] = []
    for item in items:
        if isinstance(item, PersonFrames) and sum(map(len, held)) + len(item) <= rows:
            held.append(item)
            continue
        if held and not isinstance(item, DeadLetter):
            yield PersonFrames.concatenate(held)
            held = []
        if isinstance(item, PersonFrames):
            held = [item]
        else:
            yield item
    if held:
        yield PersonFrames.concatenate(held)


def _table(path: Path, cameras: dict[str, int], rows: int) -> Iterator[Timed]:
    first, time_ms = 1, 0
    for batch in poses.read_batches(path, rows):
        frames = poses.from_batch(batch, cameras)
        sound = sound_rows(frames)
        for row in np.flatnonzero(~sound).tolist():
            yield time_ms, dead_row(path.name, first + row, frames, row, batch.column("camera")[row].as_py())
        good = frames if sound.all() else frames.take(sound)
        if len(good):
            time_ms = int(good.time_ms[0])
            yield time_ms, good
        first += len(frames)


def sound_rows(frames: PersonFrames) -> Bools:
    """(rows,) whether every quantity is within its limits."""
    sound: Bools = (frames.camera >= 0) & (frames.time_ms >= 0) & (frames.time_ms < TIME_MS_END)
    sound &= (frames.track >= NO_TRACK) & (frames.track < TRACK_END)
    sound &= (frames.box[2:] >= 0).all(axis=0)
    sound &= (frames.confidence.min(axis=0) >= 0) & (frames.confidence.max(axis=0) <= PERMILLE)
    return sound


def dead_row(source: str, place: int, frames: PersonFrames, row: int, camera: str) -> DeadLetter:
    """What is wrong with a row that is not sound."""
    rules = (
        ("camera", "a camera of the site", camera, frames.camera[row] >= 0),
        ("time_ms", f"0..{TIME_MS_END - 1}", frames.time_ms[row], 0 <= frames.time_ms[row] < TIME_MS_END),
        ("track", _TRACKS, frames.track[row], NO_TRACK <= frames.track[row] < TRACK_END),
        ("box_width, box_height", "at least 0", frames.box[2:, row].tolist(), frames.box[2:, row].min() >= 0),
        ("confidence", f"0..{PERMILLE}", frames.confidence[:, row].tolist(), False),
    )
    field, expected, got, _ = next(rule for rule in rules if not rule[-1])
    return DeadLetter(source, place, field, expected, str(got), person_frames=int(frames.track[row] != NO_TRACK))


def _events(path: Path) -> Iterator[tuple[int, PoseBatch | Fact | DeadLetter]]:
    with path.open("rb") as lines:
        for place, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield place, parse_event(line)
            except Rejection as why:
                excerpt = line[:EXCERPT].decode("utf-8", "replace").rstrip("\n")
                yield place, DeadLetter(path.name, place, why.field, why.expected, why.got, excerpt)


def _lines(path: Path, cameras: dict[str, int]) -> Iterator[Timed]:
    time_ms = 0
    for place, event in _events(path):
        item = accept(event, cameras, path.name, place) if isinstance(event, PoseBatch) else event
        if isinstance(item, PersonFrames):
            time_ms = _time_of(item)
        elif not isinstance(item, DeadLetter):
            time_ms = item.time_ms
        yield time_ms, item


def accept(batch: PoseBatch, cameras: dict[str, int], source: str, place: int) -> PersonFrames | DeadLetter:
    """The person-frames of a batch; a dead letter if the site has no such camera."""
    if batch.camera in cameras:
        return frames_of_batch(batch, cameras[batch.camera])
    persons = sum(len(frame.persons) for frame in batch.frames)
    return DeadLetter(source, place, "$.camera", "a camera of the site", batch.camera, person_frames=persons)
