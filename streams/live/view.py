"""The live view: what an operator sees now. A cache of what was published, never a source of truth.

Everything in it is an item of one of a few kinds. Of each name the item of the highest version counts, until it
expires; so news may come in any order and more than once, from any number of workers, and end in the same view.
"""

from typing import ClassVar, Literal, Protocol

from msgspec import Struct

from features.events import Disposition
from models.bundle import BandName
from models.records import Alert, Score, ScoreKind
from models.scorecard import SCORE_MAX

KINDS: tuple[ScoreKind, ...] = ("interim", "grid", "final", "withdrawn")
VERDICTS = ("unclear", "disagree", "agree")
ITEMS_MAX = 20_000
"""How many items of a kind a view holds; beyond it, those that would expire first go first."""


class CameraHealth(Struct, frozen=True, gc=False):
    """What a worker says of a camera after a round.

    Attributes:
        time_ms: its latest event time.
        person_frames: that came in the round.
        dead_letters, late: so far, since the worker took the camera on.
    """

    name: str
    time_ms: int
    person_frames: int = 0
    dead_letters: int = 0
    late: int = 0


class News(Struct, frozen=True):
    """What became known at one time, `told_ms` by the wall clock."""

    told_ms: int
    scores: list[Score] = []
    alerts: list[Alert] = []
    dispositions: list[Disposition] = []
    cameras: list[CameraHealth] = []


class Reason(Struct, frozen=True, gc=False):
    """A contribution to a score, in words."""

    points: int
    text: str


class LivePerson(Struct, frozen=True, gc=False):
    """A person's latest score.

    Attributes:
        camera: the camera that saw the person last.
        time_ms: the instant of the score, in event time.
        score, band, probability_permille: none when abstained.
        reasons: the largest contributions.
        events: the objective events.
        expires_ms: when it is no longer shown, by the wall clock.
    """

    shelf: ClassVar[str] = "person"
    person: str
    camera: str | None
    area: str
    time_ms: int
    kind: ScoreKind
    revision: int
    position: int
    score: int | None
    band: BandName | None
    abstain: str | None
    probability_permille: int | None
    reasons: tuple[Reason, ...]
    events: tuple[str, ...]
    score_id: str
    expires_ms: int

    @property
    def member(self) -> str:
        """The name among items of this kind."""
        return self.person

    @property
    def version(self) -> str:
        """Later instants count, of one instant higher revisions: a correction supersedes whatever kind it corrects."""
        return f"{self.time_ms:015}{self.revision:09}{KINDS.index(self.kind)}{self.position:015}"

    @property
    def left(self) -> bool:
        """Whether the person is gone, or turned out to be another."""
        return self.kind in {"final", "withdrawn"}

    @property
    def rank(self) -> int:
        """Lowest first: by score, then those who abstain, then those who left."""
        below = SCORE_MAX + 1 if self.score is None else SCORE_MAX - self.score
        return below + 2 * SCORE_MAX * self.left


class LiveAlert(Struct, frozen=True, gc=False):
    """An alert; open until it is withdrawn, answered or expired."""

    shelf: ClassVar[str] = "alert"
    id: str
    person: str
    camera: str | None
    area: str
    time_ms: int
    score_id: str
    score: int | None
    band: BandName | None
    events: tuple[str, ...]
    reasons: tuple[Reason, ...]
    expires_ms: int

    @property
    def member(self) -> str:
        """The name among items of this kind."""
        return self.id

    @property
    def version(self) -> str:
        """An alert never changes."""
        return "0"

    @property
    def rank(self) -> int:
        """The latest first."""
        return -self.time_ms


class Withdrawal(Struct, frozen=True, gc=False):
    """Word that an alert no longer holds; it may come before the alert."""

    shelf: ClassVar[str] = "withdrawal"
    alert: str
    area: str
    expires_ms: int
    version: ClassVar[str] = "0"
    rank: ClassVar[int] = 0

    @property
    def member(self) -> str:
        """The name among items of this kind."""
        return self.alert


class Answer(Struct, frozen=True, gc=False):
    """A reviewer's latest verdict on a person; it closes the person's alerts up to its time."""

    shelf: ClassVar[str] = "answer"
    person: str
    area: str
    time_ms: int
    verdict: Literal["agree", "disagree", "unclear"]
    expires_ms: int
    rank: ClassVar[int] = 0

    @property
    def member(self) -> str:
        """The name among items of this kind."""
        return self.person

    @property
    def version(self) -> str:
        """The latest counts."""
        return f"{self.time_ms:015}{VERDICTS.index(self.verdict)}"


class LiveCamera(Struct, frozen=True, gc=False):
    """A camera's health as its worker told it last, at `told_ms`; the rest as in `CameraHealth`."""

    shelf: ClassVar[str] = "camera"
    name: str
    area: str
    time_ms: int
    person_frames: int
    dead_letters: int
    late: int
    told_ms: int
    expires_ms: int
    rank: ClassVar[int] = 0

    @property
    def member(self) -> str:
        """The name among items of this kind."""
        return self.name

    @property
    def version(self) -> str:
        """What was told last counts, not the latest event time: a camera's clock may be set back."""
        return f"{self.told_ms:015}{self.time_ms:015}{self.person_frames:09}{self.dead_letters:012}{self.late:012}"


Item = LivePerson | LiveAlert | Withdrawal | Answer | LiveCamera
SHELVES: tuple[type[Item], ...] = (LivePerson, LiveAlert, Withdrawal, Answer, LiveCamera)


class LivePage(Struct, frozen=True):
    """A view at one instant: persons by rank, open alerts from the latest, cameras by name."""

    persons: list[LivePerson]
    alerts: list[LiveAlert]
    cameras: list[LiveCamera]


class LiveView(Protocol):
    """What an operator sees; with an area, only what is of that area."""

    def apply(self, news: News) -> None:
        """Take news in; repeated and superseded news change nothing."""

    def ranked(self, limit: int, area: str | None = None) -> list[LivePerson]:
        """Persons, those worth a look first at the top."""

    def person(self, name: str) -> LivePerson | None:
        """A person's latest score, if it is shown."""

    def alerts(self, area: str | None = None) -> list[LiveAlert]:
        """Open alerts, the latest first."""

    def cameras(self, area: str | None = None) -> list[LiveCamera]:
        """The cameras' health, by name."""

    def page(self, limit: int, area: str | None = None) -> LivePage:
        """All of these at one instant, with at most `limit` persons."""

    def expire(self, now_ms: int) -> None:
        """Drop what expires at or before a time of the wall clock."""


def open_alerts(alerts: list[LiveAlert], withdrawals: list[Withdrawal], answers: list[Answer]) -> list[LiveAlert]:
    """Those neither withdrawn nor followed by a verdict on the person; in the order given."""
    withdrawn = {each.alert for each in withdrawals}
    answered = {each.person: each.time_ms for each in answers}
    return [each for each in alerts if each.id not in withdrawn and each.time_ms > answered.get(each.person, -1)]
