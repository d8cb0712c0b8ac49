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


class RecordingWriter:
    """Writes a recording; rows are kept in the order they are given, which is the order of arrival.

    `frames.camera` of what is written are places in `site.cameras`.
    """

    def __init__(self, folder: Path, site: Site) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SITE).write_text(dump_site(site), encoding="utf-8")
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
