"""Segments: what one second of one track held, as integers. The journal is made of them and of facts."""

from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from features.events import BasketLine, Disposition, IdentityChange

SEGMENT_MS = 1_000
GAIT_SAMPLES = 16  # a second
STRIDES = ("samples", "ahead", "speed", "lean", "ahead_spread", "speed_spread", "together")
FAMILIES = ("bend", "head", "arms", "hidden")  # of the quantities of bearing
NOT_SEEN = -1  # a quantity that is never negative and was not visible
NO_SAMPLE = -32_768  # a gait sample that was not visible
NO_TIME = -1  # of a fact, which does not move the journal's time

SEGMENT = np.dtype(
    [
        ("second_ms", "<i8"),  # start of the second
        ("tracker", "<i8"),  # id the tracker gave; may change within a track
        ("mean_ms", "<i2"),  # mean time of its frames after the start
        ("first_ms", "<i2"),  # time of its first and last frame after the start
        ("last_ms", "<i2"),
        ("frames", "<i2"),  # 0: no second but the end of the track, at second_ms
        ("posed", "<i2"),  # frames in which shoulders and hips were seen
        ("x", "<i4"),  # mean position of the feet: millimetres on calibrated cameras, else quarter pixels
        ("y", "<i4"),
        ("um_per_unit", "<i4"),  # micrometres that one unit of x and y stands for where the person stood
        ("height_px4", "<i2"),  # body height in the picture, quarter pixels
        ("zones", "<u4"),  # bit z: in zone z of the camera for at least half of the frames
        # Posture: permille of the posed frames, NOT_SEEN without any
        ("hands_at_waist", "<i2"),
        ("reach", "<i2"),
        ("crouch", "<i2"),
        ("back_to_shelf", "<i2"),
        # Posture: mean and spread over the posed frames, NOT_SEEN without any
        ("lean_cdeg", "<i2"),  # trunk from the vertical
        ("sway_cdeg", "<i2"),  # standard deviation of the signed lean
        ("head_range", "<i2"),  # span of the nose's sideways offset from the shoulders, permille of the torso
        # Gait: extremes over the frames that show them, NOT_SEEN without any
        ("knee_min_cdeg", "<i2", (2,)),  # left, right; 18,000 is a straight leg
        ("knee_max_cdeg", "<i2", (2,)),
        ("arm_range", "<i2", (2,)),  # span of the wrist's sideways offset from the shoulder, permille of the torso
        # Gait: left less right ankle, permille of the torso, sampled in sixteenths; NO_SAMPLE where not visible
        ("ankles_across", "<i2", (GAIT_SAMPLES,)),
        ("ankles_down", "<i2", (GAIT_SAMPLES,)),
        # Gait: how it goes with which foot is ahead, in the order of `STRIDES`; zeros where nobody gets on
        ("strides", "<i2", (len(STRIDES),)),
        # Bearing: how unusual at its place, thousandths of a bit by family; NOT_SEEN where what is normal is not known
        ("unusual_mbit", "<i2", (len(FAMILIES),)),
        ("handling", "<i2"),  # how likely goods are being put away, permille; NOT_SEEN without a model or without arms
    ]
)
Segments = NDArray[np.void]  # of dtype SEGMENT


@dataclass(frozen=True, slots=True)
class SegmentBlock:
    """Segments in journal order, and the tracks they are of.

    Attributes:
        tracks: names, `camera/tracker/first second`.
        cameras: (tracks,) int32 place of each track's camera in the site.
        track: (segments,) int32 place of each segment's track in `tracks`.
        rows: (segments,) of `SEGMENT`.
    """

    tracks: list[str]
    cameras: NDArray[np.int32]
    track: NDArray[np.int32]
    rows: Segments

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, rows: slice) -> "SegmentBlock":
        """Consecutive segments and only their tracks."""
        used, track = np.unique(self.track[rows], return_inverse=True)
        names = [self.tracks[place] for place in used.tolist()]
        return SegmentBlock(names, self.cameras[used], track.astype(np.int32), self.rows[rows])


class Attribution(Struct, frozen=True, tag="attribution", tag_field="type"):
    """A purchase and who may have made it: candidates as (track, permille), none if nobody stood at the till."""

    receipt: str
    time_ms: int
    store: str
    till: str
    lines: list[BasketLine]
    candidates: list[tuple[str, int]]
    explicit: bool = False
    customer: str | None = None


class TrackChange(Struct, frozen=True, tag="track_change", tag_field="type"):
    """An identity change with its tracks named; a name is None where no such track was known."""

    change: IdentityChange
    track: str | None
    other: str | None

    @property
    def time_ms(self) -> int:
        """When it took effect."""
        return self.change.time_ms


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of entries that were erased: the journal's positions and time go on as if they were there.

    Attributes:
        times_ms: of each position the start of a segment's second, `NO_TIME` of a fact.
        spent: alerts that were raised, which count in their hour's budget, as (camera, hour).
    """

    times_ms: tuple[int, ...]
    spent: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.times_ms)


Fact = Attribution | TrackChange | Disposition
Entry = SegmentBlock | Fact


def positions(entry: Entry | Erased) -> int:
    """How many places an entry takes in the journal."""
    return len(entry) if isinstance(entry, SegmentBlock | Erased) else 1
