from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from streams.audit.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint, sign_checkpoint
from streams.audit.errors import AuditError, ForkError, FormatError, GapError, RewindError, SignatureError
from streams.audit.merkle import Frontier, leaf_hashes
from streams.audit.note import parse_note
from streams.audit.reader import LogReader
from streams.audit.source import folder_source
from streams.audit.tiles import join_leaves, levels_of, tiles_of
from streams.audit.verify import verify_growth, verify_log
from tests.running.audit_logs import ORIGIN, grown, leaves, log, paths, signer

SIZE = 66_000
Change = Callable[[Path], None]


def verified(folder: Path) -> SignedCheckpoint:
    return verify_log(folder_source(folder), ORIGIN, [signer().verifier], lambda _: None)


def resigned(size: int, root: bytes) -> Change:
    def change(folder: Path) -> None:
        encoded = sign_checkpoint(Checkpoint(ORIGIN, size, root), [signer()]).encoded
        (folder / "checkpoint").write_bytes(encoded)

    return change


def edited(path: str, edit: Callable[[bytes], bytes]) -> Change:
    def change(folder: Path) -> None:
        (folder / path).write_bytes(edit((folder / path).read_bytes()))

    return change


def removed(path: str) -> Change:
    return lambda folder: (folder / path).unlink()


def changed_leaf(folder: Path) -> None:
    """A leaf changed, and its hash in the tile with it."""
    bundle = leaves(256, 512)
    bundle[44] = b"another"
    (folder / "tile/entries/001").write_bytes(join_leaves(bundle))
    (folder / "tile/0/001").write_bytes(b"".join(leaf_hashes(bundle)))


def bundle_over_another(folder: Path) -> None:
    (folder / "tile/entries/001").replace(folder / "tile/entries/002")


def root_of(*parts: list[bytes]) -> bytes:
    return Frontier().append(leaf_hashes([leaf for part in parts for leaf in part])).root


