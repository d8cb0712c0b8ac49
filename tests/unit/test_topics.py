import pytest

from features.events import TIME_MS_END
from streams.kafka.topics import DEAD_LETTERS, FACTS, INPUTS, JOURNAL, OUTPUTS, POSES, WantedTopic, full_name, wanted
from streams.settings import Kafka

KAFKA = Kafka(prefix="shop-", partitions=6, replicas=3, retention_hours=48, journal_retention_hours=24 * 400)


def by_name(kafka: Kafka) -> dict[str, WantedTopic]:
    return {topic.name: topic for topic in wanted(kafka)}


def test_every_topic_has_the_partitions_of_the_settings() -> None:
    topics = wanted(KAFKA)
    assert len(topics) == len({topic.name for topic in topics}) == len(INPUTS) + len(OUTPUTS) + 1
    assert {(topic.partitions, topic.replicas) for topic in topics} == {(6, 3)}
    assert all(topic.name.startswith("shop-") for topic in topics)


def test_inputs_bear_the_time_of_the_broker() -> None:
    stamped = {topic.name for topic in wanted(KAFKA) if topic.config["message.timestamp.type"] == "LogAppendTime"}
    assert stamped == {full_name(topic, KAFKA) for topic in (POSES, *FACTS)}


def test_the_journal_is_kept_longer_and_segments_are_a_part_of_what_is_kept() -> None:
    topics = by_name(KAFKA)
    assert topics["shop-poses"].config["retention.ms"] == str(48 * 3_600_000)
    assert topics["shop-journal"].config["retention.ms"] == str(400 * 24 * 3_600_000)
    for topic in topics.values():
        if topic.config["cleanup.policy"] == "delete":
            assert int(topic.config["segment.ms"]) <= int(topic.config["retention.ms"]) // 8


def test_a_short_retention_still_has_segments_of_an_hour() -> None:
    assert by_name(Kafka(retention_hours=1))["poses"].config["segment.ms"] == str(3_600_000)


def test_a_dead_letter_may_be_larger_than_any_refused_message() -> None:
    largest = max(topic.message_bytes_max for topic in INPUTS)
    assert largest >= 8_000_000
    assert JOURNAL.message_bytes_max >= 8_000_000
    assert DEAD_LETTERS.message_bytes_max >= largest + 65_536


def test_the_state_is_compacted_in_small_segments() -> None:
    state = wanted(KAFKA)[-1]
    assert state.name == "shop-vigil-state-changelog"
    assert state.config["cleanup.policy"] == "compact"
    assert "retention.ms" not in state.config
    assert int(state.config["segment.bytes"]) <= 16 * 1_024 * 1_024
    assert int(state.config["max.message.bytes"]) >= 512 * 1_024 + 65_536
    assert float(state.config["min.cleanable.dirty.ratio"]) <= 0.1


@pytest.mark.parametrize(("replicas", "insync"), [(1, "1"), (2, "1"), (3, "2"), (5, "3"), (7, "4")])
def test_a_broker_may_be_away(replicas: int, insync: str) -> None:
    assert {topic.config["min.insync.replicas"] for topic in wanted(Kafka(replicas=replicas))} == {insync}


def test_times_fit_what_the_broker_takes() -> None:
    assert all(int(one.config.get("retention.ms", 0)) < TIME_MS_END for one in wanted(KAFKA))
