"""`vigil worker`."""

from pathlib import Path
from typing import Annotated

import typer

from streams import config
from streams.kafka.reach import reach_kafka
from streams.kafka.serve import serve
from streams.settings_file import load_settings


def worker(
    settings: Annotated[Path | None, typer.Option(help="Settings file; else VIGIL_SETTINGS, else vigil.yaml.")] = None,
) -> None:
    """Score what comes over Kafka, together with all other workers of the group, until asked to stop.

    SIGTERM or Ctrl-C ends it in order: the step at hand is finished and the state written. Nothing is lost if it is
    killed. /metrics, /healthz, /readyz and /live tell how it does.
    """
    used = load_settings(settings, config.environment())
    reach_kafka(used.kafka)
    serve(used)
