import hashlib
import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from features.basket import Corpus
from features.events import Rejection
from models.admission import Admission, AdmissionReport, Evenness, Figures, Gate, Verdicts, report_text
from models.bundle import Band, Bundle, TrainingReport, content_digest, dump, load, schema, seal
from models.calibration import Calibration
from models.scorecard import Scorecard, ScoredFeature

REPORT = TrainingReport("logistic", 7, 5, 100, 30, 10, "0" * 64, 800_000, 810_000, 809_000, 1_000, 20_000)
BUNDLE = Bundle(
    scoring_version=1,
    scorecard=Scorecard((ScoredFeature("loiter_s", (60, 300), (0, 100, 600)),), base=5),
    calibration=Calibration((0, 500), (20, 700)),
    bands=(Band("low", 0, 0), Band("elevated", 100, 80), Band("high", 500, 450)),
    training=REPORT,
    corpus=Corpus({"bread": 3, "Käse": 4}, 10),
)


def canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def edited(*path: str | int, value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The bundle with one field replaced and sealed again."""
    content = json.loads(dump(BUNDLE))
    del content["digest"]
    *parents, last = path
    part = content
    for key in parents:
        part = part[key]
    part[last] = value
    return canonical({**content, "digest": hashlib.sha256(canonical(content)).hexdigest()})


def test_round_trip() -> None:
    assert load(dump(BUNDLE)) == seal(BUNDLE)
    assert dump(load(dump(BUNDLE))) == dump(BUNDLE)


def test_the_digest_is_of_the_canonical_bytes_and_of_no_layout() -> None:
    content = json.loads(dump(BUNDLE))
    assert load(json.dumps(content, indent=2)).digest == content["digest"]
    digest = content.pop("digest")
    assert hashlib.sha256(canonical(content)).hexdigest() == digest
    assert canonical({**content, "digest": digest}) == dump(BUNDLE)


def test_every_changed_character_is_noticed() -> None:
    text = dump(BUNDLE)
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        with pytest.raises(Rejection):
            load(changed)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["schema_version"], 2, "$.schema_version"),
        (["surprise"], 1, "$.surprise"),
        (["scorecard", "base"], 80, "$.scorecard.base"),
        (["scorecard", "base"], 0.5, "$.scorecard.base"),
        (["scorecard", "base"], 401, "$.scorecard"),
        (["scorecard", "features", 0, "feature"], "stay_s", "$.scorecard.features[0].feature"),
        (["scorecard", "features", 0, "edges"], [300, 60], "$.scorecard.features[0].edges"),
        (["scorecard", "features", 0, "points"], [0, 100, 99], "$.scorecard.features[0].points"),
        (["scorecard", "features", 0, "points"], [0, 100, -1], "$.scorecard.features[0].points[2]"),
        (["calibration", "permille"], [700, 20], "$.calibration.permille"),
        (["bands", 1, "name"], "high", "$.bands[1].name"),
        (["bands", 0, "enter"], 1, "$.bands[0].enter"),
        (["bands", 1, "leave"], 101, "$.bands[1].leave"),
        (["bands", 2, "leave"], 80, "$.bands[2]"),
        (["corpus", "counts", "bread"], 11, "$.corpus.counts.bread"),
        (["training", "auc_loss_ppm"], "small", "$.training.auc_loss_ppm"),
    ],
)
def test_refused_bundles_name_the_field(path: list[str | int], value: Any, field: str) -> None:  # noqa: ANN401
    with pytest.raises(Rejection) as refused:
        load(edited(*path, value=value))
    assert refused.value.field == field


def test_a_changed_number_without_a_new_digest_is_refused() -> None:
    with pytest.raises(Rejection, match=r"^\$\.digest: expected [0-9a-f]{64}, the content's, got [0-9a-f]{64}$"):
        load(dump(BUNDLE).replace(b'"enter":500', b'"enter":510'))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_bundle_is_refused(text: bytes) -> None:
    with pytest.raises(Rejection, match=r"^\$"):
        load(text)


def test_an_invalid_bundle_cannot_be_sealed() -> None:
    with pytest.raises(Rejection):
        seal(Bundle(1, Scorecard((ScoredFeature("speed_10s", (1,), (0, 1)),)), BUNDLE.calibration, BUNDLE.bands))


def test_the_schema_names_all_parts() -> None:
    assert {"Bundle", "Scorecard", "ScoredFeature", "Calibration", "Band", "AbstainRule"} <= set(schema()["$defs"])


FIGURES = Figures(800_000, 20_000, 0, 10, 50, 700, 300)
REPORT_OF_ADMISSION = AdmissionReport(
    admitted=True,
    content=content_digest(BUNDLE),
    current="1" * 64,
    seed=1,
    confidence_permille=950,
    budget_per_camera_hour=4,
    promise_permille=600,
    verdicts=Verdicts(300, 80, 100, 20, 100, 7, 150, 100, 0, 90_000, 1, 2, 3, 4),
    figures_current=FIGURES,
    figures_candidate=FIGURES,
    better_low_ppm=0,
    better_high_ppm=10_000,
    evenness=(Evenness("camera", 1_100, 1_200, 900, 1_000),),
    gates=(Gate("better", passed=True, expected="more", got="more"),),
)


def test_an_admission_is_of_the_bundle_it_is_in_and_covered_by_the_digest() -> None:
    admitted = seal(replace(BUNDLE, admission=Admission(REPORT_OF_ADMISSION, ("a signature",))))
    assert load(dump(admitted)) == admitted
    assert content_digest(admitted) == content_digest(BUNDLE) != admitted.digest
    with pytest.raises(Rejection, match=r"^\$\.digest"):
        load(dump(admitted).replace(b"a signature", b"another one"))


@pytest.mark.parametrize(
    ("report", "field"),
    [
        (replace(REPORT_OF_ADMISSION, content="2" * 64), "$.admission.report.content"),
        (replace(REPORT_OF_ADMISSION, admitted=False), "$.admission.report.admitted"),
        (
            replace(REPORT_OF_ADMISSION, gates=(Gate("better", passed=False, expected="more", got="less"),)),
            "$.admission.report.admitted",
        ),
    ],
)
def test_an_admission_of_something_else_or_against_its_gates_is_refused(report: AdmissionReport, field: str) -> None:
    with pytest.raises(Rejection) as refused:
        seal(replace(BUNDLE, admission=Admission(report)))
    assert refused.value.field == field


def test_bundles_from_before_there_were_admissions_keep_their_bytes() -> None:
    text = dump(BUNDLE)
    assert b"admission" not in text
    assert b"brier" not in text
    assert load(text).digest == "f4635d47feb3e8c69f6949880ab7f4cf714fda921e3576a406df2a075739f7c7"


def test_the_signed_text_is_of_one_line_of_what_it_is_and_one_of_json() -> None:
    what, line, end = report_text(REPORT_OF_ADMISSION).split("\n")
    assert what == "vigil admission report v1"
    assert msgspec.json.decode(line, type=AdmissionReport) == REPORT_OF_ADMISSION
    assert end == ""
