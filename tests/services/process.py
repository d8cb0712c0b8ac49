"""A server process that cannot outlive the process that started it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GUARD = Path(__file__).with_name("guard.py")
LOG_END_LINES = 40


class ServiceError(RuntimeError):
    """A service that did not start or stop."""


class ServiceMissingError(ServiceError):
    """A service that cannot be had on this machine; the text says what to install."""


class Guarded:
    """One server at a time and its temporary folder, behind a guard (see `guard.py`).

    Both end when this process ends, however that happens, and at `close`. Not for use by several threads at once.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.folder = Path(self._answer()["folder"])
        self.log = self.folder / "log.txt"
        self.pid: int | None = None

    @property
    def guard_pid(self) -> int:
        """The process id of the guard."""
        return self._guard.pid

    def run(
        self, command: Sequence[str], *, after: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the server; what it says goes to `log`, `after` is run when it has ended.

        Raises:
            ServiceError: one runs already, or the command cannot be run.
        """
        if self.running():
            raise ServiceError(f"{self._name}: expected to be stopped, got a running process {self.pid}")
        said = self._ask(
            {"run": list(command), "after": list(after), "log": str(self.log), "environment": dict(environment or {})}
        )
        if "error" in said:
            raise ServiceError(f"{self._name} cannot be run: {said['error']}")
        self.pid = said["pid"]

    def exit_code(self) -> int | None:
        """The exit code of the server that ran last; None while it runs."""
        code: int | None = self._ask({})["code"]
        return code

    def running(self) -> bool:
        """Whether the server runs."""
        return self.pid is not None and self.exit_code() is None

    def end(self, number: signal.Signals, within_s: float = 30) -> int:
        """Send the server a signal and wait until it has ended: its exit code.

        Raises:
            ServiceError: it still runs after `within_s` seconds, or never did.
        """
        code: int | None = self._ask({"end": number, "within_s": within_s})["code"]
        if code is None:
            raise ServiceError(f"{self._name} did not end within {within_s:g} s of {number.name}\n{self.log_end()}")
        return code

    def log_end(self) -> str:
        """The last lines the server wrote."""
        if not self.log.exists():
            return "it wrote no log"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["the end of its log:", *lines[-LOG_END_LINES:]])

    def close(self) -> None:
        """Kill the server if it runs and remove its folder."""
        self._guard.communicate()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._guard.stdin
        try:
            self._guard.stdin.write(json.dumps(request).encode() + b"\n")
            self._guard.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise ServiceError(f"{self._name} was closed, or its guard was killed") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._guard.stdout
        line = self._guard.stdout.readline()
        if not line:
            raise ServiceError(f"the guard of {self._name} ended with code {self._guard.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer
