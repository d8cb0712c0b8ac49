"""What came into a partition, as a recording in the order of its arrival."""

from pathlib import Path

from features.events import Rejection
from features.keypoints import NO_TRACK, Bools
from features.site import Site
from streams.codecs.poses import ROWS_PER_GROUP
from streams.kafka.areas import Areas
from streams.kafka.messages import Fact, decode_fact
from streams.kafka.pose_messages import PoseReader, Poses, person_frames
from streams.kafka.topics import POSES, Topic
from streams.recording import RecordingWriter
from streams.settings import Settings


class RecordedInputs:
    """Writes what workers take in; what they refuse, but for rows that a recording can hold, is left out and counted.

    Attributes:
        refused: messages, or rows of one whose time is too far ahead.
        person_frames: written.
    """

    def __init__(self, folder: Path, site: Site, settings: Settings) -> None:
        self.folder, self.refused, self.person_frames = folder, 0, 0
        self._areas = Areas.of(site, settings.kafka.partitions)
        self._places = {camera.name: place for place, camera in enumerate(site.cameras)}
        self._ahead_ms = settings.worker.ahead_ms
        self._reader = PoseReader()
        self._held = list[Poses]()
        self._rows = 0
        self._writer = RecordingWriter(folder, site)

    def take(self, topic: Topic, partition: int, written_ms: int, value: bytes | None) -> None:
        """Write a message of an input topic."""
        try:
            if value is None:
                raise Rejection("$", "a message", "nothing")  # noqa: TRY301 - one place counts
            if topic is POSES:
                self._poses(value, partition, written_ms + self._ahead_ms)
            else:
                self._fact(value, partition, written_ms + self._ahead_ms)
        except Rejection:
            self.refused += 1

    def close(self) -> None:
        """Finish the files."""
        self._write()
        self._writer.close()

    def _poses(self, value: bytes, partition: int, latest_ms: int) -> None:
        poses = self._reader.read(value)
        self._areas.check_partition(self._areas.of_poses(poses.camera), partition)
        timely = poses.time_ms <= latest_ms
        if not timely.all():
            self.refused += int(len(timely) - timely.sum())
            poses = _rows(poses, timely)
        self.person_frames += int((poses.track != NO_TRACK).sum())
        self._held.append(poses)
        self._rows += len(poses.time_ms)
        if self._rows >= ROWS_PER_GROUP:
            self._write()

    def _fact(self, value: bytes, partition: int, latest_ms: int) -> None:
        fact: Fact = decode_fact(value)
        self._areas.check_partition(self._areas.of_fact(fact), partition)
        if fact.time_ms > latest_ms:
            raise Rejection("time_ms", f"at most {latest_ms}", str(fact.time_ms))
        self._writer.event(fact)

    def _write(self) -> None:
        if self._rows:
            places = [self._places[poses.camera] for poses in self._held]
            self._writer.frames(person_frames(self._held, places))
        self._held, self._rows = [], 0


def _rows(poses: Poses, which: Bools) -> Poses:
    return Poses(poses.camera, poses.time_ms[which], poses.track[which], poses.box[which], poses.keypoints[which])
