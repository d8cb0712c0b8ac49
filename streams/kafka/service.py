"""`vigil worker`: a worker with its live view, metrics, health and an orderly end."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version

import numpy as np
from structlog.contextvars import bind_contextvars

from features.events import Disposition
from features.site import Site
from models.bundle import Bundle
from models.drift import LEAST_PERSONS, Drift, final_values
from models.normality import Normality
from streams.clock import now_ms
from streams.kafka.areas import Areas
from streams.kafka.lane import Lane
from streams.kafka.runner import Done
from streams.kafka.setup import Setup
from streams.kafka.step import Step
from streams.kafka.worker import KafkaWorker
from streams.live.mirror import Mirror
from streams.live.view import CameraHealth, News
from streams.operations.health import Health
from streams.operations.logs import logger
from streams.operations.metrics import Metrics
from streams.operations.server import OperationsServer
from streams.settings import Settings

BEATS_A_SESSION = 12
TOLD_EVERY_PERSONS = 50  # drift is worked out after so many have left: half a millisecond
END_S = 20.0  # that a worker may take to end in order

log = logger("service")


class Watcher:
    """Tells metrics and the live view what the lanes do."""

    def __init__(self, metrics: Metrics, mirror: Mirror, site: Site, drift: Drift | None = None) -> None:
        self._metrics, self._mirror, self._site, self._drift = metrics, mirror, site, drift
        self._refused, self._late = dict[str, int](), dict[str, int]()
        self._left = 0

    def done(self, done: Done) -> None:
        """A step was taken and published."""
        self._count(done)
        self._measure(done)
        self._compare(done.step)
        self._show(done)
        for erasure in done.step.erased:
            self._mirror.forget(erasure.is_of)

    def saved(self, lane: Lane, size: int, seconds: float) -> None:
        """A snapshot was written."""
        self._metrics.snapshot(lane.partition, size, seconds)
        self._metrics.stage("snapshot", seconds)

    def ended(self, lane: Lane) -> None:
        """The lane's partition is no longer this worker's."""
        self._metrics.forget_partition(lane.partition)
        areas = lane.areas.of_partition(lane.partition)
        for camera in lane.cameras:
            if lane.areas.of_camera[camera] in areas:
                self._metrics.forget_camera(camera)

    def _count(self, done: Done) -> None:
        metrics, step = self._metrics, done.step
        for topic, messages in done.messages.items():
            if messages:
                metrics.took_in(topic.name, len(messages), step.person_frames if topic.name == "poses" else 0)
        for topic in {one.topic for one in step.outgoing}:
            metrics.sent(topic.name, sum(one.topic is topic for one in step.outgoing))
        for letter in step.dead:
            metrics.dead_letter(letter.field)
        for kind, count in step.late.items():
            metrics.late(kind, count)
        for kind, count in step.repeated.items():
            metrics.repeated(kind, count)
        metrics.scored(len(step.scores), sum(score.score is None for score in step.scores))
        for alert in step.alerts:
            metrics.alerted(alert.camera, withdrawn=alert.withdraws is not None)
        metrics.shadowed(len(step.shadow_scores), len(step.shadow_alerts))

    def _measure(self, done: Done) -> None:
        metrics, lane, scoring = self._metrics, done.lane, done.lane.pipeline.scoring
        metrics.stage("steps", done.compute_s)
        metrics.stage("publish", done.publish_s)
        metrics.state(lane.partition, len(scoring.persons.slots), len(lane.pipeline.camera.open))
        for topic, behind in done.behind.items():
            metrics.lag(topic, lane.partition, behind)
        if not done.again:
            written_ms = [message.written_ms for messages in done.messages.values() for message in messages]
            metrics.latency(np.maximum(now_ms() - np.array(written_ms, np.float64), 0) / 1_000)
        for name, camera in done.step.cameras.items():
            metrics.camera_time(name, camera.time_ms)
        for name, (_, used) in scoring.decisions.budgets.items():
            metrics.alert_budget(name, used, self._site.alerting.budget_per_camera_hour)

    def _compare(self, step: Step) -> None:
        """Tell how far persons whose visits end are from what is usual."""
        if self._drift and (values := final_values(step.scores, step.values)):
            self._drift.take(np.frombuffer(b"".join(values), "<i4").reshape(len(values), -1))
            self._drift.fade()
            self._left += len(values)
            if self._drift.persons >= LEAST_PERSONS and self._left >= TOLD_EVERY_PERSONS:
                self._left = 0
                psi = {shift.feature: shift.psi for shift in self._drift.shifts()}
                self._metrics.drifted(self._drift.persons, psi)

    def _show(self, done: Done) -> None:
        step = done.step
        cameras = []
        for name, camera in step.cameras.items():
            self._refused[name] = self._refused.get(name, 0) + camera.refused
            self._late[name] = self._late.get(name, 0) + camera.late
            health = (camera.time_ms, camera.person_frames, self._refused[name], self._late[name])
            cameras.append(CameraHealth(name, *health))
        dispositions = [fact for fact in step.facts if isinstance(fact, Disposition)]
        self._mirror.offer(News(now_ms(), step.scores, step.alerts, dispositions, cameras))


class Service:
    """All of a worker's process."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        bundle: Bundle,
        shadow: Bundle | None = None,
        normality: Normality | None = None,
        drift: Drift | None = None,
    ) -> None:
        self._settings = settings
        instance = settings.worker.instance or socket.gethostname()
        bind_contextvars(worker=instance)
        self.metrics, self.health = Metrics(), Health()
        self.metrics.info(version("vigil"), bundle.digest, site.name)
        self.mirror = Mirror(settings.live, Areas.of(site, settings.kafka.partitions), settings.redis)
        self.server = OperationsServer(settings.operations, self.metrics, self.health, self.mirror.as_json)
        setup = Setup(site, bundle, settings.kafka.partitions, settings.worker.ahead_ms, shadow, normality)
        self.worker = KafkaWorker(settings, setup, instance, Watcher(self.metrics, self.mirror, site, drift))

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT.

        Raises:
            BaseException: what stopped it, if it was not asked to stop.
        """
        asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, asked.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell_tasks)
        self.server.start()
        await self.mirror.start()
        try:
            await self.worker.start()
            await self._watch(asked)
        finally:
            await self._end()

    async def _watch(self, asked: asyncio.Event) -> None:
        while not asked.is_set():
            self.worker.beat()
            await self.worker.tend()
            self.health.beat()
            self.health.set("kafka", *self.worker.readiness())
            if (up := self.mirror.up) is not None:
                self.metrics.redis(up)
            if (failure := self.worker.failed()) is not None:
                raise failure
            try:
                await asyncio.wait_for(asked.wait(), self._settings.worker.session_s / BEATS_A_SESSION)
            except TimeoutError:
                continue

    async def _end(self) -> None:
        log.info("ending")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.worker.stop(), END_S)
        await self.mirror.stop()
        self.server.stop()
        log.info("ended")


def _tell_tasks() -> None:
    """Log where every task stands: what to look at when a worker does nothing."""
    for task in asyncio.all_tasks():
        log.info("task", name=task.get_name()[:80], at=list(_standing(task.get_coro())))


def _standing(awaited: object) -> Iterator[str]:
    """The functions and lines that wait for one another, the innermost last."""
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        awaited = getattr(awaited, "cr_await", None)
