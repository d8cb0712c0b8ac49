"""What a comparison says, in plain words that terminal and page share."""

from collections.abc import Sequence

from models.bundle import BandName
from models.records import Alert
from streams.console.view import ABSTAIN
from streams.console.words import clock, day, describe, duration, measure, signed
from streams.whatif.records import AlertMove, PartChange, PersonChange, Side, Verdict, Whatif

TO = "→"


def band_name(band: BandName | None) -> str:
    """A band, ABSTAIN among them."""
    return band or ABSTAIN


def verdict(said: Verdict | None) -> str:
    """Score and band."""
    if said is None:
        return "no score"
    return ABSTAIN if said.score is None else f"{said.score} {said.band}"


def verdicts(change: PersonChange) -> str:
    """From which verdict to which."""
    return f"{verdict(change.before)} {TO} {verdict(change.after)}"


def points_of(part: PartChange) -> str:
    """From how many points to how many."""
    return f"{_points(part.points_before)} {TO} {_points(part.points_after)}"


def _points(points: int) -> str:
    return signed(points) if points else "0"


def part_text(part: PartChange) -> str:
    """What the points are for; both values where they differ."""
    shown = part.value_before if part.value_after is None else part.value_after
    text = describe(part.feature, shown)
    if part.value_before is None or part.value_after in {None, part.value_before}:
        return text
    return f"{text}, before {measure(part.feature, part.value_before)}"


def elsewhere(change: PersonChange) -> str:
    """What is said of a person whose highest score is the same on both sides."""
    times = "at one instant" if change.instants == 1 else f"at {change.instants} instants"
    return f"the highest score stays; another {times} of the visit"


def alert_text(alert: Alert, utc_offset_minutes: int) -> str:
    """When an alert was raised and on what."""
    return f"{clock(alert.time_ms, utc_offset_minutes)} {'; '.join(alert.events)}"


def move_text(move: AlertMove, utc_offset_minutes: int) -> str:
    """When an alert is raised now, on what, and how far that is from when it was."""
    seconds = (move.after.time_ms - move.before.time_ms) // 1_000
    shift = f"{duration(seconds)} later" if seconds > 0 else f"{duration(-seconds)} earlier"
    return f"{alert_text(move.after, utc_offset_minutes)}, {shift}"


def hour_text(hour_ms: int, utc_offset_minutes: int) -> str:
    """When an hour began."""
    return f"{day(hour_ms, utc_offset_minutes)} {clock(hour_ms, utc_offset_minutes)[:5]}"


def summary_lines(found: Whatif) -> list[tuple[str, str]]:
    """What is compared and what differs in all, each with its heading."""
    before, after = found.before, found.after
    lines = [("bundle", _bundles(before, after))]
    lines += [("rule", f"{rule.field}: {rule.before} {TO} {rule.after}") for rule in found.rules]
    lines.append(("persons", _persons(found)))
    moves = [one for one in found.bands if one.before != one.after]
    lines += [("", f"{one.persons:,} from {band_name(one.before)} to {band_name(one.after)}") for one in moves]
    lines.append(("alerts", _alerts(found)))
    held = [(name, before.held_back.get(name, 0), after.held_back.get(name, 0)) for name in _reasons((before, after))]
    lines += [("", f"seconds held back, {name}: {one:,} {TO} {other:,}") for name, one, other in held]
    return lines


def _bundles(before: Side, after: Side) -> str:
    if before.bundle == after.bundle:
        return f"{before.bundle[:16]}, the same"
    base = f"; every person starts with {before.base} {TO} {after.base}" if before.base != after.base else ""
    return f"{before.bundle[:16]} {TO} {after.bundle[:16]}{base}"


def _persons(found: Whatif) -> str:
    other = sum(one.persons for one in found.bands if one.before != one.after)
    return f"{found.persons:,}, of whom {len(found.changes):,} scored differently, {other:,} in another band"


def _alerts(found: Whatif) -> str:
    counts = (
        (len(found.alerts_gained), "gained"),
        (len(found.alerts_lost), "lost"),
        (len(found.alerts_moved), "at another time"),
        (found.alerts_kept, "the same"),
    )
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return f"{found.before.alerts:,} {TO} {found.after.alerts:,}{f': {told}' if told else ''}"


def _reasons(sides: Sequence[Side]) -> list[str]:
    return sorted({name for side in sides for name in side.held_back})
