"""Whatever is written into a recording: no crash, and of every line it is known what became of it."""

import json
import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from features.site import Camera, Combination, Memory, Site, Till, Timing, Zone
from models.bundle import default_bundle
from streams.embedded import DEAD_LETTERS, Summary
from streams.jobs import run_recording
from streams.recording import EVENTS
from streams.runs import read_lines
from streams.sources import DeadLetter
from tests.simulation.mutations import CAMERAS, Line, recording

SEED = 20_240
MESSAGES = int(os.environ.get("VIGIL_MUTATIONS", "4000"))
MESSAGES_PER_RECORDING = 500
SEEDS = range(SEED, SEED + max(1, MESSAGES // MESSAGES_PER_RECORDING))
ZONES = [
    Zone("till", "till", [(0, 0), (300, 0), (300, 480), (0, 480)]),
    Zone("exit", "exit", [(300, 0), (640, 0), (640, 480)]),
]
SITE = Site(
    cameras=[Camera(name, ZONES) for name in CAMERAS],
    tills=[Till("1", "shop", "cam0", "till")],
    combinations=[Combination("knot", [["rope"], ["knife"]], 3_600)],
    timing=Timing(fact_allowance_ms=20_000),
    memory=Memory(customers=True),
)


def run(lines: list[Line], folder: Path) -> tuple[Summary, list[DeadLetter]]:
    source, out = folder / "recording", folder / "run"
    source.mkdir(exist_ok=True)
    (source / EVENTS).write_bytes(b"".join(line.text.replace(b"\n", b" ") + b"\n" for line in lines))
    summary = run_recording(source, SITE, default_bundle(), out, lambda _: None)
    return summary, list(read_lines(out / DEAD_LETTERS, DeadLetter))


def accepted(lines: list[Line], dead: set[int]) -> Counter[str]:
    """What the lines hold that are no dead letters, by another reader of JSON than Vigil's."""
    counted: Counter[str] = Counter()
    for place, line in enumerate(lines, 1):
        if place not in dead and line.text.strip():
            message = json.loads(line.text)
            counted[message["type"]] += 1
            for frame in message.get("frames", ()):
                counted["persons"] += len(frame["persons"])
                counted["frames_without_persons"] += not frame["persons"]
    return counted


def check(lines: list[Line], summary: Summary, letters: list[DeadLetter]) -> None:
    dead = {letter.place for letter in letters}
    counted = accepted(lines, dead)
    assert len(dead) == len(letters) == summary.dead_letters
    assert all(letter.field and letter.expected and letter.got for letter in letters)
    assert [line.text[:200] for place, line in enumerate(lines, 1) if line.refused and place not in dead] == []
    assert [line.text[:200] for place, line in enumerate(lines, 1) if line.refused is False and place in dead] == []
    assert summary.person_frames - summary.person_frames_dead == counted["persons"]
    assert summary.frames_without_persons == counted["frames_without_persons"]
    assert summary.purchases == counted["purchase"]
    assert summary.identity_changes == counted["identity"]
    assert summary.dispositions == counted["disposition"]
    assert summary.unaccounted == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_is_accepted_or_a_dead_letter(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    lines = recording(Random(seed), MESSAGES_PER_RECORDING)
    check(lines, *run(lines, tmp_path))
