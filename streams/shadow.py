"""A bundle on trial: it decides on the same rows as the one that counts, by itself, and nobody acts on what it says."""

from dataclasses import dataclass, field

from features.sequence import FeatureRows
from features.site import Site
from models.bundle import Bundle
from models.decision import DecisionState, decide
from models.records import Alert, Score


@dataclass(slots=True)
class Shadow:
    """A bundle with bands, cooldowns and alert budgets of its own.

    Attributes:
        decisions: what its decision remembers.
        scores: that it would have published since they were last told.
        alerts: likewise.
    """

    bundle: Bundle
    decisions: DecisionState = field(default_factory=DecisionState)
    scores: list[Score] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def take(self, rows: FeatureRows, site: Site) -> None:
        """Decide on rows, all that come, from the first after it was put on trial."""
        decided = decide(self.decisions, rows, self.bundle, site)
        self.decisions = decided.state
        self.scores += decided.scores
        self.alerts += decided.alerts

    def tell(self) -> tuple[list[Score], list[Alert]]:
        """What it would have published since it was last asked."""
        told = self.scores, self.alerts
        self.scores, self.alerts = [], []
        return told
