"""The journal as a file: what was written is read, in order, whatever the groups of rows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.events import BasketLine, Disposition, IdentityChange
from features.segments import SEGMENT, Attribution, Entry, Erased, SegmentBlock, Segments, TrackChange, positions
from streams.audit.errors import AuditError
from streams.audit.rows import Kept, Opener, Row, seal_entry
from streams.audit.visit_keys import KEY_BYTES, VisitKeys, key_ring, write_keys
from streams.codecs import journal
from streams.codecs.journal import JournalWriter, decode_rows, encode_rows, read_journal, read_kept
from streams.codecs.tables import TableError

CAMERAS = ["door", "aisle"]
FACTS: list[Entry] = [
    Attribution("r", 5, "shop", "1", [BasketLine("ä", "bread", 2, -5)], [("door/1/0", 1_000)], customer="anna"),
    TrackChange(IdentityChange("c", "link", 6, "door", 1, "aisle", 2), "door/1/0", None),
    Disposition("d", 7, "door/1/0", "agree", "r1", "saw it"),
]


def block(rows: int, seed: int) -> SegmentBlock:
    """Segments of any bytes at all."""
    numbers = np.random.default_rng(seed)
    content = np.frombuffer(numbers.bytes(rows * SEGMENT.itemsize), SEGMENT)
    track = numbers.integers(0, 3, rows, np.int32)
    return SegmentBlock(["door/1/0", "aisle/2/0", "door/10/0"], np.array([0, 1, 0], np.int32), track, content)


def flat(entries: Iterable[Entry | Erased]) -> list[object]:
    """Rows of segments one by one, so that blocks do not matter."""
    return [
        one
        for entry in entries
        for one in (
            [
                (entry.tracks[track], CAMERAS[entry.cameras[track]], row.tobytes())
                for track, row in zip(entry.track.tolist(), entry.rows, strict=True)
            ]
            if isinstance(entry, SegmentBlock)
            else [entry]
        )
    ]


def sealed(entries: list[Entry]) -> tuple[list[Row], VisitKeys]:
    keys, rows, position = VisitKeys(bytes(KEY_BYTES)), list[Row](), 0
    for entry in entries:
        rows += seal_entry(entry, position, keys)
        position += positions(entry)
    return rows, keys


def written(folder: Path, entries: list[Entry]) -> Path:
    """A journal, with the keys beside it."""
    rows, keys = sealed(entries)
    writer = JournalWriter(folder / "j")
    for row in rows:
        writer.append([row])
    writer.close()
    write_keys(folder / "visit-keys.jsonl", keys.told())
    return folder / "j"


CROWDED = Attribution("q", 5, "shop", "1", [], [("door/1/0", 600), ("aisle/2/0", 300), ("door/10/0", 100)])
NOBODY = Attribution("p", 5, "shop", "1", [BasketLine("rope", "rope")], [], customer="anna")
MIXED = [*FACTS, block(9, 1), FACTS[0], block(1, 2), CROWDED, block(5, 3), FACTS[1], FACTS[2], NOBODY]


@pytest.mark.parametrize("rows_per_group", [1, 4, 7, 65_536])
@pytest.mark.parametrize(
    "entries", [[], FACTS, [block(20, 5)], MIXED, MIXED * 3], ids=["none", "facts", "segments", "mixed", "long"]
)
def test_what_was_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[Entry], rows_per_group: int
) -> None:
    monkeypatch.setattr(journal, "ROWS_PER_GROUP", rows_per_group)
    path = written(tmp_path, entries)
    assert flat(read_journal(path, CAMERAS)) == flat(entries)
    assert sorted(set(pq.read_table(path)["position"].to_pylist())) == list(range(sum(map(positions, entries))))


def test_a_message_holds_the_same() -> None:
    rows, keys = sealed(MIXED)
    assert decode_rows(encode_rows(rows)) == rows
    opener = Opener({key.id: key for key in keys.told()}, CAMERAS)
    assert flat(kept.entry for kept in opener.open(rows)) == flat(MIXED)


def test_nothing_can_be_read_without_keys(tmp_path: Path) -> None:
    content = written(tmp_path, MIXED).read_bytes()
    assert all(word not in content for word in (b"door", b"aisle", b"anna", b"rope", b"bread", b"saw it"))


def erased(path: Path, *names: str) -> list[Kept]:
    keys = key_ring(path.parent / "visit-keys.jsonl")
    return list(read_kept(path, Opener({visit: key for visit, key in keys.items() if key.name not in names}, CAMERAS)))


def test_rows_whose_key_is_gone_leave_position_and_time(tmp_path: Path) -> None:
    path = written(tmp_path, MIXED)
    kept = erased(path, "door/1/0")
    assert sum(positions(one.entry) for one in kept) == sum(map(positions, MIXED))
    gone = [one.entry for one in kept if isinstance(one.entry, Erased)]
    times = [
        int(row["second_ms"]) for entry in MIXED if isinstance(entry, SegmentBlock) for row in of(entry, "door/1/0")
    ]
    assert [time_ms for one in gone for time_ms in one.times_ms if time_ms != -1] == times
    left = {name for one in kept if isinstance(one.entry, SegmentBlock) for name in one.entry.tracks}
    assert left == {"aisle/2/0", "door/10/0"}


def of(entry: SegmentBlock, track: str) -> Segments:
    """The segments of a track."""
    return entry.rows[entry.track == entry.tracks.index(track)] if track in entry.tracks else entry.rows[:0]


@pytest.mark.parametrize("gone", range(3))
def test_a_candidate_who_is_erased_is_named_nowhere(tmp_path: Path, gone: int) -> None:
    (kept,) = erased(written(tmp_path, [CROWDED]), CROWDED.candidates[gone][0])
    assert isinstance(kept.entry, Attribution)
    assert kept.entry.candidates == [one for at, one in enumerate(CROWDED.candidates) if at != gone]
    assert len(kept.rows) == len(CROWDED.candidates)


@pytest.mark.parametrize("field", ["position", "time_ms", "sealed"])
def test_a_flipped_bit_is_refused(field: str) -> None:
    rows, keys = sealed([block(3, 5)])
    value = getattr(rows[1], field)
    changed: Any = value ^ 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]
    rows[1] = rows[1]._replace(**{field: changed})
    ring = {key.id: key for key in keys.told()}
    with pytest.raises(AuditError, match="row: expected what was sealed"):
        list(Opener(ring, CAMERAS).open(rows))


def test_another_layout_of_segments_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, [block(3, 5)])
    pq.write_table(pq.read_table(path).replace_schema_metadata({"vigil.segment": "x:<i4"}), path)
    with pytest.raises(TableError, match=r"segment: expected the layout second_ms.* got x:<i4"):
        list(read_journal(path, CAMERAS))


def test_cameras_are_told_by_their_names(tmp_path: Path) -> None:
    (found,) = read_journal(written(tmp_path, [block(20, 5)]), CAMERAS[::-1])
    assert isinstance(found, SegmentBlock)
    assert dict(zip(found.tracks, found.cameras.tolist(), strict=True)) == {
        "door/1/0": 1, "aisle/2/0": 0, "door/10/0": 1
    }  # fmt: skip


def test_a_camera_the_site_has_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="camera"):
        list(read_journal(written(tmp_path, [block(20, 5)]), ["door"]))


def test_another_table_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, [])
    pq.write_table(pa.table({"position": [1]}), path)
    with pytest.raises(TableError, match="time_ms"):
        list(read_journal(path, CAMERAS))
