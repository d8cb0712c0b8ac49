"""Delivery without tasks: what can be delivered at once is, what has to wait is waited for, errors pass."""

import asyncio
from typing import Any

import pytest

from streams.kafka.delivery import QuickDelivery


def delivered(*steps: Any, until: asyncio.Event | None = None) -> Any:  # noqa: ANN401 - what Faust gives
    """What comes of waiting for a delivery that takes these steps, or for an event."""

    async def deliver() -> str:
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            await step()
        return "delivered"

    async def wait() -> Any:  # noqa: ANN401
        service = QuickDelivery()
        return await service.wait_first(deliver(), (until or asyncio.Event()).wait())

    return asyncio.run(wait())


async def at_once() -> None: ...


async def later() -> None:
    await asyncio.sleep(0.001)


@pytest.mark.parametrize("steps", [(), (at_once,), (later,), (at_once, later, at_once, later)])
def test_a_delivery_is_awaited_to_its_end(steps: tuple[Any, ...]) -> None:
    told = delivered(*steps)
    assert not told.stopped
    assert len(told.done) == 1
    assert told.results == ["delivered"]


@pytest.mark.parametrize("steps", [(KeyError("lost"),), (later, KeyError("lost"))])
def test_errors_of_a_delivery_pass(steps: tuple[Any, ...]) -> None:
    with pytest.raises(KeyError, match="lost"):
        delivered(*steps)


def test_a_delivery_that_never_ends_gives_way() -> None:
    async def wait() -> Any:  # noqa: ANN401
        suspended, service, never = asyncio.Event(), QuickDelivery(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, suspended.set)
        return await service.wait_first(never.wait(), suspended.wait())

    told = asyncio.run(asyncio.wait_for(wait(), 5))
    assert told.results == [True]


def test_a_waiting_delivery_can_be_cancelled() -> None:
    ended = list[str]()

    async def deliver() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    async def wait() -> None:
        await QuickDelivery().wait_first(deliver(), asyncio.Event().wait())

    async def cancel() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.01)

    asyncio.run(cancel())
    assert ended == ["cleaned up"]


def test_a_stopped_consumer_says_so() -> None:
    async def wait() -> Any:  # noqa: ANN401
        service = QuickDelivery()
        service._stopped.set()  # noqa: SLF001 - as stopping does
        return await service.wait_first(at_once(), asyncio.Event().wait())

    assert asyncio.run(wait()).stopped
