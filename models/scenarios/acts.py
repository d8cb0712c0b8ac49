"""Acts: a behaviour as somebody shows it, and how likely a reviewer agrees that a look was worthwhile."""

from collections.abc import Callable
from dataclasses import dataclass

from features.keypoints import PERMILLE
from models.scenarios.draws import Draws
from models.scenarios.script import Script

_AGREED_LEAST, _AGREED_MOST = 0.02, 0.97


@dataclass(frozen=True, slots=True)
class Act:
    """One behaviour of one person, or of several who come together.

    Attributes:
        behaviour: its name.
        strength: 0 is everyday life, 1 is as plain as it gets.
        scripts: of the persons.
    """

    behaviour: str
    strength: float
    scripts: tuple[Script, ...]

    @property
    def agreement_permille(self) -> int:
        """How many of a thousand reviewers would agree that a look was worthwhile.

        Rises smoothly with the strength, from 20 to 970: nobody agrees always or never.
        """
        strength = min(max(self.strength, 0.0), 1.0)
        rise = strength * strength * (3 - 2 * strength)
        return round(PERMILLE * (_AGREED_LEAST + (_AGREED_MOST - _AGREED_LEAST) * rise))


Behaviour = Callable[[Draws], Act]
