"""What is shown of a finished run: persons with scores, events, purchases, paths and skeletons."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from features.body import feet
from features.keypoints import QUARTERS, PersonFrames
from features.segments import SEGMENT_MS, Attribution, SegmentBlock
from features.site import Site
from models.decision import Score
from streams.codecs import poses
from streams.codecs.journal import read_journal
from streams.console import words
from streams.console.view import (
    ABSTAIN,
    Account,
    Band,
    CameraPath,
    Contribution,
    EventMark,
    PersonView,
    Pose,
    PurchaseMark,
    RunView,
    ScoreAt,
    ZoneStay,
)
from streams.embedded import JOURNAL, Summary
from streams.recording import POSES
from streams.runs import RunFolder

PATH_POINTS = 600
POSES_SHOWN = 4
SCORED_DRAWN, ABSTAINED_DRAWN = 40, 5


def view(run: RunFolder, title: str, speed: str = "", recording: Path | None = None) -> RunView:
    """The whole run for tables and pages; with paths and skeletons of those first in line if the poses are given."""
    persons = [_person(run, name, scores) for name, scores in run.scores.items()]
    whole = RunView(
        title=title,
        cameras=tuple(run.site.cameras),
        persons=tuple(persons),
        bands=bands_of(run),
        accounts=accounts(run.summary),
        bundle_digest=run.bundle.digest,
        speed=speed,
        utc_offset_minutes=run.site.utc_offset_minutes,
    )
    drawn = [*whole.scored[:SCORED_DRAWN], *whole.abstained[:ABSTAINED_DRAWN]]
    detailed = {person.name: person for person in detail(run, drawn, recording)}
    return replace(whole, persons=tuple(detailed.get(person.name, person) for person in persons))


def bands_of(run: RunFolder) -> tuple[Band, ...]:
    """The bands of the bundle a run used."""
    return tuple(Band(band.name, band.enter) for band in run.bundle.bands)


def person_view(run: RunFolder, name: str, recording: Path | None) -> PersonView:
    """One person with everything that can be shown."""
    return detail(run, [_person(run, name, run.scores[name])], recording)[0]


def detail(run: RunFolder, persons: list[PersonView], recording: Path | None) -> list[PersonView]:
    """The persons with stays and purchases from the journal, and paths and skeletons from the poses."""
    owner = {track: person.name for person in persons for track in run.tracks[person.name]}
    seconds, purchases = _journal(run, owner)
    persons = [_with_journal(run.site, person, seconds[person.name], purchases[person.name]) for person in persons]
    if recording is None or not (recording / POSES).exists():
        return persons
    frames = _frames(recording / POSES, run.site, run.tracks, persons)
    return [_with_frames(run.site, person, frames[person.name]) for person in persons]


def accounts(summary: Summary) -> tuple[Account, ...]:
    """Counts in and what became of them."""
    frames = (
        ("of tracks with a score", summary.person_frames_scored),
        ("of tracks abstained on", summary.person_frames_abstained),
        ("late", summary.person_frames_late),
        ("repeated", summary.person_frames_repeated),
        ("opted out", summary.person_frames_opted_out),
        ("in dead letters", summary.person_frames_dead),
    )
    purchases = (
        ("joined to persons", summary.purchases_joined),
        ("with nobody at the till", summary.purchases_unattributed),
        ("late", summary.purchases_late),
    )
    return (
        Account("person-frames", summary.person_frames, frames),
        Account("purchases", summary.purchases, purchases),
    )


def _person(run: RunFolder, name: str, scores: list[Score]) -> PersonView:
    last = scores[-1]
    named = {event: score.time_ms for score in reversed(scores) for event in score.events}
    return PersonView(
        name=name,
        camera=last.camera or "",
        first_ms=scores[0].time_ms,
        last_ms=last.time_ms,
        score=last.score,
        band=last.band or ABSTAIN,
        abstained=last.abstain or "",
        base=run.bundle.scorecard.base,
        contributions=_contributions(last),
        probability_permille=last.probability_permille,
        counterfactual=words.counterfactual(last.band or "", last.counterfactual),
        events=tuple(EventMark(time_ms, event) for event, time_ms in sorted(named.items(), key=lambda one: one[1])),
        timeline=tuple(ScoreAt(one.time_ms, one.score, one.band or ABSTAIN, _contributions(one)) for one in scores),
    )


def _contributions(score: Score) -> tuple[Contribution, ...]:
    return tuple(words.contribution(part.feature, part.value, part.points) for part in score.contributions)


Seconds = list[tuple[int, int, int]]  # second, camera, bits of zones


def _journal(run: RunFolder, owner: dict[str, str]) -> tuple[dict[str, Seconds], dict[str, list[PurchaseMark]]]:
    seconds: dict[str, Seconds] = defaultdict(list)
    purchases: dict[str, list[PurchaseMark]] = defaultdict(list)
    for entry in read_journal(run.folder / JOURNAL, [camera.name for camera in run.site.cameras]):
        if isinstance(entry, SegmentBlock):
            wanted = {place: owner[track] for place, track in enumerate(entry.tracks) if track in owner}
            for at in np.flatnonzero(np.isin(entry.track, list(wanted)) & (entry.rows["frames"] > 0)).tolist():
                row, place = entry.rows[at], int(entry.track[at])
                seen = (int(row["second_ms"]), int(entry.cameras[place]), int(row["zones"]))
                seconds[wanted[place]].append(seen)
        elif isinstance(entry, Attribution):
            for track, share in entry.candidates:
                if track in owner:
                    purchases[owner[track]].append(_purchase(entry, share))
    return seconds, purchases


def _purchase(attribution: Attribution, share_permille: int) -> PurchaseMark:
    bought = ", ".join(line.article for line in attribution.lines)
    return PurchaseMark(attribution.time_ms, f"{bought} at {attribution.till}", share_permille)


def _with_journal(site: Site, person: PersonView, seconds: Seconds, purchases: list[PurchaseMark]) -> PersonView:
    ordered = sorted(seconds)
    first_ms = ordered[0][0] if ordered else person.first_ms
    last_ms = ordered[-1][0] + SEGMENT_MS if ordered else person.last_ms
    by_time = tuple(sorted(purchases, key=lambda mark: mark.time_ms))
    return replace(person, first_ms=first_ms, last_ms=last_ms, stays=_stays(site, ordered), purchases=by_time)


def _stays(site: Site, seconds: Seconds) -> tuple[ZoneStay, ...]:
    spans: list[ZoneStay] = []
    current: dict[tuple[int, int], ZoneStay] = {}
    for second_ms, camera, zones in seconds:
        for bit, zone in enumerate(site.cameras[camera].zones):
            if not zones >> bit & 1:
                continue
            stay = current.get((camera, bit))
            if stay is None or stay.end_ms != second_ms:
                spans += [stay] if stay else []
                stay = ZoneStay(zone.name, zone.kind, second_ms, second_ms)
            current[camera, bit] = replace(stay, end_ms=second_ms + SEGMENT_MS)
    return tuple(sorted([*spans, *current.values()], key=lambda stay: (stay.start_ms, stay.zone)))


def _frames(
    path: Path, site: Site, tracks: dict[str, set[str]], persons: Iterable[PersonView]
) -> dict[str, PersonFrames]:
    """Each person's frames, found by camera, tracker id and time."""
    cameras = {camera.name: place for place, camera in enumerate(site.cameras)}
    found: dict[str, list[PersonFrames]] = {person.name: [PersonFrames.empty()] for person in persons}
    wanted = [(person, track.split("/")) for person in persons for track in tracks[person.name]]
    trackers = np.array(sorted({int(parts[1]) for _, parts in wanted}))
    for batch in poses.read_batches(path):
        block = poses.from_batch(batch, cameras)
        block = block.take(np.isin(block.track, trackers))
        for person, (camera, tracker, start) in wanted:
            of_track = (block.camera == cameras[camera]) & (block.track == int(tracker))
            of_track &= (block.time_ms >= int(start) * SEGMENT_MS) & (block.time_ms < person.last_ms)
            if of_track.any():
                found[person.name].append(block.take(of_track))
    return {name: PersonFrames.concatenate(parts) for name, parts in found.items()}


