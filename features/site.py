"""A site: its cameras, zones, tills, hours, thresholds and rules. Set by its owner, never learned."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from features.events import Label, Name, Pixel

ZoneKind = Literal["till", "queue", "waiting", "shelf", "exit", "restricted", "opt-out"]
ZONE_KINDS: tuple[ZoneKind, ...] = ("till", "queue", "waiting", "shelf", "exit", "restricted", "opt-out")
ZONES_PER_CAMERA_MAX = 32

Point = tuple[Pixel, Pixel]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Millis = Annotated[int, Meta(ge=0, le=86_400_000)]
Millimetres = Annotated[int, Meta(ge=1, le=1_000_000)]
Permille = Annotated[int, Meta(ge=0, le=1_000)]
HourOfWeek = Annotated[int, Meta(ge=0, le=168)]


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Zone(_Part, frozen=True):
    """A polygon in a camera's picture, in pixels. Persons are in it by their feet, hands by their wrists.

    `face` is the point a shelf's goods are at, for telling who turns their back; the middle of the zone if left out.
    `loiter_after_s` replaces the site's threshold inside this zone; at tills, in queues and waiting areas nobody
    loiters.
    """

    name: Name
    kind: ZoneKind
    polygon: Annotated[list[Point], Meta(min_length=3, max_length=64)]
    face: Point | None = None
    loiter_after_s: Seconds | None = None


class Camera(_Part, frozen=True):
    """A camera. `homography` maps its pixels to millimetres on the ground: three rows of three.

    `area` names what the camera belongs to, one shop for example: only persons, tills and purchases of one area can be
    joined, and only areas can be worked on apart. The site's name if left out.
    """

    name: Name
    zones: Annotated[list[Zone], Meta(max_length=ZONES_PER_CAMERA_MAX)] = field(default_factory=list)
    homography: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]] | None = None
    area: Name | None = None


class Till(_Part, frozen=True):
    """A till of a store and the zone one stands in to pay there."""

    name: Name
    store: Name
    camera: Name
    zone: Name


class Hours(_Part, frozen=True):
    """A weekly span `[start, end)` in hours since Monday 00:00 local time in which nobody is scored."""

    start: HourOfWeek
    end: HourOfWeek


class Combination(_Part, frozen=True):
    """Categories bought one after another, each in another basket than the one before.

    Every step names the categories of which one must be bought; all steps must fall within `window_s`. `level`
    1..3 says how much it should weigh.
    """

    name: Name
    steps: Annotated[list[Annotated[list[Label], Meta(min_length=1)]], Meta(min_length=2, max_length=8)]
    window_s: Annotated[int, Meta(ge=1, le=90 * 86_400)]
    level: Annotated[int, Meta(ge=1, le=3)] = 1


class Thresholds(_Part, frozen=True):
    """When a movement gets a name, in the units the names end in."""

    loiter_after_s: Seconds = 60
    loiter_radius_mm: Millimetres = 3_000
    restricted_loiter_after_s: Seconds = 20
    pacing_leg_mm: Millimetres = 2_000
    pacing_window_s: Seconds = 180
    still_mm_per_s: Millimetres = 250


class Timing(_Part, frozen=True):
    """How long is waited for what, in event time.

    `pose_allowance_ms`: how far a pose may come after a later one of its camera. `track_silence_ms`: a tracker id
    silent for longer starts a new track. `camera_silence_ms`: a camera silent for longer, by the others' time, ends its
    tracks. `stitch_ms`: who is lost for at most this long and appears nearby under another tracker id goes on as the
    same track; 0 turns it off. `fact_allowance_ms`: how late a purchase or an identity change may come and still
    correct earlier scores. `score_every_ms`: the grid on which scores are published; a multiple of 1,000.
    """

    pose_allowance_ms: Millis = 500
    track_silence_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 10_000
    camera_silence_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 20_000
    stitch_ms: Annotated[int, Meta(ge=0, le=10_000)] = 3_000
    fact_allowance_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 40_000
    score_every_ms: Annotated[int, Meta(ge=1_000, le=60_000, multiple_of=1_000)] = 10_000


class Memory(_Part, frozen=True):
    """Whether baskets of one customer token are remembered across visits, and for how long at most. Off by default."""

    customers: bool = False
    days: Annotated[int, Meta(ge=1, le=90)] = 30


class Alerting(_Part, frozen=True):
    """From which band on alerts are raised, how many a camera may raise in an hour, and the rest between two."""

    budget_per_camera_hour: Annotated[int, Meta(ge=0, le=1_000)] = 4
    cooldown_s: Seconds = 120


class Site(_Part, frozen=True):
    """Everything about a site that scores depend on."""

    name: Name = "site"
    utc_offset_minutes: Annotated[int, Meta(ge=-840, le=840)] = 0
    cameras: list[Camera] = field(default_factory=list)
    tills: list[Till] = field(default_factory=list)
    opt_out_hours: list[Hours] = field(default_factory=list)
    combinations: list[Combination] = field(default_factory=list)
    thresholds: Thresholds = Thresholds()
    timing: Timing = Timing()
    memory: Memory = Memory()
    alerting: Alerting = Alerting()
