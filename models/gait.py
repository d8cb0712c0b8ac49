"""Kinds of walking: normal, or as if the left or the right leg were hurt. It describes; no bundle may score it."""

import numpy as np
from msgspec import Struct

from features.keypoints import PERMILLE, Int32s, Ints
from features.walk import SIDED, WALK
from models.tabled import Tabled, check_tabled


class GaitModel(Struct, frozen=True, forbid_unknown_fields=True):
    """How likely a walk is a limp, and if it is one, that of the left leg."""

    limp: Tabled
    left: Tabled

    def kinds(self, values: Ints) -> Int32s:
        """(rows, 3) permille of normal, antalgic left and antalgic right, together 1,000.

        Args:
            values: (rows, 5) in the order of `features.walk.WALK` and `SIDED`.
        """
        limp = self.limp.permille(values[:, : len(WALK)])
        left = limp * self.left.permille(values[:, len(WALK) :]) // PERMILLE
        return np.stack([PERMILLE - limp, left, limp - left], axis=1)


def check_gait(model: GaitModel, field: str) -> None:
    """Refuses a model of other values.

    Raises:
        Rejection: naming the first wrong field below `field`.
    """
    check_tabled(model.limp, WALK, f"{field}.limp")
    check_tabled(model.left, SIDED, f"{field}.left")
