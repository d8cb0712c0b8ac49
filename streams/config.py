"""The environment; read here and nowhere else."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Where the public data sets lie that `vigil import` reads: `VIGIL_DATA`, else `../shared/data`."""
    return Path(os.environ.get("VIGIL_DATA", "../shared/data"))
