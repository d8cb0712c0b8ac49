import hashlib
from collections import Counter
from dataclasses import fields
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from features.events import TIME_MS_END
from features.keypoints import LEFT_ANKLE, LEFT_HIP, LEFT_SHOULDER, NO_TRACK, NOSE, Bools, PersonFrames
from models.scenarios import EPOCH_MS, Scenario, Visit, generate
from models.scenarios.acts import Act
from models.scenarios.baskets import ASSORTMENT
from models.scenarios.behaviours import FREQUENCIES
from models.scenarios.draws import Draws
from models.scenarios.script import Script
from models.scenarios.shop import FLOOR, PINHOLES
from models.scenarios.trigonometry import cosine, sine
from models.scenarios.walker import CROWN, LEFT_SOLE, Walker, skeleton

Floats = NDArray[np.float64]
FPS = 15
VISITS = 200
PX4 = 4


@cache
def scenario() -> Scenario:
    return generate(1, VISITS, FPS)


def digest(made: Scenario) -> str:
    sha = hashlib.sha256()
    for field in fields(made.frames):
        sha.update(getattr(made.frames, field.name).tobytes())
    sha.update(repr((made.site.cameras, made.site.tills, made.purchases, made.truth)).encode())
    return sha.hexdigest()


def rows_of(visit: Visit) -> PersonFrames:
    frames = scenario().frames
    inside = np.zeros(len(frames), np.bool_)
    for sighting in visit.sightings:
        times = (frames.time_ms >= sighting.start_ms) & (frames.time_ms < sighting.end_ms)
        inside |= times & (frames.track == sighting.track) & (frames.camera == visit.camera)
    return frames.take(inside)


def visits_of(behaviour: str) -> list[Visit]:
    return [visit for visit in scenario().truth if visit.behaviours == (behaviour,)]


def feet_px(rows: PersonFrames) -> Floats:
    left, top, width, height = rows.box / PX4
    return np.stack((left + width / 2, top + height))


def ground_m(rows: PersonFrames) -> Floats:
    """(2, rows) by each camera's true homography, although the site knows the floor's alone."""
    homography = np.array(PINHOLES[int(rows.camera[0])].homography())
    x, y = feet_px(rows)
    across, down, depth = (a * x + b * y + c for a, b, c in homography)
    metres: Floats = np.stack((across, down)) / depth / 1_000
    return metres


def in_zones(rows: PersonFrames, kind: str) -> Bools:
    x, y = feet_px(rows)
    member = np.zeros(len(rows), np.bool_)
    for zone in scenario().site.cameras[int(rows.camera[0])].zones:
        if zone.kind == kind:
            inside = np.zeros(len(rows), np.bool_)
            for (x1, y1), (x2, y2) in pairwise([*zone.polygon, zone.polygon[0]]):
                if y1 != y2:
                    inside ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
            member |= inside
    return member


def reversals(values: Floats, leg: float) -> int:
    count, direction, extreme = 0, 0.0, values[0]
    for value in values.tolist():
        if direction == 0 and abs(value - values[0]) > leg:
            direction, extreme = float(np.sign(value - values[0])), value
        elif (value - extreme) * direction > 0:
            extreme = value
        elif (extreme - value) * direction > leg:
            count, direction, extreme = count + 1, -direction, value
    return count


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert digest(generate(3, 30)) == digest(generate(3, 30))
    assert digest(generate(3, 30)) != digest(generate(4, 30))


def test_the_bytes_are_those_of_any_other_machine() -> None:
    assert digest(generate(1, 10)) == "78a2f4c55df29e1164b02d139dbecb4ccaabdabe691d6494b70acc789bddd415"


def test_sine_and_cosine_are_right_on_all_turns() -> None:
    turns = np.arange(-3_000, 3_000) / 997
    assert np.abs(sine(turns) - np.sin(2 * np.pi * turns)).max() < 2e-9
    assert np.abs(cosine(turns) - np.cos(2 * np.pi * turns)).max() < 2e-9


def test_normals_have_mean_nought_and_variance_one() -> None:
    normals = Draws(1).normals(200_000)
    assert abs(normals.mean()) < 0.01
    assert abs(normals.var() - 1) < 0.01


def test_every_behaviour_appears() -> None:
    acts: list[Act] = [behaviour(Draws(1)) for behaviour in FREQUENCIES]
    names = {name for visit in scenario().truth for name in visit.behaviours}
    assert names == {act.behaviour for act in acts}
    assert len(names) == len(FREQUENCIES)


