import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.body import Body, feet
from features.keypoints import (
    COCO17,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_WRIST,
    PersonFrames,
)
from features.posture import fill_posture
from features.runs import Runs
from features.segments import NOT_SEEN, SEGMENT, Segments
from features.site import Camera, Site, Zone
from features.zones import ZoneTable

# Who stands upright and faces the camera, pixels from the hips, arms hanging; the torso is 50 px.
STANDING = (
    (0, -70), (2, -72), (-2, -72), (5, -70), (-5, -70), (18, -50), (-18, -50), (21, -20), (-21, -20), (20, 7),
    (-20, 7), (10, 0), (-10, 0), (10, 43), (-10, 43), (10, 85), (-10, 85),
)  # fmt: skip
CENTRE = (100, 200)
SHELF_RIGHT = Zone("right", "shelf", [(90, 90), (200, 90), (200, 320), (90, 320)], face=(150, 340))
TABLE = ZoneTable(Site(cameras=[Camera("bare"), Camera("shop", [Zone("t", "till", SHELF_RIGHT.polygon), SHELF_RIGHT])]))
FIELDS = ("posed", "hands_at_waist", "reach", "crouch", "back_to_shelf", "lean_cdeg", "sway_cdeg", "head_range")
Pose = dict[str, tuple[int, int]]


def frames_of(poses: list[Pose], camera: int = 1, unseen: tuple[str, ...] = ()) -> PersonFrames:
    """A second of poses: where a keypoint is not as `STANDING` has it."""
    frames = PersonFrames.empty(len(poses))
    frames.camera[:], frames.track[:], frames.time_ms[:] = camera, 1, np.arange(len(poses)) * 60
    body = np.array([[pose.get(name, STANDING[at]) for at, name in enumerate(COCO17)] for pose in poses])
    frames.x[:], frames.y[:] = 4 * (body + CENTRE).transpose(2, 1, 0)
    frames.confidence[:] = [[299 if name in unseen else 300] for name in COCO17]
    frames.box[:] = 4 * np.array([[CENTRE[0] - 25], [CENTRE[1] - 75], [50], [165]])
    return frames


def fill(segments: Segments, frames: PersonFrames, runs: Runs) -> None:
    inside = TABLE.membership(frames.camera, *feet(frames))
    fill_posture(segments, frames, Body.of(frames), inside, runs, TABLE)


