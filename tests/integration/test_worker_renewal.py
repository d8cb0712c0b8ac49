"""Workers that are killed and started again with another bundle or site: a repeat has the same bytes."""

from pathlib import Path
from signal import SIGKILL

import msgspec
import pytest
from msgspec.structs import replace

from features.segments import SegmentBlock
from models.bundle import AbstainRule, default_bundle, dump, seal
from models.records import Score
from streams.kafka.outgoing import Outgoing
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
SELDOM_SAVED = Worker(snapshot_every_s=5.0, session_s=6.0)
BUNDLE = seal(replace(default_bundle(), abstain=AbstainRule(observed_s=9)))


@pytest.fixture(scope="module")
def small() -> Town:
    return town(7, 4)


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str, tmp_path: Path, small: Town) -> Settings:
    return settings_for(broker.bootstrap, prefix, tmp_path, small, SELDOM_SAVED)


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


def send(settings: Settings, sent: list[Outgoing]) -> None:
    with Sender(settings.kafka) as sender:
        for one in sent:
            sender.send(one)


def killed(settings: Settings, folder: Path) -> None:
    """Let a worker publish something of each partition, and kill it with steps that no snapshot holds."""
    with WorkerProcess(settings, "w1", folder) as worker:
        wait_for(lambda: len(read_topic(settings.kafka, SCORES)) == PARTITIONS, WITHIN_S, "all are at work")
        worker.send(SIGKILL)


def work(settings: Settings, folder: Path) -> WorkerProcess:
    """Let a worker take in all there is, and end."""
    with WorkerProcess(settings, "w1", folder) as worker, Progress(settings.kafka) as progress:
        wait_for(lambda: worker.said("lane begins") == PARTITIONS, WITHIN_S, "the lanes begin")
        progress.await_complete(WITHIN_S)
        assert worker.stop() == 0, worker.log_end()
        return worker


def test_another_bundle_takes_no_step_of_the_one_before(settings: Settings, small: Town, tmp_path: Path) -> None:
    sent = small.messages(Produce())
    send(settings, sent[: 2 * len(sent) // 3])
    killed(settings, tmp_path)
    before = read_published(settings.kafka, small.site)
    renewed = work(with_bundle(settings, tmp_path), tmp_path)
    assert renewed.said("lane renewed") == PARTITIONS
    send(settings, sent[2 * len(sent) // 3 :])
    assert work(with_bundle(settings, tmp_path), tmp_path).said("lane renewed") == 0
    for number, one in read_published(settings.kafka, small.site).items():
        assert difference(one, embedded(sent, small.site, number, tmp_path / str(number)), ["journal"]) == ""
        bundles = scored_by(one)
        assert bundles == sorted(bundles, key=[default_bundle().digest, BUNDLE.digest].index)
        assert set(bundles) == {default_bundle().digest, BUNDLE.digest}
        assert one.scores[: len(before[number].scores)] == before[number].scores


def test_another_site_ends_tracks_once_even_if_it_is_taken_back(
    settings: Settings, small: Town, tmp_path: Path
) -> None:
    sent = small.messages(Produce())
    send(settings, sent[: 2 * len(sent) // 3])
    killed(settings, tmp_path)
    other = with_site(settings, small, tmp_path)
    with WorkerProcess(other, "w1", tmp_path) as worker:
        wait_for(lambda: worker.said("lane renewed") > 0, WITHIN_S, "a lane is renewed")
        worker.send(SIGKILL)
    work(settings, tmp_path)
    send(settings, sent[2 * len(sent) // 3 :])
    assert work(other, tmp_path).said("lane renewed") == PARTITIONS
    for one in read_published(settings.kafka, small.site).values():
        tracks = [
            (entry.tracks[track], bool(frames))
            for entry in one.entries
            if isinstance(entry, SegmentBlock)
            for track, frames in zip(entry.track.tolist(), entry.rows["frames"].tolist(), strict=True)
        ]
        ended = [track for track, seen in tracks if not seen]
        assert len(ended) == len(set(ended))
        assert set(ended) == {track for track, _ in tracks}
