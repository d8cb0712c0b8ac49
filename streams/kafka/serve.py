"""A worker's process from its settings to its end."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from models.bundle import default_bundle
from models.drift import Drift
from streams.kafka.service import Service
from streams.operations.logs import configure, logger
from streams.runs import load_normality, load_reference, load_scorer, load_shadow
from streams.settings import Settings
from streams.site_file import load_site

FAILED = 1
"""Exit code of a worker that stopped without being asked to."""

log = logger("service")


def serve(settings: Settings) -> None:
    """Work until asked to stop, and end the process; with `FAILED` if it cannot go on.

    A thread of Faust's that does not end, as it may be after a lost session, cannot keep the process.
    """
    site = load_site(Path(settings.site))
    bundle = load_scorer(Path(settings.bundle)) if settings.bundle else default_bundle()
    tried = settings.worker.shadow_bundle
    shadow = load_shadow(Path(tried), bundle) if tried else None
    normality = load_normality(Path(settings.worker.normality)) if settings.worker.normality else None
    usual = settings.worker.drift_reference
    drift = Drift(load_reference(Path(usual)), bundle) if usual else None
    configure(settings.operations)
    code = 0
    try:
        uvloop.run(_run(lambda: Service(settings, site, bundle, shadow, normality, drift)))
    except Exception:
        log.exception("the worker cannot go on")
        code = FAILED
    sys.stderr.flush()
    os._exit(code)


async def _run(service: Callable[[], Service]) -> None:
    """It is made where its loop runs."""
    await service().run()
