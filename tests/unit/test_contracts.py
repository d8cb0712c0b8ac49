"""The published contracts are what the code says, and what the code writes keeps to them."""

import base64
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from features.events import TIME_MS_END, Rejection, parse_event
from features.segments import SEGMENT, SegmentBlock
from models.bundle import default_bundle
from models.records import Alert
from models.scenarios.generate import generate
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import SCHEMA, decode_rows, read_journal
from streams.contracts.asyncapi import asyncapi, kinds
from streams.contracts.cloudevents import alert_of, cloud_event
from streams.contracts.columns import JOURNAL_COLUMNS, POSE_COLUMNS, SEGMENT_FIELDS
from streams.contracts.examples import SEED, VISITS, Example, examples
from streams.contracts.publish import contracts
from streams.contracts.schemas import PUBLISHED, schemas
from streams.embedded import ALERTS, DEAD_LETTERS, LATE, SCORES
from streams.jobs import record_scenario, run_recording
from streams.kafka import messages, topics
from streams.kafka.pose_messages import POSE_FIELDS, PoseReader
from streams.recording import EVENTS
from streams.settings import Kafka
from streams.sources import site_of

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "contracts"
OFFICIAL = json.loads((ROOT / "tests" / "contracts" / "asyncapi-3.0.0.schema.json").read_text(encoding="utf-8"))
Json = dict[str, Any]

# CloudEvents 1.0.2, section 3 (context attributes), and its JSON format, section 3.
CLOUD_EVENT = Draft202012Validator(
    {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1, "pattern": r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$"},
            "type": {"type": "string", "minLength": 1},
            "subject": {"type": "string", "minLength": 1},
            "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"},
            "datacontenttype": {"type": "string", "pattern": r"^[a-z]+/[a-z0-9.+-]+$"},
            "dataschema": {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:"},
        },
        "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
        "not": {"required": ["data", "data_base64"]},
    }
)
person = st.from_regex(r"[A-Za-z0-9._:@-]{1,64}/[0-9]{1,16}/[0-9]{1,16}", fullmatch=True)
alerts = st.builds(Alert, id=st.text(min_size=1), person=person, time_ms=st.integers(0, TIME_MS_END - 1))
site_names = st.from_regex(r"[A-Za-z0-9._:@-]{1,64}", fullmatch=True)


def valid(schema: Json, value: object) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


@given(alerts, site_names)
def test_an_alert_travels_as_a_cloud_event_and_comes_back(alert: Alert, site: str) -> None:
    value = cloud_event(alert, site)
    event = msgspec.json.decode(value)
    CLOUD_EVENT.validate(event)
    assert valid(schemas()["alert-event"], event)
    assert alert_of(value) == alert
    assert cloud_event(alert, site) == value
    assert (event["id"], event["subject"]) == (alert.id, alert.person)
    assert event["type"].endswith(".raised") is (alert.withdraws is None)
    assert unquote(urlsplit(event["source"]).path) == f"/sites/{site}"
    assert re.fullmatch(r".*\.\d{3}Z", event["time"])
    assert datetime.fromisoformat(event["time"]) == datetime.fromtimestamp(alert.time_ms / 1_000, UTC)
    assert event["dataschema"] == schemas()["alert"]["$id"]


def test_the_bytes_of_a_cloud_event() -> None:
    alert = Alert("p#5.0#alert", "p", "floor", 1_700_000_000_042, "p#5.0", 700, "high", ("stayed",), [])
    assert cloud_event(alert, "shop").decode() == (
        '{"specversion":"1.0","id":"p#5.0#alert","source":"/sites/shop","type":"internal.vigil.alert.raised",'
        '"subject":"p","time":"2023-11-14T22:13:20.042Z","datacontenttype":"application/json",'
        '"dataschema":"https://vigil.internal/contracts/1/alert.schema.json","data":{"type":"alert",'
        '"id":"p#5.0#alert","person":"p","camera":"floor","time_ms":1700000000042,"score_id":"p#5.0","score":700,'
        '"band":"high","events":["stayed"],"reasons":[],"withdraws":null}}'
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "$.specversion"),
        ({"id": "another"}, "$.id"),
        ({"type": "internal.vigil.alert.withdrawn"}, "$.type"),
        ({"type": "com.example.order"}, "$.type"),
        ({"data": None}, "$.data"),
        ({"data": {"type": "alert"}}, "$.data.id"),
    ],
)
def test_what_is_no_alert_is_refused(change: Json, field: str) -> None:
    alert = Alert("p#5.0#alert", "p", None, 5, "p#5.0", None, None, (), [])
    with pytest.raises(Rejection) as why:
        alert_of(msgspec.json.encode(msgspec.json.decode(cloud_event(alert, "shop")) | change))
    assert why.value.field == field


