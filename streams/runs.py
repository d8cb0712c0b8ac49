"""A finished run's folder, read back."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from features.identity import Identities, person_of
from features.segments import TrackChange
from features.site import Site
from models.bundle import Bundle, load
from models.decision import Score
from streams.codecs.journal import read_journal
from streams.embedded import BUNDLE, JOURNAL, SCORES, SUMMARY, Summary
from streams.recording import SITE
from streams.site_file import load_site


class RunFolderError(Exception):
    """A folder that is not of a finished run."""


@dataclass(slots=True)
class RunFolder:
    """What a run left behind.

    Attributes:
        site: with which it was made.
        bundle: with which it was made.
        summary: what became of everything.
        scores: by person, in order of time, those that were superseded left out.
        tracks: by person.
    """

    folder: Path
    site: Site
    bundle: Bundle
    summary: Summary
    scores: dict[str, list[Score]]
    tracks: dict[str, set[str]]


def open_run(folder: Path) -> RunFolder:
    """Read a run's folder.

    Raises:
        RunFolderError: it lacks a file.
    """
    for name in (SITE, BUNDLE, SUMMARY, SCORES, JOURNAL):
        if not (folder / name).exists():
            raise RunFolderError(f"{folder} has no {name}: expected the folder that `vigil run --out` wrote")
    site = load_site(folder / SITE)
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    scores = standing_scores(read_scores(folder / SCORES))
    tracks = _tracks(folder / JOURNAL, site, set(scores))
    return RunFolder(folder, site, load((folder / BUNDLE).read_bytes()), summary, scores, tracks)


def read_scores(path: Path) -> Iterator[Score]:
    """The scores of a file, one a line, in order of publication."""
    decoder = msgspec.json.Decoder(Score)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


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


def _tracks(journal: Path, site: Site, persons: set[str]) -> dict[str, set[str]]:
    known = Identities.start(site)
    for entry in read_journal(journal, [camera.name for camera in site.cameras]):
        if isinstance(entry, TrackChange):
            known.changes.append(entry)
            known.special.update(track for track in (entry.track, entry.other) if track)
    tracks = {person: {person} for person in persons}
    for track in known.special:
        tracks.setdefault(person_of(known, track), set()).add(track)
    return tracks
