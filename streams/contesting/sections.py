"""The parts of a contest's page: what was seen, every score, purchases, alerts and human decisions."""

from collections.abc import Iterable
from itertools import chain

from features.events import Disposition
from models.records import Alert, Score
from streams.console.document import table
from streams.console.svg import element, escape
from streams.console.view import ABSTAIN
from streams.console.words import (
    clock,
    contribution,
    counterfactual,
    day_and_clock,
    percent,
    probability,
    short,
    signed,
)
from streams.contesting.contest import Contest, ContestedChange, ContestedPurchase
from streams.contesting.seconds import SeenSecond, Stay, seen_seconds, seen_stays
from streams.contesting.view import purchase_words

VERDICTS = {
    "agree": "agreed that it was worth a look",
    "disagree": "disagreed: it was not worth a look",
    "unclear": "could not tell whether it was worth a look",
}
CHANGES = {
    "link": "were taken to be one person",
    "merge": "were taken to be one person",
    "split": "were taken to be two persons again",
}


def section(heading: str, anchor: str, *content: str) -> str:
    """A part of the page under a heading."""
    return element("section", element("h2", escape(heading), id=anchor), *content)


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return element("p", escape(text))


def stacked(table: str) -> str:
    """A table whose cells stand below one another where there is little room."""
    return element("div", table, class_="stacked")


def row(first: str, *cells: str, class_: str = "") -> str:
    """A row of a table; `first` is markup, the others are text."""
    head = element("th", first, scope="row", class_="when")
    return element("tr", head, *(element("td", escape(cell), class_=class_) for cell in cells))


def seen_section(contest: Contest) -> str:
    """Where the person was and what they did: by place, and every second."""
    seconds, offset = seen_seconds(contest.told), contest.told.utc_offset_minutes
    names = [("When", ""), ("Camera", ""), ("Where", ""), ("What", "")]
    told = (
        "Only places and postures are measured: where feet, hands and shoulders were in the picture. The picture "
        "itself is not kept by Vigil. Distances are estimates."
    )
    each = element(
        "details",
        element("summary", f"Every second, {len(seconds):,} of them"),
        stacked(table(names, [_second(second, offset) for second in seconds], "seen")),
    )
    by_place = stacked(table(names, [_stay(stay, offset) for stay in seen_stays(contest.told)], "seen"))
    return section("What was seen", "seen", paragraph(told), by_place, each)


def _stay(stay: Stay, offset: int) -> str:
    first = stay.seconds[0]
    return row(
        f"{clock(first.second_ms, offset)} to {clock(stay.end_ms, offset)}", first.camera, first.place, stay.words
    )


def _second(second: SeenSecond, offset: int) -> str:
    return row(clock(second.second_ms, offset), second.camera, second.place, second.words)


def scores_section(contest: Contest) -> str:
    """Every score with its sum, exactly as it was published."""
    base, offset = contest.bundle.scorecard.base, contest.told.utc_offset_minutes
    thresholds = contest.told.thresholds
    told = (
        f"Everything that was published of this person, with what was corrected later. Everybody starts with {base} "
        f"points; what is listed is all that was added. Waiting counts after {thresholds.loiter_after_s} s, in a "
        f"restricted zone after {thresholds.restricted_loiter_after_s} s, where a zone has no threshold of its own. "
        f"{ABSTAIN} means that too little was seen for a score."
    )
    names = [("When", ""), ("Priority", "number"), ("The sum", ""), ("What would have changed it", "event")]
    replaced = {score.supersedes for score in contest.scores}
    rows = [
        _score(said, _named(record.entry, said, contest.person, replaced), base, offset)
        for record in contest.records
        if isinstance(said := record.said, Score)
    ]
    return section("Every score and what made it", "scores", paragraph(told), stacked(table(names, rows, "scores")))


def _named(entry: int, said: Score, person: str, replaced: set[str | None]) -> str:
    """Which entry it is, and whether it still stands."""
    told = [f"entry {entry:,}"]
    told += ["taken back"] if said.kind == "withdrawn" else ["corrected later"] if said.id in replaced else []
    return ", ".join([*told, *([f"as {short(said.person)}"] if said.person != person else [])])


