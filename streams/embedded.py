"""The embedded runner: a recording in; journal, scores, alerts, dead letters and late input out."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec
import numpy as np
from msgspec import Struct

from features.camera import CameraStep
from features.events import Disposition, IdentityChange, Purchase
from features.identity import person_of
from features.keypoints import NO_TRACK, PersonFrames
from features.segments import Attribution, SegmentBlock
from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from models.records import Alert, Score
from streams.audit.rows import Kept
from streams.audit.run_log import RunLog
from streams.pipeline import Pipeline, Said, Scoring, late_records
from streams.sources import DeadLetter, Item

SCORES, ALERTS = "scores.jsonl", "alerts.jsonl"
DEAD_LETTERS, LATE, SUMMARY, BUNDLE = "dead-letters.jsonl", "late.jsonl", "summary.json", "bundle.json"
SHADOW_SCORES, SHADOW_BUNDLE, NORMALITY = "shadow-scores.jsonl", "shadow-bundle.json", "normality.json"

VERDICTS_LEAST = 100  # fewer are not worth looking through


class Summary(Struct):
    """What came in and what became of it.

    Attributes:
        person_frames: came in; each is in one of `person_frames_*`: those of tracks that ended with a score or with an
            abstention, and those that are not in the journal, by reason.
        frames_without_persons: came in.
        purchases: came in; each is in one of `purchases_*`.
        identity_changes: came in, the late and the repeated ones among them.
        dispositions: came in, the repeated ones among them.
        dead_letters: messages and rows that were refused.
        shadow_scores: that a bundle on trial gave.
        shadow_alerts: that it would have published, counted as `alerts`; 0 where topics were recorded, which have none.
    """

    person_frames: int = 0
    person_frames_scored: int = 0
    person_frames_abstained: int = 0
    person_frames_late: int = 0
    person_frames_repeated: int = 0
    person_frames_opted_out: int = 0
    person_frames_dead: int = 0
    frames_without_persons: int = 0
    purchases: int = 0
    purchases_joined: int = 0
    purchases_unattributed: int = 0
    purchases_late: int = 0
    purchases_repeated: int = 0
    identity_changes: int = 0
    identity_changes_late: int = 0
    identity_changes_repeated: int = 0
    dispositions: int = 0
    dispositions_repeated: int = 0
    dead_letters: int = 0
    tracks: int = 0
    tracks_scored: int = 0
    seconds: int = 0
    scores: int = 0
    alerts: int = 0
    alerts_suppressed: dict[str, int] = {}
    shadow_scores: int = 0
    shadow_alerts: int = 0

    @property
    def unaccounted(self) -> int:
        """Person-frames and purchases of which nothing is known; 0 in every finished run."""
        frames = (
            self.person_frames_scored, self.person_frames_abstained, self.person_frames_late,
            self.person_frames_repeated, self.person_frames_opted_out, self.person_frames_dead,
        )  # fmt: skip
        purchases = (
            self.purchases_joined, self.purchases_unattributed, self.purchases_late, self.purchases_repeated,
        )  # fmt: skip
        return abs(self.person_frames - sum(frames)) + abs(self.purchases - sum(purchases))


class Outputs:
    """The files of a run's folder that anyone may read.

    That of the scores of a bundle on trial is there once they are written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = (SCORES, ALERTS, DEAD_LETTERS, LATE)
        (folder / SHADOW_SCORES).unlink(missing_ok=True)
        self._folder, self._files = folder, {name: (folder / name).open("wb") for name in names}
        self._encoder = msgspec.json.Encoder()

    def write(self, name: str, records: Iterable[object]) -> None:
        """Append records to a file of JSON lines."""
        if name not in self._files:
            self._files[name] = (self._folder / name).open("wb")
        self._files[name].writelines(line for record in records for line in (self._encoder.encode(record), b"\n"))

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Seal(Protocol):
    """Whoever seals what is published, before it is written anywhere."""

    def take(self, kept: Kept, said: Said) -> None:
        """An entry of the journal and what it led to."""

    def forget(self, present: Container[str]) -> None:
        """Nothing more comes of others than these persons."""


