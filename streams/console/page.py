"""A run as one HTML page that needs nothing else: no network, no script to be read."""

from streams.console.document import band_filter, document, facts, skip_to, table
from streams.console.overview import overview_picture
from streams.console.person_section import band_chip, person_section
from streams.console.svg import element, escape
from streams.console.view import ABSTAIN, Account, PersonView, RunView
from streams.console.words import PURPOSE, probability, short, signed, since

PERSONS_SHOWN = 40
ABSTAINED_SHOWN = 5
RANKED_SHOWN = 500
REASONS_SHOWN = 3


def page(run: RunView) -> str:
    """The page: what this is, persons by review priority, a section a person, the accounts."""
    shown = [*run.scored[:PERSONS_SHOWN], *run.abstained[:ABSTAINED_SHOWN]]
    anchors = {person.name: f"person-{at}" for at, person in enumerate(shown, 1)}
    return document(
        f"{run.title}: review priorities",
        skip_to("ranked", "the persons"),
        _header(run),
        element("main", _overview(run), _ranked(run, anchors), _persons(run, shown, anchors), _accounts(run.accounts)),
        _footer(run),
    )


def _header(run: RunView) -> str:
    told = [
        ("persons scored", str(len(run.scored))),
        (f"{ABSTAIN}, no score", str(len(run.abstained))),
        ("cameras", str(len(run.cameras))),
        ("speed", run.speed),
        ("scorecard", run.bundle_digest),
    ]
    return element(
        "header", element("h1", escape(run.title)), element("p", escape(PURPOSE), class_="purpose"), facts(told)
    )


def _overview(run: RunView) -> str:
    if not run.scored:
        return ""
    return element("h2", "All persons on the scale") + element("div", overview_picture(run), class_="overview")


def _ranked(run: RunView, anchors: dict[str, str]) -> str:
    heading = element("h2", "By review priority", id="ranked")
    if not run.scored:
        return heading + element("p", "No person was scored.")
    names = ("#", "Person", "Priority", "Band", "Reviewer would agree", "Main reasons", "Event to check")
    classes = ("number", "", "number", "", "number agree", "", "event")
    rows = [_row(rank, person, run, anchors) for rank, person in enumerate(run.scored[:RANKED_SHOWN], 1)]
    left = len(run.scored) - RANKED_SHOWN
    more = element("p", f"{left} more persons with a lower priority.", class_="muted") if left > 0 else ""
    ranked = table(list(zip(names, classes, strict=True)), rows, "ranked", "persons")
    return heading + band_filter([band.name for band in reversed(run.bands)]) + ranked + more


def _row(rank: int, person: PersonView, run: RunView, anchors: dict[str, str]) -> str:
    name = escape(short(person.name))
    linked = f'<a href="#{anchors[person.name]}">{name}</a>' if person.name in anchors else name
    came = element("span", since(person.name, person.first_ms, run.utc_offset_minutes), class_="muted number came")
    cells = [
        element("td", str(rank), class_="number"),
        element("th", linked, came, scope="row", title=person.name),
        element("td", str(person.score), class_="number score"),
        element("td", band_chip(person, run)),
        element("td", probability(person.probability_permille), class_="number"),
        element("td", _reasons(person)),
        element("td", escape(person.events[0].text) if person.events else '<span class="muted">none named</span>'),
    ]
    return element("tr", *cells, data_band=person.band, data_name=person.name)


def _reasons(person: PersonView) -> str:
    reasons = [f"<li><b>{signed(part.points)}</b> {escape(part.text)}</li>" for part in person.reasons[:REASONS_SHOWN]]
    left = len(person.reasons) - REASONS_SHOWN
    if left > 0:
        reasons.append(f'<li class="muted">and {left} more</li>')
    return element("ul", *reasons, class_="reasons") if reasons else '<span class="muted">nothing raised it</span>'


def _persons(run: RunView, shown: list[PersonView], anchors: dict[str, str]) -> str:
    if not shown:
        return ""
    sections = [person_section(person, anchors[person.name], run) for person in shown]
    left = len(run.persons) - len(shown)
    note = f"{left} more persons are not shown one by one." if left else ""
    return element("h2", "Person by person") + "".join(sections) + (element("p", note, class_="muted") if note else "")


def _accounts(accounts: tuple[Account, ...]) -> str:
    if not accounts:
        return ""
    head = "".join(
        f'<th scope="col"{class_}>{name}</th>'
        for name, class_ in (
            ("What came in", ""),
            ("In", ' class="number"'),
            ("What became of it", ""),
            ("Balance", ""),
        )
    )
    rows = [_account(account) for account in accounts]
    caption = element("caption", "Nothing is dropped in silence: what came in equals what is accounted for.")
    drawn = element("table", caption, element("thead", element("tr", head)), element("tbody", *rows))
    return element("h2", "Accounts") + element("div", drawn, class_="scroll")


def _account(account: Account) -> str:
    became = ", ".join(f"{count:,} {what}" for what, count in account.became)
    missing = account.came_in - account.accounted
    balance = '<span class="good">balanced</span>' if not missing else f'<span class="bad">off by {missing:,}</span>'
    return element(
        "tr",
        element("th", escape(account.what), scope="row"),
        element("td", f"{account.came_in:,}", class_="number"),
        element("td", escape(became)),
        element("td", balance),
    )


def _footer(run: RunView) -> str:
    text = "Scores 0 to 1000 are sums of the points shown; the same recording and scorecard give the same scores again."
    scorecard = f" Scorecard {escape(run.bundle_digest)}." if run.bundle_digest else ""
    return element("footer", f"<p>{text}{scorecard} {ABSTAIN} means that what was seen does not carry a score.</p>")
