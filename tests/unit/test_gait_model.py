"""Kinds of walking: told in permille, of nobody who was learned from, and never a reason to look at anybody first."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.closing import Layout
from features.events import Rejection
from features.identity import Identities
from features.keypoints import Int32s, Ints
from features.person import PersonState, person_step
from features.segments import SegmentBlock, Segments
from features.sequence import COLUMN, MISSING
from features.site import Camera, Site
from features.visit import Places
from features.walk import KINDS, SIDED, WALK, walk
from models.bundle import Bundle, default_bundle, dump, load, seal
from models.gait import GaitModel
from models.gait_learning import LEFT, NORMAL, RIGHT, learn_gait
from models.scorecard import ScoredFeature
from tests.unit.test_walk import walker

SITE = Site(cameras=[Camera("hall")])


def made_up_walks(persons: int = 12) -> tuple[Ints, Ints, Ints]:
    """Six walks of each person: who limps takes short steps and is slower with the hurt leg ahead."""
    random = np.random.default_rng(4)
    kind = np.tile([NORMAL, NORMAL, LEFT, LEFT, RIGHT, RIGHT], persons)
    limping, person = kind != NORMAL, np.repeat(np.arange(persons), 6)
    spread = random.normal(0, 1, (len(kind), 5)) * [80, 500, 60, 150, 150]
    middle = np.stack([100 + 400 * limping, 6_000 - 900 * limping, 40 + 80 * limping, 1_400 - 700 * limping])
    side = np.select([kind == LEFT, kind == RIGHT], [-1, 1], 0)
    values = np.concatenate([middle, [300 * side]]).T + spread
    return np.rint(values).astype(np.int64), kind, person


@cache
def model() -> GaitModel:
    return learn_gait(*made_up_walks())


def with_gait() -> Bundle:
    return seal(replace(default_bundle(), gait=model()))


def told(segments: Segments, places: Places) -> list[list[int]]:
    """The kinds in each row of a track that ends after its segments."""
    end = segments[-1:].copy()
    end["second_ms"] += 1_000
    end["frames"] = 0
    rows = np.concatenate([segments, end])
    block = SegmentBlock(["hall/1/0"], np.zeros(1, np.int32), np.zeros(len(rows), np.int32), rows)
    found = person_step(PersonState(Identities.start(SITE)), block, places).values
    return [[int(row[COLUMN[name]]) for name in KINDS] for row in found]


def test_kinds_are_told_and_make_a_thousand() -> None:
    values, kind, _ = made_up_walks(40)
    kinds = model().kinds(values[-90:].astype(np.int32))
    assert (kinds.sum(axis=1) == 1_000).all()
    assert (kinds >= 0).all()
    assert ((kinds[:, NORMAL] > 500) == (kind[-90:] == NORMAL)).mean() > 0.9
    left = kinds[:, LEFT] > kinds[:, RIGHT]
    assert (left == (kind[-90:] == LEFT))[kind[-90:] != NORMAL].mean() > 0.85


def test_a_mirror_changes_the_sides_and_nothing_else() -> None:
    values = made_up_walks()[0].astype(np.int32)
    mirror = values * ([1] * len(WALK) + [-1] * len(SIDED))
    there, back = model().kinds(values), model().kinds(mirror)
    assert (there[:, NORMAL] == back[:, NORMAL]).all()
    assert np.abs(there[:, LEFT] - back[:, RIGHT]).mean() < 60


def test_the_person_step_says_what_the_model_says_of_the_walk() -> None:
    segments, places = walker(), Places(SITE, Layout.of(SITE).zones, model())
    expected = model().kinds(walk(segments)[None]).tolist()[0]
    *seconds, final = told(segments, places)
    assert final == expected
    assert seconds == [[MISSING] * 3] * len(segments)


@pytest.mark.parametrize("modelled", [True, False])
def test_who_has_no_gait_and_who_has_no_model_get_nothing(*, modelled: bool) -> None:
    places = Places(SITE, Layout.of(SITE).zones, model() if modelled else None)
    assert told(walker(step_px=0), places) == [[MISSING] * 3] * 5
    assert (told(walker(), places)[-1] == [MISSING] * 3) is not modelled


@given(st.lists(st.integers(-1, 20_000), min_size=8 + len(KINDS), max_size=8 + len(KINDS)), st.integers(0, 2**32 - 1))
def test_how_somebody_walks_changes_no_score(walked: list[int], seed: int) -> None:
    values: Int32s = np.random.default_rng(seed).integers(-1, 500, (1, len(COLUMN)), np.int32)
    other = values.copy()
    family = [*range(COLUMN["cadence"], COLUMN["gait_quality"] + 1), *(COLUMN[name] for name in KINDS)]
    other[0, family] = walked
    for bundle in (default_bundle(), with_gait()):
        assert bundle.scorecard.contributions(values).tolist() == bundle.scorecard.contributions(other).tolist()


@pytest.mark.parametrize("name", KINDS)
def test_a_bundle_that_gives_points_for_a_limp_is_refused(name: str) -> None:
    scorecard = default_bundle().scorecard
    scored = replace(scorecard, features=(*scorecard.features[:2], ScoredFeature(name, (500,), (0, 1))))
    with pytest.raises(Rejection, match=f"a feature that may raise a score, got {name}, which only describes"):
        seal(replace(with_gait(), scorecard=scored))


def test_it_comes_back_in_its_bundle_and_without_one_the_bundle_is_as_it_was() -> None:
    assert load(dump(with_gait())) == with_gait()
    assert with_gait().digest != default_bundle().digest
    assert b'"gait"' not in dump(default_bundle())


def test_the_side_is_a_straight_effect_that_a_mirror_turns_round() -> None:
    (one,) = model().left.effects
    assert list(one.millilogits) == sorted(one.millilogits, reverse=True)
    assert one.millilogits[0] > 500 > -500 > one.millilogits[-1]
    assert one.millilogits[0] == pytest.approx(-one.millilogits[-1], rel=0.05)


def test_a_model_of_other_values_is_refused() -> None:
    swapped = GaitModel(model().left, model().limp)
    with pytest.raises(Rejection, match=r"\$\.gait\.limp\.effects: expected those of speed_uneven, .* speed_by_foot"):
        seal(replace(default_bundle(), gait=swapped))
