"""Sequence features: the catalogue of everything a score may rest on, and rows of values."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MISSING = -1  # every feature is an integer of at least 0; this says it could not be told

Combine = Literal["sum", "max", "last"]
Direction = Literal["raises", "describes"]


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One sequence feature.

    Attributes:
        name: as in scores and bundles.
        family: the module that computes it.
        unit: of the integer value.
        high: largest value; larger ones are cut to it. The smallest is 0, `MISSING` aside.
        direction: `raises` may only raise a review priority as it grows; `describes` never enters a score.
        combine: how the values of a person's tracks become one.
        source: where the formula comes from.
        reason: why it may be used, or why it only describes.
    """

    name: str
    family: str
    unit: str
    high: int
    direction: Direction
    combine: Combine
    source: str
    reason: str


_STAY = "stay points after Li et al. 2008 (GIS '08, article 34): within a radius for longer than a threshold"
_OWN = "Vigil's own definition"
_TAILS = "minus the binary logarithm of the tail of what was seen there, mean over the last ten seconds"
_KIND = "probability by an additive model of the last eight seconds, learned by `vigil learn gait`"
_LIMP = "a limp explains odd speeds and stops, and never raises a priority"
_CAN_ONLY_DESCRIBE = "says how someone moves, which is nobody's business to rank by; it explains other features"

CATALOGUE: tuple[FeatureSpec, ...] = (
    FeatureSpec("observed_s", "motion", "s", 86_400, "describes", "sum", _OWN, "how much evidence there is"),
    FeatureSpec("posed_permille", "posture", "permille", 1_000, "describes", "last", _OWN,
                "how much of the body was seen"),
    FeatureSpec("speed_10s", "motion", "mm/s", 20_000, "describes", "last", "path over time", _CAN_ONLY_DESCRIBE),
    FeatureSpec("speed_60s", "motion", "mm/s", 20_000, "describes", "last", "path over time", _CAN_ONLY_DESCRIBE),
    FeatureSpec("straightness_60s", "motion", "permille", 1_000, "describes", "last",
                "straightness index, Batschelet 1981: distance made good over path", _CAN_ONLY_DESCRIBE),
    FeatureSpec("stops_60s", "motion", "count", 60, "describes", "last", _OWN, _CAN_ONLY_DESCRIBE),
    FeatureSpec("still_60s", "motion", "permille", 1_000, "describes", "last", _OWN, _CAN_ONLY_DESCRIBE),
    FeatureSpec("stay_s", "motion", "s", 86_400, "describes", "last", _STAY, "standing somewhere is not a reason"),
    FeatureSpec("loiter_s", "motion", "s", 3_600, "raises", "max", _STAY,
                "time beyond the threshold the site set, outside of queues, tills and waiting areas"),
    FeatureSpec("restricted_s", "zones", "s", 3_600, "raises", "sum", _OWN,
                "being in a zone the site marked as restricted"),
    FeatureSpec("restricted_loiter_s", "motion", "s", 3_600, "raises", "max", _STAY,
                "staying in a restricted zone beyond its threshold"),
    FeatureSpec("pacing_reversals", "motion", "count", 8, "raises", "max", "turning points of legs of a least length",
                "walking to and fro without going anywhere"),
    FeatureSpec("shelf_s", "zones", "s", 86_400, "describes", "sum", _OWN, "shopping is not a reason"),
    FeatureSpec("till_s", "zones", "s", 86_400, "describes", "sum", _OWN, "paying is not a reason"),
    FeatureSpec("exit_s", "zones", "s", 86_400, "describes", "sum", _OWN, "leaving is not a reason"),
    FeatureSpec("shelf_visits", "zones", "count", 100, "describes", "sum", _OWN, "shopping is not a reason"),
    FeatureSpec("restricted_visits", "zones", "count", 20, "raises", "sum", _OWN, "coming back to a restricted zone"),
    FeatureSpec("hands_at_waist_10s", "posture", "permille", 1_000, "describes", "last", _OWN,
                "who holds a phone, a bag, a crutch or a wheel shows it too"),
    FeatureSpec("hands_at_waist_60s", "posture", "permille", 1_000, "describes", "last", _OWN, "a habit of posture"),
    FeatureSpec("reaches", "posture", "count", 200, "describes", "sum", _OWN, "taking goods is what shops are for"),
    FeatureSpec("concealments", "posture", "count", 20, "raises", "sum", _OWN,
                "a reach into a shelf followed within 5 s by hands at waist or bag, where they seldom are"),
    FeatureSpec("crouch_60s", "posture", "permille", 1_000, "describes", "last", _OWN,
                "who sits in a wheelchair shows it too"),
    FeatureSpec("head_turns_60s", "posture", "count", 60, "raises", "last", _OWN, "looking about"),
    FeatureSpec("back_to_shelf_60s", "posture", "permille", 1_000, "raises", "last", _OWN,
                "standing at a shelf with the back to it"),
    FeatureSpec("cadence", "gait", "hundredths of a step a minute", 30_000, "describes", "last",
                "Moe-Nilssen and Helbostad 2004 (J. Biomech. 37:121)", _CAN_ONLY_DESCRIBE),
    FeatureSpec("step_asymmetry", "gait", "permille", 2_000, "describes", "last",
                "ac(T/2) plus ac(T), after Moe-Nilssen and Helbostad 2004", _CAN_ONLY_DESCRIBE),
    FeatureSpec("stride_regularity", "gait", "permille", 1_000, "describes", "last",
                "ac(T), Moe-Nilssen and Helbostad 2004", _CAN_ONLY_DESCRIBE),
    FeatureSpec("knee_range", "gait", "hundredths of a degree", 18_000, "describes", "last",
                "largest less smallest angle hip-knee-ankle", _CAN_ONLY_DESCRIBE),
    FeatureSpec("arm_swing", "gait", "permille of the torso", 5_000, "describes", "last", _OWN, _CAN_ONLY_DESCRIBE),
    FeatureSpec("trunk_lean", "gait", "hundredths of a degree", 18_000, "describes", "last", _OWN, _CAN_ONLY_DESCRIBE),
    FeatureSpec("trunk_sway", "gait", "hundredths of a degree", 18_000, "describes", "last", _OWN, _CAN_ONLY_DESCRIBE),
    FeatureSpec("gait_quality", "gait", "permille", 1_000, "describes", "last", _OWN, "whether enough was visible"),
    FeatureSpec("baskets", "basket", "count", 100, "describes", "sum", _OWN, "buying is not a reason"),
    FeatureSpec("basket_unusual", "basket", "hundredths of a bit", 5_000, "describes", "max",
                "surprise of the basket's categories against a corpus", "an unusual basket is not a reason"),
    FeatureSpec("combination_level", "basket", "level", 3, "raises", "max", "the site's rules",
                "an ordered combination of purchases that the site's owner named"),
    FeatureSpec("unpaid_exit", "basket", "permille", 1_000, "raises", "max", _OWN,
                "goods handled and the exit reached, and no purchase joined"),
    FeatureSpec("unusual_10s", "bearing", "hundredths of a bit", 1_800, "raises", "last", _TAILS,
                "head and what of the body is hidden are held as hardly anybody holds them at this place"),
    FeatureSpec("unusual_bearing_10s", "bearing", "hundredths of a bit", 3_500, "describes", "last", _TAILS,
                "trunk and arms enter it: who sits in a wheelchair or holds a phone where nobody else does shows it"),
    FeatureSpec("gait_normal", "walk", "permille", 1_000, "describes", "last", _KIND, _CAN_ONLY_DESCRIBE),
    FeatureSpec("gait_antalgic_left", "walk", "permille", 1_000, "describes", "last", _KIND, _LIMP),
    FeatureSpec("gait_antalgic_right", "walk", "permille", 1_000, "describes", "last", _KIND, _LIMP),
    FeatureSpec("handling_after_reach", "handling", "permille", 1_000, "describes", "max",
                "largest probability of a second within 5 s after a reach, by a model of `vigil learn handling`",
                "hands on their way to waist, pocket or bag; who uses a phone shows it too"),
)  # fmt: skip

