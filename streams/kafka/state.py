"""What a group of workers remembers, in a compacted topic: for each partition a snapshot and the steps taken since.

A Faust table holds it, so that a worker that is given a partition has read it before the first message arrives.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Iterator

import msgspec
import pyarrow as pa
from faust import Table
from faust.stores import memory
from faust.types import TP
from msgspec import Struct

CHUNK_BYTES = 512 * 1_024
STEPS_REMEMBERED = 4_096  # more are never taken between two snapshots


class SavedStateError(Exception):
    """The saved state of a partition that cannot be used: what was expected and what is there."""


class Head(Struct, frozen=True):
    """Where the newest whole snapshot of a partition is.

    Attributes:
        slot: 0 or 1; a snapshot is written beside the one before.
        chunks: how many there are.
        size: of the snapshot before it was compressed, bytes.
        digest: SHA-256 of the compressed snapshot.
        steps: how many were taken before it.
        ends: by topic, the offset after the last message it holds.
    """

    slot: int
    chunks: int
    size: int
    digest: str
    steps: int
    ends: dict[str, int]


class RecordedStep(Struct, frozen=True):
    """That a step was taken, and by topic the offset after the last message it took; written before its outputs."""

    step: int
    ends: dict[str, int]


class _Store(memory.Store[bytes, bytes]):
    """Faust's own throws away what standbys have read, whenever a recovery ends."""

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        await super().on_recovery_completed(active_tps | standby_tps, standby_tps)

    def put(self, partition: int, key: bytes, value: bytes) -> None:
        """Keep a value as what was read of the partition's topic is kept."""
        self.data[key] = value
        self._key_partition[key] = partition


class StateTable(Table[bytes, bytes]):
    """A table of bytes whose writes name their partition and can be waited for."""

    def _new_store(self) -> _Store:
        self.kept = _Store("memory://", self.app, self, table_name=self.name, loop=self.loop)
        return self.kept

    def read(self, partition: int, name: str) -> bytes | None:
        """A value of a partition."""
        value: bytes | None = self.kept.data.get(_key(partition, name))
        return value

    async def write(self, partition: int, name: str, value: bytes) -> Awaitable[object]:
        """Write a value; what is returned is done once the broker has it."""
        key = _key(partition, name)
        self.kept.put(partition, key, value)
        producer = await self.app.maybe_start_producer()
        sent: Awaitable[object] = await producer.send(self.changelog_topic_name, key, value, partition, None, None)
        return sent


def _key(partition: int, name: str) -> bytes:
    return f"{partition}/{name}".encode()


def chunks_of(snapshot: bytes) -> tuple[list[bytes], str]:
    """A snapshot compressed and cut to what fits into messages, and its digest."""
    packed = pa.compress(snapshot, codec="lz4", asbytes=True)
    starts = range(0, len(packed), CHUNK_BYTES)
    return [packed[start : start + CHUNK_BYTES] for start in starts], hashlib.sha256(packed).hexdigest()


class Saved:
    """The saved state of one partition."""

    def __init__(self, table: StateTable, partition: int) -> None:
        self._table, self._partition = table, partition
        raw = table.read(partition, "head")
        self.head = msgspec.json.decode(raw, type=Head) if raw else None

    def snapshot(self) -> bytes | None:
        """The newest snapshot; none before the first.

        Raises:
            SavedStateError: a part of it is missing or is not what was written.
        """
        head = self.head
        if head is None:
            return None
        parts = [self._table.read(self._partition, _chunk(head.slot, at)) for at in range(head.chunks)]
        packed = b"".join(part or b"" for part in parts)
        if (digest := hashlib.sha256(packed).hexdigest()) != head.digest:
            raise SavedStateError(f"snapshot of partition {self._partition}: expected {head.digest}, got {digest}")
        snapshot: bytes = pa.decompress(packed, head.size, codec="lz4", asbytes=True)
        return snapshot

    def steps(self) -> Iterator[RecordedStep]:
        """The steps taken since the newest snapshot, in order."""
        number = self.head.steps if self.head else 0
        while raw := self._table.read(self._partition, _step(number)):
            recorded = msgspec.json.decode(raw, type=RecordedStep)
            if recorded.step != number:
                return
            yield recorded
            number += 1

    async def record(self, step: RecordedStep) -> None:
        """Write down that a step is taken."""
        await (await self._table.write(self._partition, _step(step.step), msgspec.json.encode(step)))

    async def replace(self, snapshot: bytes, steps: int, ends: dict[str, int]) -> int:
        """Write a snapshot and, once all of it is there, say that it counts; returns the bytes written."""
        chunks, digest = chunks_of(snapshot)
        slot = 1 - self.head.slot if self.head else 0
        written = [await self._table.write(self._partition, _chunk(slot, at), part) for at, part in enumerate(chunks)]
        await asyncio.gather(*written)
        head = Head(slot, len(chunks), len(snapshot), digest, steps, ends)
        await (await self._table.write(self._partition, "head", msgspec.json.encode(head)))
        self.head = head
        return sum(map(len, chunks))


def _chunk(slot: int, at: int) -> str:
    return f"chunk/{slot}/{at}"


def _step(number: int) -> str:
    return f"step/{number % STEPS_REMEMBERED}"
