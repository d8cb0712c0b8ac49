"""The camera step: poses, purchases and identity changes in; the journal's segments and facts out."""

from dataclasses import dataclass, field, replace

import numpy as np

from features.attribution import BEFORE_MS, TillPresence
from features.closing import Layout, close_seconds
from features.events import Disposition, IdentityChange, Purchase
from features.facts import Known, Waiting, forgotten_after_ms, name_of, resolve, still_known, waiting_for
from features.keypoints import NO_TRACK, Int64s, PersonFrames
from features.segments import SEGMENT, SEGMENT_MS, Entry, SegmentBlock, Segments
from features.stitching import merge_seconds, stitch, track_of
from features.tracks import ENDLESS_MS, Following, Tracks, fallen_silent, follow, silent_at_ms
from features.watermark import NEVER, Progress, first_silence, is_late, progress, second_of

CameraEntry = PersonFrames | Purchase | IdentityChange | Disposition


@dataclass(frozen=True, slots=True)
class CameraState:
    """What the camera step remembers.

    Attributes:
        pending: person-frames of seconds that are still open.
        latest_ms: (cameras,) latest event time of each camera; `NEVER` before its first frame.
        closed_ms: (cameras,) everything before is closed although the watermark may be behind: the camera was silent.
        heard_ms: (cameras,) time of all sources when each camera was last heard; `NEVER` once it was given up.
        now_ms: latest event time of all sources.
        open: tracks that may go on.
        ended: tracks that fell silent, kept for facts that come late.
        presence: who stood at which till.
        waiting: purchases and identity changes whose seconds are not closed yet.
        known: facts that were taken, so that they count once.
    """

    pending: PersonFrames
    latest_ms: Int64s
    closed_ms: Int64s
    heard_ms: Int64s
    now_ms: int
    open: Tracks
    ended: Tracks
    presence: TillPresence
    waiting: tuple[Waiting, ...]
    known: Known

    @classmethod
    def start(cls, layout: Layout) -> "CameraState":
        """Nothing seen yet."""
        never = np.full(len(layout.site.cameras), NEVER, np.int64)
        none = Tracks.none()
        return cls(PersonFrames.empty(), never, never, never, 0, none, none, TillPresence(), (), {})


@dataclass(slots=True)
class CameraStep:
    """The state after a step, its journal entries in order, and what could not be used.

    Attributes:
        state: the state after the step.
        entries: for the journal.
        late: person-frames whose second was closed when they came.
        late_facts: purchases and identity changes that came after the allowance.
        repeated_facts: that had come before.
        repeated: person-frames that had come before.
        opted_out: person-frames in zones or hours in which nobody is scored.
    """

    state: CameraState
    entries: list[Entry] = field(default_factory=list)
    late: list[PersonFrames] = field(default_factory=list)
    late_facts: list[Purchase | IdentityChange] = field(default_factory=list)
    repeated_facts: list[Purchase | IdentityChange | Disposition] = field(default_factory=list)
    repeated: int = 0
    opted_out: int = 0


def camera_step(state: CameraState, entry: CameraEntry, layout: Layout) -> CameraStep:
    """Take in person-frames, which must be of cameras of the site, or a fact."""
    step = CameraStep(state)
    if isinstance(entry, PersonFrames):
        _take_frames(step, entry, layout)
    elif name_of(entry) in state.known:
        step.repeated_facts.append(entry)
    elif isinstance(entry, Disposition):
        step.entries.append(entry)
        _know(step, entry, layout)
    else:
        _take_fact(step, entry, layout)
    return step


def finish(state: CameraState, layout: Layout) -> CameraStep:
    """The end of the input: nothing more is awaited."""
    step = CameraStep(state)
    _close(step, np.full(len(state.latest_ms), ENDLESS_MS, np.int64), None, layout)
    _release(step, layout, every=True)
    return step


def _take_frames(step: CameraStep, frames: PersonFrames, layout: Layout) -> None:
    """Cut the frames where a camera falls silent or a fact's seconds are closed, so that any split gives the same."""
    silence_ms = layout.site.timing.camera_silence_ms
    while len(frames):
        moved = progress(frames.camera, frames.time_ms, step.state.latest_ms)
        noticed, silent = first_silence(
            frames.camera, frames.time_ms, step.state.heard_ms, step.state.now_ms, silence_ms
        )
        released = _first_release(step.state, frames, moved, layout.site.timing.pose_allowance_ms)
        cut = min(noticed, released) + 1
        part, frames = (frames, frames.take(slice(0, 0))) if cut >= len(frames) else _cut(frames, cut)
        if cut < len(moved.latest_ms):
            moved = progress(part.camera, part.time_ms, step.state.latest_ms)
        _advance(step, part, moved, layout)
        if silent >= 0 and noticed < cut:
            _expire(step, silent, layout)
        _release(step, layout)
        _forget(step, layout)


