import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "streams")
VAGUE_NAMES = {"core", "utils", "util", "common", "helpers", "misc", "base"}

OUTSIDE = {
    "asyncio", "concurrent", "datetime", "glob", "http", "importlib", "io", "locale", "logging", "multiprocessing",
    "os", "pathlib", "random", "secrets", "shutil", "signal", "socket", "subprocess", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
INSIDE = (set(sys.stdlib_module_names) - OUTSIDE) | {"numpy", "msgspec", "features"}
TRAINING = {"sklearn", "scipy", "threadpoolctl"}
TRAINS = {"models/training.py", "models/thresholds.py"}
OUTSIDE_CALLS = re.compile(
    r"(.*\.)?(open|read_bytes|read_text|write_bytes|write_text|__import__|eval|exec|input|print)"
    r"|(np|numpy)\.(load|loadtxt|genfromtxt|fromfile|memmap|save|savez|savetxt)"
)
RANDOMNESS = re.compile(r"(np|numpy)\.random(\..*)?")
PACKAGED_READ = re.compile(r"resources\..*\.read_bytes")
ENVIRONMENT = re.compile(r"os\.(environ|environb|getenv|getenvb|putenv)(\..*)?")
CLOCK = re.compile(r"time\..*|(.*\.)?(datetime|date)\.(now|utcnow|today)")


def broken_rules(path: str, source: str) -> list[str]:
    """What in a module of this path is against ARCHITECTURE.md."""
    where, tree = PurePosixPath(path), ast.parse(source)
    imports, names, calls = set(_imports(tree)), set(_names(tree)), set(_calls(tree))
    broken = [f"{path}: vague name {part}" for part in (*where.parent.parts, where.stem) if part in VAGUE_NAMES]
    broken += [f"{path}: imports {name}" for name in sorted(imports) if not _may_import(path, name)]
    if where.parts[0] in {"features", "models"}:
        broken += [f"{path}: calls {name}" for name in sorted(calls) if _reaches_outside(path, name)]
    if where.parts[0] == "features":
        broken += [f"{path}: uses {name}" for name in sorted(names) if RANDOMNESS.fullmatch(name)]
    if path != "streams/config.py":
        broken += [f"{path}: reads the environment" for name in names | imports if ENVIRONMENT.fullmatch(name)]
    if path != "streams/clock.py":
        broken += [f"{path}: reads the clock" for name in names | imports if CLOCK.fullmatch(name)]
    return broken


def _may_import(path: str, name: str) -> bool:
    package, top = PurePosixPath(path).parts[0], name.partition(".")[0]
    if package == "streams":
        return top not in TRAINING
    if package == "features":
        return top in INSIDE
    allowed = INSIDE | {"models"} | (TRAINING if path in TRAINS else set[str]())
    return top in allowed or (path == "models/bundle.py" and name == "importlib.resources")


def _reaches_outside(path: str, name: str) -> bool:
    packaged = path == "models/bundle.py" and PACKAGED_READ.fullmatch(name)
    return bool(OUTSIDE_CALLS.fullmatch(name)) and not packaged


def _imports(tree: ast.AST) -> Iterator[str]:
    """Modules and what is taken from them; a relative import is named by its dots, which no rule allows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def _names(tree: ast.AST) -> Iterator[str]:
    yield from (_dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def _calls(tree: ast.AST) -> Iterator[str]:
    yield from (_dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of an expression, the calls on the way left out."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return _dotted(node.func)
    return node.id if isinstance(node, ast.Name) else ""


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_the_modules_are_found() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(PACKAGES)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_keeps_to_the_architecture(path: Path) -> None:
    assert broken_rules(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) == []


def test_no_folder_has_a_vague_name() -> None:
    folders = [path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*") if path.is_dir()]
    assert [path for path in folders if path.name in VAGUE_NAMES] == []


BROKEN = [
    ("features/gait.py", "import logging"),
    ("features/gait.py", "import os.path"),
    ("features/gait.py", "from pathlib import Path"),
    ("features/gait.py", "from datetime import datetime"),
    ("features/gait.py", "def late():\n    import time"),
    ("features/gait.py", "import random"),
    ("features/gait.py", "import io"),
    ("features/gait.py", "import subprocess"),
    ("features/gait.py", "import scipy.signal"),
    ("features/gait.py", "import pyarrow"),
    ("features/gait.py", "from models.bundle import Bundle"),
    ("features/gait.py", "from streams import clock"),
    ("features/gait.py", "from . import body"),
    ("features/gait.py", "import numpy as np\nnp.random.default_rng()"),
    ("features/gait.py", "import numpy as np\nnp.load('poses')"),
    ("features/gait.py", "open('poses')"),
    ("features/gait.py", "print('here')"),
    ("features/gait.py", "__import__('os')"),
    ("models/decision.py", "from streams.sources import Item"),
    ("models/decision.py", "from sklearn.linear_model import LogisticRegression"),
    ("models/decision.py", "import threadpoolctl"),
    ("models/decision.py", "import scipy"),
    ("models/decision.py", "from importlib import resources"),
    ("models/decision.py", "def load(path):\n    return path.read_bytes()"),
    ("models/decision.py", "open('bundle.json')"),
    ("models/decision.py", "import numpy as np\nnp.load('weights')"),
    ("models/bundle.py", "from pathlib import Path"),
    ("models/bundle.py", "def load(path):\n    return path.read_bytes()"),
    ("models/bundle.py", "from importlib import import_module"),
    ("models/training.py", "import os"),
    ("streams/sources.py", "import os\nos.environ['VIGIL_DATA']"),
    ("streams/sources.py", "import os\nos.getenv('VIGIL_DATA')"),
    ("streams/sources.py", "from os import environ"),
    ("streams/sources.py", "from os import getenv as variable"),
    ("streams/config.py", "import time\ntime.time()"),
    ("streams/sources.py", "from time import monotonic"),
    ("streams/sources.py", "import datetime\ndatetime.datetime.now()"),
    ("streams/sources.py", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
    ("streams/sources.py", "from datetime import date\ndate.today()"),
    ("streams/sources.py", "from datetime import datetime\ndatetime.utcnow()"),
    ("streams/sources.py", "import sklearn"),
    ("streams/utils.py", ""),
    ("streams/common/poses.py", ""),
    ("features/core/gait.py", ""),
    ("models/helpers.py", ""),
    ("models/misc.py", ""),
    ("models/base.py", ""),
]
KEPT = [
    ("features/gait.py", "import numpy as np\nfrom features.body import height"),
    ("models/decision.py", "import hashlib\nfrom features.gait import cadence\nfrom models.bundle import Bundle"),
    ("models/training.py", "from sklearn.linear_model import LogisticRegression\nimport threadpoolctl"),
    (
        "models/bundle.py",
        "from importlib import resources\nresources.files('models').joinpath('bundles/default.json').read_bytes()",
    ),
    ("streams/config.py", "import os\nos.environ.get('VIGIL_DATA')"),
    ("streams/clock.py", "import time\ntime.perf_counter()"),
    ("streams/sources.py", "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)"),
]


@pytest.mark.parametrize(("path", "source"), BROKEN)
def test_what_breaks_a_rule_is_named(path: str, source: str) -> None:
    broken = broken_rules(path, source)
    assert broken
    assert all(line.startswith(f"{path}: ") for line in broken)


@pytest.mark.parametrize(("path", "source"), KEPT)
def test_what_keeps_the_rules_is_not(path: str, source: str) -> None:
    assert broken_rules(path, source) == []
