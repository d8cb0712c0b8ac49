import numpy as np
import pytest

from features.body import Body
from features.closing import Layout, close_seconds, runs_of_seconds
from features.keypoints import LEFT_ANKLE, LEFT_KNEE, LEFT_SHOULDER, Int64s, PersonFrames
from features.limbs import mirrored
from features.runs import Runs
from features.sequence import MISSING
from features.site import Camera, Site
from features.strides import STRIDES, strides
from features.walk import SIDED, WALK, sides, walk

LAYOUT = Layout.of(Site(cameras=[Camera("side")]))
FRAMES = 120


def walker(
    *,
    step_px: float = 40,
    bend_px: float = 15,
    lean_px: float = 0,
    speed_px: float = 4,
    held_back_px: float = 0,
    fps: int = 30,
) -> PersonFrames:
    """Four seconds of somebody seen from the side, torso 50 px, who walks to the right, a stride a second.

    `held_back_px` slows the body down while the left foot is ahead and speeds it up while the right one is.
    """
    frames = PersonFrames.empty(FRAMES)
    at = np.arange(FRAMES)
    frames.time_ms[:], frames.track[:] = at * 1_000 // 30, 1
    swing = np.sin(2 * np.pi * at / 30)
    body_x = 100 + speed_px * at + np.cumsum(-held_back_px * swing)
    frames.confidence[5:] = 900
    for left, right, y in ((5, 6, 100), (11, 12, 150), (13, 14, 200), (15, 16, 250)):
        frames.x[[left, right]], frames.y[[left, right]] = np.rint(4 * body_x), 4 * y
    frames.x[LEFT_SHOULDER : LEFT_SHOULDER + 2] += round(4 * lean_px)
    for keypoint, side in ((LEFT_ANKLE, 1), (LEFT_ANKLE + 1, -1)):
        frames.x[keypoint] = np.rint(4 * (body_x + side * step_px * swing / 2))
    frames.x[LEFT_KNEE] = np.rint(4 * (body_x + bend_px * (1 + swing)))
    frames.box[:] = 4 * np.array([[0], [90], [60], [165]])
    return frames.take(slice(None, None, 30 // fps))


def summed(frames: PersonFrames) -> Int64s:
    return strides(Body.of(frames), frames.time_ms, runs_of_seconds(frames))


def of(frames: PersonFrames) -> dict[str, int]:
    return dict(zip(WALK, walk(close_seconds(frames, LAYOUT).rows, summed(frames)).tolist(), strict=True))


def side(frames: PersonFrames) -> int:
    values: list[int] = sides(summed(frames)).tolist()
    return dict(zip(SIDED, values, strict=True))["speed_by_foot"]


def test_longer_steps_are_longer() -> None:
    short, long = of(walker(step_px=20))["step_length"], of(walker(step_px=40))["step_length"]
    assert long == pytest.approx(2 * short, rel=0.05)
    assert long == pytest.approx(2 * 40 / 50 * 1_000 * 0.951, rel=0.02)  # a tenth of a sine is beyond .951


def test_a_knee_that_bends_more_has_the_larger_range() -> None:
    assert of(walker(bend_px=20))["knee_range"] > of(walker(bend_px=10))["knee_range"] + 1_000


@pytest.mark.parametrize("lean_px", [-10, 0, 10])
def test_who_leans_forward_has_the_shoulders_ahead(lean_px: float) -> None:
    frames = walker(lean_px=lean_px)
    torso_px = np.hypot(50, lean_px)
    assert of(frames)["lean_ahead"] == pytest.approx(1_000 * lean_px / torso_px, abs=1)


def test_even_legs_do_not_tell_the_foot_that_is_ahead() -> None:
    assert abs(side(walker())) <= 20
    assert of(walker())["speed_uneven"] <= 20


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_who_is_slower_with_the_left_foot_ahead_is_told_from_who_is_slower_with_the_right(fps: int) -> None:
    assert side(walker(held_back_px=1, fps=fps)) < -900
    assert side(walker(held_back_px=-1, fps=fps)) > 900
    assert of(walker(held_back_px=1, fps=fps))["speed_uneven"] > 900


def test_a_mirror_turns_the_side_and_nothing_else() -> None:
    frames = walker(held_back_px=1, lean_px=5)
    assert side(mirrored(frames)) == -side(frames)
    assert of(mirrored(frames)) == of(frames)


def test_it_does_not_matter_which_way_somebody_walks() -> None:
    right = walker(held_back_px=1, lean_px=5)
    left, away = walker(held_back_px=1, lean_px=5), walker(held_back_px=1, lean_px=5)
    left.x[:] = -right.x
    away.x[:], away.y[:] = right.y, right.x
    away.box[:] = right.box[[1, 0, 3, 2]]
    assert summed(left).tolist() == summed(right).tolist() == summed(away).tolist()


def test_the_sums_are_those_of_frames_with_one_on_either_side() -> None:
    frames = walker(speed_px=5)
    found = dict(zip(STRIDES, summed(frames)[:, 1].tolist(), strict=True))
    assert found["samples"] == 28
    speeds_permille_s = {2 * 4 * 5 * 5 * 1_000 // gap_ms for gap_ms in (66, 67)}
    assert 28 * min(speeds_permille_s) <= found["speed"] <= 28 * (max(speeds_permille_s) + 1)


@pytest.mark.parametrize("speed_px", [0, 0.4])
def test_who_hardly_moves_does_not_walk(speed_px: float) -> None:
    frames = walker(speed_px=speed_px)
    assert not summed(frames).any()
    assert side(frames) == 0


def test_who_stands_is_judged_by_all_there_is() -> None:
    standing = of(walker(speed_px=0, step_px=0))
    assert (standing["speed_uneven"], standing["lean_ahead"], standing["step_length"]) == (0, 0, 0)
    assert standing["knee_range"] > 0


def test_a_second_in_which_somebody_is_suddenly_elsewhere_does_not_count() -> None:
    frames = walker(held_back_px=1)
    frames.x[:, 45:] += 4 * 300
    assert summed(frames)[0].tolist() == [28, 0, 28, 28]


def test_a_second_of_standing_does_not_shorten_the_steps() -> None:
    whole, last = walker(), walker(speed_px=0, step_px=0)
    last.x[:] += whole.x[:, [0]] - last.x[:, [0]]
    joined = PersonFrames.concatenate([whole.take(slice(0, 90)), last.take(slice(90, None))])
    assert of(joined)["step_length"] == of(whole.take(slice(0, 90)))["step_length"]


def test_frames_without_ankles_are_left_out() -> None:
    frames = walker(held_back_px=1)
    frames.confidence[LEFT_ANKLE, 10:20] = 299
    frames.confidence[LEFT_ANKLE, 30:60] = 299
    assert summed(frames)[0].tolist() == [18, 0, 28, 28]
    frames.confidence[LEFT_ANKLE] = 0
    assert not summed(frames).any()
    assert of(frames)["step_length"] == MISSING


def test_what_a_second_adds_rests_on_its_own_frames() -> None:
    frames = walker(held_back_px=1)
    parts = [summed(frames.take(part)) for part in (slice(0, 60), slice(60, None))]
    assert np.concatenate(parts, axis=1).tobytes() == summed(frames).tobytes()


def test_no_frames_are_no_seconds() -> None:
    none = PersonFrames.empty()
    assert strides(Body.of(none), none.time_ms, Runs(np.zeros(0, np.int64), 0)).shape == (len(STRIDES), 0)