def _first_release(state: CameraState, frames: PersonFrames, moved: Progress, allowance_ms: int) -> int:
    """The row with which the first waiting fact gets ready; the number of rows if none does."""
    if not state.waiting:
        return len(frames)
    now_ms, watermark_ms = np.maximum.accumulate(frames.time_ms), state.latest_ms - allowance_ms
    return min(one.ready_at_row(moved, watermark_ms, now_ms, allowance_ms) for one in state.waiting)


def _cut(frames: PersonFrames, at: int) -> tuple[PersonFrames, PersonFrames]:
    return frames.take(slice(0, at)), frames.take(slice(at, None))


def _take_fact(step: CameraStep, fact: Purchase | IdentityChange, layout: Layout) -> None:
    state, timing = step.state, layout.site.timing
    if fact.time_ms + timing.fact_allowance_ms < state.now_ms:
        step.late_facts.append(fact)
        return
    waiting = sorted((*state.waiting, waiting_for(fact, layout.site)), key=lambda one: one.rank)
    step.state = replace(state, waiting=tuple(waiting), now_ms=max(state.now_ms, fact.time_ms))
    _know(step, fact, layout)
    heard_ms = step.state.heard_ms
    for camera in np.flatnonzero((heard_ms != NEVER) & (heard_ms + timing.camera_silence_ms <= step.state.now_ms)):
        _expire(step, int(camera), layout)
    _release(step, layout)


def _know(step: CameraStep, fact: Purchase | IdentityChange | Disposition, layout: Layout) -> None:
    """Remember a fact for as long as it would not be late if it came again; dispositions as if they could be."""
    state = step.state
    until_ms = max(state.now_ms, fact.time_ms) + layout.site.timing.fact_allowance_ms
    step.state = replace(state, known=still_known({**state.known, name_of(fact): until_ms}, state.now_ms))


def _advance(step: CameraStep, frames: PersonFrames, moved: Progress, layout: Layout) -> None:
    """Sort out late frames, move the watermarks and close what they pass."""
    state, allowance_ms = step.state, layout.site.timing.pose_allowance_ms
    late = is_late(
        frames.time_ms, np.maximum(moved.latest_ms, state.closed_ms[frames.camera] + allowance_ms), allowance_ms
    )
    person = frames.track != NO_TRACK
    if late.any():
        step.late.append(frames.take(late & person))
    kept = frames if person.all() and not late.any() else frames.take(person & ~late)
    latest_ms, heard_ms = state.latest_ms.copy(), state.heard_ms.copy()
    np.maximum.at(latest_ms, frames.camera, frames.time_ms)
    now = np.maximum(np.maximum.accumulate(frames.time_ms), state.now_ms)
    heard_ms[frames.camera] = now
    step.state = replace(
        state,
        pending=PersonFrames.concatenate([state.pending, kept]),
        latest_ms=latest_ms,
        heard_ms=heard_ms,
        now_ms=int(now[-1]),
    )
    _close(step, np.where(latest_ms == NEVER, NEVER, latest_ms - allowance_ms), moved, layout)


def _expire(step: CameraStep, camera: int, layout: Layout) -> None:
    """Close everything of a camera that fell silent."""
    state = step.state
    watermark_ms = np.full(len(state.latest_ms), NEVER, np.int64)
    watermark_ms[camera] = ENDLESS_MS
    closed_ms, heard_ms = state.closed_ms.copy(), state.heard_ms.copy()
    closed_ms[camera] = state.latest_ms[camera] - state.latest_ms[camera] % SEGMENT_MS + SEGMENT_MS
    heard_ms[camera] = NEVER
    step.state = replace(state, closed_ms=closed_ms, heard_ms=heard_ms)
    _close(step, watermark_ms, None, layout)


