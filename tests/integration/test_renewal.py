"""Workers that are killed and started again with another bundle or site: nothing is published twice with other bytes."""

from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import msgspec
import pytest
from msgspec.structs import replace

from models.bundle import AbstainRule, default_bundle, dump, seal
from models.records import Score
from streams.kafka.produce import Sender
from streams.kafka.topics import SCORES
from streams.settings import Produce, Settings, Worker
from streams.site_file import dump_site
from tests.running.published import Progress, Published, difference, embedded, read_published, read_topic
from tests.running.town import PARTITIONS, Town, town
from tests.running.waiting import wait_for
from tests.running.workers import WorkerProcess, settings_for
from tests.services.broker import KafkaAccess

WITHIN_S = 60
SLOW_TO_SAVE = Worker(snapshot_every_s=20.0, session_s=30.0)
BUNDLE = seal(replace(default_bundle(), abstain=AbstainRule(observed_s=9)))


@pytest.fixture(scope="module")
def small() -> Town:
    return town(7, 4)


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str, tmp_path: Path, small: Town) -> Settings:
    return settings_for(broker.bootstrap, prefix, tmp_path, small, SLOW_TO_SAVE)


def with_bundle(settings: Settings, folder: Path) -> Settings:
    path = folder / "bundle.json"
    path.write_bytes(dump(BUNDLE))
    return replace(settings, bundle=str(path))


def with_site(settings: Settings, small: Town, folder: Path) -> Settings:
    path, thresholds = folder / "other-site.yaml", replace(small.site.thresholds, still_mm_per_s=400)
    path.write_text(dump_site(replace(small.site, thresholds=thresholds)), encoding="utf-8")
    return replace(settings, site=str(path))


def scored_by(found: Published) -> list[str]:
    return [msgspec.json.decode(one, type=Score).bundle for one in found.scores]


def begin(settings: Settings, small: Town, folder: Path) -> Iterator[float]:
    """Let a worker take in the first two thirds and kill it, with steps that no snapshot holds; then send the rest."""
    sent = small.messages(Produce())
    at = 2 * len(sent) // 3
    with Sender(settings.kafka) as sender, WorkerProcess(settings, "w1", folder) as worker:
        for one in sent[:at]:
            sender.send(one)
        sender.flush()
        wait_for(lambda: len(read_topic(settings.kafka, SCORES)) == PARTITIONS, WITHIN_S, "all are at work")
        worker.send(SIGKILL)
        worker.wait(WITHIN_S)
        yield 0.0
        for one in sent[at:]:
            sender.send(one)
    yield 1.0


def work(settings: Settings, folder: Path) -> WorkerProcess:
    """A worker that takes in all there is, and ends."""
    with WorkerProcess(settings, "w1", folder) as worker:
        with Progress(settings.kafka) as progress:
            wait_for(lambda: worker.said("lane begins") == PARTITIONS, WITHIN_S, "the lanes begin")
            progress.await_complete(WITHIN_S)
        assert worker.stop() == 0, worker.log_end()
    return worker
