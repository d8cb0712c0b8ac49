"""Erasing persons from a run: nothing of them is left, all else holds as before, and a crash only delays it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from features.events import Disposition, IdentityChange, Purchase
from features.keypoints import NO_TRACK, PersonFrames
from features.segments import Erased, TrackChange
from features.site import Alerting, Memory, Site
from models.bundle import default_bundle
from models.records import Alert, Score
from models.scenarios.generate import generate
from streams import jobs
from streams.audit.errors import AuditError
from streams.audit.note import Signer
from streams.audit.visit_keys import VISIT_KEYS, read_keys, write_keys
from streams.embedded import ALERTS, LATE, SCORES
from streams.erasing import run_folder
from streams.erasing.closure import Visits, visits_of
from streams.erasing.run_folder import carry_out, is_unfinished, write_down
from streams.recording import POSES, RecordingWriter
from streams.runs import RunFolderError, open_run, read_lines
from streams.sources import read_recording

SIGNER = Signer.generate("shop.example/audit")
VERIFIERS = [SIGNER.verifier]
SHARE = 0.1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with links, customers who are remembered, verdicts, and so few alerts an hour that they run out."""
    folder, scenario = tmp_path_factory.mktemp("erasure"), generate(23, 40)
    site = msgspec.structs.replace(
        scenario.site, memory=Memory(customers=True), alerting=Alerting(budget_per_camera_hour=2, cooldown_s=5)
    )
    with RecordingWriter(folder / "recording", site) as writer:
        writer.frames(scenario.frames)
        paid = [replace(one, customer=f"customer-{number % 7}") for number, one in enumerate(scenario.purchases)]
        events: list[Purchase | IdentityChange | Disposition] = [*paid, *_links(scenario.frames, site)]
        for event in sorted([*events, _verdict(scenario.frames)], key=lambda one: one.time_ms):
            writer.event(event)
    jobs.run_recording(folder / "recording", site, default_bundle(), folder / "run", lambda _: None, signers=[SIGNER])
    return folder


def _links(frames: PersonFrames, site: Site) -> Iterator[IdentityChange]:
    """Persons of the floor who are those of the corridor at that time, as a re-identification system says."""
    names = [camera.name for camera in site.cameras]
    spans = [_spans(frames, place) for place in (0, 1)]
    for number, (one, (first_ms, last_ms)) in enumerate(list(spans[0].items())[::6]):
        middle_ms = (first_ms + last_ms) // 2
        there = [two for two, (begin_ms, end_ms) in spans[1].items() if begin_ms < middle_ms < end_ms]
        if there:
            yield IdentityChange(f"c{number}", "link", middle_ms, names[0], one, names[1], there[0])


def _spans(frames: PersonFrames, camera: int) -> dict[int, tuple[int, int]]:
    """When each tracker id of a camera was seen first and last."""
    seen = frames.take((frames.camera == camera) & (frames.track != NO_TRACK))
    tracks = np.unique(seen.track).tolist()
    return {one: (int(seen.time_ms[seen.track == one][0]), int(seen.time_ms[seen.track == one][-1])) for one in tracks}


