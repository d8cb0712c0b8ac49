"""Persons: tracks that are one person, purchases joined to them, and the rows that such news corrects.

Nearly every person is a single track with no news, whose rows pass through untouched. For the others the rows of an
instant are made anew from what each of their tracks amounted to then, so that they end the same whenever the news came.
"""

from dataclasses import dataclass, field

import numpy as np

from features.basket import (
    JOINED_PERMILLE,
    Basket,
    Corpus,
    CustomerMemory,
    basket,
    basket_unusual,
    combination_level,
    joined_permille,
    receipt_of,
    unpaid_exit,
)
from features.keypoints import Int32s
from features.segments import Attribution, TrackChange
from features.sequence import CATALOGUE, COLUMN, FINAL, GRID, MISSING, SECOND, WITHDRAWN, FeatureRows, Row
from features.site import Site

LINK_CONFIDENCE_LEAST = 0.5

Instant = tuple[str, int]  # person and time
Held = tuple[FeatureRows, int]  # a row, where it is
_SUMS, _LARGEST = (np.array([spec.combine == how for spec in CATALOGUE]) for how in ("sum", "max"))
_HIGH = np.array([spec.high for spec in CATALOGUE], np.int32)


@dataclass(slots=True)
class Identities:
    """What is known of persons beyond their single tracks.

    Attributes:
        site: for its rules.
        corpus: of baskets, for how unusual one is.
        memory: baskets of customers across visits, empty unless the site allows it.
        held: by track, the rows published within the allowance for facts and the last one before.
        changes: identity changes by time.
        joined: attributions by track and receipt.
        published: the last row of persons with news, by person and instant.
        special: tracks with news.
        position: place in the journal of the entry at hand; rows of later ones do not count yet.
    """

    site: Site
    corpus: Corpus | None
    memory: CustomerMemory
    held: dict[str, list[Held]] = field(default_factory=dict)
    changes: list[TrackChange] = field(default_factory=list)
    joined: dict[str, dict[str, Attribution]] = field(default_factory=dict)
    published: dict[Instant, Row] = field(default_factory=dict)
    special: set[str] = field(default_factory=set)
    position: int = 0

    @classmethod
    def start(cls, site: Site, corpus: Corpus | None = None) -> "Identities":
        """No news yet."""
        return cls(site, corpus, CustomerMemory(site.memory))


def publish(known: Identities, rows: FeatureRows) -> FeatureRows:
    """Keep the rows that are published, and replace those of persons with news."""
    shown = rows.take(rows.kind != SECOND).compact()
    for at, person in enumerate(shown.person.tolist()):
        known.held.setdefault(shown.persons[person], []).append((shown, at))
    with_news = np.array([track in known.special for track in rows.persons], np.bool_) if known.special else None
    if with_news is None or not with_news.any():
        return rows
    special = with_news[rows.person]
    replaced = [row for at in np.flatnonzero(special).tolist() for row in _replace(known, rows.row(at))]
    return merge(rows.take(~special), FeatureRows.of(replaced))


def merge(rows: FeatureRows, others: FeatureRows) -> FeatureRows:
    """Both by their place in the journal, each in its own order where that is the same."""
    together = FeatureRows.concatenate([rows, others])
    return together.take(np.argsort(together.position, kind="stable"))


def join(known: Identities, attribution: Attribution, position: int) -> FeatureRows:
    """Join a purchase to its candidates; the rows that it corrects."""
    known.memory.remember(attribution)
    tracks = [track for track, _ in attribution.candidates]
    receipt = receipt_of(attribution)
    for track in tracks:
        known.joined.setdefault(track, {})[receipt] = attribution
    news = sorted({*tracks, *_of_customer(known, attribution)})
    return FeatureRows.of(_news(known, news, attribution.time_ms, position))


def _of_customer(known: Identities, attribution: Attribution) -> set[str]:
    """Tracks whose purchases the memory of the customer may add this one to."""
    if not known.site.memory.customers or attribution.customer is None:
        return set()
    token = attribution.store, attribution.customer
    baskets = ((track, one) for track, receipts in known.joined.items() for one in receipts.values())
    return {track for track, one in baskets if (one.store, one.customer) == token}


