"""The broker and the Redis that other tests rest on: every way in, restarts, and that nothing of them is left."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from kafka.net.sasl.oauth import AbstractTokenProvider

from tests.services.broker import Broker, KafkaAccess
from tests.services.certificates import make_certificates
from tests.services.fetch import check_jars, kafka_jars, kafka_program, locked, unfinished
from tests.services.process import Guarded, ServiceError, ServiceMissingError
from tests.services.redis_program import redis_program
from tests.services.redis_server import RedisAccess, RedisServer
from tests.services.shared import shared_kafka, shared_redis
from tests.services.tokens import TokenServer

ROOT = Path(__file__).parents[2]
WITHIN_S = 20
REFUSED = {"bootstrap_timeout_ms": 1_500}
TEST_THAT_WAITS = """
import os, time
from pathlib import Path

def test_waits(broker, redis_server):
    told = Path(os.environ["TOLD"]) / f"{os.getpid()}.part"
    told.write_text(" ".join(map(str, (os.getpid(), *broker.processes, *redis_server.processes))))
    told.rename(told.with_suffix(".pids"))
    time.sleep(600)

def test_waits_too(broker, redis_server):
    test_waits(broker, redis_server)
"""


class Tokens(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python is not typed
    """Gets a token by client credentials."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._url = url
        pair = ":".join(map(urllib.parse.quote_plus, (client_id, client_secret)))
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def token(self) -> str:
        body = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "kafka"}).encode()
        request = urllib.request.Request(self._url, body, self._headers)  # noqa: S310 - a server of this test
        with urllib.request.urlopen(request, timeout=WITHIN_S) as response:  # noqa: S310
            token: str = json.load(response)["access_token"]
        return token


def ways_in(access: KafkaAccess) -> dict[str, dict[str, Any]]:
    """The settings of a client for every listener and mechanism."""
    held = access.credentials
    assert held
    tls = {"ssl_cafile": held.ca_file}
    own = {"ssl_certfile": held.client_certificate_file, "ssl_keyfile": held.client_key_file}
    ways: dict[str, dict[str, Any]] = {
        "PLAINTEXT": {"security_protocol": "PLAINTEXT"},
        "SSL": {"security_protocol": "SSL"} | tls,
        "MTLS": {"security_protocol": "SSL"} | tls | own,
    }
    password = {"sasl_plain_username": held.user, "sasl_plain_password": held.password}
    bearer = {"sasl_oauth_token_provider": Tokens(held.token_url, held.client_id, held.client_secret)}
    for listener in ("SASL_PLAINTEXT", "SASL_SSL"):
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"):
            proof = bearer if mechanism == "OAUTHBEARER" else password
            way = {"security_protocol": listener, "sasl_mechanism": mechanism}
            ways[f"{listener} {mechanism}"] = way | proof | (tls if listener == "SASL_SSL" else {})
    return {
        name: {"bootstrap_servers": access.listeners[name.split()[0]], "bootstrap_timeout_ms": 5_000} | way
        for name, way in ways.items()
    }


WAYS = (
    "PLAINTEXT", "SSL", "MTLS", "SASL_PLAINTEXT PLAIN", "SASL_PLAINTEXT SCRAM-SHA-256", "SASL_PLAINTEXT SCRAM-SHA-512",
    "SASL_PLAINTEXT OAUTHBEARER", "SASL_SSL PLAIN", "SASL_SSL SCRAM-SHA-256", "SASL_SSL SCRAM-SHA-512",
    "SASL_SSL OAUTHBEARER",
)  # fmt: skip


def create(bootstrap: str, topic: str, **settings: str) -> None:
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])


def write(topic: str, *messages: tuple[bytes, bytes], **way: Any) -> None:  # noqa: ANN401 - a client's settings
    with contextlib.closing(KafkaProducer(max_block_ms=4_000, **way)) as producer:
        for key, value in messages:
            producer.send(topic, value, key).get(timeout=WITHIN_S)


def read(topic: str, **way: Any) -> list[tuple[bytes, bytes]]:  # noqa: ANN401 - a client's settings
    """Everything in a topic of one partition."""
    with contextlib.closing(KafkaConsumer(**way)) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end, got = consumer.end_offsets([partition])[partition], []
        until = time.monotonic() + WITHIN_S
        while consumer.position(partition) < end and time.monotonic() < until:
            got += [(one.key, one.value) for one in consumer.poll(200).get(partition, [])]
    return got


