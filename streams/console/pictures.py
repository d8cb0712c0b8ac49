"""The pictures of one person as files."""

from collections.abc import Iterator
from pathlib import Path

from features.site import Site
from streams.console.contributions import contributions_picture
from streams.console.path import path_picture
from streams.console.skeleton import skeleton_picture
from streams.console.svg import standalone
from streams.console.timeline import timeline_picture
from streams.console.view import Band, PersonView, RunView


def write_pictures(person: PersonView, site: Site, bands: tuple[Band, ...], folder: Path) -> Iterator[Path]:
    """Write what can be drawn of a person as SVG; yields each file when it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in _drawn(person, site, bands):
        path = folder / f"{name}.svg"
        path.write_text(standalone(picture), encoding="utf-8")
        yield path


def _drawn(person: PersonView, site: Site, bands: tuple[Band, ...]) -> Iterator[tuple[str, str]]:
    offset, whole = site.utc_offset_minutes, RunView("", cameras=tuple(site.cameras))
    yield "timeline", timeline_picture(person, bands, offset)
    yield "score", contributions_picture(person, bands)
    for path in person.paths:
        yield f"path-{path.camera}", path_picture(path, whole.camera(path.camera), offset)
    if person.poses:
        yield "skeletons", skeleton_picture(person.poses, offset)
