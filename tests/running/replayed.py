"""A run's journal scored again, beside what was published."""

from pathlib import Path

from streams.jobs import Difference, published_difference, rescore
from streams.runs import RunFolder


def replay_journal(run: RunFolder, folder: Path) -> Difference | None:
    """The first difference of what a run's journal gives, written to a folder, from what the run published."""
    rescore(run, run.site, run.bundle, folder, lambda _: None, run.shadow)
    return published_difference(run, folder)
