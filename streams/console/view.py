"""What the pictures, the page and the terminal table are made from: plain values of one finished run."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from features.site import Camera, ZoneKind
from models.scorecard import SCORE_MAX

ABSTAIN = "ABSTAIN"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to a score; `streams.console.words.contribution` fills in text and unit.

    Attributes:
        feature: name in the catalogue.
        text: what was seen, in plain words.
        value: the feature's integer value; None where it could not be told.
        unit: of the value.
        points: added to the score; negative ones lower it.
    """

    feature: str
    text: str
    value: int | None
    unit: str
    points: int


@dataclass(frozen=True, slots=True)
class ScoreAt:
    """One published score; it holds until the next one. `score` is None where Vigil abstained."""

    time_ms: int
    score: int | None
    band: str
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class EventMark:
    """An objective event that anyone can check on the recording, in words."""

    time_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class PurchaseMark:
    """A purchase in words, and how surely it was this person's."""

    time_ms: int
    text: str
    share_permille: int


@dataclass(frozen=True, slots=True)
class ZoneStay:
    """A span `[start, end)` of a person in a zone."""

    zone: str
    kind: ZoneKind
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class CameraPath:
    """Where a person's feet were in one camera's picture.

    Attributes:
        camera: name of the camera, whose zones are drawn beneath.
        time_ms: (points,) ascending.
        x: (points,) pixels to the right; points that are not finite are left out.
        y: (points,) pixels down.
    """

    camera: str
    time_ms: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A skeleton at a telling instant.

    Attributes:
        time_ms: the instant.
        caption: why it is shown, a few words.
        x: (17,) pixels to the right, COCO-17 order.
        y: (17,) pixels down.
        confidence: (17,) permille; 0 where a keypoint was not seen.
    """

    time_ms: int
    caption: str
    x: NDArray[Any]
    y: NDArray[Any]
    confidence: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class PersonView:
    """One person's visit and its last score.

    Attributes:
        name: the ephemeral name.
        camera: the camera that saw the person last.
        first_ms: first seen.
        last_ms: last seen.
        score: review priority 0..1000; None where Vigil abstained.
        band: name of one of the run's bands, `ABSTAIN` without a score.
        abstained: why there is no score, in words; empty with a score.
        base: points every person starts from.
        contributions: of the last score; with `base` they add to it, unless it was held to 0..1000.
        probability_permille: that a reviewer would agree; None where it is not calibrated.
        counterfactual: what would have changed the score, one sentence.
        events: objective events, in order of time.
        purchases: in order of time.
        timeline: the published scores, in order of time.
        paths: one a camera, in the order they were entered.
        stays: in zones, in order of their starts.
        poses: a few, in order of time.
    """

    name: str
    camera: str
    first_ms: int
    last_ms: int
    score: int | None
    band: str
    abstained: str = ""
    base: int = 0
    contributions: tuple[Contribution, ...] = ()
    probability_permille: int | None = None
    counterfactual: str = ""
    events: tuple[EventMark, ...] = ()
    purchases: tuple[PurchaseMark, ...] = ()
    timeline: tuple[ScoreAt, ...] = ()
    paths: tuple[CameraPath, ...] = ()
    stays: tuple[ZoneStay, ...] = ()
    poses: tuple[Pose, ...] = ()

    @property
    def reasons(self) -> list[Contribution]:
        """The contributions that count, the weightiest first."""
        counted = [part for part in self.contributions if part.points]
        return sorted(counted, key=lambda part: (-abs(part.points), part.feature))

    @property
    def cut_points(self) -> int:
        """What holding the score to 0..1000 took away or added; 0 for almost everyone."""
        if self.score is None:
            return 0
        return self.score - self.base - sum(part.points for part in self.contributions)


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores entered at `floor`, up to the next band's; a falling score may keep its band a little below."""

    name: str
    floor: int


@dataclass(frozen=True, slots=True)
class Account:
    """How many of something came in, and what became of each: (what became of it, how many)."""

    what: str
    came_in: int
    became: tuple[tuple[str, int], ...]

    @property
    def accounted(self) -> int:
        """How many are accounted for."""
        return sum(count for _, count in self.became)


@dataclass(frozen=True, slots=True, eq=False)
class RunView:
    """A finished run.

    Attributes:
        title: of the run.
        cameras: of the site, with their zones.
        persons: in any order.
        bands: ascending, the first from 0.
        accounts: counts in and out.
        bundle_digest: which scorecard was used.
        speed: how fast the run was, in words.
        utc_offset_minutes: of the clock times shown.
    """

    title: str
    cameras: tuple[Camera, ...] = ()
    persons: tuple[PersonView, ...] = ()
    bands: tuple[Band, ...] = ()
    accounts: tuple[Account, ...] = ()
    bundle_digest: str = ""
    speed: str = ""
    utc_offset_minutes: int = 0

    @property
    def scored(self) -> list[PersonView]:
        """Persons with a score, the highest first."""
        persons = [person for person in self.persons if person.score is not None]
        return sorted(persons, key=lambda person: (-(person.score or 0), person.first_ms, person.name))

    @property
    def abstained(self) -> list[PersonView]:
        """Persons without a score, in order of arrival."""
        persons = [person for person in self.persons if person.score is None]
        return sorted(persons, key=lambda person: (person.first_ms, person.name))

    def camera(self, name: str) -> Camera:
        """The named camera; one without zones if the site does not have it."""
        return next((camera for camera in self.cameras if camera.name == name), Camera(name))


def band_spans(bands: tuple[Band, ...]) -> list[tuple[Band, int]]:
    """Each band with the score at which it ends."""
    ceilings = [*(band.floor for band in bands[1:]), SCORE_MAX]
    return list(zip(bands, ceilings, strict=False))


def band_shade(band: str, bands: tuple[Band, ...]) -> int:
    """Which of the four shades 0..3 a band is drawn in, the highest band in the strongest."""
    places = [known.name for known in bands]
    if band not in places:
        return 0
    return round(3 * places.index(band) / max(1, len(places) - 1))
