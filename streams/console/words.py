"""Plain words for features, values and times."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from features.sequence import CATALOGUE, COLUMN, MISSING
from models.scorecard import Change
from streams.console.view import ABSTAIN, Contribution, PersonView

PURPOSE = (
    "Vigil orders tracked persons by review priority: whose visit is worth a human look first, and why. "
    "A priority is no finding about anybody. A human decides, on the recording, and may well disagree."
)
SLASHES = 2  # of a full name, camera/tracker/first second


class Wording(NamedTuple):
    """A feature's name in words, and a phrase that takes its value."""

    noun: str
    phrase: str


FEATURES: dict[str, Wording] = {
    "observed_s": Wording("time observed", "was observed for {value}"),
    "posed_permille": Wording("share of frames with a body pose", "body pose seen in {value} of the frames"),
    "speed_10s": Wording("speed in the last 10 s", "moved at {value} in the last 10 s"),
    "speed_60s": Wording("speed in the last minute", "moved at {value} in the last minute"),
    "straightness_60s": Wording("straightness of the way", "went {value} straight in the last minute"),
    "stops_60s": Wording("stops in the last minute", "stopped {value} in the last minute"),
    "still_60s": Wording("standing still in the last minute", "stood still {value} of the last minute"),
    "stay_s": Wording("time in one place", "stayed {value} in one place"),
    "loiter_s": Wording("time beyond the waiting threshold", "stayed {value} beyond the waiting threshold"),
    "restricted_s": Wording("time in restricted zones", "spent {value} in a restricted zone"),
    "restricted_loiter_s": Wording(
        "time in a restricted zone beyond its threshold", "stayed {value} in a restricted zone beyond its threshold"
    ),
    "pacing_reversals": Wording("turns while walking to and fro", "turned back {value} while walking to and fro"),
    "shelf_s": Wording("time at shelves", "spent {value} at shelves"),
    "till_s": Wording("time at tills", "spent {value} at a till"),
    "exit_s": Wording("time at exits", "spent {value} at an exit"),
    "shelf_visits": Wording("visits to shelves", "went to a shelf {value}"),
    "restricted_visits": Wording("visits to restricted zones", "entered a restricted zone {value}"),
    "hands_at_waist_10s": Wording(
        "hands at waist, pocket or bag in the last 10 s", "hands at waist, pocket or bag {value} of the last 10 s"
    ),
    "hands_at_waist_60s": Wording(
        "hands at waist, pocket or bag in the last minute", "hands at waist, pocket or bag {value} of the last minute"
    ),
    "reaches": Wording("reaches into shelves", "reached into a shelf {value}"),
    "concealments": Wording(
        "reaches into a shelf and then to waist or bag", "reached into a shelf and then to waist or bag {value}"
    ),
    "crouch_60s": Wording("crouching in the last minute", "crouched {value} of the last minute"),
    "head_turns_60s": Wording("turns of the head in the last minute", "turned the head {value} in the last minute"),
    "back_to_shelf_60s": Wording(
        "standing with the back to a shelf", "stood with the back to a shelf {value} of the last minute"
    ),
    "cadence": Wording("cadence of the steps", "walked with {value}"),
    "step_asymmetry": Wording("difference between left and right steps", "left and right steps differ by {value}"),
    "stride_regularity": Wording("regularity of the stride", "stride {value} regular"),
    "knee_range": Wording("range of the knees", "knees moved through {value}"),
    "arm_swing": Wording("swing of the arms", "arms swung by {value}"),
    "trunk_lean": Wording("lean of the trunk", "trunk leaned by {value}"),
    "trunk_sway": Wording("sway of the trunk", "trunk swayed by {value}"),
    "gait_quality": Wording("share of the gait that was visible", "gait visible {value} of the time"),
    "baskets": Wording("purchases joined", "paid {value}"),
    "basket_unusual": Wording("how unusual the basket is", "basket {value} more unusual than common ones"),
    "combination_level": Wording(
        "combination of purchases the site named", "bought a combination the site named ({value})"
    ),
    "unpaid_exit": Wording(
        "goods handled, exit reached, no purchase joined",
        "goods handled, exit reached, no purchase joined ({value} sure)",
    ),
    "unusual_10s": Wording(
        "how unusual head and hidden limbs are at this place",
        "head and hidden limbs {value} more unusual than is common at this place",
    ),
    "unusual_bearing_10s": Wording(
        "how unusual the bearing is at this place", "bearing {value} more unusual than is common at this place"
    ),
    "gait_normal": Wording("likelihood of an even walk", "walked evenly ({value} sure)"),
    "gait_antalgic_left": Wording("likelihood of a limp on the left", "limped on the left ({value} sure)"),
    "gait_antalgic_right": Wording("likelihood of a limp on the right", "limped on the right ({value} sure)"),
    "handling_after_reach": Wording(
        "likelihood of goods put away after a reach", "hands after a reach as of putting goods away ({value} sure)"
    ),
}


