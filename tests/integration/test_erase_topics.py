"""`vigil erase-topics` on a real broker: nothing of the erased can be read, and all else is proven as before."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from models.bundle import default_bundle
from models.records import Score
from streams import jobs
from streams.audit.note import Verifier
from streams.audit.records import Tombstone, decode_record
from streams.erasing.closure import Visits
from streams.erasing.files import Traces
from streams.erasing.mentions import mentions
from streams.erasing.topics import NotYetError, ask, asked_for, finish, read_visits, unfinished
from streams.kafka import topics
from streams.kafka.record import record
from streams.kafka.topics import TOPICS, Topic, full_name
from streams.runs import open_run, read_lines
from streams.settings import Kafka, Produce, Redis, Settings
from tests.integration.test_worker import send
from tests.running.published import Progress, leaves_of, read_topic
from tests.running.town import Town, town
from tests.running.waiting import wait_for
from tests.running.workers import VIGIL, WorkerProcess, settings_for
from tests.services.broker import KafkaAccess
from tests.services.redis_server import RedisAccess

KILLS = int(os.environ.get("VIGIL_CRASHES", "4"))
SEED = int(os.environ.get("VIGIL_TEST_SEED", "20261"))
AT_WORK_S = 1.5
WITHIN_S = 60
IDLE_S = 1.0


@pytest.fixture(scope="module")
def busy() -> Town:
    return town(7, 30, 2)


@pytest.fixture
def settings(broker: KafkaAccess, redis_server: RedisAccess, prefix: str, tmp_path: Path, busy: Town) -> Settings:
    redis = Redis(url=redis_server.url, prefix=prefix)
    settings = settings_for(broker.bootstrap, prefix, tmp_path, busy, redis=redis)
    (tmp_path / "vigil.yaml").write_bytes(msgspec.yaml.encode(settings))
    return settings


@pytest.fixture
def worker(settings: Settings, busy: Town, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker that has taken in a town."""
    send(settings, busy.messages(Produce()))
    with WorkerProcess(settings, "w1", tmp_path) as running:
        await_all(settings)
        yield running


def await_all(settings: Settings) -> None:
    with Progress(settings.kafka) as progress:
        progress.await_complete(WITHIN_S)


