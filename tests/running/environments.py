"""Other environments for the tests: another Python, or other versions of the packages, made by uv."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from streams.audit.note import Verifier
from streams.audit.run_log import PUBLIC_KEY
from streams.embedded import ALERTS, SCORES
from streams.jobs import published_difference, replay_sealed
from streams.runs import open_run
from tests.journals import rows_of

ROOT = Path(__file__).parents[2]
OTHER_PYTHON = "3.13" if sys.version_info < (3, 13) else "3.11"
Packages = Literal["locked", "lowest-direct", "highest"]
"""Those of the lock file, the oldest that pyproject.toml allows, or the newest of today."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with a Python and Vigil in it."""

    folder: Path

    def python(self, code: str) -> str:
        """What a line of Python prints."""
        return _said([str(self.folder / "bin" / "python"), "-c", code])

    def vigil(self, *arguments: str | Path) -> str:
        """What a command of Vigil prints."""
        return _said([str(self.folder / "bin" / "vigil"), *map(str, arguments)])


def make_environment(folder: Path, python: str, packages: Packages) -> Environment:
    """An environment with this checkout and what it needs, without what only development needs.

    The test is skipped where there is no such Python and none can be fetched, or a package cannot.

    Args:
        folder: where it is made.
        python: a version, or the path of an interpreter.
        packages: which versions of them.
    """
    interpreter = ("--quiet", "--python", _interpreter(python))
    if packages == "locked":
        _uv(["sync", "--frozen", "--no-dev", *interpreter], {"UV_PROJECT_ENVIRONMENT": str(folder)})
    else:
        _uv(["venv", *interpreter, str(folder)], {})
        _uv(["pip", "install", "--quiet", "--resolution", packages, "--editable", "."], {"VIRTUAL_ENV": str(folder)})
    return Environment(folder)


def check_elsewhere(elsewhere: Environment, recording: Path, run: Path, folder: Path) -> None:
    """A sealed run from here comes out the same elsewhere, to the byte, and one from there comes out the same here.

    Args:
        elsewhere: the other environment.
        recording: that was run.
        run: its folder.
        folder: gets the run from elsewhere.
    """
    assert "Identical" in elsewhere.vigil("replay", run)
    elsewhere.vigil("run", recording, "--out", folder)
    for name in (SCORES, ALERTS):
        assert (folder / name).read_bytes() == (run / name).read_bytes(), name
    cameras = [camera.name for camera in open_run(run).site.cameras]
    assert rows_of(folder, cameras) == rows_of(run, cameras)
    _replay(folder, folder / "again")
    assert published_difference(open_run(folder), folder / "again") is None


def _replay(run: Path, folder: Path) -> None:
    lines = (run / PUBLIC_KEY).read_text(encoding="utf-8").splitlines()
    replay_sealed(open_run(run), [Verifier.parse(line) for line in lines], folder)


def _interpreter(python: str) -> str:
    """What uv finds or fetches; those that pyenv keeps it does not find by itself."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(root.glob(f"versions/{python}.*/bin/python{python}"))
    return str(kept[-1]) if kept else python


def _uv(arguments: Sequence[str], variables: dict[str, str]) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv beside this Python or on the PATH; `make test` brings it")
    given = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | variables
    ended = subprocess.run([uv, *arguments], cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"needs a Python and packages that uv cannot get here: uv {' '.join(arguments)}: {ended.stderr}")


def _said(command: list[str]) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout
