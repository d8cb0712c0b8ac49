"""The definitions of RFC 9162, section 2.1, word for word and slow, to hold the fast ones against."""

from hashlib import sha256

Hashes = list[bytes]


def tree_hash(leaves: Hashes) -> bytes:
    """MTH, over hashes of leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\1" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def path(m: int, leaves: Hashes) -> Hashes:
    """PATH."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def proof(m: int, leaves: Hashes) -> Hashes:
    """PROOF, empty for no old leaves."""
    return subproof(m, leaves, whole=True) if m else []


def subproof(m: int, leaves: Hashes, *, whole: bool) -> Hashes:
    """SUBPROOF."""
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), tree_hash(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), tree_hash(leaves[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k
