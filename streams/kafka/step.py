"""What a step of a lane leads to: messages to be written, and what whoever watches is told."""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from models.records import Alert, Score
from streams.audit.rows import Row
from streams.audit.sealing import Leaf
from streams.kafka.erasure import Erasure
from streams.kafka.messages import WHY, Fact, Headers
from streams.kafka.taken import Message
from streams.kafka.topics import DEAD_LETTERS, Topic
from streams.sources import DeadLetter


class Outgoing(NamedTuple):
    """A message to be written to the lane's partition of a topic."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class FromCamera:
    """What came of a camera: its latest event time in ms; how many person-frames; of these refused and late ones."""

    time_ms: int
    person_frames: int
    refused: int = 0
    late: int = 0


@dataclass(slots=True)
class Step:
    """What one step of a lane led to.

    Attributes:
        outgoing: in the order in which they are written to each topic.
        rows: of the journal.
        leaves: of the audit log.
        values: of each score the sequence features it was made of, as `decide` gives them.
        shadow_scores, shadow_alerts: of a bundle on trial; its alerts are published nowhere.
        cameras: what came of each camera with frames in this step.
        late_records: what came too late, as it is told.
        late, repeated: how many by kind.
        erased: erasures that were carried out.
        ended: how many tracks another site ended.
    """

    outgoing: list[Outgoing] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    shadow_scores: list[Score] = field(default_factory=list)
    shadow_alerts: list[Alert] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    cameras: dict[str, FromCamera] = field(default_factory=dict)
    late_records: list[object] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    erased: list[Erasure] = field(default_factory=list)
    ended: int = 0

    @property
    def person_frames(self) -> int:
        """How many came in."""
        return sum(camera.person_frames for camera in self.cameras.values())

    def refuse(self, message: Message, letter: DeadLetter) -> None:
        """Set a message aside, with the reason."""
        headers = [*message.headers, (WHY, msgspec.json.encode(letter))]
        self.dead.append(letter)
        self.outgoing.append(Outgoing(DEAD_LETTERS, message.key, message.value, headers))
