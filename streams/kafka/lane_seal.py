"""The seal of a lane: its part of the audit log, as messages that are at the broker before what they seal.

A message of the topic `audit` holds consecutive leaves of the partition's log, each behind its length in two bytes, as
entry bundles of tlog-tiles do. Its headers say where they begin, and size and root of the tree behind them.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec
from msgspec import Struct

from features.events import Rejection
from streams.audit.errors import AuditError
from streams.audit.merkle import Frontier, leaf_hashes
from streams.audit.records import Kind, Tombstone, encode_record
from streams.audit.sealing import Leaf, Sealing, beginning
from streams.audit.tiles import join_leaves, split_leaves
from streams.audit.visit_keys import VisitKey, VisitKeys
from streams.kafka.erasure import Erasure
from streams.kafka.messages import Headers
from streams.kafka.setup import Setup

FIRST, SIZE, ROOT = "vigil-first-leaf", "vigil-tree-size", "vigil-tree-root"
LEAF = "vigil-leaf"  # header of a score or an alert: which leaf of its partition's log seals it


class Leaves(Struct, frozen=True):
    """Consecutive leaves of a partition's log, and the tree behind them."""

    first: int
    leaves: list[bytes]
    root: bytes


class _State(Struct, array_like=True):
    secret: bytes
    held: list[VisitKey]
    journal: bytes
    position: int
    tree: Frontier
    asked: list[Erasure]


_encode = msgspec.msgpack.Encoder().encode
_state = msgspec.msgpack.Decoder(_State)


@dataclass(slots=True)
class LaneSeal:
    """What sealing remembers, the right edge of the partition's tree, and the erasures that were asked for."""

    sealing: Sealing
    tree: Frontier
    asked: list[Erasure] = field(default_factory=list)

    @classmethod
    def begin(cls, secret: bytes) -> Self:
        """Of a log without leaves; the secret, 32 bytes, is that of the ratchet of visit keys."""
        return cls(Sealing(VisitKeys(secret)), Frontier())

    def begun(self, setup: Setup) -> Leaf:
        """The leaf that says under which setup what follows is made."""
        return Leaf(0, beginning(setup.site, setup.bundle, setup.normality))

    def due(self, present: Container[str]) -> list[Erasure]:
        """The erasures that were asked for of which no visit is present any more."""
        stay = {key.id for name, key in self.sealing.keys.held.items() if name in present}
        due = [erasure for erasure in self.asked if stay.isdisjoint(erasure.keys)]
        self.asked = [erasure for erasure in self.asked if erasure not in due]
        return due

    def bury(self, erasure: Erasure) -> Leaf:
        """Let go of the keys that are still held of erased visits; the leaf that says they are gone."""
        gone, keys = set(erasure.keys), self.sealing.keys
        keys.held = {name: key for name, key in keys.held.items() if key.id not in gone}
        return Leaf(0, encode_record(Tombstone(sorted(gone), erasure.reason)))

    def append(self, leaves: Sequence[Leaf]) -> tuple[bytes, Headers]:
        """Add leaves to the tree; the message that says so."""
        first, values = self.tree.size, [leaf.value for leaf in leaves]
        self.tree = self.tree.append(leaf_hashes(values))
        numbers = ((FIRST, first), (SIZE, self.tree.size))
        headers = [(name, str(number).encode()) for name, number in numbers]
        return join_leaves(values), [*headers, (ROOT, self.tree.root.hex().encode())]

    def places(self, leaves: Sequence[Leaf], kind: Kind) -> list[int]:
        """Where in the log the leaves of a kind will be, when these are appended next."""
        return [self.tree.size + at for at, leaf in enumerate(leaves) if leaf.kind == kind]

    def dump(self) -> bytes:
        """The state as bytes."""
        sealing = self.sealing
        held = [sealing.keys.held[name] for name in sorted(sealing.keys.held)]
        return _encode(_State(sealing.keys.secret, held, sealing.journal, sealing.position, self.tree, self.asked))

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The state out of the bytes of `dump`.

        Raises:
            msgspec.DecodeError: they are none.
        """
        state = _state.decode(data)
        keys = VisitKeys(state.secret, {key.name: key for key in state.held})
        return cls(Sealing(keys, state.journal, state.position), state.tree, state.asked)


def read_leaves(value: bytes, headers: Headers) -> Leaves:
    """The leaves of a message of the topic `audit`.

    Raises:
        Rejection: it is none.
    """
    named = dict(headers)
    try:
        first, size, root = int(named[FIRST]), int(named[SIZE]), bytes.fromhex(named[ROOT].decode())
        return Leaves(first, split_leaves(value, size - first, "audit"), root)
    except (AuditError, KeyError, ValueError) as why:
        raise Rejection("$", f"leaves with the headers {FIRST}, {SIZE} and {ROOT}", str(why)) from None


def encode_key(key: VisitKey) -> bytes:
    """A message of the topic `visit-keys`; its key is the key's id in hexadecimal."""
    return _encode((key.name, key.secret))


def decode_key(value: bytes) -> VisitKey:
    """A key out of a message of the topic `visit-keys`.

    Raises:
        Rejection: it is none.
    """
    try:
        name, secret = msgspec.msgpack.decode(value, type=tuple[str, bytes])
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise Rejection("$", "name and secret", str(why)) from None
    return VisitKey(name, secret)
