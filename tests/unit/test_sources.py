import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.events import TIME_MS_END, Frame, IdentityChange, PersonPose, PoseBatch, Purchase, parse_event
from features.keypoints import NO_TRACK, PersonFrames
from features.site import Camera, Site
from models.bundle import default_bundle
from streams.codecs import poses
from streams.codecs.tables import TableError
from streams.embedded import Summary
from streams.jobs import run_recording
from streams.recording import EVENTS, POSES
from streams.sources import DeadLetter, Item, person_frames_of, read_recording, site_of

SITE = Site(cameras=[Camera("cam0"), Camera("cam1")])
ROW: dict[str, Any] = {"time_ms": 5_000, "camera": "cam0", "track": 1, **dict.fromkeys(poses.BODY_COLUMNS, 100)}
LARGEST, SMALLEST = 2**15 - 1, -(2**15)


def table(*rows: dict[str, Any]) -> pa.Table:
    """A row each of `ROW` with what differs, columns nullable as other writers leave them."""
    columns = {name: [{**ROW, **row}[name] for row in rows] for name in poses.SCHEMA.names}
    schema = pa.schema([field.with_nullable(nullable=True) for field in poses.SCHEMA])
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in columns}, schema)


def written(folder: Path, content: pa.Table, *lines: bytes) -> Path:
    pq.write_table(content, folder / POSES)
    if lines:
        (folder / EVENTS).write_bytes(b"\n".join(lines))
    return folder


def read(folder: Path) -> list[Item]:
    return list(read_recording(folder, SITE))


def summary(folder: Path, tmp_path: Path) -> Summary:
    return run_recording(folder, SITE, default_bundle(), tmp_path / "run", lambda _: None)


ROWS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"camera": "cam9"}, "camera", "a camera of the site", "cam9"),
    ({"camera": ""}, "camera", "a camera of the site", ""),
    ({"time_ms": -1}, "time_ms", f"0..{TIME_MS_END - 1}", "-1"),
    ({"time_ms": TIME_MS_END}, "time_ms", f"0..{TIME_MS_END - 1}", str(TIME_MS_END)),
    ({"time_ms": 2**63 - 1}, "time_ms", f"0..{TIME_MS_END - 1}", str(2**63 - 1)),
    ({"track": -2}, "track", "0..9007199254740991, or null for a frame without persons", "-2"),
    ({"track": -(2**63)}, "track", "0..9007199254740991, or null for a frame without persons", str(-(2**63))),
    ({"track": 2**53}, "track", "0..9007199254740991, or null for a frame without persons", str(2**53)),
    ({"box_width": -1}, "box_width, box_height", "at least 0", "[-1, 100]"),
    ({"box_height": SMALLEST}, "box_width, box_height", "at least 0", "[100, -32768]"),
    ({"nose_confidence": 1_001}, "confidence", "0..1000", str([1_001, *[100] * 16])),
    ({"left_ear_confidence": -1}, "confidence", "0..1000", str([100, 100, 100, -1, *[100] * 13])),
]


@pytest.mark.parametrize(("row", "field", "expected", "got"), ROWS, ids=lambda value: str(value)[:30])
def test_a_row_out_of_range_is_a_dead_letter_and_the_others_go_on(
    tmp_path: Path, row: dict[str, Any], field: str, expected: str, got: str
) -> None:
    dead, frames = read(written(tmp_path, table({}, row, {"track": 2})))
    assert dead == DeadLetter(POSES, 2, field, expected, got, person_frames=1)
    assert isinstance(frames, PersonFrames)
    assert frames.track.tolist() == [1, 2]


def test_a_frame_without_persons_that_is_refused_holds_no_person(tmp_path: Path) -> None:
    (dead,) = read(written(tmp_path, table({"track": None, "camera": "cam9"})))
    assert isinstance(dead, DeadLetter)
    assert dead.person_frames == 0


