"""`vigil worker` on a real broker: what it publishes is what the embedded run writes, whatever stands between."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL

import msgspec
import numpy as np
import pytest
from kafka import KafkaProducer

from features.events import IdentityChange
from features.keypoints import PersonFrames
from features.site import Site
from streams.adapters.registry import IMPORTERS, folder_of
from streams.clock import now_ms
from streams.config import data_folder
from streams.kafka import topics
from streams.kafka.outgoing import Outgoing, messages
from streams.kafka.playing import closed
from streams.kafka.pose_messages import encode_poses
from streams.kafka.produce import Sender
from streams.kafka.topics import POSES, Topic, full_name
from streams.settings import Produce, Settings
from streams.sources import read_recording, site_of
from tests.running.published import (
    Progress,
    Published,
    difference,
    embedded,
    read_published,
    read_topic,
)
from tests.running.stage import perform
from tests.running.town import PARTITIONS, Town, area_names, town
from tests.running.waiting import wait_for
from tests.running.workers import WorkerProcess, settings_for
from tests.services.broker import KafkaAccess

WITHIN_S = 40
GOES_ON_WITHIN_S = 20  # a bound for busy machines; what it takes is printed


@pytest.fixture(scope="module")
def small() -> Town:
    return town(7, 4)


@pytest.fixture(scope="module")
def sent(small: Town) -> list[Outgoing]:
    return small.messages(Produce())


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str, tmp_path: Path, small: Town) -> Settings:
    return settings_for(broker.bootstrap, prefix, tmp_path, small)


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(settings, "w1", tmp_path) as running:
        yield running


def send(settings: Settings, sent: list[Outgoing]) -> None:
    with Sender(settings.kafka) as sender:
        for one in sent:
            sender.send(one)


def await_all(settings: Settings) -> None:
    with Progress(settings.kafka) as progress:
        progress.await_complete(WITHIN_S)


def check(found: dict[int, Published], sent: list[Outgoing], site: Site, folder: Path) -> None:
    for number, one in found.items():
        assert difference(one, embedded(sent, site, number, folder / f"embedded-{number}"), NAMES) == ""


NAMES = ("journal", "scores", "alerts", "late")


def test_a_town(settings: Settings, small: Town, sent: list[Outgoing], tmp_path: Path) -> None:
    """Asked to end it ends at once, and one that follows it repeats nothing."""
    send(settings, sent)
    with WorkerProcess(settings, "w1", tmp_path) as worker:
        await_all(settings)
        assert worker.stop(10) == 0, worker.log_end()
    found = read_published(settings.kafka, small.site)
    check(found, sent, small.site, tmp_path)
    assert all(one.journal and one.scores and not one.repeats and not one.dead for one in found.values())
    with WorkerProcess(settings, "w1", tmp_path) as again:
        wait_for(lambda: again.said("lane begins") == PARTITIONS, WITHIN_S, "the lanes begin")
        assert again.said("again=0") == PARTITIONS
        assert again.stop(10) == 0, again.log_end()
    with Progress(settings.kafka) as progress:
        assert progress.committed() == progress.ends()
    assert {number: one.repeats for number, one in read_published(settings.kafka, small.site).items()} == {
        number: {} for number in range(PARTITIONS)
    }


@pytest.mark.data
def test_a_real_recording(broker: KafkaAccess, prefix: str, tmp_path: Path) -> None:
    source = data_folder() / folder_of("poselift-dev")
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set VIGIL_DATA to the folder that holds {folder_of('poselift-dev')}")
    recording = tmp_path / "recording"
    IMPORTERS["poselift-dev"](source, recording)
    site = site_of(recording)
    of = Town(site, PersonFrames.empty(), [])
    items = closed(read_recording(recording, site), site, of.areas)
    sent = list(messages(items, of.areas, Produce(frames_per_message=30, wait_ms=5_000)))
    used = settings_for(broker.bootstrap, prefix, tmp_path, of)
    found = perform(of, sent, used, tmp_path)
    of_site = next(number for number, one in found.items() if one.journal)
    check({of_site: found[of_site]}, sent, site, tmp_path)
    assert found[of_site].scores


@dataclass(frozen=True)
class Poison:
    """A message that cannot be used, what is wrong with it, and how many of its rows are."""

    topic: Topic
    value: bytes
    field: str
    got: str
    partition: int = 0
    place: int = 1


def poisons(small: Town) -> dict[str, Poison]:
    here, there = area_names(2)
    rows = int((small.frames.time_ms == small.frames.time_ms[0]).sum())
    first = small.frames.take(slice(0, rows))
    mine = first.take(first.camera == 0)
    return {
        "random bytes": Poison(POSES, bytes(range(256)) * 4, "$", ""),
        "nothing": Poison(POSES, b"", "$", ""),
        "wrong JSON": Poison(topics.PURCHASES, b'{"type":"purchase"', "$", ""),
        "a forbidden attribute": Poison(topics.DISPOSITIONS, b'{"type":"disposition","age":3}', "$.age", ""),
        "poses among purchases": Poison(topics.PURCHASES, encode_poses(mine, f"{here}-floor"), "$", ""),
        "another partition": Poison(POSES, encode_poses(mine, f"{here}-floor"), "partition", "partition 1", 1),
        "an unknown camera": Poison(POSES, encode_poses(mine, "nowhere"), "camera", "nowhere"),
        "two areas": Poison(
            topics.IDENTITIES, _across(here, there), "$.other_camera", f"{there}-floor of area {there}"
        ),
        "the far future": Poison(POSES, encode_poses(_ahead(mine), f"{here}-floor"), "time_ms", ""),
        "a bad confidence": Poison(POSES, encode_poses(_confident(mine), f"{here}-floor"), "confidence", ""),
    }


def _across(here: str, there: str) -> bytes:
    change = IdentityChange("across", "link", 1_700_000_001_000, f"{here}-floor", 1, f"{there}-floor", 1)
    return msgspec.json.encode(change)


def _ahead(frames: PersonFrames) -> PersonFrames:
    return replace(frames, time_ms=np.full(len(frames), now_ms() + 3_600_000))


def _confident(frames: PersonFrames) -> PersonFrames:
    confidence = frames.confidence.copy()
    confidence[0, :] = 1_001
    return replace(frames, confidence=confidence)


def test_poison(settings: Settings, small: Town, sent: list[Outgoing], worker: WorkerProcess, tmp_path: Path) -> None:
    """Every message that cannot be used is among the dead letters as it came; the rest is scored as without them."""
    bad = poisons(small)
    every = len(sent) // (len(bad) + 1)
    producer = KafkaProducer(bootstrap_servers=settings.kafka.brokers, acks="all")
    sources = dict[str, str]()
    for number, (name, one) in enumerate(bad.items()):
        send(settings, sent[number * every : (number + 1) * every])
        headers = [("trace", name.encode())]
        where = full_name(one.topic, settings.kafka)
        kept = producer.send(where, one.value, name.encode(), headers, one.partition).get(WITHIN_S)
        sources[name] = f"{one.topic.name}/{kept.partition}/{kept.offset}"
    send(settings, sent[len(bad) * every :])
    producer.close()
    await_all(settings)
    assert worker.stop() == 0
    found = read_published(settings.kafka, small.site)
    dead = {name: pair for one in found.values() for name, pair in one.dead.items()}
    assert dead.keys() == set(sources.values())
    for name, one in bad.items():
        letter, record = dead[sources[name]]
        assert (record.value, record.key) == (one.value, name.encode()), name
        assert record.headers["trace"] == name.encode()
        assert (letter.field, letter.place) == (one.field, one.place), name
        assert letter.expected, name
        assert letter.got, name
        assert one.got in letter.got, name
    check(found, sent, small.site, tmp_path)


def test_it_goes_on_after_a_kill(settings: Settings, small: Town, sent: list[Outgoing], tmp_path: Path) -> None:
    half = len(sent) // 2
    with WorkerProcess(settings, "w1", tmp_path) as worker:
        send(settings, sent[:half])
        await_all(settings)
        before = published_messages(settings)
        worker.send(SIGKILL)
        worker.kill()
        send(settings, sent[half:])
        start = time.monotonic()
        worker.start()
        wait_for(lambda: published_messages(settings) > before, GOES_ON_WITHIN_S, "it goes on")
        print(f"the first new message of the journal {time.monotonic() - start:.2f} s after the start")  # noqa: T201
        await_all(settings)
        assert worker.stop() == 0
    check(read_published(settings.kafka, small.site), sent, small.site, tmp_path)


def published_messages(settings: Settings) -> int:
    return sum(map(len, read_topic(settings.kafka, topics.JOURNAL).values()))
