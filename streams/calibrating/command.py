"""`vigil calibrate`: learn what is normal at a site from a recording, and say whether enough was seen."""

from pathlib import Path
from typing import Annotated

import typer

from features.events import Rejection
from streams.jobs import write_whole
from streams.site_file import load_site
from streams.sources import person_frames_of, site_of
from streams.terminal import progress, refuse, say, screen


def calibrate(
    recording: Annotated[Path, typer.Argument(help="Folder of a recording in which nothing has to be labelled.")],
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = Path("normality.json"),
    site: Annotated[Path | None, typer.Option(help="Site file to use instead of the recording's.")] = None,
) -> None:
    """Learn how persons normally hold themselves at each place of a site, and say whether enough was seen.

    `vigil run --normality` and the setting `worker.normality` read the tables: the journal then holds how unusual each
    second is. The shipped bundle gives it no points.
    """
    from models.learning_curve import learning_curve  # noqa: PLC0415 - other commands need not wait for it
    from models.normality import dump  # noqa: PLC0415
    from models.normality_learning import learn  # noqa: PLC0415
    from streams.calibrating.observing import observe  # noqa: PLC0415
    from streams.calibrating.tables import cameras_table, curve_table, enough_text  # noqa: PLC0415

    if not out.parent.is_dir():
        refuse(f"{out.parent}: no such folder; say with --out where the tables go")
    found = load_site(site) if site else site_of(recording)
    cameras = [camera.name for camera in found.cameras]
    with progress() as bar:
        task = bar.add_task("Watching", total=person_frames_of(recording) or None)
        seen = observe(recording, found, lambda rows: bar.advance(task, rows))
    try:
        normality = learn(seen, cameras)
    except Rejection as too_little:
        refuse(f"{recording}: {too_little}")
    with screen.status("Trying it on persons not learned from"):
        curve = learning_curve(seen, cameras)
    write_whole(out, dump(normality))
    screen.print(cameras_table(normality, cameras))
    screen.print(curve_table(curve))
    say(enough_text(curve))
    say(f"The tables: {out}, digest {normality.digest[:16]}")
