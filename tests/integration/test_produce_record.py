"""`vigil produce` and `vigil record` against a broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from typer.testing import CliRunner

from features.site import Camera, Site
from models.bundle import default_bundle
from models.records import Alert, Score
from models.scenarios.generate import generate
from streams.audit.visit_keys import VISIT_KEYS, read_keys
from streams.closing_frames import closing_ms
from streams.codecs.journal import encode_rows, read_rows
from streams.contracts.cloudevents import cloud_event
from streams.embedded import Summary
from streams.jobs import record_scenario, run_recording
from streams.kafka import commands, produce
from streams.kafka.areas import Areas
from streams.kafka.lane_seal import encode_key
from streams.kafka.messages import STEP, WHY, decode_fact
from streams.kafka.outgoing import Outgoing, messages
from streams.kafka.playing import closed
from streams.kafka.pose_messages import PoseReader
from streams.kafka.produce import Sender, play
from streams.kafka.record import record
from streams.kafka.recorded_outputs import GapError
from streams.kafka.topic_check import Topics
from streams.kafka.topics import INPUTS, OUTPUTS, POSES, PURCHASES, full_name, wanted
from streams.recording import RecordingWriter
from streams.runs import RunFolderError, open_run, read_lines
from streams.settings import Kafka, Settings
from streams.site_file import dump_site, load_site
from streams.sources import DeadLetter, read_recording
from tests.running.replayed import replay_journal
from tests.services.broker import KafkaAccess

IDLE_S = 2.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording and, in `run`, the run of it with its closing frames."""
    folder = tmp_path_factory.mktemp("shop")
    record_scenario(generate(5, 25), folder / "recording")
    return folder


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str) -> Settings:
    return prepared(Settings(kafka=Kafka(brokers=[broker.bootstrap], prefix=prefix, partitions=1)))


def prepared(settings: Settings) -> Settings:
    with Topics(settings.kafka) as topics:
        assert {one.state for one in topics.make(topics.look(wanted(settings.kafka)))} == {"made"}
    return settings


def arrived(settings: Settings) -> list[Any]:
    """All there is in the input topics, each topic and partition in its order."""
    names = [full_name(topic, settings.kafka) for topic in INPUTS]
    parts = [TopicPartition(name, part) for name in names for part in range(settings.kafka.partitions)]
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.brokers, auto_offset_reset="earliest")
    consumer.assign(parts)
    ends, found = consumer.end_offsets(parts), list[Any]()
    deadline = time.monotonic() + 60
    while len(found) < sum(ends.values()):
        assert time.monotonic() < deadline
        found += [one for ones in consumer.poll(200).values() for one in ones]
    consumer.close()
    return found


def same_files(one: Path, other: Path, *names: str) -> None:
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_what_was_played_and_recorded_is_the_same_recording(shop: Path, settings: Settings, tmp_path: Path) -> None:
    site = load_site(shop / "recording" / "site.yaml")
    played = play(read_recording(shop / "recording", site), site, settings, close=False)
    recorded = record(tmp_path, site, default_bundle(), settings, topics=INPUTS, until_idle_s=IDLE_S)
    rows = pq.read_table(shop / "recording" / "poses.parquet")
    assert played.person_frames == recorded.person_frames == rows.num_rows - rows["track"].null_count
    assert (
        played.facts
        == recorded.messages["purchases"]
        == len((shop / "recording/events.jsonl").read_bytes().splitlines())
    )
    assert (recorded.refused, recorded.folders) == (0, {0: [tmp_path / "recording"]})
    for recording, folder in ((shop / "recording", "first"), (tmp_path / "recording", "second")):
        run_recording(recording, site, default_bundle(), tmp_path / folder, lambda _: None)
    same_files(tmp_path / "first", tmp_path / "second", "scores.jsonl", "alerts.jsonl", "summary.json")


def test_facts_are_in_their_topic_before_later_poses(shop: Path, settings: Settings) -> None:
    site = load_site(shop / "recording" / "site.yaml")
    play(read_recording(shop / "recording", site), site, settings)
    found = arrived(settings)
    written = {
        topic: [(one.timestamp, one) for one in found if one.topic == full_name(topic, settings.kafka)]
        for topic in (POSES, PURCHASES)
    }
    assert len(written[PURCHASES]) > 5
    reader = PoseReader()
    poses = [(stamp, int(reader.read(one.value).time_ms.min())) for stamp, one in written[POSES]]
    for stamp, one in written[PURCHASES]:
        fact = decode_fact(one.value)
        later = [written_ms for written_ms, first_ms in poses if first_ms > fact.time_ms]
        assert later
        assert stamp <= min(later)


