"""Snapshots: the state of all steps as bytes from which they go on as if nothing had happened.

A snapshot begins with what it is and its version, then says how long its head is. The head is msgpack: digest of the
site, names of the features, form of each array, and all that is no array. The arrays follow, raw.
"""

import hashlib
import struct
from sys import intern
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from features import windows
from features.attribution import TillPresence
from features.basket import Corpus
from features.camera import CameraState
from features.events import IdentityChange, Purchase
from features.facts import waiting_for
from features.fold import FOLD
from features.identity import Identities
from features.keypoints import PersonFrames
from features.person import PersonState
from features.sequence import CATALOGUE
from features.site import Site
from features.tracks import Tracks
from models.decision import Course, DecisionState
from streams.codecs.arrays import ArrayReader, ArrayWriter, Form, SnapshotError, add_columns, take_columns
from streams.codecs.identities import IdentitiesHead, dump_identities, load_identities

MAGIC, VERSION = b"vigil\x00st", 1
_PREFIX = struct.Struct("<8sII")  # what it is, version, length of the head
FEATURES = [spec.name for spec in CATALOGUE]


class LaneState(NamedTuple):
    """The state of the three steps on what belongs together, as a partition does, and of a bundle on trial."""

    camera: CameraState
    persons: PersonState
    decisions: DecisionState
    shadow: DecisionState | None = None


class _Camera(Struct, array_like=True):
    now_ms: int
    presence: list[tuple[int, int, tuple[str, ...]]]  # second, place, tracks
    waiting: list[Purchase | IdentityChange]
    known: dict[str, int]


class _Persons(Struct, array_like=True):
    tracks: list[str]  # of the folds
    ended: dict[str, int]
    now_ms: int
    position: int


class _Decisions(Struct, array_like=True):
    """`departed` and `suppressed` in their own order, which says something."""

    courses: dict[str, Course]
    departed: list[tuple[str, int]]
    budgets: dict[str, tuple[int, int]]
    suppressed: list[tuple[str, int]]


class _Head(Struct, array_like=True):
    site: str
    features: list[str]
    forms: dict[str, Form]
    camera: _Camera
    persons: _Persons
    identities: IdentitiesHead
    decisions: _Decisions
    shadow: _Decisions | None = None


_encode = msgspec.msgpack.Encoder().encode
_head = msgspec.msgpack.Decoder(_Head)


def site_digest(site: Site) -> str:
    """SHA-256 of a site as JSON, hexadecimal."""
    return hashlib.sha256(msgspec.json.encode(site, order="deterministic")).hexdigest()


def dump_state(
    camera: CameraState, persons: PersonState, decisions: DecisionState, shadow: DecisionState | None = None
) -> bytes:
    """The state as bytes of its own; the same state gives the same bytes, whichever way it came about.

    The shadow's is that of a bundle on trial.
    """
    arrays = ArrayWriter()
    parts = (
        _dump_camera(camera, arrays),
        _dump_persons(persons, arrays),
        dump_identities(persons.identities, arrays),
        _dump_decisions(decisions),
        None if shadow is None else _dump_decisions(shadow),
    )
    head = _encode(_Head(site_digest(persons.identities.site), FEATURES, arrays.forms, *parts))
    return b"".join([_PREFIX.pack(MAGIC, VERSION, len(head)), head, *arrays.parts])


def load_state(data: bytes, site: Site, corpus: Corpus | None) -> LaneState:
    """The state out of its bytes, of which nothing is kept.

    Args:
        data: of `dump_state`.
        site: the one it was dumped with.
        corpus: of the bundle.

    Raises:
        SnapshotError: it is none, of another version, another site or another layout of what is remembered.
    """
    head, at = _head_of(data)
    if head.site != site_digest(site):
        raise SnapshotError("site", f"the digest {site_digest(site)}", head.site)
    if head.features != FEATURES:
        raise SnapshotError("features", ", ".join(FEATURES), ", ".join(head.features))
    arrays = ArrayReader(head.forms, data, at)
    identities = load_identities(head.identities, arrays, site, corpus)
    camera = _load_camera(head.camera, arrays, site)
    persons, shadow = _load_persons(head.persons, arrays, identities), head.shadow
    return LaneState(camera, persons, _load_decisions(head.decisions), _load_decisions(shadow) if shadow else None)


