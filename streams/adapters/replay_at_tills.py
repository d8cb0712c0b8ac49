"""Real baskets at the tills of a recording: each is paid by somebody who truly stands there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from features.attribution import TillPlaces
from features.camera import CameraState, CameraStep, camera_step, finish
from features.closing import Layout
from features.events import Disposition, IdentityChange, Purchase
from features.keypoints import NO_TRACK, PersonFrames
from features.segments import SEGMENT_MS, SegmentBlock
from features.site import Site
from streams.adapters.imported import Imported
from streams.adapters.trajectories import note
from streams.recording import RecordingError, RecordingWriter
from streams.sources import DeadLetter, read_recording, site_of

STOOD_S = 5  # who passes a till does not pay


@dataclass(frozen=True, slots=True)
class Stay:
    """A track that stood at a till, a place in the site's, until `end_ms`."""

    till: int
    track: str
    end_ms: int


def replay_at_tills(baskets: Path, recording: Path, target: Path, notes: list[str]) -> Imported:
    """Write a recording again with the purchases of another, in their order, one for each stay at a till.

    Args:
        baskets: a recording of purchases.
        recording: one whose site has tills; its own purchases are left out.
        target: folder for the new recording.
        notes: what is known of the baskets already.

    Raises:
        RecordingError: nobody stands at any till of the recording.
    """
    site = site_of(recording)
    items = list(read_recording(recording, site))
    stays = stays_at_tills((item for item in items if isinstance(item, PersonFrames)), site)
    if not stays:
        raise RecordingError(f"{recording}: expected persons who stand at a till of its site, got none")
    sold = [item for item in read_recording(baskets, Site()) if isinstance(item, Purchase)]
    paid = [_paid(purchase, stay, site) for purchase, stay in zip(sold, stays, strict=False)]
    kept = [item for item in items if isinstance(item, IdentityChange | Disposition)]
    frames = [item for item in items if isinstance(item, PersonFrames)]
    _write(target, site, frames, sorted([*paid, *kept], key=lambda fact: fact.time_ms))
    notes = [*notes]
    note(notes, len(sold) - len(paid), "baskets left out: nobody else stands at a till")
    note(notes, sum(isinstance(item, Purchase) for item in items), "purchases of the recording itself: left out")
    note(notes, sum(isinstance(item, DeadLetter) for item in items), "dead letters of the recording: left out")
    return _imported(frames, paid, notes)


def stays_at_tills(frames: Iterable[PersonFrames], site: Site) -> list[Stay]:
    """Who stood at a till for at least `STOOD_S`, in the order in which they left it."""
    places, seconds = TillPlaces.of(site), dict[tuple[int, str], list[int]]()
    for block in _segments(frames, site):
        for place, row in zip(*(column.tolist() for column in places.seen(block)), strict=True):
            at_till = seconds.setdefault((place, block.tracks[block.track[row]]), [])
            at_till.append(int(block.rows["second_ms"][row]))
    stays = [Stay(till, track, end_ms) for (till, track), times in seconds.items() for end_ms in _ends(sorted(times))]
    return sorted(stays, key=lambda stay: (stay.end_ms, stay.track))


def _ends(seconds_ms: list[int]) -> Iterator[int]:
    """The ends of the stretches of seconds that are long enough."""
    gaps = [at for at, (one, other) in enumerate(pairwise(seconds_ms), 1) if other - one > SEGMENT_MS]
    for start, stop in zip([0, *gaps], [*gaps, len(seconds_ms)], strict=True):
        if stop - start >= STOOD_S:
            yield seconds_ms[stop - 1] + SEGMENT_MS


def _segments(frames: Iterable[PersonFrames], site: Site) -> Iterator[SegmentBlock]:
    layout = Layout.of(site)
    state = CameraState.start(layout)
    for block in frames:
        step = camera_step(state, block, layout)
        state = step.state
        yield from _blocks(step)
    yield from _blocks(finish(state, layout))


def _blocks(step: CameraStep) -> Iterator[SegmentBlock]:
    return (entry for entry in step.entries if isinstance(entry, SegmentBlock))


def _paid(purchase: Purchase, stay: Stay, site: Site) -> Purchase:
    till = site.tills[stay.till]
    return msgspec.structs.replace(purchase, time_ms=stay.end_ms - SEGMENT_MS, store=till.store, till=till.name)


def _write(
    target: Path, site: Site, frames: list[PersonFrames], facts: list[Purchase | IdentityChange | Disposition]
) -> None:
    with RecordingWriter(target, site) as recording:
        recording.frames(PersonFrames.concatenate([PersonFrames.empty(), *frames]))
        for fact in facts:
            recording.event(fact)


def _imported(frames: list[PersonFrames], paid: list[Purchase], notes: list[str]) -> Imported:
    seen = np.concatenate([np.stack([block.camera, block.track]) for block in frames], axis=1)
    persons = np.unique(seen[:, seen[1] != NO_TRACK], axis=1)
    return Imported(int((seen[1] != NO_TRACK).sum()), len(paid), persons.shape[1], notes)
