import json
import re
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.keypoints import Ints
from features.site import Camera, Site
from models.evaluation import (
    GroupOnBothSidesError,
    Interval,
    auc,
    bootstrap,
    f1,
    group_folds,
    held_out,
    rate_interval,
    refuse_shared,
    roc,
)
from streams.adapters.caviar import Span
from streams.evaluation import lobby, normal, poselift
from streams.evaluation.alarms import Event, Seconds, alarm_grid, thresholds_of
from streams.evaluation.benchmarks import BENCHMARKS, present, write_reports
from streams.evaluation.curves import reliability_plot
from streams.evaluation.page import markdown, page
from streams.evaluation.plots import plot_picture
from streams.evaluation.poselift import Scenes
from streams.evaluation.report import Bars, Curve, Figure, Grid, Plot, Published, Report
from streams.site_file import check_site, dump_site

SCORED = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def test_roc_of_a_few() -> None:
    wrong, right = roc(np.array([3, 2, 2, 1]), np.array([True, True, False, False]))
    assert wrong.tolist() == [0, 0, 0.5, 1]
    assert right.tolist() == [0, 0.5, 1, 1]


@given(SCORED)
def test_the_area_under_roc_is_auc(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([s for s, _ in rows]), np.array([a for _, a in rows])
    wrong, right = roc(scores, labels)
    assert np.trapezoid(right, wrong) == pytest.approx(auc(scores, labels))


def test_f1_of_a_few() -> None:
    assert f1(np.array([True, True, False, False]), np.array([True, False, True, False])) == 0.5
    assert f1(np.zeros(2, np.bool_), np.zeros(2, np.bool_)) == 0


def test_the_bootstrap_draws_whole_groups() -> None:
    groups = np.array(["b", "a", "b", "a", "c"])
    counts = set()

    def figure(rows: Ints) -> float:
        drawn = groups[rows].tolist()
        counts.add((drawn.count("a") % 2, drawn.count("b") % 2))
        return float(drawn.count("a") / 2)

    assert bootstrap(figure, groups, 1, 3_000) == Interval(0, 3)
    assert counts == {(0, 0)}


def test_the_bootstrap_leaves_out_what_has_no_figure_and_is_the_same_again() -> None:
    values = np.arange(20.0)

    def figure(rows: Ints) -> float:
        return float("nan") if 0 in rows else float(values[rows].mean())

    low, high = bootstrap(figure, np.arange(20), 3)
    assert 5 < low < 10 < high < 16
    assert bootstrap(figure, np.arange(20), 3) == (low, high)
    assert all(map(isnan, bootstrap(lambda _: float("nan"), np.arange(3), 1, 5)))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.integers(2, 5), st.integers(0, 9))
def test_folds_of_groups_are_apart(groups: list[int], folds: int, seed: int) -> None:
    rows = np.array(groups)
    judged = [unseen for _, unseen in held_out(rows, group_folds(rows, folds, seed))]
    assert sorted(np.concatenate(judged).tolist()) == list(range(len(groups)))


def test_a_group_on_both_sides_is_refused() -> None:
    refuse_shared(np.array([1, 2]), np.array([3]))
    with pytest.raises(GroupOnBothSidesError, match="2 in both: a, b"):
        refuse_shared(np.array(["a", "b", "c"]), np.array(["b", "a"]))
    with pytest.raises(GroupOnBothSidesError):
        list(held_out(np.array([7, 7]), np.array([0, 1])))


def test_a_video_learned_from_and_judged_on_is_refused(tmp_path: Path) -> None:
    keypoints = [value for at in range(17) for value in (100 + 10 * at, 500, 0.9)]
    text = json.dumps({"1": {str(frame): {"keypoints": keypoints} for frame in range(15)}})
    for part in ("train", "dev"):
        (tmp_path / "pose" / part).mkdir(parents=True)
        (tmp_path / "pose" / part / "01_0007_tracked.json").write_text(text, encoding="ascii")
    (tmp_path / "gt" / "dev_frame_mask").mkdir(parents=True)
    np.save(tmp_path / "gt" / "dev_frame_mask" / "01_0007.npy", np.zeros(15, np.int64))
    with pytest.raises(GroupOnBothSidesError, match="01_0007"):
        poselift.evaluate(tmp_path, lambda: None)


SECONDS = Seconds(
    np.array([0, 0, 0, 1, 1]),
    np.array([5, 5, 6, 9, 9]),
    np.array([0, 2_000, 0, 0, 1_000]),
    np.array([10, 50, 40, 30, 60]),
)
EVENTS = [Event(0, 1_500, 4_000), Event(1, 5_000, 6_000)]


def test_alarms_are_counted_by_track_and_delays_from_the_start_of_the_event() -> None:
    grid = alarm_grid("alarms", {4: 45, 9: 20, 1: 99}, SECONDS, EVENTS)
    assert [row[2:] for row in grid.rows] == [
        ["2", "1", "1 of 2", "1.5"],
        ["3", "1", "1 of 2", "1.5"],
        ["0", "0", "0 of 2", "none found"],
    ]


def test_thresholds_keep_a_budget_on_what_is_normal() -> None:
    highest = np.array([10, 30, 20, 40])
    thresholds = thresholds_of((0, 1, 9), highest, 2)
    assert thresholds == {0: 41, 1: 21, 9: 11}
    assert (highest >= thresholds[1]).sum() == 2


