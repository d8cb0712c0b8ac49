"""Rows: the journal as it is kept, each sealed with the key of the visit it is about.

A segment is a row. A fact is a row for each person it is about, all of one position; each names that person alone, so
that whoever else is erased, nothing of it has to change. Position and second stay readable: a journal from which rows
were erased still says when everything else happened. The digest of a journal is that of its rows as they are kept, so
it can be made again without the key of any of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from itertools import pairwise
from struct import Struct
from typing import NamedTuple

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from features.basket import receipt_of
from features.events import Disposition
from features.segments import NO_TIME, SEGMENT, Attribution, Entry, Erased, Fact, SegmentBlock
from streams.audit.errors import AuditError, FormatError
from streams.audit.visit_keys import NONCE_BYTES, VisitKey, VisitKeys

_PLACE = Struct("<qq")
_END = b"\0"  # of a track's name
_encode = msgspec.json.Encoder().encode
_fact = msgspec.json.Decoder(Fact)


class Row(NamedTuple):
    """A place in the journal, or a person's part of it.

    Attributes:
        position: in the journal.
        time_ms: start of a segment's second, `NO_TIME` of a fact.
        visit: id of the key, 16 bytes.
        sealed: nonce and content, AES-256-GCM.
    """

    position: int
    time_ms: int
    visit: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the journal and its rows."""

    entry: Entry | Erased
    rows: list[Row]


def seal_entry(entry: Entry, first: int, keys: VisitKeys) -> list[Row]:
    """The rows of an entry whose first position is `first`."""
    if isinstance(entry, SegmentBlock):
        return list(_segment_rows(entry, first, keys))
    return [_row(first, NO_TIME, key, _encode(part)) for key, part in _parts(entry, keys)]


def _segment_rows(block: SegmentBlock, first: int, keys: VisitKeys) -> Iterator[Row]:
    """Keys are made in the order of the rows, however these are divided into blocks."""
    content, size = block.rows.tobytes(), block.rows.itemsize
    names = [track.encode() + _END for track in block.tracks]
    for at, (track, time_ms) in enumerate(zip(block.track.tolist(), block.rows["second_ms"].tolist(), strict=True)):
        segment = content[at * size : (at + 1) * size]
        yield _row(first + at, time_ms, keys.of(block.tracks[track]), names[track] + segment)


def _parts(fact: Fact, keys: VisitKeys) -> Iterator[tuple[VisitKey, Fact]]:
    """A fact for each person it is about. Both tracks of an identity change are one person, who is erased as one."""
    if isinstance(fact, Attribution):
        for candidate in fact.candidates:
            yield keys.of(candidate[0]), replace(fact, candidates=[candidate])
        if not fact.candidates:
            yield keys.make(f"receipt:{receipt_of(fact)}"), fact
    elif isinstance(fact, Disposition):
        yield keys.make(fact.person), fact
    else:
        track = fact.track or fact.other
        yield keys.of(track) if track else keys.make(f"change:{fact.change.change}"), fact


def _row(position: int, time_ms: int, key: VisitKey, content: bytes) -> Row:
    """The nonce is a digest of what it seals, so no two contents ever share one."""
    context = _PLACE.pack(position, time_ms)
    nonce = blake2b(context + content, key=key.secret, digest_size=NONCE_BYTES, person=b"vigil row nonce").digest()
    return Row(position, time_ms, key.id, nonce + AESGCM(key.rows).encrypt(nonce, content, context))


def chained(digest: bytes, row: Row) -> bytes:
    """The digest of a journal up to and with a row, from the digest before it."""
    return sha256(digest + _PLACE.pack(row.position, row.time_ms) + row.visit + row.sealed).digest()


