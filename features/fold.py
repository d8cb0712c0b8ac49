"""The fold: what a track's segments so far add up to, one fixed-size row a track."""

import numpy as np
from numpy.typing import NDArray

from features.site import ZONE_KINDS

TURNS = 8  # turning points remembered
WINDOWED = (
    "path_mm", "dx_mm", "dy_mm", "present", "still", "stops", "posed", "at_waist", "crouch", "head_turns",
    "back_to_shelf",
)  # fmt: skip
UNUSUAL = ("seconds", "head_and_hidden", "all")  # known seconds, and hundredths of a bit in them

FOLD = np.dtype(
    [
        # The last second and where it was
        ("camera", "<i4"),
        ("end_ms", "<i8"),  # end of the last second, 0 before the first
        ("at_ms", "<i8"),
        ("x", "<i4"),
        ("y", "<i4"),
        ("um_per_unit", "<i4"),
        ("moving", "?"),
        # The visit so far
        ("observed_s", "<i4"),
        ("posed_s", "<i4"),
        # By kind of zone, in the order of ZONE_KINDS
        ("inside", "?", (len(ZONE_KINDS),)),
        ("zone_s", "<i4", (len(ZONE_KINDS),)),
        ("entries", "<i4", (len(ZONE_KINDS),)),
        # Staying: sums of the places of this stay, in units of x and y
        ("stay_x", "<i8"),
        ("stay_y", "<i8"),
        ("stay_places", "<i4"),
        ("stay_since_ms", "<i8"),
        ("stay_counted_s", "<i4"),  # outside of tills, queues and waiting areas
        ("loiter_s", "<i4"),  # the longest so far, beyond the threshold
        ("restricted_now_s", "<i4"),
        ("restricted_loiter_s", "<i4"),
        # Pacing: the leg from its start to the farthest place of it so far
        ("leg_x", "<i4"),
        ("leg_y", "<i4"),
        ("leg_ms", "<i8"),
        ("far_x", "<i4"),
        ("far_y", "<i4"),
        ("far_ms", "<i8"),
        ("far_mm", "<i8"),
        ("leg_path_mm", "<i8"),  # walked since the leg's start, and of it until the farthest place
        ("far_path_mm", "<i8"),
        ("turn_x", "<i4"),  # where the leg before began, if that was a turning point too
        ("turn_y", "<i4"),
        ("turns", "<i4"),  # legs that ended
        ("turns_ms", "<i8", (TURNS,)),
        ("reversals", "<i4"),  # the most within the window so far
        # Posture
        ("reaching", "?"),
        ("reach_ms", "<i8"),
        ("reaches", "<i4"),
        ("waist_s", "<i4"),  # with the hands mostly at the waist
        ("concealments", "<i4"),
        ("handling", "<i2"),  # the likeliest second after a reach, permille and one more; 0 before any
        # Sums over the last minute and the last ten seconds, in the order of WINDOWED
        ("minute", "<i4", (len(WINDOWED),)),
        ("ten", "<i4", (len(WINDOWED),)),
        # Sums over the last ten seconds, in the order of UNUSUAL
        ("unusual", "<i4", (len(UNUSUAL),)),
    ]
)
Folds = NDArray[np.void]  # of dtype FOLD
