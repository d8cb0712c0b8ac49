"""A town that is played while workers score it, and what was published in the end."""

import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from streams.kafka.outgoing import Outgoing
from streams.kafka.produce import Sender, paced
from streams.kafka.topics import POSES
from streams.settings import Settings
from tests.running.published import Progress, Published, read_published
from tests.running.town import Town
from tests.running.waiting import wait_for
from tests.running.workers import WorkerProcess

DONE_WITHIN_S = 60
END_WITHIN_S = 20


class Player(Thread):
    """Sends messages at their time, `speed` times as fast as recorded; as fast as it goes without."""

    def __init__(self, sent: Sequence[Outgoing], settings: Settings, speed: float | None) -> None:
        super().__init__(name="player", daemon=True)
        self._sent, self._settings, self._speed = sent, settings, speed
        self._failure: BaseException | None = None
        self.cancelled = Event()
        self.count = 0

    def run(self) -> None:
        """Send all."""
        try:
            with Sender(self._settings.kafka) as sender:
                for one in self._sent if self._speed is None else paced(self._sent, self._speed):
                    if self.cancelled.is_set():
                        return
                    if one.topic is not POSES:
                        sender.flush()  # the poses before it have to be there, or it is chance what comes first
                    sender.send(one)
                    self.count += 1
        except Exception as failure:  # noqa: BLE001 - told by `finish`
            self._failure = failure

    @property
    def share(self) -> str:
        """How much of all was sent, in words."""
        return f"when {self.count / len(self._sent):.0%} was sent"

    def finish(self) -> None:
        """Wait until all was sent."""
        self.join()
        if self._failure:
            raise self._failure


@dataclass
class Stage:
    """The workers of a group by their instance's name, those that shall run, and the town's messages.

    Attributes:
        wanted: who is started again when it ends by itself.
        ended: exit codes of those that did.
    """

    town: Town
    settings: Settings
    folder: Path
    player: Player
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    ended: list[tuple[str, int]] = field(default_factory=list)

    def start(self, instance: str) -> WorkerProcess:
        """Start a worker, or start it again."""
        if instance not in self.workers:
            self.workers[instance] = WorkerProcess(self.settings, instance, self.folder)
        worker = self.workers[instance]
        if instance not in self.wanted or worker.exit_code is not None:
            worker.start()
        self.wanted.add(instance)
        return worker

    def end(self, instance: str, how: signal.Signals) -> int:
        """Let a worker end for good: its exit code."""
        self.wanted.discard(instance)
        self.workers[instance].send(how)
        return self.workers[instance].wait(END_WITHIN_S)

    def hold(self, instance: str) -> None:
        """Stop a worker as it stands; it is not started again when it ends."""
        self.wanted.discard(instance)
        self.workers[instance].send(signal.SIGSTOP)

    def revive(self) -> None:
        """Start again whoever ended without being asked to, as whatever runs workers does."""
        for instance in self.wanted:
            if (code := self.workers[instance].exit_code) is not None:
                self.ended.append((instance, code))
                self.workers[instance].start()

    def wait(self, seconds: float) -> None:
        """Let it go on for some time."""
        with contextlib.suppress(TimeoutError):
            self.player.cancelled.wait(seconds)

    def until_at_work(self, instance: str) -> None:
        """Wait until a worker has partitions and has read their state."""

        def at_work() -> bool:
            self.revive()
            return bool(self.workers[instance].said("lane begins"))

        wait_for(at_work, DONE_WITHIN_S, f"{instance} is at work")

    def until_in_group(self, instance: str) -> None:
        """Wait until a worker has its partitions, which may be none: four are two and two for three workers."""

        def in_group() -> bool:
            self.revive()
            return bool(self.workers[instance].said("lanes end"))

        wait_for(in_group, DONE_WITHIN_S, f"{instance} is in the group")

    def until_more_is_sent(self, before: int) -> None:
        """Wait until more messages than before are sent, or all."""
        wait_for(lambda: self.player.count > before or not self.player.is_alive(), DONE_WITHIN_S, "more is sent")

    def until_more_is_saved(self) -> None:
        """Wait until the group has acknowledged more, which is once it is in a snapshot."""
        with Progress(self.settings.kafka) as progress:
            before = sum(progress.committed().values())

            def more() -> bool:
                self.revive()
                return sum(progress.committed().values()) > before

            wait_for(more, DONE_WITHIN_S, "more is saved")

    def until_all_is_taken(self) -> None:
        """Wait until everything was sent, and the group has acknowledged all of it."""
        self.player.finish()
        with Progress(self.settings.kafka) as progress:
            progress.await_complete(DONE_WITHIN_S, self.revive)

    def close(self) -> None:
        """End everything."""
        self.player.cancelled.set()
        for worker in self.workers.values():
            worker.__exit__()
        self.player.join()

    def logs(self) -> str:
        """The ends of the workers' logs."""
        return "\n".join(f"--- {name}\n{worker.log_end()}" for name, worker in self.workers.items())


def perform(
    town: Town,
    sent: Sequence[Outgoing],
    settings: Settings,
    folder: Path,
    speed: float | None = None,
    disturb: Callable[[Stage], None] = lambda _: None,
) -> dict[int, Published]:
    """Play messages to a worker `w1` while it is disturbed: what was published of each partition."""
    stage = Stage(town, settings, folder, Player(sent, settings, speed))
    try:
        stage.start("w1")
        stage.player.start()
        disturb(stage)
        stage.until_all_is_taken()
        for instance in stage.wanted:
            stage.until_in_group(instance)  # a process that only just began knows no way to end but at once
            code = stage.workers[instance].stop()
            assert code == 0, f"{instance} ended with {code}\n{stage.logs()}"
        return read_published(settings.kafka, town.site)
    except BaseException:
        print(stage.logs())  # noqa: T201 - pytest shows it when the test fails
        raise
    finally:
        print("ended by themselves:", stage.ended)  # noqa: T201
        stage.close()
