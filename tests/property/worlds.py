"""Small random worlds, the orders in which they may arrive, and what Vigil makes of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import msgspec
import numpy as np

from features.camera import CameraState, CameraStep, camera_step, finish
from features.closing import Layout
from features.events import BasketLine, IdentityChange, Purchase
from features.identity import Identities
from features.keypoints import NO_TRACK, Int64s, PersonFrames
from features.person import PersonState, person_step
from features.segments import Entry, SegmentBlock
from features.sequence import SECOND, WITHDRAWN, FeatureRows
from features.site import Camera, Combination, Memory, Site, Thresholds, Till, Timing, Zone, ZoneKind
from features.visit import Places
from models.bundle import default_bundle
from models.decision import DecisionState, decide
from models.records import Alert, Score
from streams.audit.sealing import Sealing
from streams.audit.visit_keys import KEY_BYTES, VisitKeys
from streams.pipeline import Said
from tests.normalities import layout_of

START_MS = 1_700_000_000_000
SPAN_S = 240
SKEW_MS = 7_000  # with the silence of a camera and what a purchase waits for still less than the allowance for facts
TIMING = Timing(
    pose_allowance_ms=1_500,
    track_silence_ms=3_500,
    camera_silence_ms=12_000,
    fact_allowance_ms=30_000,
    score_every_ms=5_000,
)
ZONES: tuple[ZoneKind, ...] = ("till", "shelf", "exit", "restricted", "waiting", "opt-out")
CATEGORIES = ("rope", "knife", "bread")

Fact = Purchase | IdentityChange
Seen = dict[tuple[int, int], list[int]]  # when each tracker id of each camera was seen
Item = PersonFrames | Fact


@dataclass(frozen=True)
class World:
    """Person-frames and facts in order of event time."""

    site: Site
    frames: PersonFrames
    facts: list[Fact]


def world(seed: int) -> World:
    """One to three cameras, one to six tracker ids with silences, purchases and identity changes."""
    random = Random(seed)
    cameras = random.randint(1, 3)
    tracks = {(random.randrange(cameras), random.randint(1, 4)) for _ in range(random.randint(1, 6))}
    seen = {track: _ticks(random) for track in sorted(tracks)}
    return World(_site(random, cameras), _frames(random, cameras, seen), _facts(random, seen))


def _site(random: Random, cameras: int) -> Site:
    names = [f"cam{at}" for at in range(cameras)]
    return Site(
        cameras=[Camera(name, [_zone(at, kind) for at, kind in enumerate(ZONES)]) for name in names],
        tills=[Till("1", "shop", names[0], "till"), Till("2", "shop", names[-1], "till")],
        combinations=[Combination("knot", [["rope"], ["knife"]], 3_600, 2)],
        thresholds=Thresholds(loiter_after_s=10, restricted_loiter_after_s=5, pacing_leg_mm=1_000),
        timing=TIMING,
        memory=Memory(customers=random.random() < 0.7),
    )


def _zone(at: int, kind: ZoneKind) -> Zone:
    left, right = at * 90.0, at * 90.0 + (110 if kind != "opt-out" else 15)
    return Zone(kind, kind, [(left, 0.0), (right, 0.0), (right, 400.0), (left, 400.0)])


def _frames(random: Random, cameras: int, seen: Seen) -> PersonFrames:
    rows = [(time_ms, camera, NO_TRACK) for camera in range(cameras) for time_ms in _ticks(random)]
    rows += [(time_ms, camera, tracker) for (camera, tracker), times in seen.items() for time_ms in times]
    rows += random.choices(rows, k=len(rows) // 20)  # sent twice, with another body
    return _posed(random, sorted(rows))


def _ticks(random: Random) -> list[int]:
    """Instants of a few stretches, with silences between them."""
    now_ms, times = random.randint(0, 30_000), list[int]()
    while now_ms < SPAN_S * 1_000 and len(times) < 120:
        times += [now_ms + at * 600 + random.randint(0, 500) for at in range(random.randint(1, 40))]
        now_ms = times[-1] + random.choice([700, 2_500, 3_400, 6_000, 15_000, 60_000])
    return [START_MS + time_ms for time_ms in times]


def _posed(random: Random, rows: list[tuple[int, int, int]]) -> PersonFrames:
    """Bodies that wander through the zones, two ids on one path, their limbs anywhere."""
    numbers = np.random.default_rng(random.randrange(2**32))
    frames = PersonFrames.empty(len(rows))
    frames.time_ms[:], frames.camera[:], frames.track[:] = np.array(rows, np.int64).T
    person = np.flatnonzero(frames.track != NO_TRACK)
    phase = (frames.time_ms[person] - START_MS) / 1_000 * (0.3 + frames.track[person] % 2 / 4)
    frames.box[0, person] = 1_000 + 900 * np.sin(phase) + numbers.integers(-40, 40, len(person))
    frames.box[1, person] = 400
    frames.box[2, person], frames.box[3, person] = 200, 600
    posed = person[numbers.random(len(person)) < 0.7]
    frames.x[:, posed] = frames.box[0, posed] + numbers.integers(0, 200, (17, len(posed)))
    frames.y[:, posed] = frames.box[1, posed] + np.linspace(0, 600, 17)[:, None] + numbers.integers(-60, 60, len(posed))
    frames.confidence[:, posed] = numbers.choice([0, 500, 900], (17, len(posed)), p=[0.05, 0.15, 0.8])
    return frames


def _facts(random: Random, seen: Seen) -> list[Fact]:
    facts: list[Fact] = [_purchase(random, at, seen) for at in range(random.randint(0, 12))]
    facts += [_change(random, at, seen) for at in range(random.randint(0, 8))]
    return sorted(facts, key=lambda fact: fact.time_ms)


def _near(random: Random, times: list[int]) -> int:
    """An instant about when somebody was seen, often a whole second."""
    time_ms = random.choice(times) + random.choice([0, 0, random.randint(-3_000, 60_000)])
    return time_ms - random.choice([0, time_ms % 1_000])


def _purchase(random: Random, at: int, seen: Seen) -> Purchase:
    (camera, tracker), times = random.choice(list(seen.items()))
    return Purchase(
        receipt=f"r{at}",
        time_ms=_near(random, times),
        store="shop",
        till=random.choice(["1", "1", "2", "unknown"]),
        lines=[BasketLine("thing", random.choice(CATEGORIES)) for _ in range(random.randint(1, 2))],
        person=f"cam{camera}/{tracker}" if random.random() < 0.4 else None,
        customer=random.choice([None, "anna", "anna", "bert"]),
    )


def _change(random: Random, at: int, seen: Seen) -> IdentityChange:
    favourites = list(seen)[: random.choice([2, 2, 6])]  # so that links are split and made again
    (camera, tracker), (other_camera, other_tracker) = random.choice(favourites), random.choice(favourites)
    same: Literal["link", "merge"] = "merge" if camera == other_camera else "link"
    return IdentityChange(
        change=f"c{at}",
        kind=random.choice(["split", same, same]),
        time_ms=_near(random, seen[camera, tracker]),
        camera=f"cam{camera}",
        track=tracker,
        other_camera=f"cam{other_camera}",
        other_track=other_tracker,
        confidence=random.choice([0.4, 0.9, 0.9, 0.9]),
    )


def arrival(small: World, seed: int, *, on_time: bool = True) -> list[Item]:
    """The rows one by one and the facts in an order of arrival; within all allowances if they are to be on time."""
    random, stretch = Random(seed), 1 if on_time else 8
    cameras = [random.randint(0, SKEW_MS) * stretch for _ in small.site.cameras]
    jitter = [random.randint(0, TIMING.pose_allowance_ms * stretch) for _ in range(len(small.frames))]
    delayed = small.frames.time_ms + np.array(cameras)[small.frames.camera] + jitter
    arrives: list[tuple[int, int, Item]] = [
        (at, number, small.frames.take(slice(number, number + 1))) for number, at in enumerate(delayed.tolist())
    ]
    for number, fact in enumerate(small.facts):
        late_ms = random.choice([0, random.randint(0, TIMING.fact_allowance_ms * stretch)])
        arrives.append((fact.time_ms + late_ms, len(arrives) + number, fact))
    return [item for _, _, item in sorted(arrives, key=lambda one: one[:2])]


def blocks(items: Iterable[Item], rows_of_next: Iterable[int]) -> list[Item]:
    """Rows that follow one another as blocks of so many rows."""
    sizes, joined, held = iter(rows_of_next), list[Item](), list[PersonFrames]()
    size = next(sizes)
    for item in items:
        if isinstance(item, PersonFrames):
            held.append(item)
        if held and (len(held) >= size or not isinstance(item, PersonFrames)):
            joined.append(PersonFrames.concatenate(held))
            held, size = [], next(sizes)
        if not isinstance(item, PersonFrames):
            joined.append(item)
    return [*joined, PersonFrames.concatenate(held)] if held else joined


@dataclass
class Played:
    """Everything that came of a world."""

    journal: list[bytes] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    rows: list[FeatureRows] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    late: list[Int64s] = field(default_factory=list)
    late_facts: list[Fact] = field(default_factory=list)
    repeated: int = 0
    opted_out: int = 0

    def flat_rows(self) -> list[tuple[str, int, int, int, int, int, bytes]]:
        """Every feature row by itself."""
        return [
            (row.person, row.camera, row.time_ms, row.kind, row.revision, row.position, row.values.tobytes())
            for rows in self.rows
            for row in map(rows.row, range(len(rows)))
        ]

    def standing_rows(self) -> dict[tuple[str, int], tuple[int, tuple[int, ...]]]:
        """Kind and values of the last revision of each published instant that was not withdrawn."""
        last: dict[tuple[str, int], tuple[int, int, tuple[int, ...]]] = {}
        for person, _, time_ms, kind, revision, _, values in self.flat_rows():
            if kind != SECOND:
                numbers = tuple(np.frombuffer(values, np.int32).tolist())
                assert revision >= last.get((person, time_ms), (0,))[0]
                last[person, time_ms] = (revision, kind, numbers)
        return {key: (kind, values) for key, (_, kind, values) in last.items() if kind != WITHDRAWN}

    def standing_scores(self) -> dict[tuple[str, int], bytes]:
        """Score and contributions of the same; bands follow the order of publication and are left out."""
        last = {(one.person, one.time_ms): one for one in self.scores if one.kind != "interim"}
        return {
            key: msgspec.json.encode(
                (one.kind, one.score, one.abstain, one.probability_permille, one.contributions, one.events)
            )
            for key, one in last.items()
            if one.kind != "withdrawn"
        }


def play(site: Site, items: Iterable[Item]) -> Played:
    """Both steps and the decisions over everything that arrives, in its order."""
    layout, played = layout_of(site), Played()
    camera, fold = CameraState.start(layout), Fold(site, layout)
    for item in items:
        step = camera_step(camera, item, layout)
        camera = step.state
        _take(played, step, fold)
    _take(played, finish(camera, layout), fold)
    return played


class Fold:
    """What follows the journal."""

    def __init__(self, site: Site, layout: Layout) -> None:
        self.site, self.places = site, Places(site, layout.zones)
        self.persons = PersonState(Identities.start(site, default_bundle().corpus))
        self.decisions = DecisionState()
        self.sealing = Sealing(VisitKeys(bytes(KEY_BYTES)))

    def take(self, entry: Entry, played: Played) -> None:
        """Fold, score and seal one entry."""
        played.rows.append(person_step(self.persons, entry, self.places))
        decided = decide(self.decisions, played.rows[-1], default_bundle(), self.site)
        self.decisions = decided.state
        played.scores += decided.scores
        played.alerts += decided.alerts
        played.leaves += [leaf.value for leaf in self.sealing.take(self.sealing.keep(entry), Said(*decided[1:]))]


def _take(played: Played, step: CameraStep, fold: Fold) -> None:
    for entry in step.entries:
        played.entries.append(entry)
        played.journal += flat(entry)
        fold.take(entry, played)
    for late in step.late:
        played.late += [np.array(row) for row in zip(late.camera, late.track, late.time_ms, strict=True)]
    played.late_facts += step.late_facts
    played.repeated += step.repeated
    played.opted_out += step.opted_out


def flat(entry: Entry) -> list[bytes]:
    """An entry of the journal row by row."""
    if not isinstance(entry, SegmentBlock):
        return [msgspec.json.encode(entry)]
    return [
        f"{entry.tracks[track]} {entry.cameras[track]} ".encode() + entry.rows[at].tobytes()
        for at, track in enumerate(entry.track.tolist())
    ]
