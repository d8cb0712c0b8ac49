"""A lane at work: messages gather, are taken in step by step, and what follows from each step is published.

Which messages a step takes is written down first; then what follows from it is published and acknowledged, and only
then is the next step written down. So after a crash the steps since the last snapshot are taken again as they were, and
of these only the last may have to be published again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import islice, takewhile
from typing import NamedTuple, Protocol, TypeVar

from streams.clock import Stopwatch, now_ms
from streams.kafka.gathered import Gathered, Line
from streams.kafka.lane import Lane
from streams.kafka.setup import Setup
from streams.kafka.state import STEPS_REMEMBERED, RecordedStep, Saved
from streams.kafka.step import Outgoing, Step
from streams.kafka.taken import Message
from streams.kafka.topics import FACTS, INPUTS, POSES, Topic
from streams.operations.logs import logger
from streams.settings import Worker

MESSAGES_MAX = 4_096  # poses of a step
WAITING_MAX = 3 * MESSAGES_MAX
ENOUGH = 1_024  # messages for a step that need not wait for more
BACKLOG = 4_096  # messages at the broker from which on steps are taken for throughput and not for latency
BACKLOG_WAIT_S = 0.25
HELD_MS = 1_000  # how long a fact waits for poses of its time where no more poses are there to be read
LOOK_AGAIN_S = 0.05
log = logger("lane")
T = TypeVar("T")
SILENT_S = 3.0  # after which it is asked whether a topic has more, and it is read anew if it has


class Broker(Protocol):
    """What a lane needs of the broker."""

    async def ends(self, partition: int) -> dict[str, int]:
        """By input topic, the offset after the last message there is, asked for after this call."""

    async def send(self, partition: int, outgoing: Iterable[Outgoing]) -> object:
        """Send, and wait until the broker has all of it."""

    async def seek(self, topic: Topic, partition: int, offset: int) -> None:
        """Read on from an offset."""

    async def commit(self, partition: int, ends: dict[str, int]) -> None:
        """Tell the group how far the state reaches."""

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until the broker takes it, as long as the partitions are surely still this worker's."""


class Taken(NamedTuple):
    """A step that is taken.

    Attributes:
        batch: its messages by topic.
        again: whether it had been taken before a crash.
        renewed: of a step without messages, the setup to which it renews the lane.
    """

    batch: dict[Topic, list[Message]]
    recorded: RecordedStep
    again: bool
    renewed: Setup | None = None


class Done(NamedTuple):
    """What a step led to and how long it took, for whoever watches.

    Attributes:
        messages: that were taken, by topic.
        behind: by topic, messages that the broker had and that were not taken yet.
        again: whether the step had been taken before a crash.
    """

    lane: Lane
    step: Step
    messages: dict[Topic, list[Message]]
    behind: dict[str, int]
    again: bool
    compute_s: float
    publish_s: float


class Told(Protocol):
    """Whoever watches lanes at work."""

    def done(self, done: Done) -> None:
        """A step was taken and published."""

    def saved(self, lane: Lane, size: int, seconds: float) -> None:
        """A snapshot was written, of so many bytes."""

    def ended(self, lane: Lane) -> None:
        """The lane's partition is another worker's, or nobody's, from now on."""


