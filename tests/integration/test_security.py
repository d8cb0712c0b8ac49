import asyncio
import http.server
import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faust
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from streams.kafka.clients import (
    faust_brokers,
    faust_credentials,
    kafka_python,
    redis_client,
    redis_client_async,
    tokens,
)
from streams.kafka.reach import reach_kafka, reach_redis
from streams.kafka.refusal import RefusedError
from streams.settings import Kafka, OAuth, Redis, Security
from tests.services.broker import Broker, KafkaAccess
from tests.services.certificates import Certificates, make_certificates
from tests.services.redis_server import RedisAccess
from tests.services.tokens import TokenServer

WITHIN_S = 30
WRONG = "not-the-secret-at-all"
BY_PASSWORD = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
MECHANISMS = (*BY_PASSWORD, "OAUTHBEARER")
WAYS = [("SSL", None), ("MTLS", None), *((f"SASL_{over}", one) for over in ("SSL", "PLAINTEXT") for one in MECHANISMS)]


def settings(
    access: KafkaAccess, listener: str, mechanism: str | None, *, secret: str = "", ca_file: str = ""
) -> Kafka:
    """The settings for a listener; `secret` and `ca_file` replace the right ones."""
    known = access.credentials
    assert known
    tls = listener != "SASL_PLAINTEXT"
    own = listener == "MTLS"
    by_password = mechanism in BY_PASSWORD
    security = {
        "tls": tls,
        "ca_file": (ca_file or known.ca_file) if tls else None,
        "certificate_file": known.client_certificate_file if own else None,
        "key_file": known.client_key_file if own else None,
        "mechanism": mechanism,
        "username": known.user if by_password else None,
        "password": (secret or known.password) if by_password else None,
        "oauth": OAuth(known.token_url, known.client_id, secret or known.client_secret, "kafka"),
    }
    if mechanism != "OAUTHBEARER":
        del security["oauth"]
    return Kafka(brokers=[access.listeners[listener]], security=Security(**security))  # type: ignore[arg-type]


def make_topic(access: KafkaAccess, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=access.bootstrap)
    admin.create_topics([NewTopic(name, 1, 1)])
    admin.close()


@pytest.mark.parametrize(("listener", "mechanism"), WAYS)
def test_a_message_there_and_back_with_kafka_python(
    secured_broker: KafkaAccess, prefix: str, listener: str, mechanism: str | None
) -> None:
    kafka, topic = settings(secured_broker, listener, mechanism), f"{prefix}poses"
    admin = KafkaAdminClient(**kafka_python(kafka))
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()
    producer = KafkaProducer(**kafka_python(kafka))
    producer.send(topic, b"seen").get(timeout=WITHIN_S)
    producer.close()
    consumer = KafkaConsumer(
        topic, auto_offset_reset="earliest", consumer_timeout_ms=WITHIN_S * 1_000, **kafka_python(kafka)
    )
    assert next(iter(consumer)).value == b"seen"
    consumer.close()


@pytest.mark.parametrize(("listener", "mechanism"), WAYS)
def test_a_message_there_and_back_with_faust(
    secured_broker: KafkaAccess, prefix: str, listener: str, mechanism: str | None
) -> None:
    topic = f"{prefix}poses"
    make_topic(secured_broker, topic)
    asyncio.run(through_faust(settings(secured_broker, listener, mechanism), topic, f"{prefix}group"))


