"""The curves that several benchmarks draw."""

import numpy as np

from features.keypoints import Bools
from models.additive import SCORE_MAX, Additive, Floats, probability
from models.evaluation import roc
from streams.evaluation.report import Curve, Plot

BINS = 5
POINTS = 61


def roc_plot(scores: dict[str, Floats], labels: Bools, what: str) -> Plot:
    """A curve for each of several scores of the same rows."""
    curves = [Curve(name, *(axis.tolist() for axis in roc(each, labels))) for name, each in scores.items()]
    return Plot(f"ROC over {what}", f"share of other {what} flagged", "share of those meant flagged", curves)


def reliability_plot(logits: Floats, labels: Bools) -> Plot:
    """What came true of what was said, in fifths of the rows by probability, beside what would be right."""
    parts = np.array_split(np.argsort(logits, kind="stable"), BINS)
    said = [float(probability(logits[rows]).mean()) for rows in parts]
    came = [float(labels[rows].mean()) for rows in parts]
    return Plot(
        "Reliability, on groups not learned from", "probability said, mean of a fifth", "share that came true",
        [Curve("measured", said, came), Curve("perfect", [0, 1], [0, 1])],
    )  # fmt: skip


def effects_plot(model: Additive, names: tuple[str, ...]) -> Plot:
    """What each value adds to the logit, from what is far below to far above the middle of what was learned from."""
    at = np.linspace(-SCORE_MAX, SCORE_MAX, POINTS)
    effects = model.effects(np.tile(at[:, None], len(names)))
    end = float(np.ceil(np.abs(effects).max() * 2) / 2)
    curves = [Curve(name, at.tolist(), effects[:, column].tolist()) for column, name in enumerate(names)]
    return Plot(
        "Effect of each value", "how far the value is from the median, in normal deviations", "added to the logit",
        curves, SCORE_MAX, end, -SCORE_MAX, -end,
    )  # fmt: skip
