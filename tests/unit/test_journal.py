"""The journal as a file: what was written is read, in order, whatever the groups of rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.events import BasketLine, Disposition, IdentityChange
from features.segments import SEGMENT, Attribution, Entry, SegmentBlock, TrackChange
from streams.codecs import journal
from streams.codecs.journal import JournalWriter, read_journal
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


def flat(entries: list[Entry]) -> list[object]:
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


def written(path: Path, entries: list[Entry]) -> list[int]:
    writer = JournalWriter(path)
    positions = [writer.append(entry, CAMERAS) for entry in entries]
    writer.close()
    return positions


MIXED = [*FACTS, block(9, 1), FACTS[0], block(1, 2), block(5, 3), FACTS[1], FACTS[2]]


@pytest.mark.parametrize("rows_per_group", [1, 4, 7, 65_536])
@pytest.mark.parametrize(
    "entries", [[], FACTS, [block(20, 5)], MIXED, MIXED * 3], ids=["none", "facts", "segments", "mixed", "long"]
)
def test_what_was_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[Entry], rows_per_group: int
) -> None:
    monkeypatch.setattr(journal, "ROWS_PER_GROUP", rows_per_group)
    sizes = [len(entry) if isinstance(entry, SegmentBlock) else 1 for entry in entries]
    assert written(tmp_path / "j", entries) == [sum(sizes[:at]) for at in range(len(sizes))]
    assert flat(list(read_journal(tmp_path / "j", CAMERAS))) == flat(entries)
    assert pq.read_table(tmp_path / "j")["position"].to_pylist() == list(range(sum(sizes)))


def test_cameras_are_told_by_their_names(tmp_path: Path) -> None:
    written(tmp_path / "j", [block(20, 5)])
    (found,) = read_journal(tmp_path / "j", CAMERAS[::-1])
    assert isinstance(found, SegmentBlock)
    assert dict(zip(found.tracks, found.cameras.tolist(), strict=True)) == {
        "door/1/0": 1, "aisle/2/0": 0, "door/10/0": 1
    }  # fmt: skip


def test_a_camera_the_site_has_not_is_told(tmp_path: Path) -> None:
    written(tmp_path / "j", [block(20, 5)])
    with pytest.raises(TableError, match="camera"):
        list(read_journal(tmp_path / "j", ["door"]))


def test_another_table_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"position": [1]}), tmp_path / "j")
    with pytest.raises(TableError, match="track"):
        list(read_journal(tmp_path / "j", CAMERAS))