def _head_of(data: bytes) -> tuple[_Head, int]:
    """The head and where the arrays begin."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _PREFIX.size:
        raise SnapshotError("beginning", MAGIC, bytes(data[: len(MAGIC)]))
    _, version, length = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise SnapshotError("version", VERSION, version)
    try:
        return _head.decode(memoryview(data)[_PREFIX.size : _PREFIX.size + length]), _PREFIX.size + length
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SnapshotError("head", "what this version writes", error) from None


def _dump_camera(state: CameraState, arrays: ArrayWriter) -> _Camera:
    for name in ("pending", "open", "ended"):
        add_columns(arrays, f"camera.{name}", getattr(state, name))
    for name in ("latest_ms", "closed_ms", "heard_ms"):
        arrays.add(f"camera.{name}", getattr(state, name))
    seconds = state.presence.seconds.items()
    presence = sorted((second, place, tracks) for second, places in seconds for place, tracks in places.items())
    return _Camera(state.now_ms, presence, [one.fact for one in state.waiting], dict(sorted(state.known.items())))


def _load_camera(head: _Camera, arrays: ArrayReader, site: Site) -> CameraState:
    cameras, none = np.zeros(len(site.cameras), np.int64), Tracks.none()
    presence = TillPresence()
    for second, place, tracks in head.presence:
        presence.seconds.setdefault(second, {})[place] = tuple(map(intern, tracks))
    return CameraState(
        pending=take_columns(arrays, "camera.pending", PersonFrames.empty()),
        latest_ms=arrays.take("camera.latest_ms", cameras),
        closed_ms=arrays.take("camera.closed_ms", cameras),
        heard_ms=arrays.take("camera.heard_ms", cameras),
        now_ms=head.now_ms,
        open=take_columns(arrays, "camera.open", none),
        ended=take_columns(arrays, "camera.ended", none),
        presence=presence,
        waiting=tuple(waiting_for(fact, site) for fact in head.waiting),
        known=head.known,
    )


def _dump_persons(state: PersonState, arrays: ArrayWriter) -> _Persons:
    """Of the slots only those that are taken, in the order of their tracks, for which slot it was is of no matter."""
    tracks = sorted(state.slots)
    taken = np.array([state.slots[track] for track in tracks], np.int64)
    for name in ("folds", "ring", "bearing", "gait"):
        arrays.add(f"persons.{name}", np.take(getattr(state, name), taken, axis=0))
    return _Persons(tracks, dict(sorted(state.ended.items())), state.now_ms, state.position)


def _load_persons(head: _Persons, arrays: ArrayReader, identities: Identities) -> PersonState:
    ring, bearing, gait = windows.empty_rings(0)
    return PersonState(
        identities=identities,
        slots={intern(track): slot for slot, track in enumerate(head.tracks)},
        folds=arrays.take("persons.folds", np.zeros(0, FOLD)),
        ring=arrays.take("persons.ring", ring),
        bearing=arrays.take("persons.bearing", bearing),
        gait=arrays.take("persons.gait", gait),
        ended={intern(track): end_ms for track, end_ms in head.ended.items()},
        now_ms=head.now_ms,
        position=head.position,
    )


def _dump_decisions(state: DecisionState) -> _Decisions:
    return _Decisions(
        courses=dict(sorted(state.courses.items())),
        departed=list(state.departed.items()),
        budgets=dict(sorted(state.budgets.items())),
        suppressed=list(state.suppressed.items()),
    )


def _load_decisions(head: _Decisions) -> DecisionState:
    return DecisionState(
        courses={intern(person): course for person, course in head.courses.items()},
        departed={intern(person): time_ms for person, time_ms in head.departed},
        budgets=head.budgets,
        suppressed=dict(head.suppressed),
    )
