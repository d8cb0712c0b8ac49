import numpy as np
import pytest

from features.clip import SUMMARIES, clip_values
from features.keypoints import COCO17, PersonFrames
from features.limbs import limbs, mirrored

STANDING = (
    (0, -70), (2, -72), (-2, -72), (5, -70), (-5, -70), (18, -50), (-18, -50), (21, -20), (-21, -20), (20, 7),
    (-20, 7), (10, 0), (-10, 0), (10, 43), (-10, 43), (10, 85), (-10, 85),
)  # fmt: skip
Pose = dict[str, tuple[int, int]]


def frames_of(poses: list[Pose]) -> PersonFrames:
    frames = PersonFrames.empty(len(poses))
    frames.track[:], frames.time_ms[:] = 1, np.arange(len(poses)) * 100
    body = np.array([[pose.get(name, STANDING[at]) for at, name in enumerate(COCO17)] for pose in poses])
    frames.x[:], frames.y[:] = 4 * (body + np.array((100, 200))).transpose(2, 1, 0)
    frames.confidence[:] = 900
    frames.box[:] = 4 * np.array([[75], [125], [50], [165]])
    return frames


def of(pose: Pose) -> dict[str, float]:
    return {name: float(values[0]) for name, values in limbs(frames_of([pose])).items()}


def test_who_stands_is_the_same_on_both_sides() -> None:
    values = of({})
    assert {name for name, value in values.items() if name.endswith("_differs") and value} == {
        "wrist_from_shoulder_across_differs", "wrist_from_hip_across_differs", "elbow_from_shoulder_across_differs",
    }  # fmt: skip
    assert values["shoulders_apart"] == 720
    assert values["left_wrist_from_hip_down"] == 140
    assert values["nose_down"] == -400
    assert values["lean"] == values["shoulder_tilt"] == 0


BENT = [
    ("left_elbow_angle", {"left_wrist": (51, -20)}, 9_571),
    ("right_knee_angle", {"right_ankle": (-53, 43)}, 9_000),
    ("left_arm_angle", {"left_elbow": (58, -45), "left_shoulder": (18, -45)}, 10_008),
    ("right_hip_angle", {"right_knee": (-60, 0)}, 8_091),
]


@pytest.mark.parametrize(("name", "pose", "expected"), BENT, ids=[name for name, *_ in BENT])
def test_an_angle_is_that_of_its_joint(name: str, pose: Pose, expected: float) -> None:
    assert of(pose)[name] == pytest.approx(expected, abs=2)


LEANS: Pose = {
    "left_shoulder": (48, -40), "right_shoulder": (12, -40), "left_wrist": (0, -30), "right_knee": (-40, 20),
    "nose": (40, -60),
}  # fmt: skip


def test_a_mirror_swaps_the_sides_and_keeps_what_has_none() -> None:
    frames = frames_of([LEANS])
    values, swapped = limbs(frames), limbs(mirrored(frames))
    assert values["left_wrist_to_hip"] == swapped["right_wrist_to_hip"] != values["right_wrist_to_hip"]
    assert values["left_knee_from_hip_across"] == -swapped["right_knee_from_hip_across"]
    assert values["lean"] == -swapped["lean"] != 0
    for name in ("knee_angle_differs", "wrists_apart", "nose_aside", "ankles_across", "head_down"):
        assert values[name] == swapped[name]


def test_a_mirror_of_a_mirror_is_the_original() -> None:
    frames, twice = frames_of([LEANS]), mirrored(mirrored(frames_of([LEANS])))
    for column in ("x", "y", "box", "confidence"):
        assert (getattr(frames, column) == getattr(twice, column)).all()


def test_a_clip_is_summed_up_without_single_frames_that_stand_out() -> None:
    noses = [0, 0, 50, 0, 0, 10, 20, 30, 40, 50, 50]
    clip = clip_values(frames_of([{"nose": (at, -70)} for at in noses]))
    summary = dict(zip(SUMMARIES, clip["nose_across"].tolist(), strict=True))
    smooth = np.array([0, 0, 0, 0, 0, 10, 20, 30, 40, 50, 50]) * 20
    assert summary["mean"] == pytest.approx(smooth.mean())
    assert summary["spread"] == pytest.approx(smooth.std())
    assert summary["low"] == 0
    assert summary["high"] == 1_000
    assert summary["trend"] == pytest.approx(np.polyfit(np.arange(11), smooth, 1)[0])
    assert summary["movement"] == pytest.approx(1_000 / 10)


def test_who_moves_to_and_fro_moves_more_than_who_moved_once() -> None:
    once, again = ([{"nose": (at, -70)} for at in ats] for ats in ([0, 0, 0, 9, 9, 9, 9], [0, 0, 9, 9, 0, 0, 9]))
    movements = [clip_values(frames_of(noses))["nose_across"][SUMMARIES.index("movement")] for noses in (once, again)]
    assert movements[1] == pytest.approx(3 * movements[0])


def test_a_clip_of_one_frame_has_no_spread_no_trend_and_no_movement() -> None:
    values = np.array(list(clip_values(frames_of([LEANS])).values()))
    assert (values[:, 1] == 0).all()
    assert (values[:, 4:] == 0).all()
    assert (values[:, 0] == values[:, 2]).all()
