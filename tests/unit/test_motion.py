"""Staying and pacing of whole walks, on a calibrated camera and on one that is not: both must say the same."""

from itertools import pairwise

import numpy as np
import pytest

from features.camera import CameraState, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.keypoints import PersonFrames
from features.person import PersonState, person_step
from features.sequence import COLUMN, FINAL, FeatureRows
from features.site import Camera, Site, Thresholds, Zone, ZoneKind
from features.visit import Places

FPS = 5
PX_PER_M = 100  # a body of 170 px is 1.70 m high
MIDDLE_PX = 3_000
START_S = 1_000
MILLIMETRES = ((10.0, 0.0, 0.0), (0.0, 10.0, 0.0), (0.0, 0.0, 1.0))
Walk = list[tuple[float, float, float]]  # second, x and y in metres; straight and even between


def zone(kind: ZoneKind, left: float, right: float, loiter_after_s: int | None = None) -> Zone:
    """Between two x, metres."""
    x0, x1 = MIDDLE_PX + PX_PER_M * left, MIDDLE_PX + PX_PER_M * right
    name = f"{kind}-{left}-{loiter_after_s}"
    return Zone(name, kind, [(x0, 0), (x1, 0), (x1, 8_000), (x0, 8_000)], loiter_after_s=loiter_after_s)


def walked(walk: Walk) -> PersonFrames:
    times_s = np.arange(walk[0][0], walk[-1][0], 1 / FPS)
    at_s, x, y = (np.array(column) for column in zip(*walk, strict=True))
    rows = PersonFrames.empty(len(times_s))
    rows.time_ms[:], rows.track[:] = np.rint(1_000 * (START_S + times_s)), 1
    rows.box[0] = np.rint(4 * (MIDDLE_PX + PX_PER_M * np.interp(times_s, at_s, x) - 20))
    rows.box[1] = np.rint(4 * (MIDDLE_PX + PX_PER_M * np.interp(times_s, at_s, y) - 170))
    rows.box[2], rows.box[3] = 4 * 40, 4 * 170
    return rows


def final(walk: Walk, feature: str, zones: list[Zone], thresholds: Thresholds) -> list[int]:
    """What a feature comes to at the end of a walk, on the camera without a homography and on the one with it."""
    values = []
    for homography in (None, MILLIMETRES):
        site = Site(cameras=[Camera("hall", zones, homography)], thresholds=thresholds)
        layout = Layout.of(site)
        places, persons = Places(site, layout.zones), PersonState(Identities.start(site))
        step = camera_step(CameraState.start(layout), walked(walk), layout)
        entries = [*step.entries, *finish(step.state, layout).entries]
        rows = FeatureRows.concatenate([person_step(persons, entry, places) for entry in entries])
        ends = rows.values[rows.kind == FINAL]
        assert len(ends) == 1
        values.append(int(ends[0, COLUMN[feature]]))
    return values


def check(
    walk: Walk, feature: str, expected: int, zones: list[Zone] | None = None, thresholds: Thresholds | None = None
) -> None:
    assert final(walk, feature, zones or [], thresholds or Thresholds()) == [expected, expected]


def stand(seconds: float, x: float = 0, y: float = 0) -> Walk:
    return [(0, x, y), (seconds, x, y)]


def legs(*lengths_m: float, speed: float = 1.0, stop_s: float = 0.0) -> Walk:
    """Along x, each leg the other way, with a stop in the middle of each."""
    walk, now_s, x = [(0.0, 0.0, 0.0)], 0.0, 0.0
    for at, length in enumerate(lengths_m):
        half = length / 2 * (-1) ** at
        for until_s, to_x in ((length / 2 / speed, x + half), (stop_s, x + half), (length / 2 / speed, x + 2 * half)):
            now_s += until_s
            walk.append((now_s, to_x, 0.0))
        x += 2 * half
    return walk


