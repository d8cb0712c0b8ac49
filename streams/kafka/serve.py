"""A worker's process from its settings to its end."""

from pathlib import Path

import uvloop

from features.site import Site
from models.bundle import Bundle, default_bundle
from streams.kafka.service import Service
from streams.operations.logs import configure
from streams.runs import load_bundle
from streams.settings import Settings
from streams.site_file import load_site


def serve(settings: Settings) -> None:
    """Work until asked to stop.

    Raises:
        BaseException: what made it stop otherwise.
    """
    site = load_site(Path(settings.site))
    bundle = load_bundle(Path(settings.bundle)) if settings.bundle else default_bundle()
    configure(settings.operations)
    uvloop.run(_run(settings, site, bundle))


async def _run(settings: Settings, site: Site, bundle: Bundle) -> None:
    await Service(settings, site, bundle).run()