def test_a_fact_is_acknowledged_before_a_pose_of_its_partition_is_sent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(produce, "LINGER_MS", 60_000)  # nothing goes of itself
    names = {topic: TopicPartition(full_name(topic, settings.kafka), 0) for topic in (PURCHASES, POSES)}
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.brokers)
    with Sender(settings.kafka) as sender:
        for topic, there in ((POSES, (0, 0)), (PURCHASES, (0, 0)), (PURCHASES, (0, 0)), (POSES, (2, 1))):
            sender.send(Outgoing(topic, 0, b"area", b"{}", [], 0))
            ends = consumer.end_offsets(list(names.values()))
            assert tuple(ends[names[each]] for each in (PURCHASES, POSES)) == there
    consumer.close()


def test_a_message_that_the_broker_refuses_is_an_error(settings: Settings) -> None:
    too_large = Outgoing(PURCHASES, 0, b"area", bytes(9_000_000), [], 0)
    with pytest.raises(KafkaError, match="MessageSizeTooLarge"), Sender(settings.kafka) as sender:
        sender.send(too_large)


def test_closing_frames_come_last(shop: Path, settings: Settings) -> None:
    site = load_site(shop / "recording" / "site.yaml")
    play(read_recording(shop / "recording", site), site, settings)
    reader, latest = PoseReader(), dict[str, tuple[int, int]]()
    for one in arrived(settings):
        if one.topic == full_name(POSES, settings.kafka):
            poses = reader.read(one.value)
            latest[poses.camera] = int(poses.time_ms[-1]), int(poses.track[-1])
    ends = {time_ms for time_ms, _ in latest.values()}
    assert len(latest) == len(site.cameras)
    assert len(ends) == 1
    assert {track for _, track in latest.values()} == {-1}
    table = pq.read_table(shop / "recording" / "poses.parquet", columns=["time_ms"])
    assert ends.pop() >= int(np.max(table["time_ms"].to_numpy())) + closing_ms(site.timing)


def test_messages_may_be_repeated_and_reordered(shop: Path, settings: Settings, tmp_path: Path) -> None:
    site = load_site(shop / "recording" / "site.yaml")
    areas = Areas.of(site, 1)
    ready = list(messages(closed(read_recording(shop / "recording", site), site, areas), areas, settings.produce))
    random = Random(3)
    at = sorted(range(len(ready)), key=lambda place: ready[place].time_ms + random.randint(0, 100))
    with Sender(settings.kafka) as sender:
        for place in at:
            for _ in range(random.choice((1, 1, 2))):
                sender.send(ready[place])
    record(tmp_path, site, default_bundle(), settings, topics=INPUTS, until_idle_s=IDLE_S)
    once = run_recording(shop / "recording", site, default_bundle(), tmp_path / "once", lambda _: None)
    twice = run_recording(tmp_path / "recording", site, default_bundle(), tmp_path / "twice", lambda _: None)
    assert twice.person_frames_repeated > 1_000
    assert twice.person_frames - twice.person_frames_repeated == once.person_frames
    assert (twice.scores, twice.purchases_repeated > 0) == (once.scores, True)


Sent = tuple[str, str, bytes, list[tuple[str, bytes]]]


def published(run: Path, settings: Settings, site: Site, seed: int = 1, repeats: float = 0.3, **lost: int) -> None:
    """Send what a run wrote as workers do, with messages repeated; `lost` has a journal message to leave out."""
    random = Random(seed)
    sent = [*_journal(run, lost.get("journal", -1))]
    sent += [("scores", one.person, msgspec.json.encode(one), []) for one in read_lines(run / "scores.jsonl", Score)]
    sent += [("alerts", one.person, cloud_event(one, site.name), []) for one in read_lines(run / "alerts.jsonl", Alert)]
    producer = KafkaProducer(bootstrap_servers=settings.kafka.brokers, linger_ms=5)
    for at, (topic, key, value, headers) in enumerate(sent):
        producer.send(f"{settings.kafka.prefix}{topic}", value, key.encode(), headers, 0)
        again = sent[max(0, at - random.randrange(20)) : at + 1] if random.random() < repeats else []
        for name, known, content, more in again:
            producer.send(f"{settings.kafka.prefix}{name}", content, known.encode(), more, 0)
    producer.flush()
    producer.close()


