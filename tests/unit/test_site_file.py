from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.site import Camera, Combination, Hours, Memory, Site, Thresholds, Till, Zone
from streams.site_file import EXAMPLE, SiteFileError, check_site, dump_site, load_site

EXAMPLE_TEXT = EXAMPLE.read_text(encoding="utf-8")
SMALL = """\
name: shop
cameras:
  - name: floor
    homography: [[10, 0, 0], [0, 10, 0], [0, 0.01, -1]]
    zones:
      - name: till
        kind: till
        polygon: [[0, 200], [90, 200], [0, 290]]
      - name: shelf
        kind: shelf
        polygon: [[0, 300], [90, 300], [90, 390], [0, 390]]
        face: [45, 345]
tills:
  - name: one
    store: shop
    camera: floor
    zone: till
opt_out_hours:
  - {start: 0, end: 7}
combinations:
  - name: kit
    steps: [[knife], [rope, sack]]
    window_s: 3600
timing:
  score_every_ms: 10000
thresholds:
  loiter_after_s: 60
memory: {customers: true, days: 30}
"""


def test_the_example_is_good() -> None:
    assert check_site(EXAMPLE_TEXT) == []
    site = load_site(EXAMPLE)
    assert {zone.kind for camera in site.cameras for zone in camera.zones} >= {"till", "queue", "shelf", "exit"}
    assert site.combinations[0].steps == [["knife"], ["rope", "sack", "hammer"]]


def test_the_small_site_is_good() -> None:
    assert check_site(SMALL) == []


# What is replaced in SMALL by what; the line, the field and a part of what is said of it.
INJECTED = [
    ("name: shop\n", "nmae: shop\n", 1, "$.nmae", "expected name,"),
    ("name: shop\n", "name: a b\n", 1, "$.name", "letters, digits"),
    ("name: shop\n", "name: 12\n", 1, "$.name", "text in quotes"),
    ("name: shop\n", "name: !!bool shop\n", 1, "$.name", "text in quotes"),
    ("name: shop\n", "name: !other shop\n", 1, "$.name", "text in quotes"),
    ("  - name: floor\n", "  - nam: floor\n", 3, "$.cameras[0].name", "the field name, got nothing"),
    ("[0, 0.01, -1]]", "[0, 0.01]]", 4, "$.cameras[0].homography[2]", "a list of 3, got a list of 2"),
    ("[0, 0.01, -1]]", "[20, 0, 0]]", 4, "$.cameras[0].homography", "singular"),
    ("[0, 0.01, -1]]", "[0, .nan, -1]]", 4, "$.cameras[0].homography", "singular"),
    ("[0, 0.01, -1]]", "[0, 0.01, -2.5]]", 6, "$.cameras[0].zones[0]", "horizon"),
    ("[0, 0.01, -1]]", "[0, 0.01, -3.4]]", 9, "$.cameras[0].zones[1]", "horizon"),
    ("        kind: till\n", "        kind: tlil\n", 7, "$.cameras[0].zones[0].kind", "expected till,"),
    ("[0, 290]]", "[0, 290], [0, 200]]", 8, "$.cameras[0].zones[0].polygon", "corner 4 again"),
    ("[0, 290]]", "[180, 200]]", 8, "$.cameras[0].zones[0].polygon", "on a line"),
    ("[0, 290]]", "[0, 290], [45, 200]]", 8, "$.cameras[0].zones[0].polygon", "cross"),
    ("[[0, 200], [90, 200]", "[[0, 200]", 8, "$.cameras[0].zones[0].polygon", "3 to 64, got a list of 2"),
    ("[[0, 200], [90, 200]", "[[0, 200], [90, top]", 8, "$.cameras[0].zones[0].polygon[1][1]", "number, got top"),
    ("[90, 390], [0, 390]]", "[0, 390], [90, 390]]", 11, "$.cameras[0].zones[1].polygon", "edges 2 and 4"),
    ("[90, 390], [0, 390]]", "[9000, 390], [0, 390]]", 11, "$.cameras[0].zones[1].polygon[2][0]", "8191"),
    ("face: [45, 345]", "face: [45, 50]", 9, "$.cameras[0].zones[1]", "horizon"),
    ("face: [45, 345]", "gender: 1", 12, "$.cameras[0].zones[1].gender", "unknown field gender"),
    ("face: [45, 345]", "kind: exit", 12, "$.cameras[0].zones[1].kind", "kind again, first in line 10"),
    ("      - name: shelf\n", "      - name: till\n", 9, "$.cameras[0].zones[1].name", "till again"),
    ("    camera: floor\n", "    camera: flor\n", 16, "$.tills[0].camera", "expected floor, got the unknown"),
    ("    zone: till\n", "    zone: til\n", 17, "$.tills[0].zone", "expected till, got the unknown"),
    ("    zone: till\n", "    zone: shelf\n", 17, "$.tills[0].zone", "of kind shelf"),
    ("end: 7", "end: 0", 19, "$.opt_out_hours[0].end", "after 0"),
    ("end: 7", "end: 169", 19, "$.opt_out_hours[0].end", "<= 168, got 169"),
    ("[[knife], [rope, sack]]", "[]", 22, "$.combinations[0].steps", "2 to 8, got a list of 0"),
    ("[[knife], [rope, sack]]", "[[knife], []]", 22, "$.combinations[0].steps[1]", "at least 1"),
    ("[[knife], [rope, sack]]", "[[knife], ['  ']]", 22, "$.combinations[0].steps[1]", "white space"),
    ("window_s: 3600", "window_s: yes", 23, "$.combinations[0].window_s", "a whole number, got yes"),
    ("score_every_ms: 10000", "score_every_ms: 1500", 25, "$.timing.score_every_ms", "multiple of 1000, got 1500"),
    ("  loiter_after_s: 60\n", "", 26, "$.thresholds", "a mapping, got nothing"),
    ("days: 30", "days: 91", 28, "$.memory.days", "<= 90, got 91"),
    ("days: 30", "days: 2001-13-45", 28, "$.memory.days", "a whole number, got 2001-13-45"),
]