def _verdict(frames: PersonFrames) -> Disposition:
    return Disposition("d1", int(frames.time_ms[-1]) - 1_000, "floor/1/0", "disagree", "r1", "only looked around")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    for name in ("run", "recording"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path / "run"


def visits_in(run: Path) -> Visits:
    opened = open_run(run)
    return visits_of(opened.entries(), opened.site)


def erase(run: Path, names: set[str]) -> None:
    write_down(run, visits_in(run), names, "asked", [run.parent / "recording"])
    carry_out(run, open_run(run, erasing=True).site, [SIGNER])


def chosen(run: Path, seed: int) -> set[str]:
    """A tenth of the persons, one with an alert and one who paid among them, and whoever they are tied to."""
    visits, random = visits_in(run), Random(seed)
    tracks = sorted(visits.trackers)
    alerted = sorted({one.person for one in read_lines(run / ALERTS, Alert)})
    paid = sorted(visits.receipts.keys() & visits.trackers.keys())
    some = random.sample(tracks, round(SHARE * len(tracks)))
    return visits.together([*some, random.choice(alerted), random.choice(paid)])


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def persons_in(path: Path) -> list[str]:
    return [msgspec.json.decode(line)["person"] for line in lines(path)]


@pytest.mark.parametrize("seed", range(4))
def test_every_other_proof_and_replay_holds(run: Path, tmp_path: Path, seed: int) -> None:
    names, before = chosen(run, seed), {name: lines(run / name) for name in (SCORES, ALERTS)}
    whole = jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "before")
    erase(run, names)
    certificate = jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")
    for name, told in before.items():
        left = [line for line in told if msgspec.json.decode(line)["person"] not in names]
        assert lines(run / name) == lines(tmp_path / "after" / name) == left
        assert len(left) < len(told)
    assert certificate.journal == whole.journal
    assert certificate.scores == len(lines(run / SCORES))
    assert certificate.size > whole.size
    assert any(isinstance(entry, Erased) for entry in open_run(run).entries())


def test_the_budget_that_erased_alerts_used_stays_used(run: Path, tmp_path: Path) -> None:
    """Without it others would have alerts now that they had not."""
    alerted = {one.person for one in read_lines(run / ALERTS, Alert)}
    names = visits_in(run).together(alerted)
    assert open_run(run).summary.alerts_suppressed["budget"]
    erase(run, names)
    jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")
    assert not lines(tmp_path / "after" / ALERTS)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_of_them_is_left(run: Path, seed: int) -> None:
    names, visits = chosen(run, seed), visits_in(run)
    tokens = {one.partition("/")[2] for name in names for one in visits.customers.get(name, ())}
    receipts = {receipt.encode().rpartition(b"/")[2] for name in names for receipt in visits.receipts.get(name, ())}
    secrets = [key.secret.hex().encode() for key in read_keys(run / VISIT_KEYS) if key.name in names]
    erase(run, names)
    wanted = [f'"{one}"'.encode() for one in (*names, *tokens)] + [b'"' + one + b'"' for one in receipts] + secrets
    assert receipts
    assert tokens
    for path in [one for folder in (run, run.parent / "recording") for one in folder.rglob("*") if one.is_file()]:
        content = path.read_bytes()
        assert not [one for one in wanted if one in content], path
    for name in names & visits.trackers.keys():
        assert not frames_of(run.parent / "recording", visits, name)


def frames_of(recording: Path, visits: Visits, name: str) -> int:
    table = pq.read_table(recording / POSES, columns=["time_ms", "camera", "track"]).to_pydict()
    rows = zip(table["camera"], table["track"], table["time_ms"], strict=True)
    spans = visits.trackers[name]
    return sum(
        (camera, track) in spans and spans[camera, track][0] <= time_ms < spans[camera, track][1]
        for camera, track, time_ms in rows
    )


def test_what_is_left_of_a_recording_can_be_run(run: Path, tmp_path: Path) -> None:
    """Everybody else gets the scores of before, but for the purchases that were the erased persons'."""
    names, site = chosen(run, 1), open_run(run).site
    frames = [item for item in read_recording(run.parent / "recording", site) if isinstance(item, PersonFrames)]
    times = {int(one) for item in frames for one in np.unique(item.time_ms)}
    erase(run, names)
    left = [item for item in read_recording(run.parent / "recording", site) if isinstance(item, PersonFrames)]
    assert {int(one) for item in left for one in np.unique(item.time_ms)} == times
    summary = jobs.run_recording(run.parent / "recording", site, default_bundle(), tmp_path / "anew", lambda _: None)
    assert not summary.unaccounted
    assert set(persons_in(tmp_path / "anew" / SCORES)).isdisjoint(names)


