"""PoseLift's normal recordings through the whole of Vigil: nobody steals, so every alert is a false one."""

import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from features.closing import Layout
from features.keypoints import Bools, Ints
from features.site import Camera, Site, Zone
from models.bundle import Bundle
from models.cases import Cases, cases_of
from models.drift import Drift, default_reference
from models.evaluation import bootstrap, rate_interval
from streams.adapters.poselift import FRAMES_PER_SECOND, TRACKS_PER_VIDEO, Video, import_train
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Report
from streams.evaluation.visits import journal_of
from streams.recording import TRUTH
from streams.sources import site_of

SEED = 1
TARGET = 1.0
SECONDS_AN_HOUR = 3_600
WIDTH_PX, HEIGHT_PX = 1_384, 973
MARGIN = 0.12  # of the picture on each side, from which one leaves
SHIFTS_TOLD = 12

PROTOCOL = [
    (
        "The 104 normal training videos of six cameras, each person through camera step, person step and decision, "
        "with the shipped rules: 4 alerts a camera-hour, 120 s between two of one person."
    ),
    "As recorded: no zone, till or basket is known, so the site has none.",
    (
        "Worst case: all of each picture is shelf, its margins are the exit, and nobody is known to have paid, so "
        "that every hand that reaches out and every leave looks like unpaid goods."
    ),
    "Intervals: 1,000 draws of whole videos.",
]
CAUTIONS = [
    (
        "As recorded no alert can be raised, whatever the score: every objective event needs a zone or a basket. What "
        "it says of alerts is only that none is raised on a profile alone; what it says of scores is how many reach a "
        "band."
    ),
    "The worst case is no shop that runs: its tills and exits are known, and baskets join who pays.",
]


def benchmark(bundle: Bundle) -> Benchmark:
    """The benchmark of a bundle."""
    return Benchmark("normal", "poselift", 4, partial(evaluate, bundle))


class Normal(NamedTuple):
    """The normal recordings, as a site sees them.

    Attributes:
        cases: everybody in them.
        video: (cases,) which video each is of.
    """

    cases: Cases
    video: Ints


def evaluate(bundle: Bundle, source: Path, advance: Advance) -> Report:
    """As recorded, and at the worst."""
    with tempfile.TemporaryDirectory() as scratch:
        recording = Path(scratch)
        import_train(source, recording)
        videos = msgspec.json.decode((recording / TRUTH).read_bytes(), type=_Truth).videos
        advance()
        site = site_of(recording)
        recorded = _normal(recording, site, bundle)
        advance()
        worst = _normal(recording, worst_case(site), bundle)
        advance()
    hours = sum(video.frames for video in videos) / FRAMES_PER_SECOND / SECONDS_AN_HOUR
    figures = [*_figures("as recorded", recorded, hours), *_figures("worst case", worst, hours)]
    said = recorded.cases.take(np.flatnonzero(~recorded.cases.abstained))
    grids = [_by_camera(recorded.cases, worst.cases), _drift(said, bundle)]
    advance()
    cautions = [*CAUTIONS, f"It is {hours:.2f} camera-hours: no alert in them is not yet at most {TARGET:g} for sure."]
    return Report("normal", "False alerts on normal shopping", PROTOCOL, figures, [], grids, cautions, bundle.digest)


class _Truth(msgspec.Struct):
    videos: list[Video]


def worst_case(site: Site) -> Site:
    """Cameras whose picture is all shelf and whose margins are all exit, without a till."""
    x, y = MARGIN * WIDTH_PX, MARGIN * HEIGHT_PX
    pictures = {
        "shelf": (0.0, 0.0, WIDTH_PX, HEIGHT_PX),
        "left": (0.0, 0.0, x, HEIGHT_PX),
        "right": (WIDTH_PX - x, 0.0, WIDTH_PX, HEIGHT_PX),
        "far": (0.0, 0.0, WIDTH_PX, y),
        "near": (0.0, HEIGHT_PX - y, WIDTH_PX, HEIGHT_PX),
    }
    zones = [
        Zone(name, "shelf" if name == "shelf" else "exit", [(a, b), (c, b), (c, d), (a, d)])
        for name, (a, b, c, d) in pictures.items()
    ]
    return replace(site, cameras=[Camera(camera.name, zones) for camera in site.cameras])


def _normal(recording: Path, site: Site, bundle: Bundle) -> Normal:
    cases = cases_of(journal_of(recording, Layout.of(site)), site, bundle)
    tracks = [int(person.split("/")[1]) for person in cases.persons.tolist()]
    return Normal(cases, np.array(tracks) // TRACKS_PER_VIDEO)


def _figures(name: str, normal: Normal, hours: float) -> list[Figure]:
    cases = normal.cases
    said = np.flatnonzero(~cases.abstained)
    alerts = int(cases.alerts.sum())
    figures = [
        Figure.with_interval(
            f"alerts a camera-hour, {name}", alerts / hours, rate_interval(alerts, hours),
            target=TARGET if name == "as recorded" else None,
        )
    ]  # fmt: skip
    for band, reached in (("elevated", cases.band > 0), ("high", cases.in_high)):
        interval = bootstrap(partial(_share, reached[said]), normal.video[said], SEED)
        figures.append(Figure.with_interval(f"persons who reach {band}, {name}", float(reached[said].mean()), interval))
    return figures


def _share(reached: Bools, rows: Ints) -> float:
    return float(reached[rows].mean())


def _by_camera(recorded: Cases, worst: Cases) -> Grid:
    rows = []
    for camera in np.unique(recorded.camera).tolist():
        cells = [camera, str(int((recorded.camera == camera).sum()))]
        for cases in (recorded, worst):
            its = cases.camera == camera
            counts = ((cases.band > 0)[its].sum(), cases.in_high[its].sum(), cases.alerts[its].sum())
            cells += [str(int(count)) for count in counts]
        rows.append(cells)
    told = ("elevated", "high", "alerts")
    columns = ["camera", "persons seen", *told, *(f"{each}, worst case" for each in told)]
    return Grid("By camera, counts", columns, rows)


def _drift(cases: Cases, bundle: Bundle) -> Grid:
    drift = Drift(default_reference(), bundle)
    drift.take(cases.values)
    shifts = sorted(drift.shifts(), key=lambda shift: -shift.psi)[:SHIFTS_TOLD]
    rows = [[shift.feature, f"{shift.psi:.2f}", f"{shift.chance:.2f}", shift.level] for shift in shifts]
    title = f"Drift from the made-up persons the bundle was trained on, the {SHIFTS_TOLD} largest"
    return Grid(title, ["feature", "PSI", "by chance up to", ""], rows)