@dataclass(slots=True)
class Publishing:
    """The half of a run that follows the journal: what its entries lead to is written, what became of it counted."""

    outputs: Outputs
    summary: Summary
    scoring: Scoring
    seal: Seal | None = None
    frames: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, bool] = field(default_factory=dict)

    def take(self, kept: Kept) -> None:
        """Score what an entry of the journal changes."""
        entry = kept.entry
        said = self.scoring.take(entry)
        if self.seal:
            self.seal.take(kept, said)
        if said.scores:
            self._publish(said.scores, said.alerts)
        if self.scoring.shadow:
            self._publish_shadow(*self.scoring.shadow.tell())
        if isinstance(entry, SegmentBlock):
            self._account(entry)
        elif isinstance(entry, Attribution):
            self.summary.purchases_joined += bool(entry.candidates)
            self.summary.purchases_unattributed += not entry.candidates

    def _publish(self, scores: list[Score], alerts: list[Alert]) -> None:
        self.outputs.write(SCORES, scores)
        self.outputs.write(ALERTS, alerts)
        self.summary.scores += len(scores)
        self.summary.alerts += len(alerts)
        self.summary.alerts_suppressed = self.scoring.decisions.suppressed
        self.verdicts.update((score.person, score.score is not None) for score in scores)

    def _publish_shadow(self, scores: list[Score], alerts: list[Alert]) -> None:
        self.outputs.write(SHADOW_SCORES, scores)
        self.summary.shadow_scores += len(scores)
        self.summary.shadow_alerts += len(alerts)

    def _account(self, block: SegmentBlock) -> None:
        frames = np.bincount(block.track, block.rows["frames"], len(block.tracks)).astype(np.int64)
        self.frames.update(dict(zip(block.tracks, frames.tolist(), strict=True)))
        self.summary.seconds += int((block.rows["frames"] > 0).sum())
        for place in block.track[block.rows["frames"] == 0].tolist():
            self._end(block.tracks[place])
        self._forget()

    def _end(self, track: str) -> None:
        person = person_of(self.scoring.persons.identities, track)
        scored = self.verdicts.get(person, False)
        counted = self.frames.pop(track)
        self.summary.tracks += 1
        self.summary.tracks_scored += scored
        if scored:
            self.summary.person_frames_scored += counted
        else:
            self.summary.person_frames_abstained += counted

    def _forget(self) -> None:
        """Let go of verdicts on persons of whom nothing more can come."""
        present, ended = self.scoring.persons.slots, self.scoring.persons.ended
        if len(self.verdicts) > 2 * (len(present) + len(ended)) + VERDICTS_LEAST:
            self.verdicts = {name: said for name, said in self.verdicts.items() if name in present or name in ended}
            if self.seal:
                self.seal.forget(self.verdicts)


class Run:
    """A whole run: every item of a recording through both steps, each output in its file."""

    def __init__(
        self,
        site: Site,
        bundle: Bundle,
        outputs: Outputs,
        log: RunLog,
        shadow: Bundle | None = None,
        normality: Normality | None = None,
    ) -> None:
        self._pipeline, self._log = Pipeline.start(site, bundle, shadow, normality), log
        self._cameras = [camera.name for camera in site.cameras]
        self._outputs = outputs
        self.summary = Summary()
        self._publishing = Publishing(outputs, self.summary, self._pipeline.scoring, log)

    def take(self, item: Item) -> None:
        """Take in one item."""
        self._count(item)
        if isinstance(item, DeadLetter):
            self._outputs.write(DEAD_LETTERS, [item])
        else:
            self._follow(self._pipeline.take(item))

    def finish(self) -> Summary:
        """Close what is open; returns what became of everything."""
        self._follow(self._pipeline.finish())
        return self.summary

    def _follow(self, step: CameraStep) -> None:
        for entry in step.entries:
            self._publishing.take(self._log.keep(entry))
        self._set_aside(step)

    def _set_aside(self, step: CameraStep) -> None:
        self._outputs.write(LATE, late_records(step, self._cameras))
        self.summary.person_frames_late += sum(map(len, step.late))
        self.summary.purchases_late += sum(isinstance(fact, Purchase) for fact in step.late_facts)
        self.summary.identity_changes_late += sum(isinstance(fact, IdentityChange) for fact in step.late_facts)
        self.summary.purchases_repeated += sum(isinstance(fact, Purchase) for fact in step.repeated_facts)
        self.summary.identity_changes_repeated += sum(isinstance(fact, IdentityChange) for fact in step.repeated_facts)
        self.summary.dispositions_repeated += sum(isinstance(fact, Disposition) for fact in step.repeated_facts)
        self.summary.person_frames_repeated += step.repeated
        self.summary.person_frames_opted_out += step.opted_out

    def _count(self, item: Item) -> None:
        summary = self.summary
        if isinstance(item, PersonFrames):
            persons = int((item.track != NO_TRACK).sum())
            summary.person_frames += persons
            summary.frames_without_persons += len(item) - persons
        elif isinstance(item, DeadLetter):
            summary.dead_letters += 1
            summary.person_frames += item.person_frames
            summary.person_frames_dead += item.person_frames
        else:
            summary.purchases += isinstance(item, Purchase)
            summary.identity_changes += isinstance(item, IdentityChange)
            summary.dispositions += isinstance(item, Disposition)
