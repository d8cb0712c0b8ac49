from pathlib import Path

import numpy as np
import pytest

from features.keypoints import LEFT_ANKLE, LEFT_WRIST, NOSE, PERMILLE
from streams.adapters import mnnit, ucalgary
from streams.adapters.imported import ImportFailure

HEADING = "Foot Left X, Y, Z\n"


def walk_of(depths_m: list[float], height_m: float = 0.5) -> str:
    """Rows of 18 joints, all at one place, and 8 distances."""
    return HEADING + "".join(",".join([f"0.1,{height_m},{depth}"] * 18 + ["0"] * 8) + "\n" for depth in depths_m)


def put(folder: Path, subject: int, sequence: int, kind: str, text: str) -> None:
    (folder / "csv").mkdir(exist_ok=True)
    name = f"subject{subject}_Seq_{sequence}_Gen_F_GeometricPositions_{kind}.csv"
    (folder / "csv" / name).write_text(text, encoding="ascii")


def test_walks_are_seen_from_the_side_while_the_body_is_tracked(tmp_path: Path) -> None:
    put(tmp_path, 3, 1, "AR", walk_of([4.5, 4.0, 3.9, 1.5]))
    (clip,) = ucalgary.read_clips(tmp_path)
    assert (clip.subject, clip.kind) == (3, "AR")
    assert clip.frames.time_ms.tolist() == [33, 66]
    assert clip.frames.x[LEFT_ANKLE].tolist() == [800, 880]  # 200 px a metre, to the right
    assert clip.frames.y[LEFT_ANKLE].tolist() == [1_200, 1_200]
    assert clip.frames.confidence[[NOSE, NOSE + 1], 0].tolist() == [PERMILLE, 0]


def test_repeated_and_empty_walks_and_further_runs_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, 10, 1, "N", walk_of([4.0]))
    put(tmp_path, 4, 1, "N", walk_of([4.0]))
    put(tmp_path, 4, 2, "N", walk_of([3.0]))
    put(tmp_path, 4, 7, "N", walk_of([2.0]))
    put(tmp_path, 5, 1, "N", HEADING)
    put(tmp_path, 5, 2, "N", "")
    assert [clip.subject for clip in ucalgary.read_clips(tmp_path)] == [4, 4]


def test_a_walk_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, 1, 1, "N", HEADING + "a,b\n")
    with pytest.raises(ImportFailure, match=r"subject1_Seq_1.*: expected 62 numbers a row"):
        ucalgary.read_clips(tmp_path)


def test_clips_take_nothing_but_keypoints_and_are_grouped_by_number(tmp_path: Path) -> None:
    for folder, name in (("0", "Normal_012_f1_id1.npy"), ("1", "Shoplifting_012_part1_id2.npy")):
        (tmp_path / "v10_Features" / folder).mkdir(parents=True)
        table = np.zeros((15, 85))
        table[:, 2 * LEFT_WRIST : 2 * LEFT_WRIST + 2] = (0.5, 0.25)
        table[:, 34:] = np.nan
        np.save(tmp_path / "v10_Features" / folder / name, table)
    normal, stealing = mnnit.read_clips(tmp_path)
    assert (normal.source, normal.stealing, stealing.source, stealing.stealing) == (12, False, 12, True)
    assert len(normal.frames) == 15
    assert normal.frames.time_ms[:3].tolist() == [0, 100, 200]
    assert (normal.frames.x[LEFT_WRIST, 0], normal.frames.y[LEFT_WRIST, 0]) == (4 * 90, 4 * 100)


def test_a_clip_without_a_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "v10_Features" / "0").mkdir(parents=True)
    np.save(tmp_path / "v10_Features" / "0" / "clip.npy", np.zeros((15, 85)))
    with pytest.raises(ImportFailure, match=r"clip\.npy: expected a name such as"):
        mnnit.read_clips(tmp_path)