@pytest.mark.parametrize(("good", "bad", "line", "field", "said"), INJECTED)
def test_an_injected_error_is_told_with_its_line(good: str, bad: str, line: int, field: str, said: str) -> None:
    assert SMALL.count(good) == 1
    told = [error for error in check_site(SMALL.replace(good, bad)) if not error.warning]
    assert (line, field) in [(error.line, error.field) for error in told]
    assert said in str(next(error for error in told if error.field == field))


DOUBTFUL = [
    ("  loiter_after_s: 60", "  restricted_loiter_after_s: 61", 27, "$.thresholds.restricted_loiter_after_s"),
    ("  score_every_ms: 10000", "  track_silence_ms: 60001", 25, "$.timing.track_silence_ms"),
    ("  score_every_ms: 10000", "  camera_silence_ms: 9999", 25, "$.timing.track_silence_ms"),  # the other is not there
    ("        kind: shelf", "        kind: waiting", 12, "$.cameras[0].zones[1].face"),
    ("[0, 290]]", "[0, 290]]\n        loiter_after_s: 9", 9, "$.cameras[0].zones[0].loiter_after_s"),
    ("window_s: 3600", "window_s: 2592001", 23, "$.combinations[0].window_s"),
    ("        kind: shelf", "        kind: till", 9, "$.cameras[0].zones[1]"),  # a till zone without a till
]


@pytest.mark.parametrize(("good", "doubtful", "line", "field"), DOUBTFUL)
def test_what_is_doubtful_is_a_warning_and_loads(
    good: str, doubtful: str, line: int, field: str, tmp_path: Path
) -> None:
    assert SMALL.count(good) == 1
    text = SMALL.replace(good, doubtful)
    assert (line, field, True) in [(error.line, error.field, error.warning) for error in check_site(text)]
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    load_site(tmp_path / "site.yaml")


@pytest.mark.parametrize(
    ("polygon", "said"),
    [
        ("[0, 0], [9, 0], [0, 9]", ""),
        ("[0, 0], [5, 0], [9, 0], [0, 9]", ""),  # a corner on a straight edge
        ("[0, 0], [9, 0], [9, 9], [4, 1], [0, 9]", ""),
        ("[0, 0], [9, 0], [9, 9], [4, 0], [0, 9]", "edges 1 and 3"),  # a corner on an earlier edge
        ("[4, 0], [0, 9], [0, 0], [9, 0], [9, 9]", "edges 1 and 3"),  # and on a later one
        ("[0, 0], [9, 9], [9, 0], [0, 9]", "edges 1 and 3"),
        ("[0, 0], [9, 0], [4, 0]", "on a line"),
        ("[0, 0], [9, 0], [9, 9], [9, 20], [9, 5], [0, 5]", "edges 2 and 4"),
        ("[0, 0], [9, 0], [9, 9], [9, 4], [0, 4]", "edges 2 and 4"),  # a spike
    ],
)
def test_polygons(polygon: str, said: str) -> None:
    errors = check_site(SMALL.replace("[0, 200], [90, 200], [0, 290]", polygon).replace("[0, 0.01, -1]", "[0, 0, 1]"))
    assert [error.field for error in errors] == ["$.cameras[0].zones[0].polygon"] * bool(said)
    assert all(said in error.got for error in errors)


def test_repeated_names() -> None:
    text = "cameras: [{name: a}, {name: b},\n {name: a}]\ncombinations:\n" + 2 * (
        "  - {name: kit, window_s: 9, steps: [[a], [b]]}\n"
    )
    assert [(error.line, error.field) for error in check_site(text)] == [
        (2, "$.cameras[2].name"),
        (5, "$.combinations[1].name"),
    ]


def test_tills_of_two_stores_may_share_a_name() -> None:
    till = "  - name: one\n    store: {}\n    camera: floor\n    zone: till\n"
    assert check_site(SMALL.replace("opt_out", till.format("other") + "opt_out")) == []
    again = check_site(SMALL.replace("opt_out", till.format("shop") + "opt_out"))
    assert [(error.line, error.field) for error in again] == [(18, "$.tills[1].name")]


