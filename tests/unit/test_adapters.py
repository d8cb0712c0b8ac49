import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.events import Purchase, parse_event
from features.keypoints import NO_TRACK, PersonFrames
from streams.adapters.imported import Imported, ImportFailure
from streams.adapters.registry import IMPORTERS
from streams.codecs.poses import from_batch, read_batches
from streams.site_file import load_site

DATA = Path(os.environ.get("VIGIL_DATA", Path(__file__).parents[3] / "shared" / "data"))


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" and not path.name.endswith(".tar.gz") else raw)


def frames_of(recording: Path, cameras: list[str]) -> PersonFrames:
    places = {camera: place for place, camera in enumerate(cameras)}
    batches = read_batches(recording / "poses.parquet")
    return PersonFrames.concatenate([from_batch(batch, places) for batch in batches])


def rows_of(recording: Path, cameras: list[str]) -> list[tuple[int, int, int]]:
    frames = frames_of(recording, cameras)
    return list(zip(frames.time_ms.tolist(), frames.camera.tolist(), frames.track.tolist(), strict=True))


def boxes_of(recording: Path, cameras: list[str]) -> list[list[int]]:
    boxes: list[list[int]] = frames_of(recording, cameras).box.T.tolist()
    return boxes


def purchases_of(recording: Path) -> list[Purchase]:
    events = [parse_event(line) for line in (recording / "events.jsonl").read_bytes().splitlines()]
    return [event for event in events if isinstance(event, Purchase)]


def truth_of(recording: Path) -> Any:  # noqa: ANN401 - labels of any shape
    return json.loads((recording / "truth.json").read_bytes())


