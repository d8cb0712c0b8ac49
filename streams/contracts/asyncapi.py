"""The topics as an AsyncAPI 3.0 document: what is in them, how they are kept, and examples."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import yaml

from streams.contracts.columns import Columns, journal_columns, pose_columns, segment_fields
from streams.contracts.examples import Example, examples
from streams.contracts.schemas import file_of
from streams.kafka.lane_seal import FIRST, LEAF, ROOT, SIZE
from streams.kafka.messages import ARROW, BYTES, CLOUD_EVENT, CONTENT_TYPE, JSON, JSON_LINES, STEP, WHY
from streams.kafka.topics import (
    ALERTS,
    AUDIT,
    DEAD_LETTERS,
    DISPOSITIONS,
    ERASURES,
    IDENTITIES,
    JOURNAL,
    LATE,
    POSES,
    PURCHASES,
    SCORES,
    SHADOW_SCORES,
    TOPICS,
    VISIT_KEYS,
    Topic,
    full_name,
    state_topic,
    wanted,
)
from streams.settings import Kafka

Part = dict[str, Any]
BINDING = "0.5.0"
JSON_SCHEMA = "application/schema+json;version=2020-12"
ABOUT = """\
What Vigil reads from Kafka and writes to it. Names, partitions, replicas and retention are those of the default
settings.

All topics have the same number of partitions. Everything of one area of a site (its cameras and tills; the site is one
area unless it says otherwise) has the area's name as key and lies in the partition that Kafka's default partitioner
(murmur2) chooses for it. What lies elsewhere is a dead letter. Partition p of what is written holds what came of
partition p of what is read.