def _journal(run: Path, lost: int) -> Iterator[Sent]:
    """Keys of visits, and the journal in messages of some rows of whole positions; one of them is lost."""
    for key in read_keys(run / VISIT_KEYS):
        yield "visit-keys", key.id.hex(), encode_key(key), []
    rows = [row for some in read_rows(run / "journal.parquet") for row in some]
    by_position = [list(same) for _, same in groupby(rows, lambda row: row.position)]
    for number, at in enumerate(range(0, len(by_position), 70)):
        if number != lost:
            message = [row for same in by_position[at : at + 70] for row in same]
            yield "journal", "0", encode_rows(message), []


@pytest.fixture(scope="module")
def run(shop: Path) -> Path:
    site = load_site(shop / "recording" / "site.yaml")
    run_recording(shop / "recording", site, default_bundle(), shop / "run", lambda _: None)
    return shop / "run"


def test_recorded_outputs_are_the_folder_of_a_run(run: Path, settings: Settings, tmp_path: Path) -> None:
    site = load_site(run / "site.yaml")
    published(run, settings, site)
    recorded = record(tmp_path, site, default_bundle(), settings, topics=OUTPUTS, until_idle_s=IDLE_S)
    folder = tmp_path / "partition-00"
    assert recorded.repeats > 10
    same_files(run, folder, "scores.jsonl", "alerts.jsonl", "bundle.json", "site.yaml")
    opened = open_run(folder)
    assert replay_journal(opened, tmp_path / "replayed") is None
    expected = msgspec.json.decode((run / "summary.json").read_bytes(), type=Summary)
    assert opened.summary.unaccounted == 0
    ignored = {"person_frames", "person_frames_repeated", "person_frames_opted_out", "frames_without_persons"}
    for name in set(Summary.__struct_fields__) - ignored:
        assert getattr(opened.summary, name) == getattr(expected, name), name


def test_what_was_set_aside_is_recorded_and_counted(run: Path, settings: Settings, tmp_path: Path) -> None:
    site = load_site(run / "site.yaml")
    published(run, settings, site, repeats=0)
    letters = [DeadLetter(f"poses/0/{at}", 1, "track", "0", "-7", person_frames=at) for at in (3, 4)]
    late = b'{"type":"person_frame","camera":"floor","track":7,"time_ms":12}\n' * 2
    producer = KafkaProducer(bootstrap_servers=settings.kafka.brokers)
    for letter in (*letters, letters[1]):
        producer.send(f"{settings.kafka.prefix}dead-letters", b"?", None, [(WHY, msgspec.json.encode(letter))], 0)
    for _ in range(2):
        producer.send(f"{settings.kafka.prefix}late", late, b"0", [(STEP, b"5")], 0)
    producer.flush()
    record(tmp_path, site, default_bundle(), settings, topics=OUTPUTS, until_idle_s=IDLE_S)
    folder = tmp_path / "partition-00"
    assert list(read_lines(folder / "dead-letters.jsonl", DeadLetter)) == letters
    assert (folder / "late.jsonl").read_bytes() == late
    summary = open_run(folder).summary
    assert (summary.dead_letters, summary.person_frames_dead, summary.person_frames_late) == (2, 7, 2)
    assert summary.unaccounted == 0


def test_a_gap_in_the_journal_is_an_error_with_both_positions(run: Path, settings: Settings, tmp_path: Path) -> None:
    site = load_site(run / "site.yaml")
    published(run, settings, site, repeats=0, journal=2)
    with pytest.raises(GapError) as gap:
        record(tmp_path, site, default_bundle(), settings, topics=OUTPUTS, until_idle_s=IDLE_S)
    assert 0 < gap.value.expected < gap.value.got
    assert f"expected position {gap.value.expected} of the journal, got {gap.value.got}" in str(gap.value)
    assert not (tmp_path / "partition-00" / "summary.json").exists()
    assert pq.ParquetFile(tmp_path / "partition-00" / "journal.parquet").metadata.num_rows == gap.value.expected


