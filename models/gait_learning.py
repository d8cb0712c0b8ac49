"""Learning kinds of walking from labelled walks of few persons."""

import numpy as np

from features.keypoints import Ints
from features.walk import KINDS, SIDED, WALK
from models.evaluation import Groups
from models.gait import GaitModel
from models.tabling import learn_tabled, straight_effects_of

NORMAL, LEFT, RIGHT = range(len(KINDS))


def learn_gait(values: Ints, kind: Ints, person: Groups) -> GaitModel:
    """The model of walks of several persons; which side is which is learned from limps and their mirror images.

    Args:
        values: (rows, 5) in the order of `WALK` and `SIDED`, none of them `MISSING`.
        kind: (rows,) place in `KINDS`.
        person: (rows,) whose walk it is.
    """
    like, limping = values[:, : len(WALK)], np.asarray(kind != NORMAL)
    sided, left = values[limping, len(WALK) :], np.asarray(kind[limping] == LEFT)
    return GaitModel(
        limp=learn_tabled(WALK, like, limping, person),
        left=learn_tabled(SIDED, sided, left, person[limping], mirrored=(-sided, ~left), learn=straight_effects_of),
    )
