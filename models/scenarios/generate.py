"""The scenario generator: from a seed, what the cameras and tills report and what truly happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from features.events import Purchase
from features.keypoints import NO_TRACK, Int64s, PersonFrames
from features.site import Site
from models.scenarios.acts import Act, Behaviour
from models.scenarios.behaviours import FREQUENCIES, cast
from models.scenarios.draws import Draws
from models.scenarios.script import Script
from models.scenarios.shop import PINHOLES, STORE, site
from models.scenarios.sights import Contact, Sights, hide_each_other, see
from models.scenarios.tracker import Follow, follow, name_tracks, swap_tracks
from models.scenarios.walker import Walker, skeleton

EPOCH_MS = 1_700_000_000_000
MS_PER_S = 1_000
_ARRIVAL_EVERY_S = 12
_TILL_CLOCK_MS = 2_000
_CUSTOMERS_PERMILLE = 300
_ACTED, _TRACKED, _SOLD, _JUDGED = range(1, 5)  # a stream of draws for each, so that none shifts the others


@dataclass(frozen=True, slots=True)
class Sighting:
    """A stretch `[start_ms, end_ms)` of a visit in which the tracker gave one id."""

    track: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Visit:
    """What truly happened.

    Attributes:
        visit: its place in the truth.
        group: of those who came together; a group of its own for who came alone.
        behaviours: names.
        walker: how the person is built and moves.
        positive: whether a reviewer agreed that a look was worthwhile.
        agreement_permille: how many of a thousand reviewers would have.
        camera: place in the site of the only camera that saw it.
        sightings: in order of time.
        receipts: of the purchases this person made.
        planted: what the script asked for, by name with its unit: speed_mm_per_s, reversals, stay_ms.
    """

    visit: int
    group: int
    behaviours: tuple[str, ...]
    walker: Walker
    positive: bool
    agreement_permille: int
    camera: int
    sightings: tuple[Sighting, ...]
    receipts: tuple[str, ...]
    planted: dict[str, int]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A site, what its cameras and tills reported, and the truth.

    Attributes:
        site: of two cameras.
        frames: sorted by time, camera and track; frames without persons are there too.
        purchases: sorted by time.
        truth: sorted by the start of the visit.
    """

    site: Site
    frames: PersonFrames
    purchases: list[Purchase]
    truth: list[Visit]


@dataclass(frozen=True, slots=True)
class _Cast:
    """A person of the scenario: which arrival it belongs to, and when it comes."""

    arrival: int
    first_frame: int
    act: Act
    script: Script


Recast = Callable[[int, Act], Act]
"""Told an arrival's number and act; gives the act with other persons in it."""


def as_cast(_arrival: int, act: Act) -> Act:
    """The act as it is."""
    return act


def generate(
    seed: int,
    visits: int,
    fps: int = 15,
    behaviours: Mapping[Behaviour, int] = FREQUENCIES,
    recast: Recast = as_cast,
) -> Scenario:
    """A scenario of so many arrivals; who comes in company is a visit more. The same bytes on every machine.

    Arrivals are a Poisson process of one in twelve seconds: given their number, their times are uniform.

    Args:
        seed: 0 or more; scenarios of different seeds are independent.
        visits: at least 1.
        fps: frames a second of both cameras, 5 to 60.
        behaviours: how often each is met, relative to the others.
        recast: who does what is to be done.
    """
    persons = _persons(seed, visits, fps, behaviours, recast)
    follows = _follows(seed, persons, fps)
    sales = [_sales(seed, place, person, fps) for place, person in enumerate(persons)]
    truth = [_visit(seed, place, person, follows[place], sales[place], fps) for place, person in enumerate(persons)]
    purchases = sorted(chain(*sales), key=lambda purchase: (purchase.time_ms, purchase.receipt))
    return Scenario(site(), _frames(follows, fps), purchases, truth)


def _persons(seed: int, visits: int, fps: int, frequencies: Mapping[Behaviour, int], recast: Recast) -> list[_Cast]:
    draws = Draws(seed)
    behaviours = cast(draws, visits, frequencies)
    first_frames = np.sort((draws.uniforms(visits) * visits * _ARRIVAL_EVERY_S * fps).astype(np.int64)).tolist()
    acts = [recast(arrival, behaviour(Draws(seed, _ACTED, arrival))) for arrival, behaviour in enumerate(behaviours)]
    return [
        _Cast(arrival, first_frame, act, script)
        for arrival, (first_frame, act) in enumerate(zip(first_frames, acts, strict=True))
        for script in act.scripts
    ]