def test_frames_are_valid_and_in_order() -> None:
    frames = scenario().frames
    keys = list(zip(frames.time_ms.tolist(), frames.camera.tolist(), frames.track.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert frames.confidence.min() >= 0
    assert frames.confidence.max() <= 1_000
    assert min(frames.time_ms) == EPOCH_MS
    assert max(frames.time_ms) < TIME_MS_END
    seen = frames.take(frames.track != NO_TRACK)
    assert (seen.box[:2] >= 0).all()
    assert (seen.box[2:] > 0).all()
    for camera, pinhole in enumerate(PINHOLES):
        left, top, width, height = seen.box[:, seen.camera == camera].astype(np.int64)
        assert (left + width).max() <= PX4 * (pinhole.width_px + 20)
        assert (top + height).max() <= PX4 * (pinhole.height_px + 20)


def test_frames_without_persons_are_there() -> None:
    frames = scenario().frames
    for camera in range(len(PINHOLES)):
        here = frames.take(frames.camera == camera)
        nobody = here.take(here.track == NO_TRACK)
        assert len(nobody) > 100
        assert not nobody.confidence.any()
        assert not np.isin(nobody.time_ms, here.time_ms[here.track != NO_TRACK]).any()
        assert set(np.diff(np.unique(here.time_ms)).tolist()) == {66, 67}


def test_the_truth_names_every_row_once() -> None:
    assert sum(len(rows_of(visit)) for visit in scenario().truth) == int((scenario().frames.track != NO_TRACK).sum())


def test_ids_change_and_swap() -> None:
    tracks = [(visit.camera, track) for visit in scenario().truth for track in {at.track for at in visit.sightings}]
    assert any(len(visit.sightings) > 1 for visit in scenario().truth)
    assert max(Counter(tracks).values()) > 1


def test_several_persons_are_seen_at_once() -> None:
    frames = scenario().frames
    seen = frames.track != NO_TRACK
    assert max(Counter(frames.time_ms[seen & (frames.camera == FLOOR)].tolist()).values()) >= 4


def test_the_homography_undoes_the_projection() -> None:
    for pinhole in PINHOLES:
        points = np.array([(-2.0, 5.0, 0.0), (3.0, 7.5, 0.0), (0.5, 11.0, 0.0)]).T
        x, y = pinhole.project(points)
        across, down, depth = (a * x + b * y + c for a, b, c in np.array(pinhole.homography()))
        assert np.allclose(np.stack((across, down)) / depth, 1_000 * points[:2])


@pytest.mark.parametrize("behaviour", ["crossing", "slow_walker"])
def test_walking_speeds_measured_through_the_homography_are_the_intended_ones(behaviour: str) -> None:
    planted = [visit for visit in visits_of(behaviour) if "speed_mm_per_s" in visit.planted]
    assert len(planted) > 1
    for visit in planted:
        rows = rows_of(visit)
        seconds = (rows.time_ms[FPS:] - rows.time_ms[:-FPS]) / 1_000
        step = ground_m(rows)[:, FPS:] - ground_m(rows)[:, :-FPS]
        speed = float(np.median(np.hypot(*step) / seconds))
        assert speed == pytest.approx(visit.planted["speed_mm_per_s"] / 1_000, rel=0.1)


@pytest.mark.parametrize(("stature_m", "speed_m_s", "least", "most"), [(1.5, 0.5, 65, 80), (1.75, 1.3, 102, 116)])
def test_cadence_follows_the_speed(stature_m: float, speed_m_s: float, least: float, most: float) -> None:
    walker = Walker(stature_m, speed_m_s)
    body = skeleton(walker, Script(Draws(1), walker, FLOOR, (-6, 5)).walk((6, 5)).motion(60), 60)
    apart = body[0, LEFT_ANKLE, 60:-60] - body[0, LEFT_ANKLE + 1, 60:-60]
    steps = np.flatnonzero(np.diff(np.sign(apart)))
    cadence = 60 * 60 / float(np.diff(steps).mean())
    assert least < cadence < most
    assert np.abs(apart).max() == pytest.approx(60 * speed_m_s / cadence, rel=0.05)


@pytest.mark.parametrize("stature_m", [1.1, 1.5, 1.95])
def test_a_body_stands_upright_on_the_ground(stature_m: float) -> None:
    walker = Walker(stature_m, 1.0, lean_deg=0)
    body = skeleton(walker, Script(Draws(1), walker, FLOOR, (0, 5)).stand(2).motion(FPS), FPS)
    up = body[2, :, FPS]
    assert up[CROWN] == pytest.approx(stature_m, rel=0.02)
    assert up[NOSE] > up[LEFT_SHOULDER] > up[LEFT_HIP] > up[LEFT_ANKLE] > up[LEFT_SOLE]
    assert up[LEFT_SOLE] == pytest.approx(0, abs=0.01)
    assert body[0, LEFT_SHOULDER, FPS] > body[0, LEFT_SHOULDER + 1, FPS]  # left is right for who faces us


def test_pacing_turns_round_as_often_as_planted() -> None:
    paced = [*visits_of("pacing"), *visits_of("door_pacing")]
    assert len({visit.camera for visit in paced}) == len(PINHOLES)
    for visit in paced:
        turned = reversals(ground_m(rows_of(visit))[0], 2.0)
        assert visit.planted["reversals"] <= turned <= visit.planted["reversals"] + 2  # coming and going are turns too


def test_who_loiters_at_the_door_is_in_its_zone_beyond_the_threshold() -> None:
    threshold_s = scenario().site.thresholds.restricted_loiter_after_s
    for visit in visits_of("door_loitering"):
        rows = rows_of(visit)
        seconds = np.unique(rows.time_ms[in_zones(rows, "restricted")] // 1_000)
        assert np.ptp(seconds) >= 0.9 * visit.planted["stay_ms"] / 1_000 > 0.9 * threshold_s
        assert len(seconds) > threshold_s


def test_who_waits_at_the_door_leaves_it_before_the_threshold() -> None:
    for visit in visits_of("waits_at_door"):
        rows = rows_of(visit)
        seconds = np.unique(rows.time_ms[in_zones(rows, "restricted")] // 1_000)
        assert 5 < len(seconds) < scenario().site.thresholds.restricted_loiter_after_s


def test_who_pays_stands_at_a_till() -> None:
    by_receipt = {receipt: visit for visit in scenario().truth for receipt in visit.receipts}
    assert set(by_receipt) == {purchase.receipt for purchase in scenario().purchases}
    for purchase in scenario().purchases:
        rows = rows_of(by_receipt[purchase.receipt])
        near = rows.take(np.abs(rows.time_ms - purchase.time_ms) < 8_000)
        assert in_zones(near, "till").mean() > 0.5
        assert {line.category for line in purchase.lines} <= set(ASSORTMENT)


def test_there_is_much_to_buy_and_some_customers_are_known() -> None:
    assert len(ASSORTMENT) >= 40
    known = {purchase.customer for purchase in scenario().purchases}
    assert None in known
    assert len(known) > 5


def bought(visit: Visit) -> list[set[str]]:
    baskets = {purchase.receipt: purchase for purchase in scenario().purchases}
    return [{line.category for line in baskets[receipt].lines} for receipt in visit.receipts]


def test_only_the_combination_is_bought_in_its_order() -> None:
    second = {"rope", "sack", "hammer"}
    for visit in visits_of("combination"):
        first_basket, second_basket = bought(visit)
        assert "knife" in first_basket
        assert second & second_basket
    for visit in visits_of("wrong_order"):
        first_basket, second_basket = bought(visit)
        assert second & first_basket
        assert "knife" in second_basket
    assert [len(bought(visit)) for visit in visits_of("same_basket")] == [1] * len(visits_of("same_basket"))


def test_a_fifth_to_a_half_is_positive_as_often_as_reviewers_agree() -> None:
    truth = [visit for seed in (1, 2, 3) for visit in generate(seed, VISITS).truth]
    share = sum(visit.positive for visit in truth) / len(truth)
    assert 0.15 < share < 0.45
    assert share == pytest.approx(sum(visit.agreement_permille for visit in truth) / len(truth) / 1_000, abs=0.04)
    assert len({visit.agreement_permille for visit in truth}) > 50


def test_who_comes_together_shares_a_group_and_a_judgement() -> None:
    pairs = [visit.group for visit in visits_of("parent_and_child")]
    assert set(Counter(pairs).values()) == {2}
    for group in set(pairs):
        assert len({visit.positive for visit in visits_of("parent_and_child") if visit.group == group}) == 1


def test_other_frame_rates_show_the_same_visits() -> None:
    slow, fast = generate(5, 10, 8), generate(5, 10, 25)
    assert [visit.behaviours for visit in slow.truth] == [visit.behaviours for visit in fast.truth]
    assert [visit.positive for visit in slow.truth] == [visit.positive for visit in fast.truth]