def filled(frames: PersonFrames, starts: list[int] | None = None) -> Segments:
    runs = Runs(np.array(starts or [0]), len(frames))
    segments = np.zeros(len(runs.starts), SEGMENT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fill(segments, frames, runs)
    return segments


def test_who_stands_does_nothing() -> None:
    found = filled(frames_of([{}, {}]))[0]
    assert {name: int(found[name]) for name in FIELDS} == dict.fromkeys(FIELDS, 0) | {"posed": 2}


HAND_ON_HIP: Pose = {"left_wrist": (12, 0), "left_elbow": (40, -22)}
HAND_AT_OTHER_HIP: Pose = {"left_wrist": (-12, -5), "left_elbow": (30, -10)}
REACH: Pose = {"left_wrist": (70, -45), "left_elbow": (45, -48)}
SQUAT: Pose = {"left_ankle": (10, 35), "right_ankle": (-10, 35), "left_knee": (30, 15), "right_knee": (-30, 15)}
KNEEL: Pose = {"left_knee": (35, 30), "right_knee": (35, 30), "left_ankle": (0, 45), "right_ankle": (0, 45)}
BACK_TO_CAMERA: Pose = {
    name.replace("left", "?").replace("right", "left").replace("?", "right"): place
    for name, place in zip(COCO17, STANDING, strict=True)
}
LOOKING_LEFT: Pose = {"nose": (-14, -70), "left_shoulder": (2, -50), "right_shoulder": (-2, -50)}
BENT: Pose = {name: (x + 50, y) for name, (x, y) in zip(COCO17[:7], STANDING[:7], strict=True)}


@pytest.mark.parametrize(
    ("pose", "field", "expected"),
    [
        (HAND_ON_HIP, "hands_at_waist", 500),
        (HAND_AT_OTHER_HIP, "hands_at_waist", 500),
        (REACH, "hands_at_waist", 0),
        (REACH, "reach", 500),
        ({"right_wrist": (-70, -45)}, "reach", 0),
        (HAND_ON_HIP, "reach", 0),
        (SQUAT, "crouch", 500),
        (KNEEL, "crouch", 500),
        (BACK_TO_CAMERA, "back_to_shelf", 500),
        (LOOKING_LEFT, "back_to_shelf", 500),
        ({"nose": (14, -70)}, "back_to_shelf", 0),
        (BENT, "lean_cdeg", 2_250),
        (BENT, "sway_cdeg", 2_250),
        ({"nose": (25, -70)}, "head_range", 500),
    ],
)
def test_a_posture_in_half_of_the_frames(pose: Pose, field: str, expected: int) -> None:
    assert filled(frames_of([pose, {}]))[field].tolist() == [expected]


@pytest.mark.parametrize("pose", [REACH, BACK_TO_CAMERA])
def test_without_a_shelf_nobody_reaches_into_one_or_turns_away(pose: Pose) -> None:
    found = filled(frames_of([pose], camera=0))
    assert (found["reach"].tolist(), found["back_to_shelf"].tolist()) == ([0], [0])


@pytest.mark.parametrize(
    ("pose", "unseen", "field"),
    [
        (HAND_ON_HIP, "left_wrist", "hands_at_waist"),
        (HAND_ON_HIP, "left_elbow", "hands_at_waist"),
        (REACH, "left_wrist", "reach"),
        (KNEEL, "right_knee", "crouch"),
    ],
)
def test_what_is_not_seen_is_not_held_against_anyone(pose: Pose, unseen: str, field: str) -> None:
    assert filled(frames_of([pose], unseen=(unseen,)))[field].tolist() == [0]


@pytest.mark.parametrize("unseen", ["left_shoulder", "right_hip"])
def test_without_a_torso_there_is_no_posture(unseen: str) -> None:
    found = filled(frames_of([HAND_ON_HIP], unseen=(unseen,)))[0]
    assert {name: int(found[name]) for name in FIELDS} == dict.fromkeys(FIELDS, NOT_SEEN) | {"posed": 0}


def test_the_torso_does_not_shrink_to_nothing() -> None:
    frames = frames_of([dict.fromkeys(COCO17, (0, 0))])
    assert Body.of(frames).torso.tolist() == [0.22 * np.sqrt(200.0**2 + 660.0**2)]
    frames.box[:] = 0
    assert Body.of(frames).torso.tolist() == [16]


def test_no_segments_are_no_error() -> None:
    fill(np.zeros(0, SEGMENT), PersonFrames.empty(), Runs(np.zeros(0, np.int64), 0))


def test_extremes_stay_in_range() -> None:
    frames = PersonFrames.empty(4)
    frames.x[:, ::2], frames.x[:, 1::2] = 32_764, -32_764
    frames.y[LEFT_SHOULDER:, 2:], frames.x[LEFT_WRIST : RIGHT_WRIST + 1] = -32_764, 32_764
    frames.x[NOSE], frames.confidence[:], frames.camera[:] = -32_764, 1_000, 1
    found = filled(frames)
    assert all(found[name][0] >= 0 for name in FIELDS)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 5), min_size=2, max_size=12), st.data())
def test_any_split_between_segments_gives_the_same_bytes(seed: int, counts: list[int], data: st.DataObject) -> None:
    frames = noisy_frames(seed, sum(counts))
    starts = np.cumsum([0, *counts[:-1]])
    cut = data.draw(st.integers(1, len(counts) - 1))
    row = int(starts[cut])
    parts = [
        filled(frames.take(slice(0, row)), starts[:cut].tolist()),
        filled(frames.take(slice(row, None)), (starts[cut:] - row).tolist()),
    ]
    assert np.concatenate(parts).tobytes() == filled(frames, starts.tolist()).tobytes()


def noisy_frames(seed: int, rows: int) -> PersonFrames:
    random = np.random.default_rng(seed)
    frames = frames_of([{}] * rows)
    frames.x[:] += random.integers(-120, 120, frames.x.shape, np.int16)
    frames.y[:] += random.integers(-120, 120, frames.y.shape, np.int16)
    frames.confidence[:] = random.integers(250, 1_000, frames.confidence.shape)
    frames.camera[:] = np.sort(random.integers(0, 2, rows))
    return frames