def test_places_count_on_over_blocks(tmp_path: Path) -> None:
    folder = written(tmp_path, table({}, {"time_ms": -1}, {}, {}, {"time_ms": -2}))
    letters = [item for item in read_recording(folder, SITE, rows=2) if isinstance(item, DeadLetter)]
    assert [(letter.place, letter.got) for letter in letters] == [(2, "-1"), (5, "-2")]


def test_the_largest_and_smallest_that_columns_hold_go_through_a_run(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    random = np.random.default_rng(3)
    rows = [
        {
            **{name: random.choice([SMALLEST, -1, 0, 100, LARGEST]) for name in poses.BODY_COLUMNS},
            **{name: random.choice([0, 1_000]) for name in poses.CONFIDENCE_COLUMNS},
            **{name: random.choice([0, 1, LARGEST]) for name in ("box_width", "box_height")},
            "time_ms": 5_000 + 100 * at,
            "track": [0, 7, 2**53 - 1, None][at % 4],
        }
        for at in range(400)
    ]
    told = summary(written(tmp_path / "in", table(*rows)), tmp_path)
    assert (told.person_frames, told.dead_letters, told.unaccounted) == (300, 0, 0)


@pytest.mark.parametrize("name", [name for name in poses.SCHEMA.names if name != "track"])
def test_nulls_where_there_may_be_none_are_told(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, table({}, {name: None}, {}))
    with pytest.raises(TableError, match=f"{POSES}: {name}: expected a column without nulls, got 1 of 3 rows null"):
        read(folder)


@pytest.mark.parametrize("name", poses.SCHEMA.names)
def test_a_missing_column_is_told(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, table({}).drop_columns([name]))
    with pytest.raises(TableError, match=f"{POSES}: {name}: expected a column of .*, got no such column"):
        read(folder)


TYPES = [
    ("time_ms", pa.float64(), "int64", "double"),
    ("time_ms", pa.timestamp("ms"), "int64", "timestamp[ms]"),
    ("time_ms", pa.int32(), "int64", "int32"),
    ("camera", pa.int64(), "dictionary<values=string, indices=int32, ordered=0>", "int64"),
    ("track", pa.string(), "int64", "string"),
    ("track", pa.uint64(), "int64", "uint64"),
    ("nose_x", pa.float32(), "int16", "float"),
    ("nose_confidence", pa.int32(), "int16", "int32"),
    ("box_left", pa.list_(pa.int16()), "int16", "list<element: int16>"),
]


@pytest.mark.parametrize(("name", "kind", "expected", "got"), TYPES, ids=str)
def test_a_column_of_another_type_is_told(
    tmp_path: Path, name: str, kind: pa.DataType, expected: str, got: str
) -> None:
    at = poses.SCHEMA.get_field_index(name)
    folder = written(tmp_path, table({}).set_column(at, name, pa.nulls(1, kind)))
    told = re.escape(f"{POSES}: {name}: expected a column of {expected}, got {got}")
    with pytest.raises(TableError, match=told):
        read(folder)


def test_cameras_as_plain_text_are_read(tmp_path: Path) -> None:
    at = poses.SCHEMA.get_field_index("camera")
    (frames,) = read(written(tmp_path, table({"camera": "cam1"}).set_column(at, "camera", pa.array(["cam1"]))))
    assert isinstance(frames, PersonFrames)
    assert frames.camera.tolist() == [1]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"time_ms,camera\n1,cam0\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / POSES).write_bytes(content)
    for use in (read, site_of, person_frames_of):
        with pytest.raises(TableError, match=f"{POSES}: expected a whole Parquet file, got: "):
            use(tmp_path)


def test_a_table_cut_short_is_told(tmp_path: Path) -> None:
    content = (written(tmp_path, table(*[{}] * 100)) / POSES).read_bytes()
    (tmp_path / POSES).write_bytes(content[: len(content) // 2])
    with pytest.raises(TableError, match="expected a whole Parquet file"):
        read(tmp_path)


def test_a_table_without_rows_is_a_recording_of_nothing(tmp_path: Path) -> None:
    folder = written(tmp_path, table({}).slice(0, 0))
    assert read(folder) == []
    assert site_of(folder) == Site()


# JSON lines


def batch(camera: str, *times_ms: int, track: int = 1) -> bytes:
    frames = [Frame(time_ms, [PersonPose(track, (1, 2, 3, 4))]) for time_ms in times_ms]
    return msgspec.json.encode(PoseBatch(camera, frames))


def purchase(time_ms: int) -> bytes:
    fields = {"receipt": "r", "time_ms": time_ms, "store": "shop", "till": "1"}
    return msgspec.json.encode({"type": "purchase", **fields, "lines": [{"article": "10", "category": "bread"}]})


def test_refused_lines_are_told_by_their_place_and_empty_ones_are_none(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_bytes(
        b"\n".join([batch("cam0", 5), b"", b"  \t", b"poses", b"\xff" * 300, batch("cam9", 6, 7)])
    )
    no_json, no_utf8, unknown, frames = read(tmp_path)
    assert isinstance(frames, PersonFrames)
    assert isinstance(no_json, DeadLetter)
    assert isinstance(no_utf8, DeadLetter)
    assert (no_json.place, no_json.field, no_json.expected, no_json.excerpt) == (4, "$", "JSON", "poses")
    assert (no_utf8.place, no_utf8.excerpt) == (5, "\ufffd" * 200)
    assert unknown == DeadLetter(EVENTS, 6, "$.camera", "a camera of the site", "cam9", person_frames=2)


def test_files_are_merged_by_time_and_blocks_cut_where_another_goes_on(tmp_path: Path) -> None:
    written(tmp_path, table({"time_ms": 1_000}, {"time_ms": 2_000}, {"time_ms": 4_000}))
    (tmp_path / "a.jsonl").write_bytes(batch("cam1", 1_500, 1_600) + b"\n" + batch("cam1", 5_000))
    (tmp_path / "b.jsonl").write_bytes(purchase(3_000))
    before, fact, after = read(tmp_path)
    assert isinstance(before, PersonFrames)
    assert isinstance(after, PersonFrames)
    assert before.time_ms.tolist() == [1_000, 1_500, 1_600, 2_000]
    assert before.camera.tolist() == [0, 1, 1, 0]
    assert fact == parse_event(purchase(3_000))
    assert after.time_ms.tolist() == [4_000, 5_000]


def test_the_site_of_a_recording_without_one_has_the_cameras_of_its_events_and_poses(tmp_path: Path) -> None:
    written(tmp_path, table({"camera": "east"}), batch("west", 5), b"poses")
    assert site_of(tmp_path) == Site(cameras=[Camera("east"), Camera("west")])


def test_a_camera_column_of_nulls_is_told_when_it_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, table({"camera": None}))
    assert site_of(folder) == Site()
    with pytest.raises(TableError, match="camera: expected a column without nulls"):
        read(folder)


def test_person_frames_are_counted_without_reading_them(tmp_path: Path) -> None:
    assert person_frames_of(written(tmp_path, table({}, {"track": None}, {}))) == 2


def test_a_frame_without_persons_is_no_person_frame(tmp_path: Path) -> None:
    (frames,) = read(written(tmp_path, table({"track": None})))
    assert isinstance(frames, PersonFrames)
    assert frames.track.tolist() == [NO_TRACK]


def test_changes_and_purchases_are_read_as_they_are(tmp_path: Path) -> None:
    change = IdentityChange("c1", "split", 5, "cam0", 1)
    (tmp_path / EVENTS).write_bytes(msgspec.json.encode(change) + b"\n" + purchase(6))
    first, second = read(tmp_path)
    assert first == change
    assert isinstance(second, Purchase)
