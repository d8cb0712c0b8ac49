"""Recording topics to files: what came in as a recording, what came out as a run's folder, for each partition."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from streams.clock import Stopwatch
from streams.kafka.clients import kafka_python
from streams.kafka.interruption import never
from streams.kafka.recorded_inputs import RecordedInputs
from streams.kafka.recorded_outputs import RecordedOutputs
from streams.kafka.topics import ERASURES, INPUTS, OUTPUTS, VISIT_KEYS, Topic, full_name
from streams.recording import POSES, RecordingError
from streams.settings import Kafka, Settings

POLL_MS = 200
MESSAGES_MAX = 2_000  # of one poll
FETCH_BYTES = 4 * 1_024 * 1_024


class Arrived(NamedTuple):
    """A message as it is read: `written_ms` is the broker's time for inputs."""

    topic: Topic
    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Recorded:
    """What was written.

    Attributes:
        folders: by partition, those with anything in them.
        messages: by topic.
        repeats: messages that came before and were left out.
        refused: inputs that workers refuse too, and that are among the dead letters.
        person_frames: in the recordings.
    """

    folders: dict[int, list[Path]] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    refused: int = 0
    person_frames: int = 0


class Recorder:
    """Writes messages to a folder; files are whole once it is closed.

    With one partition the recording is FOLDER/recording and the run FOLDER/partition-00; with more, the recording of
    each is in its run's folder.
    """

    def __init__(
        self, folder: Path, site: Site, bundle: Bundle, settings: Settings, normality: Normality | None = None
    ) -> None:
        if (folder / POSES).exists():
            raise RecordingError(f"{folder}: expected a new folder, or one of `vigil record`; it is a recording itself")
        self._folder, self._site, self._bundle, self._settings = folder, site, bundle, settings
        self._normality = normality
        self._inputs = dict[int, RecordedInputs]()
        self._outputs = dict[int, RecordedOutputs]()
        self.recorded = Recorded()

    def take(self, one: Arrived) -> None:
        """Write a message.

        Raises:
            GapError: entries of a journal are missing before it.
            RunFolderError: it is not what workers write.
            RecordingError: the folder holds something else.
        """
        counts = self.recorded.messages
        counts[one.topic.name] = counts.get(one.topic.name, 0) + 1
        if one.topic is ERASURES:
            return  # it asks, and says nothing that came in
        if one.topic.from_outside:
            self._inputs_of(one.partition).take(one.topic, one.partition, one.written_ms, one.value)
        else:
            place, outputs = f"{one.topic.name}/{one.partition}/{one.offset}", self._outputs_of(one.partition)
            if one.topic is VISIT_KEYS:
                outputs.take_key(place, one.key or b"", one.value)
            else:
                outputs.take(one.topic, place, one.value or b"", one.headers)

    def close(self) -> Recorded:
        """Finish all files, the summaries last."""
        for partition, inputs in self._inputs.items():
            inputs.close()
            self.recorded.refused += inputs.refused
            self.recorded.person_frames += inputs.person_frames
            self.recorded.folders.setdefault(partition, []).append(inputs.folder)
        for partition, outputs in self._outputs.items():
            outputs.close()
            self.recorded.repeats += outputs.repeats
            self.recorded.folders.setdefault(partition, []).append(outputs.folder)
        return self.recorded

    def abandon(self) -> None:
        """Close the files of a recording that cannot go on; without summaries, so that no run looks finished."""
        for inputs in self._inputs.values():
            inputs.close()
        for outputs in self._outputs.values():
            outputs.abandon()

    def _inputs_of(self, partition: int) -> RecordedInputs:
        if partition not in self._inputs:
            alone = self._settings.kafka.partitions == 1
            folder = self._folder / "recording" if alone else self._run_folder(partition) / "recording"
            self._inputs[partition] = RecordedInputs(folder, self._site, self._settings)
        return self._inputs[partition]

    def _outputs_of(self, partition: int) -> RecordedOutputs:
        if partition not in self._outputs:
            made_with = self._site, self._bundle, self._normality
            self._outputs[partition] = RecordedOutputs(self._run_folder(partition), *made_with)
        return self._outputs[partition]

    def _run_folder(self, partition: int) -> Path:
        return self._folder / f"partition-{partition:02}"


class Follower:
    """Reads topics from their beginnings on, or from their ends, all partitions at once, and follows them.

    Raises:
        RefusedError: a file of the settings cannot be used.
        KafkaError: the broker cannot be reached or refuses.
    """

    def __init__(self, kafka: Kafka, topics: Iterable[Topic], *, news_only: bool = False) -> None:
        self._topics = {full_name(topic, kafka): topic for topic in topics}
        self._consumer = KafkaConsumer(
            **kafka_python(kafka),
            client_id="vigil-record",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            max_poll_records=MESSAGES_MAX,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        parts = range(kafka.partitions)
        self._partitions = [TopicPartition(name, part) for name in self._topics for part in parts]
        self._consumer.assign(self._partitions)
        if news_only:
            for partition, end in self._consumer.end_offsets(self._partitions).items():
                self._consumer.seek(partition, end)

    def read(self) -> list[Arrived]:
        """The next messages, each partition of a topic in its order; none if none came for a moment."""
        found = self._consumer.poll(POLL_MS)
        return [
            self._arrived(one) for _, ones in sorted(found.items(), key=lambda pair: tuple(pair[0])) for one in ones
        ]

    def arriving(self, until_idle_s: float | None, stopped: Callable[[], bool]) -> Iterator[list[Arrived]]:
        """What `read` gives, again and again, until stopped or nothing has come for a time."""
        idle = Stopwatch()
        while not stopped():
            many = self.read()
            yield many
            if many:
                idle = Stopwatch()
            elif until_idle_s is not None and idle.seconds >= until_idle_s and self.at_end():
                return

    def at_end(self) -> bool:
        """Whether all that is in the topics now was read."""
        ends = self._consumer.end_offsets(self._partitions)
        return all(self._consumer.position(one) >= ends[one] for one in self._partitions)

    def _arrived(self, one: Any) -> Arrived:  # noqa: ANN401 - kafka-python is untyped
        topic = self._topics[one.topic]
        return Arrived(topic, one.partition, one.offset, one.timestamp, one.key, one.value, list(one.headers or ()))

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close(autocommit=False)


def record(
    folder: Path,
    site: Site,
    bundle: Bundle,
    settings: Settings,
    *,
    normality: Normality | None = None,
    topics: Iterable[Topic] = (*INPUTS, *OUTPUTS),
    until_idle_s: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = never,
) -> Recorded:
    """Write topics to a folder from their beginnings on, until stopped or nothing has come for a time.

    Site, bundle and normality are those that the workers have.

    Raises:
        GapError: entries of a journal are missing.
        RunFolderError: an output is not what workers write, or was made with another bundle.
        RecordingError: the folder holds something else.
        KafkaError: the broker cannot be reached or refuses.
    """
    recorder = Recorder(folder, site, bundle, settings, normality)
    try:
        with closing(Follower(settings.kafka, topics)) as follower:
            for many in follower.arriving(until_idle_s, stopped):
                for one in many:
                    recorder.take(one)
                progress(len(many))
    except BaseException:
        recorder.abandon()
        raise
    return recorder.close()
