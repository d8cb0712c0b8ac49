"""A finished run's folder, read back."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from features.events import Rejection
from features.identity import Identities, person_of
from features.segments import Entry, Erased, TrackChange
from features.site import Site
from models import normality
from models.bundle import Bundle, check_scoring, load
from models.normality import Normality
from models.records import Score
from streams.audit.erasures import erasures_of, opener_of
from streams.audit.rows import Opener
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import read_journal
from streams.embedded import (
    ALERTS,
    BUNDLE,
    DEAD_LETTERS,
    NORMALITY,
    SCORES,
    SHADOW_BUNDLE,
    SUMMARY,
    Summary,
)
from streams.recording import SITE
from streams.site_file import load_site
from streams.sources import DeadLetter

Record = TypeVar("Record")


ERASING = "erasing.json"  # what is to be erased, while it is


class RunFolderError(Exception):
    """A folder that is not of a finished run, or a file of it that was changed beyond reading."""


@dataclass(frozen=True)
class RunFolder:
    """What a run left behind.

    Attributes:
        site: with which it was made.
        bundle: with which it was made.
        summary: what became of everything.
    """

    folder: Path
    site: Site
    bundle: Bundle
    summary: Summary

    @cached_property
    def scores(self) -> dict[str, list[Score]]:
        """By person, in order of time, those that were superseded left out."""
        return standing_scores(read_lines(self.folder / SCORES, Score))

    @cached_property
    def tracks(self) -> dict[str, set[str]]:
        """By person."""
        return _tracks(self.entries(), self.site, set(self.scores))

    def opener(self) -> Opener:
        """What opens the journal, as far as nothing of it was erased.

        Raises:
            AuditError: the audit log or the keys cannot be read.
        """
        return opener_of(self.folder, [camera.name for camera in self.site.cameras], erasures_of(self.folder))

    def entries(self) -> Iterator[Entry | Erased]:
        """The entries of the journal.

        Raises:
            AuditError: the audit log or the keys cannot be read.
            TableError: the journal cannot be read.
        """
        opener = self.opener()
        return read_journal(self.folder / JOURNAL, opener.cameras, opener)

    @cached_property
    def shadow(self) -> Bundle | None:
        """The bundle that was on trial."""
        path = self.folder / SHADOW_BUNDLE
        return _recorded_bundle(path) if path.exists() else None

    @cached_property
    def normality(self) -> Normality | None:
        """What was normal at the site to this run."""
        path = self.folder / NORMALITY
        return load_normality(path) if path.exists() else None

    @property
    def first_dead_letter(self) -> DeadLetter | None:
        """What was refused first."""
        return next(read_lines(self.folder / DEAD_LETTERS, DeadLetter), None)


def open_run(folder: Path, *, erasing: bool = False) -> RunFolder:
    """Read a run's folder; one with an erasure that was interrupted only to go on with that.

    Raises:
        RunFolderError: it lacks a file, or one cannot be read, or it is half erased.
        SiteFileError: of its site file.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: expected the folder that `vigil run --out` wrote, got no such folder")
    for name in (SITE, BUNDLE, SCORES, ALERTS, DEAD_LETTERS, JOURNAL, SUMMARY):
        if not (folder / name).exists():
            raise RunFolderError(f"{folder}: expected the folder of a finished `vigil run`, got one without {name}")
    if (folder / ERASING).exists() and not erasing:
        raise RunFolderError(f"{folder}: an erasure was interrupted; expected `vigil erase {folder}` to be run first")
    summary = _decoded(folder / SUMMARY, 0, (folder / SUMMARY).read_bytes(), msgspec.json.Decoder(Summary))
    return RunFolder(folder, load_site(folder / SITE), _recorded_bundle(folder / BUNDLE), summary)


def load_bundle(path: Path) -> Bundle:
    """The bundle of a file, to score with.

    Raises:
        RunFolderError: it is no bundle, was changed after it was sealed, or is of another scoring version.
    """
    bundle = _recorded_bundle(path)
    try:
        check_scoring(bundle)
    except Rejection as why:
        raise RunFolderError(
            f"{path}: {why}. Train one with this vigil, or score with the vigil that it was made with"
        ) from None
    return bundle


PARTS_OF_FEATURES = {
    "corpus": "how unusual a basket is",
    "gait": "how somebody walks",
    "handling": "what hands do",
}


def load_shadow(path: Path, bundle: Bundle) -> Bundle:
    """The bundle of a file, to be tried beside the one that counts.

    Raises:
        RunFolderError: it is no bundle, or differs in a part that features rest on from the bundle that counts.
    """
    shadow = load_bundle(path)
    for name, told in PARTS_OF_FEATURES.items():
        if getattr(shadow, name) != getattr(bundle, name):
            raise RunFolderError(
                f"{path}: $.{name}: expected that of the bundle that counts, {bundle.digest}, by which it is told "
                f"{told}; got another. `vigil whatif --bundle` tries it on a run"
            )
    return shadow


def load_normality(path: Path) -> Normality:
    """What is normal at a site, out of a file.

    Raises:
        RunFolderError: it is no such file, or was changed after it was sealed.
    """
    try:
        return normality.load(path.read_bytes())
    except Rejection as why:
        raise RunFolderError(f"{path}: expected tables as `vigil calibrate` writes; {why}") from None


def _recorded_bundle(path: Path) -> Bundle:
    """The bundle of a file, of whatever scoring version."""
    try:
        return load(path.read_bytes())
    except Rejection as why:
        raise RunFolderError(f"{path}: expected a bundle as `vigil train` writes; {why}") from None


def read_lines(path: Path, kind: type[Record]) -> Iterator[Record]:
    """The records of a file of JSON lines, in order.

    Raises:
        RunFolderError: naming the first line that is not one.
    """
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as lines:
        for place, line in enumerate(lines, 1):
            yield _decoded(path, place, line, decoder)


def _decoded(path: Path, place: int, text: bytes, decoder: msgspec.json.Decoder[Record]) -> Record:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise RunFolderError(f"{path}{f':{place}' if place else ''}: expected what `vigil run` wrote, {why}") from None


def standing_scores(scores: Iterator[Score]) -> dict[str, list[Score]]:
    """The scores that still stand, by person and time: the highest revision of each instant, unless withdrawn."""
    latest: dict[tuple[str, int], Score] = {}
    for score in scores:
        latest[score.person, score.time_ms] = score
    by_person: dict[str, list[Score]] = defaultdict(list)
    for score in sorted(latest.values(), key=lambda one: one.time_ms):
        if score.kind != "withdrawn":
            by_person[score.person].append(score)
    return dict(by_person)


def _tracks(entries: Iterator[Entry | Erased], site: Site, persons: set[str]) -> dict[str, set[str]]:
    known = Identities.start(site)
    for entry in entries:
        if isinstance(entry, TrackChange):
            known.changes.append(entry)
            known.special.update(track for track in (entry.track, entry.other) if track)
    tracks = {person: {person} for person in persons}
    for track in known.special:
        tracks.setdefault(person_of(known, track), set()).add(track)
    return tracks
