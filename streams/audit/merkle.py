"""The Merkle tree: hashes, the right edge that grows, and proofs.

Source: RFC 9162, section 2.1, with SHA-256. A node is named by its level (0 are the leaves' hashes) and its index in
that level; it is the root of the leaves `[index << level, (index + 1) << level)`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from msgspec import Struct

from streams.audit.errors import AuditError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Hashes = Callable[[int, int], bytes]
"""Gives the hash of the complete node of a level and an index."""
Range = tuple[int, int]
"""Leaves from the first one up to, without, the second."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes, 32 bytes."""
    return sha256(b"\0" + leaf).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """The hash of each leaf."""
    return [sha256(b"\0" + leaf).digest() for leaf in leaves]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node out of its two children, 32 bytes each."""
    return sha256(b"\1" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The hashes one level higher; the last hash of an odd row has none."""
    each = iter(row)
    return [sha256(b"\1" + left + right).digest() for left, right in zip(each, each, strict=False)]


class Frontier(Struct, frozen=True, array_like=True):
    """The right edge of a tree, all that is needed to add leaves to it and to know its root.

    Attributes:
        size: leaves so far.
        hashes: the roots of the complete subtrees that cover them, one for each 1 in `size` as a binary number, the
            largest first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(
                f"frontier of {self.size} leaves: expected {self.size.bit_count()}, got {len(self.hashes)}"
            )
        if any(len(one) != HASH_BYTES for one in self.hashes):
            raise ValueError(
                f"frontier of {self.size} leaves: expected hashes of {HASH_BYTES} bytes, got another length"
            )

    def append(self, added: Sequence[bytes]) -> "Frontier":
        """The frontier after the hashes of more leaves; however they are divided, it ends the same."""
        row, waiting, level = list(added), list(self.hashes), 0
        kept: list[bytes] = []
        while row:
            if self.size >> level & 1:
                row.insert(0, waiting.pop())
            if len(row) & 1:
                kept.append(row[-1])
            row = parents(row)
            level += 1
        return Frontier(self.size + len(added), (*waiting, *reversed(kept)))

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return _folded(self.hashes)


def frontier_of(size: int, hashes: Hashes) -> Frontier:
    """The right edge of a tree whose nodes can be read."""
    return Frontier(size, tuple(hashes(level, index) for level, index in _complete((0, size))))


def root_of(size: int, hashes: Hashes) -> bytes:
    """The root of the first `size` leaves of a tree whose nodes can be read."""
    return _range_root((0, size), hashes)


def inclusion_proof(index: int, size: int, hashes: Hashes) -> list[bytes]:
    """The hashes that lead from a leaf to the root of the first `size` leaves, the leaf's sibling first.

    Raises:
        AuditError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise AuditError("index", f"0 to {size - 1}" if size else "no index in an empty log", index)
    return [_range_root(each, hashes) for each in _siblings(index, size)]


def consistency_proof(old: int, new: int, hashes: Hashes) -> list[bytes]:
    """The hashes that show that the first `old` leaves are the same in the tree of the first `new` ones.

    Raises:
        AuditError: the old tree is larger than the new one.
    """
    if not 0 <= old <= new:
        raise AuditError("old size", f"0 to {new}", old)
    return [_range_root(each, hashes) for each in _shown(_bridge(old, new))]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is at an index of the tree with this root.

    Args:
        index: of the leaf.
        size: leaves of the tree.
        leaf: hash of the leaf, 32 bytes.
        proof: what `inclusion_proof` gave.
        root: of the tree.

    Raises:
        AuditError: it is not, or the proof does not show it.
    """
    if not 0 <= index < size:
        raise AuditError("index", f"0 to {size - 1}" if size else "no index in an empty log", index)
    siblings = _siblings(index, size)
    _must_fit(proof, len(siblings), "inclusion proof")
    found = leaf
    for (first, _), sibling in zip(siblings, proof, strict=True):
        found = node_hash(found, sibling) if first > index else node_hash(sibling, found)
    if found != root:
        raise AuditError("root by the inclusion proof", root.hex(), found.hex())


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of `new` leaves begins with the leaves of the tree of `old` ones.

    Raises:
        AuditError: it does not, or the proof does not show it.
    """
    if not 0 <= old <= new:
        raise AuditError("old size", f"0 to {new}", old)
    bridge = _bridge(old, new)
    _must_fit(proof, len(_shown(bridge)), "consistency proof")
    if old == 0:
        _must_be_root(old_root, EMPTY_ROOT, "old root, of no leaves,")
        return
    nodes = {bridge[0]: old_root} | dict(zip(_shown(bridge), proof, strict=True))
    _must_be_root(_joined(0, old, nodes), old_root, "old root by the consistency proof")
    _must_be_root(_joined(0, new, nodes), new_root, "new root by the consistency proof")


def _must_fit(proof: Sequence[bytes], hashes: int, what: str) -> None:
    if len(proof) != hashes:
        raise AuditError(f"length of the {what}", f"{hashes} hashes", len(proof))
    for at, one in enumerate(proof):
        if len(one) != HASH_BYTES:
            raise AuditError(f"hash {at} of the {what}", f"{HASH_BYTES} bytes", len(one))


def _must_be_root(found: bytes, expected: bytes, what: str) -> None:
    if found != expected:
        raise AuditError(what, expected.hex(), found.hex())


def _split(first: int, end: int) -> int:
    """Where the tree of these leaves divides: the largest power of two below their number goes left."""
    return first + (1 << (end - first - 1).bit_length() - 1)


def _siblings(index: int, size: int) -> list[Range]:
    """What a leaf's way to the root passes, from below."""
    first, end, passed = 0, size, list[Range]()
    while end - first > 1:
        middle = _split(first, end)
        passed.append((middle, end) if index < middle else (first, middle))
        first, end = (first, middle) if index < middle else (middle, end)
    return passed[::-1]


def _bridge(old: int, new: int) -> list[Range]:
    """What a consistency proof passes, from below; the first is where the old leaves end, and given unless at 0."""
    if not old:
        return [(0, 0)]
    passed, (first, end) = list[Range](), (0, new)
    while end != old:
        middle = _split(first, end)
        passed.append((middle, end) if old <= middle else (first, middle))
        first, end = (first, middle) if old <= middle else (middle, end)
    return [(first, end), *passed[::-1]]


def _shown(bridge: list[Range]) -> list[Range]:
    """What of it a proof holds: the old tree's own root is known."""
    return bridge if bridge[0][0] else bridge[1:]


def _joined(first: int, end: int, nodes: dict[Range, bytes]) -> bytes:
    """The root of a range out of those of its parts."""
    if (first, end) in nodes:
        return nodes[first, end]
    middle = _split(first, end)
    return node_hash(_joined(first, middle, nodes), _joined(middle, end, nodes))


def _range_root(leaves: Range, hashes: Hashes) -> bytes:
    return _folded([hashes(level, index) for level, index in _complete(leaves)])


def _complete(leaves: Range) -> Iterator[tuple[int, int]]:
    """Level and index of the complete nodes that cover a range a tree can have, the largest first."""
    first, end = leaves
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def _folded(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, the largest first."""
    if not roots:
        return EMPTY_ROOT
    folded = roots[-1]
    for left in reversed(roots[:-1]):
        folded = node_hash(left, folded)
    return folded