def duration(seconds: int) -> str:
    """Seconds in words: 95 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 120:  # noqa: PLR2004 - two minutes; shorter times read well in seconds
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def percent(permille: int) -> str:
    """Permille as per cent."""
    return f"{permille / 10:g} %"


def counted(number: int, what: str) -> str:
    """So many of something: no scores, 1 score, 2 scores."""
    return f"{f'{number:,}' if number else 'no'} {what}{'' if number == 1 else 's'}"


def times(count: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


UNITS: dict[str, Callable[[int], str]] = {
    "s": duration,
    "permille": percent,
    "mm/s": lambda value: f"{value / 1_000:.1f} m/s",
    "count": times,
    "level": lambda value: f"level {value}",
    "hundredths of a step a minute": lambda value: f"{value / 100:.0f} steps a minute",
    "hundredths of a degree": lambda value: f"{value / 100:.1f}°",
    "permille of the torso": lambda value: f"{percent(value)} of the torso",
    "hundredths of a bit": lambda value: f"{value / 100:.1f} bits",
}


def describe(feature: str, value: int | None) -> str:
    """What a feature's value says, in words; a feature from another version keeps its name."""
    if value is None or value == MISSING:
        return f"{noun(feature)}: could not be told"
    wording = FEATURES.get(feature)
    shown = measure(feature, value)
    return wording.phrase.format(value=shown) if wording else f"{noun(feature)}: {shown}"


def noun(feature: str) -> str:
    """A feature's name in words."""
    wording = FEATURES.get(feature)
    return wording.noun if wording else feature.replace("_", " ")


def measure(feature: str, value: int) -> str:
    """A feature's value with its unit."""
    unit = CATALOGUE[COLUMN[feature]].unit if feature in COLUMN else ""
    return UNITS[unit](value) if unit in UNITS else f"{value} {unit}".strip()


def counterfactual(band: str, changes: list[Change]) -> str:
    """What would have kept a person out of a band, one sentence; empty without changes."""
    said = [
        f"{noun(change.feature)}: {_at_most(change)} instead of {measure(change.feature, change.value)}"
        for change in changes
    ]
    return f"Would not have been {band} with {', and '.join(said)}." if said else ""


def _at_most(change: Change) -> str:
    return f"at most {measure(change.feature, change.at_most)}" if change.at_most else "none"


def contribution(feature: str, value: int, points: int) -> Contribution:
    """A contribution with its text and unit filled in; `value` may be `MISSING`."""
    unit = CATALOGUE[COLUMN[feature]].unit if feature in COLUMN else ""
    return Contribution(feature, describe(feature, value), None if value == MISSING else value, unit, points)


def clock(time_ms: int, utc_offset_minutes: int = 0) -> str:
    """Local time of day, hours to seconds."""
    return _local(time_ms, utc_offset_minutes).strftime("%H:%M:%S")


def day(time_ms: int, utc_offset_minutes: int = 0) -> str:
    """Local date, year first."""
    return _local(time_ms, utc_offset_minutes).strftime("%Y-%m-%d")


def day_and_clock(time_ms: int, utc_offset_minutes: int = 0) -> str:
    """Local date and time of day."""
    return f"{day(time_ms, utc_offset_minutes)} {clock(time_ms, utc_offset_minutes)}"


def _local(time_ms: int, utc_offset_minutes: int) -> datetime:
    return datetime.fromtimestamp(time_ms // 1_000, UTC) + timedelta(minutes=utc_offset_minutes)


def probability(permille: int | None) -> str:
    """A calibrated probability, never shown as a certainty."""
    if permille is None:
        return "not calibrated"
    if permille < 10:  # noqa: PLR2004 - below one per cent
        return "under 1 %"
    return "over 99 %" if permille > 990 else f"{(permille + 5) // 10} %"  # noqa: PLR2004 - above 99 per cent


def short(person: str) -> str:
    """A person's name as people say it: camera and tracker id, without the second in which the track began."""
    return person.rpartition("/")[0] if person.count("/") == SLASHES else person


def since(person: str, first_ms: int, utc_offset_minutes: int = 0) -> str:
    """When a person came, as the name tells, or else as the scores do."""
    second = person.rpartition("/")[2] if person.count("/") == SLASHES else ""
    return clock(int(second) * 1_000 if second.isdecimal() else first_ms, utc_offset_minutes)


def signed(points: int) -> str:
    """Points with their sign; a true minus, as wide as the plus."""
    return f"−{-points}" if points < 0 else f"+{points}"  # noqa: RUF001 - the typographic minus is meant


def standing(person: PersonView) -> str:
    """A person's review priority in a few words."""
    if person.score is None:
        return f"{ABSTAIN}: {person.abstained}" if person.abstained else ABSTAIN
    return f"{person.score} of 1000, {person.band}"


def plain(text: object) -> str:
    """A text for one line of a page or a terminal: no line breaks, control or direction-changing characters."""
    return "".join(_plain_character(character) for character in str(text))


def _plain_character(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" else "\ufffd"
