"""What workers published of each partition, and what the embedded run makes of the same messages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from features.closing import Layout
from features.segments import Entry, Erased
from features.site import Site
from models.bundle import Bundle, default_bundle
from models.normality import Normality
from models.records import Score
from streams.audit.merkle import Frontier, leaf_hashes
from streams.audit.records import Beginning, Kind, decode_record, open_entry
from streams.audit.records import Entry as SealedEntry
from streams.audit.rows import Opener
from streams.audit.run_log import RunLog
from streams.codecs.journal import decode_rows
from streams.contracts.cloudevents import alert_of
from streams.embedded import ALERTS, LATE, SCORES, Outputs, Run
from streams.kafka import topics
from streams.kafka.lane_seal import LEAF, decode_key, read_leaves
from streams.kafka.messages import WHY
from streams.kafka.outgoing import Outgoing
from streams.kafka.topics import INPUTS, OUTPUTS, Topic, full_name
from streams.pipeline import Scoring
from streams.settings import Kafka
from streams.sources import DeadLetter
from tests.journals import entries_of, opener_of
from tests.property.worlds import flat
from tests.running.town import items_of
from tests.running.waiting import NotInTimeError, wait_for


class Record(NamedTuple):
    """A message of an output topic."""

    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


@dataclass
class Published:
    """The outputs of one partition without repeats.

    Attributes:
        journal: row by row.
        scores, alerts: as JSON, as they are in the files of a run.
        shadow: scores of a bundle on trial, likewise.
        late: JSON lines, repeats among them: nothing tells them.
        dead: the reasons and the refused messages, by source.
        repeats: how many messages came again, by topic.
    """

    journal: list[bytes] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    scores: list[bytes] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    shadow: list[bytes] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)
    dead: dict[str, tuple[DeadLetter, Record]] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)


class RepeatDiffersError(AssertionError):
    """A message that was published twice with different bytes."""


def read_topic(kafka: Kafka, topic: Topic) -> dict[int, list[Record]]:
    """All messages of a topic, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.brokers, max_partition_fetch_bytes=16 * 1_024 * 1_024)
    parts = [TopicPartition(full_name(topic, kafka), number) for number in range(kafka.partitions)]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends, found = consumer.end_offsets(parts), dict[int, list[Record]]()
    while any(consumer.position(part) < ends[part] for part in parts):
        for part, records in consumer.poll(200).items():
            found.setdefault(part.partition, []).extend(
                Record(one.offset, one.key, one.value, dict(one.headers or ())) for one in records
            )
    consumer.close()
    return found


def read_published(kafka: Kafka, site: Site) -> dict[int, Published]:
    """What was published of each partition.

    Raises:
        RepeatDiffersError: a repeat is not the same as what it repeats.
    """
    read = {topic: read_topic(kafka, topic) for topic in OUTPUTS}
    found = dict[int, Published]()
    for number in range(kafka.partitions):
        records = {topic: read[topic].get(number, []) for topic in OUTPUTS}
        found[number] = published(records, site)
        check_sealed(records, found[number])
    return found


def published(records: dict[Topic, list[Record]], site: Site) -> Published:
    """The messages of a partition without repeats."""
    found = Published()
    opener = opener_of((one.value for one in records[topics.VISIT_KEYS]), [camera.name for camera in site.cameras])
    _journal(records[topics.JOURNAL], opener, found)
    found.scores = _once(records[topics.SCORES], topics.SCORES, found)
    alerts = _once(records[topics.ALERTS], topics.ALERTS, found)
    found.alerts = [msgspec.json.encode(alert_of(value)) for value in alerts]
    found.shadow = _once(records[topics.SHADOW_SCORES], topics.SHADOW_SCORES, found)
    found.late = [line for one in records[topics.LATE] for line in one.value.splitlines()]
    for one in records[topics.DEAD_LETTERS]:
        letter = msgspec.json.decode(one.headers[WHY], type=DeadLetter)
        before = found.dead.setdefault(letter.source, (letter, one))
        if before[0] != letter or before[1].value != one.value:
            raise RepeatDiffersError(f"dead letter {letter.source}: {before} and {one}")
        found.repeats["dead-letters"] = found.repeats.get("dead-letters", 0) + (before[1] is not one)
    return found


