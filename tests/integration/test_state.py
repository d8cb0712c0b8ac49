"""Saved state in a real topic: whose counts, what is missing, and what is kept by whom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import faust
import pytest
from faust.types import EventT
from msgspec.structs import replace

from features.site import Camera, Site
from models.bundle import default_bundle
from streams.kafka.app import make_agent, make_app, make_table
from streams.kafka.setup import Setup
from streams.kafka.state import CHUNK_BYTES, Head, RecordedStep, Saved, SavedStateError, StateTable
from streams.kafka.topic_check import Topics
from streams.kafka.topics import wanted
from streams.settings import Kafka, Settings, Worker
from tests.services.broker import KafkaAccess

WITHIN_S = 60
PARTITIONS = 2
SNAPSHOT = Random(1).randbytes(2 * CHUNK_BYTES + 7)
SMALL = b"small"
SETUP = Setup(Site("shop", cameras=[Camera("hall")]), default_bundle(), PARTITIONS, 60_000)
OTHER = Setup(replace(SETUP.site, name="another"), default_bundle(), PARTITIONS, 60_000)


@pytest.fixture
def settings(broker: KafkaAccess, prefix: str) -> Settings:
    kafka = Kafka(brokers=[broker.bootstrap], prefix=prefix, partitions=PARTITIONS)
    with Topics(kafka) as known:
        known.make(known.look(wanted(kafka)))
    return Settings(kafka=kafka)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(0.02)


class Member:
    """A worker's app and its table."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.app: faust.App = make_app(settings, name)
        self.table: StateTable = make_table(self.app, settings)
        make_agent(self.app, settings, _leave)

    @property
    def settled(self) -> bool:
        """Whether partitions are given out and their state was read."""
        return not (self.app.rebalancing or self.app.in_recovery)

    @property
    def partitions(self) -> set[int]:
        """Those it works on."""
        return {tp.partition for tp in self.app.consumer.assignment() if tp.topic.endswith("poses")}

    def names(self, partition: int = 0) -> set[str]:
        """What it has of a partition."""
        return set(self.table.kept.of_partition(partition))


async def _leave(_: EventT[bytes]) -> None:
    """Nothing is sent in these tests."""


@asynccontextmanager
async def joined(settings: Settings, name: str = "a") -> AsyncIterator[Member]:
    member = Member(settings, name)
    await member.app.start()
    try:
        await until(lambda: member.settled and bool(member.partitions))
        yield member
    finally:
        await member.app.stop()


def step(number: int, poses: int = 0, setup: str = "") -> RecordedStep:
    return RecordedStep(number, {"poses": poses}, setup)


def run(settings: Settings, test: Callable[[StateTable, Member], Awaitable[None]]) -> None:
    async def alone() -> None:
        async with joined(settings) as member:
            await test(member.table, member)

    asyncio.run(alone())


def test_what_one_owner_wrote_the_next_one_reads(settings: Settings) -> None:
    async def write(table: StateTable, _: Member) -> None:
        first = Saved(table, 0)
        assert (first.owner, first.head, first.setup(), first.snapshot(), first.steps()) == (1, None, None, None, [])
        written = await first.replace(SNAPSHOT, 5, {"poses": 9}, SETUP)
        assert written >= len(SNAPSHOT)
        for number in (5, 6):
            await first.record(step(number, 10 + number))
        await Saved(table, 1).replace(SMALL, 1, {}, OTHER)

    async def read(table: StateTable, _: Member) -> None:
        second, other = Saved(table, 0), Saved(table, 1)
        assert isinstance(second.head, Head)
        assert (second.owner, second.head.steps, second.head.ends, second.head.chunks) == (2, 5, {"poses": 9}, 3)
        assert (second.setup(), second.snapshot()) == (SETUP, SNAPSHOT)
        assert second.steps() == [step(5, 15), step(6, 16)]
        assert (other.owner, other.setup(), other.snapshot(), other.steps()) == (2, OTHER, SMALL, [])

    run(settings, write)
    run(settings, read)


def test_a_snapshot_that_is_not_finished_does_not_count(settings: Settings) -> None:
    async def test(table: StateTable, _: Member) -> None:
        first = Saved(table, 0)
        await first.replace(SNAPSHOT, 1, {}, SETUP)
        head = table.kept.of_partition(0)["0/1/head"]
        await first.replace(SMALL, 2, {}, SETUP)
        assert Saved(table, 0).snapshot() == SMALL
        await table.write(0, {"0/1/head": head})  # as if the worker had ended before it said that the second counts
        assert Saved(table, 0).snapshot() == SNAPSHOT

    run(settings, test)


def test_what_an_earlier_owner_still_writes_does_not_count(settings: Settings) -> None:
    async def test(table: StateTable, _: Member) -> None:
        first = Saved(table, 0)
        await first.replace(SMALL, 2, {"poses": 1}, SETUP)
        await first.record(step(2, 2))
        second = Saved(table, 0)
        assert second.steps() == [step(2, 2)]
        await second.record(step(3, 33))
        for number in (3, 4):
            await first.record(step(number, number))
        assert Saved(table, 0).steps() == [step(2, 2), step(3, 33)]
        await second.replace(SNAPSHOT, 4, {"poses": 33}, SETUP)
        await first.record(step(4, 4))
        await first.replace(SMALL, 5, {"poses": 5}, OTHER)
        third = Saved(table, 0)
        assert (third.owner, third.setup(), third.snapshot(), third.steps()) == (3, SETUP, SNAPSHOT, [])

    run(settings, test)


