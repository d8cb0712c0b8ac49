"""A process that runs a server for its owner and ends, with the server and its folder, when the owner does.

The owner is at the other end of the standard input: a request is a line of JSON, and so is the answer. The end of the
input, or the owner's, however it came, ends everything. Started by `process.Guarded`, with the owner's process id and a
name as arguments; needs nothing but the standard library.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
LOOK_EVERY_S = 0.5


def main() -> None:
    """Answer requests until there is nobody who could make one."""
    owner, name = int(sys.argv[1]), sys.argv[2]
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = Path(tempfile.mkdtemp(prefix=f"vigil-{name}-"))
    server = Server()
    try:
        answer({"folder": str(folder)})
        for request in requests(owner):
            answer(server.act(request))
    except BrokenPipeError:
        pass
    finally:
        server.end(signal.SIGKILL, None)
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """The server that runs or ran last."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._after: list[str] = []

    def act(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked and say what came of it."""
        if "run" in request:
            return self.run(request["run"], request["after"], request["log"], request["environment"])
        if "end" in request:
            return {"code": self.end(request["end"], request["within_s"])}
        return {"code": self._process.poll() if self._process else None}

    def run(self, command: list[str], after: list[str], log: str, environment: dict[str, str]) -> dict[str, Any]:
        """Start a server that does not outlive this process."""
        with Path(log).open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=os.environ | environment,
                    start_new_session=True,
                    preexec_fn=end_with_parent,  # noqa: PLW1509 - this process has one thread
                )
            except OSError as error:
                return {"error": str(error)}
        self._after = after
        return {"pid": self._process.pid}

    def end(self, number: int, within_s: float | None) -> int | None:
        """Send a signal and wait: the exit code, or None if the server still runs after that time."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None
        if self._after:
            subprocess.run(self._after, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            self._after = []
        return code


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent is gone, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def requests(owner: int) -> Iterator[dict[str, Any]]:
    """The owner's requests, as long as it lives and listens."""
    waiting = b""
    while os.getppid() == owner:
        if not select.select([0], [], [], LOOK_EVERY_S)[0]:
            continue
        received = os.read(0, 65_536)
        if not received:
            return
        *lines, waiting = (waiting + received).split(b"\n")
        yield from (json.loads(line) for line in lines)


def answer(said: dict[str, Any]) -> None:
    """Write an answer."""
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main()
