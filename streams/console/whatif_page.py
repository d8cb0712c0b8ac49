"""What a run would have said otherwise, as one HTML page."""

from collections.abc import Sequence

from models.bundle import BANDS
from models.records import Alert
from streams.console.document import band_filter, document, facts, skip_to, table
from streams.console.svg import element, escape
from streams.console.view import ABSTAIN
from streams.console.whatif_picture import whatif_picture
from streams.console.whatif_words import (
    TO,
    alert_text,
    band_name,
    elsewhere,
    hour_text,
    move_text,
    part_text,
    points_of,
    summary_lines,
    verdict,
)
from streams.console.words import PURPOSE, short, since
from streams.whatif.records import AlertMove, HourCount, PersonChange, Whatif

PERSONS_SHOWN = 500
ALERTS_SHOWN = 500
HOURS_SHOWN = 1_000
PARTS_SHOWN = 5
_NUMBER = "number"


def whatif_page(found: Whatif, title: str, utc_offset_minutes: int = 0) -> str:
    """The page: what is compared, the scores before and after, persons, alerts gained and lost, hours."""
    alerts = [
        _alerts("Alerts gained", "gained", found.alerts_gained, utc_offset_minutes),
        _alerts("Alerts lost", "lost", found.alerts_lost, utc_offset_minutes),
        _moved(found.alerts_moved, utc_offset_minutes),
    ]
    return document(
        f"{title}: what it would have said",
        skip_to("changed", "the persons who change"),
        _header(found, title),
        element(
            "main",
            _picture(found),
            _persons(found.changes, utc_offset_minutes),
            *alerts,
            _hours(found, utc_offset_minutes),
        ),
        element(
            "footer", element("p", "The same journal under the same bundle and rules gives the same scores again.")
        ),
    )


def _header(found: Whatif, title: str) -> str:
    lines = [(heading or "of these", text) for heading, text in summary_lines(found)]
    return element(
        "header",
        element("h1", escape(f"What {title} would have said")),
        element("p", escape(PURPOSE), class_="purpose"),
        facts(lines),
    )


def _picture(found: Whatif) -> str:
    if not found.changes:
        return ""
    return element("h2", "Highest scores before and after") + element("div", whatif_picture(found), class_="overview")


def _persons(changes: Sequence[PersonChange], offset: int) -> str:
    heading = element("h2", "Persons who change, most first", id="changed")
    if not changes:
        return heading + element("p", "Nobody would have been scored differently.")
    names = [("Person", ""), ("Before", ""), ("After", ""), ("What differs", ""), ("Event to check", "event")]
    rows = [_person(change, offset) for change in changes[:PERSONS_SHOWN]]
    bands = [*reversed(BANDS), ABSTAIN]
    return (
        heading
        + band_filter(list(bands))
        + table(names, rows, "changed", "persons")
        + _more(len(changes) - PERSONS_SHOWN)
    )


def _person(change: PersonChange, offset: int) -> str:
    came = element("span", since(change.person, change.first_ms, offset), class_="muted number came")
    band = band_name(change.after.band if change.after else None)
    events = change.after.events if change.after else ()
    cells = [
        element("th", escape(short(change.person)), came, scope="row", title=change.person),
        element("td", escape(verdict(change.before)), class_=_NUMBER),
        element("td", element("b" if change.another_band else "span", escape(verdict(change.after))), class_=_NUMBER),
        element("td", _parts(change)),
        element("td", escape("; ".join(events)) if events else '<span class="muted">none named</span>'),
    ]
    return element("tr", *cells, data_band=band, data_name=change.person)


def _parts(change: PersonChange) -> str:
    shown = [
        f"<li><b>{escape(points_of(part))}</b> {escape(part_text(part))}</li>" for part in change.parts[:PARTS_SHOWN]
    ]
    left = len(change.parts) - PARTS_SHOWN
    if left > 0:
        shown.append(f'<li class="muted">and {left} more</li>')
    if shown:
        return element("ul", *shown, class_="reasons changes")
    if change.before == change.after:
        return element("span", escape(elsewhere(change)), class_="muted")
    return element("span", "the points every person starts with, or the bands", class_="muted")


def _more(left: int) -> str:
    return element("p", f"{left:,} more are in whatif.json.", class_="muted") if left > 0 else ""


def _alerts(heading: str, anchor: str, alerts: Sequence[Alert], offset: int) -> str:
    rows = [_alert(alert, alert_text(alert, offset)) for alert in alerts[:ALERTS_SHOWN]]
    return _listed(heading, anchor, rows, len(alerts) - ALERTS_SHOWN)


def _moved(moves: Sequence[AlertMove], offset: int) -> str:
    rows = [_alert(one.after, move_text(one, offset)) for one in moves[:ALERTS_SHOWN]]
    return _listed("Alerts at another time", "moved", rows, len(moves) - ALERTS_SHOWN)


def _alert(alert: Alert, text: str) -> str:
    cells = [
        element("th", escape(short(alert.person)), scope="row", title=alert.person),
        element("td", escape(alert.camera or "none")),
        element("td", escape(text)),
        element("td", escape("" if alert.score is None else alert.score), class_=_NUMBER),
    ]
    return element("tr", *cells)


def _listed(heading: str, anchor: str, rows: list[str], left: int) -> str:
    if not rows:
        return ""
    names = [("Person", ""), ("Camera", ""), ("When, and the event to check", ""), ("Priority", _NUMBER)]
    return element("h2", heading, id=anchor) + table(names, rows, anchor) + _more(left)


def _hours(found: Whatif, offset: int) -> str:
    heading = element("h2", "By camera and hour", id="hours")
    differing = [one for one in found.hours if one.differs]
    if not differing:
        return heading + element("p", "No camera has an hour with other bands, abstentions or alerts.")
    names = [
        ("Camera", ""),
        ("Hour", ""),
        *((name, _NUMBER) for name in ("Persons", "Another band", ABSTAIN, "Alerts")),
    ]
    rows = [_hour(one, offset) for one in differing[:HOURS_SHOWN]]
    same = len(found.hours) - len(differing)
    rest = element("p", f"{same:,} more camera hours without a difference.", class_="muted") if same else ""
    return heading + table(names, rows, "hours") + _more(len(differing) - HOURS_SHOWN) + rest


def _hour(one: HourCount, offset: int) -> str:
    counts = (
        f"{one.persons:,}",
        f"{one.persons_in_another_band:,}",
        f"{one.abstained_before:,} {TO} {one.abstained_after:,}",
        f"{one.alerts_before:,} {TO} {one.alerts_after:,}",
    )
    cells = [element("th", escape(one.camera or "none"), scope="row"), element("td", hour_text(one.hour_ms, offset))]
    return element("tr", *cells, *(element("td", count, class_=_NUMBER) for count in counts))
