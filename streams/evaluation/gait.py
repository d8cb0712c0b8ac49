"""UCalgary gait: whether somebody limps, from a camera at the side, by persons the model has not seen."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.closing import Layout, close_seconds
from features.keypoints import Bools, Ints
from features.segments import Segments
from features.sequence import MISSING
from features.site import Camera, Site
from features.walk import WALK, sides, walk
from models.additive import Additive, Floats, unseen_logits
from models.evaluation import Interval, auc, bootstrap, held_out
from streams.adapters.ucalgary import KINDS, Clip, read_clips
from streams.evaluation.curves import effects_plot, reliability_plot, roc_plot
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Published, Report

SEED = 1
NORMAL, RIGHT, LEFT = range(3)
TARGET_LIMP, TARGET_KIND = 0.96, 0.82
PUBLISHED = (Published("dynamic Bayesian network", 0.887),)
PROTOCOL = [
    "112 walks of 19 persons: without repeated and empty files; subject 10, whose walks are subject 4's, is that one.",
    "Poses as a camera at the side would see them go through the camera step; the walk is read off its seconds.",
    "Each person is judged by models that have learned from the others. Intervals: 1,000 draws of whole persons.",
    "A walk in which no gait is found, mostly because the body is tracked for less than a second, counts as wrong.",
]
CAUTIONS = [
    "The limps are acted, slowly and with short steps: step length alone tells them apart. Real ones are subtler.",
    "How somebody walks only describes. No score, band or alert rests on it, and no bundle may hold it.",
    "Which leg it is cannot be told well from the side; the published figure for three classes is not reached.",
]


class Walks(NamedTuple):
    """The walks: (rows,) person and kind, (rows, 4) and (rows, 2) values, and in which of them a gait was found."""

    subject: Ints
    kind: Ints
    values: Floats
    sided: Floats
    found: Bools

    def take(self, rows: Bools) -> "Walks":
        """Some of them."""
        return Walks(self.subject[rows], self.kind[rows], self.values[rows], self.sided[rows], self.found[rows])

    @property
    def limping(self) -> Bools:
        """(rows,) whether a leg is hurt."""
        return np.asarray(self.kind != NORMAL)


def evaluate(source: Path, advance: Advance) -> Report:
    """Leave one person out."""
    walks = measured(read_clips(source))
    advance()
    seen = walks.take(walks.found)
    logits = unseen_logits(seen.values, seen.limping, seen.subject, seen.subject)
    advance()
    said = np.where(logits > 0, np.where(_leans_left(seen) > 0, LEFT, RIGHT), NORMAL)
    figures = _figures(walks, seen, logits, said)
    advance()
    model = Additive.fit(seen.values, seen.limping)
    scores = {"model": logits} | {name: -seen.values[:, at] * _sign(seen, at) for at, name in enumerate(WALK)}
    pictures = [
        roc_plot(scores, seen.limping, "walks"), reliability_plot(logits, seen.limping), effects_plot(model, WALK),
    ]  # fmt: skip
    grids = [_confusion(seen, said), _ablation(seen)]
    advance()
    return Report("gait", "Limping, seen from the side", PROTOCOL, figures, [*pictures], grids, CAUTIONS)


def measured(clips: list[Clip]) -> Walks:
    """What the camera step and `features.walk` make of clips."""
    layout = Layout.of(Site(cameras=[Camera("side")]))
    segments = [close_seconds(clip.frames, layout).rows for clip in clips]
    values = np.array([_walk(rows) for rows in segments], np.float64)
    return Walks(
        np.array([clip.subject for clip in clips]),
        np.array([KINDS.index(clip.kind) for clip in clips]),
        values,
        np.array([sides(rows) for rows in segments], np.float64),
        values[:, 0] != MISSING,
    )


def _walk(segments: Segments) -> Ints:
    return walk(segments) if len(segments) else np.full(len(WALK), MISSING)


def _leans_left(seen: Walks) -> Floats:
    """(rows,) logits that it is the left leg, learned from limping persons and their mirror images."""
    logits = np.zeros(len(seen.kind))
    for others, own in held_out(seen.subject, seen.subject):
        learned = others[seen.limping[others]]
        left = seen.kind[learned] == LEFT
        sided = np.concatenate([seen.sided[learned], -seen.sided[learned]])
        logits[own] = Additive.fit(sided, np.concatenate([left, ~left])).logits(seen.sided[own])
    return logits


def _figures(walks: Walks, seen: Walks, logits: Floats, said: Ints) -> list[Figure]:
    right = np.zeros(len(walks.kind), np.bool_)
    right[walks.found] = (logits > 0) == seen.limping
    named = np.zeros(len(walks.kind), np.bool_)
    named[walks.found] = said == seen.kind
    aucs = bootstrap(lambda rows: auc(logits[rows], seen.limping[rows]), seen.subject, SEED)
    return [
        _share("limp or not, all walks", right, walks.subject, target=TARGET_LIMP),
        _share("limp or not, walks with a gait", right[walks.found], seen.subject),
        Figure.with_interval("AUC of limp or not, walks with a gait", auc(logits, seen.limping), aucs),
        _share("normal, right or left, all walks", named, walks.subject, target=TARGET_KIND, published=PUBLISHED),
        _share("normal, right or left, walks with a gait", named[walks.found], seen.subject),
    ]


def _share(
    name: str, right: Bools, groups: Ints, target: float | None = None, published: tuple[Published, ...] = ()
) -> Figure:
    interval: Interval = bootstrap(lambda rows: float(right[rows].mean()), groups, SEED)
    return Figure(name, float(right.mean()), interval.low, interval.high, published, target=target)


def _sign(seen: Walks, at: int) -> int:
    return -1 if auc(seen.values[:, at], seen.limping) > 1 / 2 else 1


def _confusion(seen: Walks, said: Ints) -> Grid:
    names = ["normal", "right leg", "left leg"]
    rows = [
        [names[kind], *(str(int(((seen.kind == kind) & (said == k)).sum())) for k in range(3))] for kind in range(3)
    ]
    return Grid("Walks with a gait: what they were, and what was said", ["", *names], rows)


def _ablation(seen: Walks) -> Grid:
    rows = []
    for at, name in enumerate(WALK):
        others = [other for other in range(len(WALK)) if other != at]
        without = unseen_logits(seen.values[:, others], seen.limping, seen.subject, seen.subject)
        alone = auc(seen.values[:, at], seen.limping)
        rows.append([name, f"{max(alone, 1 - alone):.3f}", f"{auc(without, seen.limping):.3f}"])
    return Grid("AUC of limp or not by value", ["value", "alone, either way round", "model without it"], rows)


BENCHMARK = Benchmark("gait", "ucalgary_gait", 4, evaluate)
