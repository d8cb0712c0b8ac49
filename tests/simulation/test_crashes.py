"""Whatever is killed, stopped or held up while a town is played: what is published is the same, each thing once.

The seed and the schedule are printed. `VIGIL_CRASHES` says how many kills; more kills take a longer town.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest

from streams.kafka.outgoing import Outgoing
from streams.kafka.topics import POSES
from streams.settings import Produce
from tests.running.published import Published, difference, embedded, scored_again, standing
from tests.running.stage import Stage, perform
from tests.running.town import PARTITIONS, Town, town
from tests.running.workers import QUICK, settings_for
from tests.services.broker import Broker, KafkaAccess

CRASHES = int(os.environ.get("VIGIL_CRASHES", "4"))
SEED = int(os.environ.get("VIGIL_TEST_SEED", "20261"))
TAKES_S = 3.0  # from one kill to the next, about
AT_WORK_S = 1.5  # how long a worker is left at work before it is killed, at most
SPEED = 15.0
PRODUCE = Produce(frames_per_message=4)
SESSION_S = QUICK.session_s

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


def check(found: dict[int, Published], expected: Expected) -> None:
    """Everything is as expected, and late input and dead letters are the same but for repeats."""
    for number, one in found.items():
        assert difference(one, expected[number]) == "", f"partition {number}"
        assert set(one.late) == set(expected[number].late)
        assert one.dead.keys() == expected[number].dead.keys()
    assert all(one.journal and one.scores for one in found.values())


def test_kills(broker: KafkaAccess, prefix: str, tmp_path: Path, folder: Path) -> None:
    """Most kills come while it works, some while it starts."""
    random = Random(SEED)
    waits = [(random.random() < 0.75, random.uniform(0, AT_WORK_S)) for _ in range(CRASHES)]
    print(f"seed {SEED}, kills (whether at work, after s): {waits}")  # noqa: T201
    of, sent = town_for(CRASHES * TAKES_S), messages_for(CRASHES * TAKES_S)

    def disturb(stage: Stage) -> None:
        for working, seconds in waits:
            if working:
                stage.until_at_work("w1")
            stage.wait(seconds)
            stage.workers["w1"].kill()
            stage.start("w1")
            print(f"killed, {stage.player.sent_share():.0%} sent")  # noqa: T201

    settings = settings_for(broker.bootstrap, prefix, tmp_path, of)
    found = perform(of, sent, settings, tmp_path, SPEED, disturb)
    print("repeats:", {number: one.repeats for number, one in found.items()})  # noqa: T201
    check(found, expected_of(sent, of, folder))