def test_scores_of_another_bundle_are_refused(run: Path, settings: Settings, tmp_path: Path) -> None:
    score = msgspec.structs.replace(next(read_lines(run / "scores.jsonl", Score)), bundle="another")
    producer = KafkaProducer(bootstrap_servers=settings.kafka.brokers)
    producer.send(f"{settings.kafka.prefix}scores", msgspec.json.encode(score), b"p", [], 0)
    producer.flush()
    with pytest.raises(RunFolderError, match=r"scores/0/0: expected scores of the bundle .*, got another"):
        record(tmp_path, load_site(run / "site.yaml"), default_bundle(), settings, topics=OUTPUTS, until_idle_s=IDLE_S)


def test_several_partitions_are_several_recordings(
    shop: Path, broker: KafkaAccess, prefix: str, tmp_path: Path
) -> None:
    settings = prepared(Settings(kafka=Kafka(brokers=[broker.bootstrap], prefix=prefix, partitions=4)))
    plain = load_site(shop / "recording" / "site.yaml")
    cameras = [msgspec.structs.replace(camera, area=f"area-{at}") for at, camera in enumerate(plain.cameras)]
    site = msgspec.structs.replace(plain, cameras=cameras)
    played = play(read_recording(shop / "recording", site), site, settings)
    areas = Areas.of(site, 4)
    ready = next(messages(read_recording(shop / "recording", site), areas, settings.produce))
    with Sender(settings.kafka) as sender:
        sender.send(ready._replace(partition=(ready.partition + 1) % 4))
    recorded = record(tmp_path, site, default_bundle(), settings, topics=INPUTS, until_idle_s=IDLE_S)
    assert recorded.refused == 1
    assert len(played.partitions) > 1
    assert set(recorded.folders) >= set(played.partitions)
    for partition, part in played.partitions.items():
        recording = tmp_path / f"partition-{partition:02}" / "recording"
        table = pq.read_table(recording / "poses.parquet")
        assert table.num_rows - table["track"].null_count == part.person_frames
        assert part.areas <= areas.of_partition(partition)
        names = set(table["camera"].to_pylist())
        assert names == {camera for camera, area in areas.of_camera.items() if area in part.areas}


def test_inputs_that_workers_refuse_are_left_out(settings: Settings, tmp_path: Path) -> None:
    site = Site(cameras=[Camera("floor")])
    now_ms = time.time_ns() // 1_000_000
    line = b'{"type":"poses","camera":"%s","frames":[{"time_ms":%d,"persons":[{"track":1,"box":[0,0,9,9]}]}]}'
    producer = KafkaProducer(bootstrap_servers=settings.kafka.brokers)
    times = (now_ms, now_ms + 30_000, now_ms + 600_000)
    for value in (*(line % (b"floor", at) for at in times), line % (b"roof", now_ms), b"{", b""):
        producer.send(f"{settings.kafka.prefix}poses", value, b"site", [], 0)
    producer.flush()
    recorded = record(tmp_path, site, default_bundle(), settings, topics=INPUTS, until_idle_s=IDLE_S)
    assert (recorded.refused, recorded.person_frames) == (4, 2)
    assert pq.read_table(tmp_path / "recording" / "poses.parquet")["time_ms"].to_pylist() == list(times[:2])


app = typer.Typer()
app.command()(commands.produce)
app.command()(commands.record)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        "VIGIL_KAFKA__BROKERS": settings.kafka.brokers[0],
        "VIGIL_KAFKA__PREFIX": settings.kafka.prefix,
        "VIGIL_KAFKA__PARTITIONS": str(settings.kafka.partitions),
        "COLUMNS": "160",
        **more,
    }


