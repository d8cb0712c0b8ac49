"""Facts that wait until the seconds they need are closed, and facts that come twice."""

from dataclasses import dataclass

import numpy as np

from features.attribution import BEFORE_MS, Incarnations, TillPlaces, TillPresence, TrackSpan, attribute, ready_at_ms
from features.events import Disposition, IdentityChange, Purchase
from features.keypoints import Int64s
from features.segments import SEGMENT_MS, Attribution, TrackChange
from features.site import Site, Timing
from features.tracks import Tracks
from features.watermark import Progress

Known = dict[str, int]  # facts by name, and the time of all sources up to which each is remembered


def name_of(fact: Purchase | IdentityChange | Disposition) -> str:
    """What tells a fact from every other: store, till and receipt of a purchase, else the name its sender gave it."""
    if isinstance(fact, Purchase):
        return f"purchase/{fact.store}/{fact.till}/{fact.receipt}"
    return f"identity/{fact.change}" if isinstance(fact, IdentityChange) else f"disposition/{fact.disposition}"


def still_known(known: Known, now_ms: int) -> Known:
    """The facts that are remembered at a time of all sources."""
    if all(until_ms >= now_ms for until_ms in known.values()):
        return known
    return {name: until_ms for name, until_ms in known.items() if until_ms >= now_ms}


def named_for_ms(timing: Timing) -> int:
    """How long after its end a track can still be named by a fact."""
    return BEFORE_MS + timing.track_silence_ms + timing.fact_allowance_ms


def forgotten_after_ms(timing: Timing) -> int:
    """How long after its end a track is of no use to any fact that may come."""
    return named_for_ms(timing) + timing.fact_allowance_ms


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact and what it waits for.

    Attributes:
        fact: the purchase or identity change.
        cameras: places of the cameras whose seconds it needs; without any it waits for `give_up_ms`.
        ready_ms: the cameras' watermark that settles it.
        give_up_ms: the time of all sources at which it waits no longer.
    """

    fact: Purchase | IdentityChange
    cameras: tuple[int, ...]
    ready_ms: int
    give_up_ms: int

    @property
    def rank(self) -> tuple[int, str]:
        """Facts that are settled at once go to the journal in this order."""
        return self.fact.time_ms, self.fact.receipt if isinstance(self.fact, Purchase) else self.fact.change

    def is_ready(self, watermark_ms: Int64s, now_ms: int) -> bool:
        """Whether nothing more is awaited. `watermark_ms` is (cameras,)."""
        seen = bool(self.cameras) and all(watermark_ms[camera] >= self.ready_ms for camera in self.cameras)
        return seen or now_ms >= self.give_up_ms

    def ready_at_row(self, moved: Progress, watermark_ms: Int64s, now_ms: Int64s, allowance_ms: int) -> int:
        """The first row of a block with which it gets ready.

        Args:
            moved: the watermarks over the block.
            watermark_ms: (cameras,) before the block.
            now_ms: (rows,) ascending, the time of all sources.
            allowance_ms: for poses.
        """
        given_up = int(np.searchsorted(now_ms, self.give_up_ms))
        behind = np.array([camera for camera in self.cameras if watermark_ms[camera] < self.ready_ms], np.int32)
        if not len(behind):
            return given_up
        reached = moved.reached_at(behind, np.full(len(behind), self.ready_ms + allowance_ms))
        return min(given_up, int(reached.max()))

    def could_name(self, tracks: Tracks, timing: Timing) -> Tracks:
        """The tracks it may be about, which are the same whenever it is resolved."""
        known_since_ms = self.fact.time_ms - named_for_ms(timing)
        return tracks.take((tracks.start_ms < self.ready_ms) & (tracks.end_ms >= known_since_ms))


def waiting_for(fact: Purchase | IdentityChange, site: Site) -> Waiting:
    """What a fact waits for: the cameras of the till and of the tracks it names, closed up to its time."""
    give_up_ms = fact.time_ms + site.timing.fact_allowance_ms
    if isinstance(fact, Purchase):
        names = {till.camera for till in site.tills if (till.store, till.name) == (fact.store, fact.till)}
        names.add((fact.person or "").partition("/")[0])
        ready_ms = -(-ready_at_ms(fact) // SEGMENT_MS) * SEGMENT_MS
    else:
        names = {fact.camera, fact.other_camera or fact.camera}
        ready_ms = fact.time_ms - fact.time_ms % SEGMENT_MS + SEGMENT_MS
    cameras = tuple(place for place, camera in enumerate(site.cameras) if camera.name in names)
    return Waiting(fact, cameras, ready_ms, give_up_ms)


def resolve(
    waiting: Waiting, presence: TillPresence, places: TillPlaces, tracks: Tracks, site: Site
) -> Attribution | TrackChange:
    """The journal's entry for a fact: with candidates for a purchase, with tracks named for an identity change."""
    fact, cameras = waiting.fact, [camera.name for camera in site.cameras]
    known = waiting.could_name(tracks, site.timing)
    if isinstance(fact, Purchase):
        return attribute(fact, presence, places, _incarnations(fact.person, known, cameras))
    other = None
    if fact.other_camera is not None and fact.other_track is not None:
        other = _named(known, cameras, fact.other_camera, fact.other_track, fact.time_ms)
    return TrackChange(fact, _named(known, cameras, fact.camera, fact.track, fact.time_ms), other)


def _incarnations(token: str | None, tracks: Tracks, cameras: list[str]) -> Incarnations:
    camera, _, rest = (token or "").partition("/")
    tracker = rest.partition("/")[0]
    if camera not in cameras or not tracker:
        return {}
    meant = tracks.take((tracks.camera == cameras.index(camera)) & (tracks.tracker == int(tracker)))
    spans = zip(meant.names(cameras), meant.start_ms.tolist(), meant.end_ms.tolist(), strict=True)
    return {f"{camera}/{tracker}": [TrackSpan(*span) for span in spans]}


def _named(tracks: Tracks, cameras: list[str], camera: str, tracker: int, time_ms: int) -> str | None:
    if camera not in cameras:
        return None
    place = tracks.meant_at(cameras.index(camera), tracker, time_ms)
    return None if place is None else tracks.take(np.array([place])).names(cameras)[0]
