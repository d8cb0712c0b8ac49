import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.bearing import QUANTITIES, UNKNOWN, bearing, fill_unusual, hips_of, of_families
from features.body import Body
from features.keypoints import COCO17, Int16s, Int32s, Ints, PersonFrames
from features.runs import Runs
from features.segments import FAMILIES, NOT_SEEN, SEGMENT

# Who stands upright and faces the camera, pixels from the hips, arms hanging; the torso is 50 px.
STANDING = {
    "nose": (0, -70), "left_eye": (2, -72), "right_eye": (-2, -72), "left_ear": (5, -70), "right_ear": (-5, -70),
    "left_shoulder": (18, -50), "right_shoulder": (-18, -50), "left_elbow": (21, -20), "right_elbow": (-21, -20),
    "left_wrist": (20, 7), "right_wrist": (-20, 7), "left_hip": (10, 0), "right_hip": (-10, 0), "left_knee": (10, 43),
    "right_knee": (-10, 43), "left_ankle": (10, 85), "right_ankle": (-10, 85),
}  # fmt: skip
NAMES = [quantity.name for quantity in QUANTITIES]
Pose = dict[str, tuple[int, int]]


def frames_of(poses: list[Pose], unseen: tuple[str, ...] = (), x: int = 100, y: int = 200) -> PersonFrames:
    frames = PersonFrames.empty(len(poses))
    frames.track[:], frames.time_ms[:] = 1, np.arange(len(poses)) * 60
    body = np.array([[{**STANDING, **pose}[name] for name in COCO17] for pose in poses])
    frames.x[:], frames.y[:] = 4 * (body + np.array((x, y))).transpose(2, 1, 0)
    frames.confidence[:] = [[0 if name in unseen else 800] for name in COCO17]
    frames.box[:] = 4 * np.array([[x - 25], [y - 75], [50], [165]])
    return frames


def measured(frames: PersonFrames, starts: list[int] | None = None) -> Int16s:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return bearing(frames, Body.of(frames), Runs(np.array(starts or [0]), len(frames)))


def of(frames: PersonFrames) -> dict[str, int]:
    return dict(zip(NAMES, measured(frames)[:, 0].tolist(), strict=True))


def test_who_stands_upright() -> None:
    values = of(frames_of([{}] * 3))
    assert values == {
        "trunk_lean": 0, "head_low": -416, "hip_bend": 909, "nose_low": -400, "nose_aside": 0,
        "arm_angles_differ": 0, "wrists_differ": 0, "forearms_differ": 0, "shoulders_hidden": 200,
        "wrists_hidden": 200, "hips_hidden": 200,
    }  # fmt: skip


GROWS = [
    ("trunk_lean", {"left_shoulder": (48, -40), "right_shoulder": (12, -40)}, 3687),
    ("head_low", dict.fromkeys(COCO17[:5], (0, -40)), 200),
    ("hip_bend", {"left_knee": (60, 0)}, 9_900),
    ("nose_low", {"nose": (0, -45)}, 100),
    ("nose_aside", {"nose": (25, -70)}, 500),
    ("arm_angles_differ", {"left_elbow": (48, -50)}, 8_400),
    ("wrists_differ", {"left_wrist": (-10, 0)}, 600),
    ("forearms_differ", {"right_wrist": (-21, -20)}, 540),
]


@pytest.mark.parametrize(("name", "pose", "least"), GROWS, ids=[name for name, *_ in GROWS])
def test_a_quantity_grows_with_what_it_is_named_after(name: str, pose: Pose, least: int) -> None:
    assert of(frames_of([pose] * 3))[name] >= least > of(frames_of([{}] * 3))[name]


def test_lean_is_the_angle_of_the_trunk() -> None:
    pose = {"left_shoulder": (48, -40), "right_shoulder": (12, -40)}
    assert of(frames_of([pose]))["trunk_lean"] == 3687  # arctangent of 30 over 40


UNSEEN = [
    (("nose",), {"nose_low", "nose_aside"}),
    (("left_knee", "right_knee"), {"hip_bend"}),
    (("left_wrist",), {"wrists_differ", "forearms_differ"}),
    (("right_elbow",), {"forearms_differ", "arm_angles_differ"}),
    (("left_ear", "left_eye"), set[str]()),
]


