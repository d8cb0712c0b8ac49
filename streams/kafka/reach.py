"""Whether the services can be reached with the settings; if not, which of these to check.

The clients themselves try again and again, and keep to their logs what they were refused for.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import redis
from aiokafka.conn import create_conn
from aiokafka.errors import IllegalSaslStateError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from redis.exceptions import NoPermissionError
from yarl import URL

from streams.kafka.clients import faust_brokers, faust_credentials, redis_client, tokens
from streams.kafka.refusal import RefusedError
from streams.settings import HIDDEN, Kafka, Redis, Security

DEFAULT_PORT = 9_092
_ANOTHER_NAME = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def reach_kafka(kafka: Kafka, timeout_s: float = 10.0) -> None:
    """Connect to a broker once and prove who we are, as workers will; not to be called in an event loop.

    Raises:
        RefusedError: with the setting to check; the first broker's, if none of them takes the connection.
    """
    if kafka.security.mechanism == "OAUTHBEARER":
        tokens(kafka.security).token()
    auth = credentials_to_aiokafka_auth(faust_credentials(kafka))
    refused = []
    for url in faust_brokers(kafka):
        try:
            asyncio.run(_connect(url, auth, timeout_s))
        except RefusedError:
            raise
        except (KafkaError, OSError) as error:
            refused.append(_refusal(kafka, f"{url.host}:{url.port or DEFAULT_PORT}", error))
        else:
            return
    raise refused[0]


class _NotTakenError(ConnectionError):
    """A broker speaks, but not with this client."""


async def _connect(url: URL, auth: Mapping[str, Any], timeout_s: float) -> None:
    """Ask a broker for its metadata, which it gives only to clients that it takes."""
    port = url.port or DEFAULT_PORT
    async with asyncio.timeout(timeout_s):
        connection = await create_conn(url.host, port, request_timeout_ms=int(timeout_s * 1_000), **auth)
        try:
            metadata = await connection.send(MetadataRequest([]))
        except KafkaError as error:
            raise _NotTakenError("a closed connection") from error
        finally:
            connection.close()
    if not metadata.brokers:  # to aiokafka a refused token looks like an accepted one
        raise _NotTakenError("an answer without brokers")


def _refusal(kafka: Kafka, where: str, error: Exception) -> RefusedError:
    security, got = kafka.security, _hidden(error, kafka.security.password)
    if isinstance(error, ssl.SSLError):
        return _tls_refusal(where, error)
    if isinstance(error, SaslAuthenticationFailed) or (security.mechanism and isinstance(error, _NotTakenError)):
        return _not_proved(kafka, got)
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
        got = f"{security.mechanism}, which it has not"
        return RefusedError("$.kafka.security.mechanism", f"one that the listener at {where} has", got)
    if isinstance(error, KafkaError | _NotTakenError) or (security.tls and isinstance(error, ConnectionResetError)):
        expected = f"tls, mechanism and certificate_file as the listener at {where} wants them"
        return RefusedError("$.kafka.security", expected, f"a closed connection with {_chosen(security)}")
    return RefusedError("$.kafka.brokers", f"a broker that answers at {where}", got)


def _chosen(security: Security) -> str:
    certificate = "a certificate" if security.certificate_file else "no certificate"
    return f"tls {str(security.tls).lower()}, mechanism {security.mechanism or 'none'} and {certificate}"


def _tls_refusal(where: str, error: ssl.SSLError) -> RefusedError:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _ANOTHER_NAME:
            return RefusedError("$.kafka.brokers", "the name in the broker's certificate", error.verify_message)
        expected = f"an authority that vouches for {where}"
        return RefusedError("$.kafka.security.ca_file", expected, error.verify_message)
    reason = error.reason or str(error)
    if "CERTIFICATE" in reason:
        return RefusedError("$.kafka.security.certificate_file", f"a certificate that {where} takes", reason)
    return RefusedError("$.kafka.security.tls", f"as the listener at {where} is", reason)


def _not_proved(kafka: Kafka, got: str) -> RefusedError:
    security = kafka.security
    if security.mechanism == "OAUTHBEARER":
        expected = "a token that the broker takes, by its issuer, audience, scope and time"
        return RefusedError("$.kafka.security.oauth", expected, got)
    return RefusedError("$.kafka.security.password", f"the password of {security.username}", got)


def reach_redis(of: Redis) -> None:
    """Connect once.

    Raises:
        RefusedError: with the setting to check.
    """
    user = of.username or "the default user"
    try:
        with redis_client(of) as client:
            client.ping()
    except redis.AuthenticationError as error:
        raise RefusedError("$.redis.password", f"the password of {user}", _hidden(error, of.password)) from None
    except NoPermissionError as error:
        raise RefusedError("$.redis.username", f"one who may PING, unlike {user}", str(error)) from None
    except redis.RedisError as error:
        raise _unreached(of, _hidden(error, of.password)) from None


def _unreached(of: Redis, got: str) -> RefusedError:
    if "CERTIFICATE_VERIFY_FAILED" in got:
        return RefusedError("$.redis.ca_file", f"an authority that vouches for {of.url}", got)
    return RefusedError("$.redis.url", f"a server that answers at {of.url}", got)


def _hidden(error: Exception, secret: str | None) -> str:
    text = str(error) or type(error).__name__
    return text.replace(secret, HIDDEN) if secret else text
