"""A contest as one HTML page for the person it is about, or for a court: it needs nothing else to be read."""

from features.events import FORBIDDEN_ATTRIBUTES, Disposition
from features.sequence import CATALOGUE, MISSING, FeatureSpec
from models.records import Score
from streams.audit.arguments import names, seen_by
from streams.audit.errors import FormatError
from streams.console.document import document, facts, skip_to, table
from streams.console.person_section import person_section
from streams.console.svg import element, escape
from streams.console.words import PURPOSE, clock, counted, day, measure, noun, short, signed, standing
from streams.contesting.checking import CheckedContest
from streams.contesting.contest import Contest
from streams.contesting.sections import (
    alerts_section,
    decisions_section,
    listed,
    paragraph,
    purchases_section,
    row,
    scores_section,
    section,
    seen_section,
    stacked,
)
from streams.contesting.view import last_record, person_of, run_of

FILE = "contest.json"


def contest_page(contest: Contest, checked: CheckedContest) -> str:
    """The page: in short, what was seen, what came of it, what was not used, and how to check it."""
    title = f"What Vigil recorded of {short(contest.person)}"
    return document(
        title,
        skip_to("check", "how to check this"),
        _header(contest, checked, title),
        element(
            "main",
            _in_short(contest),
            person_section(person_of(contest), "person", run_of(contest)),
            seen_section(contest),
            scores_section(contest),
            purchases_section(contest),
            alerts_section(contest),
            decisions_section(contest),
            _features(contest),
            _unused(contest),
            _check(contest, checked),
        ),
        element("footer", paragraph(f"All of this is in {FILE} for machines, with the proofs.")),
    )


def drawn_page(contest: Contest, checked: CheckedContest, where: str) -> str:
    """The page of a contest that may come from anybody.

    Raises:
        FormatError: what it tells cannot be drawn.
    """
    try:
        return contest_page(contest, checked)
    except (ValueError, ArithmeticError, LookupError):
        raise FormatError("told", "times and places that can be shown", "others", where) from None


def _header(contest: Contest, checked: CheckedContest, title: str) -> str:
    person, offset = person_of(contest), contest.told.utc_offset_minutes
    told = [
        (
            "visit",
            f"{day(person.first_ms, offset)}, {clock(person.first_ms, offset)} to {clock(person.last_ms, offset)}",
        ),
        ("site", contest.told.site),
        ("cameras", ", ".join(camera.name for camera in contest.told.cameras)),
        ("log of the operator", checked.signed.checkpoint.origin),
        ("made with", f"Vigil {checked.beginning.vigil}"),
    ]
    return element("header", element("h1", escape(title)), element("p", escape(PURPOSE), class_="purpose"), facts(told))


def _in_short(contest: Contest) -> str:
    person = person_of(contest)
    verdicts = sum(isinstance(record.said, Disposition) for record in contest.records)
    raised = [alert for alert in contest.alerts if not alert.withdraws]
    texts = [
        f"Vigil followed somebody as {contest.person}, a name made up for this visit. It knows no other, and no face.",
        f"It published {counted(len(contest.scores), 'score')} of this visit. The last: {standing(person)}.",
        f"It raised {counted(len(raised), 'alert')}, which {_called(len(raised))}.",
        f"The record has {counted(verdicts, 'human decision')} on it.",
    ]
    others = [name for name in contest.names if name != contest.person]
    if others:
        texts.append(f"Records were also made under {', '.join(others)}, taken to be the same person.")
    return section("In short", "short", listed(texts))


def _called(alerts: int) -> str:
    return "called somebody to look" if alerts else "means that nobody was called to look"


def _features(contest: Contest) -> str:
    """All that was measured for the last score that stands, with the points each gave."""
    record = last_record(contest)
    if record is None or not isinstance(record.said, Score):
        return ""
    points = {part.feature: part.points for part in record.said.contributions}
    scored = {one.feature for one in contest.bundle.scorecard.features}
    ordered = sorted(CATALOGUE, key=lambda spec: spec.direction == "describes")
    rows = [_feature(spec, record.features[spec.name], points.get(spec.name, 0), scored) for spec in ordered]
    told = paragraph(
        f"All that was measured at {clock(record.said.time_ms, contest.told.utc_offset_minutes)}, the last score that "
        "stands. What only describes is in no score, however high it is."
    )
    columns = [("What", ""), ("Measured", ""), ("Points", ""), ("Why it may count, or may not", "")]
    return section("Everything that was measured", "measured", told, stacked(table(columns, rows, "measured")))


