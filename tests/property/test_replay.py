import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.bundle import default_bundle
from models.scenarios import generate
from streams.embedded import ALERTS, SCORES
from streams.jobs import record_scenario, run_recording
from streams.runs import open_run
from streams.sources import site_of
from tests.journals import rows_of
from tests.running.replayed import replay_journal

OUTPUTS = (SCORES, ALERTS)
RUN = """
import sys
from pathlib import Path
from models.bundle import default_bundle
from streams.jobs import run_recording
from streams.sources import site_of
recording, out = map(Path, sys.argv[1:])
run_recording(recording, site_of(recording), default_bundle(), out, lambda rows: None)
"""
WITHOUT_EXTENSIONS = """
import numpy
assert "found" not in numpy.show_config(mode="dicts")["SIMD Extensions"]
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay") / "recording"
    record_scenario(generate(5, 25), folder)
    return folder


@pytest.fixture(scope="module")
def run(recording: Path) -> Path:
    out = recording.parent / "run"
    run_recording(recording, site_of(recording), default_bundle(), out, lambda _: None)
    return out


def check_same(one: Path, other: Path) -> None:
    """The same bytes, but for the keys that the journal is sealed with."""
    cameras = [camera.name for camera in open_run(other).site.cameras]
    assert rows_of(one, cameras) == rows_of(other, cameras)
    for name in OUTPUTS:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_journal_read_back_scores_the_same(run: Path, tmp_path: Path) -> None:
    assert replay_journal(open_run(run), tmp_path) is None
    assert (tmp_path / SCORES).stat().st_size > 10_000


@pytest.mark.parametrize("threads", ["1", "4"])
def test_another_run_under_other_thread_counts_gives_the_same_bytes(
    recording: Path, run: Path, tmp_path: Path, threads: str
) -> None:
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    command = [sys.executable, "-c", RUN, str(recording), str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ | limits)
    check_same(tmp_path, run)


def test_another_instruction_set_gives_the_same_bytes(recording: Path, run: Path, tmp_path: Path) -> None:
    """Numpy without any vector extension it can do without, as on an older processor; it names them itself."""
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))}
    command = [sys.executable, "-c", f"{WITHOUT_EXTENSIONS}{RUN}", str(recording), str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ | plain)
    check_same(tmp_path, run)
