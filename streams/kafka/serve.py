"""A worker's process from its settings to its end."""

import os
import sys
from pathlib import Path

import uvloop

from features.site import Site
from models.bundle import Bundle, default_bundle
from models.normality import Normality
from streams.kafka.service import Service
from streams.operations.logs import configure, logger
from streams.runs import load_bundle, load_normality, load_shadow
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
    bundle = load_bundle(Path(settings.bundle)) if settings.bundle else default_bundle()
    tried = settings.worker.shadow_bundle
    shadow = load_shadow(Path(tried), bundle) if tried else None
    normality = load_normality(Path(settings.worker.normality)) if settings.worker.normality else None
    configure(settings.operations)
    code = 0
    try:
        uvloop.run(_run(settings, site, bundle, shadow, normality))
    except Exception:
        log.exception("the worker cannot go on")
        code = FAILED
    sys.stderr.flush()
    os._exit(code)


async def _run(
    settings: Settings, site: Site, bundle: Bundle, shadow: Bundle | None, normality: Normality | None
) -> None:
    await Service(settings, site, bundle, shadow, normality).run()
