"""The jobs behind the commands: run a recording, replay a journal, make a scenario, train a bundle."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from features.closing import Layout
from features.keypoints import PersonFrames
from features.site import Site
from models.bundle import Bundle, dump
from models.scenarios.generate import Scenario
from streams.codecs.journal import read_journal
from streams.embedded import ALERTS, BUNDLE, JOURNAL, SCORES, SUMMARY, Outputs, Run, Scoring, Summary
from streams.recording import SITE, RecordingWriter
from streams.runs import RunFolder
from streams.site_file import dump_site
from streams.sources import read_recording

Progress = Callable[[int], None]
"""Told how many rows of poses were taken in since the last time."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first line in which a replay is not what was recorded; None where a file has ended."""

    file: str
    line: int
    recorded: bytes | None
    replayed: bytes | None


def run_recording(recording: Path, site: Site, bundle: Bundle, folder: Path, progress: Progress) -> Summary:
    """Run a recording through both steps into a folder."""
    with Outputs(folder, site) as outputs:
        run = Run(site, bundle, outputs)
        for item in read_recording(recording, site):
            run.take(item)
            if isinstance(item, PersonFrames):
                progress(len(item))
        summary = run.finish()
    (folder / SITE).write_text(dump_site(site), encoding="utf-8")
    (folder / BUNDLE).write_bytes(dump(bundle))
    (folder / SUMMARY).write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return summary


def replay_journal(run: RunFolder, bundle: Bundle, folder: Path) -> Difference | None:
    """Score a run's journal again into a folder; the first difference from what the run published."""
    layout = Layout.of(run.site)
    with Outputs(folder, run.site, journal=False) as outputs:
        scoring = Scoring.start(run.site, bundle, outputs, Summary(), layout)
        for entry in read_journal(run.folder / JOURNAL, [camera.name for camera in run.site.cameras]):
            scoring.take(entry)
    differences = (first_difference(run.folder / name, folder / name) for name in (SCORES, ALERTS))
    return next((difference for difference in differences if difference), None)


def first_difference(recorded: Path, replayed: Path) -> Difference | None:
    """The first line in which two files differ."""
    with recorded.open("rb") as one, replayed.open("rb") as other:
        line = 0
        while True:
            line += 1
            here, there = one.readline() or None, other.readline() or None
            if here != there:
                return Difference(recorded.name, line, here, there)
            if here is None:
                return None


def record_scenario(scenario: Scenario, folder: Path) -> None:
    """Write a scenario as a recording with its truth."""
    shutil.rmtree(folder, ignore_errors=True)
    with RecordingWriter(folder, scenario.site) as writer:
        writer.frames(scenario.frames)
        for purchase in scenario.purchases:
            writer.event(purchase)
        writer.truth(scenario.truth)
