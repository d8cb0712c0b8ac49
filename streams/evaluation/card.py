"""The model card of a bundle: what it is for, what it cannot do, and what was measured of it, made of reports alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from features.keypoints import PERMILLE
from features.sequence import CATALOGUE
from models.bundle import BANDS, ELEVATED, HIGH, Bundle
from models.fairness import TARGET
from models.records import OBJECTIVE_EVENTS
from streams.console.svg import element, escape
from streams.evaluation.page import document, markdown_section, section
from streams.evaluation.report import Report
from streams.jobs import write_whole

NEEDED = ("shipped", "fairness")
SHOWN = (*NEEDED, "normal")
CARD_FILES = ("model-card.html", "model-card.json", "model-card.md")
PURPOSE = (
    "What the bundle is for, what it cannot do, and what was measured of it. Made by `vigil evaluate`: every figure "
    "comes from a measurement or from the bundle itself."
)
MILLION = 1_000_000

VERDICTS = {
    "fair": f"The gate says fair: no two slices of innocent persons differ by more than {TARGET} in false alarms.",
    "unfair": (
        f"The gate says UNFAIR: some innocent persons have more than {TARGET} times the false alarms of others, beyond "
        "chance. The table below says who. Until that is mended, such persons need a reviewer who knows of it."
    ),
    "undecided": (
        f"The gate is undecided: whether the false alarms of innocent persons differ by more than {TARGET} cannot be "
        "told of as many persons as were played."
    ),
}

INTENDED = [
    (
        "To order tracked persons by how much a human look is worth, with the reasons, where more is recorded than "
        "can be watched. A person looks and decides."
    ),
    "In shops and at premises whose owner has drawn zones, tills and rules, and has told those who are recorded.",
    "For auditors: a score can be made again, to the byte, from the journal.",
]
OUT_OF_SCOPE = [
    "To say what somebody is, intends or did. The probability is that a reviewer would agree to have looked.",
    "To act without a human: no door, no ban, no call to the police, no entry about a person rests on a score.",
    "To find, recognise or follow a named person, or to tell age, sex, ethnicity, health or disability.",
    (
        "For employees' performance, for schools, for crowds seen from afar, or where too little of bodies is seen: "
        "it abstains there, and should not be asked."
    ),
]
CANNOT = [
    (
        "Learned from made-up visits: until a site trains on its own verdicts, its probabilities are those of made-up "
        "reviewers."
    ),
    "What cameras do not show it cannot weigh: hidden hands, other rooms, what was said at the till.",
    "Tracks that change persons carry one's reasons to another, and who is stitched wrongly bears them.",
    "A profile alone raises no alert, but it does raise a person in the order.",
]


class Part(NamedTuple):
    """A heading and sentences."""

    title: str
    sentences: list[str]


def parts(bundle: Bundle, reports: Sequence[Report]) -> Iterator[Part]:
    """What comes before the measurements."""
    verdict = next((report.verdict for report in reports if report.verdict), "undecided")
    yield Part("In short", [VERDICTS[verdict], *_what(bundle)])
    yield Part("What it is for", INTENDED)
    yield Part("What it is not for", OUT_OF_SCOPE)
    yield Part("What it cannot do", CANNOT)
    yield Part("What it was learned from", list(_learned(bundle)))


def _what(bundle: Bundle) -> Iterator[str]:
    scored = bundle.scorecard.features
    yield (
        f"A scorecard of {len(scored)} of {len(CATALOGUE)} features, integer points that add up to at most "
        f"{bundle.scorecard.base + sum(each.points[-1] for each in scored)} of {PERMILLE}: "
        f"{', '.join(each.feature for each in scored)}. The other features only describe."
    )
    for band in bundle.bands[ELEVATED:]:
        permille = int(bundle.calibration.probability_permille(np.array([band.enter], np.int32))[0])
        yield f"Band {band.name}: from {band.enter} points on, where {permille / 10:g} % of reviewers agreed."
    events = "; ".join(event.name for event in OBJECTIVE_EVENTS)
    yield f"Alerts: band {BANDS[HIGH]}, and one of these events, which can be checked: {events}."
    yield f"Bundle {bundle.digest}, scoring version {bundle.scoring_version}."


def _learned(bundle: Bundle) -> Iterator[str]:
    training = bundle.training
    if training is None:
        yield "The bundle does not say."
        return
    yield (
        f"{training.rows:,} persons in {training.groups:,} groups, {training.positives:,} of them with a reviewer's "
        f"agreement; kind of model: {training.model}; digest of the rows {training.values_sha256[:16]}."
    )
    yield (
        f"AUC on groups left out, {training.folds} folds: {training.auc_scorecard_ppm / MILLION:.3f}; calibration "
        f"error {training.calibration_error_ppm / MILLION:.3f}."
    )


def card_markdown(bundle: Bundle, reports: Sequence[Report]) -> str:
    """The card as Markdown."""
    told = "".join(
        f"\n## {part.title}\n\n" + "".join(f"- {sentence}\n" for sentence in part.sentences)
        for part in parts(bundle, reports)
    )
    return f"# {_title(bundle)}\n\n{PURPOSE}\n{told}" + "".join(map(markdown_section, reports))


def card_page(bundle: Bundle, reports: Sequence[Report]) -> str:
    """The card as a page that needs nothing else."""
    told = [
        element(
            "section",
            element("h2", escape(part.title)),
            element("ul", *(element("li", escape(sentence)) for sentence in part.sentences)),
        )
        for part in parts(bundle, reports)
    ]
    return document(_title(bundle), PURPOSE, *told, *map(section, reports))


def _title(bundle: Bundle) -> str:
    return f"Model card of bundle {bundle.digest[:16]}"


def write_card(reports: Sequence[Report], bundle: Bundle, folder: Path) -> Path | None:
    """Write the card with the reports it is made of, if all that it needs was measured; says where."""
    shown = [replace(report, pictures=[]) for report in reports if report.benchmark in SHOWN]
    if not {report.benchmark for report in shown}.issuperset(NEEDED):
        return None
    contents = (
        card_page(bundle, [report for report in reports if report.benchmark in SHOWN]).encode(),
        msgspec.json.format(msgspec.json.encode(shown), indent=1) + b"\n",
        card_markdown(bundle, shown).encode(),
    )
    for name, content in zip(CARD_FILES, contents, strict=True):
        write_whole(folder / name, content)
    return folder / CARD_FILES[0]