def through(*places: tuple[float, float], speed: float = 1.0) -> Walk:
    """From place to place, metres."""
    walk = [(0.0, *places[0])]
    for (x0, y0), (x1, y1) in pairwise(places):
        walk.append((walk[-1][0] + float(np.hypot(x1 - x0, y1 - y0)) / speed, x1, y1))
    return walk


LOITERING = [
    ("stands in the open", stand(90), [], 30),
    ("stands for a minute", stand(60), [], 0),
    ("stands in a queue", stand(90), [zone("queue", -2, 2)], 0),
    ("stands at a till", stand(90), [zone("till", -2, 2)], 0),
    ("stands where one waits", stand(90), [zone("waiting", -2, 2)], 0),
    ("stands at a shelf in a queue", stand(90), [zone("shelf", -2, 2), zone("queue", -2, 2)], 0),
    ("stands at a shelf", stand(90), [zone("shelf", -2, 2)], 30),
    ("stands beside a queue", stand(90), [zone("queue", 1, 2)], 30),
    ("steps out of a queue", [(0, 0, 0), (40, 0, 0), (40.2, 1, 0), (140, 1, 0)], [zone("queue", -0.5, 0.5)], 40),
    ("walks slowly", [(0, 0, 0), (90, 27, 0)], [], 0),
    ("goes about within two metres", legs(*[2.0] * 45, speed=1.0), [], 30),
    ("stands in two places", [(0, 0, 0), (50, 0, 0), (60, 10, 0), (110, 10, 0)], [], 0),
    ("stays in one of two places", [(0, 0, 0), (80, 0, 0), (90, 10, 0), (180, 10, 0)], [], 31),
    ("stands where less is allowed", stand(90), [zone("shelf", -2, 2, 30)], 60),
    ("stands where more is allowed", stand(90), [zone("shelf", -2, 2, 85)], 5),
    ("stands where both hold", stand(90), [zone("shelf", -2, 2, 85), zone("exit", -1, 1, 40)], 50),
    ("stands beside where less is allowed", stand(90), [zone("shelf", 1, 2, 30)], 30),
]


@pytest.mark.parametrize(
    ("walk", "zones", "expected"), [row[1:] for row in LOITERING], ids=[row[0] for row in LOITERING]
)
def test_loitering(walk: Walk, zones: list[Zone], expected: int) -> None:
    check(walk, "loiter_s", expected, zones)


def test_the_site_says_when_and_within_what() -> None:
    check(stand(90), "loiter_s", 70, thresholds=Thresholds(loiter_after_s=20))
    check(legs(*[2.0] * 45), "loiter_s", 0, thresholds=Thresholds(loiter_radius_mm=700))
    check([(0, 0, 0), (90, 27, 0)], "loiter_s", 30, thresholds=Thresholds(loiter_radius_mm=20_000))


STAYS = [
    ("stands", stand(90), 90),
    ("stands in a queue too", stand(90), 90),
    ("has gone elsewhere", [(0, 0, 0), (50, 0, 0), (52, 10, 0), (72, 10, 0)], 21),
]


@pytest.mark.parametrize(("what", "walk", "expected"), STAYS, ids=[row[0] for row in STAYS])
def test_a_stay_is_told_wherever_it_is(what: str, walk: Walk, expected: int) -> None:
    check(walk, "stay_s", expected, [zone("queue", -2, 2)] if "queue" in what else [])


BENT = through((0, 0), (10, 0), (10, 10), (20, 10), (20, 20))
ZIGZAG = through(*[(4.0 * at, 4.0 * (at % 2)) for at in range(10)])
ARC = through(*[(20 * float(np.sin(at / 10)), 20 - 20 * float(np.cos(at / 10))) for at in range(16)])
AROUND = through((0, 0), (6, 0), *[(5.8 * float(np.cos(at / 10)), 5.8 * float(np.sin(at / 10))) for at in range(2, 16)])

