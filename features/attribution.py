"""Attribution: who may have made a purchase, told by who stood at its till when it was paid."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from features.events import Purchase
from features.segments import SEGMENT_MS, Attribution, SegmentBlock
from features.site import ZONES_PER_CAMERA_MAX, Site

BEFORE_MS = 30_000  # goods are scanned before the receipt is printed
AFTER_MS = 5_000  # change, bags and a till's clock that runs ahead
NO_PLACE = -1
_BITS = np.uint32(1) << np.arange(ZONES_PER_CAMERA_MAX, dtype=np.uint32)

Integers = NDArray[np.signedinteger]
Candidates = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class TillPlaces:
    """Where one stands to pay. Tills that share a zone share a place.

    Attributes:
        of_zone: (cameras, 32) int32 place of the zone with that bit of that camera; `NO_PLACE` where no till is.
        of_till: place of each (store, till).
    """

    of_zone: NDArray[np.int32]
    of_till: dict[tuple[str, str], int]

    @classmethod
    def of(cls, site: Site) -> Self:
        """The places of a site's tills; a till whose zone does not exist has none."""
        cameras = {camera.name: at for at, camera in enumerate(site.cameras)}
        bits = {(at, zone.name): bit for at, camera in enumerate(site.cameras) for bit, zone in enumerate(camera.zones)}
        of_zone = np.full((len(cameras), ZONES_PER_CAMERA_MAX), NO_PLACE, np.int32)
        of_till = {}
        for place, till in enumerate(site.tills):
            at = cameras.get(till.camera, -1)
            if (bit := bits.get((at, till.zone))) is not None:
                of_zone[at, bit] = place if of_zone[at, bit] == NO_PLACE else of_zone[at, bit]
                of_till[till.store, till.name] = int(of_zone[at, bit])
        return cls(of_zone, of_till)

    def seen(self, block: SegmentBlock) -> tuple[Integers, Integers]:
        """The segments of a block that were spent at a till.

        Returns:
            (seen,) places and (seen,) rows of the block; a row in the zones of two tills is there twice.
        """
        camera, zones = block.cameras[block.track], block.rows["zones"]
        tills = np.where(self.of_zone == NO_PLACE, 0, _BITS).sum(axis=1, dtype=np.uint32)
        rows = np.flatnonzero(zones & tills[camera])
        places = np.where(zones[rows, None] & _BITS, self.of_zone[camera[rows]], NO_PLACE)
        at, bit = np.nonzero(places != NO_PLACE)
        return places[at, bit], rows[at]


class TillPresence(Struct):
    """Which tracks stood at which till in which second, as a set: no order of noting is kept.

    Attributes:
        seconds: tracks, sorted, by start of the second, ms, and place; a set would be four times as large.
    """

    seconds: dict[int, dict[int, tuple[str, ...]]] = field(default_factory=dict)

    def note(self, place: Integers, second_ms: Integers, track: Integers, names: Sequence[str]) -> None:
        """Add presences.

        Args:
            place: (presences,) of `TillPlaces`.
            second_ms: (presences,) start of the second, a multiple of 1,000.
            track: (presences,) place of the track in `names`.
            names: of the tracks.
        """
        for at, second, who in zip(place.tolist(), second_ms.tolist(), track.tolist(), strict=True):
            places = self.seconds.setdefault(second, {})
            places[at] = tuple(sorted({*places.get(at, ()), names[who]}))

    def forget(self, before_ms: int) -> None:
        """Drop seconds that began before a time.

        A purchase that may still come at `time_ms` needs the seconds from `time_ms - BEFORE_MS` on.
        """
        for second in [second for second in self.seconds if second < before_ms]:
            del self.seconds[second]

    def weights(self, place: int, paid_ms: int) -> Counter[str]:
        """Each track's seconds around a payment, those near it counting more.

        A second counts if all of it lies in `[paid_ms - BEFORE_MS, paid_ms + AFTER_MS)`, by `BEFORE_MS` less the time
        between its middle and the payment.
        """
        weights: Counter[str] = Counter()
        first = -(-(paid_ms - BEFORE_MS) // SEGMENT_MS) * SEGMENT_MS
        for second in range(first, paid_ms + AFTER_MS - SEGMENT_MS + 1, SEGMENT_MS):
            for track in self.seconds.get(second, {}).get(place, ()):
                weights[track] += BEFORE_MS - abs(second + SEGMENT_MS // 2 - paid_ms)
        return weights


class TrackSpan(NamedTuple):
    """A track, `camera/tracker/first second`, and the event time `[first_ms, end_ms)` in which it was seen."""

    name: str
    first_ms: int
    end_ms: int


Incarnations = Mapping[str, Sequence[TrackSpan]]  # the tracks that one tracker id, `camera/tracker`, stood for


def ready_at_ms(purchase: Purchase) -> int:
    """The watermark of the till's camera from which on the attribution of a purchase is final."""
    return purchase.time_ms + AFTER_MS


def attribute(purchase: Purchase, presence: TillPresence, places: TillPlaces, tracks: Incarnations) -> Attribution:
    """Who may have made a purchase.

    An explicit token that names a known track settles it; otherwise whoever stood at the till shares it.
    """
    named = None if purchase.person is None else named_track(purchase.person, purchase.time_ms, tracks)
    place = places.of_till.get((purchase.store, purchase.till), NO_PLACE)
    return Attribution(
        receipt=purchase.receipt,
        time_ms=purchase.time_ms,
        store=purchase.store,
        till=purchase.till,
        lines=purchase.lines,
        candidates=shares(presence.weights(place, purchase.time_ms)) if named is None else [(named, 1_000)],
        explicit=named is not None,
        customer=purchase.customer,
    )


def named_track(token: str, paid_ms: int, tracks: Incarnations) -> str | None:
    """The track a token stands for: `camera/tracker/first second` itself, or the incarnation of `camera/tracker`.

    Of several incarnations it is the one alive at the payment, or else the one seen nearest to it, at most
    `BEFORE_MS` earlier or less than `AFTER_MS` later.
    """
    spans = tracks.get("/".join(token.split("/")[:2]), ())
    if any(span.name == token for span in spans):
        return token
    near = [
        (max(span.first_ms - paid_ms, paid_ms - span.end_ms + 1, 0), span.name)
        for span in spans
        if token.count("/") == 1 and span.first_ms < paid_ms + AFTER_MS and span.end_ms > paid_ms - BEFORE_MS
    ]
    return min(near)[1] if near else None


def shares(weights: Mapping[str, int]) -> Candidates:
    """Weights as permille that sum to 1,000, by largest remainder, ties by name; shares of 0 are left out.

    Source: Hamilton's method of apportionment.
    """
    total = sum(weights.values())
    floors = {name: 1_000 * weight // total for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: (-(1_000 * weights[name] % total), name))
    for name in by_remainder[: 1_000 - sum(floors.values())]:
        floors[name] += 1
    return sorted(((name, share) for name, share in floors.items() if share), key=lambda of: (-of[1], of[0]))