def test_the_first_snapshot_of_an_owner_removes_what_others_wrote(settings: Settings) -> None:
    async def write(table: StateTable, member: Member) -> None:
        first = Saved(table, 0)
        await first.replace(SNAPSHOT, 1, {}, SETUP)
        await first.record(step(1))
        await Saved(table, 1).replace(SMALL, 1, {}, SETUP)
        second = Saved(table, 0)
        await second.record(step(2))
        assert {name.split("/")[1] for name in member.names()} == {"1", "2"}
        await second.replace(SNAPSHOT, 3, {}, SETUP)
        assert {name.split("/")[1] for name in member.names()} == {"2"}

    async def read(table: StateTable, member: Member) -> None:
        assert {name.split("/")[1] for name in member.names()} == {"2"}
        assert (Saved(table, 0).snapshot(), Saved(table, 0).setup()) == (SNAPSHOT, SETUP)
        assert Saved(table, 1).snapshot() == SMALL

    run(settings, write)
    run(settings, read)


def test_a_step_to_another_setup_keeps_both_until_the_next_snapshot(settings: Settings) -> None:
    async def write(table: StateTable, member: Member) -> None:
        first = Saved(table, 0)
        await first.replace(SMALL, 1, {}, SETUP)
        await first.record(step(1, setup=OTHER.digest), OTHER)
        second = Saved(table, 0)
        assert (second.setup(), second.steps()) == (SETUP, [step(1, setup=OTHER.digest)])
        assert second.setups == {OTHER.digest: OTHER}
        await second.replace(SMALL, 2, {}, OTHER)
        await second.record(step(2, setup=SETUP.digest), SETUP)
        await second.replace(SNAPSHOT, 3, {}, SETUP)
        setups = {name.split("/")[3] for name in member.names() if "/setup/" in name}
        assert setups == {SETUP.digest}
        await second.record(step(3, setup=OTHER.digest), OTHER)

    async def read(table: StateTable, _: Member) -> None:
        third = Saved(table, 0)
        assert (third.setup(), third.snapshot()) == (SETUP, SNAPSHOT)
        assert third.steps() == [step(3, setup=OTHER.digest)]
        assert third.setups == {OTHER.digest: OTHER}

    run(settings, write)
    run(settings, read)


@pytest.mark.parametrize(("missing", "said"), [("chunk/0/1", "snapshot"), (f"setup/{SETUP.digest}/0", "setup")])
def test_what_is_missing_is_told(settings: Settings, missing: str, said: str) -> None:
    async def test(table: StateTable, _: Member) -> None:
        await Saved(table, 0).replace(SNAPSHOT, 1, {}, SETUP)
        await table.write(0, {f"0/1/{missing}": None})
        second = Saved(table, 0)
        assert second.head
        expected = second.head.digest if said == "snapshot" else SETUP.digest
        with pytest.raises(SavedStateError, match=f"{said} of partition 0: expected {expected}, got"):
            (second.setup(), second.snapshot())

    run(settings, test)


def test_a_setup_that_another_owner_did_not_finish_is_read_from_the_one_before(settings: Settings) -> None:
    async def test(table: StateTable, _: Member) -> None:
        await Saved(table, 0).replace(SMALL, 1, {}, SETUP)
        await table.write(0, {f"0/2/setup/{SETUP.digest}/0": SETUP.dump()[:-3]})
        assert Saved(table, 0).setup() == SETUP

    run(settings, test)


def test_a_standby_keeps_what_it_has_read_and_takes_over_with_it(settings: Settings) -> None:
    async def both() -> None:
        async with AsyncExitStack() as staying, AsyncExitStack() as leaving:
            stays = await staying.enter_async_context(joined(attended, "stays"))
            leaves = await leaving.enter_async_context(joined(attended, "leaves"))
            await until(lambda: len(stays.partitions) == len(leaves.partitions) == 1 and stays.settled)
            (own,), (others,) = stays.partitions, leaves.partitions
            await Saved(stays.table, own).replace(SNAPSHOT, 7, {}, SETUP)
            saved = Saved(leaves.table, others)
            await saved.replace(SNAPSHOT, 3, {}, SETUP)
            await saved.record(step(3))
            await until(lambda: stays.names(others) == leaves.names(others))
            await leaving.aclose()
            await until(lambda: stays.settled and len(stays.partitions) == PARTITIONS)
            taken, kept = Saved(stays.table, others), Saved(stays.table, own)
            assert (taken.owner, taken.snapshot(), taken.steps()) == (2, SNAPSHOT, [step(3)])
            assert (kept.owner, kept.snapshot()) == (2, SNAPSHOT)

    attended = replace(settings, worker=Worker(standbys=1))
    asyncio.run(both())
