"""All behaviours, and how often each is met."""

from collections.abc import Mapping

import numpy as np

from models.scenarios import near_misses, notable, ordinary
from models.scenarios.acts import Behaviour
from models.scenarios.draws import Draws

FREQUENCIES: dict[Behaviour, int] = {
    ordinary.crossing: 60,
    ordinary.slow_walker: 40,
    ordinary.wheelchair: 20,
    ordinary.crutches: 20,
    ordinary.carrying: 30,
    ordinary.phone: 35,
    ordinary.waiting: 40,
    ordinary.shopper: 100,
    ordinary.browser: 40,
    ordinary.queueing: 25,
    ordinary.staff: 25,
    ordinary.parent_and_child: 25,
    near_misses.put_back: 30,
    near_misses.bought_everything: 35,
    near_misses.wrong_order: 15,
    near_misses.same_basket: 15,
    near_misses.passes_door: 30,
    near_misses.waits_at_door: 30,
    near_misses.one_reversal: 25,
    notable.pacing: 60,
    notable.door_pacing: 50,
    notable.door_loitering: 70,
    notable.loitering: 50,
    notable.handled_not_paid: 90,
    notable.combination: 40,
}
"""Permille of all visits."""


def cast(draws: Draws, visits: int, frequencies: Mapping[Behaviour, int] = FREQUENCIES) -> list[Behaviour]:
    """So many behaviours in a random order, each as often as its frequency says, give or take one.

    Source: systematic sampling, Madow 1949 (Ann. Math. Stat. 20:333).
    """
    behaviours, permille = list(frequencies), np.array(list(frequencies.values()))
    ends = np.cumsum(permille) * visits
    ticks = (np.arange(visits) + draws.uniform(0, 1)) * int(permille.sum())
    chosen = [behaviours[at] for at in np.searchsorted(ends, ticks, side="right").tolist()]
    return draws.sample(chosen, visits)
