"""The environment; read here and nowhere else."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

PREFIX = "VIGIL_"
SETTINGS_FILE = "VIGIL_SETTINGS"
_NOT_SETTINGS = {"VIGIL_CRASHES", "VIGIL_DATA", "VIGIL_MUTATIONS", SETTINGS_FILE}
_OF_TESTS = "VIGIL_TEST_"
# What Kubernetes tells a pod of services called vigil or vigil-something.
_OF_SERVICES = re.compile(r"VIGIL_([A-Z0-9]+_)*(SERVICE_(HOST|PORT(_[A-Z0-9]+)*)|PORT(_\d+_(TCP|UDP)(_[A-Z]+)?)?)")


def data_folder() -> Path:
    """Where the public data sets lie that `vigil import` reads: `VIGIL_DATA`, else `../shared/data`."""
    return Path(os.environ.get("VIGIL_DATA", "../shared/data"))


def environment() -> Mapping[str, str]:
    """All variables, as they are now."""
    return dict(os.environ)


def may_be_setting(name: str) -> bool:
    """Whether a variable has to be one of the settings: it is called VIGIL_ and known to have no other use."""
    other = name in _NOT_SETTINGS or name.startswith(_OF_TESTS) or _OF_SERVICES.fullmatch(name)
    return name.startswith(PREFIX) and not other
