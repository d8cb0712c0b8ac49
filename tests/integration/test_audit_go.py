"""What others make of a log: Go's packages for its checksum database read keys, checkpoints, tiles and proofs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.audit.note import sign_note
from streams.audit.proof import LogProof
from tests.running.audit_logs import cosigner, leaves, log, signer

MODULE = Path(__file__).parents[1] / "go"
SIZES = (1, 2, 255, 256, 257, 1_000, 65_536, 65_537, 66_000)
VKEY = signer().verifier.vkey
Go = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    if shutil.which("go") is None:
        pytest.fail("needs Go 1.26 or newer: https://go.dev/doc/install, or `apt-get install golang-go`")
    program = tmp_path_factory.mktemp("go") / "audit"
    built = subprocess.run(
        ["go", "build", "-o", program, "."], cwd=MODULE, capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, f"needs golang.org/x/mod, which `go` fetches once: {built.stderr}"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log and its checkpoints on the way, named after their sizes."""
    folder = tmp_path_factory.mktemp("log")
    with log(folder / "log") as opened:
        for size in SIZES:
            opened.append(leaves(opened.size, size))
            (folder / f"{size}").write_bytes(opened.publish().encoded)
    return folder


@pytest.fixture
def copied(grown: Path, tmp_path: Path) -> Path:
    return shutil.copytree(grown / "log", tmp_path / "log")


def test_leaves_at_random_are_in_the_log(go: Go, grown: Path) -> None:
    ended = go("inclusion", grown / "log", VKEY, 7, 300)
    assert (ended.returncode, ended.stdout) == (0, "300 of 66000 leaves\n"), ended.stderr


def test_every_checkpoint_continues_every_earlier_one(go: Go, grown: Path) -> None:
    ended = go("consistency", grown / "log", VKEY, *(grown / f"{size}" for size in SIZES))
    assert (ended.returncode, ended.stdout) == (0, f"{len(SIZES) * (len(SIZES) + 1) // 2} pairs\n"), ended.stderr


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"])
def test_a_changed_tile_is_refused(go: Go, copied: Path, path: str) -> None:
    content = (copied / path).read_bytes()
    (copied / path).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    ended = go("inclusion", copied, VKEY, 7, 2_000)
    assert ended.returncode == 1
    assert "downloaded inconsistent tile" in ended.stderr


def test_a_changed_leaf_is_refused(go: Go, copied: Path) -> None:
    bundle = copied / "tile/entries/100"
    bundle.write_bytes(bundle.read_bytes().replace(b" ", b"!"))
    ended = go("inclusion", copied, VKEY, 7, 2_000)
    assert ended.returncode == 1
    assert re.fullmatch(r"leaf 25[678]\d\d: invalid transparency proof\n", ended.stderr)


def test_a_fork_is_refused(go: Go, grown: Path, tmp_path: Path) -> None:
    with log(tmp_path / "fork") as opened:
        opened.append([b"another", *leaves(1, 1_000)])
        (tmp_path / "fork-1000").write_bytes(opened.publish().encoded)
    ended = go("consistency", grown / "log", VKEY, tmp_path / "fork-1000")
    assert (ended.returncode, ended.stderr) == (1, "1000 to 66000: invalid transparency proof\n")


def test_another_key_is_refused(go: Go, grown: Path) -> None:
    ended = go("inclusion", grown / "log", signer("other").verifier.vkey, 7, 1)
    assert (ended.returncode, ended.stderr) == (1, "note has no verifiable signatures\n")


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_999])
def test_a_proof_holds(go: Go, grown: Path, tmp_path: Path, index: int) -> None:
    with log(grown / "log") as opened:
        hashes, encoded = opened.reader().inclusion(index), opened.note.encoded
    leaf, proof = leaves(index, index + 1)[0], LogProof(index, tuple(hashes), encoded, b"more")
    (tmp_path / "leaf").write_bytes(leaf)
    (tmp_path / "proof").write_bytes(proof.encoded)
    ended = go("proof", tmp_path / "proof", tmp_path / "leaf", VKEY)
    assert (ended.returncode, ended.stdout) == (0, f"leaf {index} of 66000\n"), ended.stderr
    (tmp_path / "leaf").write_bytes(leaf + b"!")
    assert go("proof", tmp_path / "proof", tmp_path / "leaf", VKEY).stderr == "invalid transparency proof\n"


def test_go_signs_with_our_keys_as_we_do(go: Go, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("one\n\ntwo\n")
    assert go("sign", signer().skey, tmp_path / "text").stdout.encode() == sign_note("one\n\ntwo\n", [signer()]).encoded


def test_a_cosignature_holds(go: Go, copied: Path) -> None:
    one, two = cosigner("one"), cosigner("two").witness.vkey
    with log(copied) as opened:
        opened.add_cosignatures([one.cosign(opened.note.text, 1_700_000_000)], [one.witness])
    assert go("cosigned", copied / "checkpoint", VKEY, one.witness.vkey).returncode == 0
    assert go("cosigned", copied / "checkpoint", VKEY, two).stderr == "note has no verifiable signatures\n"
