"""What is sent of a recording, in which order, and what closes it."""

from collections.abc import Iterator
from itertools import chain

import msgspec
import numpy as np
import pytest

from features.camera import CameraStep
from features.events import BasketLine, Disposition, IdentityChange, Purchase
from features.keypoints import NO_TRACK, PersonFrames
from features.site import Camera, Site, Till, Timing, Zone
from models.bundle import default_bundle
from models.scenarios.generate import generate
from streams.closing_frames import closing_frames, closing_ms
from streams.kafka.areas import Areas, partition_of
from streams.kafka.messages import decode_fact
from streams.kafka.outgoing import Outgoing, messages
from streams.kafka.playing import closed, last_ms_of, repeated, shifted
from streams.kafka.pose_encoder import PoseEncoder
from streams.kafka.pose_messages import PoseReader, Poses, encode_poses
from streams.kafka.topics import POSES, PURCHASES
from streams.pipeline import Pipeline
from streams.settings import Produce
from streams.sources import DeadLetter, Item, merge
from tests.property.worlds import world

SITE = Site(
    name="shop",
    cameras=[Camera("a", area="north"), Camera("b", area="south"), Camera("c", area="north")],
)
AREAS = Areas.of(SITE, 4)


def rows(*given: tuple[int, int, int]) -> PersonFrames:
    """Person-frames of (time, camera, track)."""
    frames = PersonFrames.empty(len(given))
    frames.time_ms[:], frames.camera[:], frames.track[:] = np.array(given).T
    frames.x[:] = frames.track
    return frames


def regular(camera: int, frames: int, every_ms: int = 100, persons: int = 2) -> list[tuple[int, int, int]]:
    return [(at * every_ms, camera, track) for at in range(frames) for track in range(persons)]


def poses_of(sent: list[Outgoing]) -> list[Poses]:
    return [PoseReader().read(one.value) for one in sent if one.topic is POSES]


def content(sent: list[Outgoing]) -> dict[str, list[tuple[int, int]]]:
    """(time, track) by camera, in the order of sending."""
    found: dict[str, list[tuple[int, int]]] = {}
    for poses in poses_of(sent):
        pairs = zip(poses.time_ms.tolist(), poses.track.tolist(), strict=True)
        found.setdefault(poses.camera, []).extend(pairs)
    return found


def purchase(time_ms: int, receipt: str = "r") -> Purchase:
    return Purchase(receipt, time_ms, "shop", "1", [BasketLine("bread", "food")])


def send(*items: Item, frames: int = 4, wait_ms: int = 300) -> list[Outgoing]:
    return list(messages(items, AREAS, Produce(frames, wait_ms)))


def test_messages_hold_as_many_frames_as_the_settings_say() -> None:
    sent = send(rows(*regular(0, 8)))
    assert [sorted(set(poses.time_ms.tolist())) for poses in poses_of(sent)] == [
        [0, 100, 200],
        [300, 400, 500],
        [600, 700],
    ]
    sent = send(rows(*regular(0, 8)), wait_ms=10_000)
    assert [len(set(poses.time_ms.tolist())) for poses in poses_of(sent)] == [4, 4]
    assert [one.person_frames for one in sent] == [8, 8]


def test_a_message_goes_when_it_is_full_or_its_first_frame_has_waited() -> None:
    assert [one.time_ms for one in send(rows(*regular(0, 8)), wait_ms=10_000)] == [400, 10_400]
    assert [one.time_ms for one in send(rows(*regular(0, 8)))] == [300, 600, 900]


def test_without_waiting_every_frame_is_a_message() -> None:
    sent = send(rows(*regular(0, 5)), wait_ms=0)
    assert [set(poses.time_ms.tolist()) for poses in poses_of(sent)] == [{0}, {100}, {200}, {300}, {400}]
    assert all(poses.track.tolist() == [0, 1] for poses in poses_of(sent))


def test_a_silent_cameras_frames_go_by_the_time_of_the_others() -> None:
    alone = rows((0, 0, 5), *[(at, 1, 7) for at in range(0, 2_000, 100)])
    first = send(alone)[0]
    assert (PoseReader().read(first.value).camera, first.time_ms) == ("a", 300)


