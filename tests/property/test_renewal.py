"""A lane that is given another setup: what it publishes goes on, or ends and begins anew, the same each time."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from features.basket import Corpus
from features.events import Purchase
from features.keypoints import PersonFrames
from features.segments import SEGMENT, SegmentBlock
from features.site import Camera, Site
from models.bundle import AbstainRule, Bundle, default_bundle, seal
from models.records import Score
from models.scenarios.generate import Scenario
from streams.audit.run_log import RunLog
from streams.codecs.journal import decode_rows
from streams.contracts.cloudevents import alert_of
from streams.embedded import ALERTS, SCORES, Outputs, Run
from streams.kafka.lane import Lane
from streams.kafka.pose_messages import Poses
from streams.kafka.setup import Setup
from streams.kafka.step import Outgoing, Step
from streams.kafka.taken import Message
from streams.kafka.topics import ALERTS as ALERT_TOPIC
from streams.kafka.topics import AUDIT, DEAD_LETTERS, LATE, POSES, PURCHASES, VISIT_KEYS
from streams.kafka.topics import JOURNAL as JOURNAL_TOPIC
from streams.kafka.topics import SCORES as SCORE_TOPIC
from streams.sources import merge
from tests.journals import rows_of, sent_entries
from tests.normalities import hands, normality
from tests.property import test_lane
from tests.property.test_lane import AHEAD_MS, SECRET, Arrivals, by_topic, embedded, journal_of, steps_of
from tests.unit.test_gait_model import model

scenario, arrivals = test_lane.scenario, test_lane.arrivals

Change = Callable[[Site], Site]

SEEDS = range(3)
BUNDLE = seal(
    replace(
        default_bundle(),
        abstain=AbstainRule(observed_s=9),
        corpus=Corpus({"rope": 1}, 7),
        gait=model(),
        handling=hands(),
    )
)


def setup_of(site: Site, bundle: Bundle | None = None, shadow: Bundle | None = None) -> Setup:
    return Setup(site, bundle or default_bundle(), 1, AHEAD_MS, shadow)


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
    return lane.dump()


def restored(lane: Lane) -> Lane:
    """The same lane as another worker begins it."""
    setup = Setup.load(lane.setup.dump())
    other = Lane.begin(lane.partition, setup, SECRET)
    other.restore(saved(lane))
    other.ends, other.steps = dict(lane.ends), lane.steps
    return other


def scores_of(outgoing: list[Outgoing]) -> list[Score]:
    return [msgspec.json.decode(value, type=Score) for value in by_topic(outgoing, SCORE_TOPIC)]


def tracks_of(outgoing: list[Outgoing], site: Site) -> set[str]:
    cameras = [camera.name for camera in site.cameras]
    entries = sent_entries(by_topic(outgoing, JOURNAL_TOPIC), by_topic(outgoing, VISIT_KEYS), cameras)
    return {track for entry in entries if isinstance(entry, SegmentBlock) for track in entry.tracks}


def names(site: Site) -> list[str]:
    return [camera.name for camera in site.cameras]


def segment_of(row: bytes) -> np.void | None:
    """The segment of a journal's row as `flat` gives it, if it is of none but a fact."""
    if row.startswith(b"{"):
        return None
    segment: np.void = np.frombuffer(row[-SEGMENT.itemsize :], SEGMENT).copy()[0]
    return segment


def without(row: bytes, field: str) -> bytes:
    """A journal's row with zero in a field of the segment."""
    segment = segment_of(row)
    if segment is None:
        return row
    segment[field] = 0
    return row[: -SEGMENT.itemsize] + segment.tobytes()


def first_position(outgoing: list[Outgoing]) -> int:
    return decode_rows(by_topic(outgoing, JOURNAL_TOPIC)[0])[0].position


def rows_in(arrivals: Arrivals) -> int:
    return sum(len(one.content.time_ms) for one in arrivals if isinstance(one.content, Poses))


def finished(
    scenario: Scenario, site: Site, before: Arrivals, arrivals: Arrivals, folder: Path, from_ms: int = 0
) -> Path:
    """What the embedded runner writes of messages to their end, frames of earlier seconds left out."""
    start = rows_in(before)
    frames = scenario.frames.take(slice(start, start + rows_in(arrivals)))
    frames = of_site(frames.take(frames.time_ms >= from_ms), scenario.site, site)
    paid = [(one.time_ms, one.content) for one in arrivals if isinstance(one.content, Purchase)]
    with Outputs(folder) as outputs, RunLog(folder, site, default_bundle()) as log:
        run = Run(site, default_bundle(), outputs, log)
        for item in merge([iter(paid), iter([(int(frames.time_ms[0]), frames)])]):
            run.take(item)
        run.finish()
        log.finish()
    return folder


def of_site(frames: PersonFrames, before: Site, site: Site) -> PersonFrames:
    """The frames of cameras that another site has too, by their places there."""
    names = [camera.name for camera in site.cameras]
    places = np.array([names.index(one.name) if one.name in names else -1 for one in before.cameras])[frames.camera]
    kept = frames.take(places >= 0)
    kept.camera[:] = places[places >= 0]
    return kept


