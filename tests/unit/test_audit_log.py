import subprocess
import sys
from pathlib import Path

import pytest

from streams.audit.checkpoint import open_checkpoint
from streams.audit.cosignature import Quorum
from streams.audit.errors import AuditError, FormatError, GapError, SignatureError, UnusableError
from streams.audit.files import Files
from streams.audit.log import Log
from streams.audit.merkle import Frontier, leaf_hashes, verify_consistency, verify_inclusion
from streams.audit.note import sign_note
from streams.audit.reader import LogReader
from streams.audit.source import folder_source
from streams.audit.tiles import Tile, join_leaves, split_leaves, tiles_of
from tests.running.audit_logs import ORIGIN, cosigner, grown, leaves, log, paths, signer

PATHS = [
    (Tile(0, 0), "tile/0/000"),
    (Tile(0, 999), "tile/0/999"),
    (Tile(1, 1_000), "tile/1/x001/000"),
    (Tile(2, 1_234_067), "tile/2/x001/x234/067"),
    (Tile(None, 1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
    (Tile(None, 5), "tile/entries/005"),
    (Tile(63, 5, 255), "tile/63/005.p/255"),
]


@pytest.mark.parametrize(("tile", "path"), PATHS)
def test_how_tiles_are_named(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_tiles_of_70_000_leaves() -> None:
    """The example of the specification."""
    assert [len(list(tiles_of(70_000, level))) for level in (None, 0, 1, 2, 3)] == [274, 274, 2, 1, 0]
    assert [list(tiles_of(70_000, level))[-1].width for level in (None, 0, 1, 2)] == [112, 112, 17, 1]
    assert [tile.path for tile in tiles_of(256, 1)] == ["tile/1/000.p/1"]


def test_a_bundle_comes_back() -> None:
    for bundle in (leaves(0, 256), [b""], [b"x" * 65_535, b"", b"y"]):
        assert split_leaves(join_leaves(bundle), len(bundle), "here") == bundle


BUNDLES = [
    (b"", 1, "entry 0: expected 2 bytes or more, got 0"),
    (b"\0", 1, "entry 0: expected 2 bytes or more, got 1"),
    (b"\0\2a", 1, "entry 0: expected 4 bytes or more, got 3"),
    (b"\0\1a", 2, "entry 1: expected 5 bytes or more, got 3"),
    (b"\0\1ab", 1, "length: expected 3 bytes for 1 entries, got 4"),
    (b"\0\1a\0\1b", 1, "length: expected 3 bytes for 1 entries, got 6"),
]


@pytest.mark.parametrize(("content", "width", "why"), BUNDLES)
def test_a_bundle_that_is_none(content: bytes, width: int, why: str) -> None:
    with pytest.raises(FormatError) as refused:
        split_leaves(content, width, "here")
    assert str(refused.value) == f"here: {why}"


def test_a_new_log_is_empty(tmp_path: Path) -> None:
    with log(tmp_path / "log") as opened:
        assert (opened.size, opened.checkpoint.size) == (0, 0)
        assert opened.reader().consistency(0) == []
    assert paths(tmp_path / "log") == ["checkpoint"]


def test_what_is_where(tmp_path: Path) -> None:
    grown(tmp_path, 3, 300, 301, 512)
    assert paths(tmp_path) == [
        "checkpoint", "tile/0/000", "tile/0/001", "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/000",
        "tile/entries/001",
    ]  # fmt: skip
    grown(tmp_path, 513, 520)
    assert set(paths(tmp_path)) >= {
        "tile/0/002.p/1", "tile/0/002.p/8", "tile/entries/002.p/1", "tile/entries/002.p/8",
    }  # fmt: skip


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 257, 1_000])
def test_a_log_is_the_same_whatever_the_batches(tmp_path: Path, batch: int) -> None:
    with log(tmp_path / "whole") as whole, log(tmp_path / "batches") as batches:
        whole.append(leaves(0, 1_300))
        whole.publish()
        for start in range(0, 1_300, batch):
            assert batches.append(leaves(start, min(start + batch, 1_300))) == start
        batches.publish()
    assert paths(tmp_path / "whole") == paths(tmp_path / "batches")
    for path in paths(tmp_path / "whole"):
        assert (tmp_path / "whole" / path).read_bytes() == (tmp_path / "batches" / path).read_bytes()


def test_leaves_and_proofs_out_of_a_log(tmp_path: Path) -> None:
    sizes = (1, 255, 256, 257, 700)
    with log(tmp_path) as opened:
        old = []
        for size in sizes:
            opened.append(leaves(opened.size, size))
            opened.publish()
            old.append(opened.checkpoint)
        reader, checkpoint = opened.reader(), opened.checkpoint
    assert list(reader.entries(0, 700)) == leaves(0, 700)
    assert list(reader.entries(250, 520)) == leaves(250, 520)
    assert list(reader.entries(512, 512)) == []
    hashes = leaf_hashes(leaves(0, 700))
    assert checkpoint.root == Frontier().append(hashes).root
    for index in (0, 255, 256, 511, 512, 699):
        assert reader.leaf(index) == leaves(index, index + 1)[0]
        verify_inclusion(index, 700, hashes[index], reader.inclusion(index), checkpoint.root)
    for before in old:
        verify_consistency(before.size, 700, reader.consistency(before.size), before.root, checkpoint.root)


@pytest.mark.parametrize("asked", [(-1, 2), (5, 4), (0, 11)])
def test_leaves_that_are_not_there(tmp_path: Path, asked: tuple[int, int]) -> None:
    reader = LogReader(folder_source(grown(tmp_path, 10)), 10)
    with pytest.raises(AuditError, match=rf"^leaves: expected a range within 0 to 10, got {asked[0]} to {asked[1]}$"):
        list(reader.entries(*asked))


def test_a_reader_of_an_older_checkpoint_finds_the_full_tile(tmp_path: Path) -> None:
    reader = LogReader(folder_source(grown(tmp_path, 100, 300)), 100)
    assert not (tmp_path / "tile/entries/000.p").exists()
    assert list(reader.entries(0, 100)) == leaves(0, 100)
    verify_inclusion(
        7, 100, leaf_hashes(leaves(7, 8))[0], reader.inclusion(7), Frontier().append(leaf_hashes(leaves(0, 100))).root
    )


def test_a_missing_tile(tmp_path: Path) -> None:
    reader = LogReader(folder_source(grown(tmp_path, 300)), 300)
    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(GapError, match=r"^tile/0/000: file: expected a file of the log, got none$"):
        reader.inclusion(5)


def test_a_log_goes_on_where_it_was_published(tmp_path: Path) -> None:
    grown(tmp_path / "once", 1_000)
    with log(tmp_path / "again") as opened:
        opened.append(leaves(0, 300))
        opened.publish()
        opened.append(leaves(300, 900))
    for size in (400, 401, 1_000):
        with log(tmp_path / "again") as opened:
            opened.append(leaves(opened.size, size))
            opened.publish()
    there = set(paths(tmp_path / "again"))
    assert there - set(paths(tmp_path / "once")) == {"tile/1/000.p/1"}
    for path in paths(tmp_path / "once"):
        assert (tmp_path / "once" / path).read_bytes() == (tmp_path / "again" / path).read_bytes()


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    note = log(grown(tmp_path, 10)).note
    before = (tmp_path / "checkpoint").stat().st_mtime_ns
    with log(tmp_path) as opened:
        assert opened.publish() == note
        assert opened.append([]) == 10
        assert opened.publish() == note
    assert (tmp_path / "checkpoint").stat().st_mtime_ns == before


def test_a_leaf_that_is_too_long(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        with pytest.raises(UnusableError, match=r"^leaf: expected at most 65,535 bytes, got 65,536$"):
            opened.append([b"fine", bytes(65_536)])
        assert opened.size == 0
        opened.append([bytes(65_535)])
        opened.publish()
        assert opened.reader().leaf(0) == bytes(65_535)


WRITER = """
import sys; from pathlib import Path; from tests.running.audit_logs import log
with log(Path(sys.argv[1])): print("open", flush=True); sys.stdin.read()
"""


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(UnusableError, match=r": writer: expected nobody else who writes to this log, got another"):
            log(tmp_path)
        other.kill()
    log(tmp_path).close()


def test_a_checkpoint_that_went_missing(tmp_path: Path) -> None:
    (grown(tmp_path, 10) / "checkpoint").unlink()
    with pytest.raises(UnusableError, match=r"checkpoint: expected one beside the folder tile, got none; put it back$"):
        log(tmp_path)
    assert "tile/entries/000.p/10" in paths(tmp_path)


def test_a_log_whose_tiles_were_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    tile = grown(tmp_path, 300) / "tile/0/001.p/44"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(AuditError, match=r"checkpoint: root of the tiles: expected "):
        log(tmp_path)


def test_a_bundle_that_was_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    bundle = grown(tmp_path, 300) / "tile/entries/001.p/44"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"!")
    with pytest.raises(AuditError, match=r"^tile/entries/001: entries: expected those of the tile beside it"):
        log(tmp_path)


def test_somebody_elses_log(tmp_path: Path) -> None:
    grown(tmp_path, 10)
    with pytest.raises(SignatureError, match=r"checkpoint: signatures: expected one by "):
        log(tmp_path, signers=[signer("other")])
    with pytest.raises(FormatError, match=r"checkpoint: origin: expected other.example, got shop.example/audit$"):
        Log(tmp_path, "other.example", [signer()])
    with pytest.raises(UnusableError, match=r": signers: expected at least one key, got none$"):
        Log(tmp_path, ORIGIN, [])


def test_a_key_is_handed_over(tmp_path: Path) -> None:
    old, new = signer("log"), signer("new")
    grown(tmp_path, 10)
    with log(tmp_path, signers=[old, new]) as opened:
        encoded = opened.publish().encoded
    for key in (old, new):
        assert open_checkpoint(encoded, ORIGIN, [key.verifier]).checkpoint.size == 10
    with log(tmp_path, signers=[new]) as opened:
        opened.append(leaves(10, 11))
        assert [each.key_id for each in opened.publish().signatures] == [new.key_id]


def test_cosignatures_below_a_checkpoint(tmp_path: Path) -> None:
    one, two = cosigner("one"), cosigner("two")
    with log(grown(tmp_path, 10)) as opened:
        given = [one.cosign(opened.note.text, 7), two.cosign(opened.note.text, 8)]
        for _ in range(2):
            opened.add_cosignatures(given, [one.witness])
        with pytest.raises(SignatureError, match=r"signature: expected one that witness.example/one"):
            opened.add_cosignatures([one.cosign("another\n", 7)], [one.witness])
        assert opened.publish() == opened.note
    note = open_checkpoint((tmp_path / "checkpoint").read_bytes(), ORIGIN, [signer().verifier]).note
    assert len(note.signatures) == 2
    assert Quorum((one.witness,), 1).check(note) == [(one.witness, 7)]


class Full(Files):
    """A disk that becomes full."""

    left = 10

    def write(self, path: Path, content: bytes) -> None:
        if not self.left:
            raise OSError(28, "No space left on device", str(path))
        self.left -= 1
        super().write(path, content)


def test_a_log_that_could_not_be_written_takes_nothing_more(tmp_path: Path) -> None:
    with log(tmp_path, Full()) as opened:
        with pytest.raises(OSError, match="No space left"):
            opened.append(leaves(0, 10_000))
        for again in (opened.publish, lambda: opened.append([])):
            with pytest.raises(UnusableError, match=r"log: expected one whose last write succeeded; open it anew"):
                again()
    with log(tmp_path) as opened:
        assert opened.size == 0


def test_a_text_that_cannot_be_signed() -> None:
    with pytest.raises(FormatError, match=r"^note: text: expected a newline at its end, got 'x'$"):
        sign_note("x", [signer()])
