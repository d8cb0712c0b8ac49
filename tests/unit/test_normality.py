import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.bearing import QUANTITIES, UNKNOWN
from features.events import Rejection
from features.keypoints import PersonFrames
from models.normality import LEVELS_PERMILLE, Normality, dump, load, seal, terms
from models.normality_learning import PHASES, SAMPLES_MAX, SAMPLES_PER_TRACK_MAX, Observed, learn, too_little
from tests.normalities import normality

COUNT = len(QUANTITIES)
VALUE = st.integers(-1_000, 20_000)


def observed(tracks: int, seconds: int, camera: int = 0, seed: int = 1) -> Observed:
    """Seconds of tracks that each keep to one place; values of 0..999, in the right half of the picture 1000 more."""
    random = np.random.default_rng(seed)
    rows = tracks * seconds
    track = np.repeat(np.arange(tracks), seconds)
    hips = np.stack([200 * (track % 10), 400 * (track % 3)]).astype(np.int32)
    values = random.integers(0, 1_000, (COUNT, rows)) + np.where(hips[0] >= 1_000, 1_000, 0)
    cameras = np.full(rows, camera, np.int32)
    return Observed(cameras, track, np.arange(rows) * 1_000, values.astype(np.int16), hips)


@cache
def model() -> Normality:
    return learn(observed(60, 50), ["floor"])


def total(camera: str, value: int, x: int, y: int = 0) -> int:
    row = np.full((COUNT, 1), value, np.int16)
    return int(model().millibits(camera, row, np.array([[x], [y]])).sum())


def test_bits_are_of_the_tail_in_the_place_where_somebody_stands() -> None:
    assert total("floor", 500, 0) == pytest.approx(4 * 1_000, rel=0.15)  # a bit for each of four families
    assert total("floor", 1_500, 1_600) == pytest.approx(4 * 1_000, rel=0.15)
    assert total("floor", 2_100, 1_600) == total("floor", 1_500, 0) == pytest.approx(4 * 8_644, abs=5)
    assert total("floor", -1, 0) == 0


def test_beyond_all_cells_the_nearest_counts() -> None:
    assert total("floor", 500, -9_000) == total("floor", 500, 0)
    assert total("floor", 1_500, 30_000, 30_000) == total("floor", 1_500, 1_800, 800)


def test_a_camera_without_tables_is_judged_by_the_others_and_at_most_by_eight_bits() -> None:
    assert total("attic", 1_000, 0) == pytest.approx(4 * 1_000, rel=0.15)
    assert total("attic", 9_000, 0) == pytest.approx(4 * 8_000, abs=5)


@pytest.mark.parametrize("camera", ["floor", "attic"])
def test_what_is_unknown_gives_nothing(camera: str) -> None:
    row = np.full((COUNT, 1), 9_000, np.int16)
    row[::2] = UNKNOWN
    given_bits = model().millibits(camera, row, np.array([[0], [0]]))
    assert (given_bits[::2] == 0).all()
    assert (given_bits[1::2] > 0).all()


@given(st.lists(VALUE, min_size=COUNT, max_size=COUNT), st.sampled_from(["floor", "attic"]), st.integers(0, COUNT - 1))
def test_terms_sum_to_the_score_and_more_never_lowers_it(values: list[int], camera: str, raised: int) -> None:
    rows = np.array([values, values], np.int16).T
    rows[raised, 1] += 500
    millibits = model().millibits(camera, rows, np.zeros((2, 2), np.int32))
    named = terms(values, millibits[:, 0].tolist())
    assert sum(term.millibits for term in named) == millibits[:, 0].sum()
    assert [term.millibits for term in named] == sorted((term.millibits for term in named), reverse=True)
    assert millibits[:, 1].sum() >= millibits[:, 0].sum()


CAMERAS = ("attic", "floor", "stairs", "door")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-9_000, 9_000), st.integers(-9_000, 9_000), VALUE), min_size=1)
)
def test_persons_of_all_cameras_at_once_get_what_they_get_alone(rows: list[tuple[int, int, int, int]]) -> None:
    normal = normality(["floor", "door"])
    camera, x, y, value = np.array(rows).T
    hips, values = np.stack([x, y]), np.tile(value.astype(np.int16), (COUNT, 1))
    found = normal.at(CAMERAS).millibits(camera, values, hips)
    for at, (place, *_) in enumerate(rows):
        alone = normal.millibits(CAMERAS[place], values[:, at : at + 1], hips[:, at : at + 1])
        assert found[:, at].tolist() == alone[:, 0].tolist()
    assert normal.at([]).millibits(camera[:0], values[:, :0], hips[:, :0]).shape == (COUNT, 0)