@every_seed
def test_another_bundle_scores_what_comes(scenario: Scenario, arrivals: Arrivals, tmp_path: Path, seed: int) -> None:
    at, lane = cut_of(arrivals, seed), lane_before(scenario)
    before = taken(lane, arrivals[:at], seed)
    lane = restored(lane)
    step, wanted = lane.renew(setup_of(scenario.site, BUNDLE)), setup_of(scenario.site, BUNDLE)
    assert step.leaves == [lane.seal.begun(wanted)]
    assert [one.topic for one in step.outgoing] == [AUDIT]
    assert step == Step(outgoing=step.outgoing, leaves=step.leaves)
    assert lane.setup.digest == setup_of(scenario.site, BUNDLE).digest
    assert lane.pipeline.scoring.persons.identities.corpus == BUNDLE.corpus
    assert lane.pipeline.scoring.places.walks == BUNDLE.gait
    assert lane.pipeline.layout.handling == BUNDLE.handling
    after = taken(restored(lane), arrivals[at:], seed)
    assert {score.bundle for score in scores_of(before)} == {default_bundle().digest}
    assert {score.bundle for score in scores_of(after)} == {BUNDLE.digest}
    found = journal_of(before + after, scenario.site)
    expected = rows_of(embedded(scenario, tmp_path / "run"), names(scenario.site))
    assert [without(row, "handling") for row in found] == [without(row, "handling") for row in expected]
    assert found[:20] == expected[:20]
    assert found != expected
    scored = {
        one.id: one for one in scores_of(taken(Lane.begin(0, setup_of(scenario.site, BUNDLE), SECRET), arrivals, 0))
    }
    on_grid = [one for one in scores_of(after) if one.kind != "interim"]
    assert [one.contributions for one in on_grid] == [scored[one.id].contributions for one in on_grid]
    assert any(one.abstain and "needs 9 s" in one.abstain for one in on_grid)


@every_seed
def test_another_normality_counts_from_the_next_second_on(
    scenario: Scenario, arrivals: Arrivals, tmp_path: Path, seed: int
) -> None:
    at, lane, site = cut_of(arrivals, seed), lane_before(scenario), scenario.site
    normal = normality([camera.name for camera in site.cameras])
    wanted = Setup(site, default_bundle(), 1, AHEAD_MS, normality=normal)
    before, step = taken(lane, arrivals[:at], seed), lane.renew(wanted)
    assert (step.ended, step.leaves) == (0, [lane.seal.begun(wanted)])
    assert lane.setup.digest == wanted.digest
    outgoing = before + taken(restored(lane) if seed % 2 else lane, arrivals[at:], seed)
    journal, expected = journal_of(outgoing, site), rows_of(embedded(scenario, tmp_path / "run"), names(site))
    assert [without(row, "unusual_mbit") for row in journal] == [without(row, "unusual_mbit") for row in expected]
    position = len(journal_of(before, site))
    segments = [(at, segment_of(row)) for at, row in enumerate(journal)]
    told = [
        (at < position, bool(segment["unusual_mbit"][0] >= 0))
        for at, segment in segments
        if segment is not None and segment["frames"]
    ]
    assert (True, True) not in told
    assert told.count((False, True)) > told.count((False, False))


@every_site
@every_seed
def test_another_site_ends_what_was_open(
    scenario: Scenario, arrivals: Arrivals, tmp_path: Path, change: Change, seed: int
) -> None:
    at, lane = cut_of(arrivals, seed), lane_before(scenario)
    outgoing = taken(lane, arrivals[:at], seed)
    open_before = len(lane.pipeline.camera.open)
    lane = restored(lane)
    step = lane.renew(setup_of(change(scenario.site), BUNDLE))
    outgoing += step.outgoing
    assert step.ended >= open_before > 0
    run = finished(scenario, scenario.site, [], arrivals[:at], tmp_path / "run")
    assert journal_of(outgoing, scenario.site) == rows_of(run, names(scenario.site))
    assert by_topic(outgoing, SCORE_TOPIC) == (run / SCORES).read_bytes().splitlines()
    alerts = [msgspec.json.encode(alert_of(value)) for value in by_topic(outgoing, ALERT_TOPIC)]
    assert alerts == (run / ALERTS).read_bytes().splitlines()
    assert [score.kind for score in step.scores].count("final") == step.ended


