"""What a group of workers remembers, in a compacted topic.

For each partition a snapshot, the setup it was made under, and the steps taken since.

A Faust table holds it, so that a worker that is given a partition has read it before the first message arrives.
"""

import asyncio
import hashlib
from itertools import count, takewhile
from typing import cast

import msgspec
import pyarrow as pa
from faust import Table
from faust.stores import memory
from faust.tables.manager import TableManager
from faust.types import TP, EventT
from msgspec import Struct

from features.events import Rejection
from streams.kafka.setup import Setup

CHUNK_BYTES = 512 * 1_024
STEPS_REMEMBERED = 4_096  # more are never taken between two snapshots


class SavedStateError(Exception):
    """The saved state of a partition that cannot be used: what was expected and what is there."""


class Head(Struct, frozen=True):
    """Where a whole snapshot of a partition is.

    Attributes:
        slot: 0 or 1; a snapshot is written beside the one before.
        chunks: how many there are.
        size: of the snapshot before it was compressed, bytes.
        digest: SHA-256 of the compressed snapshot.
        steps: how many were taken before it.
        ends: by topic, the offset after the last message it holds.
        setup: digest of the one it was made under.
    """

    slot: int
    chunks: int
    size: int
    digest: str
    steps: int
    ends: dict[str, int]
    setup: str


class RecordedStep(Struct, frozen=True, omit_defaults=True):
    """That a step was taken; written before its outputs.

    Attributes:
        step: its number.
        ends: by topic, the offset after the last message it took.
        setup: of a step that takes none, digest of the setup to which it renews the lane.
    """

    step: int
    ends: dict[str, int]
    setup: str = ""


class _Store(memory.Store[bytes, bytes]):
    """Faust's own throws away what standbys have read, whenever a recovery ends."""

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        await super().on_recovery_completed(active_tps | standby_tps, standby_tps)

    def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Keep a value as what was read of the partition's topic is kept."""
        if value is None:
            self.data.pop(key, None)
            self._key_partition.pop(key, None)
        else:
            self.data[key] = value
            self._key_partition[key] = partition

    def of_partition(self, partition: int) -> dict[str, bytes]:
        """What is kept of a partition."""
        ours = (key for key, where in self._key_partition.items() if where == partition)
        return {key.decode(): self.data[key] for key in ours if self.data.get(key)}


class StateTable(Table[bytes, bytes]):
    """A table of bytes whose writes name their partition and can be waited for."""

    def _new_store(self) -> _Store:
        self.kept = _Store("memory://", self.app, self, table_name=self.name, loop=self.loop)
        return self.kept

    async def on_changelog_event(self, event: EventT[bytes]) -> None:
        """Keep what was read at once; Faust's own way is to wait for a thousand messages, even as a standby."""
        await super().on_changelog_event(event)
        cast("TableManager", self.app.tables).recovery.flush_buffers()

    async def write(self, partition: int, values: dict[str, bytes | None]) -> None:
        """Write values, or with None remove them, and wait until the broker has them."""
        producer = await self.app.maybe_start_producer()
        topic = self.changelog_topic_name
        pairs = [(name.encode(), value) for name, value in values.items()]
        await asyncio.gather(*[await producer.send(topic, key, value, partition, None, None) for key, value in pairs])
        for key, value in pairs:
            self.kept.put(partition, key, value)


