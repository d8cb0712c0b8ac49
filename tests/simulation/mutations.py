"""Messages of every kind, and what may be wrong with them."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from features.events import FORBIDDEN_ATTRIBUTES, PERSONS_PER_FRAME_MAX, TIME_MS_END

START_MS = 1_700_000_000_000
CAMERAS = ("cam0", "cam1")
Message = dict[str, Any]


class Line(NamedTuple):
    """A line of a recording; `refused` where that is known for sure."""

    text: bytes
    refused: bool | None = None


Mutation = Callable[[Random, Message], Line]


# Sound messages


def poses(random: Random, now_ms: int) -> Message:
    skeleton, points = random.choice([("coco17", 17), ("blazepose33", 33)])
    frames = [
        {"time_ms": now_ms + at * 100, "persons": [_person(random, track, points) for track in _tracks(random)]}
        for at in range(random.randint(1, 4))
    ]
    return {"type": "poses", "camera": random.choice(CAMERAS), "skeleton": skeleton, "frames": frames}


def _tracks(random: Random) -> list[int]:
    return random.sample(range(6), random.randint(0, 4))


def _person(random: Random, track: int, points: int) -> Message:
    person: Message = {"track": track, "box": [random.uniform(0, 500), 50.0, 80.0, random.uniform(150, 200)]}
    if random.random() < 0.7:
        person["keypoints"] = [[random.uniform(0, 640), random.uniform(0, 480), random.random()] for _ in range(points)]
    return person


def purchase(random: Random, now_ms: int) -> Message:
    lines = [{"article": "10", "category": random.choice(["rope", "knife", "bread"]), "price_cents": -5}]
    return {
        "type": "purchase",
        "receipt": f"r{random.randrange(1_000)}",
        "time_ms": now_ms - random.randint(0, 10_000),
        "store": "shop",
        "till": random.choice(["1", "2"]),
        "lines": lines * random.randint(1, 3),
        "person": random.choice([None, "cam0/1", f"cam1/2/{now_ms}", "nobody"]),
        "customer": random.choice([None, "anna"]),
    }


def identity(random: Random, now_ms: int) -> Message:
    kind = random.choice(["link", "merge", "split"])
    camera, other = random.choice(CAMERAS), random.choice(CAMERAS)
    return {
        "type": "identity",
        "change": f"c{random.randrange(1_000)}",
        "kind": kind,
        "time_ms": now_ms - random.randint(0, 10_000),
        "camera": camera,
        "track": random.randrange(6),
        "other_camera": camera if kind == "merge" else random.choice([other, "cam9"]),
        "other_track": None if kind == "split" and random.random() < 0.5 else random.randrange(6),
        "confidence": random.random(),
    }


def disposition(random: Random, now_ms: int) -> Message:
    return {
        "type": "disposition",
        "disposition": f"d{random.randrange(1_000)}",
        "time_ms": now_ms,
        "person": f"cam0/1/{now_ms}",
        "verdict": random.choice(["agree", "disagree", "unclear"]),
        "reviewer": "anna",
        "reason": "ä" * random.randint(0, 20),
    }


KINDS: list[Callable[[Random, int], Message]] = [poses] * 16 + [purchase, identity, disposition] * 2


# Mutations of a message


def untouched(_: Random, message: Message) -> Line:
    return Line(_text(message), refused=False)


def truncated(random: Random, message: Message) -> Line:
    text = _text(message)
    return Line(text[: random.randrange(1, len(text))], refused=True)


def flipped_bytes(random: Random, message: Message) -> Line:
    text = bytearray(_text(message))
    for _ in range(random.randint(1, 4)):
        text[random.randrange(len(text))] = random.choice(b'0123456789-.eE"{}[],:\\\x00\xffab')
    return Line(bytes(text))


def invalid_utf8(random: Random, message: Message) -> Line:
    at = len(b'{"type": "')
    return Line(
        _text(message)[:at] + random.choice([b"\xff", b"\xc3", b"\xed\xa0\x80"]) + _text(message)[at:], refused=True
    )


def no_json(random: Random, _: Message) -> Line:
    return Line(
        random.choice([b"poses", b"{'type': 'poses'}", b"<poses/>", b"1,2,3", b"{}{}", b"\x00", b"\xef\xbb\xbf{}"]),
        refused=True,
    )


def other_json(random: Random, _: Message) -> Line:
    return Line(
        random.choice([b"[]", b"{}", b"null", b"3", b'"poses"', b"[[]]", b'{"type": null}', b'{"type": []}']),
        refused=True,
    )


def empty(random: Random, _: Message) -> Line:
    return Line(random.choice([b"", b" ", b"\t", b"\r"]))


def deep(random: Random, message: Message) -> Line:
    depth = random.choice([50, 500, 20_000])
    key, (begin, end) = random.choice(list(message)), random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    nested = begin * depth + b"1" + end * depth * random.randint(0, 1)
    return Line(_text({**message, key: "nested"}).replace(b'"nested"', nested), refused=True)


def other_value(random: Random, message: Message) -> Line:
    """One value anywhere becomes something else, often of another type."""
    values: list[Any] = [
        None,
        True,
        -1,
        0,
        1,
        1.5,
        2**31,
        2**53,
        2**63,
        2**64,
        10**30,
        -(10**30),
        1e300,
        "",
        "5",
        "x" * 5_000,
        [],
        {},
        [1],
        "\u0000",
        "a\n",
    ]
    return Line(_text(_replaced(random, message, random.choice(values))))


def no_number(random: Random, message: Message) -> Line:
    number = random.choice([b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"0x10", b"01", b".5", b"+1"])
    return Line(_text(_replaced(random, message, "number", (int, float))).replace(b'"number"', number), refused=True)


def number_as_string(random: Random, message: Message) -> Line:
    at = random.choice(_leaves(message, (int, float)))
    return Line(_text(_put(message, at, str(_get(message, at)))), refused=True)


def other_time(random: Random, message: Message) -> Line:
    time_ms = random.choice([-1, -(2**63), TIME_MS_END, 2**63 - 1, 2**64, 10**30])
    return Line(_text(_at_time(message, time_ms)), refused=True)


def strange_time(random: Random, message: Message) -> Line:
    time_ms = random.choice([0, 1, START_MS, START_MS + random.randint(0, 100_000), START_MS - 10**9])
    return Line(_text(_at_time(message, time_ms)), refused=False)


def end_of_time(_: Random, message: Message) -> Line:
    return Line(_text(_at_time(message, TIME_MS_END - 1)), refused=False)


def reversed_frames(_: Random, message: Message) -> Line:
    return Line(
        _text({**message, "frames": message["frames"][::-1]} if "frames" in message else message), refused=False
    )


def same_track_twice(random: Random, message: Message) -> Line:
    if "frames" not in message or not message["frames"][-1]["persons"]:
        return untouched(random, message)
    frame = message["frames"][-1]
    persons = [*frame["persons"], frame["persons"][0]]
    return Line(_text({**message, "frames": [*message["frames"][:-1], {**frame, "persons": persons}]}), refused=True)


def crowd(random: Random, message: Message) -> Line:
    count = random.choice([PERSONS_PER_FRAME_MAX, PERSONS_PER_FRAME_MAX + 1, 10_000])
    persons = [{"track": track, "box": [track % 600, 50, 80, 180]} for track in range(count)]
    frame = {"time_ms": START_MS + random.randrange(60_000), "persons": persons}
    whole = {"type": "poses", "camera": message.get("camera", "cam0"), "frames": [frame]}
    return Line(_text(whole), refused=count > PERSONS_PER_FRAME_MAX)


def unknown_camera(_: Random, message: Message) -> Line:
    known_only = message["type"] == "poses"
    return Line(_text({**message, "camera": "cam9"} if "camera" in message else message), refused=known_only or None)


def personal(random: Random, message: Message) -> Line:
    return Line(_text(_added(random, message, random.choice(sorted(FORBIDDEN_ATTRIBUTES)))), refused=True)


def extra_field(random: Random, message: Message) -> Line:
    return Line(
        _text(_added(random, message, random.choice(["note", "", "\u0000", "ä", "track ", "x" * 10_000]))), refused=True
    )


def left_out(random: Random, message: Message) -> Line:
    at = random.choice(_objects(message))
    key = random.choice(list(_get(message, at)))
    return Line(_text(_put(message, at, {name: value for name, value in _get(message, at).items() if name != key})))


ORDINARY = [untouched] * 12 + [strange_time, reversed_frames, same_track_twice, truncated, flipped_bytes, invalid_utf8]
ODD = [
    no_json, other_json, empty, other_value, other_value, other_value, no_number, number_as_string, other_time,
    unknown_camera, personal, extra_field, left_out,
]  # fmt: skip
RARE = [crowd, deep]  # large
LAST = end_of_time  # everything after it is late


def _text(message: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return json.dumps(message).encode()


# Places in a message


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in items for place in _places(item, (*at, key)))]


def _objects(message: Message) -> list[tuple[Any, ...]]:
    return [at for at in _places(message) if isinstance(_get(message, at), dict)]


def _leaves(message: Message, types: tuple[type, ...] = (object,)) -> list[tuple[Any, ...]]:
    return [at for at in _places(message) if at and isinstance(_get(message, at), types)]


def _get(value: Any, at: tuple[Any, ...]) -> Any:  # noqa: ANN401 - any JSON value
    for key in at:
        value = value[key]
    return value


def _put(value: Any, at: tuple[Any, ...], new: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not at:
        return new
    copy = value.copy()
    copy[at[0]] = _put(value[at[0]], at[1:], new)
    return copy


def _replaced(random: Random, message: Message, new: Any, types: tuple[type, ...] = (object,)) -> Any:  # noqa: ANN401
    return _put(message, random.choice(_leaves(message, types)), new)


def _added(random: Random, message: Message, name: str) -> Any:  # noqa: ANN401 - any JSON value
    at = random.choice(_objects(message))
    return _put(message, at, {**_get(message, at), name: 1})


def _at_time(message: Message, time_ms: int) -> Message:
    if "frames" not in message:
        return {**message, "time_ms": time_ms}
    return {**message, "frames": [{**frame, "time_ms": time_ms} for frame in message["frames"]]}


# A recording


def recording(random: Random, messages: int) -> list[Line]:
    """The lines of a recording, one in thirty of them written twice."""
    lines: list[Line] = []
    for number in range(messages):
        message = random.choice(KINDS)(random, START_MS + number * 200)
        if lines and random.random() < 0.03:
            lines.append(random.choice(lines))
        else:
            lines.append(_mutation(random)(random, message))
    return lines


def _mutation(random: Random) -> Mutation:
    if random.random() < 0.002:
        return LAST
    if random.random() < 0.015:
        return random.choice(RARE)
    return random.choice(ORDINARY if random.random() < 0.7 else ODD)
