"""The person step: journal entries in, rows of sequence features out; the same journal always gives the same rows."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from features import windows
from features.facts import forgotten_after_ms
from features.fold import FOLD, Folds
from features.identity import Identities, change, forget, join, publish
from features.keypoints import Bools, Int32s, Int64s
from features.motion import ways
from features.runs import Runs
from features.segments import SEGMENT_MS, Attribution, Entry, Erased, SegmentBlock, Segments, TrackChange
from features.sequence import FINAL, GRID, SECOND, FeatureRows
from features.site import Timing
from features.visit import Places, advance, feature_values, no_gait, prepare
from features.walk import kinds_of

FORGET_EVERY_MS = 60_000


@dataclass(slots=True)
class PersonState:
    """What the person step remembers; it owns the arrays and changes them in place.

    Attributes:
        slots: where each track's fold is.
        free: slots that may be taken again.
        folds: (slots,) of `FOLD`.
        ring: (slots, 60, quantities) seconds of the sliding sums.
        bearing: (slots, 10, UNUSUAL) seconds of how unusual the bearing was.
        gait: (slots, 8, gait values) last seconds of the gait.
        identities: tracks that are one person, purchases joined to them, and what was published of late.
        ended: when each track ended that did, until it is forgotten.
        now_ms: latest event time in the journal.
        position: place in the journal of the next entry.
    """

    identities: Identities
    slots: dict[str, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    folds: Folds = field(default_factory=lambda: np.zeros(0, FOLD))
    ring: windows.Ring = field(default_factory=lambda: windows.empty_rings(0)[0])
    bearing: windows.Ring = field(default_factory=lambda: windows.empty_rings(0)[1])
    gait: windows.Ring = field(default_factory=lambda: windows.empty_rings(0)[2])
    ended: dict[str, int] = field(default_factory=dict)
    now_ms: int = 0
    position: int = 0


def person_step(state: PersonState, entry: Entry | Erased, places: Places) -> FeatureRows:
    """Fold one journal entry and give the feature rows that it changes or adds."""
    if isinstance(entry, SegmentBlock):
        folded = [_fold_block(state, part, places) for part in _by_minute(state, entry)]
        return folded[0] if len(folded) == 1 else FeatureRows.concatenate(folded)
    if isinstance(entry, Erased):
        _pass_over(state, entry, places.site.timing)
        return FeatureRows.of([])
    position, state.position = state.position, state.position + 1
    if isinstance(entry, Attribution):
        return join(state.identities, entry, position)
    if isinstance(entry, TrackChange):
        return change(state.identities, entry, position)
    return FeatureRows.of([])


def _pass_over(state: PersonState, erased: Erased, timing: Timing) -> None:
    for time_ms in erased.times_ms:
        _forget(state, time_ms, timing)
        state.now_ms = max(state.now_ms, time_ms)
        state.position += 1


def _by_minute(state: PersonState, block: SegmentBlock) -> list[SegmentBlock]:
    """A block, cut where the journal's time enters another minute, so that any split forgets at the same place."""
    now_ms = np.maximum.accumulate(np.append(state.now_ms, block.rows["second_ms"]))
    cuts = np.flatnonzero(np.diff(now_ms // FORGET_EVERY_MS)).tolist()
    spans = list(pairwise(sorted({0, *cuts, len(block)})))
    return [block.part(slice(*span)) for span in spans] if len(spans) > 1 else [block]


def _fold_block(state: PersonState, block: SegmentBlock, places: Places) -> FeatureRows:
    _forget(state, int(block.rows["second_ms"][0]), places.site.timing)
    slot = _slots_of(state, block)[block.track]
    folds, gait = _fold_seconds(state, block, slot, places)
    rows = _rows(state, block, feature_values(folds, gait), folds["end_ms"], places)
    state.position += len(block)
    state.now_ms = max(state.now_ms, int(block.rows["second_ms"].max(initial=0)))
    _end_tracks(state, block)
    return publish(state.identities, rows)


def _slots_of(state: PersonState, block: SegmentBlock) -> Int32s:
    """(tracks,) the slot of each of a block's tracks, taken where the track is new."""
    new = [track for track in block.tracks if track not in state.slots]
    if len(new) > len(state.free):
        _grow(state, len(new))
    for track in new:
        state.slots[track] = state.free.pop()
    slots = np.array([state.slots[track] for track in block.tracks], np.int32)
    begun = np.array([state.slots[track] for track in new], np.int32)
    state.folds[begun] = np.zeros(1, FOLD)
    for ring, empty in zip(_rings(state), windows.empty_rings(1), strict=True):
        ring[begun] = empty[0]
    state.folds["camera"][slots] = block.cameras
    return slots


def _grow(state: PersonState, wanted: int) -> None:
    slots = len(state.folds)
    more = max(wanted, slots // 4, 16)
    state.folds = np.concatenate([state.folds, np.zeros(more, FOLD)])
    grown = (np.concatenate(pair) for pair in zip(_rings(state), windows.empty_rings(more), strict=True))
    state.ring, state.bearing, state.gait = grown
    state.free += range(slots + more - 1, slots - 1, -1)


def _rings(state: PersonState) -> tuple[windows.Ring, windows.Ring, windows.Ring]:
    return state.ring, state.bearing, state.gait


def _fold_seconds(state: PersonState, block: SegmentBlock, slot: Int32s, places: Places) -> tuple[Folds, Int32s]:
    """The fold after each row, and the gait where it is published."""
    folds, gait = np.zeros(len(slot), FOLD), no_gait(len(slot))
    live, ends = np.flatnonzero(block.rows["frames"] > 0), np.flatnonzero(block.rows["frames"] == 0)
    order = live[np.lexsort((block.rows["second_ms"][live], slot[live]))]
    shown, recent = order[:0], state.gait[:0]
    if len(order):
        shown = np.flatnonzero(on_grid(block.rows["second_ms"][order] + SEGMENT_MS, places))
        folds[order], recent = _fold_tracks(state, block, order, slot[order], shown, places)
    folds[ends] = state.folds[slot[ends]]
    ended = windows.recent_gait(state.gait, slot[ends], folds["end_ms"][ends] - SEGMENT_MS)
    if len(recent) or len(ended):
        gaits = windows.Gaits.of(np.concatenate([recent, ended]))
        gait[np.concatenate([order[shown], ends])] = np.hstack([gaits.features, kinds_of(gaits, places.walks)])
    return folds, gait


def _fold_tracks(
    state: PersonState, block: SegmentBlock, order: Int64s, slot: Int32s, shown: Int64s, places: Places
) -> tuple[Folds, windows.Ring]:
    """The fold after each row by track and second, and the last seconds of the gait of those `shown`."""
    rows, thresholds = block.rows[order], places.site.thresholds
    tracks = Runs(np.flatnonzero(np.append(True, slot[1:] != slot[:-1])), len(rows))
    taken = slot[tracks.starts]
    before = state.folds[taken]
    way = ways(rows, tracks, before, thresholds.still_mm_per_s)
    seconds = prepare(rows, block.cameras[block.track[order]], way, places)
    folds = advance(before, seconds, tracks, thresholds)
    timeline = windows.Timeline.of(rows, tracks, taken, before)
    windows.slide(state.ring, folds, before, timeline, seconds.windowed, windows.MOTION)
    if seconds.unusual.any() or before["unusual"].any():
        windows.slide(state.bearing, folds, before, timeline, seconds.unusual, windows.BEARING)
    recent = windows.slide_gait(state.gait, timeline, rows, shown)
    state.folds[taken] = folds[tracks.lasts]
    return folds, recent


def on_grid(time_ms: Int64s, places: Places) -> Bools:
    """Whether scores are published at each instant."""
    published: Bools = time_ms % places.site.timing.score_every_ms == 0
    return published


def _published(rows: Segments, places: Places) -> Bools:
    published: Bools = on_grid(rows["second_ms"] + SEGMENT_MS, places) | (rows["frames"] == 0)
    return published


def _rows(state: PersonState, block: SegmentBlock, values: Int32s, end_ms: Int64s, places: Places) -> FeatureRows:
    final = block.rows["frames"] == 0
    kind = np.where(final, FINAL, np.where(_published(block.rows, places), GRID, SECOND))
    return FeatureRows(
        persons=block.tracks,
        person=block.track,
        camera=block.cameras[block.track],
        time_ms=end_ms,
        kind=kind.astype(np.int8),
        revision=(final & on_grid(end_ms, places)).astype(np.int32),
        position=state.position + np.arange(len(block)),
        values=values,
    )


def _end_tracks(state: PersonState, block: SegmentBlock) -> None:
    for at in np.flatnonzero(block.rows["frames"] == 0).tolist():
        track = block.tracks[block.track[at]]
        state.ended[track] = int(block.rows["second_ms"][at])
        state.free.append(state.slots.pop(track))


def _forget(state: PersonState, second_ms: int, timing: Timing) -> None:
    """Let go, once a minute, of tracks that ended and of what was published, as no fact can correct them any more."""
    if second_ms // FORGET_EVERY_MS <= state.now_ms // FORGET_EVERY_MS:
        return
    expired = {track for track, end_ms in state.ended.items() if end_ms + forgotten_after_ms(timing) < second_ms}
    gone = forget(state.identities, second_ms - timing.fact_allowance_ms, expired)
    state.ended = {track: end_ms for track, end_ms in state.ended.items() if track not in gone}