class Runner:
    """Takes a lane's messages in, one step after another, under the setup that is wanted from the first new one on."""

    def __init__(self, lane: Lane, wanted: Setup, saved: Saved, broker: Broker, settings: Worker, told: Told) -> None:
        self.lane, self._setup, self._wanted = lane, lane.setup, wanted
        self._saved, self._broker, self._settings, self._told = saved, broker, settings, told
        self._gathered = {topic: Gathered(lane.ends[topic.name]) for topic in INPUTS}
        self._again = deque(saved.steps())
        self._news, self._room, self._stopping = asyncio.Event(), asyncio.Event(), False
        self._unaligned: Stopwatch | None = None
        self._excused = dict.fromkeys((topic.name for topic in FACTS), 0)
        self._since_snapshot, self._since_step = Stopwatch(), Stopwatch()
        self._ends = dict[str, int]()

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return sum(len(gathered.waiting) for gathered in self._gathered.values())

    def gather(self, message: Message) -> None:
        """Let a message wait for the next step, if it is the next in line."""
        gathered = self._gathered[message.topic]
        if gathered.line(message.offset) is Line.NEXT:
            gathered.add(message)
            self._news.set()

    async def room(self) -> None:
        """Wait while so many messages wait that more had better be left at the broker."""
        while self.waiting > WAITING_MAX and self._unaligned is None and not self._stopping:
            self._room.clear()
            await self._room.wait()

    async def begin(self) -> None:
        """Read every topic from where the state ends, whatever was read of it before, and take steps from then on."""
        for topic, gathered in self._gathered.items():
            await self._broker.seek(topic, self.lane.partition, gathered.next_offset)
        await self._broker.commit(self.lane.partition, dict(self.lane.ends))
        await self.run()

    async def _find_lines(self) -> None:
        """Read topics anew whose messages ought to come and do not."""
        silent = [topic for topic, gathered in self._gathered.items() if gathered.heard.seconds > SILENT_S]
        if not silent or self._stopping:
            return
        ends = await self._broker.ends(self.lane.partition)
        for topic in silent:
            gathered = self._gathered[topic]
            gathered.note_end(ends[topic.name])
            if gathered.missed is not None and gathered.missed.seconds > SILENT_S:
                await self._read_anew(topic, gathered)

    async def _read_anew(self, topic: Topic, gathered: Gathered) -> None:
        gone, partition = gathered.seek(), self.lane.partition
        told: dict[str, object] = {"topic": topic.name, "partition": partition, "offset": gathered.next_offset}
        if gone is None:
            log.warning("reading anew", **told)
        else:
            log.error("messages are gone", expected=gone, **told)
        await self._broker.seek(topic, partition, gathered.next_offset)

    async def run(self) -> None:
        """Take steps until stopped."""
        while not self._stopping:
            await self._pause()
            await self._find_lines()
            taken = await self._next()
            if taken is None:
                await self._await_news()
            else:
                await self._take(taken)
            await self._save_if_due()
        await self.save()

    @property
    def steps_again(self) -> int:
        """Steps that are taken again, as they were taken before a crash."""
        return len(self._again)

    def stop(self) -> None:
        """Finish the step at hand, write a snapshot and end."""
        self._stopping = True
        self._news.set()
        self._room.set()

    async def _pause(self) -> None:
        """Let messages gather: a step of many costs hardly more than one of few."""
        self._news.clear()
        backlog = self._ends.get(POSES.name, 0) - self._gathered[POSES].next_offset > BACKLOG
        pause_s = BACKLOG_WAIT_S if backlog else self._settings.wait_ms / 1_000
        enough = self.waiting >= (MESSAGES_MAX if backlog else ENOUGH)
        if not (enough or self._again or self._stopping):
            await asyncio.sleep(max(pause_s - self._since_step.seconds, 0))

    async def _await_news(self) -> None:
        looking = self.waiting or self._again or self._outdated
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_S if looking else self._settings.snapshot_every_s)

    async def _next(self) -> Taken | None:
        """The messages of the next step, if they are there."""
        if self._stopping:
            return None
        if self._again:
            return self._next_again()
        if self._outdated:
            return self._renewal()
        if self._saved.head is None:
            await self.save()  # the setup under which steps are recorded has to be there
        poses = min(len(self._gathered[POSES].waiting), MESSAGES_MAX)
        if not self.waiting or not (ends := await self._aligned()):
            return None
        batch = self._choose(poses, ends)
        recorded = RecordedStep(self.lane.steps, self.lane.ends | _ends(batch))
        return Taken(batch, recorded, again=False) if any(batch.values()) else None

    def _next_again(self) -> Taken | None:
        """The next step that was taken before a crash, once all its messages are there again."""
        recorded = self._again[0]
        if any(self._gathered[topic].next_offset < recorded.ends[topic.name] for topic in INPUTS):
            return None
        self._again.popleft()
        if recorded.setup:
            return Taken({}, recorded, again=True, renewed=self._saved.setups[recorded.setup])
        batch = {topic: self._until(topic, recorded.ends[topic.name]) for topic in INPUTS}
        return Taken(batch, recorded, again=True)

    @property
    def _outdated(self) -> bool:
        """Whether the lane is under another setup than is wanted."""
        return self._setup.digest != self._wanted.digest

    def _renewal(self) -> Taken:
        """The step to the setup that is wanted; what was published for it is known by its being recorded."""
        recorded = RecordedStep(self.lane.steps, dict(self.lane.ends), self._wanted.digest)
        return Taken({}, recorded, again=False, renewed=self._wanted)

    def _until(self, topic: Topic, end: int) -> list[Message]:
        return list(takewhile(lambda message: message.offset < end, self._gathered[topic].waiting))

    async def _aligned(self) -> dict[str, int] | None:
        """The ends of all topics, once every fact that the broker had when the poses came has been read."""
        ends = self._ends = await self._broker.ends(self.lane.partition)
        behind = [topic.name for topic in FACTS if self._seen(topic) < ends[topic.name]]
        if not behind:
            self._unaligned = None
            return ends
        self._unaligned = self._unaligned or Stopwatch()
        self._room.set()  # the facts that are awaited may come behind many poses
        if self._unaligned.seconds < self._settings.align_s:
            return None
        self._excused |= {name: ends[name] for name in behind}
        return ends

    def _seen(self, topic: Topic) -> int:
        return max(self._gathered[topic].next_offset, self._excused[topic.name])

    def _choose(self, number: int, ends: dict[str, int]) -> dict[Topic, list[Message]]:
        """The first poses that wait, and the facts up to their time; later ones too where no more poses can be read."""
        waiting = self._gathered[POSES].waiting
        poses = list(islice(waiting, number))
        time_ms = max((message.time_ms for message in poses), default=self.lane.latest_ms)
        time_ms = max(time_ms, self.lane.latest_ms)
        all_read = len(poses) == len(waiting) and self._gathered[POSES].next_offset >= ends[POSES.name]
        written_ms = now_ms() - HELD_MS if all_read else -1

        def may_go(message: Message) -> bool:
            return message.time_ms <= time_ms or message.written_ms <= written_ms

        return {POSES: poses} | {topic: list(takewhile(may_go, self._gathered[topic].waiting)) for topic in FACTS}

    async def _take(self, taken: Taken) -> None:
        self._since_step = Stopwatch()
        if not taken.again:
            written = asyncio.create_task(
                self._broker.insist(lambda: self._saved.record(taken.recorded, taken.renewed))
            )
            await asyncio.sleep(0)  # on its way while the step is computed
        watch = Stopwatch()
        step = self.lane.step(taken.batch) if taken.renewed is None else self._renew(taken.renewed)
        compute_s = watch.seconds
        if not taken.again:
            await written
        if not (taken.again and self._again):
            await self._broker.insist(lambda: self._broker.send(self.lane.partition, step.outgoing))
        self._let_go(taken)
        behind = {name: max(0, end - self.lane.ends[name]) for name, end in self._ends.items()}
        self._told.done(Done(self.lane, step, taken.batch, behind, taken.again, compute_s, watch.seconds - compute_s))

    def _renew(self, setup: Setup) -> Step:
        before, self._setup = self._setup, setup
        step = self.lane.renew(setup)
        log.info(
            "lane renewed",
            partition=self.lane.partition,
            site_before=before.site_digest,
            site=setup.site_digest,
            bundle_before=before.bundle.digest,
            bundle=setup.bundle.digest,
            shadow_before=before.shadow.digest if before.shadow else None,
            shadow=setup.shadow.digest if setup.shadow else None,
            normality_before=before.normality.digest if before.normality else None,
            normality=setup.normality.digest if setup.normality else None,
            tracks_ended=step.ended,
            position=self.lane.pipeline.scoring.persons.position,
        )
        return step

    def _let_go(self, taken: Taken) -> None:
        for topic, ones in taken.batch.items():
            for _ in ones:
                self._gathered[topic].waiting.popleft()
        self._room.set()

    async def _save_if_due(self) -> None:
        many = self.lane.steps - (self._saved.head.steps if self._saved.head else 0) >= STEPS_REMEMBERED // 2
        renewed = self._saved.head is None or self._saved.head.setup != self._setup.digest
        if many or renewed or self._since_snapshot.seconds >= self._settings.snapshot_every_s:
            await self.save()

    async def save(self) -> None:
        """Write a snapshot of everything up to the last step, and acknowledge the messages it holds."""
        if self._again or (self._saved.head and self._saved.head.steps == self.lane.steps):
            return
        watch = Stopwatch()
        snapshot, steps, ends = self.lane.dump(), self.lane.steps, dict(self.lane.ends)
        written = await self._broker.insist(lambda: self._saved.replace(snapshot, steps, ends, self._setup))
        await self._broker.commit(self.lane.partition, ends)
        self._since_snapshot = Stopwatch()
        self._told.saved(self.lane, written, watch.seconds)


def _ends(batch: dict[Topic, list[Message]]) -> dict[str, int]:
    return {topic.name: ones[-1].offset + 1 for topic, ones in batch.items() if ones}
