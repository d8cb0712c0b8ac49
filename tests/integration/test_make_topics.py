"""`vigil topics` against a broker."""

import time
from collections.abc import Callable, Iterator

import pytest
import typer
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from streams.kafka import commands
from streams.kafka.topic_check import Topics
from streams.kafka.topics import INPUTS, OUTPUTS, wanted
from streams.settings import Kafka
from tests.services.broker import KafkaAccess

app = typer.Typer()
app.command()(commands.topics)
app.command()(commands.produce)


@pytest.fixture
def kafka(broker: KafkaAccess, prefix: str) -> Kafka:
    return Kafka(brokers=[broker.bootstrap], prefix=prefix, partitions=3)


@pytest.fixture
def admin(broker: KafkaAccess) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
    yield client
    client.close()


def vigil(kafka: Kafka, *arguments: str, **more: str) -> Result:
    environment = {
        "VIGIL_KAFKA__BROKERS": kafka.brokers[0],
        "VIGIL_KAFKA__PREFIX": kafka.prefix,
        "VIGIL_KAFKA__PARTITIONS": str(kafka.partitions),
        "COLUMNS": "200",
    }
    return CliRunner().invoke(app, [*arguments], env=environment | more)


def config_of(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name)]
    found = admin.describe_configs(asked, config_filter="all")["topic"][name]
    return {key: str(value["value"]) for key, value in found.items()}


def wait_until(known: Callable[[], bool]) -> None:
    """What was changed takes the broker a moment to tell."""
    deadline = time.monotonic() + 30
    while not known():
        assert time.monotonic() < deadline


def test_missing_topics_are_made_as_wanted(kafka: Kafka, admin: KafkaAdminClient) -> None:
    told = vigil(kafka, "topics")
    assert told.exit_code == 0, told.output
    assert told.output.count(" made ") == len(INPUTS) + len(OUTPUTS) + 1
    described = {one["name"]: one for one in admin.describe_topics([topic.name for topic in wanted(kafka)])}
    for topic in wanted(kafka):
        assert len(described[topic.name]["partitions"]) == 3
        assert topic.config.items() <= config_of(admin, topic.name).items()


def test_a_second_run_changes_nothing(kafka: Kafka, admin: KafkaAdminClient) -> None:
    vigil(kafka, "topics")
    names = [topic.name for topic in wanted(kafka)]
    before = [(one["topic_id"], config_of(admin, one["name"])) for one in admin.describe_topics(names)]
    told = vigil(kafka, "topics")
    assert (told.exit_code, " made " in told.output) == (0, False)
    assert told.output.count(" there ") == len(names)
    assert [(one["topic_id"], config_of(admin, one["name"])) for one in admin.describe_topics(names)] == before


def test_check_makes_nothing_and_fails(kafka: Kafka, admin: KafkaAdminClient) -> None:
    told = vigil(kafka, "topics", "--check")
    assert told.exit_code == 1
    assert f"{kafka.prefix}poses: topic: expected a topic, got no such topic" in told.output
    assert not [name for name in admin.list_topics() if name.startswith(kafka.prefix)]
    vigil(kafka, "topics")
    assert vigil(kafka, "topics", "--check").exit_code == 0


def test_configs_that_differ_are_told_and_set_only_with_apply(kafka: Kafka, admin: KafkaAdminClient) -> None:
    vigil(kafka, "topics")
    name = f"{kafka.prefix}journal"
    expected = config_of(admin, name)["retention.ms"]
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "60000"})])
    wait_until(lambda: config_of(admin, name)["retention.ms"] == "60000")
    for arguments in (("topics",), ("topics", "--check")):
        told = vigil(kafka, *arguments)
        assert told.exit_code == 1
        assert f"{name}: retention.ms: expected {expected}, got 60000; --apply sets it" in told.output
        assert config_of(admin, name)["retention.ms"] == "60000"
    assert vigil(kafka, "topics", "--apply").exit_code == 0
    assert config_of(admin, name)["retention.ms"] == expected


def test_partitions_are_never_changed(kafka: Kafka, admin: KafkaAdminClient) -> None:
    admin.create_topics(
        {f"{kafka.prefix}poses": {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True
    )
    told = vigil(kafka, "topics", "--apply")
    assert told.exit_code == 1
    assert f"{kafka.prefix}poses: partitions: expected 3, got 2; set kafka.partitions to 2" in told.output
    assert "it is made once the partitions of the others are 3" in told.output
    assert [name for name in admin.list_topics() if name.startswith(kafka.prefix)] == [f"{kafka.prefix}poses"]
    assert len(admin.describe_topics([f"{kafka.prefix}poses"])[0]["partitions"]) == 2


def test_topics_that_disagree_are_told_apart(kafka: Kafka, admin: KafkaAdminClient) -> None:
    vigil(kafka, "topics")
    name = f"{kafka.prefix}purchases"
    admin.create_partitions({name: 5})
    wait_until(lambda: len(admin.describe_topics([name])[0]["partitions"]) == 5)
    told = vigil(kafka, "topics", "--check")
    assert f"{kafka.prefix}purchases: partitions: expected 3, got 5; the topics disagree" in told.output
    assert told.output.count("partitions: expected") == 1


def test_copies_that_cannot_be_are_told(kafka: Kafka) -> None:
    told = vigil(kafka, "topics", VIGIL_KAFKA__REPLICAS="3")
    assert told.exit_code == 1
    assert "replication factor" in told.output.lower()
    vigil(kafka, "topics")
    told = vigil(kafka, "topics", "--check", VIGIL_KAFKA__REPLICAS="3")
    assert f"{kafka.prefix}poses: replicas: expected 3, got 1; kafka-reassign-partitions.sh" in told.output


def test_a_topic_made_by_another_meanwhile_is_no_failure(kafka: Kafka) -> None:
    with Topics(kafka) as one, Topics(kafka) as other:
        seen = one.look(wanted(kafka))
        other.make(other.look(wanted(kafka)))
        assert {report.state for report in one.make(seen)} == {"made"}


def test_check_and_apply_exclude_each_other(kafka: Kafka) -> None:
    told = vigil(kafka, "topics", "--check", "--apply")
    assert (told.exit_code, "expected one of them" in told.output) == (2, True)


def test_a_broker_that_does_not_answer_is_told_at_once(kafka: Kafka) -> None:
    told = vigil(kafka, "topics", VIGIL_KAFKA__BROKERS="127.0.0.1:1")
    assert (told.exit_code, "$.kafka.brokers: expected a broker that answers" in told.output) == (2, True), told.output
