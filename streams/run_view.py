"""What is shown of a finished run: persons with scores, events, purchases, paths and skeletons."""

from collections import defaultdict
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from features.events import TIME_MS_END
from features.keypoints import QUARTERS, PersonFrames
from features.segments import SEGMENT_MS, Attribution, SegmentBlock
from features.site import Camera, Site
from models.records import Score
from streams.codecs import poses
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
from streams.embedded import Summary
from streams.recording import POSES
from streams.runs import RunFolder, RunFolderError

POSES_SHOWN = 4
SCORED_DRAWN, ABSTAINED_DRAWN = 40, 5


def view(run: RunFolder, title: str, speed: str = "", recording: Path | None = None) -> RunView:
    """The whole run for tables and pages; with skeletons of those first in line if the poses are given."""
    base = run.bundle.scorecard.base
    persons = [scored_person(name, scores, base) for name, scores in run.scores.items()]
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
    return detail(run, [scored_person(name, run.scores[name], run.bundle.scorecard.base)], recording)[0]


def named_person(run: RunFolder, person: str) -> str:
    """The full name of the one person who is meant.

    Raises:
        RunFolderError: it is nobody's name, or more than one's.
    """
    found = [name for name in run.scores if person in {name, words.short(name)}]
    found = found or [name for name in run.scores if name.startswith(person)]
    found = found or [name for name, tracks in run.tracks.items() if person in tracks and name in run.scores]
    if len(found) != 1:
        raise RunFolderError(_unclear(run, person, found))
    return found[0]


def _unclear(run: RunFolder, person: str, found: list[str]) -> str:
    if found:
        return f"{person}: expected the name of one person; {len(found)} begin so: {_some(found)}"
    names = {words.short(name): name for name in run.scores}
    near = [names[each] for each in get_close_matches(person, names, 3, 0)]
    told = "near are " + _some(near) if near else "it has no names"
    return f"{person}: nobody of {run.folder} has this name; {told}"


def _some(names: list[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")  # noqa: PLR2004 - five are enough to see


def detail(run: RunFolder, persons: list[PersonView], recording: Path | None) -> list[PersonView]:
    """The persons with paths, stays and purchases from the journal, and skeletons from the poses."""
    owner = {track: person.name for person in persons for track in run.tracks[person.name]}
    seconds, purchases = _journal(run, owner)
    persons = [
        with_journal(run.site.cameras, person, seconds[person.name], purchases[person.name]) for person in persons
    ]
    if recording is None or not (recording / POSES).exists():
        return persons
    wanted = {person.name: _telling(person, seconds[person.name]) for person in persons}
    frames = _frames(recording / POSES, run.site, [second for telling in wanted.values() for second, _ in telling])
    return [replace(person, poses=_poses(wanted[person.name], frames)) for person in persons]


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
        ("repeated", summary.purchases_repeated),
    )
    return (
        Account("person-frames", summary.person_frames, frames),
        Account("purchases", summary.purchases, purchases),
    )


def scored_person(name: str, scores: list[Score], base: int) -> PersonView:
    """A person by the scores that stand, in order of time; `base` is what everybody starts with."""
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
        base=base,
        contributions=_contributions(last),
        probability_permille=last.probability_permille,
        counterfactual=words.counterfactual(last.band or "", last.counterfactual),
        events=tuple(EventMark(time_ms, event) for event, time_ms in sorted(named.items(), key=lambda one: one[1])),
        timeline=tuple(ScoreAt(one.time_ms, one.score, one.band or ABSTAIN, _contributions(one)) for one in scores),
    )


def _contributions(score: Score) -> tuple[Contribution, ...]:
    return tuple(words.contribution(part.feature, part.value, part.points) for part in score.contributions)


class Second(NamedTuple):
    """Where a person was in a second; x and y are pixels of the camera's picture."""

    second_ms: int
    camera: int
    zones: int
    x: float
    y: float
    tracker: int


Seconds = list[Second]


def _journal(run: RunFolder, owner: dict[str, str]) -> tuple[dict[str, Seconds], dict[str, list[PurchaseMark]]]:
    seconds: dict[str, Seconds] = defaultdict(list)
    purchases: dict[str, list[PurchaseMark]] = defaultdict(list)
    for entry in run.entries():
        if isinstance(entry, SegmentBlock):
            wanted = {place: owner[track] for place, track in enumerate(entry.tracks) if track in owner}
            for at in np.flatnonzero(np.isin(entry.track, list(wanted)) & (entry.rows["frames"] > 0)).tolist():
                place = int(entry.track[at])
                seconds[wanted[place]].append(second_of(run.site.cameras, int(entry.cameras[place]), entry.rows[at]))
        elif isinstance(entry, Attribution):
            for track, share in entry.candidates:
                if track in owner:
                    purchases[owner[track]].append(_purchase(entry, share))
    return seconds, purchases


