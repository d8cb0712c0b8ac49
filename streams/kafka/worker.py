"""A worker: the partitions that the group gives it, each with a lane at work."""

import asyncio
import secrets
from collections import deque
from importlib.metadata import version
from typing import Any, cast

from faust.types import TP, EventT

from streams.audit.visit_keys import KEY_BYTES
from streams.clock import Stopwatch
from streams.kafka.app import make_agent, make_app, make_table
from streams.kafka.faust_broker import FaustBroker
from streams.kafka.lane import Lane
from streams.kafka.messages import Headers
from streams.kafka.runner import Runner, Told
from streams.kafka.setup import Setup
from streams.kafka.state import Saved
from streams.kafka.taken import Message, Reader
from streams.kafka.topics import INPUTS, full_name
from streams.operations.logs import logger
from streams.settings import Settings

LOOK_AGAIN_S = 0.01
RESTLESS, RESTLESS_S = 6, 20.0  # so many rebalances in so short a time: two workers throw each other out
GIVE_BACK_S = 5.0  # how long a partition that goes to another worker may take to write its state

log = logger("worker")


class DoubleError(Exception):
    """Another worker of the group seems to have this one's name."""


class KafkaWorker:
    """Runs until it is stopped or fails."""

    def __init__(self, settings: Settings, setup: Setup, instance: str, told: Told) -> None:
        self._settings, self._told, self._setup = settings, told, setup
        self._topics = {full_name(topic, settings.kafka): topic for topic in INPUTS}
        self._reader = Reader()
        self.app = make_app(settings, instance)
        self._table = make_table(self.app, settings)
        make_agent(self.app, settings, self._receive)
        self._broker = FaustBroker(self.app, settings.kafka, settings.worker.session_s)
        self.runners = dict[int, Runner]()
        self._tasks = dict[int, asyncio.Task[None]]()
        self._closing = False
        self._failure: BaseException | None = None
        self._given_out = deque[Stopwatch](maxlen=RESTLESS)
        self.app.on_partitions_revoked.connect(self._give_back)
        self.app.on_partitions_assigned.connect(self._take_on)

    def beat(self) -> None:
        """Say that the event loop moves; to be said several times in a session.

        Raises:
            OversleptError: it did not move for so long that the partitions may be another worker's.
        """
        self._broker.beat()

    async def tend(self) -> None:
        """Begin the lanes of partitions that came to this worker; to be called now and then."""
        if self._unsettled:
            return
        assigned = {tp.partition for tp in self.app.consumer.assignment() if tp.topic in self._topics}
        for partition in sorted(assigned - self.runners.keys()):
            self._begin(partition)

    async def start(self) -> None:
        """Join the group and begin."""
        bundle, shadow = self._setup.bundle, self._setup.shadow
        named = {"bundle": bundle, "shadow": shadow, "normality": self._setup.normality}
        digests = {name: one.digest for name, one in named.items() if one}
        log.info("starting", group=self.app.conf.id, version=version("vigil"), **digests)
        await self.app.start()

    def failed(self) -> BaseException | None:
        """Why it can go on no longer, if it cannot."""
        return self._failure or self.app.crash_reason

    def readiness(self) -> tuple[bool, str]:
        """Whether messages of its partitions are being read, and which."""
        if self._unsettled:
            return False, "partitions are being given out, or their state read"
        assigned = {tp.partition for tp in self.app.consumer.assignment() if tp.topic in self._topics}
        return True, f"partitions {', '.join(map(str, sorted(assigned))) or 'none, ready to take over'}"

    async def stop(self) -> None:
        """Finish the steps at hand, write the state, and leave the partitions where they are for a quick return."""
        self._closing = True
        await self._close(set(self.runners))
        await self.app.stop()

    async def _receive(self, event: EventT[bytes]) -> None:
        raw = event.message
        while self.app.rebalancing or self.app.in_recovery:  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(LOOK_AGAIN_S)
        if self._closing or raw.generation_id != self.app.consumer_generation_id:
            return
        topic, value = self._topics[raw.topic], raw.value or b""
        runner = self.runners.get(raw.partition) or self._begin(raw.partition)
        headers = cast("Headers", list(raw.headers or ()))  # as aiokafka gives them
        content = self._reader.read(topic, value)
        written_ms = int(raw.timestamp * 1_000)
        message = Message(topic, raw.partition, raw.offset, written_ms, raw.key, value, headers, content)
        runner.gather(message)
        await runner.room()

    @property
    def _unsettled(self) -> bool:
        """Whether partitions are being given out or back, or their state read."""
        return bool(self._closing or self.app.rebalancing or self.app.in_recovery)

    def _begin(self, partition: int) -> Runner:
        """Take up the lane of a partition where its state was left, under the setup that it was left under."""
        saved = Saved(self._table, partition)
        setup = saved.setup() or self._setup
        lane = Lane.begin(partition, setup, secrets.token_bytes(KEY_BYTES))
        if (snapshot := saved.snapshot()) is not None and saved.head is not None:
            lane.restore(snapshot)
            lane.ends, lane.steps = dict(saved.head.ends), saved.head.steps
        runner = Runner(lane, self._setup, saved, self._broker, self._settings.worker, self._told)
        self.runners[partition] = runner
        task = asyncio.create_task(runner.begin(), name=f"lane-{partition}")
        task.add_done_callback(self._note_failure)
        self._tasks[partition] = task
        log.info("lane begins", partition=partition, steps=lane.steps, again=runner.steps_again, ends=lane.ends)
        return runner

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._failure = self._failure or error

    async def _give_back(self, *arguments: Any, **_: Any) -> None:  # noqa: ANN401 - a signal's handler
        revoked: set[TP] = arguments[1]
        await self._close({tp.partition for tp in revoked})

    async def _take_on(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a signal's handler
        """What a lane remembered before partitions were given out anew may be out of date by now."""
        await self._close(set(self.runners))
        self._given_out.append(Stopwatch())
        if len(self._given_out) == RESTLESS and self._given_out[0].seconds < RESTLESS_S:
            name = self.app.conf.consumer_group_instance_id
            self._failure = self._failure or DoubleError(
                f"worker.instance: expected no other worker of group {self.app.conf.id} named {name}, got partitions "
                f"given out {RESTLESS} times in {self._given_out[0].seconds:.0f} s"
            )

    async def _close(self, partitions: set[int]) -> None:
        closing = {partition: self._tasks[partition] for partition in partitions & set(self._tasks)}
        for partition in closing:
            self.runners[partition].stop()
        if closing:
            _, late = await asyncio.wait(closing.values(), timeout=GIVE_BACK_S)
            for task in late:
                task.cancel()
        for partition in closing:
            if (runner := self.runners.pop(partition, None)) is not None:  # a stop and a rebalance may meet here
                self._told.ended(runner.lane)
            self._tasks.pop(partition, None)
        log.info("lanes end", partitions=sorted(closing))
