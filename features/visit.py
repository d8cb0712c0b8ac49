"""A visit, second by second: the fold of a track's segments, and the sequence features it amounts to."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features import motion
from features.basket import unpaid_exit
from features.fold import WINDOWED, Folds
from features.keypoints import PERMILLE, Bools, Int16s, Int32s, Int64s, Ints
from features.motion import Way
from features.segments import SEGMENT_MS, Segments
from features.sequence import CATALOGUE, COLUMN, MISSING
from features.site import ZONE_KINDS, Site, Thresholds, ZoneKind
from features.zones import ZoneTable

REACH_PERMILLE = 200  # of a second's posed frames with a hand in a shelf: a reach
CONCEAL_MS = 5_000
AT_WAIST_PERMILLE = 500
HEAD_TURN_PERMILLE = 400  # of the torso, the nose moves that far sideways within a second
_NO_ZONE = np.iinfo(np.int32).max
_AT = {name: place for place, name in enumerate(WINDOWED)}
_EXEMPT = [ZONE_KINDS.index(kind) for kind in ("till", "queue", "waiting")]
_RESTRICTED = ZONE_KINDS.index("restricted")
_GAIT = slice(COLUMN["cadence"], COLUMN["gait_quality"] + 1)
_HIGH = np.array([spec.high for spec in CATALOGUE], np.int32)


class Places:
    """What the fold needs of a site: its zones by kind and its thresholds.

    Attributes:
        site: the site.
        kinds: (kinds, cameras) bits of the zones of each kind, in the order of ZONE_KINDS.
        loiter_s: (cameras, zones) seconds.
    """

    def __init__(self, site: Site, zones: ZoneTable) -> None:
        self.site = site
        self.kinds = np.array([zones.bits(kind) for kind in ZONE_KINDS], np.uint32)
        self.loiter_s = zones.loiter_s

    def inside(self, zones: NDArray[np.uint32], camera: Int32s) -> Bools:
        """(rows, kinds) whether each row is in a zone of each kind."""
        return np.ascontiguousarray((zones & self.kinds[:, camera]).T != 0)

    def loiter_after_s(self, zones: NDArray[np.uint32], camera: Int32s) -> Int32s:
        """(rows,) the least threshold of the zones each is in, or the site's."""
        after = np.full(len(zones), _NO_ZONE, np.int32)
        for bit in range(self.loiter_s.shape[1]):
            here = (zones >> np.uint32(bit)) & 1 != 0
            after[here] = np.minimum(after[here], self.loiter_s[camera[here], bit])
        return np.where(after == _NO_ZONE, np.int32(self.site.thresholds.loiter_after_s), after)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Segments and what can be told of them without the fold; a column of rows each."""

    rows: Segments
    moving: Bools
    inside: Bools
    exempt: Bools
    after_s: Int32s
    windowed: Int16s

    def take(self, which: Int64s) -> "Seconds":
        """The named rows."""
        return Seconds(*(getattr(self, field.name)[which] for field in fields(self)))


def prepare(rows: Segments, camera: Int32s, way: Way, places: Places) -> Seconds:
    """Everything about segments that does not depend on the fold, for a whole block at once."""
    inside = places.inside(rows["zones"], camera)
    exempt: Bools = np.logical_or.reduce(inside[:, _EXEMPT], axis=1)
    after_s = places.loiter_after_s(rows["zones"], camera)
    return Seconds(rows, way.moving, inside, exempt, after_s, _windowed(rows, way))


def advance(folds: Folds, second: Seconds, thresholds: Thresholds) -> None:
    """Take a second of each track into its fold, in place."""
    rows = second.rows
    motion.move(folds, rows, second.moving)
    motion.stay(folds, rows, second.exempt, second.after_s, thresholds.loiter_radius_mm)
    motion.pace(folds, rows, thresholds)
    _count_zones(folds, second)
    _count_reaches(folds, rows)
    folds["observed_s"] += 1
    folds["posed_s"] += rows["posed"] > 0
    folds["end_ms"] = rows["second_ms"] + SEGMENT_MS


def _count_zones(folds: Folds, second: Seconds) -> None:
    folds["entries"] += second.inside & ~folds["inside"]
    folds["zone_s"] += second.inside
    folds["inside"] = second.inside
    folds["restricted_now_s"] = np.where(second.inside[:, _RESTRICTED], folds["restricted_now_s"] + 1, 0)
    beyond = folds["restricted_now_s"] - second.after_s
    folds["restricted_loiter_s"] = np.maximum(folds["restricted_loiter_s"], beyond)


def _count_reaches(folds: Folds, second: Segments) -> None:
    """A concealment is a reach and, within `CONCEAL_MS` after it, a second with the hands mostly at the waist."""
    reaching = second["reach"] >= REACH_PERMILLE
    folds["reaches"] += reaching & ~folds["reaching"]
    soon = (folds["reach_ms"] > 0) & (second["second_ms"] - folds["reach_ms"] <= CONCEAL_MS)
    conceals = ~reaching & soon & (second["hands_at_waist"] >= AT_WAIST_PERMILLE)
    folds["concealments"] += conceals
    folds["reach_ms"] = np.where(reaching, second["second_ms"], np.where(conceals, 0, folds["reach_ms"]))
    folds["reaching"] = reaching


def _windowed(rows: Segments, way: Way) -> Int16s:
    """(rows, quantities) what each second adds to the sliding sums, in the order of WINDOWED."""
    posed = rows["posed"] > 0
    seen: dict[str, Ints | Bools | int] = {
        "path_mm": way.path_mm,
        "dx_mm": way.dx_mm,
        "dy_mm": way.dy_mm,
        "present": 1,
        "still": way.still,
        "stops": way.stops,
        "posed": posed,
        "at_waist": np.where(posed, rows["hands_at_waist"], 0),
        "crouch": np.where(posed, rows["crouch"], 0),
        "head_turns": (rows["head_range"] >= HEAD_TURN_PERMILLE) & way.still,
        "back_to_shelf": np.where(posed & way.still, rows["back_to_shelf"], 0),
    }
    values = np.empty((len(rows), len(WINDOWED)), np.int16)
    for name, place in _AT.items():
        values[:, place] = seen[name]
    return values


def feature_values(folds: Folds, gait: Int32s) -> Int32s:
    """The sequence features of each fold.

    Args:
        folds: (rows,) of `FOLD`.
        gait: (rows, 8) gait features, `MISSING` where they were not computed.

    Returns:
        (rows, features) int32 in the catalogue's order; what purchases add is still that of someone who bought nothing.
    """
    values = np.zeros((len(folds), len(CATALOGUE)), np.int32)
    for name in _VISIT:
        values[:, COLUMN[name]] = folds[name]
    for name, kind in _DWELLS:
        values[:, COLUMN[name]] = folds["zone_s"][:, ZONE_KINDS.index(kind)]
    for name, kind in _ENTRIES:
        values[:, COLUMN[name]] = folds["entries"][:, ZONE_KINDS.index(kind)]
    minute, ten = folds["minute"], folds["ten"]
    nothing = np.zeros(len(folds), np.int32)
    computed = {
        "posed_permille": _share(folds["posed_s"], folds["observed_s"]),
        "speed_10s": ten[:, _AT["path_mm"]] // np.maximum(ten[:, _AT["present"]], 1),
        "speed_60s": minute[:, _AT["path_mm"]] // np.maximum(minute[:, _AT["present"]], 1),
        "straightness_60s": _straightness(minute),
        "stops_60s": minute[:, _AT["stops"]],
        "still_60s": _share(minute[:, _AT["still"]], minute[:, _AT["present"]]),
        "stay_s": (folds["end_ms"] - folds["stay_since_ms"]) // SEGMENT_MS,
        "pacing_reversals": folds["reversals"],
        "hands_at_waist_10s": _mean(ten, "at_waist"),
        "hands_at_waist_60s": _mean(minute, "at_waist"),
        "crouch_60s": _mean(minute, "crouch"),
        "head_turns_60s": minute[:, _AT["head_turns"]],
        "back_to_shelf_60s": _mean(minute, "back_to_shelf"),
        "basket_unusual": MISSING,
        "unpaid_exit": unpaid_exit(folds["reaches"], values[:, COLUMN["exit_s"]] > 0, nothing),
    }
    for name, column in computed.items():
        values[:, COLUMN[name]] = column
    values[:, _GAIT] = gait
    return np.minimum(values, _HIGH)


_VISIT = ("observed_s", "loiter_s", "restricted_loiter_s", "reaches", "concealments")
_DWELLS: tuple[tuple[str, ZoneKind], ...] = (
    ("shelf_s", "shelf"), ("till_s", "till"), ("exit_s", "exit"), ("restricted_s", "restricted"),
)  # fmt: skip
_ENTRIES: tuple[tuple[str, ZoneKind], ...] = (("shelf_visits", "shelf"), ("restricted_visits", "restricted"))


def _share(part: Int32s, whole: Int32s) -> Int32s:
    return part * PERMILLE // np.maximum(whole, 1)


def _mean(sums: NDArray[np.int32], name: str) -> Int32s:
    posed = sums[:, _AT["posed"]]
    return np.where(posed > 0, sums[:, _AT[name]] // np.maximum(posed, 1), MISSING)


def _straightness(minute: NDArray[np.int32]) -> Int32s:
    path = minute[:, _AT["path_mm"]].astype(np.int64)
    made_good = motion.distance(*(minute[:, _AT[name]].astype(np.int64) for name in ("dx_mm", "dy_mm")))
    straight = np.where(path > 0, np.minimum(made_good * PERMILLE // np.maximum(path, 1), PERMILLE), MISSING)
    return straight.astype(np.int32)


def no_gait(rows: int) -> Int32s:
    """(rows, 8) of `MISSING`."""
    return np.full((rows, _GAIT.stop - _GAIT.start), MISSING, np.int32)
