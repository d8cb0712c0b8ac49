"""UCalgary gait: whether somebody limps, from a camera at the side, by persons the model has not seen."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.closing import Layout, close_seconds
from features.keypoints import PERMILLE, Bools, Ints
from features.sequence import MISSING
from features.site import Camera, Site
from features.walk import KINDS, SIDED, WALK, walk, walked
from models.additive import Additive, Floats, unseen_logits
from models.evaluation import Interval, auc, bootstrap, calibration_error, held_out
from models.gait_learning import LEFT, NORMAL, RIGHT, learn_gait
from models.tabled import MILLILOGITS
from streams.adapters.ucalgary import Clip, read_clips
from streams.evaluation.curves import effects_plot, reliability_plot, roc_plot
from streams.evaluation.report import Advance, Benchmark, Figure, Grid, Published, Report

SEED = 1
KIND = {"N": NORMAL, "AL": LEFT, "AR": RIGHT}
TARGET_LIMP, TARGET_KIND = 0.96, 0.82
PUBLISHED = (Published("dynamic Bayesian network", 0.887),)
PROTOCOL = [
    "112 walks of 19 persons: without repeated and empty files; subject 10, whose walks are subject 4's, is that one.",
    "Poses as a camera at the side would see them go through the camera step; the walk is read off its seconds.",
    "Each person is judged by models that have learned from the others. Intervals: 1,000 draws of whole persons.",
    "Where nobody walks, a limp is said, as of most walks here, and which leg it is counts as wrong.",
]
CAUTIONS = [
    "The limps are acted, slowly and with short steps: step length alone tells most of them. Real ones are subtler.",
    "How somebody walks only describes. No score, band or alert rests on it, and no bundle may score it.",
    "Of four of 19 persons the leg is not told better than by chance: two seem to limp on the same side throughout.",
]


class Walks(NamedTuple):
    """The walks: (rows,) person and kind, (rows, 5) values as of `walks`, and in which a walk was found."""

    subject: Ints
    kind: Ints
    values: Ints
    found: Bools

    def take(self, rows: Bools) -> "Walks":
        """Some of them."""
        return Walks(self.subject[rows], self.kind[rows], self.values[rows], self.found[rows])

    @property
    def limping(self) -> Bools:
        """(rows,) whether a leg is hurt."""
        return np.asarray(self.kind != NORMAL)

    @property
    def like(self) -> Ints:
        """(rows, 4) the values that say whether it is a limp."""
        return self.values[:, : len(WALK)]


class Unseen(NamedTuple):
    """What models of other persons say of each walk: (rows,) logits of a limp, of the left leg, (rows, 3) permille."""

    limp: Floats
    left: Floats
    kinds: Ints

    @property
    def said(self) -> Ints:
        """(rows,) the kind."""
        return np.where(self.limp > 0, np.where(self.left > 0, LEFT, RIGHT), NORMAL)


def evaluate(source: Path, advance: Advance) -> Report:
    """Leave one person out."""
    walks = measured(read_clips(source))
    advance()
    seen = walks.take(walks.found)
    unseen = _unseen(seen)
    logits = unseen.limp
    advance()
    figures = [*_figures(walks, seen, logits, unseen.said), _calibrated(seen, unseen)]
    advance()
    model = Additive.fit(seen.like.astype(np.float64), seen.limping)
    alone = {name: np.asarray(-_sign(seen, at) * seen.like[:, at], np.float64) for at, name in enumerate(WALK)}
    scores = {"model": logits} | alone
    pictures = [
        roc_plot(scores, seen.limping, "walks"), reliability_plot(logits, seen.limping), effects_plot(model, WALK),
    ]  # fmt: skip
    grids = [_confusion(seen, unseen.said), _ablation(seen)]
    advance()
    return Report("gait", "Limping, seen from the side", PROTOCOL, figures, [*pictures], grids, CAUTIONS)


def measured(clips: list[Clip]) -> Walks:
    """What the camera step and `features.walk` make of clips."""
    layout = Layout.of(Site(cameras=[Camera("side")]))
    segments = [close_seconds(clip.frames, layout).rows for clip in clips]
    values = np.array([walk(rows) if len(rows) else [MISSING] * len((*WALK, *SIDED)) for rows in segments])
    return Walks(
        np.array([clip.subject for clip in clips]),
        np.array([KIND[clip.kind] for clip in clips]),
        values,
        walked(values),
    )


def _unseen(seen: Walks) -> Unseen:
    """By models as `vigil learn gait` makes them."""
    logits, kinds = np.zeros((2, len(seen.kind))), np.zeros((len(seen.kind), len(KINDS)), np.int32)
    for others, own in held_out(seen.subject, seen.subject):
        model = learn_gait(seen.values[others], seen.kind[others], seen.subject[others])
        logits[0, own] = model.limp.millilogits(seen.like[own])
        logits[1, own] = model.left.millilogits(seen.values[own, len(WALK) :])
        kinds[own] = model.kinds(seen.values[own])
    return Unseen(logits[0] / MILLILOGITS, logits[1] / MILLILOGITS, kinds)


def _figures(walks: Walks, seen: Walks, logits: Floats, said: Ints) -> list[Figure]:
    right = walks.limping == (seen.limping.mean() > 1 / 2)
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


def _calibrated(seen: Walks, unseen: Unseen) -> Figure:
    """How far the probability of a limp is from what comes true, of persons that were not learned from."""
    limp = PERMILLE - unseen.kinds[:, NORMAL]
    interval = bootstrap(lambda rows: calibration_error(limp[rows], seen.limping[rows]), seen.subject, SEED)
    error = calibration_error(limp, seen.limping)
    return Figure.with_interval("calibration error of the probability of a limp", error, interval)


def _share(
    name: str, right: Bools, groups: Ints, target: float | None = None, published: tuple[Published, ...] = ()
) -> Figure:
    interval: Interval = bootstrap(lambda rows: float(right[rows].mean()), groups, SEED)
    return Figure(name, float(right.mean()), interval.low, interval.high, published, target=target)


def _sign(seen: Walks, at: int) -> int:
    return -1 if auc(seen.like[:, at], seen.limping) > 1 / 2 else 1


def _confusion(seen: Walks, said: Ints) -> Grid:
    names = ["normal", "left leg", "right leg"]
    rows = [
        [names[kind], *(str(int(((seen.kind == kind) & (said == k)).sum())) for k in range(3))] for kind in range(3)
    ]
    return Grid("Walks with a gait: what they were, and what was said", ["", *names], rows)


def _ablation(seen: Walks) -> Grid:
    rows = []
    for at, name in enumerate(WALK):
        others = [other for other in range(len(WALK)) if other != at]
        without = unseen_logits(seen.like[:, others].astype(np.float64), seen.limping, seen.subject, seen.subject)
        alone = auc(seen.like[:, at], seen.limping)
        rows.append([name, f"{max(alone, 1 - alone):.3f}", f"{auc(without, seen.limping):.3f}"])
    return Grid("AUC of limp or not by value", ["value", "alone, either way round", "model without it"], rows)


BENCHMARK = Benchmark("gait", "ucalgary_gait", 4, evaluate)
