"""Bodies: everyday visits played again and again by others, so that nothing differs but who comes."""

from dataclasses import replace

from models.scenarios import near_misses, ordinary
from models.scenarios.acts import Act
from models.scenarios.behaviours import FREQUENCIES
from models.scenarios.generate import Scenario, generate
from models.scenarios.walker import Walker

INNOCENT = {
    behaviour: frequency
    for behaviour, frequency in FREQUENCIES.items()
    if behaviour.__module__ in {ordinary.__name__, near_misses.__name__}
}
"""What nearly no reviewer calls worth a look, and how often it is met."""

AIDS = ("walks freely", "limps", "crutches", "wheelchair")
STATURES_M = (1.2, 1.55, 1.7, 1.9)
CASTS = len(AIDS)
GROUP_MAX = 2
_LIMP = 0.75
_ASIDE_M = 0.5


def play(seed: int, visits: int, cast: int) -> Scenario:
    """A scenario of innocent visits, the same for all casts but for the bodies and the company of those who come.

    Over the casts each visit is played once with each aid and once at each stature, alone in half of them; over many
    visits each aid goes with each stature and each size of a group equally often.

    Args:
        seed: of the visits.
        visits: arrivals; about half as many more come along.
        cast: 0..CASTS - 1.
    """
    return generate(seed, visits, behaviours=INNOCENT, recast=lambda arrival, act: _recast(act, arrival, cast))


def _recast(act: Act, arrival: int, cast: int) -> Act:
    aid = (arrival + cast) % CASTS
    stature_m = STATURES_M[(arrival // CASTS + cast) % CASTS]
    first, *others = act.scripts
    first.walker = body(first.walker, AIDS[aid], stature_m)
    wanted = 1 + (arrival // CASTS**2 + cast) % GROUP_MAX
    if not others and wanted == GROUP_MAX:
        others = [first.beside(Walker(STATURES_M[2], first.walker.speed_m_s), _ASIDE_M)]
    return replace(act, scripts=(first, *others[: wanted - 1]))


def body(walker: Walker, aid: str, stature_m: float) -> Walker:
    """Somebody else with the same errand and pace."""
    limp = _LIMP if aid in {"limps", "crutches"} else 0.0
    return replace(walker, stature_m=stature_m, limp=limp, crutches=aid == "crutches", seated=aid == "wheelchair")


def aid_of(walker: Walker) -> str:
    """Which of `AIDS` a walker has."""
    if walker.seated or walker.crutches:
        return "wheelchair" if walker.seated else "crutches"
    return "limps" if walker.limp else "walks freely"