def vigil(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(VIGIL), *arguments, "--settings", str(folder / "vigil.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def chosen(settings: Settings, of: Town) -> tuple[set[str], dict[int, set[str]], dict[int, Visits]]:
    """Of each partition a tenth, who left, one who paid among them: their names, and all that are erased with them."""
    asked, names, visits = set[str](), dict[int, set[str]](), dict[int, Visits]()
    for number, one in enumerate(read_visits(settings.kafka, of.site, lambda _: None)):
        old = one.visits.before(one.visits.settled_before_ms())
        paid = sorted(name for name in old & one.visits.receipts.keys() if name in one.visits.trackers)
        tracks = sorted(old & one.visits.trackers.keys())
        if paid and tracks:
            tenth = {paid[0], *tracks[:: max(1, 10 * len(tracks) // len(one.visits.trackers))]}
            asked |= tenth
            names[number], visits[number] = one.visits.together(tenth), one.visits
            assert 10 * len(tenth) >= len(one.visits.trackers)
    assert len(names) == 2
    return asked, names, visits


def everything(kafka: Kafka, topic: Topic) -> bytes:
    """All that can be read of a topic, keys of messages too."""
    messages = [one for ones in read_topic(kafka, topic).values() for one in ones]
    return b"\n".join((one.key or b"") + b" " + (one.value or b"") for one in messages)


def scores_in(settings: Settings, folder: Path, of: Town) -> dict[str, list[Score]]:
    """What a recording of the topics says of each person, whose proofs hold."""
    record(folder, of.site, default_bundle(), settings, until_idle_s=IDLE_S)
    found = dict[str, list[Score]]()
    for run in sorted(folder.glob("partition-*")):
        keys = [line for line in (run / "audit-key.txt").read_text(encoding="utf-8").splitlines() if line]
        jobs.replay_sealed(open_run(run), [Verifier.parse(key) for key in keys], folder / f"replay-{run.name}")
        assert jobs.published_difference(open_run(run), folder / f"replay-{run.name}") is None
        for score in read_lines(run / "scores.jsonl", Score):
            found.setdefault(score.person, []).append(score)
    return found


def test_nothing_of_them_is_left_and_all_else_is_proven(
    settings: Settings, worker: WorkerProcess, busy: Town, tmp_path: Path, redis_server: RedisAccess
) -> None:
    asked, names, visits = chosen(settings, busy)
    gone = set().union(*names.values())
    before = scores_in(settings, tmp_path / "before", busy)
    done = vigil(tmp_path, "erase-topics", *sorted(asked))
    assert done.returncode == 0, done.stderr + worker.log_end()
    assert "visit keys are gone" in done.stdout
    receipts = {
        one.rpartition("/")[2]
        for number, erased in names.items()
        for name in erased
        for one in visits[number].receipts.get(name, ())
    }
    assert receipts
    for topic in TOPICS:
        content = everything(settings.kafka, topic)
        if topic is not topics.VISIT_KEYS:
            assert not [one for one in (*gone, *receipts) if f'"{one}"'.encode() in content], topic.name
    traces = {number: Traces.of(visits[number], frozenset(erased)) for number, erased in names.items()}
    assert mentions(settings.kafka, traces, lambda _: None) == {}, "poses, purchases or others that are theirs"
    there = in_redis(redis_server, settings.kafka.prefix)
    assert settings.kafka.prefix.encode() in there
    assert not [name for name in gone if name.encode() in there]
    after = scores_in(settings, tmp_path / "after", busy)
    assert after == {person: told for person, told in before.items() if person not in gone}
    assert not unfinished(settings.kafka)
    again = vigil(tmp_path, "erase-topics", next(iter(asked)))
    assert again.returncode == 2
    assert "no journal knows" in again.stderr


def in_redis(server: RedisAccess, prefix: str) -> bytes:
    """All that can be read there of the group; tests that run beside have theirs."""
    readers = {
        b"string": lambda client, key: client.get(key),
        b"hash": lambda client, key: client.hgetall(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"set": lambda client, key: client.smembers(key),
    }
    with server.connect() as client:
        return b"\n".join(
            key + repr(readers[client.type(key)](client, key)).encode() for key in client.scan_iter(f"*{prefix}*")
        )


def test_who_is_still_there_stays(settings: Settings, worker: WorkerProcess, busy: Town, tmp_path: Path) -> None:
    found = read_visits(settings.kafka, busy.site, lambda _: None)
    last = max(found[0].visits.trackers, key=lambda name: found[0].visits.last_ms[name])
    refused = vigil(tmp_path, "erase-topics", last)
    assert refused.returncode == 2, worker.log_end()
    assert "news may still come" in refused.stderr


def test_a_crash_only_delays_it(settings: Settings, worker: WorkerProcess, busy: Town, tmp_path: Path) -> None:
    """Asked for while no worker is there, whose successors are killed on the way; then the command finishes it."""
    asked, names, _ = chosen(settings, busy)
    worker.kill()
    found, random = read_visits(settings.kafka, busy.site, lambda _: None), Random(SEED)
    before = {topic.name: 1 for topic in (topics.POSES, topics.SCORES)}
    erasures = [one for number in names for one in asked_for(number, found[number], names[number], before, "asked")]
    ask(settings.kafka, erasures[:1])
    with pytest.raises(NotYetError, match="wait for a worker"):
        finish(settings.kafka, unfinished(settings.kafka), 1)
    for kill in range(KILLS):
        worker.start()
        if kill % 2:
            wait_for(lambda: bool(worker.said("lane begins")), WITHIN_S, "the worker begins")
        if kill == KILLS // 2:
            ask(settings.kafka, erasures[1:])
        time.sleep(random.uniform(0, AT_WORK_S))
        worker.kill()
    worker.start()
    done = vigil(tmp_path, "erase-topics")
    assert done.returncode == 0, done.stderr + worker.log_end()
    assert not unfinished(settings.kafka)
    audit = read_topic(settings.kafka, topics.AUDIT)
    records = [decode_record(leaf) for number in names for leaf in leaves_of(audit[number])]
    stones = [visit.hex() for one in records if isinstance(one, Tombstone) for visit in one.visits]
    assert sorted(stones) == sorted(visit for one in erasures for visit in one.visits)
    assert first_offset(settings.kafka, topics.SCORES, next(iter(names))) == 1
    assert set(scores_in(settings, tmp_path / "after", busy)).isdisjoint(set().union(*names.values()) | asked)


def first_offset(kafka: Kafka, topic: Topic, partition: int) -> int:
    consumer = KafkaConsumer(bootstrap_servers=kafka.brokers)
    place = TopicPartition(full_name(topic, kafka), partition)
    first: int = consumer.beginning_offsets([place])[place]
    consumer.close()
    return first
