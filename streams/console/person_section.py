"""The part of the page about one person."""

from streams.console.contributions import contributions_picture
from streams.console.path import path_picture
from streams.console.skeleton import skeleton_picture
from streams.console.svg import element, escape
from streams.console.timeline import timeline_picture
from streams.console.view import ABSTAIN, PersonView, RunView, band_shade
from streams.console.words import clock, day, duration, percent, probability, short

LISTED_MAX = 50


def person_section(person: PersonView, anchor: str, run: RunView) -> str:
    """Everything about one person: score, pictures, events, purchases, what would have changed the score."""
    return element(
        "section", _header(person, anchor, run), _sentence(person), _figures(person, run),
        class_="person", id=anchor, aria_labelledby=f"{anchor}-name",
    )  # fmt: skip


def band_chip(person: PersonView, run: RunView) -> str:
    """The band as a coloured mark and its name."""
    shade = "none" if person.score is None else f"shade{band_shade(person.band, run.bands)}"
    return element("span", escape(person.band if person.score is not None else ABSTAIN), class_=f"chip {shade}")


def _header(person: PersonView, anchor: str, run: RunView) -> str:
    offset = run.utc_offset_minutes
    span = f"{clock(person.first_ms, offset)} to {clock(person.last_ms, offset)}"
    stayed = duration(max(0, person.last_ms - person.first_ms) // 1_000)
    where = f"{person.camera}, {day(person.first_ms, offset)}, {span} ({stayed})"
    score = f"{person.score} <small>of 1000</small>" if person.score is not None else ""
    agree = f"reviewer would agree: {probability(person.probability_permille)}" if person.score is not None else ""
    return element(
        "header",
        element("h3", escape(short(person.name)), id=f"{anchor}-name"),
        element("span", score, class_="score number") if score else "",
        band_chip(person, run),
        element("span", escape(agree)) if agree else "",
        element("span", escape(where), class_="muted number"),
        element("code", escape(person.name), class_="muted", title="the name in scores, alerts and `vigil explain`"),
    )


def _sentence(person: PersonView) -> str:
    sentences = [f"{ABSTAIN}: {person.abstained}"] if person.abstained else []
    sentences += [person.counterfactual] if person.counterfactual else []
    said = "<br>".join(escape(sentence) for sentence in sentences)
    return element("p", said, class_="counterfactual") if said else ""


def _figures(person: PersonView, run: RunView) -> str:
    offset = run.utc_offset_minutes
    lists = _lists(person, offset)
    figures = []
    if person.timeline or person.stays:
        figures.append(_figure("Review priority over the visit", timeline_picture(person, run.bands, offset)))
    if person.score is not None:
        figures.append(_figure("What makes up the score", contributions_picture(person, run.bands), lists))
    elif lists:
        figures.append(element("div", lists))
    figures += [
        _figure(f"Way through {path.camera}", path_picture(path, run.camera(path.camera), offset))
        for path in person.paths
    ]
    if person.poses:
        figures.append(_figure("Poses at telling instants", skeleton_picture(person.poses, offset)))
    return element("div", *figures, class_="figures") if figures else ""


def _figure(caption: str, *content: str) -> str:
    return element("figure", element("figcaption", escape(caption)), *content)


def _lists(person: PersonView, offset: int) -> str:
    events = [f"{clock(mark.time_ms, offset)} {mark.text}" for mark in person.events]
    purchases = [
        f"{clock(mark.time_ms, offset)} {mark.text} ({percent(mark.share_permille)} likely this person's)"
        for mark in person.purchases
    ]
    return _listed("Events", events) + _listed("Paid", purchases)


def _listed(heading: str, texts: list[str]) -> str:
    if not texts:
        return ""
    items = [element("li", escape(text)) for text in texts[:LISTED_MAX]]
    more = f"<p>and {len(texts) - LISTED_MAX} more</p>" if len(texts) > LISTED_MAX else ""
    return element("div", element("h4", heading), element("ol", *items), more, class_="listed")
