"""What may enter Vigil: events, their limits, and what a rejected one is told."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

TIME_MS_END = 4_102_444_800_000  # 2100-01-01T00:00:00Z
TRACK_END = 2**53  # every integer below is exact in any JSON
PERSONS_PER_FRAME_MAX = 1_000
FRAMES_PER_BATCH_MAX = 1_000
PIXEL_LIMIT = 8_191  # quarter pixels must fit 16 bits

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@-]{1,64}$(?!\n)")]  # `$` alone allows a newline at the end
PersonName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@-]{1,64}(/[0-9]{1,16}){0,2}$(?!\n)")]
Label = Annotated[str, Meta(min_length=1, max_length=200)]
TimeMs = Annotated[int, Meta(ge=0, lt=TIME_MS_END)]
TrackId = Annotated[int, Meta(ge=0, lt=TRACK_END)]
Pixel = Annotated[float, Meta(ge=-PIXEL_LIMIT, le=PIXEL_LIMIT)]
Extent = Annotated[float, Meta(ge=0, le=PIXEL_LIMIT)]
Share = Annotated[float, Meta(ge=0, le=1)]
Keypoint = tuple[Pixel, Pixel, Share]

FORBIDDEN_ATTRIBUTES = frozenset(
    {
        "age", "sex", "gender", "ethnicity", "race", "skin", "skin_tone", "nationality", "religion", "emotion", "mood",
        "disability", "face", "face_embedding", "embedding", "name", "attractiveness", "weight_kg", "sexuality",
    }
)  # fmt: skip


class Rejection(ValueError):  # noqa: N818 - the field's word for a refused event, not a failure of ours
    """An event that was not accepted: which field, what was expected, what came."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got}")
        self.field, self.expected, self.got = field, expected, got


class _Event(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class PersonPose(_Event, frozen=True):
    """One person in one frame; pixels of the camera's image, x to the right, y down.

    `box` is left, top, width, height. `keypoints` are (x, y, confidence), 17 in COCO order or 33 in BlazePose order,
    as the batch's `skeleton` says; left out where only a box was tracked.
    """

    track: TrackId
    box: tuple[Pixel, Pixel, Extent, Extent]
    keypoints: list[Keypoint] | None = None
    confidence: Share = 1.0


class Frame(_Event, frozen=True):
    """All persons a camera saw at one instant; none is an answer too and moves the camera's time on."""

    time_ms: TimeMs
    persons: Annotated[list[PersonPose], Meta(max_length=PERSONS_PER_FRAME_MAX)]


class PoseBatch(_Event, frozen=True, tag="poses", tag_field="type"):
    """Consecutive frames of one camera."""

    camera: Name
    frames: Annotated[list[Frame], Meta(min_length=1, max_length=FRAMES_PER_BATCH_MAX)]
    skeleton: Literal["coco17", "blazepose33"] = "coco17"


class BasketLine(_Event, frozen=True):
    """One line of a receipt."""

    article: Label
    category: Label
    quantity: Annotated[int, Meta(ge=0, le=100_000)] = 1
    price_cents: Annotated[int, Meta(ge=-(10**9), le=10**9)] = 0


class Purchase(_Event, frozen=True, tag="purchase", tag_field="type"):
    """A paid basket. `person` is an explicit token for a tracked person; `customer` is a pseudonym the shop chose."""

    receipt: Name
    time_ms: TimeMs
    store: Name
    till: Name
    lines: Annotated[list[BasketLine], Meta(min_length=1, max_length=1_000)]
    person: PersonName | None = None
    customer: Name | None = None


class IdentityChange(_Event, frozen=True, tag="identity", tag_field="type"):
    """What a re-identification system found out about two tracks.

    `link` says two tracks of any cameras are one person, `merge` the same of two tracker ids of one camera; `split`
    takes back what held `track` and `other_track` together, or with no other track starts a new person at `time_ms`.
    """

    change: Name
    kind: Literal["link", "merge", "split"]
    time_ms: TimeMs
    camera: Name
    track: TrackId
    other_camera: Name | None = None
    other_track: TrackId | None = None
    confidence: Share = 1.0

    @property
    def begins_anew(self) -> bool:
        """Whether the tracker id stands for somebody else from `time_ms` on."""
        return self.kind == "split" and self.other_track is None


class Disposition(_Event, frozen=True, tag="disposition", tag_field="type"):
    """A reviewer's verdict on a person's review priority; a label for training that never changes a score."""

    disposition: Name
    time_ms: TimeMs
    person: PersonName
    verdict: Literal["agree", "disagree", "unclear"]
    reviewer: Name
    reason: Annotated[str, Meta(max_length=2_000)] = ""


Event = PoseBatch | Purchase | IdentityChange | Disposition
_decoder = msgspec.json.Decoder(Event)
GOT_CHARACTERS_MAX = 80
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[0-9]+)\]")
_BYTE = re.compile(r"\(byte (?P<at>[0-9]+)\)")
_UNKNOWN = re.compile(r"unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>.*)`")
_EXPECTED = re.compile(r"^Expected (?P<expected>.*?)(?:, got (?P<got>.*))?$", re.DOTALL)