def check_sealed(records: dict[Topic, list[Record]], found: Published) -> None:
    """Every score and alert is one leaf of the partition's log, which has no gap and no fork, and names that leaf.

    Raises:
        RepeatDiffersError: leaves of one place are not always the same.
    """
    leaves = leaves_of(records[topics.AUDIT])
    keys = {key.id: key for key in (decode_key(one.value) for one in records[topics.VISIT_KEYS])}
    said: dict[int, dict[int, bytes]] = {kind: {} for kind in Kind}
    for at, leaf in enumerate(leaves):
        record = decode_record(leaf)
        assert isinstance(record, Beginning) or at, "the first leaf says under which setup the log begins"
        if isinstance(record, SealedEntry):
            said[record.kind][at] = open_entry(record, keys[record.visit]).published
    assert list(said[Kind.SCORE].values()) == found.scores
    assert list(said[Kind.ALERT].values()) == found.alerts
    for topic, kind in ((topics.SCORES, Kind.SCORE), (topics.ALERTS, Kind.ALERT)):
        for one in records[topic]:
            value = msgspec.json.encode(alert_of(one.value)) if topic is topics.ALERTS else one.value
            assert said[kind][int(one.headers[LEAF])] == value


def leaves_of(records: Iterable[Record]) -> list[bytes]:
    """The leaves of a partition's log, which has no gap and no fork.

    Raises:
        RepeatDiffersError: those of one place are not always the same.
    """
    leaves, tree = list[bytes](), Frontier()
    for one in records:
        told = read_leaves(one.value, list(one.headers.items()))
        end = told.first + len(told.leaves)
        assert told.first <= len(leaves), f"audit: expected leaf {len(leaves)}, got {told.first}"
        if told.first < len(leaves):
            _check_same(f"leaves from {told.first}", b"".join(leaves[told.first : end]), b"".join(told.leaves))
            continue
        leaves += told.leaves
        tree = tree.append(leaf_hashes(told.leaves))
        assert (tree.size, tree.root) == (end, told.root)
    return leaves


def _journal(records: Iterable[Record], opener: Opener, found: Published) -> None:
    known = dict[int, bytes]()
    for one in records:
        rows = decode_rows(one.value)
        first = rows[0].position
        if first in known:
            _check_same(f"journal from {first}", known[first], one.value)
            found.repeats["journal"] = found.repeats.get("journal", 0) + 1
            continue
        assert first == len(found.journal), f"journal: expected position {len(found.journal)}, got {first}"
        known[first] = one.value
        for kept in opener.open(rows):
            assert not isinstance(kept.entry, Erased)
            found.journal += flat(kept.entry)
            found.entries.append(kept.entry)


def _once(records: Iterable[Record], topic: Topic, found: Published) -> list[bytes]:
    known = dict[str, bytes]()
    for one in records:
        name = _name_of(one.value)
        if name in known:
            _check_same(f"{topic.name} {name}", known[name], one.value)
            found.repeats[topic.name] = found.repeats.get(topic.name, 0) + 1
        known.setdefault(name, one.value)
    return list(known.values())


def _name_of(value: bytes) -> str:
    """The id, and whose score it is: bundles on trial may follow each other."""
    record = msgspec.json.decode(value)
    return f"{record['id']} by {record.get('bundle')}"


def _check_same(name: str, first: bytes, second: bytes) -> None:
    if first != second:
        raise RepeatDiffersError(f"{name}: published as {first[:500]!r} and as {second[:500]!r}")


