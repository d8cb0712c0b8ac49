"""MNNIT shoplifting: clips of one person each, ten frames a second, shopping or putting goods away as a thief would."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.keypoints import PERMILLE, PersonFrames, quarter_pixels
from streams.adapters.imported import files_of, reading
from streams.adapters.trajectories import Floats

FRAMES_PER_SECOND = 10
WIDTH_PX, HEIGHT_PX = 180, 400  # keypoints come as shares of the box, which is taken to be .45 as wide as high
COLUMNS = 34  # x and y of 17 keypoints; what is in the other columns gives away where the clip is from
_NAME = re.compile(r"\w+?_(\d+)_.*\.npy")


class Clip(NamedTuple):
    """A person's clip: the number of the source video, whether goods are stolen, and the person-frames."""

    source: int
    stealing: bool
    frames: PersonFrames


def read_clips(source: Path) -> list[Clip]:
    """All clips, those of normal shopping first."""
    return [
        Clip(_source_of(path), stealing, _frames(_read(path)))
        for stealing in (False, True)
        for path in files_of(source / "v10_Features" / str(int(stealing)), "*.npy", "the clips of the MNNIT data")
    ]


def _source_of(path: Path) -> int:
    with reading(path, "a name such as Normal_001_f1_id1.npy"):
        named = _NAME.fullmatch(path.name)
        if named is None:
            raise ValueError(path.name)
    return int(named[1])


def _read(path: Path) -> Floats:
    """(frames, 17, 2) shares of the box, to the right and down."""
    with reading(path, "a table of at least 34 columns"):
        return np.asarray(np.load(path)[:, :COLUMNS], np.float64).reshape(-1, COLUMNS // 2, 2)


def _frames(keypoints: Floats) -> PersonFrames:
    frames = PersonFrames.empty(len(keypoints))
    frames.time_ms[:], frames.track[:] = np.arange(len(keypoints)) * 1_000 // FRAMES_PER_SECOND, 0
    frames.x[:] = quarter_pixels(keypoints[:, :, 0].T * WIDTH_PX)
    frames.y[:] = quarter_pixels(keypoints[:, :, 1].T * HEIGHT_PX)
    frames.box[2:] = quarter_pixels(np.array([[WIDTH_PX], [HEIGHT_PX]], np.float64))
    frames.confidence[:] = PERMILLE
    return frames
