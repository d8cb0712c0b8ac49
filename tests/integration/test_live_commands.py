"""`vigil view rebuild` and `vigil watch` on a real Kafka and a real Redis."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
import typer
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from typer.testing import CliRunner, Result

from features.events import Disposition
from models.records import Alert
from streams import clock
from streams.contracts.cloudevents import cloud_event
from streams.kafka.topics import ALERTS, DISPOSITIONS, SCORES
from streams.live.commands import view_commands, watch
from streams.live.memory import MemoryView
from streams.live.redis_view import RedisView
from streams.live.view import CameraHealth, News
from tests.integration.test_redis import alert, news_of, score
from tests.property.test_live_order import AREAS, LIVE
from tests.services.broker import KafkaAccess
from tests.services.redis_server import RedisAccess

WITHIN_S = 30
SITE = "name: shop\ncameras: [{name: floor}, {name: door}, {name: yard, area: depot}]\n"
APP = "import typer; from streams.live.commands import watch; typer.run(watch)"
ESCAPE = b"\x1b["

app = typer.Typer()
app.command()(watch)
app.add_typer(view_commands, name="view")


@pytest.fixture
def client(redis_server: RedisAccess, prefix: str) -> Iterator[redis.Redis]:
    with redis_server.connect() as client:
        yield client
        RedisView(client, prefix, LIVE, AREAS, clock.now_ms).clear()


@pytest.fixture
def settings(broker: KafkaAccess, redis_server: RedisAccess, prefix: str, tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    text = (
        f"site: {tmp_path / 'site.yaml'}\nkafka: {{brokers: ['{broker.bootstrap}'], prefix: '{prefix}'}}\n"
        f"redis: {{url: '{redis_server.url}', prefix: '{prefix}'}}\n"
    )
    (tmp_path / "vigil.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "vigil.yaml"


@pytest.fixture
def news(broker: KafkaAccess, prefix: str) -> News:
    """What the topics were given that still counts; beside it stands what is too old, repeated or unreadable."""
    topics = [NewTopic(f"{prefix}{topic.name}", 3, 1) for topic in (SCORES, ALERTS, DISPOSITIONS)]
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics(topics)
    admin.close()
    told_ms = clock.now_ms()
    scores = [score(f"floor/{number}", told_ms - 1_000, number) for number in range(50)]
    called = [alert("floor/3", told_ms - 2_000), alert("floor/4", told_ms - 2_000), alert("floor/5", told_ms - 900)]
    verdict = Disposition("d-1", told_ms, "floor/3", "agree", "r-1")
    back = Alert("floor/4#w", "floor/4", "floor", told_ms, "s", 1, "low", (), [], called[1].id)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    encode = msgspec.json.encode
    sent = [(SCORES, encode(one), told_ms) for one in [score("floor/7", told_ms - 9_000, 999), *scores, *scores[:9]]]
    sent += [(SCORES, encode(score("floor/old", told_ms - 400_000)), told_ms - 400_000), (SCORES, b"{", told_ms)]
    sent += [(ALERTS, cloud_event(one, "shop"), told_ms) for one in [back, *called]]
    sent += [
        (ALERTS, cloud_event(alert("floor/old", 1), "shop"), told_ms - 4_000_000),
        (DISPOSITIONS, encode(verdict), told_ms),
    ]
    gone = [score("floor/gone", told_ms - 120_000), score("floor/gone", told_ms - 100_000, kind="final")]
    sent += [(SCORES, encode(one), one.time_ms) for one in gone]
    for number, (topic, value, at_ms) in enumerate(sorted(sent, key=lambda one: one[2])):
        producer.send(
            f"{prefix}{topic.name}", value, partition=number % 3 if at_ms == told_ms else 0, timestamp_ms=at_ms
        )
    producer.close()
    return News(told_ms, scores, [*called, back], [verdict])


def run(*arguments: object, columns: int = 100) -> Result:
    return CliRunner(env={"COLUMNS": str(columns), "NO_COLOR": "1"}).invoke(app, [str(one) for one in arguments])


def test_rebuild_writes_what_still_counts(settings: Path, news: News, client: redis.Redis, prefix: str) -> None:
    view = RedisView(client, prefix, LIVE, AREAS, clock.now_ms)
    view.apply(news_of(5, 1, first=900))
    client.set(f"{prefix}others", "kept", px=60_000)
    ended = run("view", "rebuild", "--settings", settings)
    assert ended.exit_code == 0, ended.output
    assert ended.output.strip() == ("The live view has 50 persons and 1 open alert; 1 message could not be read.")
    known = MemoryView(LIVE, AREAS, clock.now_ms)
    known.apply(news)
    assert view.page(100) == known.page(100)
    assert [one.person for one in view.alerts()] == ["floor/5"]
    assert client.get(f"{prefix}others") == b"kept"


@pytest.mark.parametrize("origin", ["redis", "topics"])
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_watch_once(origin: str, columns: int, settings: Path, news: News, client: redis.Redis, prefix: str) -> None:
    RedisView(client, prefix, LIVE, AREAS, clock.now_ms).apply(
        msgspec.structs.replace(news, cameras=[CameraHealth("floor", news.told_ms, 120, 0, 2)])
    )
    ended = run("watch", "--once", "--from", origin, "--settings", settings, columns=columns)
    assert ended.exit_code == 0, ended.output
    lines = ended.output.splitlines()
    assert max(map(len, lines)) <= columns
    assert "1 open alert, 50 persons" in lines[0]
    assert lines.index("OPEN ALERTS") < next(at for at, line in enumerate(lines) if line.startswith(" 1  floor/49"))
    assert "floor/5" in lines[lines.index("OPEN ALERTS") + 2]
    assert ("camera" in ended.output.partition("floor/0 ")[2]) == (origin == "redis")
    assert "\x1b" not in ended.output


def test_watch_of_an_area(settings: Path, news: News, client: redis.Redis, prefix: str) -> None:
    told = msgspec.structs.replace(news, scores=[*news.scores, score("yard/1", news.told_ms)])
    RedisView(client, prefix, LIVE, AREAS, clock.now_ms).apply(told)
    ended = run("watch", "--once", "--area", "depot", "--settings", settings)
    assert "yard/1" in ended.output
    assert "floor/" not in ended.output
    ended = run("watch", "--once", "--area", "depo", "--settings", settings)
    assert ended.exit_code == 2
    assert "--area: expected depot, got depo" in ended.output


def test_what_cannot_be_reached_is_named(tmp_path: Path, settings: Path, broker: KafkaAccess) -> None:
    ended = run("view", "rebuild", "--settings", settings)  # there are no topics
    assert ended.exit_code == 2
    assert "the topic" in ended.output
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("redis: {url: 'redis://127.0.0.1:1/0'}\n", encoding="utf-8")
    ended = run("watch", "--once", "--settings", wrong)
    assert ended.exit_code == 2
    assert "$.redis.url" in ended.output
    wrong.write_text(f"site: {tmp_path / 'site.yaml'}\nkafka: {{brokers: ['{broker.bootstrap}']}}\n", encoding="utf-8")
    for command in (("view", "rebuild"), ("watch", "--once", "--from", "redis")):
        ended = run(*command, "--settings", wrong)
        assert ended.exit_code == 2
        assert "$.redis: expected" in ended.output


@pytest.mark.parametrize("origin", ["redis", "topics"])
def test_ctrl_c_leaves_the_terminal_as_it_was(
    origin: str, settings: Path, news: News, client: redis.Redis, prefix: str
) -> None:
    view = RedisView(client, prefix, LIVE, AREAS, clock.now_ms)
    view.apply(news)
    command = [sys.executable, "-c", APP, "--settings", str(settings), "--from", origin]
    outer, inner = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        command, stdin=inner, stdout=inner, stderr=inner, env=environment, start_new_session=True
    )
    os.close(inner)
    try:
        said = _read_until(outer, b"floor/49")
        process.send_signal(signal.SIGINT)
        said += _read_until(outer, ESCAPE + b"?25h")
        assert process.wait(WITHIN_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(outer)
    assert said.index(ESCAPE + b"?1049h") < said.index(b"floor/49") < said.index(ESCAPE + b"?1049l")
    assert b"Traceback" not in said


def _read_until(terminal: int, expected: bytes) -> bytes:
    said, deadline = b"", time.monotonic() + WITHIN_S
    while expected not in said:
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65_536)
    return said
