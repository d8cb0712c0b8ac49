"""Sealing: what an entry of the journal leads to, as the leaves of the audit log, in one order.

The same entries with the same keys always give the same leaves, however they are divided into blocks. So whoever has
the journal and the keys makes the log again and compares.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import NamedTuple

import msgspec

from features.events import Disposition
from features.segments import Entry, positions
from features.site import Site
from models.bundle import Bundle
from models.decision import HOUR_MS, NOWHERE
from models.normality import Normality
from models.records import Alert
from streams.audit.records import DIGEST_BYTES, Beginning, Content, Kind, Public, encode_record, sealed_entry
from streams.audit.rows import Kept, chained, seal_entry
from streams.audit.visit_keys import VisitKey, VisitKeys
from streams.pipeline import Said
from streams.snapshots import site_digest

VIGIL = version("vigil")
_encode = msgspec.json.Encoder().encode


class Leaf(NamedTuple):
    """A leaf of the log; `kind` is a `Kind`, or 0 of a beginning."""

    kind: int
    value: bytes


def beginning(site: Site, bundle: Bundle, normality: Normality | None = None, vigil: str = VIGIL) -> bytes:
    """The first leaf of a log that a version of Vigil made."""
    digests = bytes.fromhex(site_digest(site)), bytes.fromhex(bundle.digest)
    normal = bytes.fromhex(normality.digest) if normality else b""
    return encode_record(Beginning(*digests, bundle.scoring_version, vigil, normal))


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

    def keep(self, entry: Entry) -> Kept:
        """An entry with its rows, which are sealed."""
        return Kept(entry, seal_entry(entry, self.position, self.keys))

    def take(self, kept: Kept, said: Said) -> list[Leaf]:
        """The leaves of an entry and of what it led to: each score, then the alerts it raised or took back."""
        digests = dict[int, bytes]()
        for row in kept.rows:
            self.journal = digests[row.position] = chained(self.journal, row)
        self.position += positions(kept.entry)
        if isinstance(kept.entry, Disposition):
            row, content = kept.rows[0], Content(self.journal, _encode(kept.entry), b"")
            return [_leaf(Public(Kind.DISPOSITION, row.position, row.visit), self.keys.with_id(row.visit), content)]
        return list(self._said(said, digests))

    def forget(self, present: Container[str]) -> None:
        """Let go of the keys of visits of which nothing more can come."""
        self.keys.held = {name: key for name, key in self.keys.held.items() if name in present}

    def _said(self, said: Said, digests: Mapping[int, bytes]) -> Iterator[Leaf]:
        raised = list(zip(said.rests_on, said.alerts, strict=True))
        for place, (score, values) in enumerate(zip(said.scores, said.values, strict=True)):
            key, digest = self.keys.of(score.person), digests[score.position]
            yield _leaf(Public(Kind.SCORE, score.position, key.id), key, Content(digest, _encode(score), values))
            for alert in (alert for at, alert in raised if at == place):
                public = Public(Kind.ALERT, score.position, key.id, *_spent(alert))
                yield _leaf(public, key, Content(digest, _encode(alert), b""))


def _spent(alert: Alert) -> tuple[str, int]:
    """Where and in which hour an alert counts in a budget; one that takes another back counts nowhere."""
    return ("", 0) if alert.withdraws else (alert.camera or NOWHERE, alert.time_ms // HOUR_MS)


def _leaf(public: Public, key: VisitKey, content: Content) -> Leaf:
    return Leaf(public.kind, encode_record(sealed_entry(public, key, content)))
