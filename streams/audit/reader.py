"""Reading a log: leaves, hashes and proofs out of its files, as far as a checkpoint says it goes."""

from collections.abc import Iterator
from functools import lru_cache

from streams.audit.errors import AuditError, GapError
from streams.audit.merkle import consistency_proof, inclusion_proof, parents
from streams.audit.source import Source
from streams.audit.tiles import HEIGHT, WIDTH, Tile, split_hashes, split_leaves

TILES_KEPT = 256


class LogReader:
    """The first `size` leaves of a log; nothing that is read is verified here."""

    def __init__(self, source: Source, size: int) -> None:
        self.size = size
        self._source = source
        self._rows = lru_cache(TILES_KEPT)(self._read_rows)

    def hashes(self, level: int, index: int) -> bytes:
        """The hash of a complete node, as the proofs want it.

        Raises:
            GapError: its tile is missing.
            FormatError: its tile has another length.
        """
        tile_level, row = divmod(level, HEIGHT)
        number, at = divmod(index, WIDTH >> row)
        return self._rows(tile_level, number)[row][at]

    def tile(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile.

        Raises:
            GapError, FormatError: as `hashes`.
        """
        content, width = self._content(tile)
        return split_hashes(content, width, tile.path)[: tile.width]

    def bundle(self, tile: Tile) -> list[bytes]:
        """The leaves of a bundle.

        Raises:
            GapError, FormatError: as `hashes`.
        """
        content, width = self._content(tile)
        return split_leaves(content, width, tile.path)[: tile.width]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The leaves from an index up to, without, another one.

        Raises:
            AuditError: the log has no such leaves.
            GapError, FormatError: as `hashes`.
        """
        if not 0 <= start <= stop <= self.size:
            raise AuditError("leaves", f"a range within 0 to {self.size}", f"{start} to {stop}")
        for number in range(start // WIDTH, -(-stop // WIDTH)):
            first = number * WIDTH
            yield from self.bundle(self._named(None, number))[max(0, start - first) : stop - first]

    def leaf(self, index: int) -> bytes:
        """The leaf at an index.

        Raises:
            AuditError, GapError, FormatError: as `entries`.
        """
        return next(self.entries(index, index + 1))

    def inclusion(self, index: int) -> list[bytes]:
        """The proof that a leaf is in the log.

        Raises:
            AuditError, GapError, FormatError: as `entries`.
        """
        return inclusion_proof(index, self.size, self.hashes)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the log of `new` leaves, or of all, continues the one of `old` leaves.

        Raises:
            AuditError, GapError, FormatError: as `entries`.
        """
        return consistency_proof(old, self.size if new is None else new, self.hashes)

    def _named(self, level: int | None, number: int) -> Tile:
        return Tile(level, number, min(WIDTH, (self.size >> HEIGHT * (level or 0)) - number * WIDTH))

    def _read_rows(self, level: int, number: int) -> list[list[bytes]]:
        """All the complete nodes between the hashes of a tile and the one over it."""
        rows = [self.tile(self._named(level, number))]
        for _ in range(HEIGHT - 1):
            rows.append(parents(rows[-1]))
        return rows

    def _content(self, tile: Tile) -> tuple[bytes, int]:
        """What a tile's file holds, and how much of it; a partial file goes when the full one is there."""
        for there in (tile, tile.full):
            content = self._source(there.path)
            if content is not None:
                return content, there.width
        raise GapError("file", "a file of the log", "none", tile.path)
