"""A recording through the camera step and the person step: every row of features, by person."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.camera import CameraState, camera_step, finish
from features.closing import Layout
from features.identity import Identities
from features.person import PersonState, person_step
from features.segments import Entry
from features.sequence import CATALOGUE, COLUMN
from features.visit import Places
from streams.sources import DeadLetter, Item, read_recording, site_of


class Rows(NamedTuple):
    """Rows of features of all persons as they came: (rows,) names and (rows, features) values."""

    person: list[str]
    values: NDArray[np.int32]

    def column(self, feature: str) -> NDArray[np.int32]:
        """(rows,) values of a feature."""
        values: NDArray[np.int32] = self.values[:, COLUMN[feature]]
        return values


def rows_of(recording: Path) -> Rows:
    """All rows that the steps give for a recording."""
    site = site_of(recording)
    layout = Layout.of(site)
    places, persons = Places(site, layout.zones), PersonState(Identities.start(site))
    names: list[str] = []
    values = [np.zeros((0, len(CATALOGUE)), np.int32)]
    for entry in journal(read_recording(recording, site), layout):
        rows = person_step(persons, entry, places)
        names += [rows.persons[place] for place in rows.person.tolist()]
        values.append(rows.values)
    return Rows(names, np.concatenate(values))


def journal(items: Iterable[Item], layout: Layout) -> Iterator[Entry]:
    """The journal of what a recording holds."""
    state = CameraState.start(layout)
    for item in items:
        if not isinstance(item, DeadLetter):
            step = camera_step(state, item, layout)
            state = step.state
            yield from step.entries
    yield from finish(state, layout).entries
