"""What a contest tells of seconds, purchases and news, by literal tables."""

from typing import Any

import numpy as np
import pytest

from features.events import BasketLine, IdentityChange
from features.segments import SEGMENT, Attribution, TrackChange
from features.site import Camera, Thresholds, Timing, Zone
from streams.audit.errors import FormatError
from streams.contesting.contest import ContestedTrack, Told
from streams.contesting.gathering import Gathering
from streams.contesting.seconds import seen_seconds, seen_stays

ROOM = Camera(
    "floor",
    [
        Zone("wine", "shelf", [(0, 0), (10, 0), (10, 10)]),
        Zone("store", "restricted", [(20, 0), (30, 0), (30, 10)]),
    ],
)
OWN, OTHER = "floor/1/0", "floor/2/0"
LINES = [BasketLine("Tea", "tea")]


def track(*seconds: dict[str, Any], name: str = OWN) -> ContestedTrack:
    """Seconds of 15 frames, a tenth of a second's walk apart unless they say otherwise."""
    rows = np.zeros(len(seconds), SEGMENT)
    for at, second in enumerate(seconds):
        plain = {"second_ms": at * 1_000, "frames": 15, "posed": 15, "x": at * 1_000, "um_per_unit": 1_000}
        for column, value in {**plain, **second}.items():
            rows[column][at] = value
    return ContestedTrack.of(name, "floor", rows)


def told(*tracks: ContestedTrack) -> Told:
    return Told("shop", 0, [ROOM], Thresholds(), Timing(), False, list(tracks), [], [])  # noqa: FBT003


@pytest.mark.parametrize(
    ("second", "place", "words"),
    [
        ({}, "between zones", "walked about 1.0 m"),
        ({"x": 100}, "between zones", "stood"),
        ({"zones": 1}, "wine (shelf)", "walked about 1.0 m"),
        ({"zones": 3}, "wine (shelf), store (restricted)", "walked about 1.0 m"),
        ({"x": 100, "reach": 200}, "between zones", "stood, reaching into a shelf"),
        ({"x": 100, "reach": 199}, "between zones", "stood"),
        ({"x": 100, "hands_at_waist": 500}, "between zones", "stood, hands at waist, pocket or bag"),
        ({"x": 100, "crouch": 900, "back_to_shelf": 900}, "between zones", "stood, crouching, back to a shelf"),
        ({"x": 100, "posed": 0, "crouch": -1}, "between zones", "stood, body not visible"),
        ({"second_ms": 60_000}, "between zones", "seen"),
    ],
)
def test_a_second_in_words(second: dict[str, Any], place: str, words: str) -> None:
    first, last = seen_seconds(told(track({}, second)))
    assert first.words == "seen"
    assert (last.camera, last.place, last.words) == ("floor", place, words)


def test_stays_add_up() -> None:
    shelf = {"zones": 1, "x": 1_000, "reach": 300}
    stays = seen_stays(told(track({}, {}, shelf, shelf, {"zones": 1, "x": 1_000}, {"x": 2_000})))
    assert [(stay.seconds[0].second_ms, stay.end_ms, stay.seconds[0].place, stay.words) for stay in stays] == [
        (0, 2_000, "between zones", "walked about 1.0 m"),
        (2_000, 5_000, "wine (shelf)", "stood for 3 s; reaching into a shelf for 2 s"),
        (5_000, 6_000, "between zones", "walked about 1.0 m"),
    ]


def test_a_gap_begins_another_stay_and_the_end_is_no_second() -> None:
    gone = track({}, {"second_ms": 9_000}, {"second_ms": 10_000, "frames": 0})
    assert [stay.end_ms for stay in seen_stays(told(gone))] == [1_000, 10_000]
    assert len(seen_seconds(told(gone))) == 2


def test_tracks_at_once_are_stays_of_their_own() -> None:
    stays = seen_stays(told(track({}, {}), track({}, {}, name=OTHER)))
    assert [len(stay.seconds) for stay in stays] == [2, 2]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([(OWN, 1_000)], (1_000, 0, True)),
        ([(OWN, 600), (OTHER, 400)], (600, 1, True)),
        ([(OWN, 500), (OTHER, 250), ("floor/3/0", 250)], (500, 2, True)),
        ([(OWN, 499), (OTHER, 501)], (499, 1, False)),
        ([(OTHER, 1_000)], None),
        ([], None),
    ],
)
def test_a_purchase_that_may_be_anothers_is_not_told(
    candidates: list[tuple[str, int]], expected: tuple[int, int, bool] | None
) -> None:
    gathering = Gathering({OWN})
    gathering.purchase(Attribution("r1", 5_000, "shop", "till-1", LINES, candidates, customer="c9"))
    found = [(one.share_permille, one.others, one.counted) for one in gathering.purchases]
    assert found == ([] if expected is None else [expected])
    assert [(one.receipt, one.lines) for one in gathering.purchases if one.counted] in ([], [("r1", LINES)])
    assert [(one.receipt, one.lines) for one in gathering.purchases if not one.counted] in ([], [(None, [])])


def test_shares_of_linked_tracks_add_up() -> None:
    gathering = Gathering({OWN, OTHER})
    gathering.purchase(Attribution("r1", 5_000, "shop", "till-1", LINES, [(OWN, 300), (OTHER, 300)]))
    assert [(one.share_permille, one.others, one.counted) for one in gathering.purchases] == [(600, 0, True)]


@pytest.mark.parametrize(
    ("track_", "other", "expected"),
    [
        (OWN, OTHER, (OWN, None)),
        (OTHER, OWN, (None, OWN)),
        (OWN, None, (OWN, None)),
        (OTHER, "floor/3/0", None),
        (None, None, None),
    ],
)
def test_news_of_others_names_nobody(
    track_: str | None, other: str | None, expected: tuple[str | None, ...] | None
) -> None:
    gathering = Gathering({OWN})
    gathering.change(TrackChange(IdentityChange("c1", "link", 5_000, "floor", 1, "floor", 2), track_, other))
    assert [(one.track, one.other) for one in gathering.changes] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("frames", [15], "columns.second_ms: expected 1 times"),
        ("x", [1, 2, 3], "columns.x: expected 2 times"),
        ("x", [1, 2**31], "columns.x: expected 2 times"),
        ("x", [], "columns.x: expected 2 times"),
        ("x", [1, [2]], "columns.x: expected 2 times"),
        ("knee_min_cdeg", [1, 2, 3, 4], "columns.knee_min_cdeg: expected 2 times"),
        ("more", [1, 2], "columns: expected second_ms, tracker, "),
    ],
)
def test_columns_of_another_form_are_refused(column: str, values: list[Any], why: str) -> None:
    good = track({}, {})
    assert ContestedTrack.of(OWN, "floor", good.rows) == good
    with pytest.raises(FormatError, match=why):
        _ = ContestedTrack(OWN, "floor", good.columns | {column: values}).rows
