"""Snapshots: what is refused, and why; what they take."""

import struct
from collections.abc import Sized

import msgspec
import numpy as np
import pytest

from features.events import BasketLine, Disposition, IdentityChange, Purchase
from features.fold import FOLD
from features.keypoints import PersonFrames
from features.site import Camera, Memory, Site, Till, Zone
from models.bundle import default_bundle
from models.decision import Course, DecisionState, Standing
from streams import snapshots
from streams.codecs.arrays import ArrayReader, ArrayWriter, SnapshotError
from streams.pipeline import Pipeline
from streams.snapshots import LaneState, dump_state, load_state
from tests.benchmarks.crowd import crowd, crowd_site
from tests.benchmarks.memory import held_bytes

TILL = Zone("till", "till", [(0, 0), (100, 0), (100, 400), (0, 400)])
SITE = Site(
    cameras=[Camera("hall", [TILL]), Camera("yard")],
    tills=[Till("1", "shop", "hall", "till")],
    memory=Memory(customers=True),
)
CORPUS = default_bundle().corpus
SHADOW = DecisionState(
    {
        "hall/1/0": Course(((1_000, 2), (9_000, 0)), (Standing("hall/1/0#1000@3#alert", 1_000, 5),)),
        "yard/2/0": Course(),
    },
    {"yard/2/0": 8_000, "hall/1/0": 9_000},
    {"hall": (4, 2)},
    {"cooldown": 3, "budget": 1},
)


def paid(receipt: str, time_ms: int) -> Purchase:
    return Purchase(receipt, time_ms, "shop", "1", [BasketLine("tea", "tea"), BasketLine("a", "rope")], None, "anna")


def visit() -> list[PersonFrames]:
    rows = [PersonFrames.empty(2) for _ in range(120)]
    for at, row in enumerate(rows):
        row.time_ms[:], row.camera[:], row.track[:] = 500 * at, [0, 1], [1, 2]
        row.box[:] = np.array([[160, 400, 80, 680]]).T
    return rows


def some_state() -> LaneState:
    """Two persons linked, with purchases that were joined, that wait and that are remembered."""
    pipeline = Pipeline.start(SITE, default_bundle())
    facts: dict[int, Purchase | IdentityChange | Disposition] = {
        60: paid("a", 20_000),
        70: IdentityChange("c", "link", 25_000, "hall", 1, "yard", 2),
        80: Disposition("d", 1_000, "hall/1/0", "agree", "anna"),
        118: paid("b", 58_000),
    }
    for at, rows in enumerate(visit()):
        for item in (rows, facts.get(at)):
            if item is not None:
                for entry in pipeline.take(item).entries:
                    pipeline.scoring.take(entry)
    scoring = pipeline.scoring
    return LaneState(pipeline.camera, scoring.persons, scoring.decisions, SHADOW)


def test_the_state_holds_what_may_be_lost() -> None:
    """Or the refusals below would prove little."""
    camera, persons, *_ = some_state()
    known = persons.identities
    held: list[Sized] = [
        camera.pending,
        camera.presence.seconds,
        camera.waiting,
        known.changes,
        known.joined,
        known.published,
    ]
    assert all(map(len, held))
    assert (len(camera.known), len(known.special), list(known.memory.baskets)) == (4, 2, ["shop/anna"])


def test_it_comes_back_as_it_was() -> None:
    state = some_state()
    camera, persons, decisions, shadow = load_state(dump_state(*state), SITE, CORPUS)
    assert camera.presence == state.camera.presence
    assert (persons.ended, persons.now_ms) == (state.persons.ended, state.persons.now_ms)
    assert (camera.waiting, camera.known, camera.now_ms) == (
        state.camera.waiting, state.camera.known, state.camera.now_ms,
    )  # fmt: skip
    known, was = persons.identities, state.persons.identities
    assert (known.changes, known.joined, known.special, known.memory) == (
        was.changes, was.joined, was.special, was.memory,
    )  # fmt: skip
    assert (known.site, known.corpus, known.position) == (was.site, was.corpus, was.position)
    assert decisions == state.decisions
    assert list(decisions.suppressed) == list(state.decisions.suppressed)
    assert shadow == SHADOW
    assert list(shadow.departed) == ["yard/2/0", "hall/1/0"]


