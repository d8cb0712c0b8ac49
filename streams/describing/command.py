"""`vigil learn`: fit a model that describes on the user's own copy of a public data set, and put it into a bundle."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from models.bundle import Bundle, default_bundle, dump, seal
from streams import config
from streams.jobs import write_whole
from streams.runs import load_bundle
from streams.terminal import refuse, say, screen


class What(StrEnum):
    """What can be learned; the oldest typer that may be there knows no `Literal`."""

    GAIT = "gait"
    HANDLING = "handling"


Learner = Callable[[Bundle, Path], Bundle]


def learn(
    what: Annotated[What, typer.Argument(help="gait: kinds of walking, UCalgary data; handling: hands, MNNIT data.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the public data sets; else VIGIL_DATA.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle to add it to instead of the shipped one.")] = None,
    out: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("bundle.json"),
) -> None:
    """Learn what only describes from your copy of a public data set, and add it to a bundle.

    No such model is shipped, as the data sets may not be copied. It changes no score: what it says of a person stands
    beside the score, and no bundle may give it points.
    """
    if not out.parent.is_dir():
        refuse(f"{out.parent}: no such folder; say with --out where the bundle goes")
    found = load_bundle(bundle) if bundle else default_bundle()
    with screen.status("Learning"):
        learned = LEARNERS[what](found, data or config.data_folder())
    write_whole(out, dump(learned))
    say(f"The bundle: {out}, digest {learned.digest[:16]}; use it with `vigil run --bundle {out}`")


def _with_gait(bundle: Bundle, data: Path) -> Bundle:
    from models.gait_learning import learn_gait  # noqa: PLC0415 - other commands need not wait for it
    from streams.adapters.ucalgary import read_clips  # noqa: PLC0415
    from streams.evaluation.gait import BENCHMARK, measured  # noqa: PLC0415

    walks = measured(read_clips(data / (BENCHMARK.folder or "")))
    seen = walks.take(walks.found)
    say(f"Learned from {len(seen.kind)} walks of {len(set(seen.subject.tolist()))} persons.")
    return seal(replace(bundle, gait=learn_gait(seen.values, seen.kind, seen.subject)))


def _with_handling(bundle: Bundle, data: Path) -> Bundle:
    from models.handling_learning import learn_handling  # noqa: PLC0415
    from streams.adapters.mnnit import read_clips  # noqa: PLC0415
    from streams.evaluation.theft import BENCHMARK, seconds_of  # noqa: PLC0415

    seconds = seconds_of(read_clips(data / (BENCHMARK.folder or "")))
    say(f"Learned from {len(seconds.source)} seconds of {len(set(seconds.source.tolist()))} recordings.")
    return seal(replace(bundle, handling=learn_handling(seconds.values, seconds.stealing, seconds.source)))


LEARNERS: dict[What, Learner] = {What.GAIT: _with_gait, What.HANDLING: _with_handling}
