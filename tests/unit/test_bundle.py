import hashlib
import json
from typing import Any

import pytest

from features.basket import Corpus
from features.events import Rejection
from models.bundle import Band, Bundle, TrainingReport, dump, load, schema, seal
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