def homography_of(recording: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(load_site(recording / "site.yaml").cameras[0].homography)


def pose(row: float, column: float, confidence: float | str) -> str:
    """The nose at (row, column), all else 20 further down and 10 further right."""
    values = [row, column, confidence, *([row + 20, column + 10, confidence] * 16)]
    return f'{{"keypoints": [{", ".join(map(str, values))}], "scores": null}}'


@pytest.fixture
def poselift(tmp_path: Path) -> Path:
    folder = tmp_path / "poselift"
    first = f'{{"3": {{"1": {pose(100, 500, 0.2)}, "2": {pose(100, 500, "NaN")}, "4": {pose(100, 500, 0.8)}}}}}'
    name = "alphapose_tracked_person.json"
    put(folder / "pose" / "dev" / f"01_0007_{name}", first)
    put(folder / "pose" / "dev" / f"01_0008_{name}", f'{{"3": {{"0": {pose(100, 500, 1.03)}}}}}')
    put(folder / "pose" / "dev" / f"02_0009_{name}", f'{{"5": {{"0": {pose(9000, 500, 1)}, "1": {pose(0, 0, 1)}}}}}')
    for video, labels in (("01_0007", [0, 0, 1, 1, 1, 0]), ("01_0008", [0]), ("02_0009", [0, 1])):
        file = io.BytesIO()
        np.save(file, np.array(labels, np.int64))
        put(folder / "gt" / "dev_frame_mask" / f"{video}.npy", file.getvalue())
    return folder


def test_poselift_videos_of_a_camera_follow_one_another_and_frames_without_persons_are_told(
    poselift: Path, tmp_path: Path
) -> None:
    imported = IMPORTERS["poselift-dev"](poselift, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["01", "02"]) == [
        (0, 0, NO_TRACK),
        (0, 1, NO_TRACK),
        (66, 0, 3),
        (66, 1, 20_005),
        (133, 0, 3),
        (200, 0, NO_TRACK),
        (266, 0, 3),
        (333, 0, NO_TRACK),
        (61_000, 0, 10_003),
    ]
    assert imported == Imported(
        person_frames=5,
        persons=3,
        notes=[
            "1 person-frames without confidences: interpolated along the track",
            "17 confidences above 1: taken as 1",
            "1 positions not finite, beyond 8191 pixels or of no valid time: left out",
        ],
    )


def test_poselift_rows_come_first_and_are_y(poselift: Path, tmp_path: Path) -> None:
    IMPORTERS["poselift-dev"](poselift, tmp_path / "out")
    frames = frames_of(tmp_path / "out", ["01", "02"])
    first = frames.take(frames.track == 3).take(slice(0, 1))
    assert (first.x[0, 0], first.y[0, 0], first.x[1, 0], first.y[1, 0]) == (2_000, 400, 2_040, 480)
    assert first.box[:, 0].tolist() == [499 * 4, 98 * 4, 12 * 4, 24 * 4]


def test_poselift_unknown_confidences_are_interpolated_in_time_and_none_exceeds_one(
    poselift: Path, tmp_path: Path
) -> None:
    IMPORTERS["poselift-dev"](poselift, tmp_path / "out")
    frames = frames_of(tmp_path / "out", ["01", "02"])
    assert frames.confidence[0, frames.track == 3].tolist() == [200, 401, 800]  # 66, 133 and 266 ms
    assert frames.confidence[0, frames.track == 10_003].tolist() == [1_000]


def test_poselift_labels_stay_beside_the_recording(poselift: Path, tmp_path: Path) -> None:
    IMPORTERS["poselift-dev"](poselift, tmp_path / "out")
    assert truth_of(tmp_path / "out")["videos"][1] == {
        "video": "01_0008",
        "camera": "01",
        "start_ms": 61_000,
        "frames": 1,
        "first_track": 10_000,
        "labels": [0],
    }


def test_poselift_training_videos_are_normal_throughout(poselift: Path, tmp_path: Path) -> None:
    (poselift / "pose" / "dev").rename(poselift / "pose" / "train")
    IMPORTERS["poselift-train"](poselift, tmp_path / "out")
    assert [video["labels"] for video in truth_of(tmp_path / "out")["videos"]] == [[0] * 5, [0], [0, 0]]


def test_metres_become_centimetre_pixels_that_map_back(tmp_path: Path) -> None:
    rows = ["780 1 -1.5 0 2.0 0 0 0", "786 1 -1.0 0 2.0 0 0 0", "786 2 8.0 0 12.5 0 0 0"]
    put(tmp_path / "ETH" / "seq_eth" / "obsmat.txt", "\n".join(rows))
    imported = IMPORTERS["eth"](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["eth"]) == [(52_000, 0, 1), (52_400, 0, 1), (52_400, 0, 2)]
    left, top, width, height = np.array(boxes_of(tmp_path / "out", ["eth"])[2]) / 4
    ground = homography_of(tmp_path / "out") @ [left + width / 2, top + height, 1]
    assert height == 170
    assert ground.tolist() == pytest.approx([8_000, 12_500, 1])
    assert (imported.person_frames, imported.persons) == (3, 2)


@pytest.mark.parametrize(
    ("name", "folder"), [("hotel", "ETH/seq_hotel"), ("zara01", "UCY/zara01"), ("students03", "UCY/students03")]
)
def test_samples_of_eth_and_ucy_are_400_ms_apart(name: str, folder: str, tmp_path: Path) -> None:
    put(tmp_path / folder / "obsmat.txt", "11 4 0 0 0 0 0 0\n1 4 0 0 0 0 0 0")
    IMPORTERS[name](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", [name]) == [(40, 0, 4), (440, 0, 4)]


def test_edinburgh_keeps_the_first_of_two_points_in_one_frame(tmp_path: Path) -> None:
    lines = "% Total 1\n\nProperties.R1=[1 2 3 ];\n TRACK.R1=[[600 100 9];[610 100 9];[590 100 18]];\n"
    put(tmp_path / "Edinburgh" / "annotations" / "tracks.01Aug.txt", lines)
    imported = IMPORTERS["edinburgh-01aug"](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["edinburgh-01aug"]) == [(1_000, 0, 1), (2_000, 0, 1)]
    left, top, width, height = boxes_of(tmp_path / "out", ["edinburgh-01aug"])[0]
    assert (left + width / 2, top + height) == pytest.approx((2_400, 400), abs=1)
    assert imported.notes == [
        "3 positions without a box: that of a standing body is made up",
        "1 further positions of a track in one frame: left out",
    ]


def test_grand_central_has_a_file_for_each_walker(tmp_path: Path) -> None:
    (tmp_path / "GC").mkdir()
    with tarfile.open(tmp_path / "GC" / "Annotation.tar.gz", "w:gz") as archive:
        for name, text in (
            ("Annotation/000002.txt", b"525\n122\n0\n541\n141\n20\n"),
            ("Annotation/7.txt", b"9 1000 0"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    IMPORTERS["grand-central"](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["grand-central"]) == [(0, 0, 2), (0, 0, 7), (800, 0, 2)]
    assert boxes_of(tmp_path / "out", ["grand-central"])[1][3] == 84 * 4


CALIBRATION = """<Camera name="View_001">
<Geometry width="768" height="576" dpx="0.005" dpy="0.005"/><Intrinsic focal="5" cx="300" cy="200" sx="1"/>
<Extrinsic tx="0" ty="0" tz="10000" rx="0" ry="0" rz="0"/></Camera>"""


def test_pets_boxes_are_given_by_their_middle_and_empty_frames_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "PETS-2009" / "data"
    box = '<object id="9"><box h="80" w="40" xc="500" yc="200"/></object>'
    frames = f'<frame number="0"><objectlist>{box}</objectlist></frame><frame number="1"><objectlist/></frame>'
    put(folder / "annotations" / "PETS2009-S2L1.xml", f"<dataset>{frames}</dataset>")
    put(folder / "calibration" / "View_001.xml", CALIBRATION)
    IMPORTERS["pets-s2l1"](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["pets-s2l1"]) == [(0, 0, 9), (100, 0, NO_TRACK)]
    assert boxes_of(tmp_path / "out", ["pets-s2l1"])[0] == [480 * 4, 160 * 4, 40 * 4, 80 * 4]
    x, y, scale = homography_of(tmp_path / "out") @ [500, 240, 1]
    assert (x / scale, y / scale) == pytest.approx((2_000, 400))  # 10 m away at 1,000 pixels of focal length


def test_caviar_begins_a_track_with_each_appearance_and_each_video(tmp_path: Path) -> None:
    seen = [(680, "id0"), (720, "id0"), (2_000, "id0"), (2_040, "id0"), (3_000, "id0"), (24_440, "id0"), (680, "id1")]
    movement = ["walking", "active", "active", "active", "active", "running", "abrupt"]
    lines = [
        f"{movement[at]}|{ms}|{ms}|true|{name}\ncoord|{ms}|{ms}|true|{name}|100|200"
        for at, (ms, name) in enumerate(seen)
    ]
    put(tmp_path / "movementB.csv", "\n".join(lines))
    appear = ["appear|680|680|id0", "appear|2000|2000|id0", "appear|2040|2040|id0", "appearance|720|720|visible|id0"]
    put(tmp_path / "appearance.csv", "\n".join(appear))
    imported = IMPORTERS["caviar"](tmp_path, tmp_path / "out")
    assert rows_of(tmp_path / "out", ["caviar"]) == [
        (680, 0, 0),
        (680, 0, 3),
        (720, 0, 0),
        (2_000, 0, 1),
        (2_040, 0, 1),
        (3_000, 0, 1),
        (24_440, 0, 2),
    ]
    assert imported.notes[0] == "1 tracks resume after a pause without an appearance: kept as one"
    assert boxes_of(tmp_path / "out", ["caviar"])[0] == [round(90.4 * 4), 176 * 4, round(19.2 * 4), 48 * 4]
    spans = truth_of(tmp_path / "out")["spans"]
    assert spans[0] == {
        "track": 0, "id": "id0", "video": "Walk1", "movement": "walking", "start_ms": 680, "end_ms": 720
    }  # fmt: skip
    assert [
        (span["track"], span["video"], span["movement"], span["start_ms"], span["end_ms"]) for span in spans[1:]
    ] == [
        (0, "Walk1", "active", 720, 760),
        (1, "Walk1", "active", 2_000, 2_080),
        (1, "Walk1", "active", 3_000, 3_040),
        (2, "Walk2", "running", 24_440, 24_480),
        (3, "Walk1", "abrupt", 680, 720),
    ]


@pytest.fixture
def meva(tmp_path: Path) -> Path:
    folder = tmp_path / "meva"
    clip = "2018-03-05.13-15-01.13-20-01.bus.G331"
    box = "- {{'geom': {{'g0': '{}', 'id0': 1, 'id1': {}, 'keyframe': True, 'ts0': {}}}}}"
    boxes = [box.format("10 20 30 60", 31, 2), box.format("1 2 3 4", 30, 3), "- { meta: 1 }"]
    put(folder / f"{clip}.geom.yml.gz", "\n".join(boxes))
    types = "- {'types': {'cset3': {'person': 1.0}, 'id1': 31}}\n- { types: { id1: 30, cset3: { bag: 1.0 } } }\n"
    put(folder / f"{clip}.types.yml.gz", types)
    put(
        folder / f"{clip}.activities.yml.gz",
        '- { meta: "1 instance" }\n- { act: { act2: {person_purchases: 1.0}, id2: 7, timespan: [{tsr0: [0, 2]}], '
        "src_status: good, actors: [{id1: 31, timespan: [{tsr0: [2, 2]}]}] } }\n",
    )
    other = "2018-03-05.14-00-00.14-05-00.school.G421"
    put(folder / f"{other}.activities.yml.gz", "[]")
    return folder


def test_meva_keeps_boxes_of_persons_and_frames_up_to_the_last_box(meva: Path, tmp_path: Path) -> None:
    imported = IMPORTERS["meva"](meva, tmp_path / "out")
    start = 1_520_255_701_000  # 2018-03-05T13:15:01Z
    assert rows_of(tmp_path / "out", ["bus.G331", "school.G421"]) == [
        (start, 0, NO_TRACK),
        (start + 33, 0, NO_TRACK),
        (start + 66, 0, 31),
        (start + 100, 0, NO_TRACK),
    ]
    assert boxes_of(tmp_path / "out", ["bus.G331"])[2] == [40, 80, 80, 160]
    assert imported.notes == [
        "1 clips without boxes: only their activities are kept",
        "1 lines of boxes not understood: left out",
        "1 boxes of things that are no person: left out",
    ]


def test_meva_activities_are_truth_with_their_actors(meva: Path, tmp_path: Path) -> None:
    IMPORTERS["meva"](meva, tmp_path / "out")
    start = 1_520_255_701_000
    assert truth_of(tmp_path / "out")["activities"] == [
        {
            "activity": "person_purchases",
            "clip": "2018-03-05.13-15-01.13-20-01.bus.G331",
            "camera": "bus.G331",
            "start_ms": start,
            "end_ms": start + 100,
            "actors": [{"track": 31, "start_ms": start + 66, "end_ms": start + 100}],
        }
    ]


def test_complete_journey_rows_become_baskets_with_categories(tmp_path: Path) -> None:
    columns = "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,transaction_timestamp"
    rows = [
        "7,309,4.0128e+10,11,0.0,0.0,0,2017-01-28 19:06:54",
        "7,309,31,10,2.0,3.86,0,2017-01-28 19:06:53",
        "7,309,31,900000,1.0,0.29,0,2017-01-28 19:06:53",
        "8,310,32,99,8776.0,23.25,0,2017-01-28 19:06:55",
        "8,310,33,10,-1.0,0,0,2017-01-28 19:06:56",
    ]
    products = ["product_id,department,product_category", "10,GROCERY,FRZN ICE", "11,FUEL,", "9e+05,PASTRY,PIES"]
    put(tmp_path / "completejourney_transactions_sample.csv.gz", "\n".join([columns, *rows]))
    put(tmp_path / "completejourney_products.csv.gz", "\n".join(products))
    imported = IMPORTERS["complete-journey"](tmp_path, tmp_path / "out")
    found = purchases_of(tmp_path / "out")
    assert [(each.receipt, each.time_ms, each.store, each.customer) for each in found] == [
        ("31", 1_485_630_413_000, "309", "7"),
        ("40128000000", 1_485_630_414_000, "309", "7"),
        ("32", 1_485_630_415_000, "310", "8"),
    ]
    assert [msgspec.structs.astuple(line) for each in found for line in each.lines] == [
        ("10", "FRZN ICE", 2, 386),
        ("900000", "PIES", 1, 29),
        ("11", "FUEL", 0, 0),
        ("99", "unknown", 8_776, 2_325),
    ]
    assert imported == Imported(
        purchases=3,
        persons=2,
        notes=[
            "1 rows of unlisted products: category unknown",
            "1 rows of quantity 0: kept",
            "1 baskets left out: $.lines[0].quantity: expected `int` >= 0, got -1",
        ],
    )


def test_bread_basket_counts_items_of_a_kind_and_leaves_out_what_was_not_recorded(tmp_path: Path) -> None:
    rows = ["Date,Time,Transaction,Item", "2016-10-30,10:05:34,2,Scone", "2016-10-30,10:05:34,2,Tea",
            "2016-10-30,10:05:34,2,Scone", "2016-10-30,10:05:34,2,NONE", "2016-10-30,10:07:57,3,NONE"]  # fmt: skip
    put(tmp_path / "BreadBasket_DMS.csv", "\n".join(rows))
    imported = IMPORTERS["bread-basket"](tmp_path, tmp_path / "out")
    (purchase,) = purchases_of(tmp_path / "out")
    assert purchase.time_ms == 1_477_821_934_000
    assert [(line.article, line.quantity) for line in purchase.lines] == [("Scone", 2), ("Tea", 1)]
    assert imported.notes == [
        "2 rows of item NONE, not recorded: left out",
        "1 baskets of nothing but NONE: left out",
    ]


def test_groceries_of_a_member_and_a_day_are_a_basket_within_opening_hours(tmp_path: Path) -> None:
    put(tmp_path / "Groceries_dataset.csv", "20,02-01-1970,milk\n3,02-01-1970,milk\n20,02-01-1970,milk\n")
    IMPORTERS["groceries"](tmp_path, tmp_path / "out")
    day, hour = 86_400_000, 3_600_000
    found = purchases_of(tmp_path / "out")
    assert [(each.receipt, each.time_ms, each.customer, each.lines[0].quantity) for each in found] == [
        ("3-1", day + 8 * hour, "3", 1),
        ("20-1", day + 14 * hour, "20", 2),
    ]


def test_tafeng_baskets_of_a_customer_are_a_day_apart(tmp_path: Path) -> None:
    put(tmp_path / "tafeng_merged.json", '{"1": [[0, 1], [6]], "2": [[5]]}')
    IMPORTERS["ta-feng"](tmp_path, tmp_path / "out")
    start, hour = 973_036_800_000, 3_600_000  # 2000-11-01
    found = purchases_of(tmp_path / "out")
    assert [(each.receipt, each.time_ms, [line.article for line in each.lines]) for each in found] == [
        ("1-0", start + 8 * hour, ["0", "1"]),
        ("2-0", start + 14 * hour, ["5"]),
        ("1-1", start + 32 * hour, ["6"]),
    ]


@pytest.mark.parametrize("name", IMPORTERS)
def test_a_missing_folder_is_told_without_leaving_a_recording(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailure, match="no such f"):
        IMPORTERS[name](tmp_path / "absent", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("poselift-train", "pose/train/01_1_a.json", '{"1": {"0": {"keypoints": [1, 2]}}}'),
        ("poselift-train", "pose/train/01_1_a.json", "{}"),
        ("poselift-train", "pose/train/01_1_a.json", f'{{"10000": {{"0": {pose(0, 0, 1)}}}}}'),
        ("poselift-dev", "pose/dev/01_1_a.json", f'{{"1": {{"0": {pose(0, 0, 1)}}}}}'),
        ("eth", "ETH/seq_eth/obsmat.txt", "1 2 three"),
        ("edinburgh-01jul", "Edinburgh/annotations/tracks.01Jul.txt", " TRACK.R1=[[600 100 9];[610\n"),
        ("grand-central", "GC/Annotation.tar.gz", "no archive"),
        ("pets-s2l1", "PETS-2009/data/annotations/PETS2009-S2L1.xml", "<dataset><frame>"),
        ("caviar", "movementB.csv", "coord|680|680|true|id0|262|285"),
        ("meva", "2018-03-05.bus.G331.activities.yml.gz", "[]"),
        ("meva", "2018-03-05.13-15-01.13-20-01.bus.G331.activities.yml.gz", "- {act: [}"),
        ("meva", "2018-03-05.13-15-01.13-20-01.bus.G331.activities.yml.gz", "[]"),
        ("complete-journey", "completejourney_products.csv.gz", "a,b\n1,2\n"),
        ("bread-basket", "BreadBasket_DMS.csv", "Date,Time,Transaction,Item\n2016-10-30,ten,2,Tea\n"),
        ("groceries", "Groceries_dataset.csv", "1,2\n"),
        ("ta-feng", "tafeng_merged.json", "[1]"),
    ],
)
def test_a_broken_file_is_told_by_name_without_leaving_a_recording(
    name: str, file: str, content: str, tmp_path: Path
) -> None:
    put(tmp_path / "in" / file, content)
    with pytest.raises(ImportFailure, match=r"expected .*, got "):
        IMPORTERS[name](tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


COUNTS = [
    ("poselift-train", "poselift", 79_632, 566, 0),
    ("poselift-dev", "poselift", 1_925, 31, 0),
    ("eth", "opentraj", 8_908, 360, 0),
    ("hotel", "opentraj", 6_544, 390, 0),
    ("zara01", "opentraj", 5_024, 148, 0),
    ("students03", "opentraj", 21_846, 428, 0),
    ("edinburgh-01jul", "opentraj", 111_138, 1_262, 0),
    ("edinburgh-01aug", "opentraj", 22_182, 146, 0),
    ("grand-central", "opentraj", 456_410, 12_684, 0),
    ("pets-s2l1", "opentraj", 4_650, 19, 0),
    ("caviar", "caviar_rtec", 45_626, 148, 0),
    ("meva", "meva_subset", 387_108, 1_809, 0),
    ("complete-journey", "purchases", 0, 2_377, 47_243),
    ("bread-basket", "purchases", 0, 0, 9_465),
    ("groceries", "purchases", 0, 3_898, 14_963),
    ("ta-feng", "purchases", 0, 13_858, 91_227),
]
LINES = {"complete-journey": 75_000, "bread-basket": 18_887, "groceries": 38_006, "ta-feng": 571_933}


@pytest.mark.data
@pytest.mark.parametrize(("name", "folder", "person_frames", "persons", "purchases"), COUNTS)
def test_the_real_data_sets_are_accounted_for(
    name: str, folder: str, person_frames: int, persons: int, purchases: int, tmp_path: Path
) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip(f"no data set {DATA / folder}: set VIGIL_DATA to the folder that holds {folder}")
    imported = IMPORTERS[name](DATA / folder, tmp_path)
    assert (imported.person_frames, imported.persons, imported.purchases) == (person_frames, persons, purchases)
    if name in LINES:
        assert sum(len(purchase.lines) for purchase in purchases_of(tmp_path)) == LINES[name]
    else:
        check_rows(tmp_path, person_frames)


def check_rows(recording: Path, person_frames: int) -> None:
    times, seen, last_ms = 0, 0, -1
    for batch in read_batches(recording / "poses.parquet"):
        time_ms = batch.column("time_ms").to_numpy()
        assert time_ms[0] >= last_ms
        assert (np.diff(time_ms) >= 0).all()
        times, seen, last_ms = times + len(time_ms), seen + len(time_ms) - batch.column("track").null_count, time_ms[-1]
    assert seen == person_frames


def test_every_importer_is_tried_on_its_real_data_set() -> None:
    assert {name for name, *_ in COUNTS} == set(IMPORTERS)
