"""MNNIT: whether a clip shows somebody put goods away, to an additive model that has not seen the source video."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.bearing import UNKNOWN
from features.body import Body
from features.clip import SUMMARIES, clip_values
from features.closing import Layout, close_seconds, runs_of_seconds
from features.handling import handling
from features.keypoints import PERMILLE, Bools, Ints
from features.limbs import mirrored
from features.segments import NOT_SEEN
from features.site import Camera, Site
from models.additive import Floats, Unseen, probability, unseen, unseen_logits
from models.calibration_learning import Calibrated, calibrate
from models.evaluation import WEIGHT_OF_ONE, auc, bootstrap, calibration_error, chance_error, f1, group_folds, held_out
from models.handling_learning import learn_handling
from streams.adapters.mnnit import Clip, read_clips
from streams.evaluation.curves import reliability_plot, roc_plot
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Plot, Published, Report

Numbers = NDArray[Any]
SEEDS = (1, 2, 3)  # of the folds; the mean of what each gives is reported
FOLDS = 5
TARGET_F1, TARGET_AUC, TARGET_ECE = 0.81, 0.88, 0.03
PUBLISHED = {
    "f1": (
        Published("logistic regression", 0.765), Published("random forest", 0.809), Published("LSTM", 0.819),
        Published("LSTM and forest", 0.895),
    ),
    "auc": (
        Published("logistic regression", 0.735), Published("random forest", 0.853), Published("LSTM", 0.813),
        Published("LSTM and forest", 0.919),
    ),
}  # fmt: skip
PUBLISHED_ON = "five folds by source of all clips, about half of which are here"
KINDS = {
    "arms": ("wrist", "elbow", "arm"),
    "legs": ("hip_angle", "left_hip", "right_hip", "knee", "ankle", "hips_apart"),
    "head": ("nose_", "head", "ears"),
    "trunk": ("lean", "shoulder_tilt", "shoulders"),
}
"""Families of quantities, by words in their names; a name belongs to the first that fits."""

PROTOCOL = [
    "354 clips, five folds of whole source videos, three times over: figures are means over the three.",
    "A number in a file name is one source, whether the clip is normal or a theft: 100 groups, none on both sides.",
    "Columns 34 and 35, box positions that give the source away, and all further ones are not read.",
    "Flagged is what is above the logit that gives the best F1 where each source learned from is judged by the others.",
    "Intervals: 1,000 draws of whole sources.",
]
CAUTIONS = [
    "The thefts are acted by a few people. The model is of this data only: nothing in Vigil's scores rests on it.",
    "Which sources fall into which fold moves the AUC by two points either way.",
]


def evaluate(source: Path, advance: Advance) -> Report:
    """Five folds by source."""
    clips = read_clips(source)
    rows = [clip_values(clip.frames) for clip in clips]
    names = list(rows[0])
    values = np.array([np.concatenate([row[name] for name in names]) for row in rows])
    inverse = [clip_values(mirrored(clip.frames)) for clip in clips]
    mirror = np.array([np.concatenate([row[name] for name in names]) for row in inverse])
    stealing, groups = np.array([clip.stealing for clip in clips]), np.array([clip.source for clip in clips])
    advance()
    judged = _several(values, mirror, stealing, groups, advance)
    figures = [*_figures(judged, stealing, groups), *_in_stream(clips)]
    advance()
    grid = _families(names, values, mirror, stealing, groups)
    advance()
    pictures = [_roc(judged, stealing), reliability_plot(judged[0].logits, stealing)]
    return Report("theft", "Putting goods away, staged clips", PROTOCOL, figures, [*pictures], [grid], CAUTIONS)


class Seconds(NamedTuple):
    """Seconds of clips that show the arms: (rows, quantities) values, and (rows,) clip, label and source."""

    values: Ints
    clip: Ints
    stealing: Bools
    source: Ints


def seconds_of(clips: list[Clip]) -> Seconds:
    """What the camera step measures in each second of clips."""
    parts = []
    for number, clip in enumerate(clips):
        values = handling(Body.of(clip.frames), clip.frames.time_ms, runs_of_seconds(clip.frames))
        known = values[:, values[0] != UNKNOWN].T
        parts.append((known, *(np.full(len(known), each) for each in (number, clip.stealing, clip.source))))
    return Seconds(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _in_stream(clips: list[Clip]) -> list[Figure]:
    """What the camera step says of the seconds of clips whose sources its model, as of `vigil learn`, has not seen."""
    seconds = seconds_of(clips)
    said = np.zeros(len(seconds.clip), np.int32)
    for others, own in held_out(seconds.source, group_folds(seconds.source, FOLDS, SEEDS[0])):
        model = learn_handling(seconds.values[others], seconds.stealing[others], seconds.source[others])
        layout = Layout.of(Site(cameras=[Camera("clip")]), handling=model)
        judged = [close_seconds(clips[clip].frames, layout).rows for clip in np.unique(seconds.clip[own]).tolist()]
        said[own] = np.concatenate([rows["handling"][rows["handling"] != NOT_SEEN] for rows in judged])
    place, first = np.unique(seconds.clip, return_index=True)
    means = np.array([said[seconds.clip == clip].mean() for clip in place.tolist()])
    stealing, source = seconds.stealing[first], seconds.source[first]
    return [
        _figure("AUC of the stream's seconds", auc, said, seconds.stealing, seconds.source),
        _figure("AUC of clips, by the mean of the stream's seconds", auc, means, stealing, source),
        _figure("calibration error of the stream's seconds", calibration_error, said, seconds.stealing, seconds.source),
    ]


def _figure(
    name: str, measure: Callable[[Numbers, Bools], float], said: Numbers, stealing: Bools, source: Ints
) -> Figure:
    interval = bootstrap(lambda rows: measure(said[rows], stealing[rows]), source, SEEDS[0])
    return Figure.with_interval(name, measure(said, stealing), interval)


def _several(values: Floats, mirror: Floats, stealing: Bools, groups: Ints, advance: Advance) -> list[Unseen]:
    """Of each way to draw the folds."""
    judged = []
    for seed in SEEDS:
        judged.append(unseen(values, stealing, groups, group_folds(groups, FOLDS, seed), mirror))
        advance()
    return judged


def _figures(judged: list[Unseen], stealing: Bools, groups: Ints) -> list[Figure]:
    def mean_f1(rows: Ints) -> float:
        return float(np.mean([f1(each.flagged[rows], stealing[rows]) for each in judged]))

    def mean_auc(rows: Ints) -> float:
        return float(np.mean([auc(each.logits[rows], stealing[rows]) for each in judged]))

    whole = np.arange(len(stealing))
    figures = []
    for name, figure, target, key in (("AUC", mean_auc, TARGET_AUC, "auc"), ("F1", mean_f1, TARGET_F1, "f1")):
        interval = bootstrap(figure, groups, SEEDS[0])
        published = PUBLISHED[key]
        figures.append(Figure(name, figure(whole), interval.low, interval.high, published, PUBLISHED_ON, target))
    return [*figures, *_reliability(np.array([each.logits for each in judged]), stealing, groups)]


def _reliability(logits: Floats, stealing: Bools, groups: Ints) -> list[Figure]:
    """How far probabilities are from what comes true, as the model gives them and calibrated on the other folds."""
    permille = np.rint(PERMILLE * probability(logits)).astype(np.int64)
    raw = float(np.mean([calibration_error(each, stealing) for each in permille]))
    kept = [_calibrated(each, stealing, groups, seed) for each, seed in zip(permille, SEEDS, strict=True)]
    kinds = " or ".join(sorted({one.kind for one in kept}))
    calibrated = float(np.mean([one.error for one in kept]))
    chance = float(np.mean([chance_error(one.permille, seed) for one, seed in zip(kept, SEEDS, strict=True)]))
    return [
        Figure("ECE, ten bins, as the model says", raw, target=TARGET_ECE),
        Figure(f"ECE, ten bins, calibrated ({kinds})", calibrated, target=TARGET_ECE),
        Figure("ECE, ten bins, that right probabilities would show on so few clips", chance),
    ]


def _calibrated(permille: Ints, stealing: Bools, groups: Ints, seed: int) -> Calibrated:
    weights = np.full(len(permille), WEIGHT_OF_ONE)
    return calibrate(permille, stealing, weights, group_folds(groups, FOLDS, seed))


def _roc(judged: list[Unseen], stealing: Bools) -> Plot:
    shown = {f"folds drawn by seed {seed}": each.logits for seed, each in zip(SEEDS, judged, strict=True)}
    return roc_plot(shown, stealing, "clips")


def _families(names: list[str], values: Floats, mirror: Floats, stealing: Bools, groups: Ints) -> Grid:
    """What a family is worth alone and what is lost without it, with the first way to draw the folds."""
    family = np.repeat([_family(name) for name in names], len(SUMMARIES))
    fold = group_folds(groups, FOLDS, SEEDS[0])
    rows = []
    for kind in KINDS:
        cells = [kind]
        for kept in (family == kind, family != kind):
            logits = unseen_logits(values[:, kept], stealing, groups, fold, mirror[:, kept])
            cells.append(f"{auc(logits, stealing):.3f}")
        rows.append(cells)
    return Grid("AUC by family of quantities, one way to draw the folds", ["family", "alone", "without it"], rows)


def _family(name: str) -> str:
    return next(kind for kind, words in KINDS.items() if any(word in name for word in words))


BENCHMARK = Benchmark("theft", "mnnit_shoplifting", 6, evaluate)
