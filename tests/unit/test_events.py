import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from features.events import FORBIDDEN_ATTRIBUTES, GOT_CHARACTERS_MAX, PoseBatch, Rejection, explain, parse_event
from features.keypoints import NO_TRACK, frames_of_batch

NAME = "`str` matching regex '^[A-Za-z0-9._:@-]{1,64}$(?!\\\\n)'"
PERSON = "`str` matching regex '^[A-Za-z0-9._:@-]{1,64}(/[0-9]{1,16}){0,2}$(?!\\\\n)'"
ANY = "a value of the schema"
HUGE = 10**30

POSES: dict[str, Any] = {
    "type": "poses",
    "camera": "cam0",
    "frames": [{"time_ms": 5, "persons": [{"track": 1, "box": [1, 2, 3, 4], "keypoints": [[1, 2, 0.5]] * 17}]}],
}
PURCHASE: dict[str, Any] = {
    "type": "purchase",
    "receipt": "r1",
    "time_ms": 5,
    "store": "shop",
    "till": "1",
    "lines": [{"article": "10", "category": "bread"}],
}
LINK: dict[str, Any] = {
    "type": "identity",
    "change": "c1",
    "kind": "link",
    "time_ms": 5,
    "camera": "cam0",
    "track": 1,
    "other_camera": "cam1",
    "other_track": 2,
}
VERDICT: dict[str, Any] = {
    "type": "disposition",
    "disposition": "d1",
    "time_ms": 5,
    "person": "cam0/1/5",
    "verdict": "agree",
    "reviewer": "anna",
}
EVENTS = {"poses": POSES, "purchase": PURCHASE, "identity": LINK, "disposition": VERDICT}