@pytest.mark.parametrize("cut", [1, 3, 7, 50])
@pytest.mark.parametrize("wait_ms", [0, 250, 5_000])
def test_blocks_may_be_cut_anywhere(cut: int, wait_ms: int) -> None:
    given = sorted([*regular(0, 30), *regular(1, 17, 170), *regular(2, 9, 333, 3)])
    whole = rows(*given)
    parts = [whole.take(slice(at, at + cut)) for at in range(0, len(whole), cut)]
    expected = send(whole, wait_ms=wait_ms)
    assert send(*parts, wait_ms=wait_ms) == expected
    assert [one.time_ms for one in expected] == sorted(one.time_ms for one in expected)


@pytest.mark.parametrize("seed", range(20))
def test_every_row_is_sent_once_in_its_cameras_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    given = [(int(time), int(random.integers(3)), int(random.integers(5))) for time in random.integers(0, 5_000, 300)]
    given.sort(key=lambda row: row[0] + int(random.integers(400)))  # out of order, as frames arrive
    found = content(send(rows(*given), frames=int(random.integers(1, 6)), wait_ms=int(random.integers(0, 600))))
    for place, camera in enumerate("abc"):
        assert found[camera] == [(time, track) for time, at, track in given if at == place]


@pytest.mark.parametrize("seed", range(20))
def test_a_frame_is_in_one_message(seed: int) -> None:
    random = np.random.default_rng(seed)
    given = sorted(chain.from_iterable(regular(camera, 20, int(random.integers(30, 400))) for camera in range(3)))
    seen = set[tuple[str, int]]()
    for poses in poses_of(send(rows(*given), frames=int(random.integers(1, 6)), wait_ms=int(random.integers(0, 600)))):
        times = {(poses.camera, time_ms) for time_ms in poses.time_ms.tolist()}
        assert not times & seen
        seen |= times


def test_a_frame_stays_whole_while_others_come_between() -> None:
    sent = send(rows((0, 0, 1), (5, 1, 1), (0, 0, 2), (9, 1, 1)), wait_ms=0)
    assert [poses.track.tolist() for poses in poses_of(sent) if poses.camera == "a"] == [[1, 2]]


def test_keys_and_partitions_are_those_of_the_areas() -> None:
    sent = send(rows(*sorted([*regular(0, 3), *regular(1, 3), *regular(2, 3)])), purchase(500))
    areas = {"a": "north", "b": "south", "c": "north"}
    for one in sent:
        area = areas[PoseReader().read(one.value).camera] if one.topic is POSES else "north"
        assert (one.key.decode(), one.partition) == (area, partition_of(area, 4))


def test_a_fact_comes_before_later_frames_and_is_what_it_was() -> None:
    fact = purchase(450)
    sent = send(rows(*regular(0, 5)), fact, rows((500, 0, 1), (600, 0, 1)))
    at = next(at for at, one in enumerate(sent) if one.topic is PURCHASES)
    assert decode_fact(sent[at].value) == fact
    assert all(poses.time_ms.max() <= 450 for poses in poses_of(sent[:at]))
    assert {int(time) for poses in poses_of(sent) for time in poses.time_ms} == {0, 100, 200, 300, 400, 500, 600}


def test_a_fact_about_two_areas_is_refused_and_the_rest_is_sent() -> None:
    change = IdentityChange("x", "link", 100, "a", 1, "b", 2)
    refused = list[DeadLetter]()
    given: list[Item] = [DeadLetter("poses.parquet", 3, "track", "0", "-7"), change, rows(*regular(0, 2))]
    sent = list(messages(given, AREAS, Produce(), refused.append))
    assert [(one.source, one.field) for one in refused] == [
        ("poses.parquet", "track"),
        ("identities", "$.other_camera"),
    ]
    assert [one.topic for one in sent] == [POSES]


def test_an_encoder_gives_the_same_bytes_as_encode_poses() -> None:
    random = np.random.default_rng(1)
    frames = PersonFrames.empty(500)
    for column in (frames.time_ms, frames.track, frames.box, frames.x, frames.y, frames.confidence):
        column[:] = random.integers(-30_000, 30_000, column.shape)
    encoder = PoseEncoder()
    for camera in ("a", "a-much-longer-name"):
        block, at = encoder.block(frames, camera), 0
        while at < 450:
            to = at + int(random.integers(1, 40))
            assert block.encode(at, to) == encode_poses(frames.take(slice(at, to)), camera)
            at = to


