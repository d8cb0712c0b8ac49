"""Who is erased with whom: tracks that ever were one person, and those a remembered customer ties together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from features.events import Disposition
from features.segments import SEGMENT_MS, Attribution, Entry, Erased, SegmentBlock, TrackChange
from features.site import Site

Tracker = tuple[str, int]  # camera and the tracker's id


@dataclass(slots=True)
class Visits:
    """What a journal says of visits, as far as erasing needs it.

    Attributes:
        last_ms: by the name that a key bears, when something was last sealed with it.
        trackers: by track, when each of its tracker ids was seen first and last.
        receipts: by track, those of which nobody is likelier to have paid.
        tokens: by track, the customers of these.
        ties: pairs of names that are erased together.
    """

    last_ms: dict[str, int] = field(default_factory=dict)
    trackers: dict[str, dict[Tracker, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    receipts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tokens: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ties: list[tuple[str, str]] = field(default_factory=list)

    def together(self, names: Iterable[str]) -> set[str]:
        """The names and all that are tied to them, however far."""
        beside = defaultdict[str, set[str]](set)
        for one, other in self.ties:
            beside[one].add(other)
            beside[other].add(one)
        reached, next_ones = set(names), set(names)
        while next_ones:
            next_ones = {other for one in next_ones for other in beside[one]} - reached
            reached |= next_ones
        return reached

    def before(self, time_ms: int) -> set[str]:
        """The names of which nothing is known from a time on, nor of any they are tied to."""
        old = {name for name, last_ms in self.last_ms.items() if last_ms < time_ms}
        return {name for name in old if self.together([name]) <= old}


def visits_of(entries: Iterable[Entry | Erased], site: Site) -> Visits:
    """What a journal says of visits."""
    visits, payers, cameras = Visits(), dict[str, str](), [camera.name for camera in site.cameras]
    for entry in entries:
        if isinstance(entry, SegmentBlock):
            _note_segments(visits, entry, cameras)
        elif isinstance(entry, Attribution):
            _note_purchase(visits, entry, payers, remembers=site.memory.customers)
        elif isinstance(entry, TrackChange):
            _note_change(visits, entry)
        elif isinstance(entry, Disposition):
            _note(visits, entry.person, entry.time_ms)
    return visits


def receipt_of(attribution: Attribution) -> str:
    """The name of a purchase."""
    return f"{attribution.store}/{attribution.till}/{attribution.receipt}"


def _note(visits: Visits, name: str, time_ms: int) -> None:
    visits.last_ms[name] = max(visits.last_ms.get(name, 0), time_ms)


def _note_segments(visits: Visits, block: SegmentBlock, cameras: list[str]) -> None:
    keys = np.stack([block.track.astype(np.int64), block.rows["tracker"]])
    found, which = np.unique(keys, axis=1, return_inverse=True)
    for at, (track, tracker) in enumerate(found.T.tolist()):
        second_ms, name = block.rows["second_ms"][which == at], block.tracks[track]
        first_ms, last_ms = int(second_ms.min()), int(second_ms.max()) + SEGMENT_MS
        seen, of = visits.trackers[name], (cameras[int(block.cameras[track])], tracker)
        known = seen.get(of, (first_ms, last_ms))
        seen[of] = min(first_ms, known[0]), max(last_ms, known[1])
        _note(visits, name, last_ms)


def _note_purchase(visits: Visits, paid: Attribution, payers: dict[str, str], *, remembers: bool) -> None:
    """A purchase is erased with whoever is likeliest to have paid it, nobody being a name of its own."""
    names = [track for track, _ in sorted(paid.candidates, key=lambda one: -one[1])] or [f"receipt:{receipt_of(paid)}"]
    for name in names:
        _note(visits, name, paid.time_ms)
    visits.receipts[names[0]].add(receipt_of(paid))
    if paid.customer is None:
        return
    visits.tokens[names[0]].add(paid.customer)
    if remembers:
        first = payers.setdefault(f"{paid.store}/{paid.customer}", names[0])
        visits.ties += [(first, name) for name in names if name != first]


def _note_change(visits: Visits, news: TrackChange) -> None:
    names = [name for name in (news.track, news.other) if name] or [f"change:{news.change.change}"]
    for name in names:
        _note(visits, name, news.time_ms)
    if len(names) > 1:
        visits.ties.append((names[0], names[1]))