def second_of(cameras: list[Camera], camera: int, row: np.void) -> Second:
    """Where a segment has the person; `camera` is the place of its camera."""
    x, y = float(row["x"]), float(row["y"])
    homography = cameras[camera].homography
    if homography is None:
        x, y = x / QUARTERS, y / QUARTERS
    else:
        across, down, scale = np.linalg.solve(np.array(homography), np.array([x, y, 1.0])).tolist()
        x, y = across / scale, down / scale
    return Second(int(row["second_ms"]), camera, int(row["zones"]), x, y, int(row["tracker"]))


def _purchase(attribution: Attribution, share_permille: int) -> PurchaseMark:
    bought = ", ".join(line.article for line in attribution.lines)
    return PurchaseMark(attribution.time_ms, f"{bought} at {attribution.till}", share_permille)


def with_journal(
    cameras: list[Camera], person: PersonView, seconds: Seconds, purchases: list[PurchaseMark]
) -> PersonView:
    """The person with paths, stays and purchases; seconds name cameras by their place."""
    ordered = sorted(seconds)
    first_ms = ordered[0].second_ms if ordered else person.first_ms
    last_ms = ordered[-1].second_ms + SEGMENT_MS if ordered else person.last_ms
    return replace(
        person,
        first_ms=first_ms,
        last_ms=last_ms,
        stays=_stays(cameras, ordered),
        purchases=tuple(sorted(purchases, key=lambda mark: mark.time_ms)),
        paths=_paths(cameras, ordered),
    )


def _paths(cameras: list[Camera], seconds: Seconds) -> tuple[CameraPath, ...]:
    ways: dict[int, Seconds] = defaultdict(list)
    for second in seconds:
        ways[second.camera].append(second)
    return tuple(_path(cameras[camera].name, way) for camera, way in ways.items())


def _path(camera: str, way: Seconds) -> CameraPath:
    time_ms, x, y = (np.array([getattr(second, name) for second in way]) for name in ("second_ms", "x", "y"))
    return CameraPath(camera, time_ms, x, y)


def _stays(cameras: list[Camera], seconds: Seconds) -> tuple[ZoneStay, ...]:
    spans: list[ZoneStay] = []
    current: dict[tuple[int, int], ZoneStay] = {}
    for second_ms, camera, zones, *_ in seconds:
        for bit, zone in enumerate(cameras[camera].zones):
            if not zones >> bit & 1:
                continue
            stay = current.get((camera, bit))
            if stay is None or stay.end_ms != second_ms:
                spans += [stay] if stay else []
                stay = ZoneStay(zone.name, zone.kind, second_ms, second_ms)
            current[camera, bit] = replace(stay, end_ms=second_ms + SEGMENT_MS)
    return tuple(sorted([*spans, *current.values()], key=lambda stay: (stay.start_ms, stay.zone)))


def _telling(person: PersonView, seconds: Seconds) -> list[tuple[Second, str]]:
    """A few seconds to show poses of, with captions: the first events, and others spread over the visit."""
    ordered = sorted(seconds)
    if not ordered:
        return []
    events = [(mark.time_ms, mark.text) for mark in person.events][: POSES_SHOWN - 2]
    even = np.linspace(0, len(ordered) - 1, POSES_SHOWN + 2 - len(events))[1:-1].round().astype(int).tolist()
    at_events = {min(ordered, key=lambda second: abs(second.second_ms - time_ms)): text for time_ms, text in events}
    return sorted(({ordered[at]: "" for at in even} | at_events).items())


def _frames(path: Path, site: Site, seconds: Seconds) -> PersonFrames:
    """The posed frames of all persons in the given seconds of the cameras."""
    cameras = {camera.name: place for place, camera in enumerate(site.cameras)}
    wanted = np.unique([_key(second.camera, second.second_ms) for second in seconds])
    found = [PersonFrames.empty()]
    for batch in poses.read_batches(path):
        block = poses.from_batch(batch, cameras)
        keys = _key(block.camera.astype(np.int64), block.time_ms // SEGMENT_MS * SEGMENT_MS)
        found.append(block.take(np.isin(keys, wanted) & block.confidence.any(axis=0)))
    return PersonFrames.concatenate(found)


def _key(camera: Any, second_ms: Any) -> Any:  # noqa: ANN401 - a number or an array of them
    return camera * TIME_MS_END + second_ms


def _poses(telling: list[tuple[Second, str]], frames: PersonFrames) -> tuple[Pose, ...]:
    shown = (_pose(frames, second, caption) for second, caption in telling)
    return tuple(pose for pose in shown if pose)


def _pose(frames: PersonFrames, second: Second, caption: str) -> Pose | None:
    """The pose in the middle of a second, if one was seen."""
    own = (frames.camera == second.camera) & (frames.track == second.tracker)
    own &= (frames.time_ms >= second.second_ms) & (frames.time_ms < second.second_ms + SEGMENT_MS)
    if not own.any():
        return None
    seen = np.flatnonzero(own)
    at = int(seen[len(seen) // 2])
    place = (frames.x[:, at] / QUARTERS, frames.y[:, at] / QUARTERS, frames.confidence[:, at])
    return Pose(int(frames.time_ms[at]), caption, *place)
