"""Faust's delivery without the four asyncio tasks that it makes for each message to wait for it.

Delivering a message is a function that hardly ever waits: its first step is taken at once, and only if that did not
end it, it is waited for as Faust does.
"""

import types
from collections.abc import Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any

from mode.services import Service, WaitResults


class QuickDelivery(Service):
    """For Faust's consumer: delivers what can be delivered at once without asking the event loop."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ANN401, ASYNC109 - as Faust's
        """Wait for the first of several, or for the consumer's end."""
        first, *others = coros
        if not iscoroutine(first) or timeout is not None:
            return await super().wait_first(*coros, timeout=timeout)
        try:
            awaited = first.send(None)
        except StopIteration as end:
            for other in filter(iscoroutine, others):
                other.close()
            ending = self._stopped.is_set() or self._crashed.is_set()
            return WaitResults([first], [end.value], stopped=ending)
        return await super().wait_first(_rest_of(first, awaited), *others)


async def _rest_of(begun: Coroutine[Any, Any, Any], awaited: object) -> object:
    return await _steps(begun, awaited)


@types.coroutine
def _steps(begun: Coroutine[Any, Any, Any], awaited: object) -> Generator[object, Any, object]:
    """Go on with a coroutine whose first step is taken; `awaited` is what it waits for since."""
    while True:
        try:
            sent = yield awaited
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the coroutine
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, sent)
        try:
            awaited = step()
        except StopIteration as end:
            return end.value