ROUNDS = through(*[corner for _ in range(5) for corner in ((0, 0), (8, 0), (8, 8), (0, 8))])
AISLES = through(*[(2.0 * (at // 2), 12.0 * ((at + 1) // 2 % 2)) for at in range(16)])


def again(walk: Walk, after_s: float) -> Walk:
    """A walk, a rest where it ended, and the walk again."""
    shift_s = walk[-1][0] + after_s
    return [*walk, *((shift_s + at_s, x + walk[-1][1], y) for at_s, x, y in walk)]


PACING = [
    ("to and fro", legs(*[4.0] * 5), 4),
    ("to and fro ever on", legs(*[4.0] * 20), 8),
    ("there and back", legs(10.0, 10.0), 1),
    ("there and half of the way back", legs(10.0, 5.0), 1),
    ("there and a step back", legs(10.0, 1.5), 0),
    ("one way", legs(40.0), 0),
    ("stands", stand(60), 0),
    ("under the least leg", legs(*[1.8] * 12, speed=0.6), 0),
    ("round corners", BENT, 0),
    ("zigzag", ZIGZAG, 0),
    ("in a wide arc", ARC, 0),
    ("around where it began", AROUND, 0),
    ("in rounds", ROUNDS, 0),
    ("up one aisle and down the next", AISLES, 2),
    ("strolls", legs(*[6.0] * 5, speed=0.4), 0),
    ("walks at leisure", legs(*[6.0] * 5, speed=0.8), 4),
    ("stops for long on each leg", legs(*[6.0] * 5, stop_s=20), 0),
    ("stops for a moment on each leg", legs(*[6.0] * 5, stop_s=2), 4),
    ("again within the window", again(legs(*[4.0] * 4), 60), 6),  # the rest is part of one leg
    ("again after the window", again(legs(*[4.0] * 4), 200), 3),
]


@pytest.mark.parametrize(("walk", "expected"), [row[1:] for row in PACING], ids=[row[0] for row in PACING])
def test_pacing(walk: Walk, expected: int) -> None:
    check(walk, "pacing_reversals", expected)


def test_the_site_says_what_a_leg_is_and_how_long_is_looked_back() -> None:
    check(legs(*[4.0] * 5), "pacing_reversals", 0, thresholds=Thresholds(pacing_leg_mm=4_000))
    check(legs(*[1.8] * 5, speed=0.6), "pacing_reversals", 4, thresholds=Thresholds(pacing_leg_mm=1_000))
    check(legs(*[4.0] * 9), "pacing_reversals", 3, thresholds=Thresholds(pacing_window_s=14))


MOTION = [
    ("stands", stand(30), {"speed_10s": 0, "still_60s": 966, "stops_60s": 0, "straightness_60s": -1}),
    ("walks straight", legs(30.0), {"speed_10s": 1_000, "speed_60s": 966, "still_60s": 0, "straightness_60s": 1_000}),
    ("comes back", legs(20.0, 20.0), {"speed_10s": 1_000, "stops_60s": 0, "straightness_60s": 0}),
    (
        "stops twice",
        [(0, 0, 0), (10, 10, 0), (15, 10, 0), (25, 20, 0), (30, 20, 0)],
        {"stops_60s": 2, "speed_10s": 560, "straightness_60s": 1_000},
    ),
    ("jumps", [(0, 0, 0), (5, 0, 0), (5, 40, 40), (10, 40, 40)], {"speed_10s": 3_000, "speed_60s": 3_000}),
]


@pytest.mark.parametrize(("walk", "expected"), [row[1:] for row in MOTION], ids=[row[0] for row in MOTION])
def test_how_one_moves(walk: Walk, expected: dict[str, int]) -> None:
    for feature, value in expected.items():
        on_both = final(walk, feature, [], Thresholds())
        assert on_both == [pytest.approx(value, abs=6)] * 2, feature
