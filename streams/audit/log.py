"""A log in a folder, to which one process adds leaves; it can be served as it is.

Whatever a checkpoint claims is on the disk before the checkpoint is. Files a published checkpoint needs are never
written again. What lies beyond the checkpoint after a crash does not count: `size` says from where to add leaves again.

Source: https://c2sp.org/tlog-tiles.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from streams.audit.checkpoint import Checkpoint, check_origin, open_checkpoint, sign_checkpoint
from streams.audit.cosignature import Witness, with_cosignatures
from streams.audit.errors import AuditError, UnusableError
from streams.audit.files import Files, locked, replace_whole, sync_all
from streams.audit.merkle import EMPTY_ROOT, Frontier, frontier_of, leaf_hashes
from streams.audit.note import Note, Signature, Signer, Verifier
from streams.audit.reader import LogReader
from streams.audit.source import folder_source
from streams.audit.tiles import (
    CHECKPOINT,
    HEIGHT,
    PARTIAL,
    WIDTH,
    Tile,
    check_leaves,
    join_leaves,
    levels_of,
    tile_root,
)


class Log:
    """A log that is open for adding leaves; `close` it, or use it in a `with`.

    Args:
        folder: made if there is none; then the log begins with a checkpoint of no leaves.
        origin: of the checkpoints.
        signers: who sign from now on; several while one key is handed over to another.
        verifiers: further keys the last checkpoint may be signed with.
        files: how the folder is written.

    Raises:
        UnusableError: another process writes to it, or it is not the folder of a log.
        AuditError: its files are not what its checkpoint claims.
    """

    def __init__(
        self,
        folder: Path,
        origin: str,
        signers: Sequence[Signer],
        verifiers: Sequence[Verifier] = (),
        files: Files | None = None,
    ) -> None:
        check_origin(origin)
        if not signers:
            raise UnusableError("signers", "at least one key", "none", str(folder))
        self._folder, self._origin, self._signers, self._files = folder, origin, tuple(signers), files or Files()
        self._verifiers = tuple({*verifiers, *(signer.verifier for signer in signers)})
        self._torn = False
        self._unsynced = list[Path]()
        self._frontier = Frontier()
        self._bundle = list[bytes]()
        self._rows = list[list[bytes]]()  # of each level, the hashes of the tile that is not full yet
        with ExitStack() as opening:
            opening.enter_context(locked(folder))
            self._published, self._note = self._begin()
            self._open()
            self._lock = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others write to the log; what was not published is gone."""
        self._lock.close()

    @property
    def size(self) -> int:
        """Leaves so far; the next one gets this index."""
        return self._frontier.size

    @property
    def root(self) -> bytes:
        """Root of the tree so far, 32 bytes."""
        return self._frontier.root

    @property
    def checkpoint(self) -> Checkpoint:
        """What is published."""
        return self._published

    @property
    def note(self) -> Note:
        """What is published, with its signatures."""
        return self._note

    def reader(self) -> LogReader:
        """Leaves and proofs as far as they are published."""
        return LogReader(folder_source(self._folder), self._published.size)

    def append(self, leaves: Sequence[bytes]) -> int:
        """Add leaves; nobody sees them before `publish`.

        Returns:
            The index of the first.

        Raises:
            UnusableError: one is longer than 65,535 bytes; then none is added.
            OSError: the folder cannot be written; then the log must be opened anew.
        """
        check_leaves(leaves)
        first, hashes = self.size, leaf_hashes(leaves)
        with self._whole():
            self._frontier = self._frontier.append(hashes)
            self._bind(first, leaves)
            self._grow(0, first, hashes)
        return first

    def publish(self) -> Note:
        """Sign a checkpoint of all leaves and put it in the place of the last one, when all of it is on the disk.

        Returns:
            The checkpoint with its signatures; the one that stands where nothing has changed.

        Raises:
            OSError: as `append`.
        """
        checkpoint = Checkpoint(self._origin, self.size, self._frontier.root)
        if checkpoint == self._published and self._signed_by_all() and not self._torn:
            return self._note
        with self._whole():
            self._write_partial()
            sync_all(self._files, self._folder, self._unsynced)
            self._unsynced.clear()
            note, before = sign_checkpoint(checkpoint, self._signers), self._published
            replace_whole(self._files, self._folder / CHECKPOINT, note.encoded)
            self._published, self._note = checkpoint, note
            for tile in _edges(before.size):
                self._remove_if_full(tile)
        return note

    def add_cosignatures(self, signatures: Sequence[Signature], witnesses: Sequence[Witness]) -> Note:
        """Put witnesses' cosignatures below the published checkpoint.

        Raises:
            SignatureError: one is wrong, or none is by one of the witnesses.
        """
        note = with_cosignatures(self._note, signatures, witnesses)
        with self._whole():
            replace_whole(self._files, self._folder / CHECKPOINT, note.encoded)
            self._note = note
        return note

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of it, or the log takes nothing more: memory and files may differ after an error."""
        if self._torn:
            raise UnusableError("log", "one whose last write succeeded; open it anew", "another", str(self._folder))
        self._torn = True
        yield
        self._torn = False

    def _signed_by_all(self) -> bool:
        there = {(each.name, each.key_id) for each in self._note.signatures}
        return all((signer.name, signer.key_id) in there for signer in self._signers)

    def _begin(self) -> tuple[Checkpoint, Note]:
        """The checkpoint that stands; a new log gets one of no leaves."""
        path = self._folder / CHECKPOINT
        encoded = folder_source(self._folder)(CHECKPOINT)
        if encoded is not None:
            signed = open_checkpoint(encoded, self._origin, self._verifiers, str(path))
            return signed.checkpoint, signed.note
        if (self._folder / "tile").exists():
            raise UnusableError("checkpoint", "one beside the folder tile", "none; put it back", str(path))
        self._files.sync(self._folder.parent)
        checkpoint = Checkpoint(self._origin, 0, EMPTY_ROOT)
        note = sign_checkpoint(checkpoint, self._signers)
        replace_whole(self._files, path, note.encoded)
        return checkpoint, note

    def _open(self) -> None:
        """Take up the right edge, and tidy up what a crash left."""
        size, reader = self._published.size, self.reader()
        self._frontier = frontier_of(size, reader.hashes)
        if self._frontier.root != self._published.root:
            expected, got = self._published.root.hex(), self._frontier.root.hex()
            raise AuditError("root of the tiles", expected, got, str(self._folder / CHECKPOINT))
        self._rows = [[] for _ in levels_of(size)]
        for tile in _edges(size):
            if tile.level is None:
                self._bundle = reader.bundle(tile)
            else:
                self._rows[tile.level] = reader.tile(tile)
        if leaf_hashes(self._bundle) != (self._rows[0] if self._rows else []):
            raise AuditError("entries", "those of the tile beside it", "others", Tile(None, size // WIDTH).path)
        for path in _left_behind(self._folder, size):
            self._files.remove(path)

    def _bind(self, first: int, leaves: Sequence[bytes]) -> None:
        """Add leaves to the bundles, from an index on."""
        self._bundle += leaves
        full = len(self._bundle) // WIDTH
        for number in range(full):
            part = self._bundle[number * WIDTH : (number + 1) * WIDTH]
            self._write(Tile(None, first // WIDTH + number), join_leaves(part))
        del self._bundle[: full * WIDTH]

    def _grow(self, level: int, first: int, hashes: list[bytes]) -> None:
        """Add hashes to a level of tiles, from an index on, and those over full tiles to the levels above."""
        if level == len(self._rows):
            self._rows.append([])
        row, above = self._rows[level], list[bytes]()
        row += hashes
        for number in range(len(row) // WIDTH):
            part = row[number * WIDTH : (number + 1) * WIDTH]
            self._write(Tile(level, first // WIDTH + number), b"".join(part))
            above.append(tile_root(part))
        del row[: len(above) * WIDTH]
        if above:
            self._grow(level + 1, first // WIDTH, above)

    def _write_partial(self) -> None:
        """The tiles that are not full, but for those that the published checkpoint has too."""
        there = set(_edges(self._published.size))
        for tile in _edges(self.size):
            if tile not in there:
                content = join_leaves(self._bundle) if tile.level is None else b"".join(self._rows[tile.level])
                self._write(tile, content)

    def _write(self, tile: Tile, content: bytes) -> None:
        path = self._folder / tile.path
        self._files.write(path, content)
        self._unsynced.append(path)

    def _remove_if_full(self, tile: Tile) -> None:
        """Remove all the partial files of a tile, if its full one is published by now."""
        if (tile.number + 1) * WIDTH <= self.size >> HEIGHT * (tile.level or 0):
            self._files.remove((self._folder / tile.path).parent)


def _edges(size: int) -> list[Tile]:
    """The bundle and the tiles that are not full in a log of so many leaves."""
    widths = [(level, *divmod(size >> HEIGHT * (level or 0), WIDTH)) for level in (None, *levels_of(size))]
    return [Tile(level, number, width) for level, number, width in widths if width]


def _left_behind(folder: Path, size: int) -> Iterator[Path]:
    """Unfinished files; partial ones of full tiles, and those no published checkpoint had."""
    partial = {(folder / tile.path).parent: tile.width for tile in _edges(size)}
    yield from folder.glob(".*.new")
    for parent, names, _ in os.walk(folder / "tile"):
        for name in [name for name in names if name.endswith(PARTIAL)]:
            names.remove(name)
            path = Path(parent, name)
            if path not in partial:
                yield path
            else:
                yield from (each for each in path.iterdir() if each.name.isdecimal() and int(each.name) > partial[path])
