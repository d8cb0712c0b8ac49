"""A real redis-server, for as long as a test or a measurement needs it."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import redis

from tests.services.certificates import Certificates, make_certificates
from tests.services.ports import free_ports
from tests.services.process import Guarded, ServiceError
from tests.services.redis_program import redis_program

READY_WITHIN_S = 20
USER = "vigil"
PASSWORD = "correct-horse-battery"  # noqa: S105 - of a server that lives for one test run


@dataclass(frozen=True, slots=True)
class RedisAccess:
    """Where a Redis is found. `user`, `password` and `ca_file` where it is secured."""

    url: str
    user: str | None = None
    password: str | None = None
    ca_file: str | None = None
    processes: tuple[int, ...] = ()

    def connect(self) -> redis.Redis:
        """A client of it, which gives up after two seconds."""
        options = {"username": self.user, "password": self.password, "ssl_ca_certs": self.ca_file}
        given = {name: value for name, value in options.items() if value is not None}
        return redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, **given)


class RedisServer:
    """A server that keeps nothing on disk, on a free loopback port that it keeps over restarts.

    `with RedisServer() as server:` starts it and removes all of it afterwards; it also ends with this process, however
    that ends. `secured`: TLS only, and one user with a password, who may do everything.
    """

    def __init__(self, *, secured: bool = False) -> None:
        self._program = redis_program()
        self._guarded = Guarded("redis")
        self._port = free_ports(1)[0]
        self._certificates: Certificates | None = None
        if secured:
            self._certificates = make_certificates(self.folder / "certificates")

    @property
    def folder(self) -> Path:
        """The temporary folder with its log and certificates."""
        return self._guarded.folder

    @property
    def pid(self) -> int | None:
        """The process id of the server that runs or ran last."""
        return self._guarded.pid

    @property
    def url(self) -> str:
        """redis://host:port/0, or rediss:// where it is secured."""
        return f"{'rediss' if self._certificates else 'redis'}://127.0.0.1:{self._port}/0"

    @property
    def access(self) -> RedisAccess:
        """Where and how it is reached, as plain data."""
        processes = tuple(pid for pid in (self._guarded.guard_pid, self.pid) if pid is not None)
        if self._certificates is None:
            return RedisAccess(self.url, processes=processes)
        return RedisAccess(self.url, USER, PASSWORD, str(self._certificates.ca_file), processes)

    def running(self) -> bool:
        """Whether the server's process runs."""
        return self._guarded.running()

    def start(self) -> None:
        """Start the server, empty, and return when it answers.

        Raises:
            ServiceError: it ended or did not answer in time; the text has the end of its log.
        """
        self._guarded.run([self._program.path, *self._options()], environment=self._program.environment)
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if not self.running():
                raise ServiceError(f"redis-server ended with code {self._guarded.exit_code()}, {self.log_end()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"redis-server did not answer within {READY_WITHIN_S} s, {self.log_end()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Let the server end in good order."""
        self._guarded.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the server."""
        self._guarded.end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again; it has forgotten everything."""
        self.stop()
        self.start()

    def log_end(self) -> str:
        """The last lines of its log."""
        return self._guarded.log_end()

    def close(self) -> None:
        """End everything."""
        self._guarded.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _options(self) -> list[str]:
        port = str(self._port)
        options = ["--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        if self._certificates is None:
            return [*options, "--port", port]
        options += ["--port", "0", "--tls-port", port, "--tls-auth-clients", "no"]
        options += ["--tls-ca-cert-file", str(self._certificates.ca_file)]
        options += ["--tls-cert-file", str(self._certificates.server_certificate_file)]
        options += ["--tls-key-file", str(self._certificates.server_key_file)]
        allowed = ("on", f">{PASSWORD}", "~*", "&*", "+@all")
        return [*options, "--user", "default", "off", "--user", USER, *allowed]

    def _answers(self) -> bool:
        client = self.access.connect()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
