"""Files without the persons who are erased: each is written anew and put in the place of the old one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from features.events import Disposition, Event, IdentityChange, PoseBatch, Purchase, Rejection, parse_event
from features.keypoints import NO_TRACK, Bools, PersonFrames
from features.site import Site
from streams.codecs import poses
from streams.erasing.closure import Tracker, Visits
from streams.jobs import write_whole
from streams.recording import POSES, TRUTH, event_files

MARGIN_MS = 60_000  # before and after a tracker id was last seen, in which what came of it too late is his or hers too


@dataclass(frozen=True, slots=True)
class Traces:
    """What tells that something is of an erased person.

    Attributes:
        names: of tracks, and so of persons.
        trackers: of each tracker id the times between which it was the person's, ms.
        receipts: `store/till/receipt`.
        tokens: of customers.
    """

    names: frozenset[str]
    trackers: dict[Tracker, list[tuple[int, int]]]
    receipts: frozenset[str]
    tokens: frozenset[str]

    @classmethod
    def of(cls, visits: Visits, names: frozenset[str]) -> "Traces":
        """Of the persons of a journal with these names."""
        trackers = dict[Tracker, list[tuple[int, int]]]()
        for name in sorted(names & visits.trackers.keys()):
            for tracker, span in visits.trackers[name].items():
                trackers.setdefault(tracker, []).append(span)
        receipts = frozenset(one for name in names & visits.receipts.keys() for one in visits.receipts[name])
        customers = (one for name in names & visits.customers.keys() for one in visits.customers[name])
        tokens = frozenset(one.partition("/")[2] for one in customers)
        return cls(names, trackers, receipts, tokens)

    def seen(self, camera: str, tracker: int, time_ms: int, margin_ms: int = 0) -> bool:
        """Whether a tracker id was the person's at a time."""
        spans = self.trackers.get((camera, tracker), ())
        return any(first - margin_ms <= time_ms < last + margin_ms for first, last in spans)

    def tell(self, event: Event) -> bool:
        """Whether a fact is about the person."""
        if isinstance(event, Purchase):
            receipt = f"{event.store}/{event.till}/{event.receipt}"
            return receipt in self.receipts or event.customer in self.tokens or self._named(event.person, event.time_ms)
        if isinstance(event, IdentityChange):
            ends = [(event.camera, event.track)]
            ends += [(event.other_camera, event.other_track)] if event.other_camera and event.other_track else []
            return any(self.seen(camera, track, event.time_ms, MARGIN_MS) for camera, track in ends)
        return isinstance(event, Disposition) and event.person in self.names

    def _named(self, person: str | None, time_ms: int) -> bool:
        camera, _, rest = (person or "").partition("/")
        tracker = rest.partition("/")[0]
        return person in self.names or (tracker.isdigit() and self.seen(camera, int(tracker), time_ms, MARGIN_MS))

    def within(self, text: bytes) -> bool:
        """Whether a text has a name or a token of the person in it."""
        return any(f'"{one}"'.encode() in text for one in (*self.names, *self.tokens, *self.receipts))


def keep_lines(path: Path, is_kept: Callable[[bytes], bool]) -> int:
    """Write a file of lines anew with those that are kept; how many were dropped."""
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if is_kept(line)]
    if len(kept) < len(lines):
        write_whole(path, b"".join(kept))
    return len(lines) - len(kept)


class _About(msgspec.Struct):
    """Whose a published line is."""

    person: str


class _Late(msgspec.Struct):
    """What a line of late input may say of a person-frame."""

    type: str
    camera: str = ""
    track: int | None = None
    time_ms: int = 0


_about, _late = msgspec.json.Decoder(_About), msgspec.json.Decoder(_Late)


def is_published_of(line: bytes, traces: Traces) -> bool:
    """Whether a score or an alert is about the person."""
    return _about.decode(line).person in traces.names


def is_late_of(line: bytes, traces: Traces) -> bool:
    """Whether late input is of the person."""
    told = _late.decode(line)
    if told.type != "person_frame":
        return traces.tell(parse_event(line))
    return told.track is not None and traces.seen(told.camera, told.track, told.time_ms, MARGIN_MS)


def erase_recording(folder: Path, site: Site, traces: Traces) -> int:
    """Take the persons out of a recording; how many person-frames and events were dropped.

    A frame in which nobody is left stays, as a frame without persons: it moves the camera's time.
    """
    dropped = sum(_erase_events(path, traces) for path in event_files(folder))
    if (folder / POSES).exists():
        dropped += _erase_frames(folder / POSES, [camera.name for camera in site.cameras], traces)
    (folder / TRUTH).unlink(missing_ok=True)
    return dropped


def _erase_events(path: Path, traces: Traces) -> int:
    lines, dropped = list[bytes](), 0
    for line in path.read_bytes().splitlines(keepends=True):
        kept, gone = _without(line, traces)
        lines += [kept] if kept else []
        dropped += gone
    if dropped:
        write_whole(path, b"".join(lines))
    return dropped


def _without(line: bytes, traces: Traces) -> tuple[bytes, int]:
    """A line of events without the persons, and how many events or person-frames that took."""
    try:
        event = parse_event(line)
    except Rejection:
        return (b"", 1) if traces.within(line) else (line, 0)
    if not isinstance(event, PoseBatch):
        return (b"", 1) if traces.tell(event) else (line, 0)
    frames, gone = [], 0
    for frame in event.frames:
        left = [one for one in frame.persons if not traces.seen(event.camera, one.track, frame.time_ms)]
        gone += len(frame.persons) - len(left)
        frames.append(msgspec.structs.replace(frame, persons=left))
    return (msgspec.json.encode(msgspec.structs.replace(event, frames=frames)) + b"\n" if gone else line), gone


def _erase_frames(path: Path, cameras: list[str], traces: Traces) -> int:
    unfinished, dropped = path.with_name(f".{path.name}"), 0
    with poses.writer(unfinished) as writer:
        for frames, gone in _frames_without(path, cameras, traces):
            writer.write_table(poses.to_table(frames, cameras), row_group_size=poses.ROWS_PER_GROUP)
            dropped += gone
    unfinished.replace(path)
    return dropped


def _frames_without(path: Path, cameras: list[str], traces: Traces) -> Iterator[tuple[PersonFrames, int]]:
    places = {name: place for place, name in enumerate(cameras)}
    for batch in poses.read_batches(path):
        frames = poses.from_batch(batch, places)
        gone = _of_persons(frames, cameras, traces)
        yield _left(frames, gone), int(gone.sum())


def _of_persons(frames: PersonFrames, cameras: list[str], traces: Traces) -> Bools:
    gone = np.zeros(len(frames), np.bool_)
    for (camera, tracker), spans in traces.trackers.items():
        own = (frames.track == tracker) & (frames.camera == cameras.index(camera))
        for first_ms, last_ms in spans:
            gone |= own & (frames.time_ms >= first_ms) & (frames.time_ms < last_ms)
    return gone


def _left(frames: PersonFrames, gone: Bools) -> PersonFrames:
    """The frames without the rows that are gone; of each frame that is emptied a row without a person stays."""
    _, first, frame = np.unique(
        np.stack([frames.time_ms, frames.camera]), axis=1, return_index=True, return_inverse=True
    )
    emptied = first[np.bincount(frame, ~gone, len(first)) == 0]
    kept = ~gone
    kept[emptied] = True
    left, at = frames.take(kept), np.searchsorted(np.flatnonzero(kept), emptied)
    left.track[at] = NO_TRACK
    for body in (left.box, left.x, left.y, left.confidence):
        body[:, at] = 0
    return left
