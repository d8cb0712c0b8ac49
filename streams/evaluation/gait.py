"""UCalgary gait: whether somebody limps, from a camera at the side, by persons the model has not seen."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.body import Body
from features.closing import Layout, close_seconds, runs_of_seconds
from features.keypoints import Bools, Int32s, Int64s, Ints, PersonFrames
from features.site import Camera, Site
from features.strides import strides
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
    "Every walk is judged, also the one in which the person only stands.",
]
CAUTIONS = [
    "The limps are acted, slowly and with short steps: step length alone tells most of them. Real ones are subtler.",
    "How somebody walks only describes. No score, band or alert rests on it, and no bundle may hold it.",
    "Of four of 19 persons the leg is not told better than by chance: two seem to limp on the same side throughout.",
]


class Walks(NamedTuple):
    """The walks: (rows,) person and kind, (rows, 4) and (rows, 1) values."""

    subject: Ints
    kind: Ints
    values: Floats
    sided: Floats

    @property
    def limping(self) -> Bools:
        """(rows,) whether a leg is hurt."""
        return np.asarray(self.kind != NORMAL)


def evaluate(source: Path, advance: Advance) -> Report:
    """Leave one person out."""
    walks = measured(read_clips(source))
    advance()
    logits = unseen_logits(walks.values, walks.limping, walks.subject, walks.subject)
    advance()
    said = np.where(logits > 0, np.where(_leans_left(walks) > 0, LEFT, RIGHT), NORMAL)
    figures = _figures(walks, logits, said)
    advance()
    model = Additive.fit(walks.values, walks.limping)
    scores = {"model": logits} | {name: -walks.values[:, at] * _sign(walks, at) for at, name in enumerate(WALK)}
    pictures = [
        roc_plot(scores, walks.limping, "walks"),
        reliability_plot(logits, walks.limping),
        effects_plot(model, WALK),
    ]
    grids = [_confusion(walks, said), _ablation(walks)]
    advance()
    return Report("gait", "Limping, seen from the side", PROTOCOL, figures, [*pictures], grids, CAUTIONS)


def measured(clips: list[Clip]) -> Walks:
    """What the camera step, `features.strides` and `features.walk` make of clips."""
    layout = Layout.of(Site(cameras=[Camera("side")]))
    values, sided = zip(*(_measure(clip.frames, layout) for clip in clips), strict=True)
    return Walks(
        np.array([clip.subject for clip in clips]),
        np.array([KINDS.index(clip.kind) for clip in clips]),
        np.array(values, np.float64),
        np.array(sided, np.float64),
    )


def _measure(frames: PersonFrames, layout: Layout) -> tuple[Int32s, Int64s]:
    sums = strides(Body.of(frames), frames.time_ms, runs_of_seconds(frames))
    return walk(close_seconds(frames, layout).rows, sums), sides(sums)


def _leans_left(walks: Walks) -> Floats:
    """(rows,) logits that it is the left leg, learned from limping persons and their mirror images."""
    logits = np.zeros(len(walks.kind))
    for others, own in held_out(walks.subject, walks.subject):
        learned = others[walks.limping[others]]
        left = walks.kind[learned] == LEFT
        sided = np.concatenate([walks.sided[learned], -walks.sided[learned]])
        model = Additive.fit(sided, np.concatenate([left, ~left]))
        logits[own] = model.logits(walks.sided[own]) - model.logits(-walks.sided[own])
    return logits


def _figures(walks: Walks, logits: Floats, said: Ints) -> list[Figure]:
    limping = walks.limping
    named = (said == walks.kind)[limping & (logits > 0)]
    aucs = bootstrap(lambda rows: auc(logits[rows], limping[rows]), walks.subject, SEED)
    return [
        _share("limp or not", (logits > 0) == limping, walks.subject, target=TARGET_LIMP),
        Figure.with_interval("AUC of limp or not", auc(logits, limping), aucs),
        _share("normal, right or left", said == walks.kind, walks.subject, target=TARGET_KIND, published=PUBLISHED),
        _share("right or left, limps that were told", named, walks.subject[limping & (logits > 0)]),
    ]


def _share(
    name: str, right: Bools, groups: Ints, target: float | None = None, published: tuple[Published, ...] = ()
) -> Figure:
    interval: Interval = bootstrap(lambda rows: float(right[rows].mean()), groups, SEED)
    return Figure(name, float(right.mean()), interval.low, interval.high, published, target=target)


def _sign(walks: Walks, at: int) -> int:
    return -1 if auc(walks.values[:, at], walks.limping) > 1 / 2 else 1


def _confusion(walks: Walks, said: Ints) -> Grid:
    names = ["normal", "right leg", "left leg"]
    rows = [
        [names[kind], *(str(int(((walks.kind == kind) & (said == k)).sum())) for k in range(3))] for kind in range(3)
    ]
    return Grid("What the walks were, and what was said", ["", *names], rows)


def _ablation(walks: Walks) -> Grid:
    rows = []
    for at, name in enumerate(WALK):
        others = [other for other in range(len(WALK)) if other != at]
        without = unseen_logits(walks.values[:, others], walks.limping, walks.subject, walks.subject)
        alone = auc(walks.values[:, at], walks.limping)
        rows.append([name, f"{max(alone, 1 - alone):.3f}", f"{auc(without, walks.limping):.3f}"])
    return Grid("AUC of limp or not by value", ["value", "alone, either way round", "model without it"], rows)


BENCHMARK = Benchmark("gait", "ucalgary_gait", 4, evaluate)