@dataclass(slots=True)
class Opener:
    """Opens rows in the order of the journal.

    Attributes:
        keys: by id; rows of other keys are erased.
        cameras: of the site.
        spent: by position, the erased alerts that an hour's budget was spent on, as (camera, hour).
        held: by track, the key that its latest row was sealed with.
    """

    keys: Mapping[bytes, VisitKey]
    cameras: list[str]
    spent: Mapping[int, list[tuple[str, int]]] = field(default_factory=dict)
    held: dict[str, VisitKey] = field(default_factory=dict)
    _ciphers: dict[bytes, AESGCM] = field(default_factory=dict)

    def open(self, rows: list[Row]) -> Iterator[Kept]:
        """The entries of consecutive rows; segments that follow one another come as blocks, and so do erased rows.

        Raises:
            AuditError: a row is not what was sealed.
            FormatError: it holds no segment of a camera of the site, and no fact.
        """
        for start, stop in pairwise([0, *_cuts([self._sort(row) for row in rows]), len(rows)] if rows else [0]):
            yield from self._kept(rows[start:stop])

    def _sort(self, row: Row) -> tuple[int, int]:
        """What rows of one entry share: segments, a fact's position, or that they are erased."""
        if row.time_ms == NO_TIME:
            return 1, row.position
        return (0, 0) if row.visit in self.keys else (2, 0)

    def _kept(self, rows: list[Row]) -> Iterator[Kept]:
        known = [row for row in rows if row.visit in self.keys]
        places = {row.position: row.time_ms for row in rows}
        spent = [one for position in places for one in self.spent.get(position, ())] if self.spent else []
        if not known:
            yield Kept(Erased(tuple(places.values()), tuple(spent)), rows)
            return
        if spent:
            yield Kept(Erased((), tuple(spent)), [])
        yield Kept(self._fact(known) if rows[0].time_ms == NO_TIME else self._block(known), rows)

    def _fact(self, rows: list[Row]) -> Fact:
        facts = [self._decoded(row) for row in rows]
        candidates = [one for fact in facts if isinstance(fact, Attribution) for one in fact.candidates]
        return replace(facts[0], candidates=candidates) if isinstance(facts[0], Attribution) else facts[0]

    def _decoded(self, row: Row) -> Fact:
        try:
            fact: Fact = _fact.decode(self._content(row))
        except msgspec.DecodeError as why:
            raise FormatError("row", "a fact", why, f"position {row.position}") from None
        return fact

    def _block(self, rows: list[Row]) -> SegmentBlock:
        names, segments = zip(*(self._segment(row) for row in rows), strict=True)
        tracks, track = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
        cameras = np.array([self._place(name) for name in tracks.tolist()], np.int32)
        content = np.frombuffer(b"".join(segments), SEGMENT).copy()
        return SegmentBlock(tracks.tolist(), cameras, track.astype(np.int32), content)

    def _segment(self, row: Row) -> tuple[str, bytes]:
        name, _, segment = self._content(row).partition(_END)
        if len(segment) != SEGMENT.itemsize:
            place = f"position {row.position}"
            raise FormatError("row", f"a segment of {SEGMENT.itemsize} bytes", len(segment), place)
        track = name.decode()
        self.held[track] = self.keys[row.visit]
        return track, segment

    def _place(self, track: str) -> int:
        camera = track.partition("/")[0]
        if camera not in self.cameras:
            raise FormatError("camera", "one of the site", camera)
        return self.cameras.index(camera)

    def _content(self, row: Row) -> bytes:
        cipher, context = self._cipher(row.visit), _PLACE.pack(row.position, row.time_ms)
        try:
            return cipher.decrypt(row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise AuditError("row", "what was sealed", "something else", f"position {row.position}") from None

    def _cipher(self, visit: bytes) -> AESGCM:
        if visit not in self._ciphers:
            self._ciphers[visit] = AESGCM(self.keys[visit].rows)
        return self._ciphers[visit]


def _cuts(sorts: list[tuple[int, int]]) -> list[int]:
    return [at for at in range(1, len(sorts)) if sorts[at] != sorts[at - 1]]
