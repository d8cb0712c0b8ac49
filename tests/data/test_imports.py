"""Every data set through `vigil import` and `vigil run`: nothing is lost, and all of it is the same again."""

from pathlib import Path

import msgspec
import pytest

from models.bundle import default_bundle
from models.scenarios.generate import generate
from streams import jobs
from streams.adapters.imported import Imported
from streams.adapters.registry import IMPORTERS, PURCHASES, folder_of
from streams.adapters.replay_at_tills import replay_at_tills
from streams.config import data_folder
from streams.embedded import Summary
from streams.runs import open_run
from streams.sources import site_of
from tests.running.replayed import replay_journal

pytestmark = pytest.mark.data

POSES = (
    "poselift-train", "poselift-dev", "caviar", "eth", "hotel", "zara01", "students03", "edinburgh-01jul",
    "edinburgh-01aug", "grand-central", "pets-s2l1", "meva",
)  # fmt: skip


def imported(name: str, folder: Path) -> Imported:
    source = data_folder() / folder_of(name)
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set VIGIL_DATA to the folder that holds {folder_of(name)}")
    return IMPORTERS[name](source, folder)


def run(recording: Path, out: Path) -> Summary:
    return jobs.run_recording(recording, site_of(recording), default_bundle(), out, lambda _: None)


def test_every_importer_is_tried() -> None:
    assert {*POSES, *PURCHASES} == IMPORTERS.keys()


@pytest.mark.parametrize("name", POSES)
def test_no_person_frame_is_lost(name: str, tmp_path: Path) -> None:
    brought = imported(name, tmp_path / "recording")
    summary = run(tmp_path / "recording", tmp_path / "run")
    assert summary.unaccounted == 0
    assert summary.person_frames == brought.person_frames > 0
    assert summary.dead_letters == summary.person_frames_late == 0
    assert replay_journal(open_run(tmp_path / "run"), tmp_path / "again") is None


@pytest.mark.parametrize("name", PURCHASES)
def test_no_purchase_is_lost(name: str, tmp_path: Path) -> None:
    brought = imported(name, tmp_path / "recording")
    summary = run(tmp_path / "recording", tmp_path / "run")
    assert summary.unaccounted == 0
    assert summary.purchases == summary.purchases_unattributed == brought.purchases > 0


def test_real_baskets_at_the_tills_of_a_scenario(tmp_path: Path) -> None:
    brought = imported("complete-journey", tmp_path / "baskets")
    jobs.record_scenario(generate(3, 120), tmp_path / "shop")
    played = replay_at_tills(tmp_path / "baskets", tmp_path / "shop", tmp_path / "both", [])
    summary = run(tmp_path / "both", tmp_path / "run")
    assert summary.unaccounted == 0
    assert summary.person_frames == played.person_frames
    assert summary.purchases == played.purchases
    assert summary.purchases_joined == summary.purchases > 20
    assert any(note.startswith(f"{brought.purchases - played.purchases:,} baskets left out") for note in played.notes)
    bought = set(events(tmp_path / "both"))
    assert bought <= set(events(tmp_path / "baskets"))


def events(recording: Path) -> list[tuple[str, int]]:
    """The receipts of a recording with their numbers of lines."""
    lines = (recording / "events.jsonl").read_bytes().splitlines()
    decoded = [msgspec.json.decode(line) for line in lines]
    return [(event["receipt"], len(event["lines"])) for event in decoded]