def _feature(spec: FeatureSpec, value: int, points: int, scored: set[str]) -> str:
    told = "could not be told" if value == MISSING else measure(spec.name, value)
    if spec.direction == "describes":
        given, why = "in no score", f"only describes: {spec.reason}"
    else:
        given = "not in this scorecard" if spec.name not in scored else f"{signed(points) if points else 0} points"
        why = f"may count: {spec.reason}"
    return row(escape(noun(spec.name)), told, given, why)


def _unused(contest: Contest) -> str:
    refused = ", ".join(sorted(name.removesuffix("_kg").replace("_", " ") for name in FORBIDDEN_ATTRIBUTES))
    texts = [
        f"Nothing of this kind is taken in at all; the form of the messages has no place for it: {refused}.",
        "How somebody walks, holds a phone, a bag, a crutch or a wheel is in no score.",
        _of_others(contest),
        "A human decision never changes a score.",
    ]
    if not contest.told.customers_remembered:
        texts.append("Nothing of earlier visits was used, nor of what was bought then.")
    return section("What was not used", "unused", listed(texts))


def _of_others(contest: Contest) -> str:
    hidden = "Their records are not in here, only hashes over them."
    if any(None in {change.track, change.other} for change in contest.told.changes):
        return f"What others did is in no score, but for a track while it was taken to be this person. {hidden}"
    return f"What others did is in no score of this person. {hidden}"


def _check(contest: Contest, checked: CheckedContest) -> str:
    checkpoint = checked.signed.checkpoint
    told = [
        ("log", f"{checkpoint.origin}, {checkpoint.size:,} entries"),
        ("root", checkpoint.root.hex()),
        ("signed by", names(checked.signed.signed_by)),
        ("scorecard", contest.bundle.digest),
        ("site", checked.beginning.site.hex()),
        ("whole file", f"SHA-256 {contest.digest}"),
    ]
    command = element("pre", element("code", escape(f"vigil audit check {FILE} --key KEY")))
    return section(
        "How to check this",
        "check",
        paragraph(
            f"Anybody can check {FILE}, which came with this page, without the operator and without a network. KEY is "
            "the public key of the log; ask for it elsewhere than where you got this. With --page FILE it writes this "
            "page anew, from what was checked."
        ),
        command,
        facts(told),
        element("h3", "What that shows"),
        listed(_shown(contest, checked)),
        element("h3", "What it does not show"),
        listed(_not_shown(checked)),
    )


def _shown(contest: Contest, checked: CheckedContest) -> list[str]:
    return [
        (
            f"Each score, alert and decision is an entry of the operator's log, word for word{seen_by(checked.seen)}. "
            "None was changed after the log was signed."
        ),
        (
            "Each score is what the scorecard gives for the values that were sealed with it: points, sum, probability, "
            "events, and what would have changed it."
        ),
        (
            f"The seconds of this page, measured anew, give the values that were sealed with {checked.remade:,} of the "
            f"{len(contest.scores):,} scores{_joined(contest)}."
        ),
        "The log says at its beginning which scorecard and which Vigil it is of, and they are these.",
    ]


def _joined(contest: Contest) -> str:
    return "; of those after tracks were joined, that cannot be said" if contest.told.changes else ""


def _not_shown(checked: CheckedContest) -> list[str]:
    signed_for = f" {names(checked.vouching)} signed for all of the file." if checked.vouching else ""
    return [
        (
            f"What was bought and joined is told as the operator's journal has it.{signed_for} Each entry seals a "
            "digest of the whole journal: a court that is given the journal can check it with vigil replay."
        ),
        "Whether anything was left out. Whoever is given the log sees it, with --log LOG.",
        "Whether the cameras saw right. That is for a human to say, on the recording.",
    ]
