"""A recorded run scores as it did; `python -m tests.golden.make` writes it anew where it should not."""

from pathlib import Path

import pytest

from features.segments import SegmentBlock
from models.bundle import BANDS
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import read_journal
from streams.embedded import ALERTS, BUNDLE, SCORES, SUMMARY
from streams.jobs import first_difference
from streams.runs import RunFolder, open_run
from tests.golden.make import GOLDEN, run
from tests.running.replayed import replay_journal

BYTES_MAX = 300_000


@pytest.fixture(scope="module")
def golden() -> RunFolder:
    return open_run(GOLDEN)


@pytest.fixture(scope="module")
def again(golden: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again")
    run(folder, golden.bundle)
    return folder


def entries(path: Path, cameras: list[str]) -> list[object]:
    """A journal's entries, segments one by one."""
    return [
        row
        for entry in read_journal(path, cameras)
        for row in (list(_segments(entry)) if isinstance(entry, SegmentBlock) else [entry])
    ]


def _segments(block: SegmentBlock) -> list[object]:
    return [
        (block.tracks[track], int(block.cameras[track]), block.rows[at].tobytes())
        for at, track in enumerate(block.track.tolist())
    ]


def test_it_holds_what_can_go_wrong(golden: RunFolder) -> None:
    bands = {score.band for scores in golden.scores.values() for score in scores}
    assert set(BANDS[:2]) <= bands
    assert golden.summary.purchases_joined
    assert golden.summary.alerts
    assert golden.summary.alerts_suppressed
    assert not golden.summary.unaccounted
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < BYTES_MAX


def test_its_journal_scores_as_it_did(golden: RunFolder, tmp_path: Path) -> None:
    assert replay_journal(golden, tmp_path) is None


def test_its_scenario_gives_the_same_journal(golden: RunFolder, again: Path) -> None:
    cameras = [camera.name for camera in golden.site.cameras]
    assert entries(again / JOURNAL, cameras) == entries(GOLDEN / JOURNAL, cameras)


@pytest.mark.parametrize("name", [SCORES, ALERTS, SUMMARY, BUNDLE])
def test_its_scenario_gives_the_same_file(again: Path, name: str) -> None:
    assert first_difference(GOLDEN / name, again / name) is None
