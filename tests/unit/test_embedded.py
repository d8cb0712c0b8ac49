"""The embedded runner: what it remembers of whom it has said something."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from features.closing import Layout
from features.events import BasketLine
from features.segments import SEGMENT, Attribution, SegmentBlock
from features.site import Camera, Site, Timing
from models.bundle import default_bundle
from streams.audit.rows import Kept
from streams.embedded import VERDICTS_LEAST, Outputs, Publishing, Summary
from streams.pipeline import Scoring

SITE = Site(cameras=[Camera("door")], timing=Timing(fact_allowance_ms=20_000))
SECONDS = 12


def visit(track: str, start_s: int) -> SegmentBlock:
    """A track of some seconds and its end."""
    rows = np.zeros(SECONDS + 1, SEGMENT)
    rows["second_ms"] = (start_s + np.arange(SECONDS + 1)) * 1_000
    rows["frames"][:-1], rows["um_per_unit"] = 10, 1_000
    return SegmentBlock([track], np.zeros(1, np.int32), np.zeros(SECONDS + 1, np.int32), rows)


def test_verdicts_are_forgotten_although_late_purchases_add_to_them(tmp_path: Path) -> None:
    summary = Summary()
    with Outputs(tmp_path) as outputs:
        publishing = Publishing(outputs, summary, Scoring.start(SITE, default_bundle(), Layout.of(SITE)))
        tracks = [f"door/1/{start_s}" for start_s in range(0, 12_000, 20)]
        for before, track in pairwise(tracks):
            start_s = int(track.rpartition("/")[2])
            publishing.take(Kept(visit(track, start_s), []))
            lines = [BasketLine("a", "bread")]
            late = Attribution(track, (start_s - 15) * 1_000, "shop", "1", lines, [(before, 1_000)])
            publishing.take(Kept(late, []))
    assert summary.scores > 2 * len(tracks)
    assert summary.tracks == len(tracks) - 1
    assert summary.person_frames_scored == summary.tracks_scored * SECONDS * 10
    persons = publishing.scoring.persons
    assert len(publishing.verdicts) <= VERDICTS_LEAST + 2 * (len(persons.slots) + len(persons.ended))
    assert not publishing.frames