# One of each line, without those that move lines or rest on a camera or homography that is itself injected.
INDEPENDENT = {
    row[2]: row
    for row in INJECTED
    if row[0].count("\n") == row[1].count("\n") and "horizon" not in row[4] and row[3] != "$.tills[0].zone"
}


@settings(deadline=None)
@given(st.sets(st.sampled_from(list(INDEPENDENT.values()))))
def test_all_errors_are_told_at_once(rows: set[tuple[str, str, int, str, str]]) -> None:
    text = SMALL
    for good, bad, *_ in rows:
        text = text.replace(good, bad)
    told = {(error.line, error.field) for error in check_site(text)}
    assert {(line, field) for _, _, line, field, _ in rows} <= told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "a mapping, got nothing"),
        ("- a", 1, "a mapping, got a list"),
        ("name: a\ncameras: [", 2, "YAML"),
        ("name: a\nname: 'b", 2, "YAML"),
        ("name: a\n\tcameras: []", 2, "YAML"),
        ("name: a\n\nname2: \x07", 3, "special characters"),
        ("name: a\n---\nname: b", 2, "single document"),
        ("name: a\ncameras: *x", 2, "alias"),
        ("cameras: &a [*a]", 1, "a mapping, got a list"),
        ("name: a\n? [b]\n: c", 2, "unknown field"),
        ("[" * 5_000, 1, "without end"),
        ("cameras:\n  - 7\n", 2, "a mapping, got 7"),
        ("name: a\ncameras: {}\n", 2, "a list, got a mapping"),
    ],
)
def test_what_is_not_a_site_at_all(text: str, line: int, said: str) -> None:
    (error,) = check_site(text)
    assert error.line == line
    assert said in str(error)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: caf\u00e9".encode("latin-1"))
    for name, said in (("none.yaml", "No such file"), (".", "directory"), ("latin.yaml", "UTF-8")):
        with pytest.raises(SiteFileError, match=said):
            load_site(tmp_path / name)


def test_the_text_of_the_error_has_a_line_for_each(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("nmae: a\nutc_offset_minutes: 900\n", encoding="utf-8")
    with pytest.raises(SiteFileError) as raised:
        load_site(path)
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{path}:1:1: $.nmae: expected name,")
    assert second == f"{path}:2:21: $.utc_offset_minutes: expected a whole number <= 840, got 900"
    assert len(raised.value.errors) == 2


names = st.text("abc.:@-019_", min_size=1, max_size=8)
labels = st.text(min_size=1, max_size=8).filter(lambda text: text.strip() != "")
coordinates = st.floats(-4_000, 4_000)


@st.composite
def zones(draw: st.DrawFn, name: str) -> Zone:
    left, top = draw(coordinates), draw(coordinates)
    width, height = draw(st.floats(1, 4_000)), draw(st.floats(1, 4_000))
    polygon = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    face = draw(st.none() | st.just((left, top)))
    return Zone(name, draw(st.sampled_from(["till", "shelf", "opt-out"])), polygon, face, draw(st.none() | st.just(5)))


@st.composite
def sites(draw: st.DrawFn) -> Site:
    cameras = [
        Camera(name, [draw(zones(zone)) for zone in draw(st.lists(names, max_size=3, unique=True))], homography)
        for name in draw(st.lists(names, max_size=3, unique=True))
        for homography in [draw(st.none() | st.just(((0.1, 0.0, 1e-7), (0.0, 1e3, 0.0), (0.0, 0.0, 1.0))))]
    ]
    tills = [
        Till(f"{at}", "s", camera.name, zone.name)
        for at, camera in enumerate(cameras)
        for zone in camera.zones[:1]
        if zone.kind == "till"
    ]
    steps = draw(st.lists(st.lists(labels, min_size=1, max_size=3), min_size=2, max_size=3))
    return Site(
        draw(names),
        draw(st.integers(-840, 840)),
        cameras,
        tills,
        [Hours(draw(st.integers(0, 9)), 10)],
        [Combination("kit", steps, draw(st.integers(1, 99)))],
        Thresholds(loiter_after_s=draw(st.integers(20, 99))),
        memory=Memory(draw(st.booleans())),
    )


@settings(max_examples=50, deadline=None)
@given(sites())
def test_a_dumped_site_loads_back_equal(tmp_path_factory: pytest.TempPathFactory, site: Site) -> None:
    path = tmp_path_factory.mktemp("site") / "site.yaml"
    path.write_text(dump_site(site), encoding="utf-8")
    assert load_site(path) == site


def test_the_example_survives_a_round_trip(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(dump_site(load_site(EXAMPLE)), encoding="utf-8")
    assert load_site(tmp_path / "site.yaml") == load_site(EXAMPLE)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SMALL)), st.integers(0, 12), st.text("[]{}:,-#&*!|>'\"%@` \n\tab01.", max_size=6))
def test_a_damaged_file_loads_or_is_refused_but_never_fails(start: int, length: int, put: str) -> None:
    text = SMALL[:start] + put + SMALL[start + length :]
    for error in check_site(text):
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.expected
        assert error.got