def wait_for(condition: Callable[[], bool], within_s: float = WITHIN_S) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for its exit code does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
    except (ProcessLookupError, FileNotFoundError):
        return False


def all_ended(pids: tuple[int, ...]) -> bool:
    return not any(map(lives, pids))


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    with Broker() as own:
        yield own


def test_the_broker_keeps_what_is_written(broker: KafkaAccess, prefix: str) -> None:
    create(broker.bootstrap, f"{prefix}poses")
    write(f"{prefix}poses", (b"area", b"frames"), bootstrap_servers=broker.bootstrap)
    assert read(f"{prefix}poses", bootstrap_servers=broker.bootstrap) == [(b"area", b"frames")]


@pytest.mark.parametrize("name", WAYS)
def test_every_way_in(secured_broker: KafkaAccess, prefix: str, name: str) -> None:
    create(secured_broker.bootstrap, f"{prefix}poses")
    way = ways_in(secured_broker)[name]
    write(f"{prefix}poses", (b"area", name.encode()), **way)
    assert read(f"{prefix}poses", **way) == [(b"area", name.encode())]


def test_all_ways_are_tried(secured_broker: KafkaAccess) -> None:
    assert tuple(ways_in(secured_broker)) == WAYS


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("SASL_SSL PLAIN", {"sasl_plain_password": "wrong"}),
        ("SASL_SSL SCRAM-SHA-256", {"sasl_plain_password": "wrong"}),
        ("SASL_SSL SCRAM-SHA-512", {"sasl_plain_username": "nobody"}),
        ("MTLS", {"ssl_certfile": None, "ssl_keyfile": None}),
    ],
)
def test_who_has_no_proof_is_kept_out(
    secured_broker: KafkaAccess, prefix: str, name: str, changed: dict[str, Any]
) -> None:
    create(secured_broker.bootstrap, f"{prefix}poses")
    with pytest.raises(KafkaError):
        write(f"{prefix}poses", (b"area", b"frames"), **(ways_in(secured_broker)[name] | changed | REFUSED))
    assert read(f"{prefix}poses", bootstrap_servers=secured_broker.bootstrap) == []


def test_a_broker_of_another_authority_is_not_trusted(secured_broker: KafkaAccess, prefix: str, tmp_path: Path) -> None:
    stranger = {"ssl_cafile": str(make_certificates(tmp_path).ca_file)}
    with pytest.raises(KafkaError):
        write(f"{prefix}poses", (b"area", b"frames"), **(ways_in(secured_broker)["SSL"] | stranger | REFUSED))


def test_the_token_of_another_server_is_refused(secured_broker: KafkaAccess, prefix: str) -> None:
    held = secured_broker.credentials
    assert held
    create(secured_broker.bootstrap, f"{prefix}poses")
    with contextlib.closing(TokenServer(held.client_id, held.client_secret)) as stranger:
        other = {"sasl_oauth_token_provider": Tokens(stranger.token_url, held.client_id, held.client_secret)}
        with pytest.raises(KafkaError):
            write(f"{prefix}poses", (b"a", b"b"), **(ways_in(secured_broker)["SASL_SSL OAUTHBEARER"] | other | REFUSED))
        assert stranger.issued > 0


def test_a_wrong_secret_gets_no_token() -> None:
    with contextlib.closing(TokenServer("worker", "secret")) as tokens:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            Tokens(tokens.token_url, "worker", "wrong").token()
        assert tokens.issued == 0


def test_a_broker_that_was_stopped_or_killed_comes_back_with_its_data(own_broker: Broker, prefix: str) -> None:
    bootstrap, first = own_broker.bootstrap, own_broker.pid
    create(bootstrap, f"{prefix}poses")
    write(f"{prefix}poses", (b"area", b"one"), bootstrap_servers=bootstrap)
    own_broker.restart()
    assert (own_broker.bootstrap, own_broker.pid != first) == (bootstrap, True)
    write(f"{prefix}poses", (b"area", b"two"), bootstrap_servers=bootstrap)
    killed = own_broker.pid
    assert killed
    own_broker.kill()
    assert not lives(killed)
    assert not own_broker.running()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(bootstrap.split(":")[1])), timeout=1)
    own_broker.start()
    assert read(f"{prefix}poses", bootstrap_servers=bootstrap) == [(b"area", b"one"), (b"area", b"two")]


