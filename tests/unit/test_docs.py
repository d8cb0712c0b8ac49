"""The documented schema is the schema: every column, field, file and example of docs/ is held against the code."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from msgspec.structs import fields

from features import site
from features.events import BasketLine, Disposition, Frame, IdentityChange, PersonPose, PoseBatch, Purchase, parse_event
from features.keypoints import COCO17
from features.segments import SEGMENT, Attribution, Fact, TrackChange
from models.records import Alert, Score
from streams.audit.erasures import AUDIT
from streams.audit.run_log import JOURNAL, PUBLIC_KEY
from streams.audit.visit_keys import VISIT_KEYS
from streams.codecs import journal, poses
from streams.embedded import (
    ALERTS,
    BUNDLE,
    DEAD_LETTERS,
    LATE,
    NORMALITY,
    SCORES,
    SHADOW_BUNDLE,
    SHADOW_SCORES,
    SUMMARY,
)
from streams.recording import FILES, SITE
from streams.sources import DeadLetter

DOCS = Path(__file__).parents[2] / "docs"
RECORDING = (DOCS / "recording.md").read_text(encoding="utf-8")
SITES = (DOCS / "site.md").read_text(encoding="utf-8")
PARTS: dict[str, type[msgspec.Struct]] = {
    "The site": site.Site, "cameras": site.Camera, "cameras[].zones": site.Zone, "tills": site.Till,
    "opt_out_hours": site.Hours, "combinations": site.Combination, "thresholds": site.Thresholds,
    "timing": site.Timing, "memory": site.Memory, "alerting": site.Alerting,
}  # fmt: skip
EVENTS = {"poses": PoseBatch, "purchase": Purchase, "identity": IdentityChange, "disposition": Disposition}
FACTS = {"attribution": Attribution, "track_change": TrackChange}
OUTPUTS = {"score": Score, "alert": Alert}
EXAMPLES = [line for block in re.findall(r"```json\n(.*?)```", RECORDING, re.DOTALL) for line in block.splitlines()]


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()[2:]]


def columns(schema: pa.Schema) -> list[tuple[str, str]]:
    return [(f"`{field.name}`", kind(field.type)) for field in schema]


def kind(column: pa.DataType) -> str:
    if pa.types.is_dictionary(column):
        return "text"
    if pa.types.is_fixed_size_list(column):
        return f"{column.list_size} x {column.value_type}"
    return "16 bytes" if pa.types.is_fixed_size_binary(column) else str(column)


def test_the_columns_of_the_journal() -> None:
    assert [tuple(row[:2]) for row in rows(RECORDING, "journal.parquet")] == columns(journal.SCHEMA)


def test_the_fields_of_a_segment() -> None:
    kinds = [(name, np.dtype(kind).name, *shape) for name, kind, *shape in SEGMENT.descr]
    wanted = [(f"`{name}`", f"{shape[0][0]} x {kind}" if shape else kind) for name, kind, *shape in kinds]
    assert [tuple(row[:2]) for row in rows(RECORDING, "A segment")] == wanted


def test_the_columns_of_poses() -> None:
    told = [(row[0], row[1]) for row in rows(RECORDING, "poses.parquet")]
    spread = [
        (name.replace("<keypoint>", keypoint), kind)
        for name, kind in told
        for keypoint in (COCO17 if "<keypoint>" in name else [""])
    ]
    assert spread == columns(poses.SCHEMA)
    assert all(f"`{keypoint}`" in RECORDING for keypoint in COCO17)


def test_the_files() -> None:
    assert {row[0].strip("`") for row in rows(RECORDING, "A recording")} == set(FILES)
    written = {JOURNAL, SCORES, ALERTS, DEAD_LETTERS, LATE, SUMMARY, BUNDLE, SITE, SHADOW_SCORES, SHADOW_BUNDLE}
    written |= {AUDIT, PUBLIC_KEY, VISIT_KEYS, NORMALITY}
    assert {row[0].strip("`") for row in rows(RECORDING, "A run")} == written


@pytest.mark.parametrize("heading", PARTS)
def test_the_fields_of_a_site(heading: str) -> None:
    told = {row[0].strip("`"): row[1] for row in rows(SITES, heading)}
    assert list(told) == [field.encode_name for field in fields(PARTS[heading])]
    for field in fields(PARTS[heading]):
        assert (told[field.encode_name] == "required") == field.required
        if isinstance(field.default, int):
            assert told[field.encode_name] == str(f"{field.default:,}" if field.default is not False else "false")


def example(tag: str) -> list[dict[str, object]]:
    decoded = [msgspec.json.decode(line, type=dict[str, object]) for line in EXAMPLES]
    return [one for one in decoded if one.get("type") == tag]


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_accepted(line: str) -> None:
    tag = msgspec.json.decode(line).get("type")
    if tag in EVENTS:
        parse_event(line)
    elif tag in FACTS:
        msgspec.json.decode(line, type=Fact)
    else:
        msgspec.json.decode(line, type=OUTPUTS.get(tag, DeadLetter))


@pytest.mark.parametrize(("tag", "kind"), [*EVENTS.items(), *FACTS.items(), *OUTPUTS.items()])
def test_every_field_has_an_example(tag: str, kind: type[msgspec.Struct]) -> None:
    told = {name for one in example(tag) for name in one}
    assert {field.encode_name for field in fields(kind)} | {"type"} == told


def test_every_inner_field_has_an_example() -> None:
    text = "\n".join(EXAMPLES)
    for inner in (BasketLine, Frame, PersonPose, DeadLetter):
        assert all(f'"{field.encode_name}":' in text for field in fields(inner))
