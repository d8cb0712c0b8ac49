"""Sealing: what an entry of the journal leads to, as the leaves of the audit log, in one order.

The same entries with the same keys always give the same leaves, however they are divided into blocks. So whoever has
the journal and the keys makes the log again and compares.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import NamedTuple

import msgspec

from features.events import Disposition
from features.segments import Entry, SegmentBlock
from features.site import Site
from models.bundle import Bundle
from models.normality import Normality
from streams.audit.records import DIGEST_BYTES, Beginning, Content, Kind, encode_record, sealed_entry
from streams.audit.visit_keys import VisitKey, VisitKeys
from streams.pipeline import Said
from streams.snapshots import site_digest

_encode = msgspec.json.Encoder().encode


class Leaf(NamedTuple):
    """A leaf of the log; `kind` is a `Kind`, or 0 of a beginning."""

    kind: int
    value: bytes


def beginning(site: Site, bundle: Bundle, normality: Normality | None = None) -> bytes:
    """The first leaf of a log."""
    digests = bytes.fromhex(site_digest(site)), bytes.fromhex(bundle.digest)
    normal = bytes.fromhex(normality.digest) if normality else b""
    return encode_record(Beginning(*digests, bundle.scoring_version, version("vigil"), normal))


@dataclass(slots=True)
class Sealing:
    """What sealing remembers.

    Attributes:
        keys: of the visits.
        journal: digest of the journal so far.
        position: place in the journal of the next entry.
    """

    keys: VisitKeys
    journal: bytes = bytes(DIGEST_BYTES)
    position: int = 0

    def take(self, entry: Entry, said: Said) -> list[Leaf]:
        """The leaves of an entry and of what it led to: each score, then the alerts it raised or took back."""
        digests = [self.journal]
        for part in _parts(entry):
            digests.append(sha256(digests[-1] + part).digest())
        first, self.position, self.journal = self.position, self.position + len(digests) - 1, digests[-1]
        if isinstance(entry, Disposition):
            content = Content(digests[-1], _encode(entry), b"")
            return [_leaf(Kind.DISPOSITION, first, self.keys.make(entry.person), content)]
        return list(self._said(said, digests, first))

    def forget(self, present: Container[str]) -> None:
        """Let go of the keys of visits of which nothing more can come."""
        self.keys.held = {name: key for name, key in self.keys.held.items() if name in present}

    def _said(self, said: Said, digests: list[bytes], first: int) -> Iterator[Leaf]:
        raised = list(zip(said.rests_on, said.alerts, strict=True))
        for place, (score, values) in enumerate(zip(said.scores, said.values, strict=True)):
            key, digest = self.keys.of(score.person), digests[score.position - first + 1]
            contents = [(Kind.SCORE, Content(digest, _encode(score), values))]
            contents += [(Kind.ALERT, Content(digest, _encode(alert), b"")) for at, alert in raised if at == place]
            for kind, content in contents:
                yield _leaf(kind, score.position, key, content)


def _leaf(kind: Kind, position: int, key: VisitKey, content: Content) -> Leaf:
    return Leaf(kind, encode_record(sealed_entry(kind, position, key, content)))


def _parts(entry: Entry) -> Iterator[bytes]:
    """The bytes of each place in the journal: a segment's track and row, or a fact as JSON."""
    if not isinstance(entry, SegmentBlock):
        yield _encode(entry)
        return
    rows, size = entry.rows.tobytes(), entry.rows.itemsize
    names = [f"{track}\0".encode() for track in entry.tracks]
    for at, track in enumerate(entry.track.tolist()):
        yield names[track] + rows[at * size : (at + 1) * size]
