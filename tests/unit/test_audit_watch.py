import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import pytest

from streams.audit.cosignature import Quorum
from streams.audit.errors import AuditError, ForkError, GapError, RewindError, SignatureError, UnusableError
from streams.audit.note import verify_note
from streams.audit.source import source_of
from streams.audit.watch import Sight, Watch, looks, state_of, witness
from tests.running.audit_logs import ORIGIN, cosigner, grown, leaves, log, signer

VERIFIERS = (signer().verifier,)


class Served:
    """The folder `log` of a test, and whoever watches it, by folder or by URL."""

    def __init__(self, folder: Path, place: str) -> None:
        self.folder, self.log, self.place = folder, folder / "log", place
        self.watch = self.watcher()

    def watcher(self, quorum: Quorum | None = None, state: str = "state") -> Watch:
        return Watch(source_of(self.place), ORIGIN, VERIFIERS, quorum or Quorum(), self.folder / state)

    def look(self) -> tuple[int | None, int, int]:
        """Size before, size now, and how many leaves were read."""
        told = list[int]()
        sight = self.watch.look(told.append)
        return sight.before and sight.before.size, sight.signed.checkpoint.size, sum(told)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=["folder", "URL"])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    (tmp_path / "log").mkdir()
    if request.param == "folder":
        yield Served(tmp_path, str(tmp_path / "log"))
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "log"))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Served(tmp_path, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()


def test_only_what_is_new_is_read(served: Served) -> None:
    grown(served.log, 3)
    assert served.look() == (None, 3, 3)
    assert served.look() == (3, 3, 0)
    grown(served.log, 600)
    assert served.look() == (3, 600, 597)
    grown(served.log, 700)
    assert served.look() == (600, 700, 100)


def test_a_log_that_begins_empty(served: Served) -> None:
    grown(served.log, 0)
    assert served.look() == (None, 0, 0)
    grown(served.log, 300)
    assert served.look() == (0, 300, 300)


def seen_at_300(served: Served) -> bytes:
    grown(served.log, 300)
    served.look()
    return (served.log / "checkpoint").read_bytes()


def forked(folder: Path, *sizes: int) -> None:
    shutil.rmtree(folder)
    with log(folder) as opened:
        opened.append([b"another"])
        for size in sizes:
            opened.append(leaves(opened.size, size))
            opened.publish()


def test_a_fork_of_the_same_size(served: Served) -> None:
    before = seen_at_300(served)
    forked(served.log, 300)
    with pytest.raises(ForkError, match=r"^checkpoint: root of 300 leaves: "):
        served.look()
    evidence = (served.folder / "state.evidence").read_bytes()
    assert evidence == before + b"\n" + (served.log / "checkpoint").read_bytes()


def test_a_fork_that_is_larger(served: Served) -> None:
    seen_at_300(served)
    forked(served.log, 600)
    with pytest.raises(ForkError, match=r"^checkpoint: root of the first 300 leaves: "):
        served.look()
    with pytest.raises(ForkError):
        served.look()


def test_a_replayed_older_checkpoint(served: Served) -> None:
    before = seen_at_300(served)
    grown(served.log, 600)
    served.look()
    (served.log / "checkpoint").write_bytes(before)
    with pytest.raises(RewindError, match=r"^checkpoint: size: expected 600 or more, as it was, got 300$"):
        served.look()
    assert before in (served.folder / "state.evidence").read_bytes()


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/entries/001", "tile/0/001", "tile/entries/002.p/88", "tile/1/000.p/2"]
)
def test_a_gap(served: Served, path: str) -> None:
    seen_at_300(served)
    grown(served.log, 600)
    (served.log / path).unlink()
    with pytest.raises(GapError, match=rf"^{path}: file: expected "):
        served.look()


def test_a_new_leaf_that_is_not_the_one_that_was_hashed(served: Served) -> None:
    seen_at_300(served)
    bundle = grown(served.log, 600) / "tile/entries/002.p/88"
    bundle.write_bytes(bundle.read_bytes().replace(b"599", b"598"))
    with pytest.raises(AuditError, match=r"^tile/entries/002.p/88: hash of leaf 599: "):
        served.look()
    assert not (served.folder / "state.evidence").exists()