def parse_event(line: bytes | str) -> Event:
    """One event from its JSON text.

    Raises:
        Rejection: naming the first field that is wrong, what was expected there and what came.
    """
    try:
        event: Event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise explain(str(error), line) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Rejection("$", "JSON", _malformed(str(error), line)) from None
    if isinstance(event, PoseBatch):
        _check_frames(event)
    elif isinstance(event, IdentityChange):
        _check_other_track(event)
    return event


def explain(message: str, text: bytes | str = "") -> Rejection:
    """The rejection behind a message of msgspec about a JSON text; its messages do not always say what came."""
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    if unknown := _UNKNOWN.search(what):
        return _unknown_field(path, unknown["name"])
    if missing := _MISSING.search(what):
        return Rejection(f"{path}.{missing['name']}", "a value, for it is required", "nothing")
    expected = _EXPECTED.match(what)
    got = _value_at(path, text) or (expected["got"] or "something else" if expected else what)
    return Rejection(path, expected["expected"] if expected else "a value of the schema", got)


def _unknown_field(path: str, name: str) -> Rejection:
    shown = _shortened(name)
    if name.lower() in FORBIDDEN_ATTRIBUTES:
        return Rejection(f"{path}.{name}", f"nothing about a person's {name}: Vigil refuses it", f"the field {name}")
    return Rejection(f"{path}.{shown}", "a field of the schema", f"the unknown field {shown}")


def _value_at(path: str, text: bytes | str) -> str:
    """What stands at a path, shortened; nothing if it cannot be found."""
    raw = msgspec.Raw(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    try:
        for step in _STEP.finditer(path):
            if step["name"]:
                raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[step["name"]]
            else:
                raw = msgspec.json.decode(raw, type=list[msgspec.Raw])[int(step["index"])]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError):
        return ""
    return _excerpt(bytes(raw))


def _malformed(message: str, text: bytes | str) -> str:
    """Why a text is no JSON, and what stands there."""
    at = max(0, int(match["at"]) - GOT_CHARACTERS_MAX // 2) if (match := _BYTE.search(message)) else 0
    found = _excerpt((text.encode("utf-8", "replace") if isinstance(text, str) else text)[at:])
    return f"{message} in {found}" if found else message


def _excerpt(text: bytes) -> str:
    return _shortened(text[: 4 * (GOT_CHARACTERS_MAX + 1)].decode("utf-8", "replace").strip())


def _shortened(text: str) -> str:
    return text if len(text) <= GOT_CHARACTERS_MAX else f"{text[:GOT_CHARACTERS_MAX]}..."


def _check_frames(batch: PoseBatch) -> None:
    keypoints_expected = 17 if batch.skeleton == "coco17" else 33
    for at, frame in enumerate(batch.frames):
        tracks = set[int]()
        for index, person in enumerate(frame.persons):
            if person.track in tracks:
                field = f"$.frames[{at}].persons[{index}].track"
                raise Rejection(field, "each track once in a frame", f"{person.track} again")
            tracks.add(person.track)
            if person.keypoints is not None and len(person.keypoints) != keypoints_expected:
                field = f"$.frames[{at}].persons[{index}].keypoints"
                raise Rejection(field, f"{keypoints_expected} keypoints", str(len(person.keypoints)))


def _check_other_track(change: IdentityChange) -> None:
    if change.kind != "split" and (change.other_camera is None or change.other_track is None):
        raise Rejection("$.other_track", f"other_camera and other_track with {change.kind}", "none")
    if change.kind == "merge" and change.other_camera != change.camera:
        raise Rejection("$.other_camera", f"{change.camera} for a merge", str(change.other_camera))