def test_repeated_items_are_shifted_alike_by_whole_steps() -> None:
    given: list[Item] = [DeadLetter("x", 1, "", "", ""), rows((1_234, 0, 5), (2_345, 0, 5)), purchase(3_000)]
    items = list(repeated(lambda: given, SITE, times=3, start_ms=1_000_001))
    times = [last_ms_of(item) for item in items if not isinstance(item, DeadLetter)]
    assert len(items) == 1 + 3 * 2
    first = items[1]
    assert isinstance(first, PersonFrames)
    assert first.time_ms.tolist() == [1_001_234, 1_002_345]
    steps = np.diff(times[::2])
    assert (steps % SITE.timing.score_every_ms == 0).all()
    assert (steps > closing_ms(SITE.timing)).all()
    assert (np.diff(times[1::2]) == steps).all()


def test_names_of_persons_move_with_the_time() -> None:
    disposition = Disposition("d", 5_000, "a/7/4", "agree", "somebody")
    moved = shifted(disposition, 10_000)
    assert moved == msgspec.structs.replace(disposition, time_ms=15_000, person="a/7/14")
    assert shifted(msgspec.structs.replace(disposition, person="a/7"), 10_000) == msgspec.structs.replace(
        disposition, time_ms=15_000, person="a/7"
    )


def test_only_the_cameras_of_areas_that_occurred_are_closed() -> None:
    *_, last = closed([rows(*regular(0, 5))], SITE, AREAS)
    assert isinstance(last, PersonFrames)
    assert last.camera.tolist() == [0, 2]
    assert set(last.track.tolist()) == {NO_TRACK}
    *_, last = closed([purchase(7)], SITE, AREAS)
    assert isinstance(last, PersonFrames)
    assert last.camera.tolist() == [0, 2]


def left_open(site: Site, items: Iterator[Item]) -> tuple[CameraStep, int]:
    """What the end of the input closes, and how many entries came before."""
    pipeline, entries = Pipeline.start(site, default_bundle()), 0
    for item in items:
        assert not isinstance(item, DeadLetter)
        entries += len(pipeline.take(item).entries)
    return pipeline.finish(), entries


def test_nothing_of_a_scenario_is_left_open_after_closing_frames() -> None:
    scenario = generate(3, 12)
    sources: list[Iterator[tuple[int, Item]]] = [
        iter([(int(scenario.frames.time_ms[0]), scenario.frames)]),
        iter([(one.time_ms, one) for one in scenario.purchases]),
    ]
    items, areas = list(merge(sources)), Areas.of(scenario.site, 1)
    assert left_open(scenario.site, iter(items))[0].entries
    finish, entries = left_open(scenario.site, closed(items, scenario.site, areas))
    assert (finish.entries, bool(entries)) == ([], True)


@pytest.mark.parametrize("seed", range(25))
def test_nothing_of_any_world_is_left_open(seed: int) -> None:
    made = world(seed)
    items: list[Item] = [made.frames, *made.facts]
    last_ms = max(last_ms_of(item) for item in items if not isinstance(item, DeadLetter))
    finish, _ = left_open(made.site, iter([*items, closing_frames(made.site, last_ms)]))
    assert finish.entries == []


@pytest.mark.parametrize(
    "timing",
    [
        Timing(pose_allowance_ms=30_000, fact_allowance_ms=0, track_silence_ms=1_500),
        Timing(track_silence_ms=600_000, camera_silence_ms=3_600_000),
        Timing(pose_allowance_ms=0, fact_allowance_ms=3_600_000),
        Timing(pose_allowance_ms=999, track_silence_ms=9_001, fact_allowance_ms=0, camera_silence_ms=1_000),
    ],
)
def test_closing_frames_heed_every_timing(timing: Timing) -> None:
    till = Zone("till", "till", [(0.0, 0.0), (90.0, 0.0), (90.0, 90.0)])
    site = Site(cameras=[Camera("a", [till]), Camera("b")], tills=[Till("1", "shop", "a", "till")], timing=timing)
    frames = rows(*sorted([*regular(0, 100), *regular(1, 40)]))
    items: list[Item] = [frames, purchase(9_000), IdentityChange("x", "link", 9_500, "a", 1, "b", 0)]
    finish, entries = left_open(site, iter([*items, closing_frames(site, 9_900)]))
    assert (finish.entries, bool(entries)) == ([], True)
