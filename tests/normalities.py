"""What is normal, made up: tables by which every second of anybody gets some bits."""

from collections.abc import Sequence

from features.bearing import QUANTITIES
from features.closing import Layout
from features.handling import HANDLING
from features.site import Site
from models.calibration import Calibration
from models.normality import LEVELS_PERMILLE, CameraTables, Learned, Normality, Table, seal
from models.tabled import Effects, Tabled
from streams.pipeline import normal_at


def table(lowest: int, step: int) -> Table:
    """Quantiles that rise evenly, the same of every quantity."""
    return (tuple(lowest + step * at for at in range(len(LEVELS_PERMILLE))),) * len(QUANTITIES)


def normality(cameras: Sequence[str], lowest: int = -400) -> Normality:
    """Tables of two places of each camera, and of all others."""
    learned = Learned(30, 300, 600)
    cells = ((0, 0), (3, 2))
    tables = (table(lowest, 40), table(lowest + 150, 55))
    own = tuple(CameraTables(name, 700 + at, cells, tables, learned) for at, name in enumerate(cameras))
    return seal(Normality(own, table(lowest + 90, 70)))


def hands() -> Tabled:
    """A model by which hands differ, whatever they do."""
    effects = tuple(Effects(name, (100, 900, 4_000), (-90, 40, at, 120)) for at, name in enumerate(HANDLING))
    return Tabled(effects, Calibration((0, 400, 480, 520, 600), (30, 200, 450, 700, 900)))


def layout_of(site: Site) -> Layout:
    """The layout of a site at which every camera but the last of several has tables."""
    names = [camera.name for camera in site.cameras]
    return Layout.of(site, normal_at(normality(names[: max(1, len(names) - 1)]), site), hands())
