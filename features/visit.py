"""A visit, second by second: the fold of a track's segments, and the sequence features it amounts to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import motion
from features.basket import unpaid_exit
from features.fold import FOLD, UNUSUAL, WINDOWED, Folds
from features.keypoints import PERMILLE, Bools, Int16s, Int32s, Ints
from features.motion import Way
from features.runs import Runs, Waves
from features.segments import FAMILIES, NOT_SEEN, SEGMENT_MS, Segments
from features.sequence import CATALOGUE, COLUMN, MISSING
from features.site import ZONE_KINDS, Site, Thresholds, ZoneKind
from features.walk import KINDS, WalkModel
from features.zones import ZoneTable

REACH_PERMILLE = 200  # of a second's posed frames with a hand in a shelf: a reach
CONCEAL_MS = 5_000
AT_WAIST_PERMILLE = 500
HEAD_TURN_PERMILLE = 400  # of the torso, the nose moves that far sideways within a second
MILLIBITS_OF_UNIT = 10  # hundredths of a bit
_HEAD_AND_HIDDEN = [FAMILIES.index(family) for family in ("head", "hidden")]
_NO_ZONE = np.iinfo(np.int32).max
_AT = {name: place for place, name in enumerate(WINDOWED)}
_EXEMPT = [ZONE_KINDS.index(kind) for kind in ("till", "queue", "waiting")]
_RESTRICTED = ZONE_KINDS.index("restricted")
_GAIT = [*range(COLUMN["cadence"], COLUMN["gait_quality"] + 1), *(COLUMN[name] for name in KINDS)]
_HIGH = np.array([spec.high for spec in CATALOGUE], np.int32)


class Places:
    """What the fold needs of a site: its zones by kind and its thresholds.

    Attributes:
        site: the site.
        kinds: (kinds, cameras) bits of the zones of each kind, in the order of ZONE_KINDS.
        loiter_s: (cameras, zones) seconds.
        walks: tells kinds of walking apart, if there is such a model.
    """

    def __init__(self, site: Site, zones: ZoneTable, walks: WalkModel | None = None) -> None:
        self.site, self.walks = site, walks
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
    unusual: Int16s


def prepare(rows: Segments, camera: Int32s, way: Way, places: Places) -> Seconds:
    """Everything about segments that does not depend on the fold, for a whole block at once."""
    inside = places.inside(rows["zones"], camera)
    exempt: Bools = np.logical_or.reduce(inside[:, _EXEMPT], axis=1)
    after_s = places.loiter_after_s(rows["zones"], camera)
    return Seconds(rows, way.moving, inside, exempt, after_s, _windowed(rows, way), _unusual(rows))


def advance(before: Folds, seconds: Seconds, tracks: Runs, thresholds: Thresholds) -> Folds:
    """The fold after each second of a block, all but its sliding sums; `turns_ms` only in each track's last row.

    Loitering is what a stay exceeds its threshold by, seconds spent where waiting is expected left out; so neither
    someone in a queue nor a slow walker, who leaves the radius, loiters.

    Args:
        before: (tracks,) before the block.
        seconds: (rows,) by track and second.
        tracks: the rows of each track.
        thresholds: of the site.
    """
    rows = seconds.rows
    folds, waves = np.zeros(len(rows), FOLD), Waves.of(tracks)
    folds["camera"] = tracks.spread(before["camera"])
    folds["end_ms"] = rows["second_ms"] + SEGMENT_MS
    folds["at_ms"] = rows["second_ms"] + rows["mean_ms"]
    folds["moving"] = seconds.moving
    for name in ("x", "y", "um_per_unit"):
        folds[name] = rows[name]
    folds["observed_s"] = tracks.running_sum(np.ones(len(rows), np.int64), before["observed_s"])
    folds["posed_s"] = tracks.running_sum(rows["posed"] > 0, before["posed_s"])
    motion.stay(folds, before, rows, waves, seconds.exempt, thresholds.loiter_radius_mm)
    motion.pace(folds, before, rows, seconds.windowed[:, _AT["path_mm"]], tracks, waves, thresholds)
    beyond_s = folds["stay_counted_s"].astype(np.int64) - seconds.after_s
    folds["loiter_s"] = tracks.running_largest(beyond_s, before["loiter_s"])
    _count_zones(folds, before, seconds, tracks)
    _count_reaches(folds, before, rows, tracks)
    return folds


def _count_zones(folds: Folds, before: Folds, seconds: Seconds, tracks: Runs) -> None:
    inside = np.ascontiguousarray(seconds.inside.T)
    enters = inside & ~tracks.previous(inside, before["inside"].T)
    folds["inside"] = seconds.inside
    folds["zone_s"] = tracks.running_sum(inside, before["zone_s"].T).T
    folds["entries"] = tracks.running_sum(enters, before["entries"].T).T
    restricted = inside[_RESTRICTED]
    count = tracks.running_sum(restricted, before["restricted_now_s"])
    now_s = count - tracks.running_largest(np.where(restricted, 0, count), np.zeros(len(before), np.int64))
    folds["restricted_now_s"] = now_s
    folds["restricted_loiter_s"] = tracks.running_largest(now_s - seconds.after_s, before["restricted_loiter_s"])


def _count_reaches(folds: Folds, before: Folds, rows: Segments, tracks: Runs) -> None:
    """A concealment is a reach and, within `CONCEAL_MS` after it, a second with the hands mostly at the waist.

    Up to then, what a model makes of the hands counts as well. Hands that are there for more than half of the visit so
    far, on a wheel, a crutch or a bag, did not come there to hide anything.
    """
    nothing = np.zeros(len(before), np.int64)
    reaching = rows["reach"] >= REACH_PERMILLE
    reach_ms = tracks.running_largest(np.where(reaching, rows["second_ms"], 0), before["reach_ms"])
    soon = (reach_ms > 0) & (rows["second_ms"] - reach_ms <= CONCEAL_MS)
    at_waist = rows["hands_at_waist"] >= AT_WAIST_PERMILLE
    folds["waist_s"] = tracks.running_sum(at_waist, before["waist_s"])
    could = ~reaching & soon & at_waist & (2 * folds["waist_s"] <= folds["posed_s"])
    count = tracks.running_sum(could, nothing)
    since = count - tracks.running_largest(np.where(reaching, count, 0), nothing)
    starts = reaching & ~tracks.previous(reaching, before["reaching"])
    folds["reaching"] = reaching
    folds["reach_ms"] = np.where(since > 0, 0, reach_ms)  # each reach is followed by one concealment at most
    folds["reaches"] = tracks.running_sum(starts, before["reaches"])
    folds["concealments"] = tracks.running_sum(could & (since == 1), before["concealments"])
    follows = ~reaching & soon & (since - could == 0)
    folds["handling"] = tracks.running_largest(np.where(follows, rows["handling"] + 1, 0), before["handling"])


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


def _unusual(rows: Segments) -> Int16s:
    """(rows, 3) what each second adds to the sums of `UNUSUAL`; nothing where nobody knows what is normal."""
    known = rows["unusual_mbit"][:, 0] != NOT_SEEN
    bits = np.where(known[:, None], rows["unusual_mbit"], 0).astype(np.int32)
    values = np.empty((len(rows), len(UNUSUAL)), np.int16)
    values[:, 0], values[:, 1] = known, bits[:, _HEAD_AND_HIDDEN].sum(axis=1) // MILLIBITS_OF_UNIT
    values[:, 2] = bits.sum(axis=1) // MILLIBITS_OF_UNIT
    return values


def feature_values(folds: Folds, gait: Int32s) -> Int32s:
    """The sequence features of each fold.

    Args:
        folds: (rows,) of `FOLD`.
        gait: (rows, 11) gait features and kinds, `MISSING` where they were not computed.

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
        "handling_after_reach": folds["handling"] - 1,
        "unusual_10s": _bits(folds["unusual"], "head_and_hidden"),
        "unusual_bearing_10s": _bits(folds["unusual"], "all"),
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


def _bits(sums: NDArray[np.int32], name: str) -> Int32s:
    seconds = sums[:, 0]
    return np.where(seconds > 0, sums[:, UNUSUAL.index(name)] // np.maximum(seconds, 1), MISSING)


def _straightness(minute: NDArray[np.int32]) -> Int32s:
    path = minute[:, _AT["path_mm"]].astype(np.int64)
    made_good = motion.distance(*(minute[:, _AT[name]].astype(np.int64) for name in ("dx_mm", "dy_mm")))
    straight = np.where(path > 0, np.minimum(made_good * PERMILLE // np.maximum(path, 1), PERMILLE), MISSING)
    return straight.astype(np.int32)


def no_gait(rows: int) -> Int32s:
    """(rows, 11) of `MISSING`."""
    return np.full((rows, len(_GAIT)), MISSING, np.int32)