def test_who_was_one_person_is_erased_as_one(run: Path) -> None:
    visits, entries = visits_in(run), open_run(run).entries()
    links = [(one.track, one.other) for one in entries if isinstance(one, TrackChange) and one.track and one.other]
    assert links
    for one, other in [*links, *visits.ties]:
        assert visits.together([one]) >= {one, other}
        assert visits.together([one]) == visits.together([other])


def test_by_age(run: Path, tmp_path: Path) -> None:
    visits = visits_in(run)
    middle_ms = sorted(visits.last_ms.values())[len(visits.last_ms) // 2]
    names = visits.before(middle_ms)
    assert names
    assert all(visits.last_ms[name] < middle_ms for name in names)
    assert visits.together(names) == names
    erase(run, names)
    jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")
    assert visits_in(run).before(middle_ms) == set()


class _Crash(BaseException):
    pass


STEPS = ("_bury", "_erase_files", "write_keys", "keep_lines", "erase_recording")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_an_interrupted_erasure_is_gone_on_with(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    names, done = chosen(run, 3), getattr(run_folder, step)

    def crash(*arguments: object, **named: object) -> None:
        if when == "after":
            done(*arguments, **named)
        raise _Crash

    with monkeypatch.context() as broken:
        broken.setattr(run_folder, step, crash)
        with pytest.raises(_Crash):
            erase(run, names)
    assert is_unfinished(run)
    with pytest.raises(RunFolderError, match="vigil erase"):
        open_run(run)
    carry_out(run, open_run(run, erasing=True).site, [SIGNER])
    assert not is_unfinished(run)
    certificate = jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")
    assert set(persons_in(run / SCORES)).isdisjoint(names)
    assert not {key.name for key in read_keys(run / VISIT_KEYS)} & names
    stones = certificate.size - 1 - certificate.scores - certificate.alerts - certificate.dispositions
    assert stones > 1


def test_erasing_twice_is_as_once(run: Path, tmp_path: Path) -> None:
    first = chosen(run, 5)
    erase(run, first)
    second = visits_in(run).together(list(visits_in(run).trackers)[:3])
    assert second.isdisjoint(first)
    erase(run, second)
    jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")
    assert set(persons_in(run / SCORES)).isdisjoint(first | second)


def test_keys_that_are_gone_without_a_tombstone_are_told(run: Path, tmp_path: Path) -> None:
    keys = read_keys(run / VISIT_KEYS)
    write_keys(run / VISIT_KEYS, keys[1:])
    with pytest.raises(AuditError, match="no tombstone of it"):
        jobs.replay_sealed(open_run(run), VERIFIERS, tmp_path / "after")


def test_a_run_that_nobody_signed_gets_a_key_for_its_tombstone(made: Path, tmp_path: Path) -> None:
    jobs.run_recording(made / "recording", open_run(made / "run").site, default_bundle(), tmp_path, lambda _: None)
    before = lines(tmp_path / "audit-key.txt")
    visits = visits_in(tmp_path)
    write_down(tmp_path, visits, visits.together(list(visits.trackers)[:2]), "asked", [])
    carry_out(tmp_path, open_run(tmp_path, erasing=True).site)
    after = lines(tmp_path / "audit-key.txt")
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1


def test_late_input_of_them_is_erased(run: Path) -> None:
    visits = visits_in(run)
    name = min(visits.trackers)
    ((camera, tracker), (first_ms, _)) = next(iter(visits.trackers[name].items()))
    mine = {"type": "person_frame", "camera": camera, "track": tracker, "time_ms": first_ms}
    others = mine | {"track": tracker + 1_000}
    (run / LATE).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in (mine, others)))
    erase(run, {name})
    assert [msgspec.json.decode(line) for line in lines(run / LATE)] == [others]
    assert list(read_lines(run / SCORES, Score))
