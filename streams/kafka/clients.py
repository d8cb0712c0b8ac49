"""From settings to what the clients of Kafka and Redis are given."""

import ssl
from typing import Any

import redis
import redis.asyncio
from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials
from yarl import URL

from streams.kafka.refusal import RefusedError
from streams.kafka.tokens import AiokafkaTokens, KafkaPythonTokens, Tokens
from streams.settings import Kafka, OAuth, Redis, Security


def kafka_python(kafka: Kafka) -> dict[str, object]:
    """Keyword arguments of kafka-python's producer, consumer and administrator.

    Raises:
        RefusedError: a file of the settings cannot be used.
    """
    security = kafka.security
    arguments: dict[str, object] = {"bootstrap_servers": list(kafka.brokers), "security_protocol": protocol(security)}
    if security.tls:
        arguments["ssl_context"] = tls_context(security)
    if security.mechanism:
        arguments["sasl_mechanism"] = security.mechanism
    if security.mechanism == "OAUTHBEARER":
        arguments["sasl_oauth_token_provider"] = KafkaPythonTokens(tokens(security))
    elif security.mechanism:
        arguments |= {"sasl_plain_username": security.username, "sasl_plain_password": security.password}
    return arguments


def faust_credentials(kafka: Kafka) -> Credentials | None:
    """The `broker_credentials` of a Faust app; None for a broker without security.

    Raises:
        RefusedError: a file of the settings cannot be used.
    """
    security = kafka.security
    context = tls_context(security) if security.tls else None
    if security.mechanism == "OAUTHBEARER":
        return OAuthCredentials(oauth_cb=AiokafkaTokens(tokens(security)), ssl_context=context)
    if security.mechanism:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def faust_brokers(kafka: Kafka) -> list[URL]:
    """The `broker` of a Faust app."""
    return [URL(f"kafka://{broker}") for broker in kafka.brokers]


def protocol(security: Security) -> str:
    """What Kafka calls the protocol."""
    transport = "SSL" if security.tls else "PLAINTEXT"
    if security.mechanism:
        return f"SASL_{transport}"
    return transport


def tls_context(security: Security) -> ssl.SSLContext:
    """How the broker is known, and how it knows the client by its certificate.

    Raises:
        RefusedError: a file cannot be used.
    """
    context = _authorities(security.ca_file, "$.kafka.security.ca_file")
    if security.certificate_file:
        try:
            context.load_cert_chain(security.certificate_file, security.key_file, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            expected = f"a certificate and, in {security.key_file}, its key, in PEM and not encrypted"
            raise RefusedError(
                "$.kafka.security.certificate_file", expected, _got(security.certificate_file, error)
            ) from None
    return context


def tokens(security: Security) -> Tokens:
    """Where the tokens of mechanism OAUTHBEARER come from.

    Raises:
        RefusedError: the settings have no `oauth`, or `ca_file` cannot be used.
    """
    if not isinstance(security.oauth, OAuth):
        raise RefusedError("$.kafka.security.oauth", "a value, for mechanism OAUTHBEARER needs it", "nothing")
    return Tokens(security.oauth, _authorities(security.ca_file, "$.kafka.security.ca_file"))


def redis_arguments(of: Redis) -> dict[str, Any]:
    """Keyword arguments of `from_url` of redis-py's clients and connection pools.

    Raises:
        RefusedError: `ca_file` cannot be used.
    """
    arguments: dict[str, Any] = {"url": of.url}
    if of.password:
        arguments["credential_provider"] = redis.UsernamePasswordCredentialProvider(of.username, of.password)
    if of.ca_file:
        _authorities(of.ca_file, "$.redis.ca_file")
        arguments["ssl_ca_certs"] = of.ca_file
    return arguments


def redis_client(of: Redis) -> redis.Redis:
    """A client, not connected yet; it answers in bytes.

    Raises:
        RefusedError: `ca_file` cannot be used.
    """
    return redis.Redis.from_url(**redis_arguments(of))


def redis_client_async(of: Redis) -> redis.asyncio.Redis:
    """A client for an event loop, not connected yet; it answers in bytes.

    Raises:
        RefusedError: `ca_file` cannot be used.
    """
    return redis.asyncio.Redis.from_url(**redis_arguments(of))


def _authorities(ca_file: str | None, field: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise RefusedError(field, "a file of authorities, in PEM", _got(ca_file, error)) from None
    return context


def _got(file: str, error: OSError) -> str:
    """What was wrong with a file; an error of OpenSSL is an OSError too."""
    reason = "what is not that" if isinstance(error, ssl.SSLError) else error.strerror
    return f"{reason} at {file}"
