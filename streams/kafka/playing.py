"""A recording as it is played: from its beginning or from now, once or several times, and closed at its end."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count

import msgspec
import numpy as np

from features.events import IdentityChange, Rejection
from features.keypoints import PersonFrames
from features.segments import SEGMENT_MS
from features.site import Site
from streams.closing_frames import closing_frames, closing_ms
from streams.kafka.areas import Areas
from streams.sources import DeadLetter, Fact, Item


def repeated(
    read: Callable[[], Iterable[Item]], site: Site, times: int = 1, start_ms: int | None = None
) -> Iterator[Item]:
    """The items of a recording, `times` times one after another; 0 is without end. Dead letters come once.

    With `start_ms` everything is shifted alike, so that the first event is then or within a step of the grid of scores
    after it. Shifts are whole steps of this grid, so what is found out about the persons is the same. Between two times
    there is a gap in which all is closed.
    """
    shift_ms = 0
    for turn in range(times) if times else count():
        first_ms, last_ms = -1, 0
        for item in read():
            if isinstance(item, DeadLetter):
                if turn == 0:
                    yield item
                continue
            if first_ms < 0:
                first_ms = _first_ms(item)
                if turn == 0 and start_ms is not None:
                    shift_ms = _steps(start_ms - first_ms, site)
            last_ms = max(last_ms, last_ms_of(item))
            yield shifted(item, shift_ms)
        if first_ms < 0:
            return
        shift_ms += _steps(last_ms - first_ms + 2 * closing_ms(site.timing), site)


def closed(items: Iterable[Item], site: Site, areas: Areas) -> Iterator[Item]:
    """The items and, at last, a frame without persons of every camera of the areas that occurred."""
    last_ms, occurred = 0, set[str]()
    names = list(areas.of_camera)
    for item in items:
        if not isinstance(item, DeadLetter):
            last_ms = max(last_ms, last_ms_of(item))
            occurred |= _areas_of(item, areas, names)
        yield item
    cameras = {camera for camera, area in areas.of_camera.items() if area in occurred}
    if cameras:
        yield closing_frames(site, last_ms, cameras)


def shifted(item: PersonFrames | Fact, shift_ms: int) -> PersonFrames | Fact:
    """An item at another time; `shift_ms` is in whole seconds, which are part of a person's name."""
    if not shift_ms:
        return item
    if isinstance(item, PersonFrames):
        return replace(item, time_ms=item.time_ms + shift_ms)
    if isinstance(item, IdentityChange):
        return msgspec.structs.replace(item, time_ms=item.time_ms + shift_ms)
    return msgspec.structs.replace(item, time_ms=item.time_ms + shift_ms, person=_renamed(item.person, shift_ms))


def last_ms_of(item: PersonFrames | Fact) -> int:
    """The latest event time in an item."""
    if isinstance(item, PersonFrames):
        return int(item.time_ms.max(initial=0))
    return item.time_ms


def _first_ms(item: PersonFrames | Fact) -> int:
    return int(item.time_ms[0]) if isinstance(item, PersonFrames) else item.time_ms


def _steps(ms: int, site: Site) -> int:
    step_ms = site.timing.score_every_ms
    return -(-ms // step_ms) * step_ms


def _renamed(person: str | None, shift_ms: int) -> str | None:
    """A person's name `camera/tracker/first second` with the second moved."""
    parts = (person or "").split("/")
    if len(parts) != 3:  # noqa: PLR2004 - the parts of a full name
        return person
    return f"{parts[0]}/{parts[1]}/{int(parts[2]) + shift_ms // SEGMENT_MS}"


def _areas_of(item: PersonFrames | Fact, areas: Areas, names: list[str]) -> set[str]:
    if isinstance(item, PersonFrames):
        return {areas.of_camera[names[place]] for place in np.unique(item.camera).tolist()}
    with suppress(Rejection):
        return {areas.of_fact(item)}
    return set()