class Saved:
    """The saved state of one partition, by its owner.

    Each worker that is given the partition takes the next owner's number. What an earlier owner may still write, held
    up for long and going on for a moment, has that owner's number in its keys, and does not count.

    Attributes:
        owner: this owner's number.
        head: of the newest snapshot.
        setups: by digest, those that the steps since renew the lane to, once `steps` were read.
    """

    def __init__(self, table: StateTable, partition: int) -> None:
        self._table, self._partition = table, partition
        values = table.kept.of_partition(partition)
        owners = set(map(_owner_of, values))
        self.owner = max(owners, default=0) + 1
        heads = {owner: values[name] for owner in owners if (name := f"{partition}/{owner}/head") in values}
        self._of = max(heads, default=0)
        self.head = msgspec.json.decode(heads[self._of], type=Head) if heads else None
        self._values, self._claimed = values, False
        self.setups, self._kept = dict[str, Setup](), set[str]()

    def setup(self) -> Setup | None:
        """The setup under which the newest snapshot was made; none before the first.

        Raises:
            SavedStateError: a part of it is missing, or it is of another version.
        """
        return self._read_setup(self.head.setup) if self.head else None

    def snapshot(self) -> bytes | None:
        """The newest snapshot; none before the first.

        Raises:
            SavedStateError: a part of it is missing or is not what was written.
        """
        head = self.head
        if head is None:
            return None
        parts = [self._values.get(self._chunk(self._of, head.slot, at), b"") for at in range(head.chunks)]
        packed = b"".join(parts)
        if (digest := hashlib.sha256(packed).hexdigest()) != head.digest:
            raise SavedStateError(f"snapshot of partition {self._partition}: expected {head.digest}, got {digest}")
        snapshot: bytes = pa.decompress(packed, head.size, codec="lz4", asbytes=True)
        return snapshot

    def steps(self) -> list[RecordedStep]:
        """The steps taken since the newest snapshot, in order; lets go of what was read to begin with.

        Raises:
            SavedStateError: as `setup` does, of a setup that a step renews the lane to.
        """
        steps, number, owner = list[RecordedStep](), self.head.steps if self.head else 0, self._of
        while (found := self._recorded(number, owner)) is not None:
            owner, recorded = found
            steps.append(recorded)
            number += 1
        self.setups = {one.setup: self._read_setup(one.setup) for one in steps if one.setup}
        self._values = {}
        return steps

    def _recorded(self, number: int, first: int) -> tuple[int, RecordedStep] | None:
        """A step as the latest owner recorded it, and that owner, who is `first` or came after."""
        for owner in range(self.owner - 1, first - 1, -1):
            raw = self._values.get(self._step(owner, number))
            if raw and (recorded := msgspec.json.decode(raw, type=RecordedStep)).step == number:
                return owner, recorded
        return None

    def _read_setup(self, digest: str) -> Setup:
        """A setup as any owner wrote it."""
        problem = "none"
        for owner in range(self.owner - 1, 0, -1):
            chunks = (self._values.get(self._setup_chunk(owner, digest, at), b"") for at in count())
            if packed := b"".join(takewhile(bool, chunks)):
                try:
                    setup = Setup.load(packed)
                except Rejection as why:
                    problem = str(why)
                else:
                    if setup.digest == digest:
                        return setup
                    problem = setup.digest
        raise SavedStateError(f"setup of partition {self._partition}: expected {digest}, got {problem}")

    async def record(self, step: RecordedStep, setup: Setup | None = None) -> None:
        """Write down that a step is taken, and the setup to which it renews the lane."""
        await self._claim()
        if setup is not None:
            await self._keep(setup)
        await self._table.write(self._partition, {self._step(self.owner, step.step): msgspec.json.encode(step)})

    async def replace(self, snapshot: bytes, steps: int, ends: dict[str, int], setup: Setup) -> int:
        """Write a snapshot and, once all of it is there, say that it counts; returns its bytes as written."""
        await self._claim()
        await self._keep(setup)
        packed = pa.compress(snapshot, codec="lz4", asbytes=True)
        slot = 1 - self.head.slot if self.head and self._of == self.owner else 0
        starts = range(0, len(packed), CHUNK_BYTES)
        chunks = {
            self._chunk(self.owner, slot, at): packed[start : start + CHUNK_BYTES] for at, start in enumerate(starts)
        }
        await self._table.write(self._partition, dict(chunks))
        head = Head(slot, len(chunks), len(snapshot), hashlib.sha256(packed).hexdigest(), steps, ends, setup.digest)
        await self._table.write(self._partition, {self._key(self.owner, "head"): msgspec.json.encode(head)})
        if self._of != self.owner or (self.head and self.head.setup != setup.digest):
            await self._remove_needless(setup)
        self.head, self._of = head, self.owner
        return len(packed)

    async def _claim(self) -> None:
        """Make this owner's number known before anything else is written."""
        if not self._claimed:
            await self._table.write(self._partition, {self._key(self.owner, "owner"): b"1"})
            self._claimed = True

    async def _keep(self, setup: Setup) -> None:
        """Write a setup, unless this owner has."""
        if setup.digest not in self._kept:
            packed = setup.dump()
            starts = range(0, len(packed), CHUNK_BYTES)
            names = (self._setup_chunk(self.owner, setup.digest, at) for at in count())
            chunks = {name: packed[start : start + CHUNK_BYTES] for name, start in zip(names, starts, strict=False)}
            await self._table.write(self._partition, dict(chunks))
            self._kept.add(setup.digest)

    async def _remove_needless(self, setup: Setup) -> None:
        """Remove what earlier owners wrote, and setups that are no longer those of the lane."""
        kept = self._setup_chunk(self.owner, setup.digest, "")
        setups = [name for name in self._names() if name.startswith(self._key(self.owner, "setup/"))]
        needless = [name for name in setups if not name.startswith(kept)]
        needless += [name for name in self._names() if _owner_of(name) < self.owner]
        await self._table.write(self._partition, dict.fromkeys(needless))
        self._kept = {setup.digest}

    def _names(self) -> list[str]:
        return list(self._table.kept.of_partition(self._partition))

    def _key(self, owner: int, name: str) -> str:
        return f"{self._partition}/{owner}/{name}"

    def _chunk(self, owner: int, slot: int, at: int) -> str:
        return self._key(owner, f"chunk/{slot}/{at}")

    def _setup_chunk(self, owner: int, digest: str, at: int | str) -> str:
        return self._key(owner, f"setup/{digest}/{at}")

    def _step(self, owner: int, number: int) -> str:
        return self._key(owner, f"step/{number % STEPS_REMEMBERED}")


def _owner_of(name: str) -> int:
    return int(name.split("/")[1])
