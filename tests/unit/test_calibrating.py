from pathlib import Path

import numpy as np
import pytest

from features.bearing import of_families
from features.closing import Layout, close_seconds
from features.keypoints import PersonFrames
from features.segments import NOT_SEEN
from features.site import Camera, Hours, Site, Zone
from models.normality_learning import Observed, millibits
from streams.calibrating.observing import observe
from streams.pipeline import normal_at
from streams.recording import RecordingWriter
from streams.sources import site_of
from tests.normalities import normality

PRIVATE = Zone("private", "opt-out", [(500, 0), (900, 0), (900, 900), (500, 900)])


def recorded(folder: Path, site: Site, frames: PersonFrames) -> Path:
    with RecordingWriter(folder, site) as recording:
        recording.frames(frames)
    return folder


def crowd(seconds: int = 400, x: int = 100) -> PersonFrames:
    """Three persons at ten frames a second, each frame another pose."""
    random = np.random.default_rng(3)
    frames = PersonFrames.empty(seconds * 30)
    frames.time_ms[:] = np.repeat(np.arange(seconds * 10) * 100 + 7_000_030, 3)
    frames.track[:] = np.tile([1, 2, 3], seconds * 10)
    frames.x[:] = 4 * (x + random.integers(0, 60, frames.x.shape))
    frames.y[:] = 4 * (100 + random.integers(0, 150, frames.y.shape))
    frames.confidence[:] = random.integers(100, 900, frames.y.shape)
    frames.box[:] = 4 * np.array([[x], [100], [60], [150]])
    return frames


def rows_of(seen: Observed) -> list[tuple[int, ...]]:
    columns = (seen.camera, seen.track, seen.second_ms, *seen.bearing, *seen.hips)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_the_stream_judges_seconds_as_they_were_learned() -> None:
    site, frames = Site(cameras=[Camera("floor"), Camera("stairs")]), crowd(60)
    frames.camera[::2], frames.confidence[:, ::7] = 1, 0
    normal = normality(["floor"])
    closed = close_seconds(frames, Layout.of(site, normal_at(normal, site)))
    known = closed.rows["unusual_mbit"][:, 0] != NOT_SEEN
    seen = Observed.of(frames).in_order()
    judged = of_families(millibits(normal, seen, ["floor", "stairs"]))
    assert closed.rows["unusual_mbit"][known].tolist() == judged.T.tolist()
    assert closed.rows["second_ms"][known].tolist() == seen.second_ms.tolist()
    assert len(np.unique(judged)) > 100


@pytest.mark.parametrize("rows_held", [1_000, 3_001, 10**9])
def test_however_little_is_held_the_same_seconds_are_seen(rows_held: int, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "recording", Site(cameras=[Camera("floor")]), crowd())
    told: list[int] = []
    seen = observe(folder, site_of(folder), told.append, rows_held)
    assert rows_of(seen) == rows_of(Observed.in_all_phases(crowd()))
    assert sum(told) == 12_000


def test_where_and_when_nobody_is_scored_nothing_is_learned(tmp_path: Path) -> None:
    frames = PersonFrames.concatenate([crowd(20), crowd(20, x=600)])
    frames.track[len(frames) // 2 :] += 10
    ordered = frames.take(np.argsort(frames.time_ms, kind="stable"))
    place = Site(cameras=[Camera("floor", [PRIVATE])])
    seen = observe(recorded(tmp_path / "place", place, ordered), place, lambda _: None)
    assert set(seen.track.tolist()) == {1, 2, 3}
    always = Site(cameras=[Camera("floor")], opt_out_hours=[Hours(0, 168)])
    assert len(observe(recorded(tmp_path / "hours", always, ordered), always, lambda _: None)) == 0


def test_of_a_recording_without_poses_nothing_is_seen(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "recording", Site(cameras=[Camera("floor")]), PersonFrames.empty(3))
    assert len(observe(folder, site_of(folder), lambda _: None)) == 0
