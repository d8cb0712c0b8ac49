"""One service for all processes of a test run: begun by the first that needs it, ended after the last.

The service runs in a process of its own, the keeper. Everybody who uses it holds a connection to the keeper, and what
the kernel closes when a process ends, however it ends, cannot be forgotten: without a connection the keeper ends.
"""

import contextlib
import dataclasses
import os
import select
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tests.services.broker import Broker, KafkaAccess
from tests.services.fetch import locked
from tests.services.process import ServiceError
from tests.services.redis_server import RedisAccess, RedisServer

ROOT = Path(__file__).parents[2]
ANSWER_WITHIN_S = 5
END_WITHIN_S = 30
SERVICES: dict[str, Callable[[], Broker | RedisServer]] = {
    "kafka": Broker,
    "secured-kafka": lambda: Broker(secured=True),
    "redis": RedisServer,
    "secured-redis": lambda: RedisServer(secured=True),
}


class Said(msgspec.Struct, frozen=True):
    """What the keeper says to everybody who connects: its address, the service's, or why there is none.

    `address` is the keeper's port and a name that no other program answers with.
    """

    address: str = ""
    kafka: KafkaAccess | None = None
    redis: RedisAccess | None = None
    failure: str = ""


@contextlib.contextmanager
def shared_kafka(folder: Path, name: str) -> Iterator[KafkaAccess]:
    """Use the broker that a run shares in a folder; `name` is a key of `SERVICES`."""
    with _shared(folder, name) as said:
        assert said.kafka
        yield said.kafka


@contextlib.contextmanager
def shared_redis(folder: Path, name: str) -> Iterator[RedisAccess]:
    """Use the Redis that a run shares in a folder; `name` is a key of `SERVICES`."""
    with _shared(folder, name) as said:
        assert said.redis
        yield said.redis


@contextlib.contextmanager
def _shared(folder: Path, name: str) -> Iterator[Said]:
    state = folder / f"{name}.address"
    with locked(folder / f"{name}.lock"):
        connection, said = _join(state) or _begin(state, name)
    try:
        if said.failure:
            raise ServiceError(said.failure)
        yield said
    finally:
        _leave(connection)


def _join(state: Path) -> tuple[socket.socket, Said] | None:
    """A connection to the keeper that runs, if one does and goes on."""
    if not state.exists():
        return None
    address = state.read_text(encoding="utf-8")
    try:
        connection = socket.create_connection(("127.0.0.1", int(address.split()[0])), timeout=ANSWER_WITHIN_S)
    except OSError:
        return None
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        said = _read(connection)
        if said and said.address == address:
            return connection, said
    connection.close()
    return None


def _begin(state: Path, name: str) -> tuple[socket.socket, Said]:
    ours, its = socket.socketpair()
    with its, state.with_suffix(".log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tests.services.shared", name, str(its.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
    said = _read(ours)
    if said is None:
        raise ServiceError(f"the keeper of {name} ended:\n{state.with_suffix('.log').read_text(encoding='utf-8')}")
    state.write_text(said.address, encoding="utf-8")
    return ours, said


def _read(connection: socket.socket) -> Said | None:
    """What the keeper says, or None if it ends without a word."""
    with connection.makefile("rb") as stream:
        line = stream.readline()
    return msgspec.json.decode(line, type=Said) if line.endswith(b"\n") else None


def _leave(connection: socket.socket) -> None:
    """Say goodbye and wait for the keeper to do so too, which is after the service's end if nobody else is left."""
    with connection:
        connection.settimeout(END_WITHIN_S)
        try:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1):
                pass
        except TimeoutError as error:
            raise ServiceError(f"a shared service did not end within {END_WITHIN_S} s") from error
        except OSError:
            return  # the keeper has gone already


def keep(name: str, first: socket.socket) -> None:
    """Run a service until nobody is connected."""
    service = SERVICES[name]()
    try:
        service.start()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"{listener.getsockname()[1]} {uuid.uuid4()}"
            last = _serve(listener, first, msgspec.json.encode(_said(address, service)) + b"\n")
    finally:
        service.close()
    last.close()


def _said(address: str, service: Broker | RedisServer) -> Said:
    access = service.access
    access = dataclasses.replace(access, processes=(os.getpid(), *access.processes))
    if isinstance(access, KafkaAccess):
        return Said(address, kafka=access)
    return Said(address, redis=access)


def _serve(listener: socket.socket, first: socket.socket, line: bytes) -> socket.socket:
    """Tell everybody who comes where the service is, until all have gone: the connection of the last."""
    users = [first]
    _tell(first, line)
    while True:
        for ready in select.select([listener, *users], [], [])[0]:
            if ready is listener:
                users.append(listener.accept()[0])
                _tell(users[-1], line)
            elif not _listens(ready):
                users.remove(ready)
                if not users:
                    return ready
                ready.close()


def _tell(user: socket.socket, line: bytes) -> None:
    with contextlib.suppress(OSError):
        user.sendall(line)


def _listens(user: socket.socket) -> bool:
    try:
        return bool(user.recv(1))
    except OSError:
        return False


def main() -> None:
    """Keep the service named by the first argument; the second is the descriptor of the first user's connection."""
    first = socket.socket(fileno=int(sys.argv[2]))
    first.set_inheritable(False)
    try:
        keep(sys.argv[1], first)
    except ServiceError as error:
        _tell(first, msgspec.json.encode(Said(failure=str(error))) + b"\n")


if __name__ == "__main__":
    main()