def change(known: Identities, news: TrackChange, position: int) -> FeatureRows:
    """Link, merge or split tracks; the rows that it corrects."""
    if news.change.confidence < LINK_CONFIDENCE_LEAST:
        return FeatureRows.of([])
    known.changes.append(news)
    known.changes.sort(key=lambda one: (one.time_ms, one.change.change))
    tracks = [track for track in (news.track, news.other) if track is not None]
    return FeatureRows.of(_news(known, tracks, news.time_ms, position))


def forget(known: Identities, before_ms: int, ended: set[str]) -> set[str]:
    """Drop what was published before a time, and of tracks that ended long ago those whose persons did; the latter."""
    gone = {track for track in ended if track not in known.special or _ever_together(known, [track]) <= ended}
    for track in gone:
        known.held.pop(track, None)
        known.joined.pop(track, None)
    known.special -= gone
    known.held = {track: _since(rows, before_ms) for track, rows in known.held.items()}
    known.published = {key: row for key, row in known.published.items() if key[1] >= before_ms}
    known.changes = [one for one in known.changes if {one.track, one.other} & known.special]
    known.memory.forget(before_ms)
    return gone


def _since(rows: list[Held], before_ms: int) -> list[Held]:
    """The rows from a time on and the last one before, as what a track amounted to then."""
    older = sum(block.time_ms[at] < before_ms for block, at in rows)
    return rows[max(older - 1, 0) :]


def _news(known: Identities, tracks: list[str], time_ms: int, position: int) -> list[Row]:
    """Make the rows after an instant anew."""
    known.position = position
    for track in set(tracks) - known.special:
        known.special.add(track)
        for row in _held(known, track):
            known.published[track, row.time_ms] = row
    return _republish(known, tracks, time_ms + 1, position)


def _replace(known: Identities, row: Row) -> list[Row]:
    """What stands for a new row of a track with news."""
    known.position = row.position
    if row.kind != SECOND:
        return _republish(known, [row.person], row.time_ms, row.position)
    tracks = _together(known, row.person, row.time_ms)
    others = [other for track in tracks - {row.person} if (other := _as_of(known, track, row.time_ms))]
    return [_combined(known, tracks, [*others, row], row.time_ms, SECOND, row.position)]


def _republish(known: Identities, tracks: list[str], from_ms: int, position: int) -> list[Row]:
    """The rows from an instant on that are not as they were published, in order of time."""
    family = _ever_together(known, tracks)
    by_instant: dict[int, dict[str, Row]] = {}
    for track in sorted(family):
        for row in _held(known, track):
            if row.time_ms >= from_ms:
                by_instant.setdefault(row.time_ms, {})[track] = row
    return [
        row
        for time_ms, rows in sorted(by_instant.items())
        for row in _corrections(known, family, time_ms, rows, position)
    ]


def _corrections(known: Identities, family: set[str], time_ms: int, rows: dict[str, Row], position: int) -> list[Row]:
    due = {}
    for track in rows:
        tracks = _together(known, track, time_ms)
        person = min(tracks, key=_seniority)
        parts = [row for other in tracks if (row := _as_of(known, other, time_ms))]
        kind = FINAL if any(rows[other].kind == FINAL for other in tracks & rows.keys()) else GRID
        due[person] = _combined(known, tracks, parts, time_ms, kind, position)
    corrections = [_withdrawn(known, person, time_ms, position) for person in sorted(family - due.keys())]
    corrections += [_revised(known, row) for row in due.values()]
    return [row for row in corrections if row is not None]


def _withdrawn(known: Identities, person: str, time_ms: int, position: int) -> Row | None:
    old = known.published.get((person, time_ms))
    if old is None or old.kind == WITHDRAWN:
        return None
    nothing = np.full(len(CATALOGUE), MISSING, np.int32)
    row = Row(person, old.camera, time_ms, WITHDRAWN, old.revision + 1, position, nothing)
    known.published[person, time_ms] = row
    return row


def _revised(known: Identities, row: Row) -> Row | None:
    old = known.published.get((row.person, row.time_ms))
    if old is not None and old.kind == row.kind and np.array_equal(old.values, row.values):
        return None
    revision = 0 if old is None else old.revision + 1
    new = Row(row.person, row.camera, row.time_ms, row.kind, revision, row.position, row.values)
    known.published[row.person, row.time_ms] = new
    return new


