"""The bundle: everything a score is made with, in one file of integers and words that can be read and verified."""

import hashlib
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from features.basket import Corpus
from features.events import Rejection, explain
from features.handling import HANDLING
from models.calibration import Calibration, check_calibration
from models.gait import GaitModel, check_gait
from models.scorecard import Points, Scorecard, check_scorecard
from models.tabled import Tabled, check_tabled

SCHEMA_VERSION: Literal[1] = 1
SCORING_VERSION = 1
"""Of this code: raised whenever the same journal and the same bundle may be scored otherwise."""

BandName = Literal["low", "elevated", "high"]
BANDS: tuple[BandName, ...] = ("low", "elevated", "high")
LOW, ELEVATED, HIGH = range(3)

Count = Annotated[int, Meta(ge=0)]
Ppm = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Band(_Part, frozen=True):
    """A span of scores: entered at `enter` points, left again only below `leave`."""

    name: BandName
    enter: Points
    leave: Points


class AbstainRule(_Part, frozen=True):
    """What must have been seen before anything is said: seconds of a person, permille of the body."""

    observed_s: Count = 5
    posed_permille: Annotated[int, Meta(ge=0, le=1_000)] = 300


class TrainingReport(_Part, frozen=True):
    """Where a scorecard comes from and what it is worth on groups it has not seen. `_ppm` are millionths.

    Attributes:
        model: the kind of additive model that was kept.
        seed: of the folds and of the model.
        folds: of whole groups, in cross-validation.
        rows: how many were learned from; `positives` of them labelled so, in `groups` groups.
        values_sha256: over what was learned from.
        auc_boosted_ppm: mean over the folds, of boosted trees without interactions.
        auc_logistic_ppm: the same of binned logistic regression.
        auc_scorecard_ppm: the same of the scorecards made of the kept kind of model.
        auc_loss_ppm: what turning that model into a scorecard cost.
        calibration_error_ppm: of probabilities learned on the other folds.
    """

    model: Literal["boosted", "logistic"]
    seed: Count
    folds: Count
    rows: Count
    positives: Count
    groups: Count
    values_sha256: Sha256
    auc_boosted_ppm: Ppm
    auc_logistic_ppm: Ppm
    auc_scorecard_ppm: Ppm
    auc_loss_ppm: Ppm
    calibration_error_ppm: Ppm


class Bundle(_Part, frozen=True):
    """A scorecard with all that is needed to publish what it says.

    Attributes:
        scoring_version: `SCORING_VERSION` of the code that it was made for.
        bands: low, elevated, high.
        corpus: how many baskets hold each category, for how unusual a basket is; none where nothing is known.
        gait: tells kinds of walking apart, which only describe; left out where nobody has learned them.
        handling: how likely hands put goods away, which only describes; left out as gait is.
        digest: sha256 over the bundle's canonical bytes without this field.
    """

    scoring_version: Annotated[int, Meta(ge=1)]
    scorecard: Scorecard
    calibration: Calibration
    bands: Annotated[tuple[Band, ...], Meta(min_length=3, max_length=3)]
    abstain: AbstainRule = AbstainRule()
    training: TrainingReport | None = None
    corpus: Corpus | None = None
    gait: GaitModel | UnsetType = UNSET
    handling: Tabled | UnsetType = UNSET
    schema_version: Literal[1] = SCHEMA_VERSION
    digest: str = ""


def seal(bundle: Bundle) -> Bundle:
    """The bundle with its digest, checked.

    Raises:
        Rejection: as `load` does.
    """
    _check(bundle)
    return replace(bundle, digest=_digest(bundle))


def dump(bundle: Bundle) -> bytes:
    """The canonical bytes of a sealed bundle: JSON with sorted keys and no white space."""
    return msgspec.json.encode(seal(bundle), order="sorted")


def load(text: bytes | str) -> Bundle:
    """A bundle from its JSON, however it is laid out.

    Raises:
        Rejection: naming the first wrong field, what was expected and what came.
    """
    try:
        bundle = msgspec.json.decode(text, type=Bundle)
    except msgspec.ValidationError as error:
        raise explain(str(error), text) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejection("$", "JSON", str(error)) from None
    if bundle.digest != _digest(bundle):
        raise Rejection("$.digest", f"{_digest(bundle)}, the content's", bundle.digest or "none")
    _check(bundle)
    return bundle


def schema() -> dict[str, Any]:
    """The JSON Schema of a bundle."""
    return msgspec.json.schema(Bundle)


def check_scoring(bundle: Bundle) -> None:
    """Make sure that this code scores by a bundle as the code does that it was made for.

    Raises:
        Rejection: it is of another scoring version.
    """
    if bundle.scoring_version != SCORING_VERSION:
        raise Rejection("$.scoring_version", f"{SCORING_VERSION}, that of this code", str(bundle.scoring_version))


@cache
def default_bundle() -> Bundle:
    """The bundle Vigil ships."""
    return load(resources.files("models").joinpath("bundles/default.json").read_bytes())


def _digest(bundle: Bundle) -> str:
    content = msgspec.to_builtins(bundle)
    del content["digest"]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _check(bundle: Bundle) -> None:
    check_scorecard(bundle.scorecard)
    check_calibration(bundle.calibration)
    _check_bands(bundle.bands)
    if bundle.scorecard.base >= bundle.bands[ELEVATED].leave:
        below = f"less than the {bundle.bands[ELEVATED].leave} points at which elevated is left"
        raise Rejection("$.scorecard.base", below, str(bundle.scorecard.base))
    if bundle.corpus is not None:
        _check_corpus(bundle.corpus)
    if bundle.gait is not UNSET:
        check_gait(bundle.gait, "$.gait")
    if bundle.handling is not UNSET:
        check_tabled(bundle.handling, HANDLING, "$.handling")


def _check_bands(bands: tuple[Band, ...]) -> None:
    for at, (band, name) in enumerate(zip(bands, BANDS, strict=True)):
        if band.name != name:
            raise Rejection(f"$.bands[{at}].name", name, band.name)
        if band.leave > band.enter:
            raise Rejection(f"$.bands[{at}].leave", f"at most the {band.enter} points of enter", str(band.leave))
    if bands[LOW].enter:
        raise Rejection("$.bands[0].enter", "0, for low is where everybody starts", str(bands[LOW].enter))
    for at, (lower, upper) in enumerate(pairwise(bands), start=1):
        if upper.enter <= lower.enter or upper.leave <= lower.leave:
            raise Rejection(
                f"$.bands[{at}]", f"enter and leave above those of {lower.name}", f"{upper.enter}, {upper.leave}"
            )


def _check_corpus(corpus: Corpus) -> None:
    for category, count in sorted(corpus.counts.items()):
        if not 0 <= count <= corpus.baskets:
            raise Rejection(f"$.corpus.counts.{category}", f"0 to {corpus.baskets} baskets", str(count))
