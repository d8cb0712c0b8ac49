"""OpenTraj: pedestrians seen from above or afar, as points (ETH, UCY, Edinburgh, Grand Central)."""

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.keypoints import Int64s
from streams.adapters.imported import Imported, reading
from streams.adapters.trajectories import BODY_MM, Floats, one_camera, tracked_points, write_tracks

PIXEL_MM = 10  # of the picture made up for positions in metres
MARGIN_M = 3  # room for the boxes at its edges
EDINBURGH_PIXEL_MM = 24.7
EDINBURGH_FRAMES_PER_SECOND = 9
GRAND_CENTRAL_FRAME_MS = 40
_EDINBURGH_TRACK = re.compile(r"^\s*TRACK\.R(?P<track>\d+)=\[(?P<points>.*)\];\s*$")


@dataclass(frozen=True, slots=True)
class Obsmat:
    """Imports an `obsmat.txt` of ETH or UCY: frame, track, x, z, y and velocities, in metres, every 0.4 s."""

    name: str
    folder: str
    frames_per_sample: int
    sample_ms: int = 400

    def __call__(self, source: Path, target: Path) -> Imported:
        """The positions in a picture of one centimetre a pixel."""
        path = source / self.folder / "obsmat.txt"
        with reading(path, "rows of eight numbers: frame, track, x, z, y and velocities"):
            frame, track, x, _, y, *_ = np.loadtxt(path, ndmin=2).T
        notes: list[str] = []
        origin = np.floor([x.min(), y.min()]) - MARGIN_M
        x_px, y_px = (np.stack([x, y]) - origin[:, None]) * 1_000 / PIXEL_MM
        time_ms = frame.astype(np.int64) * self.sample_ms // self.frames_per_sample
        rows = tracked_points(time_ms, track.astype(np.int64), x_px, y_px, BODY_MM / PIXEL_MM, notes)
        return write_tracks(target, one_camera(self.name, _homography(origin)), rows, notes)


def _homography(origin_m: Floats) -> Floats:
    x, y = origin_m * 1_000
    return np.array([[PIXEL_MM, 0, x], [0, PIXEL_MM, y], [0, 0, 1]])


@dataclass(frozen=True, slots=True)
class Edinburgh:
    """Imports a day of the Edinburgh Informatics Forum, seen from straight above."""

    name: str
    day: str

    def __call__(self, source: Path, target: Path) -> Imported:
        """The positions as the source has them, in pixels of 24.7 mm."""
        path = source / "Edinburgh" / "annotations" / f"tracks.{self.day}.txt"
        with reading(path, "lines TRACK.R1=[[x y frame];...];"):
            track, x, y, frame = _edinburgh_points(path.read_text(encoding="ascii").splitlines())
        notes: list[str] = []
        time_ms = frame.astype(np.int64) * 1_000 // EDINBURGH_FRAMES_PER_SECOND
        rows = tracked_points(time_ms, track, x, y, BODY_MM / EDINBURGH_PIXEL_MM, notes)
        homography = np.diag([EDINBURGH_PIXEL_MM, EDINBURGH_PIXEL_MM, 1])
        return write_tracks(target, one_camera(self.name, homography), rows, notes)


def _edinburgh_points(lines: list[str]) -> tuple[Int64s, Floats, Floats, Floats]:
    matches = [match for line in lines if (match := _EDINBURGH_TRACK.match(line))]
    told = sum("TRACK.R" in line for line in lines)
    if not matches or len(matches) != told:
        raise ValueError(f"{told} lines of tracks, {len(matches)} of them understood")
    points = [np.array(re.sub(r"[\[\];]", " ", match["points"]).split(), np.float64) for match in matches]
    return _labelled([int(match["track"]) for match in matches], [each.reshape(-1, 3) for each in points])


def _labelled(tracks: list[int], points: list[Floats]) -> tuple[Int64s, Floats, Floats, Floats]:
    """(rows,) track, and the three columns of the points."""
    first, second, third = np.concatenate(points).T
    return np.repeat(np.array(tracks, np.int64), [len(each) for each in points]), first, second, third


def import_grand_central(source: Path, target: Path) -> Imported:
    """Walkers in the concourse of Grand Central Station, every 0.8 s, left uncalibrated.

    The published scale of 60 mm a pixel makes walkers in the picture's foreground four times as fast as at its back.
    """
    path = source / "GC" / "Annotation.tar.gz"
    with reading(path, "a text file of x, y, frame for each walker"):
        track, x, y, frame = _grand_central_points(path)
    notes: list[str] = []
    rows = tracked_points(frame.astype(np.int64) * GRAND_CENTRAL_FRAME_MS, track, x, y, _body_px(y), notes)
    return write_tracks(target, one_camera("grand-central"), rows, notes)


def _grand_central_points(path: Path) -> tuple[Int64s, Floats, Floats, Floats]:
    with tarfile.open(path) as archive:
        texts = {member.name: file.read() for member in archive if (file := archive.extractfile(member))}
    tracks = [int(Path(name).stem) for name in texts]
    return _labelled(tracks, [np.array(text.split(), np.float64).reshape(-1, 3) for text in texts.values()])


def _body_px(row: Floats) -> Floats:
    """Height of a body whose feet are at a row of the picture.

    Source: median speed of those who move, 16, 26, 36, 44, 55 and 64 px/s in sixths of the picture from its top, taken
    as 1.3 m/s, and bodies of 1.7 m.
    """
    return 15 + 0.069 * row