def embedded(
    sent: Sequence[Outgoing],
    site: Site,
    partition: int,
    folder: Path,
    bundle: Bundle | None = None,
    normality: Normality | None = None,
) -> Published:
    """What the embedded run makes of the messages of a partition, by the shipped bundle or another."""
    used = bundle or default_bundle()
    with Outputs(folder) as outputs, RunLog(folder, site, used, normality=normality) as log:
        run = Run(site, used, outputs, log, normality=normality)
        for item in items_of(sent, site, partition):
            run.take(item)
        log.finish()
    entries = entries_of(folder, [camera.name for camera in site.cameras])
    lines = {name: (folder / name).read_bytes().splitlines() for name in (SCORES, ALERTS, LATE)}
    rows = [row for entry in entries for row in flat(entry)]
    return Published(rows, entries, lines[SCORES], lines[ALERTS], late=lines[LATE])


def difference(got: Published, expected: Published, names: Sequence[str] = ("journal", "scores", "alerts")) -> str:
    """The first difference, in words; nothing if there is none."""
    for name in names:
        ours, theirs = getattr(got, name), getattr(expected, name)
        for at, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if one != other:
                return f"{name}, place {at}: expected {other[:400]!r}, got {one[:400]!r}"
        if len(ours) != len(theirs):
            return f"{name}: expected {len(theirs)}, got {len(ours)}"
    return ""


def scored_again(found: Published, site: Site) -> Published:
    """The scores and alerts that follow from a journal."""
    scoring, again = Scoring.start(site, default_bundle(), Layout.of(site)), Published(found.journal, found.entries)
    for entry in found.entries:
        said = scoring.take(entry)
        again.scores += map(msgspec.json.encode, said.scores)
        again.alerts += map(msgspec.json.encode, said.alerts)
    return again


def standing(found: Published) -> dict[tuple[str, int], bytes]:
    """By person and instant, the last word on it, without what follows the order of publication."""
    last = dict[tuple[str, int], Score]()
    for score in msgspec.json.decode(b"[" + b",".join(found.scores) + b"]", type=list[Score]):
        if score.kind != "interim":
            last[score.person, score.time_ms] = score
    return {
        key: msgspec.json.encode(
            (one.kind, one.score, one.abstain, one.probability_permille, one.contributions, one.events)
        )
        for key, one in last.items()
        if one.kind != "withdrawn"
    }


class Progress:
    """How far a group of workers has come, as the broker knows it."""

    def __init__(self, kafka: Kafka) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=kafka.brokers, group_id=f"{kafka.prefix}{kafka.group}", enable_auto_commit=False
        )
        self._parts = {
            TopicPartition(full_name(topic, kafka), number): (topic.name, number)
            for topic in INPUTS
            for number in range(kafka.partitions)
        }

    def committed(self) -> dict[tuple[str, int], int]:
        """By input topic and partition, the offset the group has acknowledged."""
        return {place: self._consumer.committed(part) or 0 for part, place in self._parts.items()}

    def ends(self) -> dict[tuple[str, int], int]:
        """By input topic and partition, the offset after the last message."""
        found = self._consumer.end_offsets(list(self._parts))
        return {self._parts[part]: end for part, end in found.items()}

    def complete(self) -> bool:
        """Whether the group has acknowledged all there is; not while the broker does not answer."""
        try:
            return self.committed() == self.ends()
        except KafkaError:
            return False

    def behind(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Where they differ, by input topic and partition: the offset acknowledged and that after the last message."""
        committed, ends = self.committed(), self.ends()
        return {place: (committed[place], end) for place, end in ends.items() if committed[place] != end}

    def await_complete(self, within_s: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until the group has acknowledged all there is.

        Raises:
            NotInTimeError: it has not in time; names what it is behind with.
        """

        def complete() -> bool:
            meanwhile()
            return self.complete()

        try:
            wait_for(complete, within_s, "all is taken")
        except NotInTimeError as late:
            raise NotInTimeError(f"{late}, behind (acknowledged, of): {self.behind()}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close(autocommit=False)