COLUMN: dict[str, int] = {spec.name: index for index, spec in enumerate(CATALOGUE)}

SECOND, GRID, FINAL, WITHDRAWN = range(4)


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """What is known of persons at instants of their visits, in journal order.

    Attributes:
        persons: names.
        person: (rows,) int32 place of each row's person in `persons`.
        camera: (rows,) int32 place in the site of the camera that saw the person last; -1 if none did.
        time_ms: (rows,) int64 the instant; everything with an earlier event time is in.
        kind: (rows,) int8: `SECOND` feeds alerts only; `GRID` and `FINAL`, the end of a track, are published;
            `WITHDRAWN` takes back what was published of the person at that instant, as the evidence was another's.
        revision: (rows,) int32; row (person, time) of a higher revision supersedes the lower ones.
        position: (rows,) int64 place in the journal of the entry the row was made at.
        values: (rows, features) int32 in the catalogue's order.
    """

    persons: list[str]
    person: NDArray[np.int32]
    camera: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    kind: NDArray[np.int8]
    revision: NDArray[np.int32]
    position: NDArray[np.int64]
    values: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "FeatureRows":
        """The named rows."""
        return FeatureRows(
            self.persons,
            self.person[which],
            self.camera[which],
            self.time_ms[which],
            self.kind[which],
            self.revision[which],
            self.position[which],
            self.values[which],
        )

    def compact(self) -> "FeatureRows":
        """The same rows without the persons of none of them."""
        used, person = np.unique(self.person, return_inverse=True)
        persons = [self.persons[place] for place in used.tolist()]
        return replace(self, persons=persons, person=person.astype(np.int32))

    @classmethod
    def concatenate(cls, parts: "list[FeatureRows]") -> "FeatureRows":
        """The rows of all parts, one after another; each person is named once."""
        place = {name: at for at, name in enumerate(dict.fromkeys(name for part in parts for name in part.persons))}
        person = [np.array([place[name] for name in part.persons], np.int32)[part.person] for part in parts]
        columns = ("camera", "time_ms", "kind", "revision", "position", "values")
        return cls(
            list(place),
            np.concatenate(person),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in columns),
        )

    @classmethod
    def of(cls, rows: "list[Row]") -> "FeatureRows":
        """Rows given one by one."""
        persons = sorted({row.person for row in rows})
        place = {person: at for at, person in enumerate(persons)}
        return cls(
            persons,
            np.array([place[row.person] for row in rows], np.int32),
            np.array([row.camera for row in rows], np.int32),
            np.array([row.time_ms for row in rows], np.int64),
            np.array([row.kind for row in rows], np.int8),
            np.array([row.revision for row in rows], np.int32),
            np.array([row.position for row in rows], np.int64),
            np.array([row.values for row in rows], np.int32).reshape(len(rows), len(CATALOGUE)),
        )

    def row(self, at: int) -> "Row":
        """One row by itself."""
        return Row(
            self.persons[self.person[at]],
            int(self.camera[at]),
            int(self.time_ms[at]),
            int(self.kind[at]),
            int(self.revision[at]),
            int(self.position[at]),
            self.values[at],
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `FeatureRows` by itself."""

    person: str
    camera: int
    time_ms: int
    kind: int
    revision: int
    position: int
    values: NDArray[np.int32]