def _with_frames(site: Site, person: PersonView, frames: PersonFrames) -> PersonView:
    if not len(frames):
        return person
    frames = frames.take(np.argsort(frames.time_ms, kind="stable"))
    paths = tuple(_path(site, frames, camera) for camera in np.unique(frames.camera).tolist())
    return replace(person, paths=paths, poses=_poses(person, frames))


def _path(site: Site, frames: PersonFrames, camera: int) -> CameraPath:
    own = np.flatnonzero(frames.camera == camera)
    own = own[:: max(1, len(own) // PATH_POINTS)]
    x, y = feet(frames.take(own))
    return CameraPath(site.cameras[camera].name, frames.time_ms[own], x / QUARTERS, y / QUARTERS)


def _poses(person: PersonView, frames: PersonFrames) -> tuple[Pose, ...]:
    posed = frames.take(np.flatnonzero(frames.confidence.any(axis=0)))
    if not len(posed):
        return ()
    instants = [(event.time_ms, event.text) for event in person.events][: POSES_SHOWN - 2]
    even = np.linspace(posed.time_ms[0], posed.time_ms[-1], POSES_SHOWN + 2 - len(instants))[1:-1]
    shown = sorted([*instants, *((int(time_ms), "") for time_ms in even)])
    return tuple(_pose(posed, time_ms, caption) for time_ms, caption in shown)


def _pose(posed: PersonFrames, time_ms: int, caption: str) -> Pose:
    at = int(np.argmin(np.abs(posed.time_ms - time_ms)))
    place = (posed.x[:, at] / QUARTERS, posed.y[:, at] / QUARTERS, posed.confidence[:, at])
    return Pose(int(posed.time_ms[at]), caption, *place)
