"""What `vigil calibrate` shows: what was learned of each camera, and whether it was enough."""

from rich.table import Table

from models.learning_curve import RARE_PERMILLE_ENOUGH, Point, enough_after
from models.normality import Normality


def cameras_table(normality: Normality, cameras: list[str]) -> Table:
    """What was learned of each camera of a site."""
    table = Table("Camera", "Tracks", "Seconds", "Places", title="What was learned")
    known = {tables.camera: tables for tables in normality.cameras}
    for name in cameras:
        if name in known:
            learned = known[name].learned
            table.add_row(name, f"{learned.tracks:,}", f"{learned.seconds:,}", f"{len(known[name].cells):,}")
        else:
            table.add_row(name, "too little: judged by the other cameras")
    return table


def curve_table(curve: list[Point]) -> Table:
    """How persons look that were not learned from, after a part of the recording."""
    table = Table("Person-hours learned from", "Cameras", "Seen as one in a hundred", title="Persons not learned from")
    for point in curve:
        table.add_row(f"{point.person_hours:.2f}", str(point.cameras), f"{point.rare_permille / 10:.1f} %")
    return table


def enough_text(curve: list[Point]) -> str:
    """Whether enough was seen, and after how much."""
    hours = enough_after(curve)
    limit = f"{RARE_PERMILLE_ENOUGH / 10:g} %"
    if hours is None:
        return f"Not enough yet: with enough, at most {limit} of the seconds of others look like one in a hundred."
    return f"Enough after {hours:.2f} person-hours: from then on at most {limit} of others' seconds look that rare."
