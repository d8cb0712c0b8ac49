import numpy as np
import pytest

from features.body import Body
from features.closing import Layout, close_seconds
from features.keypoints import LEFT_ANKLE, LEFT_KNEE, LEFT_SHOULDER, Int16s, PersonFrames
from features.limbs import mirrored
from features.runs import Runs
from features.segments import SEGMENT, STRIDES, Segments
from features.sequence import MISSING
from features.site import Camera, Site
from features.strides import fill_strides
from features.walk import SIDED, WALK, walk

LAYOUT = Layout.of(Site(cameras=[Camera("side")]))
FRAMES = 120


def frames_of(
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


def walker(**changed: float) -> Segments:
    return seconds(frames_of(**changed))  # type: ignore[arg-type]


def seconds(frames: PersonFrames) -> Segments:
    return close_seconds(frames, LAYOUT).rows


def strides(frames: PersonFrames) -> Int16s:
    kept: Int16s = seconds(frames)["strides"]
    return kept


def of(frames: PersonFrames) -> dict[str, int]:
    return dict(zip((*WALK, *SIDED), walk(seconds(frames)).tolist(), strict=True))


def test_longer_steps_are_longer() -> None:
    short, long = of(frames_of(step_px=20))["step_length"], of(frames_of(step_px=40))["step_length"]
    assert long == pytest.approx(2 * short, rel=0.05)
    assert long == pytest.approx(2 * 40 / 50 * 1_000 * 0.951, rel=0.02)  # a tenth of a sine is beyond .951


def test_a_knee_that_bends_more_has_the_larger_range() -> None:
    assert of(frames_of(bend_px=20))["knee_range"] > of(frames_of(bend_px=10))["knee_range"] + 1_000


@pytest.mark.parametrize("lean_px", [-10, 0, 10])
def test_who_leans_forward_has_the_shoulders_ahead(lean_px: float) -> None:
    torso_px = np.hypot(50, lean_px)
    assert of(frames_of(lean_px=lean_px))["lean_ahead"] == pytest.approx(1_000 * lean_px / torso_px, abs=1)


def test_even_legs_do_not_tell_the_foot_that_is_ahead() -> None:
    assert of(frames_of())["speed_uneven"] <= 20


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_who_is_slower_with_the_left_foot_ahead_is_told_from_who_is_slower_with_the_right(fps: int) -> None:
    left, right = of(frames_of(held_back_px=1, fps=fps)), of(frames_of(held_back_px=-1, fps=fps))
    assert left["speed_by_foot"] < -900
    assert right["speed_by_foot"] > 900
    assert min(left["speed_uneven"], right["speed_uneven"]) > 900


def test_a_mirror_turns_the_side_and_nothing_else() -> None:
    frames = frames_of(held_back_px=1, lean_px=5)
    there = of(frames)
    assert of(mirrored(frames)) == there | {"speed_by_foot": -there["speed_by_foot"]}


def test_it_does_not_matter_which_way_somebody_walks() -> None:
    right = frames_of(held_back_px=1, lean_px=5)
    left, away = frames_of(held_back_px=1, lean_px=5), frames_of(held_back_px=1, lean_px=5)
    left.x[:] = -right.x
    away.x[:], away.y[:] = right.y, right.x
    away.box[:] = right.box[[1, 0, 3, 2]]
    assert strides(left).tolist() == strides(right).tolist() == strides(away).tolist()


def test_a_second_keeps_the_moments_of_frames_with_one_on_either_side() -> None:
    found = dict(zip(STRIDES, strides(frames_of(speed_px=5))[1].tolist(), strict=True))
    assert found["samples"] == 28
    assert found["speed"] == pytest.approx(5 * 30 / 50 * 1_000, rel=0.005)
    assert found["ahead_spread"] == pytest.approx(40 / 50 * 1_000 / 2**0.5, rel=0.05)
    assert found["speed_spread"] < 60
    held = dict(zip(STRIDES, strides(frames_of(held_back_px=1))[1].tolist(), strict=True))
    assert held["speed_spread"] == pytest.approx(30 / 50 * 1_000 / 2**0.5, rel=0.05)
    assert held["together"] < -950


@pytest.mark.parametrize("speed_px", [0, 0.4])
def test_who_hardly_moves_does_not_walk(speed_px: float) -> None:
    frames = frames_of(speed_px=speed_px)
    assert not strides(frames).any()
    assert set(of(frames).values()) == {MISSING}


def test_who_rolls_has_no_walk() -> None:
    assert strides(frames_of(step_px=0))[:, 0].all()
    assert set(of(frames_of(step_px=0)).values()) == {MISSING}


def test_a_second_in_which_somebody_is_suddenly_elsewhere_does_not_count() -> None:
    frames = frames_of(held_back_px=1)
    frames.x[:, 45:] += 4 * 300
    assert strides(frames)[:, 0].tolist() == [28, 0, 28, 28]


def test_a_second_of_standing_does_not_shorten_the_steps() -> None:
    whole, last = frames_of(), frames_of(speed_px=0, step_px=0, bend_px=60)
    last.x[:] += whole.x[:, [0]] - last.x[:, [0]]
    joined = PersonFrames.concatenate([whole.take(slice(0, 90)), last.take(slice(90, None))])
    assert of(joined) == of(whole.take(slice(0, 90)))


def test_a_second_that_is_missing_is_one_in_which_nothing_was_seen() -> None:
    segments = walker(held_back_px=1)
    part = dict(zip((*WALK, *SIDED), walk(segments[[0, 2, 3]]).tolist(), strict=True))
    assert part["speed_by_foot"] < -900
    assert (walk(segments[:1]) != MISSING).all()
    assert (walk(walker(held_back_px=1, fps=15)[:1]) == MISSING).all()  # too few frames to say


def test_frames_without_ankles_are_left_out() -> None:
    frames = frames_of(held_back_px=1)
    frames.confidence[LEFT_ANKLE, 10:20] = 299
    frames.confidence[LEFT_ANKLE, 30:60] = 299
    assert strides(frames)[:, 0].tolist() == [18, 0, 28, 28]
    frames.confidence[LEFT_ANKLE] = 0
    assert not strides(frames).any()
    assert set(of(frames).values()) == {MISSING}


def test_what_a_second_keeps_rests_on_its_own_frames() -> None:
    frames = frames_of(held_back_px=1)
    parts = [strides(frames.take(part)) for part in (slice(0, 60), slice(60, None))]
    assert np.concatenate(parts).tobytes() == strides(frames).tobytes()


def test_extremes_stay_in_range() -> None:
    frames = frames_of(step_px=8_000, speed_px=60)
    frames.x[5:15] = np.rint(4 * np.linspace(0, 40, FRAMES))
    frames.y[5:15] //= 100
    frames.box[:] = 0
    assert np.abs(strides(frames)).max() <= 32_000


def test_no_frames_are_no_seconds() -> None:
    none = PersonFrames.empty()
    fill_strides(np.zeros(0, SEGMENT), Body.of(none), none.time_ms, Runs(np.zeros(0, np.int64), 0))
