"""The live view in memory."""

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Generic, TypeVar

from streams.kafka.areas import Areas
from streams.live.items import items_of
from streams.live.view import (
    ITEMS_MAX,
    Answer,
    Item,
    LiveAlert,
    LiveCamera,
    LivePage,
    LivePerson,
    News,
    Withdrawal,
    open_alerts,
)
from streams.settings import Live

SWEEP_EVERY_MS = 1_000
Kind = TypeVar("Kind", LivePerson, LiveAlert, Withdrawal, Answer, LiveCamera)


class MemoryView:
    """A live view of this process alone, with at most `items_max` items of a kind; `now` is the wall clock in ms."""

    def __init__(self, live: Live, areas: Areas, now: Callable[[], int], items_max: int = ITEMS_MAX) -> None:
        self._live, self._areas, self._now = live, areas, now
        self._persons = _Shelf[LivePerson](items_max)
        self._alerts = _Shelf[LiveAlert](items_max)
        self._withdrawals = _Shelf[Withdrawal](items_max)
        self._answers = _Shelf[Answer](items_max)
        self._cameras = _Shelf[LiveCamera](items_max)
        self._sweep_at = 0

    def apply(self, news: News) -> None:
        """Take news in; repeated and superseded news change nothing."""
        self.take(items_of(news, self._live, self._areas))

    def take(self, items: Iterable[Item]) -> None:
        """Take items in, each if it is newer than what is held of its name."""
        now_ms = self._now()
        for item in items:
            self._put(item, now_ms)
        if now_ms >= self._sweep_at:
            self.expire(now_ms)
            self._sweep_at = now_ms + SWEEP_EVERY_MS
        for shelf in self._shelves:
            shelf.trim()

    def items(self) -> list[Item]:
        """Everything held: a view that takes it in shows what this one shows."""
        now_ms = self._now()
        return [item for shelf in self._shelves for item in shelf.held(now_ms)]

    def ranked(self, limit: int, area: str | None = None) -> list[LivePerson]:
        """Persons, those worth a look first at the top."""
        return nsmallest(limit, self._persons.held(self._now(), area), key=lambda one: (one.rank, one.person))

    def person(self, name: str) -> LivePerson | None:
        """A person's latest score, if it is shown."""
        return self._persons.get(name, self._now())

    def alerts(self, area: str | None = None) -> list[LiveAlert]:
        """Open alerts, the latest first."""
        now_ms = self._now()
        shelves = (self._alerts.held(now_ms, area), self._withdrawals.held(now_ms), self._answers.held(now_ms))
        return sorted(open_alerts(*shelves), key=lambda one: (one.rank, one.id))

    def cameras(self, area: str | None = None) -> list[LiveCamera]:
        """The cameras' health, by name."""
        return sorted(self._cameras.held(self._now(), area), key=lambda one: one.name)

    def page(self, limit: int, area: str | None = None) -> LivePage:
        """Persons, open alerts and cameras."""
        return LivePage(self.ranked(limit, area), self.alerts(area), self.cameras(area))

    def expire(self, now_ms: int) -> None:
        """Drop what expires at or before a time of the wall clock."""
        for shelf in self._shelves:
            shelf.expire(now_ms)

    def forget(self, is_gone: Callable[[str], bool]) -> None:
        """Drop everything about persons by name."""
        for shelf in self._shelves:
            shelf.forget(is_gone)

    @property
    def _shelves(self) -> "tuple[_AnyShelf, ...]":
        return self._persons, self._alerts, self._withdrawals, self._answers, self._cameras

    def _put(self, item: Item, now_ms: int) -> None:
        match item:
            case LivePerson():
                self._persons.put(item, now_ms)
            case LiveAlert():
                self._alerts.put(item, now_ms)
            case Withdrawal():
                self._withdrawals.put(item, now_ms)
            case Answer():
                self._answers.put(item, now_ms)
            case LiveCamera():
                self._cameras.put(item, now_ms)


class _Shelf(Generic[Kind]):
    """Items of one kind, of each name the newest."""

    def __init__(self, items_max: int) -> None:
        self._most = items_max
        self._items: dict[str, Kind] = {}

    def put(self, item: Kind, now_ms: int) -> None:
        held = self.get(item.member, now_ms)
        if held is None or held.version < item.version:
            self._items[item.member] = item

    def get(self, member: str, now_ms: int) -> Kind | None:
        held = self._items.get(member)
        return held if held and held.expires_ms > now_ms else None

    def held(self, now_ms: int, area: str | None = None) -> list[Kind]:
        return [one for one in list(self._items.values()) if one.expires_ms > now_ms and area in {None, one.area}]

    def expire(self, now_ms: int) -> None:
        for member in [member for member, one in self._items.items() if one.expires_ms <= now_ms]:
            del self._items[member]

    def forget(self, is_gone: Callable[[str], bool]) -> None:
        """Drop persons; the names of alerts begin with theirs."""
        for member in [member for member in self._items if is_gone(member.partition("#")[0])]:
            del self._items[member]

    def trim(self) -> None:
        """Drop what would expire first beyond the limit."""
        over = len(self._items) - self._most
        if over > 0:
            for item in nsmallest(over, self._items.values(), key=lambda one: (one.expires_ms, one.member)):
                del self._items[item.member]


_AnyShelf = _Shelf[LivePerson] | _Shelf[LiveAlert] | _Shelf[Withdrawal] | _Shelf[Answer] | _Shelf[LiveCamera]
