"""Person-frames: from a batch of poses to columns of integers."""

import numpy as np
import pytest

from features.events import Frame, PersonPose, PoseBatch
from features.keypoints import (
    COCO17,
    COCO17_OF_BLAZEPOSE33,
    LEFT_ANKLE,
    NO_TRACK,
    NOSE,
    PersonFrames,
    frames_of_batch,
    quarter_pixels,
)


@pytest.mark.parametrize(
    ("pixels", "quarters"),
    [(0, 0), (0.124, 0), (0.126, 1), (0.375, 2), (-0.26, -1), (8_191, 32_764), (-8_191, -32_764)],
)
def test_pixels_are_the_nearest_quarters(pixels: float, quarters: int) -> None:
    assert quarter_pixels(np.array([pixels])).tolist() == [quarters]


def body(points: int) -> list[tuple[float, float, float]]:
    return [(float(at), at + 0.5, at / 100) for at in range(points)]


def test_rows_are_the_persons_of_all_frames_and_one_for_each_frame_without() -> None:
    posed = PersonPose(7, (1, 2, 3, 4.25), body(17))
    frames = [Frame(1_000, [posed, PersonPose(8, (5, 6, 7, 8))]), Frame(2_000, []), Frame(3_000, [posed])]
    rows = frames_of_batch(PoseBatch("door", frames), camera=3)
    assert rows.time_ms.tolist() == [1_000, 1_000, 2_000, 3_000]
    assert rows.track.tolist() == [7, 8, NO_TRACK, 7]
    assert rows.camera.tolist() == [3] * 4
    assert rows.box.T.tolist() == [[4, 8, 12, 17], [20, 24, 28, 32], [0] * 4, [4, 8, 12, 17]]
    assert rows.x[:, 0].tolist() == [4 * at for at in range(17)]
    assert rows.y[:, 0].tolist() == [4 * at + 2 for at in range(17)]
    assert rows.confidence[:, 0].tolist() == [10 * at for at in range(17)]
    assert not rows.confidence[:, 1:3].any()
    assert (rows.x[:, 3] == rows.x[:, 0]).all()


def test_of_33_keypoints_the_17_are_kept() -> None:
    frames = [Frame(1_000, [PersonPose(7, (1, 2, 3, 4), body(33))])]
    rows = frames_of_batch(PoseBatch("door", frames, "blazepose33"), camera=0)
    assert rows.x[:, 0].tolist() == [4 * place for place in COCO17_OF_BLAZEPOSE33]
    assert (rows.x[NOSE, 0], rows.x[LEFT_ANKLE, 0]) == (0, 4 * 27)
    assert len(COCO17) == len(COCO17_OF_BLAZEPOSE33) == 17


def test_taking_and_joining_rows() -> None:
    frames = [Frame(time_ms, [PersonPose(track, (1, 2, 3, 4), body(17))]) for track, time_ms in enumerate((5, 6, 7))]
    rows = frames_of_batch(PoseBatch("door", frames), camera=0)
    again = PersonFrames.concatenate([rows.take(slice(2, 3)), PersonFrames.empty(), rows.take(np.array([0, 1]))])
    assert again.time_ms.tolist() == [7, 5, 6]
    assert again.take(again.track == 2).time_ms.tolist() == [7]
    assert len(PersonFrames.empty()) == 0
