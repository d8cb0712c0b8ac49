import numpy as np
import pytest

from features.closing import Layout, close_seconds
from features.keypoints import PersonFrames
from features.segments import Segments
from features.sequence import MISSING
from features.site import Camera, Site
from features.walk import SIDED, WALK, walk

LAYOUT = Layout.of(Site(cameras=[Camera("side")]))
FRAMES = 90  # three seconds


def walker(
    step_px: float = 40, bend_px: tuple[float, float] = (15, 15), ahead_px: float = 0, hold: float = 0
) -> Segments:
    """Somebody seen from the side who walks two steps a second; `hold` flattens every second step."""
    frames = PersonFrames.empty(FRAMES)
    at = np.arange(FRAMES)
    frames.time_ms[:], frames.track[:] = at * 1_000 // 30, 1
    swing = np.sin(2 * np.pi * at / 30)
    apart = step_px * np.where(swing > 0, swing, (1 - hold) * swing) + ahead_px
    body_x = 100 + 4.0 * at
    frames.confidence[5:] = 900
    for left, right, y in ((5, 6, 100), (11, 12, 150), (13, 14, 200), (15, 16, 250)):
        frames.x[[left, right]], frames.y[[left, right]] = 4 * body_x, 4 * y
    for keypoint, side in ((15, 1), (16, -1)):
        frames.x[keypoint] = 4 * (body_x + side * apart / 2)
    for keypoint, bend in zip((13, 14), bend_px, strict=True):
        frames.x[keypoint] = 4 * (body_x + bend * (1 + swing))
    frames.box[:] = 4 * np.array([[0], [90], [60], [165]])
    return close_seconds(frames, LAYOUT).rows


def of(segments: Segments) -> dict[str, int]:
    return dict(zip(WALK, walk(segments)[: len(WALK)].tolist(), strict=True))


def side(segments: Segments) -> dict[str, int]:
    return dict(zip(SIDED, walk(segments)[len(WALK) :].tolist(), strict=True))


def test_longer_steps_are_longer() -> None:
    short, long = of(walker(20))["step_length"], of(walker(40))["step_length"]
    assert long == pytest.approx(2 * short, rel=0.05)
    assert long == pytest.approx(80 / 50 * 1_000 * 0.951, rel=0.02)  # a tenth of a sine is beyond .951


def test_who_holds_a_step_back_is_uneven() -> None:
    assert of(walker(hold=0.8))["step_asymmetry"] > of(walker())["step_asymmetry"] + 200


def test_who_stands_has_no_walk() -> None:
    assert (walk(walker(step_px=0))[: len(WALK)] == MISSING).all()


def test_a_second_that_is_missing_is_one_in_which_nothing_was_seen() -> None:
    segments = walker()
    broken = segments[[0, 2]]
    assert (walk(broken)[: len(WALK)] == MISSING).all()
    assert of(segments)["step_length"] > 0


def test_sides_say_which_leg_is_ahead_and_which_knee_bends_more() -> None:
    assert side(walker(ahead_px=10))["ankle_ahead"] == pytest.approx(200, abs=15)
    assert side(walker(ahead_px=-10))["ankle_ahead"] == pytest.approx(-200, abs=15)
    assert side(walker(bend_px=(30, 5)))["knee_range_differs"] > 500
    assert side(walker(bend_px=(5, 30)))["knee_range_differs"] < -500
