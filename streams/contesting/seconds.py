"""What was seen of a person, second by second and stay by stay, in plain words."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from features.fold import FOLD
from features.motion import ways
from features.runs import Runs
from features.segments import SEGMENT_MS
from features.site import Camera
from features.visit import AT_WAIST_PERMILLE, REACH_PERMILLE
from streams.console.words import duration
from streams.contesting.contest import ContestedTrack, Told

HALF = 500  # permille of a second's frames
ACTS = (
    ("reach", REACH_PERMILLE, "reaching into a shelf"),
    ("hands_at_waist", AT_WAIST_PERMILLE, "hands at waist, pocket or bag"),
    ("crouch", HALF, "crouching"),
    ("back_to_shelf", HALF, "back to a shelf"),
)
NO_BODY = "body not visible"
BETWEEN = "between zones"


class SeenSecond(NamedTuple):
    """One second of one track.

    Attributes:
        walked_mm: since the second before.
        stood: slower than the site's threshold; neither is known of a track's first second.
        acts: what hands and body did for most of it, in words.
    """

    second_ms: int
    camera: str
    place: str
    walked_mm: int
    stood: bool
    acts: tuple[str, ...]

    @property
    def words(self) -> str:
        """What happened in it."""
        moved = "stood" if self.stood else f"walked {metres(self.walked_mm)}" if self.walked_mm else "seen"
        return ", ".join((moved, *self.acts))


class Stay(NamedTuple):
    """Seconds that follow one another in one place."""

    seconds: tuple[SeenSecond, ...]

    @property
    def end_ms(self) -> int:
        """After the last second."""
        return self.seconds[-1].second_ms + SEGMENT_MS

    @property
    def words(self) -> str:
        """What happened in them, added up."""
        stood = sum(second.stood for second in self.seconds)
        walked_mm = sum(second.walked_mm for second in self.seconds if not second.stood)
        acts = Counter(act for second in self.seconds for act in second.acts)
        said = [f"walked {metres(walked_mm)}"] if walked_mm else []
        said += [f"stood for {duration(stood)}"] if stood else []
        return "; ".join([*said, *(f"{act} for {duration(count)}" for act, count in acts.most_common())]) or "seen"


def metres(mm: int) -> str:
    """A way, never more exact than it was measured."""
    return f"about {mm / 1_000:.1f} m"


def seen_seconds(told: Told) -> list[SeenSecond]:
    """All seconds in order of time."""
    return sorted(second for track in told.tracks for second in _seconds(track, told))


def seen_stays(told: Told) -> list[Stay]:
    """The seconds of each track by place, in order of time."""
    return sorted(stay for track in told.tracks for stay in _stays(_seconds(track, told)))


def _stays(seconds: Iterable[SeenSecond]) -> list[Stay]:
    joined: list[list[SeenSecond]] = []
    for second in seconds:
        if joined and _continues(second, joined[-1][-1]):
            joined[-1].append(second)
        else:
            joined.append([second])
    return [Stay(tuple(one)) for one in joined]


def _continues(second: SeenSecond, last: SeenSecond) -> bool:
    return second.place == last.place and second.second_ms - last.second_ms <= SEGMENT_MS


def _seconds(track: ContestedTrack, told: Told) -> Iterator[SeenSecond]:
    camera = next(camera for camera in told.cameras if camera.name == track.camera)
    rows = track.rows
    rows = rows[rows["frames"] > 0]
    if not len(rows):
        return
    way = ways(rows, Runs(np.array([0]), len(rows)), np.zeros(1, FOLD), told.thresholds.still_mm_per_s)
    for row, walked_mm, stood in zip(rows, way.path_mm.tolist(), way.still.tolist(), strict=True):
        acts = tuple(words for name, least, words in ACTS if row[name] >= least) if row["posed"] else (NO_BODY,)
        yield SeenSecond(int(row["second_ms"]), camera.name, _place(camera, int(row["zones"])), walked_mm, stood, acts)


def _place(camera: Camera, zones: int) -> str:
    inside = [f"{zone.name} ({zone.kind})" for bit, zone in enumerate(camera.zones) if zones >> bit & 1]
    return ", ".join(inside) or BETWEEN
