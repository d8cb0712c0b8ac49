"""What workers made of a partition, as the folder of a run that `vigil replay` and `vigil explain` read."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from features.closing import Layout
from features.events import Disposition, Rejection
from features.segments import Attribution, TrackChange
from features.site import Site
from models.bundle import Bundle, dump
from models.normality import Normality
from models.normality import dump as dump_normality
from models.records import Score
from streams.audit.erasures import Erasures, erasures_of, opener_of, published_of
from streams.audit.log import Log
from streams.audit.records import Kind
from streams.audit.rows import Opener
from streams.audit.run_log import JOURNAL, begin_log
from streams.audit.visit_keys import VISIT_KEYS, VisitKey, write_keys
from streams.codecs.journal import JournalWriter, decode_rows, read_kept
from streams.contracts.cloudevents import alert_of
from streams.embedded import (
    ALERTS,
    BUNDLE,
    DEAD_LETTERS,
    LATE,
    NORMALITY,
    SCORES,
    SHADOW_SCORES,
    SUMMARY,
    Outputs,
    Publishing,
    Summary,
)
from streams.jobs import write_whole
from streams.kafka import topics
from streams.kafka.lane_seal import LEAF, decode_key, read_leaves
from streams.kafka.messages import STEP, WHY, Headers
from streams.kafka.topics import Topic
from streams.pipeline import Scoring
from streams.recording import SITE
from streams.runs import RunFolderError
from streams.site_file import dump_site
from streams.sources import DeadLetter

IDS_REMEMBERED = 1_000_000  # workers repeat what they published last, so that older ones need not be known


class GapError(Exception):
    """Entries of a journal are missing: which position was expected and which came."""

    def __init__(self, place: str, expected: int, got: int, of: str = "journal") -> None:
        super().__init__(
            f"{place}: expected position {expected} of the {of}, got {got}: the entries between are not in the "
            "topic, because they were lost or are past its retention"
        )
        self.expected, self.got = expected, got


class Once:
    """Tells what came before, of the last million."""

    def __init__(self) -> None:
        self._known = dict[str, None]()

    def __call__(self, name: str) -> bool:
        """Whether it comes for the first time."""
        if name in self._known:
            return False
        self._known[name] = None
        if len(self._known) > IDS_REMEMBERED:
            del self._known[next(iter(self._known))]
        return True


class RecordedOutputs:
    """Writes the outputs of a partition; messages that workers repeated after a crash are left out.

    Attributes:
        repeats: messages that were left out.
    """

    def __init__(self, folder: Path, site: Site, bundle: Bundle, normality: Normality | None = None) -> None:
        self.folder, self.repeats = folder, 0
        self._site, self._bundle, self._normality = site, bundle, normality
        self._cameras = [camera.name for camera in site.cameras]
        (folder / SUMMARY).unlink(missing_ok=True)
        self._outputs = Outputs(folder)
        self._rows = JournalWriter(folder / JOURNAL)
        self._log: Log | None = None
        self._keys = dict[str, VisitKey]()
        self._sealed_by = {SCORES: list[int](), ALERTS: list[int]()}  # of each line the leaf, -1 where none is named
        self._position = 0
        self._once = Once()
        self._scores = msgspec.json.Decoder(Score)
        self._letters = msgspec.json.Decoder(DeadLetter)
        self._told = Summary()
        self._takers: dict[Topic, Callable[[str, bytes, Headers], None]] = {
            topics.JOURNAL: self._journal,
            topics.AUDIT: self._leaves,
            topics.SCORES: self._score,
            topics.ALERTS: self._alert,
            topics.SHADOW_SCORES: self._shadow_score,
            topics.LATE: self._late,
            topics.DEAD_LETTERS: self._dead_letter,
        }

    def take(self, topic: Topic, place: str, value: bytes, headers: Headers) -> None:
        """Write a message; `place` is its topic, partition and offset.

        Raises:
            GapError: entries of the journal are missing before it.
            RunFolderError: it is not what workers write, or was made with another bundle.
        """
        try:
            self._takers[topic](place, value, headers)
        except (Rejection, msgspec.DecodeError, UnicodeDecodeError) as why:
            raise RunFolderError(f"{place}: expected what `vigil worker` writes with this site, {why}") from None

    def close(self) -> None:
        """Finish the files; the summary comes last."""
        self._outputs.close()
        self._rows.close()
        write_keys(self.folder / VISIT_KEYS, self._keys.values())
        if self._log:
            self._log.publish()
            self._log.close()
        erased = erasures_of(self.folder)
        opener = opener_of(self.folder, self._cameras, erased)
        if self._log:
            self._fill(opener, erased)
        (self.folder / SITE).write_text(dump_site(self._site), encoding="utf-8")
        (self.folder / BUNDLE).write_bytes(dump(self._bundle))
        (self.folder / NORMALITY).unlink(missing_ok=True)
        if self._normality:
            (self.folder / NORMALITY).write_bytes(dump_normality(self._normality))
        summary = self._summary(opener)
        write_whole(self.folder / SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=1))

    def abandon(self) -> None:
        """Close the files without a summary."""
        self._outputs.close()
        self._rows.close()
        if self._log:
            self._log.close()

    @property
    def _sealed(self) -> Log:
        self._log = self._log or begin_log(self.folder)
        return self._log

    def take_key(self, place: str, name: bytes, value: bytes | None) -> None:
        """Keep the key of a visit, or with None let go of it: it was erased.

        Raises:
            RunFolderError: it is none.
        """
        visit = name.decode("ascii", "replace")
        self.repeats += visit in self._keys and value is not None
        try:
            if value is None:
                self._keys.pop(visit, None)
            else:
                self._keys[visit] = decode_key(value)
        except Rejection as why:
            raise RunFolderError(f"{place}: expected the key of a visit, {why}") from None

    def _fill(self, opener: Opener, erased: Erasures) -> None:
        """What is no longer in the topics comes out of the log, and what is still there of the erased is left out."""
        for name, kind in ((SCORES, Kind.SCORE), (ALERTS, Kind.ALERT)):
            lines = list(published_of(self.folder, kind, opener.keys))
            there = (self.folder / name).read_bytes().splitlines()
            by_leaf = zip(there, self._sealed_by[name], strict=True)
            told = [line for line, leaf in by_leaf if leaf not in erased.leaves]
            if there != lines and told == lines[len(lines) - len(told) :]:
                write_whole(self.folder / name, b"".join(line + b"\n" for line in lines))

    def _leaves(self, place: str, value: bytes, headers: Headers) -> None:
        told = read_leaves(value, headers)
        if told.first > self._sealed.size:
            raise GapError(place, self._sealed.size, told.first, "audit log")
        if told.first < self._sealed.size:
            self.repeats += 1
        else:
            self._sealed.append(told.leaves)

    def _journal(self, place: str, value: bytes, _: Headers) -> None:
        rows = decode_rows(value)
        if rows[0].position < self._position:
            self.repeats += 1
            return
        if rows[0].position > self._position:
            raise GapError(place, self._position, rows[0].position)
        self._rows.append(rows)
        self._position = rows[-1].position + 1

    def _score(self, place: str, value: bytes, headers: Headers) -> None:
        score = self._scores.decode(value)
        if score.bundle != self._bundle.digest:
            raise RunFolderError(f"{place}: expected scores of the bundle {self._bundle.digest}, got {score.bundle}")
        if self._write(SCORES, score.id, score):
            self._sealed_by[SCORES].append(_leaf(headers))

    def _alert(self, _: str, value: bytes, headers: Headers) -> None:
        alert = alert_of(value)
        if self._write(ALERTS, alert.id, alert):
            self._sealed_by[ALERTS].append(_leaf(headers))

    def _shadow_score(self, _: str, value: bytes, __: Headers) -> None:
        score = self._scores.decode(value)
        known_as = f"{SHADOW_SCORES}:{score.bundle}:{score.id}"
        self._told.shadow_scores += self._write(SHADOW_SCORES, known_as, score)

    def _late(self, _: str, value: bytes, headers: Headers) -> None:
        step = dict(headers).get(STEP)
        if step is not None and not self._once(f"{LATE}:{step.decode()}"):
            self.repeats += 1
            return
        for line in value.splitlines():
            kind = msgspec.json.decode(line, type=dict[str, Any]).get("type")
            self._told.person_frames_late += kind == "person_frame"
            self._told.purchases_late += kind == "purchase"
            self._told.identity_changes_late += kind == "identity"
            self._outputs.write(LATE, [msgspec.Raw(line)])

    def _dead_letter(self, _: str, __: bytes, headers: Headers) -> None:
        letter = self._letters.decode(dict(headers).get(WHY, b""))
        if self._write(DEAD_LETTERS, f"{letter.source}:{letter.place}", letter):
            self._told.dead_letters += 1
            self._told.person_frames_dead += letter.person_frames

    def _write(self, name: str, known_as: str, record: object) -> bool:
        if not self._once(known_as):
            self.repeats += 1
            return False
        self._outputs.write(name, [record])
        return True

    def _summary(self, opener: Opener) -> Summary:
        """What became of everything, as far as the topics tell: the journal is scored again for what is in none.

        Person-frames that were repeated or opted out are in no topic and not counted at all.
        """
        summary = self._scored_again(opener)
        told = self._told
        summary.purchases_late, summary.identity_changes_late = told.purchases_late, told.identity_changes_late
        summary.person_frames_late, summary.person_frames_dead = told.person_frames_late, told.person_frames_dead
        summary.dead_letters, summary.dispositions = told.dead_letters, told.dispositions
        summary.shadow_scores = told.shadow_scores
        summary.purchases = told.purchases + told.purchases_late
        summary.identity_changes = told.identity_changes + told.identity_changes_late
        summary.person_frames = (
            summary.person_frames_scored
            + summary.person_frames_abstained
            + summary.person_frames_late
            + summary.person_frames_dead
        )
        return summary

    def _scored_again(self, opener: Opener) -> Summary:
        scoring = Scoring.start(self._site, self._bundle, Layout.of(self._site))
        with tempfile.TemporaryDirectory() as scratch, Outputs(Path(scratch)) as outputs:
            publishing = Publishing(outputs, Summary(), scoring)
            for kept in read_kept(self.folder / JOURNAL, opener):
                publishing.take(kept)
                self._told.identity_changes += isinstance(kept.entry, TrackChange)
                self._told.dispositions += isinstance(kept.entry, Disposition)
                self._told.purchases += isinstance(kept.entry, Attribution)
        return publishing.summary


def _leaf(headers: Headers) -> int:
    """Which leaf seals a score or an alert; -1 where it is not said."""
    return int(dict(headers).get(LEAF, b"-1"))
