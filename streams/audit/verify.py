"""Verifying a log: every leaf hashed, every tile compared, and nothing changed since an earlier checkpoint."""

from collections.abc import Callable, Iterator, Sequence

from streams.audit.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from streams.audit.errors import AuditError, ForkError, RewindError
from streams.audit.merkle import Frontier, frontier_of, leaf_hashes, root_of, verify_consistency
from streams.audit.note import Verifier
from streams.audit.reader import LogReader
from streams.audit.source import Source, checkpoint_of
from streams.audit.tiles import CHECKPOINT, HEIGHT, WIDTH, Tile, levels_of, tile_root, tiles_of

Progress = Callable[[int], None]
"""Told how many leaves were verified since the last time."""


def verify_log(source: Source, origin: str, verifiers: Sequence[Verifier], progress: Progress) -> SignedCheckpoint:
    """Verify all of a log: the signature, every bundle, every tile and the root.

    Raises:
        AuditError: something does not hold; the error names the file, or the leaf, and the field.
    """
    signed = open_checkpoint(checkpoint_of(source), origin, verifiers)
    verify_leaves(LogReader(source, signed.checkpoint.size), Frontier(), signed.checkpoint, progress)
    return signed


def verify_leaves(reader: LogReader, known: Frontier, checkpoint: Checkpoint, progress: Progress) -> None:
    """Verify that a checkpoint's tree is the known one and the leaves that are read behind it.

    Args:
        reader: of the log, as large as the checkpoint.
        known: the tree whose leaves need no reading.
        checkpoint: signed.
        progress: told how far it is.

    Raises:
        AuditError: a leaf, a tile or the root differs.
    """
    frontier = known
    for hashes in _verified_hashes(reader, known.size, progress):
        frontier = frontier.append(hashes)
    if frontier.root != checkpoint.root:
        raise AuditError("root", frontier.root.hex(), checkpoint.root.hex(), CHECKPOINT)
    for level in levels_of(checkpoint.size)[1:]:
        _verify_level(reader, level, known.size)


def verify_growth(reader: LogReader, old: Checkpoint, new: Checkpoint) -> None:
    """Verify that a log has only grown from one checkpoint to another, by the hashes in its tiles.

    Args:
        reader: of the log, at least as large as the new checkpoint.
        old: signed.
        new: signed.

    Raises:
        RewindError: it is smaller than it was.
        ForkError: it is not the same log any more.
        GapError, FormatError: its tiles are not there.
    """
    if new.origin != old.origin:
        raise ForkError("origin", old.origin, new.origin, CHECKPOINT)
    if new.size < old.size:
        raise RewindError("size", f"{old.size} or more, as it was", new.size, CHECKPOINT)
    if new.size == old.size and new.root != old.root:
        raise ForkError(f"root of {new.size} leaves", f"{old.root.hex()}, as it was", new.root.hex(), CHECKPOINT)
    verify_tiles(reader, new)
    proof = reader.consistency(old.size, new.size)
    try:
        verify_consistency(old.size, new.size, proof, old.root, new.root)
    except AuditError as wrong:
        raise ForkError(f"root of the first {old.size} leaves", old.root.hex(), "another", CHECKPOINT) from wrong


def verify_tiles(reader: LogReader, checkpoint: Checkpoint) -> None:
    """Verify that a log's tiles lead to the root of a checkpoint, along its right edge.

    Raises:
        AuditError: they do not.
        GapError, FormatError: they are not there.
    """
    root = root_of(checkpoint.size, reader.hashes)
    if root != checkpoint.root:
        raise AuditError(
            f"root of {checkpoint.size} leaves", f"{root.hex()} as by the tiles", checkpoint.root.hex(), CHECKPOINT
        )


def known_tree(reader: LogReader, seen: Checkpoint) -> Frontier:
    """The tree of a checkpoint that was seen, out of the tiles.

    Raises:
        AuditError: the tiles have another root.
        GapError, FormatError: they are not there.
    """
    verify_tiles(reader, seen)
    return frontier_of(seen.size, reader.hashes)


def _verified_hashes(reader: LogReader, known: int, progress: Progress) -> Iterator[list[bytes]]:
    """The hashes of the leaves from an index on, bundle by bundle, each as its tile has it."""
    for bundle in tiles_of(reader.size, None, known // WIDTH):
        hashes = leaf_hashes(reader.bundle(bundle))
        _must_be_leaves_of(bundle, hashes, reader.tile(bundle._replace(level=0)))
        passed = max(0, known - bundle.number * WIDTH)
        yield hashes[passed:]
        progress(bundle.width - passed)


def _verify_level(reader: LogReader, level: int, known: int) -> None:
    """Hold every tile of a level against the tiles below it."""
    for tile in tiles_of(reader.size, level, known >> HEIGHT * (level + 1)):
        below = (Tile(level - 1, tile.number * WIDTH + at) for at in range(tile.width))
        for at, (hashed, there) in enumerate(zip(below, reader.tile(tile), strict=True)):
            root = tile_root(reader.tile(hashed))
            if root != there:
                raise AuditError(f"hash {at}, over {hashed.path}", root.hex(), there.hex(), tile.path)


def _must_be_leaves_of(bundle: Tile, hashes: list[bytes], there: list[bytes]) -> None:
    if hashes != there:
        at = next(at for at, (one, other) in enumerate(zip(hashes, there, strict=True)) if one != other)
        field = f"hash of leaf {bundle.number * WIDTH + at}"
        raise AuditError(
            field, f"{there[at].hex()} as in {bundle._replace(level=0).path}", hashes[at].hex(), bundle.path
        )
