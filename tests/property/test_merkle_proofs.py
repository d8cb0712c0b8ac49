from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.audit.errors import AuditError
from streams.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Hashes,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.property.merkle_reference import path, proof, tree_hash

LARGEST = 70


@cache
def leaves(size: int) -> list[bytes]:
    return leaf_hashes(b"leaf %d" % at for at in range(size))


@cache
def root(size: int) -> bytes:
    return tree_hash(leaves(size))


def nodes(size: int) -> Hashes:
    return lambda level, index: _node(size, level, index)


@cache
def _node(size: int, level: int, index: int) -> bytes:
    first, end = index << level, index + 1 << level
    assert end <= size, "only complete nodes can be read"
    return tree_hash(leaves(size)[first:end])


def test_a_leaf_is_hashed_with_its_prefix() -> None:
    assert leaf_hash(b"seen") == sha256(b"\x00seen").digest() == leaf_hashes([b"seen"])[0]


@pytest.mark.parametrize("size", range(LARGEST))
def test_inclusion_of_every_leaf(size: int) -> None:
    assert root_of(size, nodes(size)) == root(size)
    for index in range(size):
        found = inclusion_proof(index, size, nodes(size))
        assert found == path(index, leaves(size))
        verify_inclusion(index, size, leaves(size)[index], found, root(size))


@pytest.mark.parametrize("new", range(LARGEST))
def test_consistency_of_every_pair(new: int) -> None:
    for old in range(new + 1):
        found = consistency_proof(old, new, nodes(new))
        assert found == proof(old, leaves(new))
        verify_consistency(old, new, found, root(old), root(new))


@pytest.mark.parametrize("size", range(2, 20))
def test_an_inclusion_proof_holds_for_nothing_else(size: int) -> None:
    for index in range(size):
        found = inclusion_proof(index, size, nodes(size))
        for other in set(range(size)) - {index}:
            with pytest.raises(AuditError, match=r"^(root|length) (by|of) the inclusion proof: "):
                verify_inclusion(other, size, leaves(size)[index], found, root(size))
        with pytest.raises(AuditError, match=r"^root by the inclusion proof: "):
            verify_inclusion(index, size, leaf_hash(b"another"), found, root(size))


@pytest.mark.parametrize("new", range(2, 20))
def test_a_consistency_proof_holds_for_nothing_else(new: int) -> None:
    for old in range(1, new):
        found = consistency_proof(old, new, nodes(new))
        with pytest.raises(AuditError, match=r"^(old|new) root by the consistency proof: "):
            verify_consistency(old, new, found, leaf_hash(b"another"), root(new))
        with pytest.raises(AuditError, match=r"^new root by the consistency proof: "):
            verify_consistency(old, new, found, root(old), leaf_hash(b"another"))
        for at in range(len(found)):
            changed = [*found[:at], leaf_hash(b"another"), *found[at + 1 :]]
            with pytest.raises(AuditError, match=r"^(old|new) root by the consistency proof: "):
                verify_consistency(old, new, changed, root(old), root(new))


REFUSED = [
    ((-1, 5), "^index: expected 0 to 4, got -1$"),
    ((5, 5), "^index: expected 0 to 4, got 5$"),
    ((0, 0), "^index: expected no index in an empty log, got 0$"),
]


@pytest.mark.parametrize(("asked", "why"), REFUSED)
def test_an_index_that_is_not_there(asked: tuple[int, int], why: str) -> None:
    with pytest.raises(AuditError, match=why):
        inclusion_proof(*asked, nodes(5))
    with pytest.raises(AuditError, match=why):
        verify_inclusion(*asked, leaves(1)[0], [], root(1))


def test_lengths_of_proofs() -> None:
    found = inclusion_proof(2, 7, nodes(7))
    with pytest.raises(AuditError, match=r"^length of the inclusion proof: expected 3 hashes, got 4$"):
        verify_inclusion(2, 7, leaves(7)[2], [*found, found[0]], root(7))
    with pytest.raises(AuditError, match=r"^hash 1 of the inclusion proof: expected 32 bytes, got 31$"):
        verify_inclusion(2, 7, leaves(7)[2], [found[0], found[1][1:], found[2]], root(7))
    with pytest.raises(AuditError, match=r"^length of the consistency proof: expected 4 hashes, got 0$"):
        verify_consistency(3, 7, [], root(3), root(7))
    with pytest.raises(AuditError, match=r"^length of the consistency proof: expected 0 hashes, got 1$"):
        verify_consistency(7, 7, [root(7)], root(7), root(7))


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(AuditError, match=r"^old size: expected 0 to 7, got 8$"):
        consistency_proof(8, 7, nodes(7))
    with pytest.raises(AuditError, match=r"^old size: expected 0 to 7, got 8$"):
        verify_consistency(8, 7, [], root(8), root(7))
    with pytest.raises(AuditError, match=r"^new root by the consistency proof: "):
        verify_consistency(7, 7, [], root(7), root(6))
    with pytest.raises(AuditError, match=r"^old root, of no leaves,: "):
        verify_consistency(0, 7, [], root(1), root(7))


@given(st.lists(st.integers(0, 40), max_size=12))
def test_a_frontier_is_the_same_however_it_grew(batches: list[int]) -> None:
    size = sum(batches)
    frontier, at = Frontier(), 0
    for batch in batches:
        frontier = frontier.append(leaves(size)[at : at + batch])
        at += batch
        assert (frontier.size, frontier.root) == (at, tree_hash(leaves(size)[:at]))
    assert frontier == Frontier().append(leaves(size)) == frontier_of(size, nodes(size))


def test_an_empty_frontier() -> None:
    assert Frontier().root == EMPTY_ROOT == root(0)


@pytest.mark.parametrize(("size", "hashes"), [(3, 1), (0, 1), (-1, 1), (2, 2)])
def test_a_frontier_that_cannot_be(size: int, hashes: int) -> None:
    with pytest.raises(ValueError, match=r"^frontier of "):
        Frontier(size, (bytes(32),) * hashes)
    with pytest.raises(ValueError, match=r"expected hashes of 32 bytes"):
        Frontier(1, (bytes(31),))


KNOWN_LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_every_implementation_of_certificate_transparency_has(size: int) -> None:
    hashes = leaf_hashes(bytes.fromhex(leaf) for leaf in KNOWN_LEAVES[:size])
    assert Frontier().append(hashes).root.hex() == KNOWN_ROOTS[size - 1]
