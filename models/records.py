"""What Vigil publishes: scores, alerts, and the objective events that an alert must rest on."""

from typing import Literal, NamedTuple

from msgspec import Struct

from models.bundle import BandName
from models.scorecard import Change, Contribution

ScoreKind = Literal["interim", "grid", "final", "withdrawn"]


class ObjectiveEvent(NamedTuple):
    """Something that can be checked without an opinion: a feature of at least a value."""

    name: str
    feature: str
    at_least: int


OBJECTIVE_EVENTS = (
    ObjectiveEvent("stayed in a restricted zone", "restricted_loiter_s", 1),
    ObjectiveEvent("left with goods handled and no purchase joined", "unpaid_exit", 500),
    ObjectiveEvent("bought a combination the site's rules name", "combination_level", 1),
)


class Score(Struct, frozen=True, gc=False, tag="score", tag_field="type"):
    """A published review priority.

    A grid or final score of revision r supersedes revision r - 1 of the same instant. An interim score is published
    when the band changed between two instants of the grid, and the person's next grid or final score supersedes it.
    A withdrawn one takes back an instant of a person whose evidence turned out to be another's.

    Attributes:
        id: `person#time_ms.revision`; of an interim score `person#time_ms@position`.
        camera: the camera that saw the person last.
        supersedes: the id of the score this one corrects.
        position: place in the journal of the entry the score was made at.
        score: 0..1000; none when abstained, and then neither band, probability nor reasons.
        abstain: why nothing is said.
        probability_permille: how often reviewers agreed with such a score.
        contributions: what the score is the sum of, besides the bundle's base; the largest first.
        counterfactual: the smallest change that would have kept the person out of the band.
        events: the objective events.
        bundle: digest of the bundle.
    """

    id: str
    person: str
    camera: str | None
    time_ms: int
    kind: ScoreKind
    revision: int
    supersedes: str | None
    position: int
    score: int | None
    abstain: str | None
    band: BandName | None
    probability_permille: int | None
    contributions: list[Contribution]
    counterfactual: list[Change]
    events: tuple[str, ...]
    bundle: str


class Alert(Struct, frozen=True, gc=False, tag="alert", tag_field="type"):
    """A call to look at a person now, or, with `withdraws`, the word that an earlier call no longer holds.

    Attributes:
        id: the id of the score that raised it and `#alert`, or `#withdrawn` where that alert is taken back.
        score_id: the score it rests on.
        events: the objective events that are left; never empty when an alert is raised.
        reasons: the largest contributions.
        withdraws: the id of the alert that is taken back.
    """

    id: str
    person: str
    camera: str | None
    time_ms: int
    score_id: str
    score: int | None
    band: BandName | None
    events: tuple[str, ...]
    reasons: list[Contribution]
    withdraws: str | None = None