def _combined(known: Identities, tracks: set[str], parts: list[Row], time_ms: int, kind: int, position: int) -> Row:
    """One row of a person from the rows of the person's tracks, with the purchases before the instant."""
    parts.sort(key=lambda row: (row.time_ms, row.person))
    values = combine(np.array([row.values for row in parts]))
    _add_purchases(known, tracks, time_ms, values)
    person = min(tracks, key=_seniority)
    return Row(person, parts[-1].camera, time_ms, kind, 0, position, values)


def combine(parts: Int32s) -> Int32s:
    """The values of several tracks, (tracks, features) with the latest last, as those of one person."""
    seen = np.maximum(parts, 0)
    values = np.where(_SUMS, seen.sum(axis=0), np.where(_LARGEST, parts.max(axis=0), parts[-1]))
    combined: Int32s = np.minimum(values, _HIGH).astype(np.int32)
    return combined


def _add_purchases(known: Identities, tracks: set[str], time_ms: int, values: Int32s) -> None:
    baskets, unusual = _baskets(known, tracks, time_ms)
    joined = np.array([joined_permille(baskets)])
    reaches, in_exit = values[COLUMN["reaches"]], values[COLUMN["exit_s"]] > 0
    values[COLUMN["baskets"]] = sum(one.permille >= JOINED_PERMILLE and not one.earlier for one in baskets)
    values[COLUMN["basket_unusual"]] = unusual
    values[COLUMN["combination_level"]] = combination_level(baskets, known.site.combinations).level
    values[COLUMN["unpaid_exit"]] = unpaid_exit(np.array([reaches]), np.array([in_exit]), joined)[0]


def _baskets(known: Identities, tracks: set[str], time_ms: int) -> tuple[list[Basket], int]:
    """The baskets before an instant, those remembered of the customer among them, and how unusual the oddest is."""
    receipts = {key: one for track in tracks for key, one in known.joined.get(track, {}).items()}
    baskets, unusual = [], MISSING
    for attribution in (receipts[key] for key in sorted(receipts) if receipts[key].time_ms < time_ms):
        own = basket(attribution, tracks)
        baskets += [own, *known.memory.earlier(attribution, own.permille)]
        if own.permille >= JOINED_PERMILLE:
            unusual = max(unusual, basket_unusual(attribution.lines, known.corpus))
    return baskets, unusual


def _held(known: Identities, track: str) -> list[Row]:
    """The rows published of late of a track, in order of time, up to the place in the journal that is at hand."""
    return [rows.row(at) for rows, at in known.held.get(track, ()) if rows.position[at] <= known.position]


def _as_of(known: Identities, track: str, time_ms: int) -> Row | None:
    """The last row of a track at or before an instant."""
    earlier = [row for row in _held(known, track) if row.time_ms <= time_ms]
    return earlier[-1] if earlier else None


def _seniority(track: str) -> tuple[int, str]:
    return int(track.rpartition("/")[2]), track


def _together(known: Identities, track: str, time_ms: int) -> set[str]:
    """The tracks that were one person with a track, by the changes before an instant."""
    links: set[frozenset[str]] = set()
    for news in known.changes:
        if news.time_ms < time_ms:
            _apply(links, news)
    return _reach({track}, links)


def _apply(links: set[frozenset[str]], news: TrackChange) -> None:
    pair = frozenset(name for name in (news.track, news.other) if name is not None)
    if news.change.kind != "split":
        links.add(pair)
    elif news.change.other_track is None:
        links -= {link for link in links if news.track in link}
    else:
        links.discard(pair)


def _ever_together(known: Identities, tracks: list[str]) -> set[str]:
    links = {frozenset((news.track, news.other)) for news in known.changes if news.track and news.other}
    return _reach(set(tracks), links)


def _reach(tracks: set[str], links: set[frozenset[str]]) -> set[str]:
    reached = set(tracks)
    while more := {track for link in links if link & reached for track in link} - reached:
        reached |= more
    return reached


def person_of(known: Identities, track: str) -> str:
    """The person a track belongs to by all that is known now."""
    if track not in known.special:
        return track
    links: set[frozenset[str]] = set()
    for news in known.changes:
        _apply(links, news)
    return min(_reach({track}, links), key=_seniority)