def edited(event: dict[str, Any], *path: str | int, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """An event's text with one value set."""
    copy = json.loads(json.dumps(event))
    *parents, last = path
    part = copy
    for key in parents:
        part = part[key]
    part[last] = value
    return json.dumps(copy)


def without(event: dict[str, Any], name: str) -> str:
    return json.dumps({key: value for key, value in event.items() if key != name})


PERSON_AT = ("frames", 0, "persons", 0)
IN_PERSON = "$.frames[0].persons[0]"

REJECTED = [
    (edited(POSES, "frames", 0, "time_ms", value=-1), "$.frames[0].time_ms", "`int` >= 0", "-1"),
    (edited(POSES, "frames", 0, "time_ms", value=HUGE), "$.frames[0].time_ms", "`int` <= 4102444799999", str(HUGE)),
    (edited(POSES, "frames", 0, "time_ms", value="5"), "$.frames[0].time_ms", "`int`", '"5"'),
    (edited(POSES, "frames", 0, "time_ms", value=5.5), "$.frames[0].time_ms", "`int`", "5.5"),
    (edited(POSES, "frames", 0, "time_ms", value=None), "$.frames[0].time_ms", "`int`", "null"),
    (edited(POSES, "frames", value=[]), "$.frames", "`array` of length >= 1", "[]"),
    (edited(POSES, "camera", value="cam 0"), "$.camera", NAME, '"cam 0"'),
    (edited(POSES, "camera", value="cam0\n"), "$.camera", NAME, '"cam0\\n"'),
    (edited(POSES, "camera", value=""), "$.camera", NAME, '""'),
    (edited(POSES, "camera", value="c" * 65), "$.camera", NAME, f'"{"c" * 65}"'),
    (edited(POSES, "camera", value="c" * 200), "$.camera", NAME, f'"{"c" * 79}...'),
    (edited(POSES, "skeleton", value="coco18"), "$.skeleton", ANY, '"coco18"'),
    (edited(POSES, "type", value="pose"), "$.type", ANY, '"pose"'),
    (without(POSES, "type"), "$.type", "a value, for it is required", "nothing"),
    (without(POSES, "camera"), "$.camera", "a value, for it is required", "nothing"),
    (edited(POSES, *PERSON_AT, "track", value=-7), f"{IN_PERSON}.track", "`int` >= 0", "-7"),
    (edited(POSES, *PERSON_AT, "track", value="1"), f"{IN_PERSON}.track", "`int`", '"1"'),
    (edited(POSES, *PERSON_AT, "track", value=2**53), f"{IN_PERSON}.track", f"`int` <= {2**53 - 1}", str(2**53)),
    (edited(POSES, *PERSON_AT, "box", 2, value=-1), f"{IN_PERSON}.box[2]", "`float` >= 0.0", "-1"),
    (edited(POSES, *PERSON_AT, "box", value=[1, 2, 3]), f"{IN_PERSON}.box", "`array` of length 4", "[1, 2, 3]"),
    (edited(POSES, *PERSON_AT, "confidence", value=1.5), f"{IN_PERSON}.confidence", "`float` <= 1.0", "1.5"),
    (
        edited(POSES, *PERSON_AT, "keypoints", 3, 0, value=9_000),
        f"{IN_PERSON}.keypoints[3][0]",
        "`float` <= 8191.0",
        "9000",
    ),
    (edited(POSES, *PERSON_AT, "keypoints", value=[[1, 2, 1]] * 16), f"{IN_PERSON}.keypoints", "17 keypoints", "16"),
    (edited(POSES, *PERSON_AT, "keypoints", value=[[1, 2, 1]] * 33), f"{IN_PERSON}.keypoints", "17 keypoints", "33"),
    (edited(POSES, "skeleton", value="blazepose33"), f"{IN_PERSON}.keypoints", "33 keypoints", "17"),
    (
        edited(POSES, "frames", 0, "persons", value=POSES["frames"][0]["persons"] * 2),
        "$.frames[0].persons[1].track",
        "each track once in a frame",
        "1 again",
    ),
    (edited(POSES, "note", value=1), "$.note", "a field of the schema", "the unknown field note"),
    (
        edited(POSES, *PERSON_AT, "hair", value=1),
        f"{IN_PERSON}.hair",
        "a field of the schema",
        "the unknown field hair",
    ),
    (edited(POSES, "a` - at b", value=1), "$.a` - at b", "a field of the schema", "the unknown field a` - at b"),
    (edited(POSES, "new\nline", value=1), "$.new\nline", "a field of the schema", "the unknown field new\nline"),
    (edited(PURCHASE, "time_ms", value=-1), "$.time_ms", "`int` >= 0", "-1"),
    (edited(PURCHASE, "time_ms", value=True), "$.time_ms", "`int`", "true"),
    (edited(PURCHASE, "till", value="till\t1"), "$.till", NAME, '"till\\t1"'),
    (edited(PURCHASE, "person", value="cam0/one"), "$.person", PERSON, '"cam0/one"'),
    (edited(PURCHASE, "lines", value=[]), "$.lines", "`array` of length >= 1", "[]"),
    (edited(PURCHASE, "lines", 0, "article", value=""), "$.lines[0].article", "`str` of length >= 1", '""'),
    (edited(PURCHASE, "lines", 0, "quantity", value="2"), "$.lines[0].quantity", "`int`", '"2"'),
    (without(LINK, "other_track"), "$.other_track", "other_camera and other_track with link", "none"),
    (without(LINK, "other_camera"), "$.other_track", "other_camera and other_track with link", "none"),
    (edited(LINK, "kind", value="merge"), "$.other_camera", "cam0 for a merge", "cam1"),
    (edited(LINK, "kind", value="join"), "$.kind", ANY, '"join"'),
    (edited(VERDICT, "verdict", value="guilty"), "$.verdict", ANY, '"guilty"'),
    (edited(VERDICT, "person", value=["cam0"]), "$.person", "`str`", '["cam0"]'),
    ("[]", "$", "`object`", "[]"),
    ("null", "$", "`object`", "null"),
    ('"poses"', "$", "`object`", '"poses"'),
    ("{}", "$.type", "a value, for it is required", "nothing"),
    ("[" * 100_000, "$", "`object`", "[" * GOT_CHARACTERS_MAX + "..."),
]


@pytest.mark.parametrize(("line", "field", "expected", "got"), REJECTED, ids=lambda value: str(value)[:40])
def test_what_is_refused_is_named(line: str, field: str, expected: str, got: str) -> None:
    for text in (line, line.encode()):
        with pytest.raises(Rejection) as why:
            parse_event(text)
        assert (why.value.field, why.value.expected, why.value.got) == (field, expected, got)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_the_table_begins_with_sound_events(event: dict[str, Any]) -> None:
    parse_event(json.dumps(event))


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    """Every object in an event."""
    if isinstance(value, dict):
        yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*at, key))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("attribute", [*sorted(FORBIDDEN_ATTRIBUTES), "Age", "GENDER"])
def test_personal_attributes_are_refused_wherever_they_stand(event: dict[str, Any], attribute: str) -> None:
    for at in places(event):
        path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*at, attribute))
        with pytest.raises(Rejection) as why:
            parse_event(edited(event, *at, attribute, value=1))
        assert why.value.field == path
        assert why.value.expected == f"nothing about a person's {attribute}: Vigil refuses it"
        assert why.value.got == f"the field {attribute}"