def _close(step: CameraStep, watermark_ms: Int64s, moved: Progress | None, layout: Layout) -> None:
    """Close the seconds and end the tracks that the watermarks have passed, as journal entries in order."""
    state, timing = step.state, layout.site.timing
    pending = state.pending
    closing = second_of(pending.time_ms) + SEGMENT_MS <= watermark_ms[pending.camera]
    closed = close_seconds(pending.take(closing), layout)
    step.repeated += closed.repeated
    step.opted_out += closed.opted_out
    followed = follow(state.open, closed.camera, closed.tracker, closed.rows, timing.track_silence_ms)
    followed = stitch(followed, closed.rows, layout.zones.bits("exit"), min(timing.stitch_ms, timing.track_silence_ms))
    tracks, retired = followed.tracks, followed.retired
    ended = fallen_silent(tracks, watermark_ms, timing.track_silence_ms) & ~retired
    if len(closed.rows) or ended.any():
        block = _in_order(closed.rows, followed, np.flatnonzero(ended), moved, layout)
        step.entries.append(block)
        _note_presence(state.presence, block, layout)
    ended |= retired
    step.state = replace(
        state,
        pending=pending.take(~closing),
        open=tracks.take(~ended),
        ended=state.ended.and_(tracks.take(ended)),
    )


def _in_order(
    rows: Segments, followed: Following, ended: Int64s, moved: Progress | None, layout: Layout
) -> SegmentBlock:
    """Segments and ends of tracks in the order in which the arrival of frames settled them."""
    timing, pieces = layout.site.timing, followed.tracks
    whole = track_of(pieces)
    kept, rows = merge_seconds(whole[followed.place], rows)
    ends = np.zeros(len(ended), SEGMENT)
    ends["second_ms"] = pieces.end_ms[ended]
    piece = np.concatenate([followed.place[kept], ended])
    settled_ms = np.concatenate([rows["second_ms"] + SEGMENT_MS, silent_at_ms(pieces, timing.track_silence_ms)[ended]])
    rows = np.concatenate([rows, ends])
    rows["tracker"] = pieces.tracker[piece]
    camera = pieces.camera[piece]
    arrival = np.zeros(len(piece), np.int64)
    if moved is not None:
        arrival = moved.reached_at(camera, settled_ms + timing.pose_allowance_ms)
    order = np.lexsort((pieces.first_tracker[piece], pieces.first_ms[piece], camera, settled_ms, arrival))
    _, first, local = np.unique(whole[piece[order]], return_index=True, return_inverse=True)
    named = pieces.take(piece[order[first]])
    cameras = [camera.name for camera in layout.site.cameras]
    return SegmentBlock(named.names(cameras), named.camera, local.astype(np.int32), rows[order])


def _note_presence(presence: TillPresence, block: SegmentBlock, layout: Layout) -> None:
    if layout.places.of_till and block.rows["zones"].any():
        place, row = layout.places.seen(block)
        presence.note(place, block.rows["second_ms"][row], block.track[row], block.tracks)


def _release(step: CameraStep, layout: Layout, *, every: bool = False) -> None:
    """Move the waiting facts whose seconds are closed to the journal."""
    state, allowance_ms = step.state, layout.site.timing.pose_allowance_ms
    ready = [every or one.is_ready(state.latest_ms - allowance_ms, state.now_ms) for one in state.waiting]
    if not any(ready):
        return
    waiting = tuple(one for one, now in zip(state.waiting, ready, strict=True) if not now)
    step.state = replace(state, waiting=waiting)
    tracks = state.open.and_(state.ended)
    for one in (one for one, now in zip(state.waiting, ready, strict=True) if now):
        step.entries.append(resolve(one, state.presence, layout.places, tracks, layout.site))
        if isinstance(one.fact, IdentityChange) and one.fact.begins_anew:
            _end_open(step, one.fact, layout)


def _end_open(step: CameraStep, change: IdentityChange, layout: Layout) -> None:
    """End a track whose tracker id goes on as somebody else."""
    pieces, nobody = step.state.open, np.zeros(0, np.int64)
    camera = np.array([one.name == change.camera for one in layout.site.cameras], np.bool_)[pieces.camera]
    ended = camera & (pieces.tracker == change.track) & (pieces.start_ms <= change.time_ms)
    if ended.any():
        none = np.zeros(len(pieces), np.bool_)
        followed = Following(pieces, nobody, none, none, pieces.last)
        step.entries.append(_in_order(np.zeros(0, SEGMENT), followed, np.flatnonzero(ended), None, layout))
        gone = step.state.ended.and_(pieces.take(ended))
        step.state = replace(step.state, open=pieces.take(~ended), ended=gone)


def _forget(step: CameraStep, layout: Layout) -> None:
    """Let go of what no fact that may still come can need."""
    state, timing = step.state, layout.site.timing
    state.presence.forget(state.now_ms - timing.fact_allowance_ms - BEFORE_MS)
    useful = state.ended.end_ms >= state.now_ms - forgotten_after_ms(timing)
    ended = state.ended if useful.all() else state.ended.take(useful)
    step.state = replace(state, ended=ended, known=still_known(state.known, state.now_ms))
