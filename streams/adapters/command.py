"""`vigil import`: turn a public data set into a recording."""

import tempfile
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from streams import config
from streams.adapters.imported import Imported
from streams.adapters.registry import IMPORTERS, PURCHASES, folder_of
from streams.adapters.replay_at_tills import replay_at_tills
from streams.clock import Stopwatch
from streams.terminal import refuse, say, screen


def import_(
    name: Annotated[str, typer.Argument(help="Which data set; `vigil import list` names them.")],
    target: Annotated[Path | None, typer.Argument(help="Folder for the recording.")] = None,
    source: Annotated[Path | None, typer.Option(help="Folder of the data set; else below VIGIL_DATA.")] = None,
    at: Annotated[
        Path | None, typer.Option(help="Play the baskets at the tills of this recording, when somebody stands there.")
    ] = None,
) -> None:
    """Turn a public data set into a recording."""
    if name == "list":
        say("\n".join(f"{each:18} from {folder_of(each)}" for each in IMPORTERS))
        return
    _must_be_known(name, at)
    watch = Stopwatch()
    folder = target or Path("recordings") / name
    below = source or config.data_folder() / folder_of(name)
    if not below.is_dir():
        refuse(f"{below}: no such folder; say with --source or VIGIL_DATA where the data set is")
    with screen.status(f"Importing {name}"):
        imported = _import(name, below, folder, at)
    say(
        f"{folder}: {imported.person_frames:,} person-frames of {imported.persons:,} persons, "
        f"{imported.purchases:,} purchases, in {watch.seconds:.1f} s"
    )
    for note in imported.notes:
        say(f"  {note}")


def _must_be_known(name: str, at: Path | None) -> None:
    if name not in IMPORTERS:
        near = get_close_matches(name, IMPORTERS, 1)
        refuse(f"no data set {name}: expected {near[0] if near else 'one of ' + ', '.join(IMPORTERS)}")
    if at and name not in PURCHASES:
        refuse(f"--at: expected a data set of purchases, {', '.join(PURCHASES)}; got {name}")


def _import(name: str, source: Path, folder: Path, at: Path | None) -> Imported:
    if at is None:
        return IMPORTERS[name](source, folder)
    with tempfile.TemporaryDirectory() as scratch:
        baskets = IMPORTERS[name](source, Path(scratch))
        return replay_at_tills(Path(scratch), at, folder, baskets.notes)