After a crash a worker may repeat messages; a repeat is the same to the byte. The description of each topic says how a
reader knows one.
"""
CONFIGURED = ("cleanup.policy", "retention.ms", "max.message.bytes", "message.timestamp.type")
KEYS = {
    "area": "The area, as UTF-8.",
    "partition": "The partition's number as text.",
    "visit": "The id of the key, as records name it, hexadecimal.",
    "as it came": "That of the message that was refused.",
    "person": "The person's name; all of one person lie in the partition of its area.",
}
REPEATS = {
    JOURNAL: "Positions are contiguous in a partition: a message whose first position is below the one expected is a "
    "repeat; one above means that something was lost.",
    VISIT_KEYS: "A message with a key that came before is a repeat; one without a value says that the key was erased.",
    AUDIT: "A message whose header vigil-first-leaf is below the tree so far is a repeat; one above it means that "
    "something was lost.",
    SCORES: "A message with an id that came before is a repeat.",
    ALERTS: "A message with an id that came before is a repeat.",
    SHADOW_SCORES: "A message with an id that came before of the same bundle is a repeat.",
    LATE: "A message whose header vigil-step came before in its partition is a repeat.",
    DEAD_LETTERS: "A message with a source in its header vigil-why that came before is a repeat.",
}
LEAVES = (
    "Consecutive leaves of the partition's audit log, each after its length in two bytes, big-endian. What a leaf "
    "holds, docs/audit.md says."
)
VISIT_KEY = "MessagePack: name of the person and 32 secret bytes. Whoever reads this topic can open what is sealed."
STEP_HEADER: Part = {"type": "string", "description": "Number of the step of the lane in which it was found late."}
LEAF_HEADER: Part = {"type": "string", "description": "Which leaf of the partition's audit log seals it."}
FURTHER_HEADERS: dict[Topic, Part] = {
    LATE: {STEP: STEP_HEADER},
    SCORES: {LEAF: LEAF_HEADER},
    ALERTS: {LEAF: LEAF_HEADER},
    AUDIT: {
        FIRST: {"type": "string", "description": "Index of the first leaf."},
        SIZE: {"type": "string", "description": "Leaves of the log behind the last one here."},
        ROOT: {"type": "string", "description": "Root of the tree behind them (RFC 9162, SHA-256), hexadecimal."},
    },
}


class Kind(NamedTuple):
    """One kind of message.

    Attributes:
        content_type: None where it is that of another message.
        payload: a schema, or one in a format of its own.
    """

    name: str
    topic: Topic
    content_type: bytes | None
    payload: Part


def _json(name: str) -> Part:
    return {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"./{file_of(name)}"}}


def _arrow(columns: Columns, metadata: Part) -> Part:
    return {"schemaFormat": ARROW.decode(), "schema": {"metadata": metadata, "columns": columns}}


def kinds() -> tuple[Kind, ...]:
    """Every kind of message."""
    lines = {
        "type": "string",
        "contentMediaType": JSON_LINES.decode(),
        "description": f"JSON lines; each as {file_of('late')} says.",
    }
    refused = {"description": "The message that was refused, unchanged."}
    binary = {"type": "string", "contentMediaType": BYTES.decode(), "contentEncoding": "base64"}
    journal = _arrow(journal_columns(), {"vigil.segment": "names and types of the fields of `segment`"})
    journal["schema"]["segment"] = segment_fields()
    leaves, visit_key = binary | {"description": LEAVES}, binary | {"description": VISIT_KEY}
    return (
        Kind("poses", POSES, ARROW, _arrow(pose_columns(), {"camera": "name of the camera"})),
        Kind("posesAsJson", POSES, JSON, _json("poses")),
        Kind("purchase", PURCHASES, JSON, _json("purchase")),
        Kind("identity", IDENTITIES, JSON, _json("identity")),
        Kind("disposition", DISPOSITIONS, JSON, _json("disposition")),
        Kind("erasure", ERASURES, JSON, _json("erasure")),
        Kind("journal", JOURNAL, ARROW, journal),
        Kind("visitKey", VISIT_KEYS, BYTES, visit_key),
        Kind("leaves", AUDIT, BYTES, leaves),
        Kind("score", SCORES, JSON, _json("score")),
        Kind("shadowScore", SHADOW_SCORES, JSON, _json("score")),
        Kind("alert", ALERTS, CLOUD_EVENT, _json("alert-event")),
        Kind("late", LATE, JSON_LINES, lines),
        Kind("deadLetter", DEAD_LETTERS, None, refused),
    )


def asyncapi(kafka: Kafka) -> Part:
    """The document as plain values."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vigil",
            "version": version("vigil"),
            "description": f"{ABOUT}\n{state_topic(kafka)} is the workers' own and no contract.\n",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON.decode(),
        "servers": _servers(kafka),
        "channels": {topic.name: _channel(topic, kafka) for topic in TOPICS},
        "operations": {_operation_name(topic): _operation(topic, kafka) for topic in TOPICS},
        "components": {"messages": {kind.name: _message(kind) for kind in kinds()}, "securitySchemes": _SECURITY},
    }


def asyncapi_yaml(kafka: Kafka) -> str:
    """The document as YAML."""
    text: str = yaml.dump(
        asyncapi(kafka), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice, and texts of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of no value
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if text.count("\n") > 1 else None)


_Dumper.add_representer(str, _text)

_SECURITY: Part = {
    "plain": {"type": "plain", "description": "SASL PLAIN; over TLS only."},
    "scramSha256": {"type": "scramSha256", "description": "SASL SCRAM-SHA-256."},
    "scramSha512": {"type": "scramSha512", "description": "SASL SCRAM-SHA-512."},
    "oauthBearer": {
        "type": "oauth2",
        "description": "SASL OAUTHBEARER; tokens by the client credentials grant.",
        "flows": {"clientCredentials": {"tokenUrl": "https://tokens.example/oauth2/token", "availableScopes": {}}},
    },
    "certificate": {"type": "X509", "description": "The client's own certificate."},
}


def _servers(kafka: Kafka) -> Part:
    plain = {"host": kafka.brokers[0], "protocol": "kafka", "description": "As the default settings have it."}
    proofs = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY]
    secure = {
        "host": "{host}",
        "protocol": "kafka-secure",
        "description": "With kafka.security.tls; one of these proofs, or none.",
        "variables": {"host": {"description": "host:port of a broker", "examples": ["kafka.example:9093"]}},
        "security": proofs,
    }
    return {"plain": plain, "tls": secure}


