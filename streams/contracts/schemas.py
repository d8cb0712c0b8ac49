"""JSON Schemas (2020-12) of everything that travels as JSON, made from the types that read and write it."""

import re
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import Struct

from features.events import Disposition, IdentityChange, PoseBatch, Purchase
from features.segments import Fact
from models.records import Alert, Score
from streams.contracts.cloudevents import CONTRACTS, AlertEvent
from streams.kafka.erasure import Erasure
from streams.sources import DeadLetter

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


class LatePersonFrame(Struct, frozen=True, tag="person_frame", tag_field="type"):
    """One person in one frame that came after its second was closed.

    Attributes:
        track: the tracker's id; -1 where the frame showed nobody.
    """

    camera: str
    track: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Contract:
    """What is published about one kind of JSON.

    Attributes:
        kind: the type that is read or written.
        holds: what it is, in a sentence.
        rules: keywords for what the type cannot say.
    """

    kind: Any
    holds: str
    rules: Schema = field(default_factory=dict)

    def schema(self, name: str) -> Schema:
        """The JSON Schema of this kind, published under a name."""
        root, parts = _root_and_parts(self.kind)
        head: Schema = {"$schema": DIALECT, "$id": schema_id(name), "title": name, "$comment": self.holds}
        body = {key: value for key, value in root.items() if key not in head}
        return head | body | self.rules | ({"$defs": parts} if parts else {})


def schema_id(name: str) -> str:
    """The `$id` of a published schema."""
    return f"{CONTRACTS}{file_of(name)}"


def file_of(name: str) -> str:
    """The file of a published schema."""
    return f"{name}.schema.json"


def _of_persons(keypoints: int) -> Schema:
    """That every person of a batch who has keypoints has so many."""
    person = {"properties": {"keypoints": {"minItems": keypoints, "maxItems": keypoints}}}
    frame = {"properties": {"persons": {"items": person}}}
    return {"properties": {"frames": {"items": frame}}}


_OTHER = {"other_camera": {"type": "string"}, "other_track": {"type": "integer"}}
_TWO_TRACKS: Schema = {
    "if": {"properties": {"kind": {"enum": ["link", "merge"]}}},
    "then": {"properties": _OTHER, "required": ["other_camera", "other_track"]},
}
_SKELETON: Schema = {
    "if": {"properties": {"skeleton": {"const": "blazepose33"}}, "required": ["skeleton"]},
    "then": _of_persons(33),
    "else": _of_persons(17),
}

PUBLISHED = {
    "poses": Contract(PoseBatch, "A message of the topic poses, as JSON. A track comes once in a frame.", _SKELETON),
    "purchase": Contract(Purchase, "A message of the topic purchases."),
    "identity": Contract(
        IdentityChange, "A message of the topic identities. A merge is of two tracks of one camera.", _TWO_TRACKS
    ),
    "disposition": Contract(Disposition, "A message of the topic dispositions."),
    "erasure": Contract(Erasure, "A message of the topic erasures."),
    "journal-fact": Contract(Fact, "What a row of the topic journal holds sealed, where it is no segment."),
    "score": Contract(Score, "A message of the topics scores and shadow-scores."),
    "alert": Contract(Alert, "The data of a message of the topic alerts."),
    "alert-event": Contract(AlertEvent, "A message of the topic alerts: CloudEvents 1.0, structured JSON."),
    "late": Contract(LatePersonFrame | Purchase | IdentityChange, "A line of a message of the topic late."),
    "dead-letter": Contract(
        DeadLetter,
        "The header vigil-why of a message of the topic dead-letters; its source is topic/partition/offset.",
    ),
}


def schemas() -> dict[str, Schema]:
    """Every published schema by name."""
    return {name: contract.schema(name) for name, contract in PUBLISHED.items()}


def _root_and_parts(kind: Any) -> tuple[Schema, dict[str, Schema]]:  # noqa: ANN401 - a type or a union of types
    (found,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    parts = {name: _described(part) for name, part in sorted(components.items())}
    reference = found.pop("$ref", None)
    root = parts.pop(reference.rpartition("/")[2]) if reference else found
    root.pop("discriminator", None)  # of OpenAPI; no word of JSON Schema
    return root, parts


def _described(part: Schema) -> Schema:
    """A schema of a type with its docstring told apart: what is about an attribute goes to its property."""
    text, attributes = told_apart(part.get("description", ""))
    part["description"] = text
    for name, about in attributes.items():
        part["properties"][name]["description"] = about
    return part


_ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<about>.*(?:\n {5,}.*)*)", re.MULTILINE)


def told_apart(docstring: str) -> tuple[str, dict[str, str]]:
    """A docstring without its Attributes, and what those say; each text on one line."""
    text, _, attributes = cleandoc(docstring).partition("\nAttributes:\n")
    return _unwrapped(text), {match["name"]: _unwrapped(match["about"]) for match in _ATTRIBUTE.finditer(attributes)}


def _unwrapped(text: str) -> str:
    return " ".join(text.split())
