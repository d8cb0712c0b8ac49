"""What of a run and its verdicts becomes cases."""

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from features.events import Disposition
from features.sequence import COLUMN
from models.bundle import default_bundle
from streams.learning.cases import Gathered, gather
from streams.learning.review_sample import draw, persons_called
from streams.learning.reviewed import SLOT_MS, review
from tests.running.reviewed_days import Day, day

BUNDLE, RATE = default_bundle(), 500


@pytest.fixture(scope="module")
def one_day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return day(tmp_path_factory.mktemp("day"), 3, 30, BUNDLE)


def gathered(of: Day, verdicts: Sequence[Disposition], rate: int = RATE) -> Gathered:
    sample = draw(of.run, "salt of the test", rate) if rate else None
    return gather([review(of.run, sample, BUNDLE, lambda _: None)], verdicts, BUNDLE)


def asked(of: Day) -> set[str]:
    return persons_called(of.run) | {one.person for one in draw(of.run, "salt of the test", RATE).persons}


def test_only_who_was_asked_for_is_a_case_and_all_others_are_counted(one_day: Day) -> None:
    verdicts = list(one_day.verdicts())
    found = gathered(one_day, [*verdicts, replace(verdicts[0], disposition="x", person="floor/99/1")])
    assert len(found.cases) == len(asked(one_day))
    assert found.counts["unsampled"] == len(verdicts) - len(found.cases)
    assert found.counts["unknown"] == 1
    assert found.counts["unseen"] == found.counts["unclear"] == 0


def test_cases_stand_for_everybody_who_was_scored(one_day: Day) -> None:
    found = gathered(one_day, list(one_day.verdicts()))
    called = persons_called(one_day.run)
    assert found.cases.weights[~found.cases.sampled].tolist() == [1_000] * len(called)
    assert set(found.cases.weights[found.cases.sampled].tolist()) == {2_000}


def test_who_was_asked_for_and_got_no_clear_verdict_is_stood_for_by_others(one_day: Day) -> None:
    drawn = sorted(asked(one_day) - persons_called(one_day.run))
    silent = drawn[: len(drawn) // 2]
    verdicts = [one for one in one_day.verdicts() if one.person not in silent[1:]]
    verdicts = [replace(one, verdict="unclear") if one.person == silent[0] else one for one in verdicts]
    found = gathered(one_day, verdicts)
    expected = round(2_000 * len(drawn) / (len(drawn) - len(silent)))
    assert set(found.cases.weights[found.cases.sampled].tolist()) == {expected}
    assert found.counts["unclear"] == 1


def test_without_a_sample_only_those_with_an_alert_are_cases(one_day: Day) -> None:
    found = gathered(one_day, list(one_day.verdicts()), 0)
    assert len(found.cases) == len(persons_called(one_day.run)) > 0
    assert not found.cases.sampled.any()


def test_nothing_later_than_the_verdict_is_looked_at(one_day: Day) -> None:
    middle = {name: scores[len(scores) // 2].time_ms for name, scores in one_day.run.scores.items()}
    early = [replace(one, time_ms=middle[one.person]) for one in one_day.verdicts()]
    found, whole = gathered(one_day, early), gathered(one_day, list(one_day.verdicts()))
    names = sorted(asked(one_day))
    assert len(found.cases) + found.counts["unseen"] == len(names)
    known = sum(score.time_ms <= middle[name] for name in names for score in one_day.run.scores[name])
    assert len(found.cases.values) <= known < len(whole.cases.values)
    observed = (each.cases.values[:, COLUMN["observed_s"]].max() for each in (found, whole))
    assert next(observed) < next(observed)


def test_a_verdict_before_anything_was_seen_is_no_case(one_day: Day) -> None:
    found = gathered(one_day, [replace(one, time_ms=1) for one in one_day.verdicts()])
    assert len(found.cases) == 0
    assert found.counts["unseen"] == len(asked(one_day))


def test_groups_are_days_of_a_camera_with_the_hours_in_which_it_saw_anybody(one_day: Day) -> None:
    cases = gathered(one_day, list(one_day.verdicts())).cases
    assert set(cases.groups.tolist()) == {"2023-11-17 corridor", "2023-11-17 floor"}
    frames = one_day.scenario.frames
    seen = frames.track >= 0
    slots = {
        (camera, ms // SLOT_MS)
        for camera, ms in zip(frames.camera[seen].tolist(), frames.time_ms[seen].tolist(), strict=True)
    }
    assert cases.hours == pytest.approx(len(slots) / 6, abs=0.01)


def test_slices_name_a_part_for_each_case(one_day: Day) -> None:
    cases = gathered(one_day, list(one_day.verdicts())).cases
    assert set(cases.slices) == {"camera", "hour", "step asymmetry", "body seen"}
    assert {len(part) for part in cases.slices.values()} == {len(cases)}
    assert np.unique(cases.slices["camera"]).tolist() == ["corridor", "floor"]
    assert set(cases.slices["step asymmetry"].tolist()) <= {"", "up to the median", "above the median"}
