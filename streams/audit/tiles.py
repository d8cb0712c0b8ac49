"""Tiles and bundles: the files of a log, 256 hashes or leaves in each, and how they are named.

Source: https://c2sp.org/tlog-tiles.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.audit.errors import FormatError, UnusableError
from streams.audit.merkle import HASH_BYTES, Frontier

WIDTH = 256
HEIGHT = 8
"""Levels of the tree from the hashes of a tile to the one hash over it."""
LEAF_BYTES_MAX = (1 << 16) - 1
CHECKPOINT = "checkpoint"
ENTRIES = "entries"
PARTIAL = ".p"
_LENGTH = struct.Struct(">H")
_DIGITS = 1_000


class Tile(NamedTuple):
    """Where some of a log's hashes or leaves are.

    Attributes:
        level: of tiles, 0 for hashes of leaves; None for a bundle of leaves.
        number: of the tile in its level.
        width: hashes or leaves in it, 1 to 256.
    """

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Relative to the log's folder or URL."""
        above, last = divmod(self.number, _DIGITS)
        parts = [f"{last:03}"]
        while above:
            above, part = divmod(above, _DIGITS)
            parts.insert(0, f"x{part:03}")
        whole = f"tile/{ENTRIES if self.level is None else self.level}/{'/'.join(parts)}"
        return whole if self.width == WIDTH else f"{whole}{PARTIAL}/{self.width}"

    @property
    def full(self) -> "Tile":
        """The tile once it has all its hashes or leaves."""
        return self._replace(width=WIDTH)


def tiles_of(size: int, level: int | None, first: int = 0) -> Iterator[Tile]:
    """The tiles of a level, or the bundles, of a log of so many leaves, from a number on."""
    full, rest = divmod(size >> HEIGHT * (level or 0), WIDTH)
    yield from (Tile(level, number) for number in range(first, full))
    if rest:
        yield Tile(level, full, rest)


def levels_of(size: int) -> range:
    """The levels of tiles that a log of so many leaves has."""
    return range((size.bit_length() + HEIGHT - 1) // HEIGHT)


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """The hash over a full tile, which stands in the level above."""
    return Frontier().append(hashes).root


def split_hashes(content: bytes, width: int, where: str) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        FormatError: it has another length.
    """
    if len(content) != width * HASH_BYTES:
        raise FormatError("length", f"{width * HASH_BYTES} bytes", len(content), where)
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def check_leaves(leaves: Sequence[bytes]) -> None:
    """Refuse leaves that no bundle can hold.

    Raises:
        UnusableError: one is too long.
    """
    longest = max(map(len, leaves), default=0)
    if longest > LEAF_BYTES_MAX:
        raise UnusableError("leaf", f"at most {LEAF_BYTES_MAX:,} bytes", f"{longest:,}")


def join_leaves(leaves: Sequence[bytes]) -> bytes:
    """A bundle: each leaf after its length in two bytes, big-endian."""
    return b"".join([part for leaf in leaves for part in (_LENGTH.pack(len(leaf)), leaf)])


def split_leaves(content: bytes, width: int, where: str) -> list[bytes]:
    """The leaves of a bundle.

    Args:
        content: of the file.
        width: leaves.
        where: what errors name.

    Raises:
        FormatError: they are not there, or more is.
    """
    leaves, at, end = list[bytes](), 0, len(content)
    for number in range(width):
        start = at + _LENGTH.size
        at = start + (_LENGTH.unpack_from(content, at)[0] if start <= end else 0)
        if at > end:
            raise FormatError(f"entry {number}", f"{at} bytes or more", end, where)
        leaves.append(content[start:at])
    if at != end:
        raise FormatError("length", f"{at} bytes for {width} entries", end, where)
    return leaves