@pytest.mark.parametrize(("unseen", "unknown"), UNSEEN)
def test_what_was_not_given_is_unknown(unseen: tuple[str, ...], unknown: set[str]) -> None:
    values = of(frames_of([{}] * 2, unseen))
    assert {name for name, value in values.items() if value == UNKNOWN} == unknown


def test_of_what_was_not_given_no_number_matters() -> None:
    here, there = frames_of([{}], ("left_wrist",)), frames_of([{"left_wrist": (500, 700)}], ("left_wrist",))
    assert (measured(here) == measured(there)).all()


def test_a_box_alone_has_no_bearing() -> None:
    frames = PersonFrames.empty(2)
    assert (measured(frames) == UNKNOWN).all()


def test_a_frame_without_the_nose_does_not_count_for_it() -> None:
    frames = frames_of([{}, {"nose": (25, -70)}])
    frames.confidence[0, 1] = 0
    assert of(frames)["nose_aside"] == 0


def test_hips_are_where_they_are_on_average() -> None:
    frames = PersonFrames.concatenate([frames_of([{}], x=100), frames_of([{}], x=102)])
    assert hips_of(Body.of(frames), Runs(np.array([0]), 2)).tolist() == [[404], [800]]


@given(st.lists(st.integers(-60, 60), min_size=4, max_size=12), st.integers(1, 3))
def test_runs_do_not_see_each_other(offsets: list[int], cut: int) -> None:
    frames = frames_of([{"nose": (offset, -70), "left_shoulder": (18, 2 * offset)} for offset in offsets])
    together = measured(frames, [0, cut])
    apart = [measured(frames.take(part)) for part in (slice(0, cut), slice(cut, len(frames)))]
    assert (together == np.concatenate(apart, axis=1)).all()


@given(st.integers(-50, 900), st.integers(80, 900))
def test_where_a_person_stands_does_not_matter(x: int, y: int) -> None:
    pose: Pose = {"left_wrist": (70, 7), "nose": (25, -60)}
    assert (measured(frames_of([pose], x=x, y=y)) == measured(frames_of([pose]))).all()


class Everything:
    """A normality by which a quantity gives its value, whatever the place, and notes what it was asked."""

    def __init__(self) -> None:
        self.cameras: list[int] = []

    def millibits(self, camera: Ints, bearing: Int16s, hips: Ints) -> Int32s:
        assert bearing.shape[1] == hips.shape[1] == len(camera)
        self.cameras += camera.tolist()
        return np.where(bearing == UNKNOWN, 0, bearing).astype(np.int32)


def unusual(frames: PersonFrames, starts: list[int]) -> tuple[list[list[int]], list[int]]:
    """What the segments hold, and the cameras that were asked about."""
    segments, normal = np.zeros(len(starts), SEGMENT), Everything()
    segments["unusual_mbit"] = NOT_SEEN
    fill_unusual(segments, frames, Body.of(frames), Runs(np.array(starts), len(frames)), normal)
    return segments["unusual_mbit"].tolist(), normal.cameras


def test_families_of_quantities_stand_together_in_order() -> None:
    assert list(dict.fromkeys(quantity.family for quantity in QUANTITIES)) == list(FAMILIES)
    rows = np.arange(len(QUANTITIES), dtype=np.int32)[:, None]
    assert of_families(rows).T.tolist() == [[0 + 1 + 2, 3 + 4, 5 + 6 + 7, 8 + 9 + 10]]


def test_a_segment_gets_the_sums_of_its_families() -> None:
    values = of(frames_of([{}] * 3))
    sums = [sum(values[each.name] for each in QUANTITIES if each.family == family) for family in FAMILIES]
    frames = PersonFrames.concatenate([frames_of([{}] * 3), frames_of([{"nose": (25, -70)}] * 2)])
    frames.camera[:] = [2, 2, 2, 5, 5]
    raised = [sums[0], sums[1] + 500, *sums[2:]]
    assert unusual(frames, [0, 3]) == ([sums, raised], [2, 5])


def test_frames_without_any_keypoint_say_nothing() -> None:
    shown, box_only = frames_of([{}] * 2), frames_of([{}], COCO17, x=900)
    box_only.box[2:] *= 9
    alone, _ = unusual(shown, [0])
    frames = PersonFrames.concatenate([box_only, box_only, shown, box_only, shown])
    assert unusual(frames, [0, 1, 4]) == ([[NOT_SEEN] * 4, *alone, *alone], [0, 0])
    assert unusual(box_only, [0]) == ([[NOT_SEEN] * 4], [])
