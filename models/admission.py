"""Admission: whether a candidate bundle may take the place of another, on what grounds, and who signed that."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]
Ppm = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Permille = Annotated[int, Meta(ge=0, le=1_000)]

WHAT = "vigil admission report v1"


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Gate(_Part, frozen=True):
    """One condition of admission, in words: what it asks for and what was found."""

    name: Literal["better", "not_contrary", "false_alarms", "precision", "fairness", "even_verdicts"]
    passed: bool
    expected: str
    got: str


class Figures(_Part, frozen=True):
    """What a bundle is worth on the cases that were held back; a case counts for the persons it stands for.

    Attributes:
        auc_ppm: by the highest score of each person.
        calibration_error_ppm: of the probability that goes with it, over ten bins.
        abstained: cases of which it says nothing.
        alarmed: cases of which it would have called, cooldown and budget aside.
        false_alarms_per_1000_camera_hours: persons judged innocent among them, for as many as each stands for.
        precision_permille: of those in the high band, persons worth a look; 0 where nobody is.
        found_permille: of the persons worth a look, those it would have called.
    """

    auc_ppm: Ppm
    calibration_error_ppm: Ppm
    abstained: Count
    alarmed: Count
    false_alarms_per_1000_camera_hours: Count
    precision_permille: Permille
    found_permille: Permille


class Evenness(_Part, frozen=True):
    """How unevenly persons judged innocent are put above the low band, by one way to part them, in permille.

    Attributes:
        slices: what they are parted by.
        current: the largest share over the smallest, of the bundle that counts now; 1,000 is even, 0 is too few to say.
        candidate: likewise.
        change_low: low end of the interval of the candidate's over the current one's.
        verdicts_low: by how much at least one part is judged harder or milder than its scores say; 1,000 is not at all.
    """

    slices: str
    current: Count
    candidate: Count
    change_low: Count
    verdicts_low: Count


class Verdicts(_Part, frozen=True):
    """What was learned from and judged on.

    Attributes:
        cases: persons with a verdict that counts; `agreed` of them worth a look, `sampled` of the random sample.
        groups: days of a camera; no group is on both sides.
        held_back: cases that were judged on, of `held_back_groups` groups.
        effective: to how many cases of one weight all of them are worth, by the sum of the weights.
        weight_max: for how many persons a case may stand at most; `capped` cases would have stood for more.
        camera_hours: over all groups, in thousandths.
        unclear: persons without a majority; `unknown` with a verdict in no run, `unsampled` neither called nor drawn,
            `unseen` of whom too little was seen by the time of the verdict.
    """

    cases: Count
    agreed: Count
    sampled: Count
    groups: Count
    held_back: Count
    held_back_groups: Count
    effective: Count
    weight_max: Count
    capped: Count
    camera_hours: Count
    unclear: Count
    unknown: Count
    unsampled: Count
    unseen: Count


class AdmissionReport(_Part, frozen=True):
    """A decision about a candidate, with all that is needed to make it again.

    Attributes:
        content: digest of the candidate without this report.
        current: digest of the bundle it was compared with.
        seed: of the split, of folds and of trees.
        confidence_permille: of every bound.
        budget_per_camera_hour: alerts that the threshold of the high band keeps to.
        promise_permille: how often a reviewer agrees with what is in the high band.
        journals: digests of the files, in the order given; so `dispositions` and `samples`.
        versions: of what it was learned with.
    """

    admitted: bool
    content: Sha256
    current: Sha256
    seed: Count
    confidence_permille: Permille
    budget_per_camera_hour: Count
    promise_permille: Permille
    verdicts: Verdicts
    figures_current: Figures
    figures_candidate: Figures
    better_low_ppm: Ppm
    better_high_ppm: Ppm
    evenness: tuple[Evenness, ...]
    gates: tuple[Gate, ...]
    journals: tuple[Sha256, ...] = ()
    dispositions: tuple[Sha256, ...] = ()
    samples: tuple[Sha256, ...] = ()
    versions: dict[str, str] = {}


class Admission(_Part, frozen=True):
    """The report in a bundle, and the lines of signatures below its text."""

    report: AdmissionReport
    signatures: tuple[str, ...] = ()

    @property
    def refused_by(self) -> list[str]:
        """The conditions that were not met, in words."""
        return [
            f"{gate.name}: expected {gate.expected}, got {gate.got}" for gate in self.report.gates if not gate.passed
        ]


def report_text(report: AdmissionReport) -> str:
    """The text that is signed: a line of what it is, and the report as a line of JSON with sorted keys."""
    return f"{WHAT}\n{msgspec.json.encode(report, order='sorted').decode()}\n"
