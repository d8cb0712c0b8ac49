"""The commands `vigil audit`: what they say, and how they end."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from streams.audit.key_backup import FIRST_LINE
from streams.audit.keys import load_signers, make_key
from streams.cli import main
from tests.running.audit_logs import cosigner, grown, leaves, log, signer

Audit = Callable[..., tuple[int, str]]
VIGIL = Path(sys.executable).with_name("vigil")
KEY, WITNESS = signer().verifier.vkey, cosigner("one").witness.vkey
NAME = f"shop.example/audit+{signer().key_id.hex()}"
PASSPHRASE = "twelve words or so"  # noqa: S105 - of these tests


@pytest.fixture
def audit(at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Runs a command in the folder: exit code and what was said, wherever."""
    monkeypatch.chdir(at)

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["vigil", "audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture
def at(tmp_path: Path) -> Path:
    grown(tmp_path / "log", 300, 600)
    return tmp_path


def test_verify(at: Path, audit: Audit) -> None:
    code, said = audit("verify", "log", "--key", KEY)
    assert code == 0
    assert re.fullmatch(rf"Holds: 600 entries, each tile, root [0-9a-f]{{64}}, signed by {re.escape(NAME)}\.\n", said)
    tile = at / "log/tile/0/001"
    tile.write_bytes(b"!" + tile.read_bytes()[1:])
    code, said = audit("verify", "log", "--key", KEY)
    assert code == 1
    assert said.startswith("Does not hold: tile/entries/001: hash of leaf 256: expected 21")


def test_verify_against_an_older_checkpoint(at: Path, audit: Audit) -> None:
    (at / "kept").write_bytes((grown(at / "small", 300) / "checkpoint").read_bytes())
    code, said = audit("verify", "log", "--key", KEY, "--against", "kept")
    assert code == 0
    assert said.endswith("Only grown: its first 300 entries are those of kept.\n")
    code, said = audit("verify", "small", "--key", KEY, "--against", "log/checkpoint")
    assert (code, said) == (1, "Does not hold: checkpoint: size: expected 600 or more, as it was, got 300\n")


USELESS: list[tuple[Sequence[str], str]] = [
    (
        ("verify", "nowhere", "--key", KEY),
        "nowhere: log: expected a folder, or a URL with http:// or https://, got neither\n",
    ),
    (
        ("verify", "log", "--key", "nobody"),
        "public key: expected NAME+HASH+KEY, the hash as 8 hexadecimal digits, got another text\n",
    ),
    (("verify", "log", "--key", WITNESS), "--key: expected the public key of a log, got a witness's\n"),
    (("verify", "log", "--key", KEY, "--against", "nothing"), "nothing: No such file or directory\n"),
    (("verify", "http://127.0.0.1:9", "--key", KEY), "http://127.0.0.1:9/checkpoint: [Errno 111] Connection refused\n"),
    (("check", "nothing", "--key", KEY), "nothing: No such file or directory\n"),
    (
        ("check", "log/checkpoint", "--key", KEY, "--witness", KEY),
        "--witness: expected the public key of a witness, got a log's\n",
    ),
    (
        ("watch", "log", "--key", KEY, "--witness", WITNESS, "--quorum", "2"),
        "witnesses: expected at least 2, each with a key of its own, got 1 with 1 different keys\n",
    ),
    (("prove", "log", "600"), "log: index: expected below 600, the entries of the log, got 600\n"),
    (
        ("witness", "log", "--key", KEY, "--keys", "nothing"),
        "nothing: keys: expected a folder; `vigil audit keys make` makes one, got none\n",
    ),
    (
        ("keys", "list", "--keys", "nothing"),
        "nothing: keys: expected a folder; `vigil audit keys make` makes one, got none\n",
    ),
]


@pytest.mark.parametrize(("arguments", "why"), USELESS)
def test_input_that_cannot_be_used(audit: Audit, arguments: Sequence[str], why: str) -> None:
    code, said = audit(*arguments)
    assert (code, said[-len(why) :]) == (2, why)


def test_a_proof_from_the_log_to_somebody_offline(at: Path, audit: Audit) -> None:
    code, said = audit("prove", "log", 299, "--out", "one.tlog-proof")
    assert (code, said) == (0, "one.tlog-proof: entry 299 of 600 of shop.example/audit, 700 bytes\n")
    (at / "key").write_text(f"{KEY}\n")
    (at / "entry").write_bytes(leaves(299, 300)[0])
    for more in ((), ("--leaf", "entry")):
        code, said = audit("check", "one.tlog-proof", "--key", "key", *more)
        assert (code, said) == (0, f"Holds: entry 299 of 600 of shop.example/audit, 16 bytes, signed by {NAME}.\n")
    (at / "entry").write_bytes(b"another")
    code, said = audit("check", "one.tlog-proof", "--key", "key", "--leaf", "entry")
    assert code == 1
    assert said.startswith("Does not hold: one.tlog-proof: root by the inclusion proof: expected ")
    code, said = audit("check", "one.tlog-proof", "--key", "key", "--witness", WITNESS)
    assert code == 1
    assert said.endswith("one.tlog-proof: cosignatures: expected 1 of witness.example/one, got 0: nobody\n")


def test_a_witness_from_its_key_to_a_proof(audit: Audit) -> None:
    assert audit("keys", "make", "witness.example/new", "--witness", "--keys", "w")[0] == 0
    code, said = audit("witness", "log", "--key", KEY, "--keys", "w", "--out", "line")
    assert (code, said) == (0, "line: cosigned shop.example/audit of 600 entries\n")
    code, said = audit("cosign", "log/checkpoint", "line", "--witness", "w")
    assert code == 0
    assert re.fullmatch(r"log/checkpoint: 600 entries; seen by witness.example/new at 20\d\d-.*\n", said)
    assert audit("prove", "log", 1)[0] == 0
    code, said = audit("check", "1.tlog-proof", "--key", KEY, "--witness", "w", "--witness", WITNESS, "--quorum", "1")
    assert code == 0
    assert "; seen by witness.example/new at 20" in said
    assert audit("watch", "log", "--key", KEY, "--witness", "w")[0] == 0


def test_a_cosignature_that_is_wrong_is_not_taken(at: Path, audit: Audit) -> None:
    before = (at / "log/checkpoint").read_bytes()
    (at / "line").write_text(cosigner("one").cosign("another\n", 7).line)
    code, said = audit("cosign", "log/checkpoint", "line", "--witness", WITNESS)
    assert code == 1
    assert said.startswith("Does not hold: line: signature: expected one that witness.example/one+")
    with log(at / "log"):
        code, said = audit("cosign", "log/checkpoint", "line", "--witness", WITNESS)
        assert (code, said) == (2, "log: writer: expected nobody else who writes to this log, got another process\n")
    assert (at / "log/checkpoint").read_bytes() == before


def test_watching(at: Path, audit: Audit) -> None:
    code, said = audit("watch", "log", "--key", KEY)
    assert (code, said) == (0, f"Holds: 600 entries, all verified, the first look, signed by {NAME}.\n")
    grown(at / "log", 601)
    code, said = audit("watch", "log", "--key", KEY)
    assert (code, said) == (0, f"Holds: 601 entries, 1 new since the last look, signed by {NAME}.\n")
    code, said = audit("watch", grown(at / "old", 600), "--key", KEY, "--every", "1")
    assert (code, said) == (1, "Does not hold: checkpoint: size: expected 601 or more, as it was, got 600\n")
    assert (at / f"shop.example_audit-{signer().key_id.hex()}.checkpoint.evidence").exists()


def test_a_key_is_made_once(audit: Audit) -> None:
    code, first = audit("keys", "make", "shop.example/audit", "--if-none")
    assert code == 0
    assert audit("keys", "make", "shop.example/audit", "--if-none") == (0, first)
    assert audit("keys", "make", "other.example/audit", "--if-none")[0] == 2
    assert audit("keys", "list") == (0, f"0001  log  private  {first}")


def test_keys(at: Path, audit: Audit) -> None:
    code, first = audit("keys", "make", "shop.example/audit")
    assert code == 0
    code, second = audit("keys", "rotate")
    assert code == 0
    assert audit("keys", "make", "shop.example/audit")[1] == (
        "vigil-audit-keys: keys: expected a folder without any, got 2, of shop.example/audit; "
        "`vigil audit keys rotate` adds one\n"
    )
    assert audit("keys", "list") == (0, f"0001  log  private  {first}0002  log  private  {second}")
    secrets = [each.skey.split("+", 4)[4] for each in load_signers(at / "vigil-audit-keys", 2)]
    (at / "passphrase").write_text(f"{PASSPHRASE}\n")
    copies = [
        audit("keys", "backup", "copy", "--passphrase-file", "passphrase"),
        audit("keys", "restore", "copy", "--keys", "restored", "--passphrase-file", "passphrase"),
        audit("keys", "list", "--keys", "restored"),
    ]
    assert [code for code, _ in copies] == [0, 0, 0]
    assert copies[2] == audit("keys", "list")
    assert (at / "copy").read_bytes().startswith(FIRST_LINE)
    said = "".join([first, second, *(each[1] for each in copies)])
    assert not any(secret in said for secret in secrets)
    (at / "passphrase").write_text("another passphrase")
    code, said = audit("keys", "restore", "copy", "--keys", "other", "--passphrase-file", "passphrase")
    assert (code, said) == (2, "copy: passphrase: expected the one of the backup, and a whole file, got another\n")


def test_keys_of_a_folder_verify(at: Path, audit: Audit) -> None:
    make_key(at / "keys", signer())
    assert audit("verify", "log", "--key", "keys")[0] == 0


def test_the_help_of_all_commands_names_it() -> None:
    ended = subprocess.run([str(VIGIL), "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"audit +The audit log", ended.stdout)
