"""Whatever is killed, stopped or held up while a town is played: what is published is the same, each thing once.

Seed and schedule are printed. `VIGIL_CRASHES` says how many kills; more kills take a longer town.
"""

import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL, SIGTERM

import msgspec
import pytest

from features.site import Site
from streams.clock import now_ms
from streams.kafka.outgoing import Outgoing
from streams.kafka.topics import OUTPUTS, POSES, SCORES, Topic
from streams.live.rebuild import rebuild
from streams.live.redis_view import RedisView
from streams.settings import Produce, Redis, Settings
from tests.running.published import (
    Published,
    Record,
    RepeatDiffersError,
    difference,
    embedded,
    published,
    scored_again,
    standing,
)
from tests.running.stage import Stage, perform
from tests.running.town import PARTITIONS, Town, town
from tests.running.workers import QUICK, settings_for
from tests.services.broker import Broker, KafkaAccess
from tests.services.redis_server import RedisServer

CRASHES = int(os.environ.get("VIGIL_CRASHES", "4"))
SEED = int(os.environ.get("VIGIL_TEST_SEED", "20261"))
ROUNDS = max(1, CRASHES // 10)  # of what takes long
TAKES_S = 4.5  # from one kill to the next, about
AT_WORK_S = 1.5  # how long a worker is left at work before it is killed, at most
SPEED = 15.0
PRODUCE = Produce(frames_per_message=4)
SESSION_S = QUICK.session_s
REPEATED = 0.03  # of all messages
REORDERED = 0.2

Expected = dict[int, Published]


@cache
def town_for(seconds: float) -> Town:
    """A town that takes about so long to be played."""
    return town(SEED, max(4, round(seconds * SPEED / 16)))


@cache
def messages_for(seconds: float) -> list[Outgoing]:
    return town_for(seconds).messages(PRODUCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    with Broker() as own:
        yield own


def expected_of(sent: list[Outgoing], of: Town, folder: Path) -> Expected:
    return {number: embedded(sent, of.site, number, folder / str(number)) for number in range(PARTITIONS)}


def check(found: Expected, expected: Expected) -> None:
    """Everything is as expected; late input and dead letters are the same but for repeats."""
    print("repeats:", {number: one.repeats for number, one in found.items()})  # noqa: T201
    for number, one in found.items():
        assert difference(one, expected[number]) == "", f"partition {number}"
        assert set(one.late) == set(expected[number].late)
    assert all(one.journal and one.scores for one in found.values())


def told(*what: object) -> None:
    """Say what is done; pytest shows it when the test fails."""
    print(f"seed {SEED}:", *what)  # noqa: T201


@pytest.fixture
def play(
    broker: KafkaAccess, prefix: str, tmp_path: Path
) -> Callable[[Town, list[Outgoing], Callable[[Stage], None]], Expected]:
    """Play messages while something happens, on the shared broker."""

    def played(of: Town, sent: list[Outgoing], disturb: Callable[[Stage], None], *, standbys: int = 0) -> Expected:
        worker = msgspec.structs.replace(QUICK, standbys=standbys)
        settings = settings_for(broker.bootstrap, prefix, tmp_path, of, worker)
        return perform(of, sent, settings, tmp_path, SPEED, disturb)

    return played


def kills(random: Random, count: int) -> Callable[[Stage], None]:
    """Kill the only worker again and again: after a snapshot, while it works, while it starts."""
    whens = [random.choice(["saved", "at work", "start"]) for _ in range(count - 1)]
    schedule = [(when, random.uniform(0, AT_WORK_S)) for when in ("saved", *whens)]

    def disturb(stage: Stage) -> None:
        for when, seconds in schedule:
            if when != "start":
                stage.until_at_work("w1")
            if when == "saved":
                stage.until_more_is_saved()
            stage.wait(seconds)
            stage.workers["w1"].kill()
            stage.start("w1")
            told(f"killed {seconds:.2f} s after: {when}", stage.player.share)
        stage.until_at_work("w1")
        begun = stage.workers["w1"].log.read_text(encoding="utf-8")
        assert re.search(r"steps=[1-9]", begun), "no lane began from a snapshot"

    return disturb


def test_kills(play: Callable[..., Expected], folder: Path) -> None:
    of, sent = town_for(CRASHES * TAKES_S), messages_for(CRASHES * TAKES_S)
    check(play(of, sent, kills(Random(SEED), CRASHES)), expected_of(sent, of, folder))


def test_facts_that_come_late(play: Callable[..., Expected], folder: Path) -> None:
    """With kills: where a fact stands in the journal is chance, but it stands there once, and the end is the same."""
    of = town_for(CRASHES * TAKES_S).tardy(SEED)
    sent = of.messages(PRODUCE)
    found, expected = play(of, sent, kills(Random(SEED + 1), CRASHES)), expected_of(sent, of, folder)
    for number, one in found.items():
        assert difference(scored_again(one, of.site), one, ("scores", "alerts")) == ""
        assert standing(one) == standing(expected[number])
        assert len(one.journal) == len(expected[number].journal)
        assert standing(one)


def test_the_broker_goes_and_comes_back(own_broker: Broker, prefix: str, tmp_path: Path, folder: Path) -> None:
    random = Random(SEED + 2)
    of = town_for(ROUNDS * 6.0)
    sent = of.messages(Produce(frames_per_message=1))  # what is sent before a fact is all up to its time

    def disturb(stage: Stage) -> None:
        stage.until_at_work("w1")
        for end in (own_broker.stop, own_broker.kill) * ROUNDS:
            stage.wait(random.uniform(0, AT_WORK_S))
            end()
            stage.wait(away_s := random.uniform(0, 1.5 * SESSION_S))
            before = stage.player.count
            own_broker.start()
            told(f"the broker was away for {away_s:.2f} s", stage.player.share)
            stage.until_more_is_sent(before)
            stage.until_at_work("w1")

    settings = settings_for(own_broker.bootstrap, prefix, tmp_path, of)
    check(perform(of, sent, settings, tmp_path, SPEED / 2, disturb), expected_of(sent, of, folder))


@pytest.mark.parametrize("standbys", [0, 1] if ROUNDS > 1 else [1])
def test_one_worker_then_three_then_two(play: Callable[..., Expected], folder: Path, standbys: int) -> None:
    of, sent = town_for(ROUNDS * 10.0), messages_for(ROUNDS * 10.0)
    random = Random(SEED + 3 + standbys)

    def disturb(stage: Stage) -> None:
        stage.until_at_work("w1")
        for _ in range(ROUNDS):
            for other in ("w2", "w3"):
                stage.start(other)
            stage.until_in_group("w2")
            stage.until_in_group("w3")
            stage.wait(random.uniform(0, AT_WORK_S))
            killed, asked = random.sample(["w1", "w2", "w3"], 2)
            told("asked to end:", asked, "killed for longer than its session:", killed, stage.player.share)
            assert stage.end(asked, SIGTERM) == 0
            stage.wait(random.uniform(0, AT_WORK_S))
            stage.end(killed, SIGKILL)
            stage.wait(1.5 * SESSION_S)
            stage.start(killed)
            stage.until_at_work(killed)
            stage.start("w1")
            stage.until_in_group("w1")

    found = play(of, sent, disturb, standbys=standbys)
    check(found, expected_of(sent, of, folder))


def test_redis_goes_and_comes_back(broker: KafkaAccess, prefix: str, tmp_path: Path, folder: Path) -> None:
    """Nobody waits for Redis, and in the end it holds what the topics say."""
    of, sent = town_for(6.0), messages_for(6.0)
    with RedisServer() as server:
        redis = Redis(url=server.url, prefix=prefix)

        def disturb(stage: Stage) -> None:
            stage.until_at_work("w1")
            stage.wait(1)
            server.kill()
            stage.wait(2)
            server.start()
            told("redis is back", stage.player.share)

        settings = settings_for(broker.bootstrap, prefix, tmp_path, of, redis=redis)
        check(perform(of, sent, settings, tmp_path, SPEED, disturb), expected_of(sent, of, folder))
        shown = shown_persons(server, settings, of)
        rebuild(settings.kafka, redis, settings.live, of.areas, now_ms)
        assert shown == shown_persons(server, settings, of)
        assert shown


def shown_persons(server: RedisServer, settings: Settings, of: Town) -> set[tuple[str, int, int, int | None]]:
    assert settings.redis
    with server.access.connect() as client:
        view = RedisView(client, settings.redis.prefix, settings.live, of.areas, now_ms)
        return {(one.person, one.time_ms, one.revision, one.score) for one in view.ranked(10_000)}


def test_messages_that_come_twice_and_out_of_order(
    broker: KafkaAccess, prefix: str, tmp_path: Path, folder: Path, play: Callable[..., Expected]
) -> None:
    """The same as of an undisturbed run of the same messages; the journal's persons are those of the orderly ones."""
    of = town_for(6.0)
    orderly = of.messages(Produce(frames_per_message=2))
    sent = disorderly(orderly, Random(SEED + 5))
    (tmp_path / "undisturbed").mkdir()
    settings = settings_for(broker.bootstrap, f"{prefix}undisturbed-", tmp_path / "undisturbed", of)
    undisturbed = perform(of, sent, settings, tmp_path / "undisturbed")
    check(play(of, sent, kills(Random(SEED + 6), 2)), undisturbed)
    expected = expected_of(orderly, of, folder)
    assert {number: standing(one) for number, one in undisturbed.items()} == {
        number: standing(one) for number, one in expected.items()
    }


def disorderly(sent: list[Outgoing], random: Random) -> list[Outgoing]:
    """Neighbours that both are poses change places, messages of any topic come again a little later."""
    mixed = list(sent)
    last = max(number for number, one in enumerate(sent) if one.topic is not POSES)
    for at in range(last):
        if random.random() < REORDERED and mixed[at].topic is mixed[at + 1].topic is POSES:
            mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
    again = [(at + random.randint(1, 12) + 0.5, one) for at, one in enumerate(mixed) if comes_again(one, random)]
    placed = sorted([*enumerate(mixed), *again], key=lambda pair: pair[0])
    time_ms, following = 0, list[Outgoing]()
    for _, one in placed:
        time_ms = max(time_ms, one.time_ms)
        following.append(one._replace(time_ms=time_ms))
    return following


def comes_again(one: Outgoing, random: Random) -> bool:
    return random.random() < (REPEATED if one.topic is POSES else 0.5)


def test_a_worker_that_was_held_up(play: Callable[..., Expected], folder: Path) -> None:
    """Another has taken over when it goes on; it ends, and nothing it still writes counts, not even after a kill."""
    of, sent = town_for(ROUNDS * 10.0), messages_for(ROUNDS * 10.0)
    random = Random(SEED + 7)

    def disturb(stage: Stage) -> None:
        held, other = "w1", "w2"
        for _ in range(ROUNDS):
            stage.until_at_work(held)
            stage.wait(random.uniform(0, AT_WORK_S))
            stage.hold(held)
            stage.start(other)
            stage.until_at_work(other)
            stage.wait(random.uniform(0, AT_WORK_S))
            stage.workers[held].send(SIGCONT)
            assert stage.workers[held].wait(20) != 0
            stage.workers[other].kill()
            stage.start(other)
            told(f"{held} was held up", stage.player.share)
            held, other = other, held

    check(play(of, sent, disturb), expected_of(sent, of, folder))


@pytest.mark.parametrize("name", ["journal", "scores", "alerts"])
def test_what_differs_is_found(name: str) -> None:
    """The comparison itself: one byte, a message missing, one twice, two that changed places, nothing at all."""
    rows = [b"first", b"second", b"third"]
    whole = Published(rows, scores=rows, alerts=rows)
    assert difference(whole, whole) == ""
    for wrong in ([b"First", *rows[1:]], rows[1:], rows[:-1], [*rows, rows[-1]], [rows[1], rows[0], rows[2]], []):
        other = Published(rows, scores=rows, alerts=rows)
        setattr(other, name, wrong)
        assert difference(other, whole).startswith(name)


def test_a_repeat_that_differs_is_found() -> None:
    same = [Record(offset, None, value, {}) for offset, value in enumerate([b'{"id":"a"}', b'{"id":"a"}'])]
    nothing: dict[Topic, list[Record]] = {topic: [] for topic in OUTPUTS}
    assert published(nothing | {SCORES: same}, Site()).repeats == {"scores": 1}
    with pytest.raises(RepeatDiffersError, match="scores"):
        published(nothing | {SCORES: [*same, Record(2, None, b'{"id":"a","score":1}', {})]}, Site())