@pytest.mark.parametrize("value", [b"", b"[]", b'{"specversion":', b"\xff"])
def test_what_is_no_json_object_is_refused(value: bytes) -> None:
    with pytest.raises(Rejection):
        alert_of(value)


def test_what_is_committed_is_what_the_code_says(tmp_path: Path) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in contracts(tmp_path)}
    committed = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir()}
    assert committed == written, "make it anew with streams.contracts.publish.contracts"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schema_is_one_and_says_what_the_docstrings_say(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}.schema.json")
    assert "Attributes:" not in json.dumps(schema)
    assert "\n" not in schema.get("description", "")


def test_descriptions_come_from_the_docstrings() -> None:
    score = schemas()["score"]["properties"]
    assert score["id"]["description"] == "`person#time_ms.revision`; of an interim score `person#time_ms@position`."
    assert (
        score["score"]["description"] == "0..1000; none when abstained, and then neither band, probability nor reasons."
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording and the run of it, with something late and something refused."""
    folder = tmp_path_factory.mktemp("contracts")
    record_scenario(generate(SEED, VISITS), folder / "recording")
    late = [one.value for one in examples() if one.topic is topics.LATE and b"purchase" in one.value]
    merges = [one.value for one in examples() if one.topic is topics.IDENTITIES]
    (folder / "recording" / "more.jsonl").write_bytes(b'{"age":41}\n' + b"\n".join([*merges, b""]))
    (folder / "recording" / "late.jsonl").write_bytes(b"".join(_after_everything(folder) + late))
    run_recording(
        folder / "recording", site_of(folder / "recording"), default_bundle(), folder / "run", lambda _rows: None
    )
    return folder


def _after_everything(folder: Path) -> list[bytes]:
    """A purchase after which all others are late: a source is read in its own order."""
    last = (folder / "recording" / EVENTS).read_bytes().splitlines()[-1]
    bought = msgspec.json.decode(last)
    return [msgspec.json.encode(bought | {"receipt": "r-last", "time_ms": bought["time_ms"] + 40_000}) + b"\n"]


def _written(folder: Path) -> Iterator[tuple[str, list[Json]]]:
    def lines(path: Path) -> list[Json]:
        return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]

    site = site_of(folder / "recording")
    entries = read_journal(folder / "run" / JOURNAL, [camera.name for camera in site.cameras])
    raised = [msgspec.convert(line, Alert) for line in lines(folder / "run" / ALERTS)]
    yield "score", lines(folder / "run" / SCORES)
    yield "alert", lines(folder / "run" / ALERTS)
    yield "alert-event", [msgspec.json.decode(cloud_event(alert, site.name)) for alert in raised]
    yield "late", lines(folder / "run" / LATE)
    yield "dead-letter", lines(folder / "run" / DEAD_LETTERS)
    yield (
        "journal-fact",
        [msgspec.json.decode(msgspec.json.encode(entry)) for entry in entries if not isinstance(entry, SegmentBlock)],
    )
    yield "purchase", lines(folder / "recording" / EVENTS)
    for name, topic in (
        ("poses", topics.POSES),
        ("identity", topics.IDENTITIES),
        ("disposition", topics.DISPOSITIONS),
        ("erasure", topics.ERASURES),
    ):
        yield (
            name,
            [msgspec.json.decode(one.value) for one in examples() if one.topic is topic and one.value[:1] == b"{"],
        )


def test_everything_that_is_written_keeps_to_its_schema(run: Path) -> None:
    written = dict(_written(run))
    assert written.keys() == PUBLISHED.keys()
    for name, documents in written.items():
        assert documents, name
        for document in documents:
            Draft202012Validator(schemas()[name]).validate(document)


def test_what_is_spoilt_does_not(run: Path) -> None:
    for name, documents in _written(run):
        schema, document = schemas()[name], documents[0]
        required = schema.get("required") or ["type"]
        for field in required:
            assert not valid(schema, {key: value for key, value in document.items() if key != field}), (name, field)
        for field in document.keys() & _described(schema):
            assert not valid(schema, document | {field: {"no": "such"}}), (name, field)


def _described(schema: Json) -> set[str]:
    return set(schema.get("properties", {})) or {"type"}


def _pose_batch(keypoints: int | None, **batch: object) -> Json:
    person = {"track": 1, "box": [0, 0, 1, 1], "keypoints": keypoints and [[0, 0, 1]] * keypoints}
    return {"type": "poses", "camera": "c", "frames": [{"time_ms": 1, "persons": [person]}], **batch}


def _identity(kind: str, **other: object) -> Json:
    return {"type": "identity", "change": "i", "kind": kind, "time_ms": 1, "camera": "c", "track": 1, **other}


BOTH = {"other_camera": "c", "other_track": 2}


@pytest.mark.parametrize(
    ("name", "event", "accepted"),
    [
        ("poses", _pose_batch(17), True),
        ("poses", _pose_batch(None), True),
        ("poses", _pose_batch(17, skeleton="coco17"), True),
        ("poses", _pose_batch(33, skeleton="blazepose33"), True),
        ("poses", _pose_batch(33), False),
        ("poses", _pose_batch(16), False),
        ("poses", _pose_batch(17, skeleton="blazepose33"), False),
        ("poses", _pose_batch(17, frames=[]), False),
        ("poses", _pose_batch(17, camera="a b"), False),
        ("poses", _pose_batch(17, camera="c\n"), False),
        ("poses", _pose_batch(17, age=41), False),
        ("identity", _identity("link", **BOTH), True),
        ("identity", _identity("merge", **BOTH), True),
        ("identity", _identity("split", **BOTH), True),
        ("identity", _identity("split"), True),
        ("identity", _identity("link"), False),
        ("identity", _identity("link", other_camera="c"), False),
        ("identity", _identity("merge", other_track=2), False),
        ("identity", _identity("merge", other_camera=None, other_track=None), False),
        ("identity", _identity("join", **BOTH), False),
    ],
)
def test_the_schema_and_the_reader_agree(name: str, event: Json, accepted: bool) -> None:  # noqa: FBT001 - a column
    assert valid(schemas()[name], event) is accepted
    if accepted:
        parse_event(msgspec.json.encode(event))
    else:
        with pytest.raises(Rejection):
            parse_event(msgspec.json.encode(event))


@pytest.fixture(scope="module")
def document() -> Json:
    loaded: Json = yaml.safe_load((COMMITTED / "asyncapi.yaml").read_text(encoding="utf-8"))
    return loaded


def test_the_document_is_one_of_asyncapi(document: Json) -> None:
    Draft7Validator(OFFICIAL).validate(document)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda it: it.pop("info"),
        lambda it: it["operations"]["receivePoses"].update(action="take"),
        lambda it: it["channels"]["poses"]["bindings"]["kafka"].update(partitions=0),
        lambda it: it["components"]["messages"]["score"].update(content="json"),
        lambda it: it["components"]["securitySchemes"]["plain"].update(type="none"),
    ],
)
def test_a_spoilt_document_is_not(document: Json, spoil: Callable[[Json], object]) -> None:
    spoilt = deepcopy(document)
    spoil(spoilt)
    assert not Draft7Validator(OFFICIAL).is_valid(spoilt)


def test_every_topic_is_a_channel_and_the_reverse(document: Json) -> None:
    kafka = Kafka()
    told = {name: (one["address"], _kept(one)) for name, one in document["channels"].items()}
    assert list(told) == [topic.name for topic in topics.TOPICS]
    for topic in topics.TOPICS:
        address, kept = told[topic.name]
        hours = kafka.journal_retention_hours if topic.journal else kafka.retention_hours
        assert address == topics.full_name(topic, kafka)
        assert kept == (kafka.partitions, kafka.replicas, [topic.cleanup], hours * topics.HOUR_MS)


def _kept(channel: Json) -> tuple[object, ...]:
    kafka = channel["bindings"]["kafka"]
    configured = kafka["topicConfiguration"]
    return kafka["partitions"], kafka["replicas"], configured["cleanup.policy"], configured["retention.ms"]


def test_what_is_told_of_a_topic_is_how_it_is_made(document: Json) -> None:
    made = {one.name: one for one in topics.wanted(Kafka())}
    for channel in document["channels"].values():
        for name, value in channel["bindings"]["kafka"]["topicConfiguration"].items():
            shown = ",".join(value) if isinstance(value, list) else str(value)
            assert made[channel["address"]].config[name] == shown


def test_the_document_follows_the_settings() -> None:
    made = asyncapi(Kafka(prefix="shop.", partitions=12, replicas=3, retention_hours=1))
    poses = made["channels"]["poses"]
    assert (poses["address"], _kept(poses)) == ("shop.poses", (12, 3, ["delete"], 3_600_000))


def test_a_worker_reads_inputs_and_writes_outputs(document: Json) -> None:
    done = {
        one["channel"]["$ref"].removeprefix("#/channels/"): one["action"] for one in document["operations"].values()
    }
    expected = {topic.name: "receive" for topic in topics.INPUTS} | {topic.name: "send" for topic in topics.OUTPUTS}
    assert done == expected


def test_every_reference_leads_somewhere(document: Json) -> None:
    for reference in _references(document):
        if reference.startswith("./"):
            assert (COMMITTED / reference).exists(), reference
        else:
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_every_kind_of_message_has_examples_that_keep_to_it(document: Json) -> None:
    for kind in kinds():
        told = document["components"]["messages"][kind.name]
        assert told["examples"], kind.name
        for example in told["examples"]:
            Draft202012Validator(told["headers"]).validate(example["headers"])
            _check(told["payload"], example["payload"])
            if why := example["headers"].get(messages.WHY):
                Draft202012Validator(schemas()["dead-letter"]).validate(json.loads(why))


def _check(payload: Json, example: Any) -> None:  # noqa: ANN401 - whatever it holds
    form = payload.get("schemaFormat", "")
    if form.startswith("application/schema+json"):
        file = COMMITTED / payload["schema"]["$ref"]
        Draft202012Validator(json.loads(file.read_text(encoding="utf-8"))).validate(example)
    elif form == messages.ARROW.decode():
        _check_rows(payload["schema"], example)
    elif payload.get("contentMediaType") == messages.JSON_LINES.decode():
        for line in example.splitlines():
            Draft202012Validator(schemas()["late"]).validate(json.loads(line))
    elif payload.get("contentEncoding") == "base64":
        assert base64.b64decode(example, validate=True)
    else:
        with pytest.raises(Rejection):
            parse_event(json.dumps(example))


def _check_rows(told: Json, example: Json) -> None:
    """Rows make a message again that the code reads."""
    wanted = POSE_FIELDS if "camera" in told["metadata"] else SCHEMA
    assert [(each["name"], each["nullable"]) for each in told["columns"]] == [(f.name, f.nullable) for f in wanted]
    rows = [_cells(row, wanted) for row in example["rows"]]
    schema = wanted.with_metadata(example.get("metadata"))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(pa.Table.from_pylist(rows, schema=schema))
    value = sink.getvalue().to_pybytes()
    if "camera" in told["metadata"]:
        assert PoseReader().read(value).camera == example["metadata"]["camera"]
    else:
        assert [row.position for row in decode_rows(value)] == [row["position"] for row in rows]


def _cells(row: Json, schema: pa.Schema) -> Json:
    return {name: b64decode(cell) if _binary(schema.field(name).type) else cell for name, cell in row.items()}


def _binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind))


def test_examples_are_of_every_topic_and_the_same_each_time() -> None:
    assert {one.topic for one in examples()} == set(topics.TOPICS)
    again = examples.__wrapped__()
    assert again == examples()
    assert all(isinstance(one, Example) for one in again)


def test_the_columns_that_are_described_are_those_there_are() -> None:
    assert list(POSE_COLUMNS) == POSE_FIELDS.names
    assert list(JOURNAL_COLUMNS) == SCHEMA.names
    assert list(SEGMENT_FIELDS) == list(SEGMENT.names or ())
