"""Pictures, page and terminal table: well formed, escaped, adding up, and whole on their own."""

import dataclasses
import html.parser
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from features.sequence import CATALOGUE, MISSING
from features.site import Camera, Zone
from models.scorecard import Change
from streams.console import svg, words
from streams.console.contributions import contributions_picture, steps
from streams.console.overview import overview_picture
from streams.console.page import page
from streams.console.path import path_picture
from streams.console.skeleton import skeleton_picture
from streams.console.table import person_text, persons_table
from streams.console.timeline import timeline_picture
from streams.console.view import (
    ABSTAIN,
    Account,
    Band,
    CameraPath,
    Contribution,
    EventMark,
    PersonView,
    Pose,
    PurchaseMark,
    RunView,
    ScoreAt,
    ZoneStay,
)

START_MS = 1_780_000_000_000
BANDS = (Band("none", 0), Band("low", 250), Band("elevated", 500), Band("high", 750))
CAMERA = Camera(
    "aisle-4",
    [
        Zone("wine", "shelf", [(80, 120), (420, 100), (430, 220), (90, 240)]),
        Zone("cosmetics", "shelf", [(560, 90), (900, 90), (900, 200), (560, 200)]),
        Zone("till-1", "till", [(120, 520), (330, 520), (330, 680), (120, 680)]),
        Zone("queue-1", "queue", [(350, 520), (520, 520), (520, 680), (350, 680)]),
        Zone("stockroom", "restricted", [(980, 80), (1240, 80), (1240, 330), (980, 330)]),
        Zone("door", "exit", [(1000, 560), (1240, 560), (1240, 700), (1000, 700)]),
    ],
)
NOBODY = PersonView("aisle-4/9", "aisle-4", START_MS, START_MS, None, ABSTAIN, "seen for 4 s, at least 10 s are needed")
STANDING = (
    (0, -80), (4, -84), (-4, -84), (9, -82), (-9, -82), (22, -58), (-22, -58), (30, -30), (-32, -32), (26, -4),
    (-14, -8), (14, 0), (-14, 0), (16, 40), (-15, 40), (18, 80), (-16, 80),
)  # fmt: skip
CROUCHING = (
    (10, -46), (14, -50), (6, -50), (18, -47), (2, -47), (28, -30), (-14, -30), (40, -8), (-26, -4), (52, 6),
    (-6, 14), (16, 14), (-14, 14), (44, 22), (20, 26), (22, 56), (-6, 56),
)  # fmt: skip


def pose(at_s: int, caption: str, shape: tuple[tuple[int, int], ...] = STANDING, unsure: tuple[int, ...] = ()) -> Pose:
    x, y = np.array(shape, float).T
    confidence = np.full(17, 900)
    confidence[list(unsure)] = 250
    return Pose(START_MS + at_s * 1_000, caption, x + 640, y + 360, confidence)


def scores(parts: list[tuple[int, int, list[Contribution]]]) -> tuple[ScoreAt, ...]:
    rows = []
    for at_s, base, contributions in parts:
        score = base + sum(part.points for part in contributions)
        band = next(band.name for band in reversed(BANDS) if band.floor <= score)
        rows.append(ScoreAt(START_MS + at_s * 1_000, score, band, tuple(contributions)))
    return tuple(rows)