def _score(said: Score, named: str, base: int, offset: int) -> str:
    came = element("span", escape(named), class_="muted came")
    if said.score is None:
        shown, parts, change = escape(ABSTAIN), escape(said.abstain), "no score was given"
    else:
        shown = f"{said.score}{element('span', escape(said.band), class_='came')}"
        parts = _parts(said, base)
        change = counterfactual(said.band or "", said.counterfactual) or f"nothing: no band is below {said.band}"
    return element(
        "tr",
        element("th", clock(said.time_ms, offset) + came, scope="row", class_="when"),
        element("td", shown, class_="number score"),
        element("td", parts),
        element("td", escape(change), class_="event"),
    )


def _parts(said: Score, base: int) -> str:
    texts = [
        (signed(part.points), contribution(part.feature, part.value, part.points).text) for part in said.contributions
    ]
    listed = [f"<li><b>{points}</b> {escape(text)}</li>" for points, text in [(str(base), "to start with"), *texts]]
    total = " ".join([str(base), *(f"+ {part.points}" for part in said.contributions)])
    agree = f"A reviewer would agree: {probability(said.probability_permille)}."
    told = f"{total} = {said.score}." if texts else "Nothing was added."
    added = element("p", escape(told), "<br>", escape(agree), class_="muted sum")
    return element("ul", *listed, class_="reasons") + added


def purchases_section(contest: Contest) -> str:
    """What was bought and how surely it was this person; and which tracks were taken to be the person."""
    offset = contest.told.utc_offset_minutes
    bought = [_purchase(one, offset) for one in contest.told.purchases]
    joined = [_change(one, offset) for one in contest.told.changes]
    paid = (
        stacked(
            table([("When", ""), ("What", ""), ("How surely this person's", ""), ("Counted", "")], bought, "bought")
        )
        if bought
        else paragraph("No purchase was joined to this person.")
    )
    linked = element("h3", "Tracks that were taken to be this person") + listed(joined) if joined else ""
    remembered = (
        "Baskets of earlier visits with the same customer token may count here: the site's owner turned that on."
        if contest.told.customers_remembered
        else "Nothing of earlier visits counts: each visit starts anew, under a new name."
    )
    return section("What was bought, and what was joined", "bought", paid, linked, paragraph(remembered))


def _purchase(one: ContestedPurchase, offset: int) -> str:
    others = f", or one of {one.others} others'" if one.others else ""
    sure = "the till named this person" if one.explicit else f"{percent(one.share_permille)}{others}"
    counted = "counted as this person's" if one.counted else "not counted: it may be another's, so it is not shown"
    return row(clock(one.time_ms, offset), purchase_words(one), sure, counted)


def _change(one: ContestedChange, offset: int) -> str:
    who = " and ".join(name or "another track" for name in (one.track, one.other))
    return f"{clock(one.time_ms, offset)}: {who} {CHANGES[one.kind]} ({percent(round(1_000 * one.confidence))} sure)"


def alerts_section(contest: Contest) -> str:
    """Calls to look at the person, and what was taken back."""
    offset = contest.told.utc_offset_minutes
    names = [("When", ""), ("What", ""), ("Events to check on the recording", ""), ("Priority", "")]
    rows = [_alert(alert, offset) for alert in contest.alerts]
    none = paragraph("No alert was raised: nobody was called to look at this person.")
    told = paragraph(
        "An alert calls somebody to look. It must rest on an event that can be checked, never on a score alone."
    )
    return section("Alerts", "alerts", told if rows else none, stacked(table(names, rows, "alerts")) if rows else "")


def _alert(alert: Alert, offset: int) -> str:
    what = "an earlier alert was taken back" if alert.withdraws else "somebody was called to look"
    events = "; ".join(alert.events) or "none"
    return row(clock(alert.time_ms, offset), what, events, ABSTAIN if alert.score is None else f"{alert.score} of 1000")


def decisions_section(contest: Contest) -> str:
    """What humans said about it."""
    offset = contest.told.utc_offset_minutes
    names = [("When", ""), ("Who", ""), ("What", ""), ("Why, in their words", "")]
    rows = [
        row(
            day_and_clock(said.time_ms, offset),
            f"reviewer {said.reviewer}",
            VERDICTS[said.verdict],
            said.reason or "no reason given",
        )
        for said in (record.said for record in contest.records)
        if isinstance(said, Disposition)
    ]
    none = paragraph("No decision by a human is in the record. Vigil itself decides nothing about anybody.")
    return section("Human decisions", "decisions", stacked(table(names, rows, "decisions")) if rows else none)


def listed(texts: Iterable[str]) -> str:
    """A list of plain texts."""
    return element("ul", *(element("li", escape(text)) for text in chain(texts)), class_="plain")
