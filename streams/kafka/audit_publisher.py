"""The audit logs of all partitions as folders of files, out of the topic `audit`: what workers sealed, signed here.

Workers need no signing key. Whoever publishes checks that what they sealed is one tree, and signs its root.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from features.events import Rejection
from streams.audit.errors import ForkError, FormatError, GapError
from streams.audit.log import Log
from streams.audit.note import Signer, Verifier
from streams.clock import Stopwatch
from streams.kafka.interruption import never
from streams.kafka.lane_seal import Leaves, read_leaves
from streams.kafka.record import Arrived, Follower
from streams.kafka.topics import AUDIT
from streams.settings import Kafka

PUBLISH_EVERY_S = 1.0


class AuditPublisher:
    """Writes leaves to FOLDER/NN, the log of partition NN, whose origin is the key's name and `/NN`.

    Raises:
        AuditError: a folder cannot be used, or its files are not what its checkpoint claims.
    """

    def __init__(self, folder: Path, signers: Sequence[Signer], verifiers: Sequence[Verifier], partitions: int) -> None:
        name = signers[0].verifier.name
        self._logs = [
            Log(folder / f"{number:02}", f"{name}/{number:02}", signers, verifiers) for number in range(partitions)
        ]

    @property
    def sizes(self) -> list[int]:
        """Leaves of each partition's log so far."""
        return [log.size for log in self._logs]

    def take(self, one: Arrived) -> int:
        """Write the leaves of a message that are not there yet; how many they were.

        Raises:
            GapError: leaves are missing before it.
            ForkError: they are not those of the tree that was published.
            FormatError: it is no message of leaves.
        """
        place, log = f"{one.topic.name}/{one.partition}/{one.offset}", self._logs[one.partition]
        try:
            told = read_leaves(one.value or b"", one.headers)
        except Rejection as why:
            raise FormatError(why.field, why.expected, why.got, place) from None
        if told.first > log.size:
            raise GapError("first leaf", f"{log.size} or before", told.first, place)
        return self._append(log, told, place) if told.first + len(told.leaves) > log.size else 0

    def _append(self, log: Log, told: Leaves, place: str) -> int:
        fresh = told.leaves[log.size - told.first :]
        log.append(fresh)
        if log.root != told.root:
            raise ForkError("root", log.root.hex(), told.root.hex(), place)
        return len(fresh)

    def publish(self) -> None:
        """Publish a checkpoint of each log that grew."""
        for log in self._logs:
            if log.size > log.checkpoint.size:
                log.publish()

    def close(self) -> None:
        """Let others write to the logs; what was not published is gone, and comes again out of the topic."""
        for log in self._logs:
            log.close()


def publish_logs(
    publisher: AuditPublisher,
    kafka: Kafka,
    *,
    until_idle_s: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = never,
) -> None:
    """Follow the topic from its beginning on and publish what comes, once a second, until stopped or idle.

    Raises:
        AuditError: what workers sealed is not one tree; nothing of it is published.
        KafkaError: the broker cannot be reached or refuses.
    """
    unpublished = Stopwatch()
    with closing(Follower(kafka, [AUDIT])) as follower:
        for many in follower.arriving(until_idle_s, stopped):
            progress(sum(publisher.take(one) for one in many))
            if unpublished.seconds >= PUBLISH_EVERY_S:
                publisher.publish()
                unpublished = Stopwatch()
    publisher.publish()