def test_tiles_of_another_log(served: Served) -> None:
    seen_at_300(served)
    encoded = (grown(served.log, 600) / "checkpoint").read_bytes()
    forked(served.log, 600)
    (served.log / "checkpoint").write_bytes(encoded)
    with pytest.raises(AuditError, match=r"^checkpoint: root of 600 leaves: expected .* as by the tiles, got "):
        served.look()


def test_a_bad_signature(served: Served) -> None:
    seen_at_300(served)
    grown(served.log, 600)
    encoded = (served.log / "checkpoint").read_bytes()
    (served.log / "checkpoint").write_bytes(encoded.replace(b"\n600\n", b"\n601\n"))
    with pytest.raises(SignatureError, match=r"^checkpoint: signature: expected one that "):
        served.look()


def test_what_is_wrong_is_not_remembered(served: Served) -> None:
    before = seen_at_300(served)
    forked(served.log, 600)
    with pytest.raises(ForkError):
        served.look()
    assert (served.folder / "state").read_bytes() == before


def test_witnesses_are_asked_for(served: Served) -> None:
    one, two = cosigner("one"), cosigner("two")
    quorum = Quorum((one.witness, two.witness), 2)
    with log(served.log) as opened:
        opened.append(leaves(0, 10))
        opened.publish()
        opened.add_cosignatures([one.cosign(opened.note.text, 5)], [one.witness])
        with pytest.raises(
            SignatureError, match=r"^checkpoint: cosignatures: expected 2 of .*, got 1: witness.example/one$"
        ):
            served.watcher(quorum).look(lambda _: None)
        opened.add_cosignatures([two.cosign(opened.note.text, 6)], [two.witness])
    sight = served.watcher(quorum).look(lambda _: None)
    assert [(each.witness.name, each.time_s) for each in sight.seen] == [
        ("witness.example/one", 5),
        ("witness.example/two", 6),
    ]


def test_a_witness_cosigns_what_continues(served: Served) -> None:
    one = cosigner("one")
    for size in (3, 300, 300):
        grown(served.log, size)
        sight, signature = witness(served.watch, one, 1_700_000_000 + size)
        note = sight.signed.note._replace(signatures=(signature,))
        assert verify_note(note, [one.witness]) == [one.witness]
    forked(served.log, 600)
    with pytest.raises(ForkError):
        witness(served.watch, one, 1_700_000_000)
    assert [size for size in (3, 300, 600) if f"\n{size}\n".encode() in served.watch.state.read_bytes()] == [300]


def test_a_state_that_is_none(served: Served) -> None:
    grown(served.log, 3)
    served.watch.state.write_bytes(b"nothing")
    with pytest.raises(UnusableError, match=r"state: text: expected a newline at its end"):
        served.look()


def test_a_log_is_followed(served: Served) -> None:
    grown(served.log, 3)
    stop, sizes = Event(), list[int]()
    for found in looks(served.watch, lambda _: None, 0.001, stop):
        assert isinstance(found, Sight)
        sizes.append(found.signed.checkpoint.size)
        if len(sizes) == 3:
            stop.set()
        grown(served.log, sizes[-1] + 300)
    assert sizes == [3, 303, 603]


def test_a_server_that_is_gone_is_no_fork(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        port = server.server_port
    served = Served(tmp_path, f"http://127.0.0.1:{port}")
    stop = Event()
    for found in looks(served.watch, lambda _: None, 0.001, stop):
        assert isinstance(found, OSError)
        assert "/checkpoint" in found.filename
        stop.set()


def test_a_place_that_is_none(tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", "ftp://shop.example"):
        with pytest.raises(
            UnusableError, match=r"log: expected a folder, or a URL with http:// or https://, got neither"
        ):
            source_of(str(place))


def test_where_it_is_remembered() -> None:
    key = VERIFIERS[0].key_id.hex()
    assert state_of(ORIGIN, VERIFIERS) == Path(f"shop.example_audit-{key}.checkpoint")