async def through_faust(kafka: Kafka, name: str, group: str) -> None:
    """A worker that sends itself a message."""
    app = faust.App(
        group,
        broker=faust_brokers(kafka),
        broker_credentials=faust_credentials(kafka),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    topic = app.topic(name, value_serializer="raw")
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @app.agent(topic)
    async def read(messages: faust.StreamT[bytes]) -> None:
        async for message in messages:
            seen.set_result(message)

    app.finalize()
    async with asyncio.timeout(WITHIN_S):
        await app.start()
        try:
            await topic.send(value=b"seen")
            assert await seen == b"seen"
        finally:
            await app.stop()


def refused(kafka: Kafka) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        reach_kafka(kafka)
    oauth = kafka.security.oauth
    secrets = [kafka.security.password, oauth.client_secret if oauth else None]
    assert not any(secret in str(error.value) for secret in secrets if secret)
    return error.value


@pytest.mark.parametrize(("listener", "mechanism"), WAYS)
def test_a_broker_is_reached(secured_broker: KafkaAccess, listener: str, mechanism: str | None) -> None:
    reach_kafka(settings(secured_broker, listener, mechanism))


def test_one_of_several_brokers_is_enough(secured_broker: KafkaAccess) -> None:
    reach_kafka(Kafka(brokers=["127.0.0.1:1", secured_broker.bootstrap]))


@pytest.mark.parametrize(("listener", "mechanism"), [way for way in WAYS if way[1]])
def test_a_wrong_secret_is_refused(secured_broker: KafkaAccess, listener: str, mechanism: str) -> None:
    error = refused(settings(secured_broker, listener, mechanism, secret=WRONG))
    if mechanism == "OAUTHBEARER":
        assert error.field == "$.kafka.security.oauth.client_secret"
        assert "401 invalid_client" in error.got
    else:
        assert error.field == "$.kafka.security.password"
        assert error.expected == "the password of vigil"


@pytest.mark.parametrize("listener", ["SSL", "MTLS"])
def test_an_unknown_authority_is_refused(secured_broker: KafkaAccess, tmp_path: Path, listener: str) -> None:
    other = make_certificates(tmp_path).ca_file
    error = refused(settings(secured_broker, listener, None, ca_file=str(other)))
    assert error.field == "$.kafka.security.ca_file"
    assert "certificate" in error.got


def test_another_name_than_the_certificates_is_refused(secured_broker: KafkaAccess) -> None:
    right = settings(secured_broker, "SSL", None)
    port = secured_broker.listeners["SSL"].partition(":")[2]
    error = refused(Kafka(brokers=[f"127.1:{port}"], security=right.security))  # 127.0.0.1, in other words
    assert error.field == "$.kafka.brokers"
    assert error.expected == "the name in the broker's certificate"


WRONG_WAYS = [
    ("SSL", "MTLS", None, None, "$.kafka.security", "no certificate"),
    ("SASL_PLAINTEXT", "SSL", "PLAIN", None, "$.kafka.security", "tls false, mechanism PLAIN"),
    ("SSL", "PLAINTEXT", None, None, "$.kafka.security", "tls true, mechanism none"),
    ("SSL", "SASL_SSL", None, None, "$.kafka.security", "tls true, mechanism none"),
    ("SASL_PLAINTEXT", "PLAINTEXT", "SCRAM-SHA-512", None, "$.kafka.security.mechanism", "SCRAM-SHA-512"),
]


@pytest.mark.parametrize(("meant", "listener", "mechanism", "_", "field", "got"), WRONG_WAYS)
def test_settings_of_another_listener_are_refused(
    secured_broker: KafkaAccess, meant: str, listener: str, mechanism: str | None, _: None, field: str, got: str
) -> None:
    kafka = settings(secured_broker, meant, mechanism)
    error = refused(Kafka(brokers=[secured_broker.listeners[listener]], security=kafka.security))
    assert error.field == field
    assert got in error.got


def test_nobody_there_is_told() -> None:
    assert refused(Kafka(brokers=["127.0.0.1:1"])).field == "$.kafka.brokers"


@pytest.mark.parametrize("client", [kafka_python, faust_credentials, reach_kafka])
def test_files_that_cannot_be_used_are_named(tmp_path: Path, client: object) -> None:
    assert callable(client)
    made = make_certificates(tmp_path / "made")
    empty = tmp_path / "empty.pem"
    empty.touch()
    own, key = str(made.client_certificate_file), str(made.client_key_file)
    for security, field in [
        (Security(tls=True, ca_file=str(tmp_path / "none.pem")), "ca_file"),
        (Security(tls=True, ca_file=str(empty)), "ca_file"),
        (Security(tls=True, certificate_file=own, key_file=str(made.server_key_file)), "certificate_file"),
        (Security(tls=True, certificate_file=str(tmp_path), key_file=key), "certificate_file"),
    ]:
        with pytest.raises(RefusedError) as error:
            client(Kafka(security=security))
        assert error.value.field == f"$.kafka.security.{field}"
        assert str(tmp_path) in str(error.value)


def test_a_token_out_of_date_is_refused() -> None:
    with Broker(secured=True) as broker:
        assert broker.tokens
        kafka = settings(broker.access, "SASL_SSL", "OAUTHBEARER")
        reach_kafka(kafka)
        broker.tokens.lifetime_s = -600
        error = refused(kafka)
    assert error.field == "$.kafka.security.oauth"
    assert "token" in error.expected
    assert "time" in error.expected


# Tokens


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    server = TokenServer("vigil", "s&cret +1")
    yield server
    server.close()


def of(server: TokenServer, secret: str = "s&cret +1") -> Security:  # noqa: S107
    return Security(mechanism="OAUTHBEARER", oauth=OAuth(server.token_url, "vigil", secret, "kafka"))


def test_a_token_is_kept_until_shortly_before_it_expires(token_server: TokenServer) -> None:
    kept = tokens(of(token_server))
    first = kept.token()
    assert [kept.token() for _ in range(3)] == [first] * 3
    assert token_server.issued == 1
    token_server.lifetime_s = 1
    short = tokens(of(token_server))
    began, first = time.monotonic(), short.token()
    while short.token() == first:
        assert time.monotonic() < began + WITHIN_S
        time.sleep(0.01)
    assert 0.7 < time.monotonic() - began < 1


def test_threads_share_a_token(token_server: TokenServer) -> None:
    kept, seen = tokens(of(token_server)), list[str]()
    threads = [threading.Thread(target=lambda: seen.append(kept.token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == token_server.issued == 1


def test_a_refused_client_is_told_without_its_secret(token_server: TokenServer) -> None:
    with pytest.raises(
        RefusedError, match=r"oauth\.client_secret: expected client_id vigil.*401 invalid_client"
    ) as error:
        tokens(of(token_server, WRONG)).token()
    assert WRONG not in str(error.value)


@contextmanager
def answering(status: int, body: bytes, made: Certificates | None = None, **headers: str) -> Iterator[str]:
    """The URL of a server that always gives one answer, with TLS if there are certificates."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    if made:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.server_certificate_file, made.server_key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http{'s' if made else ''}://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    server.server_close()


ANSWERS = [
    (200, b'{"access_token": ""}', "token_url", "expected JSON with an access_token"),
    (200, b'{"token": "a"}', "token_url", "expected JSON with an access_token"),
    (200, b"<html>", "token_url", "expected JSON with an access_token"),
    (200, b"\xff", "token_url", "expected JSON with an access_token"),
    (
        400,
        b'{"error": "invalid_scope", "error_description": "no\\u001b[1m kafka"}',
        "client_secret",
        "400 invalid_scope no ",
    ),
    (403, f'{{"error": "{WRONG} is wrong"}}'.encode(), "client_secret", "403 *** is wrong"),
    (302, b"", "token_url", "got 302 from"),
    (500, b"oops", "token_url", "got 500 from"),
]


@pytest.mark.parametrize(("status", "body", "field", "said"), ANSWERS)
def test_what_a_token_server_answers_is_told(status: int, body: bytes, field: str, said: str) -> None:
    with answering(status, body, Location="http://127.0.0.1:1/") as url:
        security = Security(oauth=OAuth(url, "vigil", WRONG))
        with pytest.raises(RefusedError) as error:
            tokens(security).token()
    assert error.value.field == f"$.kafka.security.oauth.{field}"
    assert said in str(error.value)
    assert WRONG not in str(error.value)
    assert str(error.value).isprintable()


def test_a_token_server_that_is_not_there_is_told() -> None:
    with pytest.raises(RefusedError, match=r"oauth\.token_url: expected a token server that answers, got Connection"):
        tokens(Security(oauth=OAuth("http://127.0.0.1:1/", "vigil", WRONG))).token()


def test_a_token_server_with_tls_needs_an_authority(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with answering(200, json.dumps({"access_token": "granted"}).encode(), made) as url:
        oauth = OAuth(url, "vigil", WRONG)
        assert tokens(Security(ca_file=str(made.ca_file), oauth=oauth)).token() == "granted"
        with pytest.raises(RefusedError, match=r"\$\.kafka\.security\.ca_file: .*certificate"):
            tokens(Security(oauth=oauth)).token()


# Redis


def cache(access: RedisAccess, *, password: str | None = None, ca_file: str | None = None) -> Redis:
    return Redis(
        url=access.url,
        username=access.user,
        password=password or access.password,
        ca_file=ca_file or access.ca_file,
    )


def test_a_value_there_and_back_with_redis(secured_redis: RedisAccess, prefix: str) -> None:
    name, value = f"{prefix}alert", uuid.uuid4().bytes
    with redis_client(cache(secured_redis)) as client:
        client.set(name, value, ex=60)
    assert asyncio.run(through_asyncio(cache(secured_redis), name)) == value
    reach_redis(cache(secured_redis))


async def through_asyncio(of: Redis, name: str) -> object:
    async with redis_client_async(of) as client:
        return await client.get(name)


def test_redis_without_security(redis_server: RedisAccess) -> None:
    reach_redis(Redis(url=redis_server.url))


def test_redis_with_a_wrong_password(secured_redis: RedisAccess) -> None:
    with pytest.raises(RefusedError, match=r"\$\.redis\.password: expected the password of vigil, got") as error:
        reach_redis(cache(secured_redis, password=WRONG))
    assert WRONG not in str(error.value)


def test_redis_with_an_unknown_authority(secured_redis: RedisAccess, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"\$\.redis\.ca_file: expected an authority that vouches for rediss://"):
        reach_redis(cache(secured_redis, ca_file=str(make_certificates(tmp_path).ca_file)))
    with pytest.raises(RefusedError, match=r"\$\.redis\.ca_file: expected a file of authorities"):
        reach_redis(cache(secured_redis, ca_file=str(tmp_path / "none.pem")))


def test_redis_without_tls_where_it_is_wanted(secured_redis: RedisAccess) -> None:
    with pytest.raises(RefusedError, match=r"\$\.redis\.url: expected a server that answers at redis://"):
        reach_redis(Redis(url=secured_redis.url.replace("rediss", "redis")))


def test_no_client_shows_a_secret(secured_broker: KafkaAccess) -> None:
    for listener, mechanism in WAYS:
        kafka = settings(secured_broker, listener, mechanism, secret=WRONG)
        provider = kafka_python(kafka).get("sasl_oauth_token_provider")
        assert WRONG not in repr((faust_credentials(kafka), provider, vars(provider) if provider else {}))
    client = redis_client(Redis(password=WRONG))
    assert WRONG not in repr((client, client.connection_pool, client.connection_pool.connection_kwargs))
