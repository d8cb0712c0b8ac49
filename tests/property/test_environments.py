"""Another Python and other versions of the packages give the same journals, scores, alerts and logs, to the byte.

`VIGIL_TEST_NEWEST` adds the newest packages of today, which may be others tomorrow.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from models.bundle import default_bundle
from models.scenarios.generate import generate
from streams.jobs import record_scenario, run_recording
from streams.sources import site_of
from tests.running.environments import (
    OTHER_PYTHON,
    Environment,
    Packages,
    check_elsewhere,
    make_environment,
)

ENVIRONMENTS: list[tuple[str, Packages]] = [(OTHER_PYTHON, "locked"), (sys.executable, "lowest-direct")]
if "VIGIL_TEST_NEWEST" in os.environ:
    ENVIRONMENTS.append((OTHER_PYTHON, "highest"))
VERSIONS = "import sys, numpy; print(*sys.version_info[:2], numpy.__version__)"


@pytest.fixture(params=ENVIRONMENTS, ids=lambda each: f"{Path(each[0]).name}-{each[1]}")
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    return make_environment(tmp_path / "environment", *request.param)


def test_a_shop_comes_out_the_same_elsewhere(elsewhere: Environment, tmp_path: Path) -> None:
    assert elsewhere.python(VERSIONS).split() != [*map(str, sys.version_info[:2]), np.__version__]
    recording, run = tmp_path / "recording", tmp_path / "run"
    record_scenario(generate(5, 40), recording)
    summary = run_recording(recording, site_of(recording), default_bundle(), run, lambda _: None)
    assert summary.purchases_joined
    assert summary.alerts
    check_elsewhere(elsewhere, recording, run, tmp_path / "elsewhere")