def test_topics_are_compacted(own_broker: Broker, prefix: str) -> None:
    bootstrap, topic = own_broker.bootstrap, f"{prefix}state"
    create(bootstrap, topic, **{"cleanup.policy": "compact", "segment.ms": "100"})

    def only_the_newest_are_left() -> bool:
        write(topic, (b"end", b"of a segment"), bootstrap_servers=bootstrap)
        kept = read(topic, bootstrap_servers=bootstrap)
        return [value for key, value in kept if key == b"track"] == [b"9"]

    write(topic, *[(b"track", str(number).encode()) for number in range(10)], bootstrap_servers=bootstrap)
    assert wait_for(only_the_newest_are_left)


def test_topics_have_to_be_created(own_broker: Broker, prefix: str) -> None:
    with pytest.raises(KafkaError):
        write(f"{prefix}poses", (b"area", b"frames"), bootstrap_servers=own_broker.bootstrap)


def test_a_broker_that_cannot_start_shows_its_log() -> None:
    wrong = Broker(overrides={"num.io.threads": "none"})
    with contextlib.closing(wrong), pytest.raises(ServiceError, match=r"(?s)the end of its log:.*num\.io\.threads"):
        wrong.start()
    assert not wrong.folder.exists()


def test_redis_keeps_what_is_set(redis_server: RedisAccess, prefix: str) -> None:
    with contextlib.closing(redis_server.connect()) as client:
        client.set(f"{prefix}person", "42", ex=60)
        assert client.get(f"{prefix}person") == b"42"


def test_the_secured_redis_keeps_what_is_set(secured_redis: RedisAccess, prefix: str) -> None:
    assert secured_redis.url.startswith("rediss://")
    with contextlib.closing(secured_redis.connect()) as client:
        client.set(f"{prefix}person", "42", ex=60)
        assert client.get(f"{prefix}person") == b"42"


@pytest.mark.parametrize("without", ["password", "authority", "TLS"])
def test_the_secured_redis_keeps_others_out(secured_redis: RedisAccess, tmp_path: Path, without: str) -> None:
    held = {"username": secured_redis.user, "password": secured_redis.password, "ssl_ca_certs": secured_redis.ca_file}
    url = secured_redis.url
    if without == "password":
        held = {"ssl_ca_certs": secured_redis.ca_file}
    elif without == "authority":
        held["ssl_ca_certs"] = str(make_certificates(tmp_path).ca_file)
    else:
        url, held = url.replace("rediss:", "redis:"), {}
    client = redis.Redis.from_url(url, socket_timeout=2, **held)
    with contextlib.closing(client), pytest.raises(redis.RedisError):
        client.ping()


def test_redis_comes_back_empty_after_a_kill(prefix: str) -> None:
    with RedisServer() as server:
        url, pid = server.url, server.pid
        assert pid
        with contextlib.closing(server.access.connect()) as client:
            client.set(f"{prefix}person", "42")
            server.kill()
            assert not lives(pid)
            with pytest.raises(redis.ConnectionError):
                client.ping()
            server.start()
            assert (server.url, client.get(f"{prefix}person")) == (url, None)
            server.restart()
            assert client.ping()
    assert all_ended(server.access.processes)
    assert not server.folder.exists()


