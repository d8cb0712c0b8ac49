"""PETS 2009 S2L1: boxes of persons on a crossing of paths, with the camera's calibration."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from features.keypoints import Int64s
from streams.adapters.imported import Imported, reading
from streams.adapters.trajectories import Floats, one_camera, tracked, with_empty_frames, write_tracks

FRAME_MS = 100
ANNOTATIONS = Path("PETS-2009", "data", "annotations", "PETS2009-S2L1.xml")
CALIBRATION = Path("PETS-2009", "data", "calibration", "View_001.xml")


def import_s2l1(source: Path, target: Path) -> Imported:
    """The first view of sequence S2L1, in pixels of 768 x 576."""
    numbers, frame, track, box = _read_boxes(source / ANNOTATIONS)
    homography = _read_homography(source / CALIBRATION)
    notes: list[str] = []
    rows = with_empty_frames(tracked(frame * FRAME_MS, track, box, notes), [numbers * FRAME_MS])
    return write_tracks(target, one_camera("pets-s2l1", homography), rows, notes)


def _read_boxes(path: Path) -> tuple[Int64s, Int64s, Int64s, Floats]:
    with reading(path, "frames with objects, each with a box of xc, yc, w, h"):
        frames = ET.parse(path).getroot().findall("frame")  # noqa: S314 - a file its user chose
        objects = [(int(frame.attrib["number"]), each) for frame in frames for each in frame.iter("object")]
        track = np.array([int(each.attrib["id"]) for _, each in objects], np.int64)
        x, y, width, height = np.array([_box(each) for _, each in objects]).T
    numbers = np.array([int(frame.attrib["number"]) for frame in frames], np.int64)
    seen = np.array([number for number, _ in objects], np.int64)
    return numbers, seen, track, np.stack([x - width / 2, y - height / 2, width, height])


def _box(each: ET.Element) -> list[float]:
    attributes = each[0].attrib
    return [float(attributes[name]) for name in ("xc", "yc", "w", "h")]


def _read_homography(path: Path) -> Floats:
    with reading(path, "a camera with Geometry, Intrinsic and Extrinsic"):
        root = ET.parse(path).getroot()  # noqa: S314 - a file its user chose
        camera = {name: float(value) for part in root for name, value in part.attrib.items()}
        return ground_homography(camera)


def ground_homography(camera: dict[str, float]) -> Floats:
    """(3, 3) from pixels to millimetres on the ground, of a calibration by Tsai's method; lens distortion is left out.

    Source: Tsai 1987 (IEEE J. Robotics and Automation 3:323), with the parameters' names as in the PETS 2009 files.
    """
    across = camera["focal"] * camera["sx"] / camera["dpx"]
    down = camera["focal"] / camera["dpy"]
    lens = np.array([[across, 0, camera["cx"]], [0, down, camera["cy"]], [0, 0, 1]])
    moved = np.array([camera["tx"], camera["ty"], camera["tz"]])
    to_pixels = lens @ np.column_stack([_rotation(camera["rx"], camera["ry"], camera["rz"])[:, :2], moved])
    unscaled = np.linalg.inv(to_pixels)
    homography: Floats = unscaled / unscaled[2, 2]
    return homography


def _rotation(x: float, y: float, z: float) -> Floats:
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    rotation: Floats = about_z @ about_y @ about_x
    return rotation
