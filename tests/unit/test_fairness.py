from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from features.closing import Layout
from features.keypoints import Bools
from features.sequence import CATALOGUE, COLUMN
from models.bundle import BANDS, default_bundle
from models.cases import NEVER_MS, CaseReader, Cases, Names, cases_of
from models.decision import Decisions, DecisionState
from models.evaluation import Interval
from models.fairness import (
    LEAST_EXPECTED,
    LEAST_PERSONS,
    Ratio,
    false_alarm_table,
    gate,
    largest_ratio,
    slices,
    wilson,
)
from models.records import Alert
from models.scenarios.bodies import AIDS, CASTS, INNOCENT, STATURES_M, aid_of, play
from models.scenarios.generate import Scenario, generate
from models.scenarios.steps import Whereabouts, journal
from streams.runs import open_run
from tests.golden.make import GOLDEN, SEED, VISITS


def halves(count: int) -> dict[str, Names]:
    return {"aids": np.array(["none", "wheelchair"])[np.arange(count) % 2]}


def alarms(random: np.random.Generator, sliced: dict[str, Names], rates: dict[str, float]) -> Bools:
    rate = np.array([rates[name] for name in sliced["aids"].tolist()])
    drawn: Bools = random.random(len(rate)) < rate
    return drawn


@pytest.mark.parametrize(
    ("alarmed", "count", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_wilson_of_a_few(alarmed: int, count: int, low: float, high: float) -> None:
    assert wilson(np.arange(count) < alarmed) == pytest.approx((low, high), abs=1e-3)


def test_the_table_counts_each_slice_of_each_attribute() -> None:
    sliced = {"camera": np.array(["b", "a", "a", "b"]), "aids": np.array(["none"] * 4)}
    table = false_alarm_table(sliced, np.array([True, False, False, True]))
    told = [(row.attribute, row.name, row.persons, row.alarms, row.expected) for row in table]
    assert told == [("camera", "a", 2, 0, 1), ("camera", "b", 2, 2, 1), ("aids", "none", 4, 2, 2)]
    assert [row.rate for row in table] == [0, 1, 0.5]
    assert not any(row.enough for row in table)


def test_what_is_expected_is_the_rate_of_those_who_did_the_same() -> None:
    doing = np.array(["shop", "shop", "wait", "wait"])
    alarmed = np.array([True, False, False, False])
    table = false_alarm_table({"aids": np.array(["none", "chair", "chair", "chair"])}, alarmed, doing)
    assert [(row.name, row.expected) for row in table] == [("chair", 0.5), ("none", 0.5)]


def test_what_persons_do_is_not_held_against_a_slice() -> None:
    """Shoppers are called four times as often, and more of one slice shop; within each errand all are alike."""
    random = np.random.default_rng(5)
    chair, shops = random.random(20_000) < 0.5, random.random(20_000)
    doing = np.where(shops < np.where(chair, 0.8, 0.2), "shop", "wait")
    alarmed = random.random(20_000) < np.where(doing == "shop", 0.4, 0.1)
    sliced, visits = {"aids": np.where(chair, "wheelchair", "none")}, np.arange(20_000)
    crude, alike = (largest_ratio(sliced, alarmed, visits, 1, of) for of in (None, doing))
    assert crude is not None
    assert alike is not None
    assert (gate(crude), gate(alike)) == ("unfair", "fair")
    assert crude.value > 1.6
    assert alike.value < 1.1


def test_a_ratio_is_that_of_the_rates_and_names_its_slices() -> None:
    sliced, random = halves(8_000), np.random.default_rng(1)
    alarmed = alarms(random, sliced, {"none": 0.05, "wheelchair": 0.15})
    ratio = largest_ratio(sliced, alarmed, np.arange(8_000), 1)
    assert ratio is not None
    none, chair = false_alarm_table(sliced, alarmed)
    assert (ratio.attribute, ratio.more, ratio.fewer, ratio.persons) == ("aids", "wheelchair", "none", 8_000)
    assert ratio.value == pytest.approx(chair.rate / none.rate, rel=0.01)
    assert ratio.interval.low < 3 < ratio.interval.high
    assert gate(ratio) == "unfair"


def test_noise_does_not_fail_the_gate() -> None:
    """Of many attributes without any effect the largest ratio is large by chance, and seldom called unfair."""
    verdicts = Counter[str]()
    for seed in range(40):
        random = np.random.default_rng(seed)
        sliced = {f"attribute {at}": random.integers(0, 3, 1_500).astype(np.str_) for at in range(8)}
        ratio = largest_ratio(sliced, random.random(1_500) < 0.05, np.arange(1_500), seed)
        assert ratio is not None
        verdicts[gate(ratio, 1.0)] += 1
    assert verdicts["unfair"] <= 5
    assert verdicts["fair"] == 0


@pytest.mark.parametrize("count", [2 * LEAST_PERSONS - 2, 2 * LEAST_PERSONS])
def test_few_persons_neither_fail_nor_pass_it(count: int) -> None:
    sliced, alarmed = halves(count), np.arange(count) % 2 == 1
    ratio = largest_ratio(sliced, alarmed, np.arange(count), 1)
    assert (ratio is None) == (count < 2 * LEAST_PERSONS)
    assert gate(ratio) == ("undecided" if ratio is None else "unfair")


def test_few_alarms_neither_fail_nor_pass_it() -> None:
    sliced = halves(1_000)
    few, enough = (np.arange(1_000) < 2 * LEAST_EXPECTED - 1, np.arange(1_000) < 2 * LEAST_EXPECTED)
    assert largest_ratio(sliced, few, np.arange(1_000), 1) is None
    assert gate(largest_ratio(sliced, enough, np.arange(1_000), 1)) == "undecided"


def test_a_slice_without_any_alarm_is_compared() -> None:
    sliced, alarmed = halves(2_000), (np.arange(2_000) % 2 == 1) & (np.arange(2_000) < 100)
    assert gate(largest_ratio(sliced, alarmed, np.arange(2_000), 1)) == "unfair"


def test_the_same_visits_played_by_all_tell_more_than_others_visits() -> None:
    random = np.random.default_rng(3)
    visits, sliced = np.arange(2_000) // 2, halves(2_000)
    alarmed = np.repeat(random.random(1_000) < 0.1, 2)
    alarmed[:4] = [True, False, False, True]
    paired, apart = (largest_ratio(sliced, alarmed, each, 1) for each in (visits, np.arange(2_000)))
    assert gate(paired) == "fair"
    assert gate(apart) == "undecided"


def test_the_target_decides() -> None:
    ratio = Ratio("aids", "a", "b", 1.3, Interval(1.2, 1.4), 9_000, 1.38)
    assert [gate(ratio, target) for target in (1.19, 1.2, 1.37, 1.38)] == ["unfair", "undecided", "undecided", "fair"]


def cases(**columns: list[int]) -> Cases:
    count = len(next(iter(columns.values())))
    zeros = np.zeros(count, np.int64)
    values = np.zeros((count, len(CATALOGUE)), np.int32)
    values[:, COLUMN["step_asymmetry"]] = columns.pop("asymmetry", zeros)
    empty = Cases(
        np.arange(count).astype(np.str_), np.array(["door"] * count), zeros, zeros, zeros, zeros, zeros, values,
        values[:, 0], zeros, zeros > 0, *(zeros for _ in range(3)),
    )  # fmt: skip
    given: dict[str, Any] = {name: np.array(column) for name, column in columns.items()}
    return replace(empty, **given)


@pytest.mark.parametrize(
    ("attribute", "column", "values", "names"),
    [
        ("body height", "height_px", [0, 139, 140, 400], ["under 140 px"] * 2 + ["140 to 180 px", "220 px and more"]),
        ("occlusion", "hidden_permille", [29, 30, 100], ["under 3 % of frames", "3 to 10 %", "10 % and more"]),
        ("step asymmetry", "asymmetry", [-1, 0, 100, 400],
         ["no gait seen", "under 100 permille", "100 to 400", "400 and more"]),
        ("persons in view", "in_view", [10, 20, 39, 40], ["under 2", "2 to 4", "2 to 4", "4 and more"]),
        ("hour", "first_ms", [0, 18_000_000, 104_400_000], ["0 to 6", "6 to 12", "6 to 12"]),
    ],
)  # fmt: skip
def test_slices(attribute: str, column: str, values: list[int], names: list[str]) -> None:
    assert slices(cases(**{column: values}), utc_offset_minutes=60)[attribute].tolist() == names


def test_what_no_journal_knows_is_told() -> None:
    sliced = slices(cases(height_px=[1, 2]), {"aids": np.array(["none", "crutches"])})
    assert sliced["aids"].tolist() == ["none", "crutches"]
    assert sliced["camera"].tolist() == ["door", "door"]


def of_scenario(scenario: Scenario) -> Cases:
    return cases_of(journal(scenario, Layout.of(scenario.site)), scenario.site, default_bundle())


def test_cases_are_what_a_run_says() -> None:
    """The golden run, and cases of the same scenario."""
    said = open_run(GOLDEN)
    found = of_scenario(generate(SEED, VISITS))
    assert found.persons.tolist() == sorted(said.scores)
    for at, person in enumerate(found.persons.tolist()):
        last = said.scores[person][-1]
        assert last.score in {None, int(found.score[at])}
        assert found.abstained[at] == (last.score is None)
        highest = max(BANDS.index(score.band or BANDS[0]) for score in said.scores[person])
        assert int(found.band[at]) >= highest
        assert (found.high_ms[at] == NEVER_MS) == (not found.in_high[at])
        assert person.startswith(f"{found.camera[at]}/")
        assert found.first_ms[at] == 1_000 * int(person.split("/")[2])


def test_an_alert_that_was_taken_back_is_none() -> None:
    scenario = generate(3, 4)
    reader = CaseReader.start(scenario.site, default_bundle())
    for entry in journal(scenario, Layout.of(scenario.site)):
        reader.take(entry)
    at = int(np.flatnonzero(~reader.cases().alerted)[0])
    person = str(reader.cases().persons[at])
    raised = Alert("a", person, None, 7_000, "s", 300, "high", ("left",), [])
    taken_back = msgspec.structs.replace(raised, id="b", time_ms=9_000, withdraws="a")
    found = []
    for alerts in ([raised], [taken_back]):
        reader.hear(Decisions(DecisionState(), [], alerts, [], []))
        found.append((reader.cases().alerts[at], reader.cases().alert_ms[at]))
    assert found == [(1, 7_000), (0, 7_000)]


def test_cases_hold_what_was_seen() -> None:
    scenario = generate(3, 4)
    found = of_scenario(scenario)
    whereabouts = Whereabouts(scenario)
    for at, person in enumerate(found.persons.tolist()):
        visit = whereabouts.visit_of(person, int(found.last_ms[at]) + 1)
        assert scenario.site.cameras[visit.camera].name == found.camera[at]
        assert 80 < found.height_px[at] < 600
        assert 0 <= found.hidden_permille[at] < 600
        assert 10 <= found.in_view[at] < 60


def test_who_is_hardly_seen_abstains() -> None:
    found = of_scenario(generate(5, 40))
    brief = found.values[:, COLUMN["observed_s"]] < default_bundle().abstain.observed_s
    assert 0 < brief.sum() < 10
    assert found.abstained[brief].all()
    assert not found.band[brief].any()


def test_cases_are_taken_and_joined() -> None:
    found = of_scenario(generate(3, 4))
    parts = [found.take(np.array([at])) for at in range(len(found))]
    again = Cases.concatenate(parts)
    assert again.persons.tolist() == found.persons.tolist()
    assert again.camera.tolist() == found.camera.tolist()
    assert again.values.tolist() == found.values.tolist()
    assert again.alert_ms.tolist() == found.alert_ms.tolist()


def test_each_visit_is_played_by_every_body() -> None:
    aids, statures, sizes = defaultdict[int, list[str]](list), defaultdict[int, set[float]](set), Counter[int]()
    receipts = set[tuple[tuple[str, int], ...]]()
    for at in range(CASTS):
        scenario = play(2, 12, at)
        leading = {visit.group: visit for visit in reversed(scenario.truth)}
        for group, visit in leading.items():
            aids[group].append(aid_of(visit.walker))
            statures[group].add(visit.walker.stature_m)
            sizes[group] += sum(other.group == group for other in scenario.truth)
        receipts.add(tuple((one.till, len(one.lines)) for one in scenario.purchases))
        assert {behaviour for visit in scenario.truth for behaviour in visit.behaviours} <= {
            behaviour.__name__ for behaviour in INNOCENT
        }
        assert all(visit.agreement_permille <= 100 for visit in scenario.truth)
    assert all(sorted(each) == sorted(AIDS) for each in aids.values())
    assert all(each == set(STATURES_M) for each in statures.values())
    assert set(sizes.values()) == {CASTS // 2 * 3}
    assert len(receipts) == 1


def test_aids_and_statures_go_together_in_every_way() -> None:
    pairs = Counter[tuple[str, float, int]]()
    for at in range(CASTS):
        scenario = play(2, 2 * CASTS**2, at)
        count = Counter(visit.group for visit in scenario.truth)
        for visit in {visit.group: visit for visit in reversed(scenario.truth)}.values():
            pairs[aid_of(visit.walker), visit.walker.stature_m, count[visit.group]] += 1
    assert len(pairs) == len(AIDS) * len(STATURES_M) * 2
    assert set(pairs.values()) == {CASTS}
