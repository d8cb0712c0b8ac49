"""The live view in a real Redis: the same as in memory, whole after every loss, gone when it expires."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from features.events import Disposition
from models.records import Alert, Score
from streams import clock
from streams.live import redis_writer
from streams.live.memory import MemoryView
from streams.live.mirror import LiveJson, Mirror
from streams.live.redis_layout import ITEMS_PER_SCRIPT
from streams.live.redis_view import RedisView
from streams.live.view import CameraHealth, LivePage, LiveView, News
from streams.settings import Live, Redis
from tests.property.test_live_order import AREAS, LIVE, NEWS, NOW_MS, REASON
from tests.services.redis_server import RedisAccess, RedisServer

WITHIN_S = 20.0
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def score(person: str, time_ms: int, said: int = 500, kind: str = "grid") -> Score:
    return msgspec.convert(
        {
            "type": "score", "id": f"{person}#{time_ms}.0", "person": person, "camera": "floor", "time_ms": time_ms,
            "kind": kind, "revision": 0, "supersedes": None, "position": 0, "score": said, "abstain": None,
            "band": "high", "probability_permille": 700, "contributions": [msgspec.to_builtins(REASON)] * 4,
            "counterfactual": [], "events": ["stayed in a restricted zone"], "bundle": "67b5",
        },
        Score,
    )  # fmt: skip


def alert(person: str, time_ms: int) -> Alert:
    of = f"{person}#{time_ms}.0"
    return Alert(f"{of}#alert", person, "floor", time_ms, of, 500, "high", ("stayed in a restricted zone",), [REASON])


def news_of(persons: int, time_ms: int, first: int = 0, told_ms: int | None = None) -> News:
    names = [f"floor/{number}/1700000000" for number in range(first, first + persons)]
    told = [score(name, time_ms, int(name.split("/")[1]) % 1_000) for name in names]
    health = [CameraHealth("floor", time_ms, persons)]
    return News(clock.now_ms() if told_ms is None else told_ms, told, [alert(names[0], time_ms)], [], health)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        await asyncio.sleep(0.01)


@pytest.fixture
def client(redis_server: RedisAccess) -> Iterator[redis.Redis]:
    with redis_server.connect() as client:
        yield client


def redis_view(client: redis.Redis, prefix: str, live: Live = LIVE) -> RedisView:
    return RedisView(client, prefix, live, AREAS, clock.now_ms)


def answers(view: LiveView) -> tuple[object, ...]:
    names = [
        f"{camera}/{track}/{second}" for camera, track, second in (("floor", 1, 1700000000), ("yard", 1, 1700000003))
    ]
    ranked = [view.ranked(limit, area) for limit in (1, 2, 100) for area in (None, "shop", "depot", "nowhere")]
    rest = [(view.alerts(area), view.cameras(area), view.page(2, area)) for area in (None, "shop", "depot")]
    return ranked, rest, [view.person(name) for name in names]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(NEWS, st.integers(0, 400_000), st.sampled_from([0, 0, 90_000, 310_000])), max_size=5),
    most=st.sampled_from([2, 1_000]),
)
def test_memory_and_redis_answer_the_same(client: redis.Redis, parts: list[tuple[News, int, int]], most: int) -> None:
    now_ms = NOW_MS
    views = (
        RedisView(client, f"test-{uuid.uuid4().hex}:", LIVE, AREAS, lambda: now_ms, most),
        MemoryView(LIVE, AREAS, lambda: now_ms, most),
    )
    for news, pause_ms, old_ms in parts:
        now_ms += pause_ms
        for view in views:
            view.apply(msgspec.structs.replace(news, told_ms=now_ms - old_ms))
            view.expire(now_ms)
        assert answers(views[0]) == answers(views[1])
    views[0].clear()


def test_a_thousand_scores_are_one_round_trip(redis_server: RedisAccess, prefix: str) -> None:
    sent = count()

    class Counted(redis.Connection):
        def send_packed_command(self, command: object, check_health: bool = True) -> None:  # noqa: FBT001, FBT002
            next(sent)
            super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    url = redis.connection.parse_url(redis_server.url)  # type: ignore[no-untyped-call]
    with redis.Redis(connection_pool=redis.ConnectionPool(Counted, **url)) as client:
        view = redis_view(client, prefix)
        view.apply(news_of(1, 1))
        before = next(sent)
        view.apply(news_of(1_000, 2))
        assert next(sent) - before == 2
        assert len(view.ranked(2_000)) == 1_000
        view.clear()


def test_what_another_worker_brings_late_changes_nothing(client: redis.Redis, prefix: str) -> None:
    first, second = redis_view(client, prefix), redis_view(client, prefix)
    first.apply(News(clock.now_ms(), [score("floor/1", 2_000, 300)]))
    second.apply(News(clock.now_ms(), [score("floor/1", 1_000, 900)]))
    assert [(one.time_ms, one.score) for one in first.ranked(5)] == [(2_000, 300)]
    second.apply(News(clock.now_ms(), [score("floor/1", 3_000, 100)]))
    assert [(one.time_ms, one.score) for one in first.ranked(5)] == [(3_000, 100)]
    first.clear()


def test_everything_expires_and_leaves_no_key(client: redis.Redis, prefix: str) -> None:
    short = Live(person_expires_s=2, alert_expires_s=1, camera_expires_s=1)
    view = redis_view(client, prefix, short)
    left = [score("floor/8", 2_000, kind="final")]
    view.apply(
        News(
            clock.now_ms(), [score("floor/7", 2_000), *left], [alert("floor/7", 2_000)], [], [CameraHealth("floor", 1)]
        )
    )
    assert len(view.ranked(5)) == 2
    asyncio.run(until(lambda: [one.person for one in view.ranked(5)] == ["floor/7"]))  # who left goes sooner
    asyncio.run(until(lambda: view.page(5) == LivePage([], [], [])))
    asyncio.run(until(lambda: not client.keys(f"{prefix}*")))


def test_nothing_is_left_where_nobody_looks(client: redis.Redis, prefix: str) -> None:
    view = redis_view(client, prefix, Live(person_expires_s=1, alert_expires_s=1, camera_expires_s=1))
    view.apply(news_of(3, 1_000))
    assert len(client.keys(f"{prefix}*")) == 11
    asyncio.run(until(lambda: not client.keys(f"{prefix}*")))


def test_a_repeat_does_not_lengthen_the_time(client: redis.Redis, prefix: str) -> None:
    now_ms = clock.now_ms()
    for view in (redis_view(client, prefix), MemoryView(LIVE, AREAS, clock.now_ms)):
        view.apply(news_of(1, 1_000, told_ms=now_ms - 9_000))
        before = view.page(5)
        view.apply(news_of(1, 1_000, told_ms=now_ms))
        assert view.page(5).persons == before.persons
        assert view.page(5).alerts == before.alerts
        assert view.page(5).cameras[0].told_ms == now_ms
        view.expire(now_ms + 292_000)
        assert view.ranked(5) == []
    redis_view(client, prefix).clear()


def test_names_whose_value_is_gone_are_dropped(client: redis.Redis, prefix: str) -> None:
    view = redis_view(client, prefix)
    view.apply(news_of(600, 1_000))
    client.delete(*(f"{prefix}person:floor/{number}/1700000000" for number in range(100, 600)))
    assert [one.score for one in view.ranked(1_000)] == list(range(99, -1, -1))
    assert client.zcard(f"{prefix}person") == client.zcard(f"{prefix}person.expiry") == 100
    view.clear()


def test_what_cannot_be_read_is_not_shown(client: redis.Redis, prefix: str) -> None:
    view = redis_view(client, prefix)
    view.apply(news_of(2, 1_000))
    client.set(f"{prefix}person:floor/1/1700000000", "0 shop {}")
    client.set(f"{prefix}camera:floor", "nonsense")
    assert [one.person for one in view.ranked(5)] == ["floor/0/1700000000"]
    assert view.cameras() == []
    assert view.person("floor/1/1700000000") is None
    view.clear()


@pytest.mark.parametrize("special", ["", "*", "[a]", "\\", "?:", "{vigil}:"])
def test_clear_removes_the_view_and_nothing_else(client: redis.Redis, prefix: str, special: str) -> None:
    own, others = f"{prefix}{special}", [f"{prefix}x", f"{prefix}{special}x", f"{prefix}ax-person", f"{prefix}personal"]
    for key in others:
        client.set(key, "kept")
    view = redis_view(client, own)
    view.apply(news_of(1_500, 1_000))
    view.clear()
    assert set(client.keys(f"{prefix}*")) == {key.encode() for key in others}
    client.delete(*others)


def test_scripts_that_redis_forgot_are_told_again(client: redis.Redis, prefix: str) -> None:
    view = redis_view(client, prefix)
    for round_ in (1, 2):
        client.script_flush()
        view.apply(news_of(2, round_))
        client.script_flush()
        assert [one.time_ms for one in view.ranked(5)] == [round_, round_]
    view.clear()


def mirrored(work: Callable[[Mirror, Mirror], Awaitable[None]], access: Redis) -> None:
    """Have two mirrors of two workers at work on one Redis."""

    async def run() -> None:
        first, second = Mirror(LIVE, AREAS, access), Mirror(LIVE, AREAS, access)
        await first.start()
        await second.start()
        try:
            await work(first, second)
        finally:
            await first.stop()
            await second.stop()

    asyncio.run(run())


def whole(view: RedisView, *mirrors: Mirror) -> bool:
    """Whether Redis shows what the mirrors know together."""
    both = MemoryView(LIVE, AREAS, clock.now_ms)
    for mirror in mirrors:
        both.take(mirror.view.items())
    try:
        return view.page(5_000) == both.page(5_000)
    except redis.RedisError:
        return False


def test_two_workers_mirror_their_persons(redis_server: RedisAccess, client: redis.Redis, prefix: str) -> None:
    view = redis_view(client, prefix)

    async def work(first: Mirror, second: Mirror) -> None:
        assert first.up is None
        for round_ in range(5):
            first.offer(news_of(400, 1_000 + round_))
            second.offer(news_of(300, 1_000 + round_, first=1_000))
            await asyncio.sleep(0)
        await until(lambda: whole(view, first, second) and first.up and second.up)
        assert len(view.ranked(5_000)) == 700
        assert len(first.view.ranked(5_000)) == 400

    mirrored(work, Redis(url=redis_server.url, prefix=prefix))
    view.clear()


def test_a_redis_that_was_killed_is_whole_again(prefix: str) -> None:
    with RedisServer() as server:
        client = server.access.connect()
        view = redis_view(client, prefix)

        async def work(first: Mirror, second: Mirror) -> None:
            first.offer(news_of(400, 1_000))
            second.offer(news_of(400, 1_000, first=1_000))
            await until(lambda: whole(view, first, second) and first.up and second.up)
            with capture_logs() as logs:
                server.kill()
                for round_ in range(200):
                    first.offer(news_of(5, 2_000 + round_, first=390))
                    await asyncio.sleep(0.005)
                await until(lambda: first.up is False and second.up is False)
                assert msgspec.json.decode(first.as_json(), type=LiveJson).redis == "down"
                assert "does not answer" in first.text
                first.offer(News(clock.now_ms(), [], [], [Disposition("d", 5_000, "floor/0/1700000000", "agree", "r")]))
                server.start()
                await until(lambda: first.up and second.up and whole(view, first, second))
                first.offer(news_of(3, 9_000))
                await until(lambda: whole(view, first, second))
            assert [one["event"] for one in logs] == [
                *["redis lost, the work goes on"] * 2,
                *["redis has the live view"] * 2,
            ]

        mirrored(work, Redis(url=server.url, prefix=prefix))
        client.close()


def test_a_redis_that_was_emptied_is_whole_again(client: redis.Redis, redis_server: RedisAccess, prefix: str) -> None:
    view = redis_view(client, prefix)

    async def work(first: Mirror, second: Mirror) -> None:
        first.offer(news_of(1_200, 1_000))
        second.offer(news_of(10, 1_000, first=2_000))
        await until(lambda: whole(view, first, second) and first.up and second.up)
        view.clear()
        assert not whole(view, first, second)
        await until(lambda: whole(view, first, second))

    mirrored(work, Redis(url=redis_server.url, prefix=prefix))
    view.clear()


def test_a_redis_that_is_too_slow_gets_the_whole_instead(
    client: redis.Redis, redis_server: RedisAccess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_writer, "WAITING_MAX", ITEMS_PER_SCRIPT)
    view = redis_view(client, prefix)

    async def work(first: Mirror, _: Mirror) -> None:
        await until(lambda: first.up)
        client.client_pause(500, all=False)
        slowest = 0.0
        for round_ in range(20):
            began = time.perf_counter()
            first.offer(news_of(100, 1_000 + round_, first=100 * round_))
            slowest = max(slowest, time.perf_counter() - began)
            await asyncio.sleep(0)
        assert slowest < 0.4
        await until(lambda: whole(view, first))
        assert len(view.ranked(5_000)) == 2_000

    mirrored(work, Redis(url=redis_server.url, prefix=prefix))
    view.clear()


def test_what_was_under_way_when_redis_was_lost_comes_later(
    client: redis.Redis, redis_server: RedisAccess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_writer, "WRITE_WITHIN_S", 0.2)
    view = redis_view(client, prefix)

    async def work(first: Mirror, _: Mirror) -> None:
        await until(lambda: first.up)
        client.client_pause(600, all=False)
        first.offer(news_of(10, 1_000))
        await until(lambda: first.up is False)
        await until(lambda: first.up and whole(view, first))
        assert len(view.ranked(100)) == 10

    mirrored(work, Redis(url=redis_server.url, prefix=prefix))
    view.clear()


def test_stop_writes_what_waits(client: redis.Redis, redis_server: RedisAccess, prefix: str) -> None:
    async def run() -> None:
        mirror = Mirror(LIVE, AREAS, Redis(url=redis_server.url, prefix=prefix))
        await mirror.start()
        mirror.offer(news_of(1_700, 1_000))
        await mirror.stop()
        assert whole(redis_view(client, prefix), mirror)

    asyncio.run(run())
    redis_view(client, prefix).clear()


def test_stop_ends_in_time_where_redis_hangs(prefix: str) -> None:
    with RedisServer() as server:

        async def run() -> None:
            mirror = Mirror(LIVE, AREAS, Redis(url=server.url, prefix=prefix))
            await mirror.start()
            await until(lambda: mirror.up)
            with server.access.connect() as client:
                client.client_pause(60_000, all=False)
            mirror.offer(news_of(10, 1_000))
            began = time.monotonic()
            await mirror.stop(within_s=0.3)
            assert time.monotonic() - began < 2

        asyncio.run(run())


def test_a_redis_that_never_was_stops_nothing() -> None:
    async def work(first: Mirror, _: Mirror) -> None:
        first.offer(news_of(10, 1_000))
        await until(lambda: first.up is False)
        first.offer(news_of(10, 2_000))
        assert [one.time_ms for one in first.view.ranked(100)] == [2_000] * 10

    mirrored(work, Redis(url=NOBODY_LISTENS))


def test_a_secured_redis(secured_redis: RedisAccess, prefix: str) -> None:
    access = secured_redis

    async def work(first: Mirror, second: Mirror) -> None:
        first.offer(news_of(10, 1_000))
        with access.connect() as client:
            await until(lambda: whole(redis_view(client, prefix), first, second) and first.up)
            redis_view(client, prefix).clear()

    mirrored(work, Redis(access.url, access.user, access.password, access.ca_file, prefix))


def test_a_wrong_password_is_a_redis_that_does_not_answer(secured_redis: RedisAccess, prefix: str) -> None:
    access = secured_redis
    with capture_logs() as logs:

        async def work(first: Mirror, second: Mirror) -> None:
            await until(lambda: first.up is False and second.up is False)

        mirrored(work, Redis(access.url, access.user, "letmein", access.ca_file, prefix))
    assert len(logs) == 2
    assert "letmein" not in str(logs)
