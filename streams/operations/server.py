"""The pages of a running worker: /metrics, /healthz, /readyz and /live, from threads of their own."""

import errno
import socket
import sys
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.operations.health import Health
from streams.operations.logs import logger
from streams.operations.metrics import Metrics
from streams.settings import Operations

log = logger("operations")
JSON = "application/json"
REQUEST_TIMEOUT_S = 10
INDEX = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Vigil</title><h1>Vigil</h1><ul>
<li><a href="/metrics">/metrics</a> for Prometheus
<li><a href="/healthz">/healthz</a> whether the worker lives
<li><a href="/readyz">/readyz</a> whether it is ready, and what is missing
<li><a href="/live">/live</a> who is in view now
</ul></html>
"""


class ServeError(OSError):
    """The pages cannot be served where the settings say; names the setting, what was expected and what is there."""


class Answer(NamedTuple):
    """What a request is answered with."""

    status: HTTPStatus
    kind: str
    body: bytes


class OperationsServer:
    """Serves the pages of a worker.

    `live` gives the JSON of /live; it is called from other threads than the worker's.
    """

    def __init__(self, settings: Operations, metrics: Metrics, health: Health, live: Callable[[], bytes]) -> None:
        self._settings = settings
        self._pages = _Pages(metrics, health, live)
        self._server: _Server | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens at; before `start`, the one of the settings."""
        return self._settings.port if self._server is None else int(self._server.server_address[1])

    def start(self) -> None:
        """Listen, and answer from now on.

        Raises:
            ServeError: host or port of the settings cannot be had.
        """
        if self._server is not None:
            return
        self._server = _listen(self._settings, self._pages)
        serve = partial(self._server.serve_forever, poll_interval=0.1)
        self._thread = Thread(target=serve, name="operations", daemon=True)
        self._thread.start()
        log.info("serving", host=self._settings.host, port=self.port)

    def stop(self) -> None:
        """Stop listening; a second time does nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None


class _Pages:
    """What each path shows."""

    def __init__(self, metrics: Metrics, health: Health, live: Callable[[], bytes]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(metrics.registry)
        self._registry.register(health)
        self._health, self._live = health, live
        self.paths: dict[str, Callable[[str], Answer]] = {
            "/": lambda _: Answer(HTTPStatus.OK, "text/html; charset=utf-8", INDEX),
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/live": lambda _: Answer(HTTPStatus.OK, JSON, self._live()),
        }

    def _metrics(self, accept: str) -> Answer:
        encode, kind = choose_encoder(accept)
        return Answer(HTTPStatus.OK, kind, encode(self._registry))

    def _healthz(self, _accept: str) -> Answer:
        liveness = self._health.liveness()
        return _json(_ok_or_unavailable(ok=liveness.alive), liveness)

    def _readyz(self, _accept: str) -> Answer:
        readiness = self._health.readiness()
        return _json(_ok_or_unavailable(ok=readiness.ready), readiness)


def _ok_or_unavailable(*, ok: bool) -> HTTPStatus:
    return HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE


def _json(status: HTTPStatus, content: object) -> Answer:
    return Answer(status, JSON, msgspec.json.encode(content))


def _wrong(status: HTTPStatus, text: str) -> Answer:
    return _json(status, {"error": text})


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = REQUEST_TIMEOUT_S
    server_version = "vigil"
    sys_version = ""

    def __init__(self, pages: _Pages, *rest: Any) -> None:  # noqa: ANN401 - what the standard library passes on
        self._pages = pages
        super().__init__(*rest)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method, for `do_` and its name is what the standard library asks for."""
        if name.startswith("do_"):
            return self._reply
        raise AttributeError(name)

    def _reply(self) -> None:
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _answer(self) -> Answer:
        path = self.path.partition("?")[0]
        page = self._pages.paths.get(path)
        if page is None:
            return _wrong(HTTPStatus.NOT_FOUND, f"expected one of {', '.join(self._pages.paths)}")
        if self.command not in {"GET", "HEAD"}:
            return _wrong(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET or HEAD")
        try:
            return page(self.headers.get("Accept", ""))
        except Exception:
            log.exception("page failed", path=path)
            return _wrong(HTTPStatus.INTERNAL_SERVER_ERROR, "the page failed; the worker's log says why")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as inherited
        """Requests are not logged: they come every few seconds."""


class _Server(ThreadingHTTPServer):
    """Listens at an address of either family and asks no name server."""

    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int], pages: _Pages) -> None:
        self.address_family = family
        super().__init__(address, partial(_Handler, pages))

    def server_bind(self) -> None:
        """Bind without looking up the host's full name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Somebody who goes away before the answer is there is nothing to report; anything else is."""
        why = sys.exception()
        if not isinstance(why, ConnectionError):
            log.error("request failed", exc_info=why)


def _listen(settings: Operations, pages: _Pages) -> _Server:
    host, port = settings.host, settings.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return _Server(family, (str(address[0]), port), pages)
    except OSError as why:
        if why.errno == errno.EADDRINUSE:
            raise ServeError(f"operations.port: expected a free port of {host}, got {port}, which is in use") from None
        if why.errno in {errno.EACCES, errno.EPERM}:
            text = f"operations.port: expected a port this user may listen at, got {port}: {why.strerror}"
            raise ServeError(text) from None
        raise ServeError(f"operations.host: expected an address of this machine, got {host}: {why}") from None