@every_site
@every_seed
def test_another_site_begins_anew(
    scenario: Scenario, arrivals: Arrivals, tmp_path: Path, change: Change, seed: int
) -> None:
    """As a run of its own on what comes from the next second on, with positions that go on."""
    site, at, lane = change(scenario.site), cut_of(arrivals, seed), lane_before(scenario)
    before = taken(lane, arrivals[:at], seed) + lane.renew(setup_of(site)).outgoing
    position = len(journal_of(before, scenario.site))
    after = taken(lane, arrivals[at:], seed) + lane.renew(setup_of(scenario.site)).outgoing
    from_ms = (arrivals[at - 1].time_ms // 1_000 + 1) * 1_000
    run = finished(scenario, site, arrivals[:at], arrivals[at:], tmp_path / "run", from_ms)
    assert first_position(after) == position
    assert journal_of(after, site) == rows_of(run, names(site))
    expected = [msgspec.json.decode(line, type=Score) for line in (run / SCORES).read_bytes().splitlines()]
    assert [(one.id.partition("@")[0], one.score, one.position - position) for one in scores_of(after)] == [
        (one.id.partition("@")[0], one.score, one.position) for one in expected
    ]
    assert tracks_of(before, scenario.site).isdisjoint(tracks_of(after, site))
    assert len({score.id for score in scores_of(before + after)}) == len(scores_of(before + after))
    late = b"".join(by_topic(after, LATE)).splitlines()
    unknown = [one for one in arrivals[at:] if change is a_camera_fewer and camera_of(one) == "corridor"]
    assert late
    assert len(by_topic(after, DEAD_LETTERS)) == len(unknown)


@every_site
@every_seed
def test_a_renewal_taken_again_gives_the_same_bytes(
    scenario: Scenario, arrivals: Arrivals, change: Change, seed: int
) -> None:
    at, wanted, lane = cut_of(arrivals, seed), setup_of(change(scenario.site), BUNDLE), lane_before(scenario)
    taken(lane, arrivals[:at], seed)
    again = restored(lane)
    assert lane.renew(wanted).outgoing == again.renew(wanted).outgoing != []
    assert (lane.steps, lane.ends, lane.setup.digest) == (again.steps, again.ends, wanted.digest)
    assert saved(lane) == saved(again)
    again = restored(again)
    assert taken(lane, arrivals[at:], seed) == taken(again, arrivals[at:], seed) != []


def test_a_camera_that_was_away_for_a_moment_goes_on_in_the_next_second(scenario: Scenario, arrivals: Arrivals) -> None:
    at, lane = first_frame_of_a_track(arrivals), lane_before(scenario)
    before = taken(lane, arrivals[:at], 0)
    before += lane.renew(setup_of(a_camera_fewer(scenario.site))).outgoing
    before += lane.renew(setup_of(scenario.site)).outgoing
    after = taken(lane, arrivals[at:], 0)
    assert tracks_of(before, scenario.site).isdisjoint(tracks_of(after, scenario.site))
    assert {track.partition("/")[0] for track in tracks_of(after, scenario.site)} == {"floor", "corridor"}


def first_frame_of_a_track(arrivals: Arrivals) -> int:
    """After the first frame, early in a second, of somebody who comes into the corridor."""
    known = set[int]()
    for at, message in enumerate(arrivals):
        if isinstance(message.content, Poses) and message.content.camera == "corridor":
            new = set(message.content.track.tolist()) - known
            if new and known and message.time_ms % 1_000 < 500 and at > len(arrivals) // 4:
                return at + 1
            known |= new
    raise AssertionError("nobody comes")


def test_a_purchase_that_is_repeated_after_a_renewal_does_not_count(scenario: Scenario, arrivals: Arrivals) -> None:
    lane = lane_before(scenario)
    paid = [one for one in arrivals if one.topic is PURCHASES][-1]
    taken(lane, arrivals[: arrivals.index(paid) + 1], 0)
    lane.renew(setup_of(another_threshold(scenario.site)))
    step = lane.step({PURCHASES: [paid._replace(offset=paid.offset + 1)]})
    assert (step.repeated, step.outgoing) == ({"facts": 1}, [])


def test_the_same_setup_renews_nothing(scenario: Scenario, arrivals: Arrivals) -> None:
    lane = lane_before(scenario)
    taken(lane, arrivals[: len(arrivals) // 2], 0)
    steps, state = lane.steps, saved(lane)
    assert lane.renew(Setup.load(setup_of(scenario.site).dump())) == Step()
    assert (lane.steps, saved(lane)) == (steps, state)


def test_events_are_refused_by_the_new_settings(scenario: Scenario, arrivals: Arrivals) -> None:
    lane = lane_before(scenario)
    poses = [one for one in arrivals if one.topic is POSES]
    ahead = [one._replace(written_ms=one.written_ms - AHEAD_MS) for one in poses[:2]]
    assert lane.step({POSES: ahead[:1]}).dead == []
    assert lane.renew(replace_ahead(lane.setup)) == Step()
    assert [letter.field for letter in lane.step({POSES: ahead[1:]}).dead] == ["time_ms"]
    assert lane.steps == 3


def lane_before(scenario: Scenario) -> Lane:
    return Lane.begin(0, setup_of(scenario.site), SECRET)


def camera_of(message: Message) -> str:
    return message.content.camera if isinstance(message.content, Poses) else ""


def replace_ahead(setup: Setup) -> Setup:
    return Setup(setup.site, setup.bundle, setup.partitions, AHEAD_MS - 1)
