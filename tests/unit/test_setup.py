"""The setup that is kept with saved state: nothing a lane depends on is missing in it or changed by it."""

import zlib

import msgspec
import pytest
from msgspec.structs import replace

from features.events import Rejection
from features.site import Site
from models.bundle import AbstainRule, default_bundle, seal
from models.scenarios.generate import generate
from streams.kafka.setup import Setup
from tests.benchmarks.crowd import crowd_site
from tests.normalities import normality

BUNDLE = default_bundle()
SITE = generate(3, 1).site
SETUP = Setup(SITE, BUNDLE, 4, 60_000)
OTHERS = [
    Setup(replace(SITE, thresholds=replace(SITE.thresholds, loiter_after_s=61)), BUNDLE, 4, 60_000),
    Setup(SITE, seal(replace(BUNDLE, abstain=AbstainRule(observed_s=6))), 4, 60_000),
    Setup(SITE, BUNDLE, 5, 60_000),
    Setup(SITE, BUNDLE, 4, 60_001),
    Setup(SITE, BUNDLE, 4, 60_000, BUNDLE),
    Setup(SITE, BUNDLE, 4, 60_000, seal(replace(BUNDLE, abstain=AbstainRule(observed_s=6)))),
    Setup(SITE, BUNDLE, 4, 60_000, None, normality(["floor"])),
    Setup(SITE, BUNDLE, 4, 60_000, None, normality(["floor"], 0)),
]


@pytest.mark.parametrize("setup", [SETUP, *OTHERS, Setup(Site(), BUNDLE, 1, 1_000), Setup(crowd_site(), BUNDLE, 1, 1)])
def test_a_setup_comes_back_as_it_was(setup: Setup) -> None:
    back = Setup.load(setup.dump())
    assert back == setup
    assert (back.digest, back.site_digest, back.areas) == (setup.digest, setup.site_digest, setup.areas)
    assert back.dump() == setup.dump()


def test_whatever_differs_is_another_setup() -> None:
    assert len({setup.digest for setup in (SETUP, *OTHERS)}) == 1 + len(OTHERS)


def test_a_setup_without_a_bundle_on_trial_is_that_of_before_there_were_any() -> None:
    assert msgspec.json.decode(zlib.decompress(SETUP.dump())).keys() == {"site", "bundle", "partitions", "ahead_ms"}


def test_a_bundle_of_other_layout_is_the_same_setup() -> None:
    assert Setup(SITE, replace(BUNDLE, digest=""), 4, 60_000).digest == SETUP.digest


def test_what_is_cut_off_or_changed_is_refused() -> None:
    packed = SETUP.dump()
    content = msgspec.json.decode(zlib.decompress(packed))
    content["bundle"]["scoring_version"] += 1
    unknown = zlib.compress(msgspec.json.encode({**content, "unknown": 1}))
    for bad in (
        b"",
        packed[:-1],
        packed[1:],
        zlib.compress(b"{}"),
        zlib.compress(msgspec.json.encode(content)),
        unknown,
    ):
        with pytest.raises(Rejection):
            Setup.load(bad)


def test_state_of_another_scoring_version_is_refused() -> None:
    other = Setup(SITE, seal(replace(BUNDLE, scoring_version=7)), 4, 60_000)
    with pytest.raises(Rejection, match=r"\$.scoring_version: expected 1, that of this code, got 7"):
        Setup.load(other.dump())
