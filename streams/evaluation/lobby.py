"""CAVIAR: persons in a lobby who wait or browse, told from those who walk, by what the person step says."""

import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from features.keypoints import Bools, Ints
from models.evaluation import auc, bootstrap, f1, precision_recall
from streams.adapters.caviar import Span, import_lobby
from streams.evaluation.curves import roc_plot
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Report
from streams.evaluation.visits import Rows, rows_of
from streams.recording import TRUTH

SEED = 1
OBSERVED_S_MIN = 5  # as a bundle's rule for abstaining has it
STANDS_MS_MIN = 3_000
STOOD_S_MIN = 4
STANDING = frozenset({"inactive", "active"})
MINUTE_S = 60
TARGET = 0.90

PROTOCOL = [
    "All videos through the camera step and the person step; nothing is learned.",
    f"Who waits or browses is labelled inactive or active for at least {STANDS_MS_MIN // 1_000} s on end.",
    f"They are told by still_60s: at least {STOOD_S_MIN} s stood still in a minute.",
    f"Persons seen for less than {OBSERVED_S_MIN} s are left out, as they get no score.",
    "Intervals: 1,000 draws of whole videos.",
]
CAUTIONS = [
    "Positions only: the boxes are made up from the place in the picture.",
    "One lobby, actors, 23 short videos.",
]


class Persons(NamedTuple):
    """(persons,) video, whether they wait or browse, and the most seconds they stood still in a minute."""

    video: Ints
    stands: Bools
    stood_s: Ints


def evaluate(source: Path, advance: Advance) -> Report:
    """Every video of the lobby."""
    with tempfile.TemporaryDirectory() as scratch:
        recording = Path(scratch) / "lobby"
        import_lobby(source, recording)
        advance()
        spans = msgspec.json.decode((recording / TRUTH).read_bytes(), type=_Truth).spans
        persons = _persons(rows_of(recording), spans)
        advance()
    told = persons.stood_s >= STOOD_S_MIN
    figures = _figures(persons, told)
    pictures = [roc_plot({"seconds stood still": persons.stood_s.astype(np.float64)}, persons.stands, "persons")]
    advance()
    return Report(
        "lobby",
        "Waiting and browsing against walking",
        PROTOCOL,
        figures,
        [*pictures],
        [_counts(persons, told)],
        CAUTIONS,
    )


class _Truth(msgspec.Struct):
    spans: list[Span]


def _persons(rows: Rows, spans: list[Span]) -> Persons:
    observed, still = rows.column("observed_s"), np.maximum(rows.column("still_60s"), 0)
    stood_s = still * np.minimum(observed, MINUTE_S) // 1_000
    track = np.array([int(name.split("/")[1]) for name in rows.person])
    video = {span.track: span.video for span in spans}
    names = sorted(set(video.values()))
    longest = dict(longest_standing(spans))
    seen = [each for each in np.unique(track).tolist() if observed[track == each].max() >= OBSERVED_S_MIN]
    return Persons(
        np.array([names.index(video[each]) for each in seen]),
        np.array([longest.get(each, 0) >= STANDS_MS_MIN for each in seen]),
        np.array([stood_s[track == each].max() for each in seen]),
    )


def longest_standing(spans: list[Span]) -> Iterator[tuple[int, int]]:
    """Of each track the longest time of standing without a break."""
    ordered = sorted(spans, key=lambda span: (span.track, span.start_ms))
    for track, of_track in groupby(ordered, key=lambda span: span.track):
        longest_ms = start_ms = end_ms = 0
        for span in of_track:
            if span.movement in STANDING:
                start_ms = start_ms if span.start_ms == end_ms else span.start_ms
                end_ms = span.end_ms
                longest_ms = max(longest_ms, end_ms - start_ms)
        yield track, longest_ms


def _figures(persons: Persons, told: Bools) -> list[Figure]:
    stands, videos = persons.stands, persons.video
    aucs = bootstrap(lambda rows: auc(persons.stood_s[rows], stands[rows]), videos, SEED)
    precision, recall = precision_recall(told, stands)
    return [
        Figure.with_interval(
            "F1 of persons",
            f1(told, stands),
            bootstrap(lambda rows: f1(told[rows], stands[rows]), videos, SEED),
            target=TARGET,
        ),
        Figure("precision", precision),
        Figure("recall", recall),
        Figure.with_interval("AUC of seconds stood still", auc(persons.stood_s, stands), aucs),
    ]


def _counts(persons: Persons, told: Bools) -> Grid:
    rows = [
        [name, *(str(int(((persons.stands == stands) & (told == said)).sum())) for said in (False, True))]
        for name, stands in (("walks", False), ("waits or browses", True))
    ]
    return Grid("Persons: what they do, and what was said", ["", "said to walk", "said to stand"], rows)


BENCHMARK = Benchmark("lobby", "caviar_rtec", 3, evaluate)
