"""The topics: what each is for, how it is keyed and how it is kept at the broker."""

from dataclasses import dataclass, field
from typing import Literal

from streams.settings import Kafka

HOUR_MS = 3_600_000
MEGABYTE = 1_024 * 1_024
SEGMENT_MS_MAX = 7 * 24 * HOUR_MS  # a segment is deleted as a whole, so it should not span much of what is kept
Cleanup = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: without the prefix.
        holds: what its messages are.
        key: of its messages.
        cleanup: whether old messages are deleted by age, or all but the newest of each key.
        journal: kept as long as the journal, not as long as the input.
        from_outside: written by cameras, tills and others, not by workers.
        message_bytes_max: of one message, or of several that a producer sends together.
    """

    name: str
    holds: str
    key: str
    cleanup: Cleanup = "delete"
    journal: bool = False
    from_outside: bool = False
    message_bytes_max: int = 2 * MEGABYTE


POSES = Topic(
    "poses",
    "consecutive frames of one camera with the poses of all persons",
    "area",
    from_outside=True,
    message_bytes_max=8 * MEGABYTE,
)
PURCHASES = Topic("purchases", "paid baskets", "area", from_outside=True)
IDENTITIES = Topic("identities", "what a re-identification system found out about tracks", "area", from_outside=True)
DISPOSITIONS = Topic("dispositions", "reviewers' verdicts", "area", from_outside=True)
ERASURES = Topic("erasures", "which visits are to be erased", "partition", from_outside=True)
JOURNAL = Topic(
    "journal",
    "segments and facts in the order in which they count",
    "partition",
    journal=True,
    message_bytes_max=8 * MEGABYTE,
)
SCORES = Topic("scores", "review priorities with their reasons", "person", journal=True)
AUDIT = Topic("audit", "leaves of the audit log, one log a partition", "partition", journal=True)
VISIT_KEYS = Topic(
    "visit-keys", "keys that the leaves of each visit are sealed with", "visit", cleanup="compact", journal=True
)
SHADOW_SCORES = Topic("shadow-scores", "review priorities by a bundle on trial, on which nobody acts", "person")
ALERTS = Topic("alerts", "calls to look at a person, and words that take them back", "person", journal=True)
LATE = Topic("late", "input that came after what it belongs to was closed", "partition", message_bytes_max=8 * MEGABYTE)
DEAD_LETTERS = Topic(
    "dead-letters", "input that could not be used, and why", "as it came", message_bytes_max=9 * MEGABYTE
)  # any refused message and the reason

FACTS = (PURCHASES, IDENTITIES, DISPOSITIONS, ERASURES)
INPUTS = (POSES, *FACTS)
OUTPUTS = (JOURNAL, VISIT_KEYS, AUDIT, SCORES, ALERTS, SHADOW_SCORES, LATE, DEAD_LETTERS)
ACTED_ON = (SCORES, ALERTS)  # are sent once everything else of their step is at the broker
TOPICS = (*INPUTS, *OUTPUTS)
READABLE = (POSES, PURCHASES, IDENTITIES, DISPOSITIONS, SCORES, ALERTS, SHADOW_SCORES, LATE, DEAD_LETTERS)
"""What persons are in without being sealed: it is deleted with them, and nobody needs it for a proof or a replay."""


def full_name(topic: Topic, kafka: Kafka) -> str:
    """The name of a topic at the broker."""
    return f"{kafka.prefix}{topic.name}"


def state_topic(kafka: Kafka) -> str:
    """The name of the compacted topic that holds the state of a group of workers."""
    return f"{kafka.prefix}{kafka.group}-state-changelog"


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic as it should be at the broker; `config` has what must not be left to the broker's defaults."""

    name: str
    holds: str
    partitions: int
    replicas: int
    config: dict[str, str] = field(default_factory=dict)


def wanted(kafka: Kafka) -> list[WantedTopic]:
    """Every topic of the settings, the state's last. All have the same partitions, for one rests on the other."""
    named = [(full_name(topic, kafka), topic.holds, _config(topic, kafka)) for topic in TOPICS]
    named.append((state_topic(kafka), "what workers remember, to go on after a crash", _state_config()))
    insync = {"min.insync.replicas": str(_insync(kafka.replicas))}
    return [
        WantedTopic(name, holds, kafka.partitions, kafka.replicas, config | insync) for name, holds, config in named
    ]


def _config(topic: Topic, kafka: Kafka) -> dict[str, str]:
    """Inputs bear the broker's time, for workers refuse events whose time is far ahead of it.

    What is compacted is soon, for a key that was erased is gone from the disk only then.
    """
    retention_ms = (kafka.journal_retention_hours if topic.journal else kafka.retention_hours) * HOUR_MS
    soon = {"max.compaction.lag.ms": str(HOUR_MS), "segment.ms": str(HOUR_MS)}
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention_ms),
        "segment.ms": str(min(max(retention_ms // 8, HOUR_MS), SEGMENT_MS_MAX)),
        "segment.bytes": str(256 * MEGABYTE),
        "max.message.bytes": str(topic.message_bytes_max),
        "message.timestamp.type": "LogAppendTime" if topic.from_outside else "CreateTime",
    } | (soon if topic.cleanup == "compact" else {})


def _state_config() -> dict[str, str]:
    """Compacted early and in small segments, so that a worker that takes over reads little."""
    return {
        "cleanup.policy": "compact",
        "segment.ms": "60000",
        "segment.bytes": str(16 * MEGABYTE),
        "min.cleanable.dirty.ratio": "0.05",
        "max.compaction.lag.ms": str(HOUR_MS),
        "max.message.bytes": str(2 * MEGABYTE),
        "message.timestamp.type": "CreateTime",
    }


def _insync(replicas: int) -> int:
    """How many copies an acknowledged message has at least; with two brokers, one may be away."""
    return 1 if replicas <= 2 else replicas // 2 + 1  # noqa: PLR2004 - of two, both would have to be there
