"""A worker with a bundle on trial and tables of what is normal is killed: it publishes what a run with them writes.

What counts is as without the trial, and the trial as by that bundle alone.
"""

from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest
from msgspec.structs import replace

from models.bundle import AbstainRule, default_bundle, dump, seal
from models.normality import Normality
from models.normality import dump as dump_normality
from streams.audit.errors import ForkError
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier
from streams.audit.run_log import PUBLIC_KEY
from streams.audit.source import folder_source
from streams.audit.verify import verify_log
from streams.jobs import replay_sealed
from streams.kafka.audit_publisher import AuditPublisher, publish_logs
from streams.kafka.produce import Sender
from streams.kafka.record import record
from streams.kafka.topics import OUTPUTS, SHADOW_SCORES
from streams.runs import open_run
from streams.settings import Produce, Settings, Worker
from tests.normalities import normality
from tests.running.published import Progress, difference, embedded, read_published, read_topic
from tests.running.town import PARTITIONS, Town, town
from tests.running.waiting import wait_for
from tests.running.workers import WorkerProcess, settings_for
from tests.services.broker import KafkaAccess

WITHIN_S = 60
SHADOW = seal(replace(default_bundle(), abstain=AbstainRule(observed_s=9)))


@pytest.fixture(scope="module")
def small() -> Town:
    return town(7, 4)


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str, tmp_path: Path, small: Town) -> Settings:
    path = tmp_path / "shadow.json"
    path.write_bytes(dump(SHADOW))
    normal = tmp_path / "normality.json"
    normal.write_bytes(dump_normality(normality_of(small)))
    worker = Worker(snapshot_every_s=5.0, session_s=6.0, shadow_bundle=str(path), normality=str(normal))
    return settings_for(broker.bootstrap, prefix, tmp_path, small, worker)


def normality_of(small: Town) -> Normality:
    return normality([camera.name for camera in small.site.cameras])


def test_a_bundle_on_trial(settings: Settings, small: Town, tmp_path: Path) -> None:
    normal = normality_of(small)
    sent = small.messages(Produce())
    cut = 2 * len(sent) // 3
    with Sender(settings.kafka) as sender:
        for one in sent[:cut]:
            sender.send(one)
    with WorkerProcess(settings, "w1", tmp_path) as worker:
        wait_for(lambda: len(read_topic(settings.kafka, SHADOW_SCORES)) == PARTITIONS, WITHIN_S, "all are at work")
        worker.send(SIGKILL)
    with Sender(settings.kafka) as sender:
        for one in sent[cut:]:
            sender.send(one)
    with WorkerProcess(settings, "w1", tmp_path) as worker, Progress(settings.kafka) as progress:
        progress.await_complete(WITHIN_S)
        assert worker.stop() == 0, worker.log_end()
    published = read_published(settings.kafka, small.site)
    for number, found in published.items():
        alone = embedded(sent, small.site, number, tmp_path / f"alone-{number}", normality=normal)
        assert difference(found, alone, ("journal", "scores", "alerts", "late")) == ""
        trial = embedded(sent, small.site, number, tmp_path / f"trial-{number}", SHADOW, normal)
        assert found.shadow == trial.scores != alone.scores
    made_with = small.site, default_bundle(), settings
    record(tmp_path / "recorded", *made_with, normality=normal, topics=OUTPUTS, until_idle_s=3)
    for number, found in published.items():
        run = open_run(tmp_path / "recorded" / f"partition-{number:02}")
        assert (run.folder / "shadow-scores.jsonl").read_bytes().splitlines() == found.shadow
        assert run.summary.shadow_scores == len(found.shadow)
        verifiers = [Verifier.parse((run.folder / PUBLIC_KEY).read_text(encoding="utf-8").strip())]
        certificate = replay_sealed(run, verifiers, tmp_path / f"again-{number}")
        assert (certificate.scores, certificate.alerts) == (len(found.scores), len(found.alerts))
    _check_published_logs(settings, tmp_path)


def _check_published_logs(settings: Settings, folder: Path) -> None:
    """Logs are published in two parts, and hold; a log of other leaves is no continuation."""
    signer = Signer.generate("shop.example/audit")
    with closing(AuditPublisher(folder / "logs", [signer], [], PARTITIONS)) as publisher:
        publish_logs(publisher, settings.kafka, until_idle_s=1)
        sizes = publisher.sizes
    with closing(AuditPublisher(folder / "logs", [signer], [], PARTITIONS)) as publisher:
        added = list[int]()
        publish_logs(publisher, settings.kafka, until_idle_s=1, progress=added.append)
        assert (publisher.sizes, sum(added)) == (sizes, 0)
    for number, size in enumerate(sizes):
        source = folder_source(folder / "logs" / f"{number:02}")
        signed = verify_log(source, f"shop.example/audit/{number:02}", [signer.verifier], lambda _: None)
        assert signed.checkpoint.size == size > 1
    with Log(folder / "other" / "00", "shop.example/audit/00", [signer]) as log:
        log.append([b"another leaf"])
        log.publish()
    with (
        closing(AuditPublisher(folder / "other", [signer], [], PARTITIONS)) as publisher,
        pytest.raises(ForkError, match="root"),
    ):
        publish_logs(publisher, settings.kafka, until_idle_s=1)
