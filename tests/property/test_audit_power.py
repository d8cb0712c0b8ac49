"""Power is cut before every operation of a log's writer, and again while it recovers: nothing published is lost."""

from pathlib import Path
from random import Random

import pytest

from streams.audit.errors import AuditError
from streams.audit.log import Log
from streams.audit.merkle import Frontier, leaf_hashes
from streams.audit.source import folder_source
from streams.audit.tiles import PARTIAL
from streams.audit.verify import verify_log
from tests.running.audit_logs import ORIGIN, grown, leaves, log, paths, signer
from tests.running.power import Disk, PowerCutError

SIZES = (3, 200, 255, 256, 300, 511, 513, 700)
UNPUBLISHED = {255, 511}
VERIFIERS = [signer().verifier]


def go_on(opened: Log, ended: list[int]) -> None:
    """What is left of the schedule; the sizes whose publishing ended are noted."""
    for size in SIZES:
        if size > opened.size:
            opened.append(leaves(opened.size, size))
            if size not in UNPUBLISHED:
                opened.publish()
                ended.append(size)


def operations(folder: Path) -> int:
    disk = Disk(folder, Random(0))
    with log(folder, disk) as opened:
        go_on(opened, [])
    return disk.used


def interrupted(folder: Path, cut_after: int, random: Random) -> int:
    """Write until the power is cut; the largest size whose publishing had ended."""
    disk, ended = Disk(folder, random, cut_after), [0]
    try:
        with log(folder, disk) as opened:
            go_on(opened, ended)
    except PowerCutError:
        disk.cut()
    return ended[-1]


def test_the_power_is_cut_at_every_operation(tmp_path: Path) -> None:
    expected = grown(tmp_path / "undisturbed", SIZES[-1])
    total = operations(tmp_path / "counted")
    assert total > 100
    for cut_after in range(total):
        for seed in range(2):
            folder, random = tmp_path / f"{cut_after}-{seed}", Random(1_000 * cut_after + seed)
            ended = interrupted(folder, cut_after, random)
            ended = max(ended, holds(folder, ended))
            ended = max(ended, interrupted(folder, random.randrange(60), random))
            holds(folder, ended)
            recovers(folder, expected)


def holds(folder: Path, ended: int) -> int:
    """What the checkpoint claims is there, and it claims what was published; its size."""
    if not (folder / "checkpoint").exists():
        assert not ended, f"{folder}: no checkpoint although {ended} leaves were published"
        return 0
    checkpoint = verify_log(folder_source(folder), ORIGIN, VERIFIERS, lambda _: None).checkpoint
    assert checkpoint.size >= ended, folder
    assert checkpoint.size in {0, *SIZES} - UNPUBLISHED
    assert checkpoint.root == Frontier().append(leaf_hashes(leaves(0, checkpoint.size))).root
    return checkpoint.size


def recovers(folder: Path, expected: Path) -> None:
    """Leaves added again give the same files, and no others but partial ones of tiles that are not full."""
    with log(folder) as opened:
        go_on(opened, [])
    there = paths(folder)
    for path in paths(expected):
        assert (folder / path).read_bytes() == (expected / path).read_bytes(), f"{folder}/{path}"
    more = sorted(set(there) - set(paths(expected)))
    open_tiles = {str(Path(path).parent) for path in paths(expected) if PARTIAL in path}
    assert all(str(Path(path).parent) in open_tiles for path in more), more


@pytest.mark.parametrize("forgotten", ["content", "names"])
def test_a_writer_that_forgets_to_sync_is_found(tmp_path: Path, forgotten: str) -> None:
    """The disk of these tests is one that can lose."""

    class Forgetful(Disk):
        def sync(self, path: Path) -> None:
            if path.is_dir() == (forgotten == "content") or path.name == ".checkpoint.new":
                super().sync(path)

    lost = 0
    for seed in range(20):
        folder = tmp_path / f"{seed}"
        disk = Forgetful(folder, Random(seed))
        with log(folder, disk) as opened:
            opened.append(leaves(0, 700))
            opened.publish()
        disk.cut()
        try:
            holds(folder, 700)
        except (AssertionError, AuditError):
            lost += 1
    assert lost