def visitor() -> PersonView:
    say = words.contribution
    waited = say("loiter_s", 42, 110)
    reached, waist = say("concealments", 3, 285), say("hands_at_waist_10s", 640, 96)
    last = [waited, reached, waist, say("unpaid_exit", 800, 240), say("back_to_shelf_60s", MISSING, 0)]
    timeline = (
        ScoreAt(START_MS + 10_000, None, ABSTAIN),
        ScoreAt(START_MS + 20_000, None, ABSTAIN),
        *scores(
            [
                (30, 60, []),
                (60, 60, [say("loiter_s", 12, 40)]),
                (90, 60, [waited, say("concealments", 1, 95)]),
                (120, 60, [waited, say("concealments", 2, 190), waist]),
                (150, 60, [waited, reached]),
                (180, 60, [waited, reached, waist]),
                (210, 60, last),
            ]
        ),
    )
    along = np.linspace(0, 1, 900)
    corner_x = np.interp(along, [0, 0.12, 0.4, 0.55, 0.75, 0.86, 1], [1100, 880, 300, 240, 640, 760, 1130])
    corner_y = np.interp(along, [0, 0.12, 0.4, 0.55, 0.75, 0.86, 1], [640, 460, 260, 280, 260, 240, 640])
    time_ms = START_MS + np.linspace(0, 216_000, 900).astype(np.int64)
    time_ms[620:] += 6_000
    path = CameraPath("aisle-4", time_ms, corner_x + 12 * np.sin(along * 90), corner_y + 9 * np.cos(along * 70))
    return PersonView(
        "aisle-4/17/1780000000", "aisle-4", START_MS, START_MS + 222_000, timeline[-1].score, timeline[-1].band,
        base=60, contributions=tuple(last), probability_permille=713,
        counterfactual="With a purchase joined the priority would have been 551 (elevated) instead of 791 (high).",
        events=(
            EventMark(START_MS + 88_000, "reached into wine, hands at bag 2 s later"),
            EventMark(START_MS + 91_000, "reached into wine, hands at waist 4 s later"),
            EventMark(START_MS + 208_000, "left by door with no purchase joined"),
        ),
        purchases=(PurchaseMark(START_MS + 140_000, "2 x yoghurt, 1 x bread at till-1", 180),),
        timeline=timeline, paths=(path,),
        stays=(
            ZoneStay("door", "exit", START_MS, START_MS + 14_000),
            ZoneStay("wine", "shelf", START_MS + 70_000, START_MS + 132_000),
            ZoneStay("cosmetics", "shelf", START_MS + 160_000, START_MS + 186_000),
            ZoneStay("door", "exit", START_MS + 204_000, START_MS + 222_000),
        ),
        poses=(
            pose(62, "standing at wine"),
            pose(88, "hands at bag after a reach", CROUCHING, (14, 16)),
            pose(91, "hands at waist", STANDING, (9, 7)),
            pose(205, "on the way out", STANDING, (3, 4, 15)),
        ),
    )  # fmt: skip


def sample() -> RunView:
    others = [
        dataclasses.replace(
            visitor(), name=f"aisle-4/{20 + at}", score=score, first_ms=START_MS + at, counterfactual="",
            band=next(band.name for band in reversed(BANDS) if band.floor <= score),
            contributions=(words.contribution("shelf_visits", at, 0), words.contribution("loiter_s", at, score - 60)),
            probability_permille=score * 9 // 10, events=(), timeline=(), poses=(), purchases=(),
        )
        for at, score in enumerate([60, 60, 60, 72, 88, 90, 130, 131, 140, 255, 260, 320, 402, 560, 610])
    ]  # fmt: skip
    return RunView(
        "Demo store, Thursday morning", (CAMERA,), (*others, NOBODY, visitor()), BANDS,
        (
            Account("person-frames", 148_220, (("in segments", 147_904), ("late", 211), ("dead letters", 105))),
            Account("purchases", 61, (("joined", 54), ("nobody at the till", 7))),
        ),
        "sha256:4be1c09f27aa", "212,000 person-frames/s, 940 times real time", 120,
    )  # fmt: skip


def pictures(person: PersonView, run: RunView) -> list[str]:
    return [
        overview_picture(run),
        contributions_picture(person, run.bands),
        timeline_picture(person, run.bands, run.utc_offset_minutes),
        skeleton_picture(person.poses),
        *(path_picture(path, run.camera(path.camera)) for path in person.paths),
    ]


class Reader(html.parser.HTMLParser):
    VOID = ("meta", "br", "input", "link", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def terminal(renderable: object, width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_every_feature_of_the_catalogue_has_words_and_its_unit_a_format() -> None:
    assert set(words.FEATURES) == {spec.name for spec in CATALOGUE}
    assert {spec.unit for spec in CATALOGUE} <= set(words.UNITS)
    assert all("{value}" in wording.phrase for wording in words.FEATURES.values())


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("loiter_s", 42, "stayed 42 s beyond the waiting threshold"),
        ("loiter_s", 185, "stayed 3 min 5 s beyond the waiting threshold"),
        ("pacing_reversals", 1, "turned back once while walking to and fro"),
        ("concealments", 3, "reached into a shelf and then to waist or bag 3 times"),
        ("crouch_60s", 355, "crouched 35.5 % of the last minute"),
        ("crouch_60s", MISSING, "crouching in the last minute: could not be told"),
        ("speed_10s", 1_240, "moved at 1.2 m/s in the last 10 s"),
        ("of_another_version", 7, "of another version: 7"),
    ],
)
def test_words(feature: str, value: int, text: str) -> None:
    assert words.describe(feature, value) == text


