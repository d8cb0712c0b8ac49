"""A lane that is given another setup: what it publishes goes on, or ends and begins anew, the same each time."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from features.keypoints import PersonFrames
from features.segments import SegmentBlock
from features.site import Camera, Site
from models.bundle import AbstainRule, Bundle, default_bundle, seal
from models.records import Score
from models.scenarios.generate import Scenario
from streams.codecs.journal import decode_entries
from streams.embedded import ALERTS, JOURNAL, SCORES, Outputs, Run
from streams.kafka.lane import Lane, Message, Outgoing, Step
from streams.kafka.pose_messages import Poses
from streams.kafka.setup import Setup
from streams.kafka.topics import ALERTS as ALERT_TOPIC
from streams.kafka.topics import DEAD_LETTERS, LATE, POSES, PURCHASES
from streams.kafka.topics import JOURNAL as JOURNAL_TOPIC
from streams.kafka.topics import SCORES as SCORE_TOPIC
from streams.snapshots import dump_state, load_state
from streams.sources import merge
from tests.property import test_lane
from tests.property.test_lane import AHEAD_MS, Arrivals, by_topic, journal_file, rows_of, steps_of

scenario, arrivals = test_lane.scenario, test_lane.arrivals

SEEDS = range(3)
BUNDLE = seal(replace(default_bundle(), abstain=AbstainRule(observed_s=9)))


def setup_of(site: Site, bundle: Bundle | None = None) -> Setup:
    return Setup(site, bundle or default_bundle(), 1, AHEAD_MS)


def another_threshold(site: Site) -> Site:
    return replace(site, thresholds=replace(site.thresholds, still_mm_per_s=400))


def a_camera_more(site: Site) -> Site:
    return replace(site, cameras=[Camera("yard"), *site.cameras])


def a_camera_fewer(site: Site) -> Site:
    return replace(site, cameras=[camera for camera in site.cameras if camera.name != "corridor"])


SITES = [another_threshold, a_camera_more, a_camera_fewer]
every_site = pytest.mark.parametrize("change", SITES)
every_seed = pytest.mark.parametrize("seed", SEEDS)


def cut_of(arrivals: Arrivals, seed: int) -> int:
    """Somewhere in the middle, within a second."""
    at = Random(seed).randrange(len(arrivals) // 3, 2 * len(arrivals) // 3)
    return next(at for at in range(at, len(arrivals)) if arrivals[at].time_ms % 1_000 > 400)


def taken(lane: Lane, arrivals: Arrivals, seed: int) -> list[Outgoing]:
    return [one for step in steps_of(arrivals, Random(seed)) for one in lane.step(step).outgoing]


def saved(lane: Lane) -> bytes:
    scoring = lane.pipeline.scoring
    return dump_state(lane.pipeline.camera, scoring.persons, scoring.decisions)


def restored(lane: Lane) -> Lane:
    """The same lane as another worker begins it."""
    setup = Setup.load(lane.setup.dump())
    other = Lane.begin(lane.partition, setup)
    state = load_state(saved(lane), setup.site, setup.bundle.corpus)
    other.pipeline.camera, other.pipeline.scoring.persons, other.pipeline.scoring.decisions = state
    other.ends, other.steps = dict(lane.ends), lane.steps
    return other


def scores_of(outgoing: list[Outgoing]) -> list[Score]:
    return [msgspec.json.decode(value, type=Score) for value in by_topic(outgoing, SCORE_TOPIC)]


def tracks_of(outgoing: list[Outgoing], site: Site) -> set[str]:
    cameras = [camera.name for camera in site.cameras]
    entries = [entry for value in by_topic(outgoing, JOURNAL_TOPIC) for entry in decode_entries(value, cameras)[1]]
    return {track for entry in entries if isinstance(entry, SegmentBlock) for track in entry.tracks}


def positions_of(outgoing: list[Outgoing], site: Site) -> list[int]:
    cameras = [camera.name for camera in site.cameras]
    return [decode_entries(value, cameras)[0] for value in by_topic(outgoing, JOURNAL_TOPIC)]


def finished(scenario: Scenario, site: Site, arrivals: Arrivals, folder: Path, from_ms: int = 0) -> Path:
    """What the embedded runner writes of the same messages, those of earlier seconds left out, to their end."""
    poses = [message.content for message in arrivals if isinstance(message.content, Poses)]
    start = int((scenario.frames.time_ms < poses[0].time_ms[0]).sum()) if poses[0].time_ms[0] else 0
    start += int(scenario.frames.camera[start] != [camera.name for camera in scenario.site.cameras].index(poses[0].camera))
    frames = scenario.frames.take(slice(start, start + sum(len(one.time_ms) for one in poses)))
    frames = of_site(frames.take(frames.time_ms >= from_ms), scenario.site, site)
    receipts = [message.content for message in arrivals if message.topic is PURCHASES]
    with Outputs(folder, site) as outputs:
        run = Run(site, default_bundle(), outputs)
        for item in merge([iter([(one.time_ms, one) for one in receipts]), iter([(int(frames.time_ms[0]), frames)])]):
            run.take(item)
        run.finish()
    return folder


def of_site(frames: PersonFrames, before: Site, site: Site) -> PersonFrames:
    """The frames of cameras that another site has too, by their places there."""
    names = [camera.name for camera in site.cameras]
    places = [names.index(camera.name) if camera.name in names else -1 for camera in before.cameras]
    frames = frames.take([places[camera] >= 0 for camera in frames.camera.tolist()])
    frames.camera[:] = [places[camera] for camera in frames.camera.tolist()]
    return frames
