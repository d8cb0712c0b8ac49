"""What is known of persons beyond their single tracks, as arrays of rows and a head."""

from dataclasses import replace
from itertools import accumulate
from sys import intern

import msgspec
import numpy as np
from msgspec import Struct, structs

from features.basket import Basket, Corpus, receipt_of
from features.identity import Identities
from features.segments import Attribution, TrackChange
from features.sequence import FeatureRows
from features.site import Site
from streams.codecs.arrays import ArrayReader, ArrayWriter, add_columns, take_columns

ROWS_OF_BLOCK = 256  # of about one time, so that they are let go of together


class _Remembered(Struct, array_like=True):
    """A basket of a customer, its categories in order."""

    receipt: str
    time_ms: int
    categories: list[str]
    permille: int
    earlier: bool


class IdentitiesHead(Struct, array_like=True):
    """What of `Identities` is no array.

    Attributes:
        held: tracks of the rows held.
        published: persons of the rows published.
        changes: as they are.
        purchases: each attribution once, in an order of their own.
        joined: by track, places in `purchases`.
        special: sorted.
        baskets: by customer.
        position: place in the journal.
    """

    held: list[str]
    published: list[str]
    changes: list[TrackChange]
    purchases: list[msgspec.Raw]
    joined: dict[str, list[int]]
    special: list[str]
    baskets: dict[str, list[_Remembered]]
    position: int


_encode = msgspec.msgpack.Encoder().encode
_attribution = msgspec.msgpack.Decoder(Attribution)


def dump_identities(known: Identities, arrays: ArrayWriter) -> IdentitiesHead:
    """What is known of persons: rows go to the arrays, each once, all else to the head."""
    held, published = _held_rows(known), _published_rows(known)
    add_columns(arrays, "held", held)
    add_columns(arrays, "published", published)
    purchases, joined = _joined(known)
    return IdentitiesHead(
        held=held.persons,
        published=published.persons,
        changes=known.changes,
        purchases=purchases,
        joined=joined,
        special=sorted(known.special),
        baskets={customer: _remembered(baskets) for customer, baskets in sorted(known.memory.baskets.items())},
        position=known.position,
    )


def load_identities(head: IdentitiesHead, arrays: ArrayReader, site: Site, corpus: Corpus | None) -> Identities:
    """What is known of persons, out of a head and arrays."""
    known = Identities.start(site, corpus)
    for block in _blocks(arrays, "held", head.held):
        for at, place in enumerate(block.person.tolist()):
            known.held.setdefault(block.persons[place], []).append((block, at))
    for block in _blocks(arrays, "published", head.published):
        for row in map(block.row, range(len(block))):
            known.published[row.person, row.time_ms] = row
    purchases = [(receipt_of(one), one) for one in map(_attribution_of, head.purchases)]
    for track, places in head.joined.items():
        known.joined[intern(track)] = dict(purchases[at] for at in places)
    known.changes, known.special, known.position = head.changes, set(map(intern, head.special)), head.position
    for customer, baskets in head.baskets.items():
        known.memory.baskets[customer] = [_basket(one) for one in baskets]
    return known


def _held_rows(known: Identities) -> FeatureRows:
    """What is held of each track, each row once, in the order of the journal."""
    tracks = sorted(known.held)
    held = [one for track in tracks for one in known.held[track]]
    blocks = {id(block): block for block, _ in held}
    starts = dict(zip(blocks, accumulate(map(len, blocks.values()), initial=0), strict=False))
    at = np.array([starts[id(block)] + row for block, row in held], np.int64)
    person = np.repeat(np.arange(len(tracks), dtype=np.int32), [len(known.held[track]) for track in tracks])
    rows = FeatureRows.concatenate([FeatureRows.of([]), *blocks.values()]).take(at)
    return replace(rows, persons=tracks, person=person).take(np.argsort(rows.position, kind="stable"))


def _joined(known: Identities) -> tuple[list[msgspec.Raw], dict[str, list[int]]]:
    """Each attribution once, by its bytes, and the places there of those of each track."""
    once = {id(one): one for receipts in known.joined.values() for one in receipts.values()}
    encoded = {at: _encode(one) for at, one in once.items()}
    purchases = sorted(set(encoded.values()))
    place = {one: at for at, one in enumerate(purchases)}
    place_of = {at: place[one] for at, one in encoded.items()}
    joined = {
        track: sorted(place_of[id(one)] for one in receipts.values())
        for track, receipts in sorted(known.joined.items())
    }
    return list(map(msgspec.Raw, purchases)), joined


def _attribution_of(raw: msgspec.Raw) -> Attribution:
    """One attribution, naming its tracks by the strings that stand for them everywhere."""
    one = _attribution.decode(raw)
    candidates = [(intern(track), permille) for track, permille in one.candidates]
    return structs.replace(one, candidates=candidates)


def _published_rows(known: Identities) -> FeatureRows:
    return FeatureRows.of(sorted(known.published.values(), key=lambda row: (row.time_ms, row.person)))


def _blocks(arrays: ArrayReader, name: str, persons: list[str]) -> list[FeatureRows]:
    """Rows in small blocks, so that none is kept for the sake of a few others."""
    rows = replace(take_columns(arrays, name, FeatureRows.of([])), persons=list(map(intern, persons)))
    spans = (np.arange(first, min(first + ROWS_OF_BLOCK, len(rows))) for first in range(0, len(rows), ROWS_OF_BLOCK))
    return [rows.take(span).compact() for span in spans]


def _remembered(baskets: list[Basket]) -> list[_Remembered]:
    return [_Remembered(one.receipt, one.time_ms, sorted(one.categories), one.permille, one.earlier) for one in baskets]


def _basket(one: _Remembered) -> Basket:
    return Basket(one.receipt, one.time_ms, frozenset(one.categories), one.permille, one.earlier)