def test_each_place_has_the_table_of_the_cell_nearest_to_it() -> None:
    normal = normality(["floor", "door"]).at(CAMERAS)
    near, far = (np.array([[40], [40]]), np.array([[2_600], [2_000]]))
    value = np.full((COUNT, 1), 700, np.int16)
    for place in (1, 3):
        camera = np.array([place])
        bits = [int(normal.millibits(camera, value, hips).sum()) for hips in (near, far)]
        assert bits[0] > bits[1] > int(normal.millibits(np.array([0]), value, near).sum()) > 0


def test_who_stays_long_is_not_all_that_is_normal() -> None:
    usual = observed(60, 50)
    stays = usual.take(np.zeros(20_000, np.int64))
    stays.bearing[:] = 5_000
    seen = Observed.concatenate([usual, stays])
    table = np.array(learn(seen, ["floor"]).cameras[0].tables)
    share = 1 - SAMPLES_PER_TRACK_MAX / SAMPLES_MAX
    usual_levels = np.array(LEVELS_PERMILLE) < 1_000 * share - 1
    assert (table[..., usual_levels] < 2_000).all()


def test_the_order_of_seconds_does_not_matter() -> None:
    seen = observed(60, 50)
    shuffled = seen.take(np.random.default_rng(2).permutation(len(seen)))
    assert learn(shuffled, ["floor"]) == learn(seen, ["floor"]) == model()


def test_too_little_is_refused_with_what_is_missing() -> None:
    assert too_little(observed(19, 100)) == "19 tracks with poses of at least 20"
    assert too_little(observed(20, 20)) == "80 s of different persons of at least 120"
    assert too_little(observed(20, 30)) == ""
    with pytest.raises(Rejection, match=r"enough of at least one camera, got floor: 19 tracks .*; door: 0 tracks"):
        learn(observed(19, 100), ["floor", "door"])


def test_a_camera_with_too_little_has_no_tables_and_does_not_count_for_the_others() -> None:
    one = observed(60, 50)
    few = observed(5, 50, camera=1)
    few.bearing[:] = 9_000
    assert learn(Observed.concatenate([one, few]), ["floor", "door"]) == learn(one, ["floor", "door"])


def test_seconds_are_looked_at_from_each_fifth_on() -> None:
    frames = PersonFrames.empty(30)
    frames.time_ms[:], frames.track[:] = np.arange(30) * 100, 4
    frames.confidence[:] = 500
    seen = Observed.in_all_phases(frames)
    assert len(seen) == 3 + (PHASES - 1) * 4
    assert set(seen.second_ms.tolist()) == {*range(-800, 3_000, 200)}
    assert (seen.track == 4).all()


def test_rows_without_a_pose_are_not_looked_at() -> None:
    frames = PersonFrames.empty(3)
    frames.track[1:] = 7
    frames.confidence[:, 2] = 500
    assert len(Observed.of(frames)) == 1


def test_round_trip() -> None:
    assert load(dump(model())) == model()
    assert dump(load(dump(model()))) == dump(model())


def canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def edited(*path: str | int, value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The model with one field replaced and sealed again."""
    content = json.loads(dump(model()))
    content["digest"] = ""
    *parents, last = path
    part = content
    for key in parents:
        part = part[key]
    part[last] = value
    return canonical({**content, "digest": hashlib.sha256(canonical(content)).hexdigest()})


def test_the_digest_is_of_the_canonical_bytes() -> None:
    content = json.loads(dump(model()))
    assert load(json.dumps(content, indent=1)).digest == content["digest"]
    content["elsewhere"][0][0] -= 1
    with pytest.raises(Rejection, match=r"\$\.digest"):
        load(canonical(content))


WRONG = [
    (("cameras",), [], "length"),
    (("cameras", 0, "cells"), [[0, 0]], "one for each of 1 cells"),
    (("cameras", 0, "cells", 0), [1_000, 0], "cells in a square of 64"),
    (("cameras", 0, "cell_px4"), 0, ">= 1"),
    (("cameras", 0, "tables", 0, 3, 0), 30_000, "quantiles of nose_low that never fall"),
    (("elsewhere", 0), [1], "length"),
    (("elsewhere", 2, -1), 40_000, "16 bits"),
    (("elsewhere", 2, 0), -32_768, "16 bits"),
    (("schema_version",), 2, "a value of the schema"),
]


@pytest.mark.parametrize(("path", "value", "told"), WRONG)
def test_what_is_wrong_is_named(path: tuple[str | int, ...], value: object, told: str) -> None:
    with pytest.raises(Rejection, match=r"\$") as refused:
        load(edited(*path, value=value))
    assert told in str(refused.value)


def test_each_camera_once() -> None:
    one = model()
    with pytest.raises(Rejection, match="each camera once"):
        seal(Normality((one.cameras[0], one.cameras[0]), one.elsewhere))