CHANGES: list[tuple[str, Change, type[AuditError], str]] = [
    ("no checkpoint", removed("checkpoint"), GapError, "checkpoint: file: expected the checkpoint of a log, got none"),
    (
        "an empty checkpoint",
        edited("checkpoint", lambda _: b""),
        FormatError,
        "checkpoint: text: expected a newline at its end",
    ),
    (
        "another size",
        edited("checkpoint", lambda text: text.replace(b"66000", b"65999")),
        SignatureError,
        "checkpoint: signature: ",
    ),
    ("a signed size", resigned(65_999, root_of(leaves(0, SIZE))), GapError, "tile/entries/257.p/207: file: "),
    (
        "a signed root",
        resigned(SIZE, bytes(32)),
        AuditError,
        f"checkpoint: root: expected {root_of(leaves(0, SIZE)).hex()}, got 00",
    ),
    (
        "no bundle",
        removed("tile/entries/100"),
        GapError,
        "tile/entries/100: file: expected a file of the log, got none",
    ),
    ("no last bundle", removed("tile/entries/257.p/208"), GapError, "tile/entries/257.p/208: file: "),
    ("no tile", removed("tile/0/003"), GapError, "tile/0/003: file: "),
    ("no tile above", removed("tile/1/000"), GapError, "tile/1/000: file: "),
    ("no topmost tile", removed("tile/2/000.p/1"), GapError, "tile/2/000.p/1: file: "),
    (
        "a bundle cut",
        edited("tile/entries/100", lambda old: old[:-1]),
        FormatError,
        "tile/entries/100: entry 255: expected ",
    ),
    (
        "an empty bundle",
        edited("tile/entries/100", lambda _: b""),
        FormatError,
        "tile/entries/100: entry 0: expected 2 bytes",
    ),
    (
        "a bundle with more",
        edited("tile/entries/100", lambda old: old + b"\0\0"),
        FormatError,
        "tile/entries/100: length: expected ",
    ),
    (
        "a leaf changed",
        edited("tile/entries/001", lambda old: old.replace(b"299", b"298")),
        AuditError,
        "tile/entries/001: hash of leaf 299: expected ",
    ),
    (
        "leaves exchanged",
        edited(
            "tile/entries/001", lambda _: join_leaves([*leaves(256, 298), *leaves(298, 300)[::-1], *leaves(300, 512)])
        ),
        AuditError,
        "tile/entries/001: hash of leaf 298: expected ",
    ),
    (
        "bundles exchanged",
        bundle_over_another,
        GapError,
        "tile/entries/001: file: ",
    ),
    ("a leaf with its hash", changed_leaf, AuditError, "checkpoint: root: expected "),
    (
        "a hash changed",
        edited("tile/0/002", lambda old: old[:32] + bytes(32) + old[64:]),
        AuditError,
        f"tile/entries/002: hash of leaf 513: expected {bytes(32).hex()} as in tile/0/002, got ",
    ),
    (
        "a tile cut",
        edited("tile/0/002", lambda old: old[:-1]),
        FormatError,
        "tile/0/002: length: expected 8192 bytes, got 8191",
    ),
    (
        "a tile with more",
        edited("tile/0/002", lambda old: old + b"!"),
        FormatError,
        "tile/0/002: length: expected 8192 bytes, got 8193",
    ),
    (
        "a hash above changed",
        edited("tile/1/000", lambda old: bytes(32) + old[32:]),
        AuditError,
        "tile/1/000: hash 0, over tile/0/000: expected ",
    ),
    (
        "a hash above, the last",
        edited("tile/1/001.p/1", lambda _: bytes(32)),
        AuditError,
        "tile/1/001.p/1: hash 0, over tile/0/256: expected ",
    ),
    (
        "the topmost hash",
        edited("tile/2/000.p/1", lambda _: bytes(32)),
        AuditError,
        "tile/2/000.p/1: hash 0, over tile/1/000: expected ",
    ),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grown(tmp_path_factory.mktemp("log"), SIZE)


@pytest.mark.parametrize(("change", "error", "why"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_log_that_is_wrong_in_one_thing(whole: Path, change: Change, error: type[AuditError], why: str) -> None:
    """The log is mended again after each."""
    before = {path: (whole / path).read_bytes() for path in paths(whole)}
    change(whole)
    try:
        with pytest.raises(AuditError) as refused:
            verified(whole)
    finally:
        for path, content in before.items():
            if not (whole / path).exists() or (whole / path).read_bytes() != content:
                (whole / path).write_bytes(content)
    assert type(refused.value) is error
    assert str(refused.value).startswith(why)


def test_a_whole_log_holds(whole: Path) -> None:
    told = list[int]()
    signed = verify_log(folder_source(whole), ORIGIN, [signer().verifier], told.append)
    assert signed.checkpoint == Checkpoint(ORIGIN, SIZE, root_of(leaves(0, SIZE)))
    assert sum(told) == SIZE


@pytest.mark.parametrize("seed", range(60))
def test_any_byte_of_a_small_log_matters(tmp_path: Path, seed: int) -> None:
    """Of what its checkpoint rests on; older partial tiles are not that."""
    folder, random = grown(tmp_path, 600), Random(seed)
    path = folder / random.choice(paths(folder))
    content = path.read_bytes()
    at, bit = random.randrange(len(content)), random.randrange(8)
    path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
    with pytest.raises(AuditError):
        verified(folder)


def test_every_file_is_one_that_is_verified(tmp_path: Path) -> None:
    tiles = {tile.path for level in (None, *levels_of(600)) for tile in tiles_of(600, level)}
    assert {"checkpoint", *tiles} == set(paths(grown(tmp_path, 600)))


def test_an_empty_log_holds(tmp_path: Path) -> None:
    assert verified(grown(tmp_path, 0)).checkpoint.size == 0


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (1, 300), (255, 256), (256, 257), (300, 300), (299, 600)])
def test_a_log_that_has_grown(tmp_path: Path, old: int, new: int) -> None:
    before, after = (checkpoint_of(grown(tmp_path, size)) for size in (old, new))
    reader = LogReader(folder_source(grown(tmp_path, 700)), 700)
    verify_growth(LogReader(folder_source(tmp_path), new), before, after)
    verify_growth(reader, before, after)


def checkpoint_of(folder: Path) -> Checkpoint:
    return parse_checkpoint(parse_note((folder / "checkpoint").read_bytes()).text)


def test_a_log_that_has_not_only_grown(tmp_path: Path) -> None:
    old = checkpoint_of(grown(tmp_path / "log", 300))
    new = checkpoint_of(grown(tmp_path / "log", 600))
    with log(tmp_path / "fork") as opened:
        opened.append([b"another", *leaves(1, 600)])
        opened.publish()
        fork = opened.checkpoint
    ours, theirs = (LogReader(folder_source(tmp_path / each), 600) for each in ("log", "fork"))
    with pytest.raises(RewindError, match=r"^checkpoint: size: expected 600 or more, as it was, got 300$"):
        verify_growth(ours, new, old)
    with pytest.raises(ForkError, match=r"^checkpoint: root of 600 leaves: expected .*, as it was, got "):
        verify_growth(theirs, new, fork)
    with pytest.raises(ForkError, match=r"^checkpoint: root of the first 300 leaves: expected .*, got another$"):
        verify_growth(theirs, old, fork)
    with pytest.raises(AuditError, match=r"^checkpoint: root of 600 leaves: expected .* as by the tiles, got "):
        verify_growth(ours, old, fork)
    with pytest.raises(ForkError, match=r"^checkpoint: origin: expected shop.example/audit, got other.example$"):
        verify_growth(ours, old, new._replace(origin="other.example"))