def test_the_attributes_of_the_law_are_among_them() -> None:
    assert {"age", "sex", "gender", "ethnicity", "emotion"} <= FORBIDDEN_ATTRIBUTES


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("path", [(*PERSON_AT, "box", 0), (*PERSON_AT, "confidence"), ("frames", 0, "time_ms")])
def test_no_number_that_is_none_comes_in(path: tuple[str | int, ...], number: str) -> None:
    line = edited(POSES, *path, value="number").replace('"number"', number)
    with pytest.raises(Rejection) as why:
        parse_event(line)
    assert number in why.value.got


MALFORMED = [
    (json.dumps(POSES)[:-5].encode(), "Input data was truncated"),
    (b"", "Input data was truncated"),
    (b"poses", "invalid character (byte 0) in poses"),
    (json.dumps(POSES).encode() + b"}", "trailing characters"),
    (json.dumps(POSES).encode().replace(b"cam0", b"cam\xff"), "can't decode byte 0xff"),
    (b"\xff\xfe{}", "\ufffd\ufffd{}"),
    (b'{"type":' * 100_000, "recursion"),
    (b'{"type":"poses","camera":"\\ud800","skeleton":"coco17"}', "surrogate"),
]


@pytest.mark.parametrize(("line", "got"), MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_json_is_told_with_what_came(line: bytes, got: str) -> None:
    with pytest.raises(Rejection) as why:
        parse_event(line)
    assert (why.value.field, why.value.expected) == ("$", "JSON")
    assert got in why.value.got


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(Rejection):
        parse_event('{"camera":"\ud800"}')


def crowd(persons: int) -> bytes:
    frame = {"time_ms": 5, "persons": [{"track": track, "box": [1, 2, 3, 4]} for track in range(persons)]}
    return json.dumps({"type": "poses", "camera": "cam0", "frames": [frame]}).encode()


def test_a_thousand_persons_come_in_and_ten_thousand_do_not() -> None:
    parse_event(crowd(1_000))
    with pytest.raises(Rejection) as why:
        parse_event(crowd(10_000))
    assert (why.value.field, why.value.expected) == ("$.frames[0].persons", "`array` of length <= 1000")
    assert why.value.got.startswith('[{"track": 0, "box": [1, 2, 3, 4]}')
    assert len(why.value.got) <= GOT_CHARACTERS_MAX + 3


def test_refusing_a_large_batch_is_fast() -> None:
    persons = [{"track": track, "box": [1, 2, 3, 4]} for track in [*range(999), 998]]
    line = json.dumps({**POSES, "frames": [{"time_ms": 5, "persons": persons}] * 100}).encode()
    start = time.perf_counter()
    with pytest.raises(Rejection):
        parse_event(line)
    with pytest.raises(Rejection):
        parse_event(line[:-1] + b',"age":1}')
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a":{}}', '{"a":[]}', "\ud800", "[" * 100_000])
def test_explaining_never_fails(text: str) -> None:
    for message in (
        "",
        "Expected `int`",
        "Expected `int` - at `$.a[3].b`",
        "odd - at `$.a`",
        "Expected `x` - at `key`",
    ):
        why = explain(message, text)
        assert why.field
        assert why.expected


def test_a_name_of_any_length_is_shown_short() -> None:
    with pytest.raises(Rejection) as why:
        parse_event(edited(POSES, "x" * 100_000, value=1))
    assert len(str(why.value)) < 400


def test_blazepose_comes_in_as_coco() -> None:
    blazepose = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)  # nose, eyes, ears, down to the ankles
    points = [[at, 100 + at, at / 100] for at in range(33)]
    person = {"track": 1, "box": [1, 2, 3.25, 4], "keypoints": points}
    boxed = {"track": 2, "box": [5, 6, 7, 8]}
    frames = [{"time_ms": 4, "persons": []}, {"time_ms": 5, "persons": [boxed, person]}]
    batch = parse_event(json.dumps({**POSES, "skeleton": "blazepose33", "frames": frames}))
    assert isinstance(batch, PoseBatch)
    rows = frames_of_batch(batch, 3)
    at = np.array(blazepose)
    assert rows.time_ms.tolist() == [4, 5, 5]
    assert rows.camera.tolist() == [3, 3, 3]
    assert rows.track.tolist() == [NO_TRACK, 2, 1]
    assert rows.box.T.tolist() == [[0, 0, 0, 0], [20, 24, 28, 32], [4, 8, 13, 16]]
    assert rows.x[:, 2].tolist() == (4 * at).tolist()
    assert rows.y[:, 2].tolist() == (400 + 4 * at).tolist()
    assert rows.confidence[:, 2].tolist() == (10 * at).tolist()
    assert not rows.confidence[:, :2].any()


def test_an_event_comes_back_as_it_was_written() -> None:
    for event in EVENTS.values():
        parsed = parse_event(json.dumps(event))
        assert parse_event(msgspec.json.encode(parsed)) == parsed
