"""PoseLift, real shoplifting, from its files to a certificate; whatever is changed afterwards is named."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.adapters.registry import folder_of
from streams.audit.certificate import open_certificate
from streams.audit.keys import load_verifiers, make_key
from streams.audit.note import Signer
from streams.config import data_folder
from streams.embedded import SCORES
from tests.running.changed_runs import change_bundle, change_journal, change_record, spoil_bundle
from tests.running.environments import OTHER_PYTHON, check_elsewhere, make_environment

pytestmark = pytest.mark.data

VIGIL = Path(sys.executable).with_name("vigil")
NAME = "poselift-train"


def vigil(*arguments: object) -> tuple[int, str]:
    ended = subprocess.run([str(VIGIL), *map(str, arguments)], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, with the recording and the keys beside it."""
    source, folder = data_folder() / folder_of(NAME), tmp_path_factory.mktemp("poselift")
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set VIGIL_DATA to the folder that holds {folder_of(NAME)}")
    make_key(folder / "keys", Signer.generate("shop.example/audit"))
    assert vigil("import", NAME, folder / "recording", "--source", source)[0] == 0
    assert vigil("run", folder / "recording", "--out", folder / "run", "--keys", folder / "keys")[0] == 0
    return folder / "run"


def replay(run: Path, sealed: Path, certificate: Path) -> tuple[int, str]:
    keys = sealed.parent / "keys"
    return vigil("replay", run, "--key", keys, "--certificate", certificate, "--keys", keys)


def test_it_is_certified(sealed: Path, tmp_path: Path) -> None:
    code, said = replay(sealed, sealed, tmp_path / "certificate")
    assert code == 0, said
    verifiers = load_verifiers(sealed.parent / "keys")
    certificate = open_certificate((tmp_path / "certificate").read_bytes(), verifiers)
    assert certificate.scores == (sealed / SCORES).read_bytes().count(b"\n") > 1_000
    assert certificate.log.startswith("shop.example/audit/run-")


@pytest.mark.parametrize(
    ("change", "ends", "named"),
    [
        (change_journal, 1, "\n  journal: sealed "),
        (change_bundle, 1, "Different from entry 0 of the audit log on:\n  bundle: sealed "),
        (spoil_bundle, 2, "bundle.json: expected a bundle as `vigil train` writes; $.digest: expected "),
        (change_record, 1, "tile/entries/"),
    ],
)
def test_what_was_changed_is_named(
    sealed: Path, tmp_path: Path, change: Callable[[Path], None], ends: int, named: str
) -> None:
    run = shutil.copytree(sealed, tmp_path / "run")
    change(run)
    code, said = replay(run, sealed, tmp_path / "certificate")
    assert code == ends, said
    assert named in said
    assert not (tmp_path / "certificate").exists()


def test_it_comes_out_the_same_under_another_python(sealed: Path, tmp_path: Path) -> None:
    elsewhere = make_environment(tmp_path / "environment", OTHER_PYTHON, "locked")
    check_elsewhere(elsewhere, sealed.parent / "recording", sealed, tmp_path / "elsewhere")
