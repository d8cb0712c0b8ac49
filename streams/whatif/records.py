"""What a comparison of two ways to score a journal says, as whatif.json has it."""

from msgspec import Struct

from models.bundle import BandName
from models.records import Alert


class Side(Struct, frozen=True):
    """One of the two that are compared.

    Attributes:
        bundle: its digest.
        base: points every person starts with.
        elevated, high: points from which on a person is in the band.
        scores: how many were published.
        alerts: how many stand in the end.
        held_back: seconds in which an alert was held back, by reason.
    """

    bundle: str
    base: int
    elevated: int
    high: int
    scores: int
    alerts: int
    held_back: dict[str, int]


class RuleChange(Struct, frozen=True):
    """A rule of the site that is another: the field's path, and its value before and after."""

    field: str
    before: str
    after: str


class Verdict(Struct, frozen=True):
    """The highest score that stands of a person, the latest of several; abstentions are below all scores."""

    time_ms: int
    score: int | None
    band: BandName | None
    abstain: str | None
    events: tuple[str, ...]


class PartChange(Struct, frozen=True):
    """A contribution that differs between two verdicts; without value and points where there was none."""

    feature: str
    value_before: int | None
    points_before: int
    value_after: int | None
    points_after: int


class PersonChange(Struct, frozen=True):
    """A person who would have been scored differently.

    Attributes:
        camera: that saw the person last, if one did.
        last_ms: time of the last score.
        parts: contributions of the two verdicts that differ, those that differ most first.
        instants: at which the score differs.
    """

    person: str
    camera: str | None
    first_ms: int
    last_ms: int
    before: Verdict | None
    after: Verdict | None
    parts: list[PartChange]
    instants: int

    @property
    def another_band(self) -> bool:
        """Whether the highest band differs, ABSTAIN among them."""
        return band_of(self.before) != band_of(self.after)


class BandCount(Struct, frozen=True):
    """How many persons have one highest band before and another, or the same, after; ABSTAIN is none."""

    before: BandName | None
    after: BandName | None
    persons: int


class AlertMove(Struct, frozen=True):
    """An alert of a person that stays, on the same events, but at another time."""

    before: Alert
    after: Alert


class HourCount(Struct, frozen=True):
    """What differs at a camera in an hour.

    Attributes:
        camera: empty for those whom no camera saw last.
        hour_ms: when the hour of the alert budget begins.
        persons: whose last score is there.
        persons_in_another_band: of them.
        abstained_before, abstained_after: of them, those of whom nothing is said at any time.
        alerts_before, alerts_after: raised there.
    """

    camera: str
    hour_ms: int
    persons: int = 0
    persons_in_another_band: int = 0
    abstained_before: int = 0
    abstained_after: int = 0
    alerts_before: int = 0
    alerts_after: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        same = self.abstained_before == self.abstained_after and self.alerts_before == self.alerts_after
        return bool(self.persons_in_another_band) or not same


class Whatif(Struct, frozen=True):
    """The whole comparison.

    Attributes:
        before: as the run has it.
        after: under the other bundle or rules.
        rules: of the site that differ.
        persons: of whom a score stands on either side.
        bands: how many persons go from which highest band to which.
        changes: persons who would have been scored differently, those who change the band first, then by points.
        alerts_kept: that stand on both sides at the same time.
        alerts_moved: that stand on both sides, at different times.
        alerts_gained: that stand only after.
        alerts_lost: that stood only before.
        hours: by camera and hour.
    """

    before: Side
    after: Side
    rules: list[RuleChange]
    persons: int
    bands: list[BandCount]
    changes: list[PersonChange]
    alerts_kept: int
    alerts_moved: list[AlertMove]
    alerts_gained: list[Alert]
    alerts_lost: list[Alert]
    hours: list[HourCount]


def band_of(verdict: Verdict | None) -> BandName | None:
    """The band of a verdict; none where nothing is said."""
    return verdict.band if verdict else None


def points(change: PersonChange) -> int:
    """How many points the verdict rises; an abstention counts as none."""
    scores = [one.score or 0 if one else 0 for one in (change.before, change.after)]
    return scores[1] - scores[0]
