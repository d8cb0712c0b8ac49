"""Recordings: a folder with a site, poses and events, as Vigil reads it.

site.yaml        the site; without it every camera is uncalibrated and has no zones
poses.parquet    person-frames, the schema of `streams.codecs.poses`
*.jsonl          events of `features.events`, one to a line: poses, purchases, identities, dispositions
truth.json       labels of a scenario or a data set; never read by `vigil run`
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from features.events import Event
from features.keypoints import PersonFrames
from features.site import Site
from streams.codecs import poses
from streams.site_file import dump_site

POSES = "poses.parquet"
SITE = "site.yaml"
EVENTS = "events.jsonl"
TRUTH = "truth.json"
FILES = (SITE, POSES, EVENTS, TRUTH)
RUN_FILES = ("scores.jsonl", "journal.parquet")  # of a run's folder, which is no recording


class RecordingError(Exception):
    """A folder that is no recording, or that is not overwritten with one."""


def event_files(folder: Path) -> list[Path]:
    """The files of events of a recording, by name."""
    return sorted(folder.glob("*.jsonl"))


def check_recording(folder: Path) -> None:
    """Whether a folder is a recording.

    Raises:
        RecordingError: it is not.
    """
    expected = f"a recording: a folder with {POSES} or *.jsonl files"
    if not folder.is_dir():
        raise RecordingError(f"{folder}: expected {expected}, got {'a file' if folder.exists() else 'no such folder'}")
    if any((folder / name).exists() for name in RUN_FILES):
        raise RecordingError(f"{folder}: expected {expected}, got the results of `vigil run`")
    if not (folder / POSES).exists() and not event_files(folder):
        inner = next((path.parent for path in sorted(folder.glob(f"*/{POSES}"))), None)
        raise RecordingError(f"{folder}: expected {expected}, got neither{f'; is it {inner}?' if inner else ''}")


class RecordingWriter:
    """Writes a recording; rows are kept in the order they are given, which is the order of arrival.

    `frames.camera` of what is written are places in `site.cameras`.

    Raises:
        RecordingError: the folder holds something else than an earlier recording of the same site.
    """

    def __init__(self, folder: Path, site: Site) -> None:
        text = dump_site(site)
        _refuse_others(folder, text)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SITE).write_text(text, encoding="utf-8")
        self._cameras = [camera.name for camera in site.cameras]
        self._folder = folder
        self._poses = poses.writer(folder / POSES)
        self._events = (folder / EVENTS).open("wb")

    def frames(self, frames: PersonFrames) -> None:
        """Append person-frames."""
        self._poses.write_table(poses.to_table(frames, self._cameras), row_group_size=poses.ROWS_PER_GROUP)

    def event(self, event: Event) -> None:
        """Append an event."""
        self._events.write(msgspec.json.encode(event) + b"\n")

    def truth(self, labels: object) -> None:
        """Keep the labels beside the recording."""
        (self._folder / TRUTH).write_bytes(msgspec.json.format(msgspec.json.encode(labels), indent=1))

    def close(self) -> None:
        """Finish the files."""
        self._poses.close()
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_others(folder: Path, site: str) -> None:
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in present if name not in FILES]
    same = (folder / SITE).exists() and (folder / SITE).read_text(encoding="utf-8", errors="replace") == site
    if others or (present and not same):
        got = others[0] if others else "a recording of another site"
        raise RecordingError(f"{folder}: expected a new folder, or the same recording to write again; it has {got}")
