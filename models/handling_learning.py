"""Learning how hands are held while goods are put away, from seconds of staged clips."""

from features.handling import HANDLING
from features.keypoints import Bools, Ints
from models.evaluation import Groups
from models.tabled import Tabled
from models.tabling import learn_tabled


def learn_handling(values: Ints, concealing: Bools, source: Groups) -> Tabled:
    """The model of seconds of clips.

    Args:
        values: (rows, quantities) in the order of `HANDLING`, all of them known.
        concealing: (rows,) whether the second is of a clip in which goods are put away.
        source: (rows,) the recording it was cut from.
    """
    return learn_tabled(HANDLING, values, concealing, source)