def _follows(seed: int, persons: list[_Cast], fps: int) -> list[Follow]:
    follows: dict[int, Follow] = {}
    contacts: list[Contact] = []
    for camera in range(len(PINHOLES)):
        here = [place for place, person in enumerate(persons) if person.script.camera == camera]
        if here:
            sights = Sights.concatenate([_sights(place, persons[place], fps) for place in here])
            contacts += hide_each_other(sights)
            for place in here:
                follows[place] = follow(Draws(seed, _TRACKED, place), sights.of_visit(place), camera, fps)
    ordered = [follows[place] for place in range(len(persons))]
    name_tracks(ordered)
    swap_tracks(Draws(seed, _TRACKED), ordered, contacts)
    return ordered


def _sights(place: int, person: _Cast, fps: int) -> Sights:
    motion = person.script.motion(fps)
    body = skeleton(person.script.walker, motion, fps)
    return see(body, motion, PINHOLES[person.script.camera], person.first_frame, place)


def _sales(seed: int, place: int, person: _Cast, fps: int) -> list[Purchase]:
    """What one person paid for, by tills whose clocks are up to two seconds off."""
    draws = Draws(seed, _SOLD, place)
    customer = f"customer-{place:05}" if draws.chance(_CUSTOMERS_PERMILLE) else None
    came_ms = int(_times_ms(person.first_frame, fps))
    return [
        Purchase(
            receipt=f"r{place:05}-{number}",
            time_ms=came_ms + int(MS_PER_S * payment.at_s) + draws.whole(-_TILL_CLOCK_MS, _TILL_CLOCK_MS),
            store=STORE,
            till=payment.till,
            lines=payment.lines,
            customer=customer,
        )
        for number, payment in enumerate(person.script.payments)
    ]


def _visit(seed: int, place: int, person: _Cast, followed: Follow, sales: list[Purchase], fps: int) -> Visit:
    agreement = person.act.agreement_permille
    return Visit(
        visit=place,
        group=person.arrival,
        behaviours=(person.act.behaviour,),
        walker=person.script.walker,
        positive=Draws(seed, _JUDGED, person.arrival).chance(agreement),
        agreement_permille=agreement,
        camera=followed.camera,
        sightings=_sightings(followed, fps),
        receipts=tuple(purchase.receipt for purchase in sales),
        planted=person.script.planted,
    )


def _sightings(followed: Follow, fps: int) -> tuple[Sighting, ...]:
    changed = np.flatnonzero(np.diff(followed.track)) + 1
    firsts, lasts = np.append(0, changed), np.append(changed, len(followed.track)) - 1
    starts, ends = _times_ms(followed.frame[firsts], fps), _times_ms(followed.frame[lasts], fps) + 1
    columns = (followed.track[firsts].tolist(), starts.tolist(), ends.tolist())
    return tuple(Sighting(*row) for row in zip(*columns, strict=True))


def _frames(follows: list[Follow], fps: int) -> PersonFrames:
    frame = np.concatenate([one.frame for one in follows])
    rows = PersonFrames.concatenate([one.seen for one in follows])
    rows.track[:] = np.concatenate([one.track for one in follows])
    rows.time_ms[:] = _times_ms(frame, fps)
    empty = [_empty_frames(camera, rows, frame, fps) for camera in range(len(PINHOLES))]
    everything = PersonFrames.concatenate([rows, *empty])
    return everything.take(np.lexsort((everything.track, everything.camera, everything.time_ms)))


def _empty_frames(camera: int, rows: PersonFrames, frame: Int64s, fps: int) -> PersonFrames:
    """The frames of a camera in which nobody was found, from the first to the last frame of the scenario."""
    nobody = np.setdiff1d(np.arange(int(frame.max()) + 1), frame[rows.camera == camera])
    empty = PersonFrames.empty(len(nobody))
    empty.camera[:], empty.track[:], empty.time_ms[:] = camera, NO_TRACK, _times_ms(nobody, fps)
    return empty


def _times_ms(frame: Int64s | int, fps: int) -> Int64s:
    return EPOCH_MS + (np.asarray(frame, np.int64) * MS_PER_S + fps // 2) // fps