def test_a_counterfactual_names_what_would_have_been_enough() -> None:
    changes = [Change("loiter_s", 42, 12, "s", 70), Change("concealments", 3, 0, "count", 285)]
    assert words.counterfactual("high", changes) == (
        "Would not have been high with time beyond the waiting threshold: at most 12 s instead of 42 s, "
        "and reaches into a shelf and then to waist or bag: none instead of 3 times."
    )
    assert not words.counterfactual("high", [])


def test_words_are_restrained() -> None:
    said = page(sample()) + terminal(persons_table(sample())) + terminal(person_text(visitor()))
    assert not re.search(
        r"suspect|suspicious|criminal|crime|thief|theft|steal|stolen|guilt|offend", said, re.IGNORECASE
    )


@pytest.mark.parametrize("permille", [0, 5, 995, 1_000])
def test_no_probability_is_shown_as_certain(permille: int) -> None:
    assert words.probability(permille) in {"under 1 %", "over 99 %"}


def test_every_picture_is_well_formed_and_says_what_it_shows() -> None:
    for drawn in pictures(visitor(), sample()):
        root = ET.fromstring(svg.standalone(drawn))  # noqa: S314 - our own text
        names = [child.tag.split("}")[1] for child in root[:3]]
        assert names == ["style", "title", "desc"]
        assert root[1].text
        assert root[2].text
        assert not re.search("nan|inf", "".join(re.findall(r' (?:x|y|d|points|width)="([^"]*)"', drawn)))


def test_contributions_shown_add_up_to_the_score() -> None:
    person = visitor()
    rows = steps(person, BANDS)
    assert rows[-1].number == str(person.score)
    assert sum(row.end - row.start for row in rows[:-1]) == person.score
    shown = [text for text in Reader(contributions_picture(person, BANDS)).texts if re.fullmatch(r"[+−]?\d+", text)]  # noqa: RUF001
    assert [int(text.replace("−", "-")) for text in shown] == [60, 285, 240, 110, 96, 791]  # noqa: RUF001


@given(st.lists(st.integers(-600, 600), max_size=8), st.integers(-100, 400))
def test_a_score_held_to_the_scale_still_adds_up(points: list[int], base: int) -> None:
    parts = tuple(Contribution(f"f{at}", "a reason", 1, "s", value) for at, value in enumerate(points))
    score = min(1_000, max(0, base + sum(points)))
    person = dataclasses.replace(visitor(), score=score, base=base, contributions=parts)
    assert steps(person, BANDS)[-1].end == score
    assert base + sum(part.points for part in person.reasons) + person.cut_points == score
    ET.fromstring(contributions_picture(person, BANDS))  # noqa: S314 - our own text


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "a&b;'\"",
        "\x1b[31mred",
        "[bold]no[/bold]",
        "\u202eevil",
        "]]>",
    ]
)


@given(HOSTILE, HOSTILE)
def test_foreign_text_stays_text(name: str, text: str) -> None:
    person = dataclasses.replace(
        visitor(), name=name, camera=text, counterfactual=text, band=text,
        contributions=(Contribution(text, text, 1, text, 40),), events=(EventMark(START_MS, text),),
        purchases=(PurchaseMark(START_MS, text, 500),), poses=(pose(1, text),),
        stays=(ZoneStay(text, "shelf", START_MS, START_MS + 1),),
    )  # fmt: skip
    hidden = dataclasses.replace(NOBODY, name=name + "2", abstained=text)
    run = RunView(
        text, (CAMERA,), (person, hidden), (Band("none", 0), Band(text, 500)), (Account(text, 1, ((text, 1),)),)
    )
    for drawn in pictures(person, run):
        ET.fromstring(drawn)  # noqa: S314 - our own text
    read = Reader(page(run))
    assert not read.open
    assert {tag for tag, _ in read.tags} == {tag for tag, _ in Reader(page(_tamed(run))).tags}
    for shown in (terminal(persons_table(run)), terminal(person_text(person)), terminal(person_text(hidden))):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def _tamed(run: RunView) -> RunView:
    persons: list[PersonView] = []
    for person in run.persons:
        parts = tuple(dataclasses.replace(part, text="a") for part in person.contributions)
        persons.append(dataclasses.replace(person, name=f"p{len(persons)}", contributions=parts))
    return dataclasses.replace(run, title="t", persons=tuple(persons))