def test_a_state_without_a_bundle_on_trial_is_read_as_it_was_written_before_there_were_any() -> None:
    state = some_state()._replace(shadow=None)
    assert load_state(dump_state(*state), SITE, CORPUS).shadow is None
    _, version, length = snapshots._PREFIX.unpack_from(data := dump_state(*state))  # noqa: SLF001 - to cut a field off
    start = snapshots._PREFIX.size  # noqa: SLF001
    fields = msgspec.msgpack.decode(data[start : start + length])
    head = msgspec.msgpack.encode(fields[:-1])
    before = snapshots._PREFIX.pack(snapshots.MAGIC, version, len(head)) + head + data[start + length :]  # noqa: SLF001
    assert load_state(before, SITE, CORPUS).decisions == state.decisions


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(SITE, cameras=SITE.cameras[::-1]),
        msgspec.structs.replace(SITE, cameras=SITE.cameras[:1]),
        msgspec.structs.replace(SITE, memory=Memory(customers=True, days=31)),
    ],
)
def test_another_site_is_refused(other: Site) -> None:
    with pytest.raises(SnapshotError, match=r"site: expected the digest [0-9a-f]{64}, got [0-9a-f]{64}"):
        load_state(dump_state(*some_state()), other, CORPUS)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda data: data[:7], "beginning"),
        (lambda data: b"pickle" + data[6:], "beginning"),
        (lambda data: data[:8] + struct.pack("<I", 2) + data[12:], "version"),
        (lambda data: data[:200], "head"),
        (lambda data: data[:16] + b"\xc1" + data[17:], "head"),
        (lambda data: data[:-1], "length"),
        (lambda data: data + b"\0", "length"),
    ],
)
def test_what_is_no_whole_snapshot_is_refused(spoil, field: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with pytest.raises(SnapshotError) as refused:
        load_state(spoil(dump_state(*some_state())), SITE, CORPUS)
    assert refused.value.field == field


def test_other_features_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dump_state(*some_state())
    monkeypatch.setattr(snapshots, "FEATURES", snapshots.FEATURES[:-1])
    with pytest.raises(SnapshotError, match="features: expected"):
        load_state(data, SITE, CORPUS)


def test_another_layout_of_the_fold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dump_state(*some_state())
    monkeypatch.setattr(snapshots, "FOLD", np.dtype([("camera", "<i8"), *FOLD.descr[1:]]))
    with pytest.raises(SnapshotError, match=r"persons.folds.camera: expected <i8, got <i4"):
        load_state(data, SITE, CORPUS)


PAIR = np.dtype([("a", "<i4"), ("b", "<i2", (3,))])


@pytest.mark.parametrize(
    ("like", "told"),
    [
        (np.zeros(0, [("a", "<i4")]), r"x.b: expected nothing, got <i2 \[3\]"),
        (np.zeros(0, [*PAIR.descr, ("c", "?")]), r"x.c: expected \|b1, got nothing"),
        (np.zeros(0, [("a", "<i4"), ("b", "<i2", (4,))]), r"x.b: expected <i2 \[4\], got <i2 \[3\]"),
        (np.zeros(0, [("b", "<i2", (3,)), ("a", "<i4")]), r"x.b: expected <i2 \[3\], got <i4 named a"),
        (np.zeros((0, 2), PAIR), r"x: expected shape \[any, 2\], got shape \[5\]"),
        (np.zeros(4, PAIR), r"x: expected shape \[4\], got shape \[5\]"),
    ],
)
def test_an_array_of_another_making_is_refused(like: np.ndarray, told: str) -> None:
    arrays = ArrayWriter()
    arrays.add("x", np.zeros(5, PAIR))
    with pytest.raises(SnapshotError, match=told):
        ArrayReader(arrays.forms, b"".join(arrays.parts), 0).take("x", like)


def test_arrays_come_back_whatever_way_they_lie_in_memory() -> None:
    arrays, numbers = ArrayWriter(), np.arange(60, dtype=np.int16).reshape(3, 20)
    pairs = np.zeros(4, PAIR)
    pairs["b"] = np.arange(12).reshape(4, 3)
    written = {"strided": numbers[:, ::3], "turned": numbers.T, "big": numbers.astype(">i2"), "pairs": pairs[::2],
               "none": numbers[:0]}  # fmt: skip
    for name, array in written.items():
        arrays.add(name, array)
    reader = ArrayReader(arrays.forms, b"".join(arrays.parts), 0)
    for name, array in written.items():
        came = reader.take(name, np.zeros_like(array))
        assert came.dtype == array.dtype
        assert came.flags.writeable
        assert np.array_equal(came, array)


def test_what_is_read_takes_no_more_memory() -> None:
    pipeline = Pipeline.start(crowd_site(), default_bundle())
    for frames in crowd(60, 150, chunk_s=1):
        for entry in pipeline.take(frames).entries:
            pipeline.scoring.take(entry)
    state = LaneState(pipeline.camera, pipeline.scoring.persons, pipeline.scoring.decisions)
    loaded = load_state(dump_state(*state), crowd_site(), CORPUS)
    assert held_bytes(*loaded) <= held_bytes(*state)
