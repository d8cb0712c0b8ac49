"""Workers as processes of their own, to be killed and started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import msgspec

from streams.kafka.topic_check import Topics
from streams.kafka.topics import wanted
from streams.settings import Kafka, Operations, Redis, Settings, Worker
from streams.site_file import dump_site
from tests.running.town import PARTITIONS, Town
from tests.running.waiting import NotInTimeError

VIGIL = Path(sys.executable).with_name("vigil")
ROOT = Path(__file__).parents[2]
QUICK = Worker(snapshot_every_s=0.5, session_s=3.0)
LOG_SHOWN = 3_000


def settings_for(
    bootstrap: str, prefix: str, folder: Path, town: Town, worker: Worker = QUICK, redis: Redis | None = None
) -> Settings:
    """Settings of a group of its own, with its site beside them and all of its topics at the broker."""
    site = folder / "site.yaml"
    site.write_text(dump_site(town.site), encoding="utf-8")
    kafka = Kafka(brokers=[bootstrap], prefix=prefix, partitions=PARTITIONS)
    with Topics(kafka) as known:
        reports = known.make(known.look(wanted(kafka)))
    assert all(report.state == "made" for report in reports), reports
    operations = Operations(port=0, log_format="text")
    return Settings(site=str(site), kafka=kafka, redis=redis, worker=worker, operations=operations)


class WorkerProcess:
    """`vigil worker` under an instance's name.

    `with WorkerProcess(...)` starts it and, if it still runs at the end, kills it.
    """

    def __init__(self, settings: Settings, instance: str, folder: Path) -> None:
        self.instance, self.log = instance, folder / f"{instance}.log"
        worker = msgspec.structs.replace(settings.worker, instance=instance)
        self._settings = folder / f"{instance}.yaml"
        self._settings.write_bytes(msgspec.yaml.encode(msgspec.structs.replace(settings, worker=worker)))
        self._process: subprocess.Popen[bytes] | None = None
        self._log_before = 0

    def start(self) -> Self:
        """Start it; its log goes on where the last one's ended."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        with self.log.open("ab") as log:
            self._log_before = log.tell()
            self._process = subprocess.Popen(
                [VIGIL, "worker", "--settings", self._settings],
                cwd=ROOT,
                env=environment | {"NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def said(self, text: str) -> int:
        """How often it has logged something since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._log_before)
            return log.read().count(text.encode())

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self._running.poll() is None:
            self._running.send_signal(number)

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._running.wait()

    def wait(self, within_s: float) -> int:
        """Its exit code once it has ended."""
        try:
            return self._running.wait(within_s)
        except subprocess.TimeoutExpired:
            raise NotInTimeError(f"{self.instance} did not end within {within_s:g} s\n{self.log_end()}") from None

    def stop(self, within_s: float = 20) -> int:
        """Ask it to end: its exit code."""
        self.send(signal.SIGTERM)
        return self.wait(within_s)

    def log_end(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN:] if self.log.exists() else ""

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process, f"{self.instance} was not started"
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.send(signal.SIGCONT)
            self.kill()