def test_brackets_in_a_name_are_no_markup_in_the_terminal() -> None:
    person = dataclasses.replace(visitor(), name="[red]x[/red]")
    assert "[red]x[/red]" in terminal(persons_table(dataclasses.replace(sample(), persons=(person,))))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(sample())
    read = Reader(text)
    for tag, attributes in read.tags:
        assert tag not in {"link", "img", "iframe", "base", "object"}
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert not any(
            (attributes.get(name) or "#").strip()[0] != "#" for name in ("src", "href", "xlink:href", "action")
        )
    assert "url(" not in text
    assert "@import" not in text
    policy = next(attributes for _, attributes in read.tags if attributes.get("http-equiv"))["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_can_be_used_without_seeing_it() -> None:
    read = Reader(page(sample()))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = [str(attributes["href"])[1:] for tag, attributes in read.tags if tag == "a"]
    assert set(links) <= set(ids)
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    assert ("html", {"lang": "en"}) in read.tags
    assert all(attributes.get("role") == "img" for tag, attributes in read.tags if tag == "svg")


def test_the_page_ranks_and_accounts() -> None:
    text = " ".join(Reader(page(sample())).texts).partition("Main reasons")[2]
    assert text.index("aisle-4/17") < text.index("aisle-4/34") < text.index("aisle-4/33")
    assert text.index("aisle-4/17") < text.index(words.clock(1_780_000_000_000, 120)) < text.index("aisle-4/34")
    assert "aisle-4/17/1780000000" in text
    assert "seen for 4 s, at least 10 s are needed" in text
    assert text.count("balanced") == 2
    lost = dataclasses.replace(sample(), accounts=(Account("purchases", 3, (("joined", 1),)),))
    assert "off by 2" in page(lost)


@pytest.mark.parametrize("many", [1, 9, 10, 3_000])
def test_the_overview_holds_every_person_in_the_shade_of_its_band(many: int) -> None:
    low, high = (dataclasses.replace(NOBODY, score=score, band=band) for score, band in ((251, "none"), (260, "low")))
    run = RunView("many", persons=(low,) * many + (high,) * many, bands=(Band("none", 0), Band("low", 255), *BANDS[2:]))
    root = ET.fromstring(overview_picture(run))  # noqa: S314 - our own text
    heights = dict.fromkeys(("shade0", "shade1", "shade2"), 0.0)
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        if len(rect) and rect.get("class") in heights:
            heights[str(rect.get("class"))] += float(str(rect.get("height")))
    assert heights["shade0"] == pytest.approx(heights["shade1"], abs=0.2)
    assert heights["shade2"] == 0
    assert sum(heights.values()) <= 96.2


def test_at_most_so_many_persons_have_a_section() -> None:
    persons = tuple(dataclasses.replace(visitor(), name=f"p/{at}", paths=(), poses=()) for at in range(60))
    text = page(dataclasses.replace(sample(), persons=persons))
    assert text.count('<section class="person"') == 40
    assert "20 more persons are not shown one by one." in text


def test_nothing_to_show() -> None:
    empty = RunView("nothing")
    assert "No person was scored." in page(empty)
    assert not Reader(page(empty)).open
    assert "No person was scored." in terminal(persons_table(empty))
    ET.fromstring(overview_picture(empty))  # noqa: S314 - our own text


def test_a_person_vigil_abstained_on_has_no_number() -> None:
    for drawn in (contributions_picture(NOBODY, BANDS), timeline_picture(NOBODY, BANDS)):
        ET.fromstring(drawn)  # noqa: S314 - our own text
    run = dataclasses.replace(sample(), persons=(NOBODY,))
    assert not Reader(page(run)).open
    assert "ABSTAIN: seen for 4 s" in terminal(person_text(NOBODY))
    assert "1 with ABSTAIN" in terminal(persons_table(run))


@pytest.mark.parametrize("xs", [[], [5.0], [5.0, 5.0], [np.nan], [np.nan, 3.0], [1.0, 1e4]])
@pytest.mark.parametrize("camera", [CAMERA, Camera("bare")])
def test_short_paths(xs: list[float], camera: Camera) -> None:
    time_ms = START_MS + 1_000 * np.arange(len(xs))
    drawn = path_picture(CameraPath(camera.name, time_ms, np.array(xs), np.array(xs)), camera)
    ET.fromstring(drawn)  # noqa: S314 - our own text
    assert "nan" not in drawn


def test_a_long_path_is_thinned_and_keeps_its_end() -> None:
    xs = np.arange(50_000.0) % 997
    drawn = path_picture(CameraPath("bare", START_MS + 40 * np.arange(50_000), xs, xs[::-1]), Camera("bare"))
    assert len(drawn) < 60_000
    assert words.clock(START_MS + 40 * 49_999) in drawn


def test_a_skeleton_shows_what_was_seen_only() -> None:
    unseen = dataclasses.replace(pose(0, "unseen"), confidence=np.zeros(17), x=np.full(17, np.nan))
    assert "not visible" in skeleton_picture((unseen,))
    assert "no body pose was seen" in skeleton_picture(())
    half = dataclasses.replace(pose(0, "upper body"), confidence=np.array([900] * 11 + [0] * 6))
    assert skeleton_picture((half,)).count('class="limb left"') == 2 + 1  # arm, and the legend


def test_left_and_right_are_told_apart_and_unsure_limbs_are_faint() -> None:
    drawn = skeleton_picture((pose(0, "standing", unsure=(9,)),))
    assert 'class="limb left faint"' in drawn
    assert 'class="limb right"' in drawn


@pytest.mark.parametrize("places", [[], [80.0], [100.0, 101.0, 102.0], [530.0, 535.0, 539.0], [100.0] * 22])
def test_marks_do_not_hide_each_other(places: list[float]) -> None:
    apart = svg.spread(places, [20.0] * len(places), 74, 540)
    assert (np.diff(apart) >= 20).all()
    assert all(74 <= place <= 540 for place in apart)


def test_marks_with_room_stay_where_they_are() -> None:
    assert svg.spread([80.0, 120.0, 500.0], [20.0] * 3, 74, 540) == [80.0, 120.0, 500.0]


@pytest.mark.parametrize("floors", [(250, 500, 750), (41, 105, 400), (2, 4, 6), (994, 996, 998)])
def test_labels_of_thresholds_do_not_hide_each_other(floors: tuple[int, int, int]) -> None:
    bands = (Band("none", 0), *map(Band, ("low", "elevated", "high"), floors))
    run = dataclasses.replace(sample(), bands=bands)
    for drawn in (overview_picture(run), timeline_picture(visitor(), bands), contributions_picture(visitor(), bands)):
        labels = list(ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text"))  # noqa: S314 - our own text
        for at, one in enumerate(labels):
            assert not any(overlap(one, other) for other in labels[at + 1 :])


def overlap(one: ET.Element, other: ET.Element) -> bool:
    (left, right, y), (other_left, other_right, other_y) = extent(one), extent(other)
    return abs(y - other_y) < 11 and left < other_right and other_left < right


def extent(label: ET.Element) -> tuple[float, float, float]:
    x, y = float(str(label.get("x"))), float(str(label.get("y")))
    width = 6.5 * len(str(label.text))
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[str(label.get("text-anchor"))] * width
    return left, left + width, y


def test_a_long_name_and_a_long_reason_keep_to_their_line() -> None:
    person = dataclasses.replace(visitor(), name=f"{'c' * 64}/17/1780000000")
    lines = terminal(persons_table(RunView("x", persons=(person,), bands=BANDS)), 60).splitlines()
    assert [line for line in lines if "…" in line]
    assert max(map(len, lines)) <= 60


def test_only_persons_with_reasons_are_listed_in_the_terminal() -> None:
    quiet = dataclasses.replace(visitor(), name="aisle-4/99", contributions=())
    shown = terminal(persons_table(RunView("x", persons=(visitor(), quiet), bands=BANDS)))
    assert "aisle-4/99" not in shown
    assert "1 whose priority nothing raised" in shown


def test_the_terminal_tells_how_a_score_came_about() -> None:
    shown = terminal(person_text(visitor(), 120), 120)
    assert "791" in shown
    assert "+285  reached into a shelf and then to waist or bag 3 times" in shown
    assert "With a purchase joined" in shown
    assert words.clock(START_MS + 210_000, 120) in shown
    assert "+240 goods handled" in shown
    assert shown.index("Objective events") < shown.index("What would have changed it")
    assert "18 % likely this person's" in shown