REPORT = Report(
    "made-up", "A <made-up> one", ["split & judged"],
    [Figure("AUC", 0.8123, 0.7, 0.9, (Published("They", 0.7),), "other | data", 0.87), Figure("F1", 0.5)],
    [
        Plot("A curve", "hours", "AUC", [Curve("all", [0, 1, 2], [0, 0.5, 1]), Curve("<b>", [0], [0])], 2),
        Bars("Some bars", ["one", "two"], [0.25, float(1)], mark=0.5),
    ],
    [Grid("A grid", ["name", "value"], [["a|b", "1"]])], ["do not quote"],
)  # fmt: skip


def test_the_page_escapes_and_needs_nothing_else() -> None:
    text = page([REPORT])
    assert "<made-up>" not in text
    assert "A &lt;made-up&gt; one" in text
    assert "0.812" in text
    assert "They 0.700 (on other | data)" in text
    assert not re.search(r"(src|href)=|url\(|<script|@import", text)
    assert text.count("<svg") == 2


def test_standing_is_longest_without_a_break() -> None:
    spans = [
        Span(1, "id1", "Walk1", "inactive", 0, 2_000),
        Span(1, "id1", "Walk1", "active", 2_000, 2_500),
        Span(1, "id1", "Walk1", "walking", 2_500, 3_000),
        Span(1, "id1", "Walk1", "active", 3_000, 5_000),
        Span(2, "id2", "Walk1", "running", 0, 9_000),
    ]
    assert dict(lobby.longest_standing(spans[::-1])) == {1: 2_500, 2: 0}


def test_axes_may_begin_below_zero() -> None:
    plot = Plot("effects", "value", "logit", [Curve("a", [-3, 0, 3], [-1, 0, 1])], 3, 1, -3, -1)
    assert 'points="62,312 343,162 624,12"' in plot_picture(plot)


def test_reliability_is_that_of_each_fifth() -> None:
    logits = np.log(np.arange(1, 11) / np.arange(10, 0, -1))
    measured = reliability_plot(logits, np.arange(10) > 6).curves[0]
    assert measured.x == pytest.approx([3 / 22, 7 / 22, 11 / 22, 15 / 22, 19 / 22])
    assert measured.y == [0, 0, 0, 0.5, 1]


def test_a_curve_is_drawn_where_it_belongs() -> None:
    drawn = re.findall(r'<polyline points="([^"]+)" class="curve curve0">', page([REPORT]))
    assert drawn == ["62,312 343,162 624,12"]


def test_markdown_has_each_figure_and_no_broken_row() -> None:
    text = markdown([REPORT])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert "| AUC | 0.812 | 0.700 to 0.900 | 0.87 | They 0.700 (on other / data) |" in rows
    assert "| a/b | 1 |" in rows
    assert {line.count("|") for line in rows} == {3, 6}


def test_all_three_files_are_written(tmp_path: Path) -> None:
    write_reports([REPORT], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "report.json", "report.md"]
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())[0]["figures"][0]["value"] == 0.8123


def test_only_benchmarks_whose_data_is_there_run(tmp_path: Path) -> None:
    assert [benchmark.name for benchmark in present(BENCHMARKS, tmp_path)] == ["shipped", "fairness"]
    (tmp_path / "poselift").mkdir()
    names = [benchmark.name for benchmark in present(BENCHMARKS, tmp_path)]
    assert names == ["shipped", "fairness", "normal", "poselift"]


@pytest.mark.parametrize(
    ("count", "hours", "low", "high"),
    [(0, 1.7, 0, 2.17), (1, 1, 0.0253, 5.57), (10, 2, 2.4, 9.2), (100, 1, 81.4, 121.6)],
)
def test_a_rate_of_few_events_may_be_much_higher(count: int, hours: float, low: float, high: float) -> None:
    assert rate_interval(count, hours) == pytest.approx((low, high), rel=0.02, abs=0.02)


def test_the_worst_case_has_shelves_and_exits_and_no_till() -> None:
    site = normal.worst_case(Site(cameras=[Camera("a"), Camera("b")]))
    assert [camera.name for camera in site.cameras] == ["a", "b"]
    assert [zone.kind for zone in site.cameras[1].zones] == ["shelf", "exit", "exit", "exit", "exit"]
    assert not site.tills
    assert check_site(dump_site(site)) == []


def test_a_frame_between_the_middles_of_two_seconds_has_its_part_of_both_scores() -> None:
    first, second, alone = 0, 1, 2
    scenes = Scenes(
        video=np.zeros(5, np.int64),
        stealing=np.zeros(5, np.bool_),
        frame_of_row=np.arange(5),
        second_of_row=np.array([first, first, second, second, alone]),
        nearest_of_row=np.array([first, second, first, second, alone]),
        off_ms=np.array([400, 200, 500, 500, 300]),
    )
    assert scenes.scores(np.array([1_000, 3_000, 7_000])).tolist() == [1_000, 1_400, 2_000, 3_000, 7_000]


def test_a_frame_has_the_score_of_the_person_who_is_most_unusual() -> None:
    none = np.zeros(3, np.int64)
    scenes = Scenes(none[:2], none[:2] > 0, np.array([0, 0, 1]), np.arange(3), np.arange(3), none)
    assert scenes.scores(np.array([4, 9, 5])).tolist() == [9, 5]