def test_produce_and_record_say_what_they_did(shop: Path, settings: Settings, tmp_path: Path) -> None:
    recording = shop / "recording"
    site = tmp_path / "elsewhere.yaml"
    site.write_text(
        dump_site(msgspec.structs.replace(load_site(recording / "site.yaml"), name="elsewhere")), encoding="utf-8"
    )
    arguments = ["produce", str(recording), "--site", str(site), "--speed", "flat-out", "--loop", "2"]
    told = CliRunner().invoke(app, arguments, env=environment(settings))
    assert "elsewhere" in told.output
    assert told.exit_code == 0, told.output
    persons = 2 * sum(track is not None for track in pq.read_table(recording / "poses.parquet")["track"].to_pylist())
    assert f"{persons:,} person-frames" in told.output
    used = environment(settings, VIGIL_SITE=str(site))
    told = CliRunner().invoke(app, ["record", str(tmp_path / "out"), "--until-idle", "2", "--inputs"], env=used)
    assert told.exit_code == 0, told.output
    assert f"wrote {tmp_path / 'out' / 'recording'}" in told.output
    table = pq.read_table(tmp_path / "out" / "recording" / "poses.parquet")
    assert table.num_rows - table["track"].null_count == persons


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--speed", "fast"], "--speed: expected recorded, flat-out or a number of times such as 10x, got fast"),
        (["--speed", "0x"], "got 0x"),
        (["--now", "--speed", "10x"], "--now: expected --speed recorded"),
    ],
)
def test_speeds_that_are_none_are_refused(shop: Path, settings: Settings, arguments: list[str], told: str) -> None:
    said = CliRunner().invoke(app, ["produce", str(shop / "recording"), *arguments], env=environment(settings))
    assert (said.exit_code, told in said.output) == (2, True), said.output


def test_nothing_is_played_into_topics_that_are_not_there(shop: Path, broker: KafkaAccess, prefix: str) -> None:
    settings = Settings(kafka=Kafka(brokers=[broker.bootstrap], prefix=prefix))
    said = CliRunner().invoke(app, ["produce", str(shop / "recording")], env=environment(settings))
    assert said.exit_code == 2
    assert f"{prefix}poses: topic: expected a topic, got no such topic; `vigil topics` makes it" in said.output


def test_now_shifts_to_now_and_keeps_the_pace(settings: Settings, tmp_path: Path) -> None:
    scenario = generate(5, 1)
    timing = msgspec.structs.replace(scenario.site.timing, score_every_ms=1_000)
    with RecordingWriter(tmp_path, msgspec.structs.replace(scenario.site, timing=timing)) as writer:
        writer.frames(scenario.frames.take(scenario.frames.time_ms < scenario.frames.time_ms[0] + 3_000))
    before = time.time() * 1_000
    said = CliRunner().invoke(app, ["produce", str(tmp_path), "--now", "--no-close"], env=environment(settings))
    assert said.exit_code == 0, said.output
    found = [one for one in arrived(settings) if one.topic == full_name(POSES, settings.kafka)]
    reader = PoseReader()
    first = min(int(reader.read(one.value).time_ms[0]) for one in found)
    last = max(int(reader.read(one.value).time_ms[-1]) for one in found)
    assert 2_500 < last - first < 3_000
    assert before <= first <= before + 3_000
    for one in found:
        poses = reader.read(one.value)
        assert poses.time_ms[-1] <= one.timestamp + 100


def start(command: str, *arguments: object, settings: Settings, **more: str) -> "subprocess.Popen[str]":
    program = f"import typer; from streams.kafka import commands; typer.run(commands.{command})"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, **environment(settings, **more)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_messages(settings: Settings, least: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.brokers)
    part = TopicPartition(full_name(POSES, settings.kafka), 0)
    deadline = time.monotonic() + 60
    while consumer.end_offsets([part])[part] < least:
        assert time.monotonic() < deadline
    consumer.close()


def test_an_interrupted_produce_says_what_was_sent(shop: Path, settings: Settings) -> None:
    process = start("produce", shop / "recording", settings=settings)
    wait_for_messages(settings, 5)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 130, wrong
    counted = len(arrived(settings))
    assert f"Interrupted after {counted:,} messages" in said, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_has_whole_files(
    run: Path, shop: Path, settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    site = load_site(run / "site.yaml")
    published(run, settings, site, repeats=0)
    play(read_recording(shop / "recording", site), site, settings)
    process = start("record", tmp_path, settings=settings, VIGIL_SITE=str(run / "site.yaml"))
    scores = tmp_path / "partition-00" / "scores.jsonl"
    deadline = time.monotonic() + 60
    while not (scores.exists() and scores.stat().st_size):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.send_signal(number)
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong
    assert f"wrote {tmp_path / 'partition-00'}" in said
    assert open_run(tmp_path / "partition-00").summary.person_frames
    assert pq.read_table(tmp_path / "recording" / "poses.parquet").num_rows
