"""Whether the topics at the broker are as the settings want them; makes those that are missing, and never one anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from types import TracebackType
from typing import Any, Literal, Self

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from streams.clock import Stopwatch
from streams.kafka.clients import kafka_python
from streams.kafka.topics import WantedTopic
from streams.settings import Kafka

State = Literal["there", "missing", "made", "differs"]
KNOWN_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.1
ALREADY_THERE = 36  # the broker's code where another `vigil topics` was faster
APPLY = "--apply sets it"
MADE_LATER = "`vigil topics` makes it"
ELSEWHERE = "stop all workers and move to another kafka.prefix, or delete all topics and make them anew"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something about a topic that is not as wanted, and what to do about it.

    `field` is `partitions`, `replicas`, `topic` or the name of a config.
    """

    field: str
    expected: str
    got: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}; {self.remedy}"

    @property
    def may_be_applied(self) -> bool:
        """Whether it can be set on a topic in use."""
        return self.remedy == APPLY


@dataclass(frozen=True, slots=True)
class TopicReport:
    """A topic, whether it is there, and where it differs."""

    wanted: WantedTopic
    state: State
    differences: tuple[Difference, ...] = ()


class Topics:
    """The topics of a broker.

    Raises:
        RefusedError: a file of the settings cannot be used.
        KafkaError: the broker cannot be reached or refuses.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._admin = KafkaAdminClient(**kafka_python(kafka), client_id="vigil-topics")

    def look(self, wanted: Sequence[WantedTopic]) -> list[TopicReport]:
        """How the topics are; nothing is changed."""
        present = set(self._admin.list_topics())
        names = [topic.name for topic in wanted if topic.name in present]
        described = {one["name"]: one for one in self._admin.describe_topics(names)} if names else {}
        configs = self._configs(names)
        partitions = {name: len(one["partitions"]) for name, one in described.items()}
        return [
            _report(topic, described[topic.name], configs[topic.name], partitions)
            if topic.name in described
            else TopicReport(topic, "missing", (_missing(topic, partitions),))
            for topic in wanted
        ]

    def make(self, reports: Iterable[TopicReport]) -> list[TopicReport]:
        """Make what is missing, unless the topics that are there have other partitions; how all are then."""
        before = list(reports)
        if any(difference.field == "partitions" for report in before for difference in report.differences):
            return before
        missing = {report.wanted.name: report.wanted for report in before if report.state == "missing"}
        refused = self._create(list(missing.values())) if missing else {}
        after = self._look_until_there(before, missing.keys() - refused.keys())
        return [_made(report, missing, refused) for report in after]

    def apply(self, reports: Iterable[TopicReport]) -> list[TopicReport]:
        """Set every config that differs; how all topics are then."""
        before = list(reports)
        asked = {
            report.wanted.name: config
            for report in before
            if (config := {one.field: one.expected for one in report.differences if one.may_be_applied})
        }
        answers = {name: self._alter(name, config) for name, config in asked.items()}
        refused = {name: answer for name, answer in answers.items() if answer != "OK"}
        after = self._look_until_there(before, asked.keys() - refused.keys())
        made = {report.wanted.name for report in before if report.state == "made"}
        return [_applied(report, made, refused) for report in after]

    def close(self) -> None:
        """Let go of the broker."""
        self._admin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found = self._admin.describe_configs(asked, config_filter="all")["topic"]
        return {name: {key: str(one["value"]) for key, one in config.items()} for name, config in found.items()}

    def _create(self, missing: list[WantedTopic]) -> dict[str, str]:
        """Why topics were not made, by name."""
        asked = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replicas,
                "configs": topic.config,
            }
            for topic in missing
        }
        answer = self._admin.create_topics(asked, raise_errors=False)
        refused = {one["name"]: str(one["error_message"] or one["error_code"]) for one in answer["topics"] if _bad(one)}
        self._admin.wait_for_topics([topic.name for topic in missing if topic.name not in refused])
        return refused

    def _look_until_there(self, before: list[TopicReport], changed: set[str]) -> list[TopicReport]:
        """How topics are once what was changed is known to the broker that is asked, which takes it a moment."""
        watch, nobody = Stopwatch(), Event()
        while True:
            after = self.look([report.wanted for report in before])
            behind = [one for one in after if one.wanted.name in changed and _waits(one)]
            if not behind or watch.seconds > KNOWN_WITHIN_S:
                return after
            nobody.wait(LOOK_AGAIN_S)

    def _alter(self, name: str, config: dict[str, str]) -> str:
        answer = self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)])
        return str(answer["topic"][name])


def _waits(report: TopicReport) -> bool:
    return report.state == "missing" or any(one.may_be_applied for one in report.differences)


def _bad(answer: dict[str, Any]) -> bool:
    return answer["error_code"] not in {0, ALREADY_THERE}


def _made(report: TopicReport, missing: dict[str, WantedTopic], refused: dict[str, str]) -> TopicReport:
    name = report.wanted.name
    if name in refused:
        return replace(report, differences=(Difference("topic", "the broker to make it", refused[name], "see there"),))
    return replace(report, state="made") if name in missing and report.state == "there" else report


def _applied(report: TopicReport, made: set[str], refused: dict[str, str]) -> TopicReport:
    name = report.wanted.name
    if name in refused:
        told = Difference("config", "the broker to set it", refused[name], "see there")
        return replace(report, differences=(*report.differences, told))
    return replace(report, state="made") if name in made and report.state == "there" else report


def _report(
    topic: WantedTopic, described: dict[str, Any], config: dict[str, str], partitions: dict[str, int]
) -> TopicReport:
    differences = [*_partitions(topic, partitions), *_replicas(topic, described), *_config(topic, config)]
    return TopicReport(topic, "differs" if differences else "there", tuple(differences))


def _missing(topic: WantedTopic, partitions: dict[str, int]) -> Difference:
    others = set(partitions.values()) - {topic.partitions}
    remedy = f"it is made once the partitions of the others are {topic.partitions}" if others else MADE_LATER
    return Difference("topic", "a topic", "no such topic", remedy)


def _partitions(topic: WantedTopic, partitions: dict[str, int]) -> Iterable[Difference]:
    """Work is given out by partition: those of inputs, outputs and state with one number belong together."""
    got = partitions[topic.name]
    if got == topic.partitions:
        return
    if set(partitions.values()) == {got}:
        remedy = f"set kafka.partitions to {got}, for the state rests on the partitions and is of no use with others"
    else:
        remedy = f"the topics disagree, and what belongs together would be torn apart: {ELSEWHERE}"
    yield Difference("partitions", str(topic.partitions), str(got), remedy)


def _replicas(topic: WantedTopic, described: dict[str, Any]) -> Iterable[Difference]:
    got = min((len(one["replica_nodes"]) for one in described["partitions"]), default=0)
    if got != topic.replicas:
        remedy = "kafka-reassign-partitions.sh moves copies; or set kafka.replicas"
        yield Difference("replicas", str(topic.replicas), str(got), remedy)


def _config(topic: WantedTopic, config: dict[str, str]) -> Iterable[Difference]:
    for name, expected in topic.config.items():
        if (got := config.get(name, "nothing")) != expected:
            yield Difference(name, expected, got, APPLY)
