"""The server.properties of a broker for tests: one node, small, quick to start, compact and delete."""

from pathlib import Path

from tests.services.certificates import Certificates
from tests.services.tokens import AUDIENCE, TokenServer

PLAIN_LISTENERS = ("PLAINTEXT", "CONTROLLER")
SECURED_LISTENERS = ("SSL", "MTLS", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")

_PROTOCOLS = {
    "PLAINTEXT": "PLAINTEXT",
    "CONTROLLER": "PLAINTEXT",
    "SSL": "SSL",
    "MTLS": "SSL",
    "SASL_PLAINTEXT": "SASL_PLAINTEXT",
    "SASL_SSL": "SASL_SSL",
}
_SMALL_AND_QUICK = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "broker.heartbeat.interval.ms": "250",
    "broker.session.timeout.ms": "2500",  # until then a killed broker may not come back
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "1",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
    "background.threads": "2",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.threads": "1",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.min.cleanable.ratio": "0.01",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.delete.retention.ms": "1000",
}


def properties(
    folder: Path,
    ports: dict[str, int],
    certificates: Certificates | None,
    tokens: TokenServer | None,
    user: tuple[str, str],
) -> dict[str, str]:
    """The settings of a broker on these ports by listener name, with its data below the folder."""
    listeners = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    advertised = [listener for name, listener in listeners.items() if name != "CONTROLLER"]
    settings = _SMALL_AND_QUICK | {
        "log.dirs": str(folder / "data"),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:{_PROTOCOLS[name]}" for name in ports),
    }
    if certificates:
        settings |= _tls(certificates)
    if tokens:
        settings |= _sasl("sasl_plaintext", user, tokens) | _sasl("sasl_ssl", user, tokens)
    return settings


def _tls(certificates: Certificates) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server_file),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca_file),
        "listener.name.mtls.ssl.client.auth": "required",
    }


def _sasl(listener: str, user: tuple[str, str], tokens: TokenServer) -> dict[str, str]:
    name, password = user
    security = "org.apache.kafka.common.security"
    listener = f"listener.name.{listener}"
    bearer, token = f"{listener}.oauthbearer.sasl", f"{listener}.sasl.oauthbearer"
    scram = f"{security}.scram.ScramLoginModule required;"
    return {
        f"{listener}.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        f"{listener}.plain.sasl.jaas.config": f'{security}.plain.PlainLoginModule required user_{name}="{password}";',
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        f"{bearer}.jaas.config": f"{security}.oauthbearer.OAuthBearerLoginModule required;",
        f"{bearer}.server.callback.handler.class": f"{security}.oauthbearer.OAuthBearerValidatorCallbackHandler",
        f"{token}.jwt.validator.class": f"{security}.oauthbearer.BrokerJwtValidator",  # the default may skip signatures
        f"{token}.jwks.endpoint.url": tokens.keys_url,
        f"{token}.expected.issuer": tokens.issuer,
        f"{token}.expected.audience": AUDIENCE,
    }