def test_a_server_ends_with_its_owner() -> None:
    """The owner is killed while a child that it forked still holds the pipe to the guard."""
    source = """
import os, time
from tests.services.redis_server import RedisServer
server = RedisServer()
server.start()
if child := os.fork():
    print(child, *server.access.processes, server.folder, flush=True)
time.sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    child, *pids, folder = owner.stdout.readline().split()
    owner.kill()
    try:
        assert wait_for(lambda: all_ended(tuple(map(int, pids))))
        assert wait_for(lambda: not Path(folder).exists())
        assert lives(int(child))
    finally:
        os.kill(int(child), signal.SIGKILL)
        owner.communicate()


def test_a_server_ends_with_its_guard() -> None:
    guarded = Guarded("test")
    guarded.run(["sleep", "600"])
    pid = guarded.pid
    assert pid
    os.kill(guarded.guard_pid, signal.SIGKILL)
    assert wait_for(lambda: not lives(pid))
    with pytest.raises(ServiceError, match="guard"):
        guarded.exit_code()
    guarded.close()
    shutil.rmtree(guarded.folder)


def test_what_does_not_end_is_told() -> None:
    with contextlib.closing(Guarded("test")) as guarded:
        guarded.run(["sh", "-c", "trap '' TERM; echo stubborn; while :; do sleep 0.05; done"])
        assert wait_for(lambda: "stubborn" in guarded.log_end())
        with pytest.raises(ServiceError, match=r"(?s)did not end within 0\.2 s of SIGTERM.*stubborn"):
            guarded.end(signal.SIGTERM, within_s=0.2)
        pid = guarded.pid
    assert pid
    assert not lives(pid)


def test_a_shared_service_ends_after_its_last_user(tmp_path: Path) -> None:
    users = [contextlib.ExitStack() for _ in range(3)]
    first, second, third = [user.enter_context(shared_redis(tmp_path, "redis")) for user in users]
    assert first == second == third
    with contextlib.closing(first.connect()) as client:
        for number in (0, 2):
            users[number].close()
            assert client.ping()
    users[1].close()
    assert all_ended(first.processes[1:])
    with shared_redis(tmp_path, "redis") as again:
        assert not set(again.processes) & set(first.processes)


def test_why_a_shared_service_did_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="apt-get install openjdk-17"), shared_kafka(tmp_path, "kafka"):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_an_interrupted_run(tmp_path: Path, how: signal.Signals) -> None:
    """Two processes of a run share the services; the run is interrupted while both use them."""
    run, told, temporary = tmp_path / "run", tmp_path / "told", tmp_path / "temporary"
    for folder in (told, temporary):
        folder.mkdir()
    test = tmp_path / "test_that_waits.py"
    test.write_text(TEST_THAT_WAITS, encoding="utf-8")
    plugins = ("-p", "tests.conftest", "-p", "no:cacheprovider", "-n", "2")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "VIGIL_TEST"))}
    environment |= {"TOLD": str(told), "TMPDIR": str(temporary)}
    pytest_run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--basetemp", str(run), *plugins, str(test)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert wait_for(lambda: len(list(told.glob("*.pids"))) == 2 or pytest_run.poll() is not None, within_s=90)
        said = [file.read_text().split() for file in told.glob("*.pids")]
        pids = tuple(int(pid) for pid in {pid for one in said for pid in one})
        alive = [pid for pid in pids if lives(pid)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pytest_run.pid, how) if how is signal.SIGINT else pytest_run.kill()
        output = pytest_run.communicate()[0].decode()
    assert [len(one) for one in said] == [7, 7], output
    assert said[0][1:] == said[1][1:]
    assert len(alive) == len(pids) == 8
    assert wait_for(lambda: all_ended(pids)), output
    assert wait_for(lambda: not list(temporary.iterdir())), list(temporary.iterdir())


def test_the_jars_are_the_pinned_ones(tmp_path: Path) -> None:
    jars = kafka_jars()
    check_jars(jars)
    changed = tmp_path / "libs"
    changed.mkdir()
    for jar in jars.iterdir():
        (changed / jar.name).hardlink_to(jar)
    slf4j = changed / "slf4j-api-1.7.36.jar"
    slf4j.unlink()
    with pytest.raises(ValueError, match=r"slf4j-api-1\.7\.36\.jar: expected SHA-256 \w{64}, got none"):
        check_jars(changed)
    slf4j.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"slf4j-api-1\.7\.36\.jar: expected SHA-256 \w{64}, got \w{64}"):
        check_jars(changed)


def test_two_who_fetch_wait_for_each_other(tmp_path: Path) -> None:
    other = """
import sys
from pathlib import Path
from tests.services.fetch import locked
with locked(Path(sys.argv[1])):
    print("fetching", flush=True)
    sys.stdin.read()
"""
    lock = tmp_path / "cache/lock"
    first = subprocess.Popen(
        [sys.executable, "-c", other, str(lock)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout
    assert first.stdout.readline() == b"fetching\n"
    with lock.open() as tried, pytest.raises(BlockingIOError):
        fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
    first.kill()
    with locked(lock):
        first.communicate()


def test_what_was_fetched_in_part_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "unfinished-left").mkdir()
    with contextlib.suppress(ConnectionError), unfinished(tmp_path):
        raise ConnectionError
    assert list(tmp_path.iterdir()) == []
    with unfinished(tmp_path) as folder:
        (folder / "a.jar").touch()
        folder.rename(tmp_path / "libs")
    assert [file.name for file in tmp_path.rglob("*")] == ["libs", "a.jar"]


def test_where_a_service_cannot_be_had_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="apt-get install openjdk-17"):
        kafka_program(tmp_path)
    with pytest.raises(ServiceMissingError, match="apt-get install redis-server"):
        redis_program(tmp_path)
