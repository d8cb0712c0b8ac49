"""Who is erased with whom: tracks that ever were one person, and those a remembered customer ties together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from features.basket import customer_of, receipt_of
from features.events import Disposition
from features.facts import forgotten_after_ms
from features.person import FORGET_EVERY_MS
from features.segments import SEGMENT_MS, Attribution, Entry, Erased, SegmentBlock, TrackChange
from features.site import Site

DAY_MS = 86_400_000
Tracker = tuple[str, int]  # camera and the tracker's id


@dataclass(slots=True)
class Visits:
    """What a journal says of visits, as far as erasing needs it.

    Attributes:
        site: of the journal.
        last_ms: by the name that a key bears, when something was last sealed with it.
        trackers: by track, when each of its tracker ids was seen first and last.
        receipts: by name, the purchases of which nobody is likelier to have paid.
        customers: by name, the customers of these, as `store/token`.
        ties: pairs of names that are erased together.
        now_ms: latest second of the journal.
    """

    site: Site
    last_ms: dict[str, int] = field(default_factory=dict)
    trackers: dict[str, dict[Tracker, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    receipts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    customers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ties: list[tuple[str, str]] = field(default_factory=list)
    now_ms: int = 0
    _payers: dict[str, str] = field(default_factory=dict)

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

    def settled_before_ms(self) -> int:
        """Who was last seen before is of no use any more to any news that may come."""
        return self.now_ms - forgotten_after_ms(self.site.timing) - FORGET_EVERY_MS

    def take(self, entry: Entry | Erased) -> None:
        """Note what an entry of the journal says."""
        if isinstance(entry, SegmentBlock):
            self._segments(entry)
        elif isinstance(entry, Attribution):
            self._purchase(entry)
        elif isinstance(entry, TrackChange):
            self._change(entry)
        elif isinstance(entry, Disposition):
            self._note(entry.person, entry.time_ms)

    def _note(self, name: str, time_ms: int) -> None:
        self.last_ms[name] = max(self.last_ms.get(name, 0), time_ms)

    def _segments(self, block: SegmentBlock) -> None:
        keys = np.stack([block.track.astype(np.int64), block.rows["tracker"]])
        found, which = np.unique(keys, axis=1, return_inverse=True)
        for at, (track, tracker) in enumerate(found.T.tolist()):
            second_ms, name = block.rows["second_ms"][which == at], block.tracks[track]
            first_ms, last_ms = int(second_ms.min()), int(second_ms.max()) + SEGMENT_MS
            seen, of = self.trackers[name], (self.site.cameras[int(block.cameras[track])].name, tracker)
            known = seen.get(of, (first_ms, last_ms))
            seen[of] = min(first_ms, known[0]), max(last_ms, known[1])
            self._note(name, last_ms)
        self.now_ms = max(self.now_ms, int(block.rows["second_ms"].max()))

    def _purchase(self, paid: Attribution) -> None:
        """A purchase is erased with whoever is likeliest to have paid it, nobody being a name of its own."""
        likeliest = sorted(paid.candidates, key=lambda one: -one[1])
        names = [track for track, _ in likeliest] or [f"receipt:{receipt_of(paid)}"]
        for name in names:
            self._note(name, paid.time_ms)
        self.receipts[names[0]].add(receipt_of(paid))
        if paid.customer is None:
            return
        customer = customer_of(paid)
        self.customers[names[0]].add(customer)
        if self.site.memory.customers:
            first = self._payers.setdefault(customer, names[0])
            self.ties += [(first, name) for name in names if name != first]

    def _change(self, news: TrackChange) -> None:
        names = [name for name in (news.track, news.other) if name] or [f"change:{news.change.change}"]
        for name in names:
            self._note(name, news.time_ms)
        if len(names) > 1:
            self.ties.append((names[0], names[1]))


def visits_of(entries: Iterable[Entry | Erased], site: Site) -> Visits:
    """What a journal says of visits."""
    visits = Visits(site)
    for entry in entries:
        visits.take(entry)
    return visits
