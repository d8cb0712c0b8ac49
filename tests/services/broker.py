"""A real Kafka broker of one node, for as long as a test or a measurement needs it."""

import signal
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.services.certificates import Certificates, make_certificates
from tests.services.fetch import kafka_program
from tests.services.ports import free_ports
from tests.services.process import Guarded, ServiceError
from tests.services.properties import PLAIN_LISTENERS, SECURED_LISTENERS, properties
from tests.services.tokens import TokenServer

READY_WITHIN_S = 60
LOGGING = (
    "showDateTime=true",
    "dateTimeFormat=HH:mm:ss.SSS",
    "showThreadName=false",
    "log.org.apache.kafka.common.config.AbstractConfig=warn",
)
USER = "vigil"
PASSWORD = "correct horse battery"  # noqa: S105 - of a broker that lives for one test run
CLIENT_ID = "vigil-worker"
CLIENT_SECRET = "a secret & more"  # noqa: S105 - of a token server that lives for one test run


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client of the secured listeners needs.

    `ca_file` is trusted by clients of SSL, MTLS and SASL_SSL; the client's certificate is asked for by MTLS. `user` and
    `password` are good for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512; `client_id` and `client_secret` get a token for
    OAUTHBEARER at `token_url`.
    """

    ca_file: str
    client_certificate_file: str
    client_key_file: str
    user: str
    password: str
    token_url: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Where a broker is found: `bootstrap` without security, `listeners` host:port by listener name.

    `credentials` where the broker is secured; `processes` are all that run for it, none for a developer's own broker.
    """

    bootstrap: str
    listeners: dict[str, str]
    credentials: Credentials | None = None
    processes: tuple[int, ...] = ()


class Broker:
    """A broker with its data in a temporary folder, on free loopback ports that it keeps over restarts.

    `with Broker() as broker:` starts it and removes all of it afterwards; it also ends with this process, however that
    ends. `secured` adds the listeners SSL, MTLS, SASL_PLAINTEXT and SASL_SSL and a token server. Topics have to be
    created. Old segments are compacted and deleted at once: let a topic that is to be compacted have a `segment.ms`
    of 100, say, and write to it again after that time.
    `overrides` are further lines of server.properties, `heap_mb` is the broker's memory.
    """

    def __init__(self, *, secured: bool = False, heap_mb: int = 384, overrides: dict[str, str] | None = None) -> None:
        self._program = kafka_program()
        self._guarded = Guarded("kafka")
        self._heap_mb = heap_mb
        self._overrides = overrides or {}
        names = PLAIN_LISTENERS + (SECURED_LISTENERS if secured else ())
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._certificates: Certificates | None = None
        self.tokens: TokenServer | None = None
        if secured:
            self._certificates = make_certificates(self.folder / "certificates")
            self.tokens = TokenServer(CLIENT_ID, CLIENT_SECRET)

    @property
    def folder(self) -> Path:
        """The temporary folder with configuration, data and log."""
        return self._guarded.folder

    @property
    def pid(self) -> int | None:
        """The process id of the broker that runs or ran last."""
        return self._guarded.pid

    @property
    def bootstrap(self) -> str:
        """host:port of the listener without security."""
        return self.listeners["PLAINTEXT"]

    @property
    def listeners(self) -> dict[str, str]:
        """host:port by the name of the listener."""
        return {name: f"127.0.0.1:{port}" for name, port in self._ports.items() if name != "CONTROLLER"}

    @property
    def credentials(self) -> Credentials | None:
        """What clients of the secured listeners need; None for a broker without them."""
        if self._certificates is None or self.tokens is None:
            return None
        return Credentials(
            ca_file=str(self._certificates.ca_file),
            client_certificate_file=str(self._certificates.client_certificate_file),
            client_key_file=str(self._certificates.client_key_file),
            user=USER,
            password=PASSWORD,
            token_url=self.tokens.token_url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
        )

    @property
    def access(self) -> KafkaAccess:
        """Where and how it is reached, as plain data."""
        processes = tuple(pid for pid in (self._guarded.guard_pid, self.pid) if pid is not None)
        return KafkaAccess(self.bootstrap, self.listeners, self.credentials, processes)

    def running(self) -> bool:
        """Whether the broker's process runs."""
        return self._guarded.running()

    def start(self) -> None:
        """Start the broker, with the data it had, and return when it answers.

        Raises:
            ServiceError: it ended or did not answer in time; the text has the end of its log.
        """
        configuration = self.folder / "server.properties"
        if not configuration.exists():
            self._format(configuration)
        self._run(("kafka.Kafka", str(configuration)))
        self._wait_until_ready()

    def stop(self) -> None:
        """Let the broker end in good order; its data stays."""
        self._guarded.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the broker; its data stays as it is."""
        self._guarded.end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def log_end(self) -> str:
        """The last lines of its log."""
        return self._guarded.log_end()

    def close(self) -> None:
        """End everything and remove the data."""
        self._guarded.close()
        if self.tokens:
            self.tokens.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _format(self, configuration: Path) -> None:
        lines = properties(self.folder, self._ports, self._certificates, self.tokens, (USER, PASSWORD))
        text = "".join(f"{name}={value}\n" for name, value in (lines | self._overrides).items())
        unformatted = configuration.with_suffix(".unformatted")
        unformatted.write_text(text, encoding="utf-8")
        scram = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        users = [word for one in scram for word in ("--add-scram", one)] if self._certificates else []
        cluster = ("--cluster-id", uuid.uuid4().hex[:22])
        self._run(("kafka.tools.StorageTool", "format", *cluster, "--config", str(unformatted), *users))
        deadline = time.monotonic() + READY_WITHIN_S
        while (code := self._guarded.exit_code()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if code != 0:
            raise ServiceError(f"the broker's folder could not be formatted, {self.log_end()}")
        unformatted.rename(configuration)

    def _run(self, arguments: tuple[str, ...]) -> None:
        options = [f"-Xmx{self._heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
        options += [f"-Dorg.slf4j.simpleLogger.{setting}" for setting in LOGGING]
        if self.tokens:
            allowed = f"{self.tokens.token_url},{self.tokens.keys_url}"
            options.append(f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={allowed}")
        command = self._program.command(self.folder, options, arguments)
        self._guarded.run(command, after=self._program.after(self.folder))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if not self.running():
                raise ServiceError(f"Kafka ended with code {self._guarded.exit_code()}, {self.log_end()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"Kafka did not answer within {READY_WITHIN_S} s, {self.log_end()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Whether it lists itself in its metadata."""
        try:
            socket.create_connection(("127.0.0.1", self._ports["PLAINTEXT"]), timeout=1).close()
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2_000)
        except (OSError, KafkaError):
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()
