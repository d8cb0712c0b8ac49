"""Rules that act after the journal leave it as it is, so under them it is scored as a run of its own would be."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from features.site import Alerting, Combination, Memory, Site, Thresholds
from models.bundle import AbstainRule, default_bundle, seal
from models.scenarios.generate import generate
from streams.embedded import ALERTS, SCORES
from streams.jobs import record_scenario, rescore, run_recording
from streams.runs import open_run
from streams.whatif.rules import changed_rules
from tests.journals import rows_of
from tests.normalities import layout_of
from tests.property.worlds import Fold, Played, arrival, play, world

SEEDS = st.integers(0, 2**32)


def with_other_rules(site: Site, seed: int) -> Site:
    """The site with everything else that acts after its journal."""
    random = Random(seed)
    cameras = [
        replace(camera, zones=[replace(zone, loiter_after_s=random.choice([None, 3, 20])) for zone in camera.zones])
        for camera in site.cameras
    ]
    return replace(
        site,
        cameras=cameras,
        combinations=[Combination("other", [["bread"], ["rope", "knife"]], 600, 3)] * random.randint(0, 1),
        thresholds=Thresholds(
            loiter_after_s=random.choice([5, 60]),
            loiter_radius_mm=random.choice([500, 3_000]),
            restricted_loiter_after_s=random.choice([2, 20]),
            pacing_leg_mm=random.choice([500, 2_000]),
            pacing_window_s=random.choice([30, 180]),
            still_mm_per_s=random.choice([100, 500]),
        ),
        timing=replace(site.timing, score_every_ms=random.choice([1_000, 5_000, 10_000])),
        memory=Memory(customers=random.random() < 0.5, days=random.choice([1, 30])),
        alerting=Alerting(random.choice([0, 4, 100]), random.choice([1, 120])),
    )


@given(SEEDS, SEEDS)
@settings(max_examples=12)
def test_the_journal_does_not_rest_on_these_rules(seed: int, other: int) -> None:
    small = world(seed)
    site = with_other_rules(small.site, other)
    changed_rules(small.site, site, Path("none"))
    items = arrival(small, seed)
    before, after = play(small.site, items), play(site, items)
    assert after.journal == before.journal
    fold, again = Fold(site, layout_of(site)), Played()
    for entry in before.entries:
        fold.take(entry, again)
    assert (again.scores, again.alerts) == (after.scores, after.alerts)


@pytest.mark.parametrize("seed", range(3))
def test_scored_anew_it_says_what_a_run_of_its_own_says(tmp_path: Path, seed: int) -> None:
    scenario, bundle = generate(6, 12), seal(replace(default_bundle(), abstain=AbstainRule(observed_s=9)))
    site = with_other_rules(scenario.site, seed)
    record_scenario(scenario, tmp_path / "recording")
    run_recording(tmp_path / "recording", scenario.site, default_bundle(), tmp_path / "run", lambda _: None)
    run_recording(tmp_path / "recording", site, bundle, tmp_path / "other", lambda _: None)
    summary = rescore(open_run(tmp_path / "run"), site, bundle, tmp_path / "anew", lambda _: None)
    cameras = [camera.name for camera in site.cameras]
    assert rows_of(tmp_path / "run", cameras) == rows_of(tmp_path / "other", cameras)
    for name in (SCORES, ALERTS):
        assert (tmp_path / "anew" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
    assert summary.alerts_suppressed == open_run(tmp_path / "other").summary.alerts_suppressed
    assert (tmp_path / "anew" / SCORES).read_bytes() != (tmp_path / "run" / SCORES).read_bytes()
