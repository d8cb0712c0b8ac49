"""What arms and hands do in a second, and the model that says how likely goods are being put away."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.bearing import UNKNOWN
from features.body import Body
from features.closing import Layout, close_seconds
from features.events import Rejection
from features.handling import HANDLING, handling
from features.keypoints import COCO17, Int16s, PersonFrames
from features.limbs import mirrored
from features.runs import Runs
from features.segments import NOT_SEEN
from features.site import Camera, Site
from models.bundle import Bundle, default_bundle, dump, load, seal
from models.evaluation import auc
from models.handling_learning import learn_handling
from models.scorecard import ScoredFeature
from models.tabled import Effects, Tabled
from tests.normalities import hands
from tests.unit.test_bearing import Pose, frames_of

AT_WAIST: Pose = {"left_elbow": (30, -22), "left_wrist": (12, -6)}


def measured(frames: PersonFrames) -> Int16s:
    return handling(Body.of(frames), frames.time_ms, Runs(np.zeros(1, np.int64), len(frames)))[:, 0]


def of(poses: list[Pose], unseen: tuple[str, ...] = ()) -> dict[str, int]:
    return dict(zip(HANDLING, measured(frames_of(poses, unseen)).tolist(), strict=True))


def test_who_stands_with_hanging_arms() -> None:
    found = of([{}] * 3)
    assert {name: value for name, value in found.items() if not name.endswith("_moves")} == {
        "elbow_angle": 17_217, "arm_angle": 1_480, "wrist_below_shoulder": 1_140, "wrist_below_hip": 140,
        "wrist_to_hip": 244, "wrist_to_other_hip": 616, "forearm": 540, "upper_arm": 603,
        "elbow_angle_differs": 0, "arm_angle_differs": 0, "wrist_below_shoulder_differs": 0,
        "wrist_below_hip_differs": 0, "wrist_to_hip_differs": 0, "wrist_to_other_hip_differs": 0,
        "forearm_differs": 0, "upper_arm_differs": 0, "elbows_apart": 840, "wrists_apart": 800,
        "shoulders_apart": 720, "hips_apart": 400, "lean": 0, "elbow_below_shoulder": 600,
        "elbow_below_shoulder_differs": 0, "wrist_aside_of_shoulder": 0, "wrist_aside_of_shoulder_differs": 80,
        "wrist_aside_of_hip": 0, "wrist_aside_of_hip_differs": 400, "elbow_aside_of_shoulder": 0,
        "elbow_aside_of_shoulder_differs": 120, "shoulder_tilt": 0,
    }  # fmt: skip
    assert {value for name, value in found.items() if name.endswith("_moves")} == {0}


def test_a_hand_that_goes_to_the_waist() -> None:
    standing, reaching = of([{}] * 3), of([AT_WAIST] * 3)
    assert reaching["wrist_to_hip"] < standing["wrist_to_hip"]
    assert reaching["elbow_angle_differs"] > 3_000
    assert reaching["wrist_below_hip_differs"] == round(1_000 * 13 / 50)
    half = of([{}, {}, AT_WAIST, AT_WAIST])
    assert half["wrist_to_hip"] == pytest.approx((standing["wrist_to_hip"] + reaching["wrist_to_hip"]) / 2, abs=1)


def at_rate(poses: list[Pose], each: int, tenth_ms: int) -> PersonFrames:
    """Frames of poses, `each` of them a tenth of a second long."""
    frames = frames_of([pose for pose in poses for _ in range(each)])
    frames.time_ms[:] = np.arange(len(frames)) * tenth_ms // each
    return frames


@pytest.mark.parametrize("each", [1, 2, 3])
def test_a_hand_that_goes_to_and_fro_moves_more_and_at_any_frame_rate_as_much(each: int) -> None:
    hanging: Pose = {}
    once, again = [hanging] * 3 + [AT_WAIST] * 3, [hanging, AT_WAIST] * 3
    moves = HANDLING.index("wrist_to_hip_moves")
    few, many = (int(measured(at_rate(poses, each, 100))[moves]) for poses in (once, again))
    at = HANDLING.index("wrist_to_hip")
    apart = abs(measured(frames_of([{}] * 3))[at] - measured(frames_of([AT_WAIST] * 3))[at])
    assert many == pytest.approx(apart, abs=1)
    assert few == pytest.approx(apart / 5, abs=1)


@given(st.lists(st.tuples(st.sampled_from(COCO17), st.integers(-60, 60), st.integers(-80, 90)), max_size=8))
def test_a_mirror_changes_nothing(moved: list[tuple[str, int, int]]) -> None:
    frames = frames_of([{name: (x, y) for name, x, y in moved}, {}, AT_WAIST])
    assert measured(mirrored(frames)).tolist() == measured(frames).tolist()


@pytest.mark.parametrize("unseen", ["left_wrist", "right_elbow", "left_hip", "right_shoulder"])
def test_arms_that_are_hardly_seen_say_nothing(unseen: str) -> None:
    assert set(of([{}] * 9, (unseen,)).values()) == {UNKNOWN}
    assert UNKNOWN in of([{}] * 2).values()
    few = frames_of([{}] * 5)
    few.confidence[COCO17.index(unseen), :2] = 0
    few.x[:, :2] += 400
    assert measured(few).tolist() == measured(frames_of([{}] * 3)).tolist()


@pytest.mark.parametrize("frames", [2, 3])
def test_a_segment_holds_what_the_model_says(frames: int) -> None:
    seen = frames_of([{}] * frames)
    site = Site(cameras=[Camera("hall")])
    rows = close_seconds(seen, Layout.of(site, handling=hands())).rows
    expected = int(hands().permille(measured(seen)[None])[0]) if frames > 2 else NOT_SEEN
    assert rows["handling"].tolist() == [expected]
    assert close_seconds(seen, Layout.of(site)).rows["handling"].tolist() == [NOT_SEEN]


@cache
def learned() -> Tabled:
    """From made-up seconds: hands near a hip more often in some sources' clips than in others'."""
    random = np.random.default_rng(3)
    concealing, source = np.arange(240) % 2 == 1, np.repeat(np.arange(30), 8)
    values = random.normal(1_000, 300, (240, len(HANDLING)))
    values[:, HANDLING.index("wrist_to_hip")] = random.normal(600, 150, 240) - 350 * concealing
    return learn_handling(np.rint(values).astype(np.int64), concealing, source)


def test_a_model_tells_what_it_learned_and_is_calibrated() -> None:
    values = np.full((600, len(HANDLING)), 1_000)
    concealing = np.arange(600) % 2 == 1
    values[:, HANDLING.index("wrist_to_hip")] = np.random.default_rng(8).normal(600, 150, 600) - 350 * concealing
    permille = learned().permille(values)
    assert auc(permille, concealing) > 0.9
    said = permille > 500
    assert concealing[said].mean() == pytest.approx(permille[said].mean() / 1_000, abs=0.1)


def with_hands() -> Bundle:
    return seal(replace(default_bundle(), handling=learned()))


def test_it_comes_back_in_its_bundle() -> None:
    assert load(dump(with_hands())) == with_hands()
    assert b'"handling"' not in dump(default_bundle())


def test_a_bundle_that_gives_points_for_it_is_refused() -> None:
    scorecard = default_bundle().scorecard
    scored = ScoredFeature("handling_after_reach", (500,), (0, 1))
    with pytest.raises(Rejection, match="got handling_after_reach, which only describes"):
        seal(replace(with_hands(), scorecard=replace(scorecard, features=(*scorecard.features[:2], scored))))


WRONG = [
    (("wrist",), (1, 2), (0, 1, 2), r"\$\.handling\.effects: expected those of elbow_angle, "),
    (HANDLING, (2, 2), (0, 1, 2), r"\$\.handling\.effects\[0\]\.edges: expected ascending edges, got \[2, 2\]"),
    (HANDLING, (1, 2), (0, 1), r"\$\.handling\.effects\[0\]\.millilogits: expected 3 values, got 2"),
]


@pytest.mark.parametrize(("names", "edges", "millilogits", "told"), WRONG)
def test_what_is_wrong_is_named(
    names: tuple[str, ...], edges: tuple[int, ...], millilogits: tuple[int, ...], told: str
) -> None:
    effects = tuple(Effects(name, edges, millilogits) for name in names)
    with pytest.raises(Rejection, match=told):
        seal(replace(default_bundle(), handling=Tabled(effects, hands().calibration)))
