"""Who crosses a scene is not called loitering or pacing; who stands is told from who walks. On real data."""

import json
from pathlib import Path

import pytest

from streams.adapters.registry import IMPORTERS, folder_of
from streams.config import data_folder
from tests.calls import Watched, watch_recording

pytestmark = pytest.mark.data

CROSSES_M = 5
CALLED_WRONGLY_MAX = 0.01
OBSERVED_S, STANDS_MS, STOOD_S = 5, 3_000, 4
STANDING = {"inactive", "active"}
SCENES = ("eth", "hotel", "zara01", "students03", "edinburgh-01jul", "edinburgh-01aug")


def watched(name: str, folder: Path) -> dict[str, Watched]:
    source = data_folder() / folder_of(name)
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set VIGIL_DATA to the folder that holds {folder_of(name)}")
    IMPORTERS[name](source, folder)
    return watch_recording(folder)


def test_who_crosses_is_not_called_loitering_or_pacing(tmp_path: Path) -> None:
    persons = [person for name in SCENES for person in watched(name, tmp_path / name).values()]
    crossers = [person for person in persons if person.crossed_m >= CROSSES_M]
    called = [person for person in crossers if person.has("loiter_s", 1) or person.has("pacing_reversals", 3)]
    assert len(crossers) > 2_000
    assert len(called) / len(crossers) <= CALLED_WRONGLY_MAX


def test_who_stands_is_told_from_who_walks(tmp_path: Path) -> None:
    persons = watched("caviar", tmp_path)
    truth = standing_ms(tmp_path / "truth.json")
    seen = {int(name.split("/")[1]): person for name, person in persons.items() if person.observed_s >= OBSERVED_S}
    stands = {track for track in seen if truth.get(track, 0) >= STANDS_MS}
    told = {track for track, person in seen.items() if person.stood_s >= STOOD_S}
    assert len(stands) > 20
    assert len(stands & told) / len(told) >= 0.9
    assert len(stands & told) / len(stands) >= 0.9


def standing_ms(path: Path) -> dict[int, int]:
    """The longest time each track is labelled as standing or browsing without a break."""
    longest: dict[int, int] = {}
    running: dict[int, tuple[int, int]] = {}
    spans = json.loads(path.read_bytes())["spans"]
    for span in sorted(spans, key=lambda span: (span["track"], span["start_ms"])):
        track = span["track"]
        if span["movement"] not in STANDING:
            running.pop(track, None)
            continue
        start_ms, end_ms = running.get(track, (span["start_ms"], span["start_ms"]))
        start_ms = start_ms if end_ms == span["start_ms"] else span["start_ms"]
        running[track] = (start_ms, span["end_ms"])
        longest[track] = max(longest.get(track, 0), span["end_ms"] - start_ms)
    return longest