def _channel(topic: Topic, kafka: Kafka) -> Part:
    name = full_name(topic, kafka)
    at_broker = next(one for one in wanted(kafka) if one.name == name)
    return {
        "address": name,
        "description": " ".join(filter(None, [_sentence(topic.holds), REPEATS.get(topic)])),
        "messages": {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in _kinds_of(topic)},
        "bindings": {
            "kafka": {
                "partitions": at_broker.partitions,
                "replicas": at_broker.replicas,
                "topicConfiguration": {each: _typed(each, at_broker.config[each]) for each in CONFIGURED},
                "bindingVersion": BINDING,
            }
        },
    }


def _typed(config: str, value: str) -> str | int | list[str]:
    """A value of a topic's configuration as the binding wants it."""
    if config == "cleanup.policy":
        return value.split(",")
    return int(value) if value.isdigit() else value


def _kinds_of(topic: Topic) -> list[Kind]:
    return [kind for kind in kinds() if kind.topic is topic]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _operation_name(topic: Topic) -> str:
    name = "".join(word.capitalize() for word in topic.name.split("-"))
    return f"{_action(topic)}{name}"


def _action(topic: Topic) -> str:
    return "receive" if topic.from_outside else "send"


def _operation(topic: Topic, kafka: Kafka) -> Part:
    group = {"groupId": {"type": "string", "const": kafka.group}} if topic.from_outside else {}
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"A worker {'reads' if topic.from_outside else 'writes'} {topic.holds}.",
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{kind.name}"} for kind in _kinds_of(topic)],
        "bindings": {"kafka": {**group, "bindingVersion": BINDING}},
    }


def _message(kind: Kind) -> Part:
    content_type = {"contentType": kind.content_type.decode()} if kind.content_type else {}
    return {
        "name": kind.name,
        **content_type,
        "headers": _headers(kind),
        "payload": kind.payload,
        "bindings": {
            "kafka": {"key": {"type": "string", "description": KEYS[kind.topic.key]}, "bindingVersion": BINDING}
        },
        "examples": [_shown(example) for example in examples_of(kind)],
    }


def _headers(kind: Kind) -> Part:
    if kind.content_type:
        content_type: Part = {"type": "string", "const": kind.content_type.decode()}
        told = {CONTENT_TYPE: content_type} | FURTHER_HEADERS.get(kind.topic, {})
        return {"type": "object", "properties": told, "required": list(told)}
    kept = {"type": "string", "description": "That of the message that was refused, if it had one."}
    why = {
        "type": "string",
        "contentMediaType": JSON.decode(),
        "description": f"Why it was refused: JSON as {file_of('dead-letter')} says.",
    }
    return {"type": "object", "properties": {CONTENT_TYPE: kept, WHY: why}, "required": [WHY]}


def examples_of(kind: Kind) -> Sequence[Example]:
    """The examples of a kind of message."""
    wanted = None if kind.content_type is None else (CONTENT_TYPE, kind.content_type)
    return [one for one in examples() if one.topic is kind.topic and (wanted is None or wanted in one.headers)]


def _shown(example: Example) -> Part:
    return {
        "summary": _sentence(example.shows),
        "headers": {name: value.decode() for name, value in example.headers},
        "payload": _payload(example),
    }


def _payload(example: Example) -> Any:  # noqa: ANN401 - whatever it holds
    if (CONTENT_TYPE, ARROW) in example.headers:
        return _rows(example.value)
    if (CONTENT_TYPE, JSON_LINES) in example.headers:
        return example.value.decode()
    if (CONTENT_TYPE, BYTES) in example.headers:
        return b64encode(example.value).decode()
    return msgspec.json.decode(example.value)


def _rows(value: bytes) -> Part:
    """An Arrow stream as JSON shows it: its metadata and its rows, bytes in base64."""
    with pa.ipc.open_stream(value) as stream:
        metadata = {name.decode(): text.decode() for name, text in (stream.schema.metadata or {}).items()}
        rows = [dict(_cells(row)) for row in stream.read_all().to_pylist()]
    return ({"metadata": metadata} if metadata else {}) | {"rows": rows}


def _cells(row: Part) -> Iterator[tuple[str, Any]]:
    return ((name, b64encode(cell).decode() if isinstance(cell, bytes) else cell) for name, cell in row.items())
