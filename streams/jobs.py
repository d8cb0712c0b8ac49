"""The jobs behind the commands: run a recording, replay a journal, make a scenario, train a bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

import msgspec

from features.closing import Layout
from features.keypoints import NO_TRACK, PersonFrames
from features.site import Site
from models.bundle import SCORING_VERSION, Bundle, dump
from models.normality import Normality
from models.normality import dump as dump_normality
from models.scenarios.generate import Scenario
from streams.audit.certificate import Certificate
from streams.audit.erasures import AUDIT
from streams.audit.note import Signer, Verifier
from streams.audit.run_log import JOURNAL, RunLog, verify_run_log
from streams.audit.run_replay import RunReplay
from streams.audit.source import folder_source
from streams.audit.versions import beginning_of, other_scoring
from streams.codecs.journal import read_kept
from streams.embedded import (
    ALERTS,
    BUNDLE,
    DEAD_LETTERS,
    LATE,
    NORMALITY,
    SCORES,
    SHADOW_BUNDLE,
    SHADOW_SCORES,
    SUMMARY,
    Outputs,
    Publishing,
    Run,
    Summary,
)
from streams.pipeline import Scoring
from streams.recording import SITE, RecordingError, RecordingWriter
from streams.runs import RunFolder, RunFolderError
from streams.site_file import dump_site
from streams.sources import read_recording

Progress = Callable[[int], None]
"""Told how much was taken in since the last time: person-frames of a recording, rows of a journal."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first line in which a replay is not what was recorded; None where a file has ended."""

    file: str
    line: int
    recorded: bytes | None
    replayed: bytes | None

    @property
    def fields(self) -> list[tuple[str, object, object]]:
        """The fields that differ, each as recorded and as replayed; none where a line is no JSON object."""
        here, there = _object(self.recorded), _object(self.replayed)
        names = [name for name in (here | there) if here.get(name) != there.get(name)] if here and there else []
        return [(name, here.get(name), there.get(name)) for name in names]


def _object(line: bytes | None) -> dict[str, object]:
    try:
        return msgspec.json.decode(line or b"", type=dict[str, object])
    except msgspec.DecodeError:
        return {}


def run_recording(
    recording: Path,
    site: Site,
    bundle: Bundle,
    folder: Path,
    progress: Progress,
    shadow: Bundle | None = None,
    signers: Sequence[Signer] = (),
    normality: Normality | None = None,
) -> Summary:
    """Run a recording through both steps into a folder; its summary comes last, so that an unfinished run has none.

    A shadow is a bundle on trial, of the same corpus; its scores have a file of their own. Signers sign the audit log;
    without, a key is made for it alone. Without a normality nothing is said of how unusual anybody's bearing is.

    Raises:
        RecordingError: the folder is the recording's own.
        TableError: the poses cannot be read.
    """
    _refuse_same(recording, folder)
    for name in (SUMMARY, SHADOW_BUNDLE, NORMALITY):
        (folder / name).unlink(missing_ok=True)
    with Outputs(folder) as outputs, RunLog(folder, site, bundle, signers, normality) as log:
        run = Run(site, bundle, outputs, log, shadow, normality)
        for item in read_recording(recording, site):
            run.take(item)
            if isinstance(item, PersonFrames):
                progress(int((item.track != NO_TRACK).sum()))
        summary = run.finish()
        log.finish()
    (folder / SITE).write_text(dump_site(site), encoding="utf-8")
    (folder / BUNDLE).write_bytes(dump(bundle))
    if shadow:
        (folder / SHADOW_BUNDLE).write_bytes(dump(shadow))
    if normality:
        (folder / NORMALITY).write_bytes(dump_normality(normality))
    write_whole(folder / SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return summary


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there entirely or not at all."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def published_difference(run: RunFolder, folder: Path) -> Difference | None:
    """The first difference of what was replayed into a folder from what the run published."""
    compared = (SCORES, ALERTS, *([SHADOW_SCORES] if run.shadow else []))
    differences = (first_difference(run.folder / name, folder / name) for name in compared)
    return next((difference for difference in differences if difference), None)


def replay_sealed(
    run: RunFolder, verifiers: Sequence[Verifier], folder: Path, progress: Progress = lambda _: None
) -> Certificate:
    """Verify a run's audit log, and make it again from the run's journal, leaf by leaf; scores go to a folder.

    Raises:
        DiffersError: the first leaf that comes out otherwise.
        AuditError: the log does not hold, or a key is missing.
        RunFolderError: it was scored by another scoring version.
        RecordingError: the folder is a run's own.
        TableError: the journal cannot be read.
    """
    _check_scoring(run, run.bundle)
    signed = verify_run_log(run.folder, verifiers).checkpoint
    replay = RunReplay.of(run.folder, run.site, run.bundle, signed.size, run.normality)
    rescore(run, run.site, run.bundle, folder, progress, run.shadow, replay)
    found = replay.finish()
    return Certificate(
        log=signed.origin,
        size=signed.size,
        root=signed.root.hex(),
        journal=found.journal.hex(),
        bundle=run.bundle.digest,
        scoring_version=run.bundle.scoring_version,
        vigil=version("vigil"),
        scores=found.scores,
        alerts=found.alerts,
        dispositions=found.dispositions,
    )


def rescore(
    run: RunFolder,
    site: Site,
    bundle: Bundle,
    folder: Path,
    progress: Progress,
    shadow: Bundle | None = None,
    seal: RunReplay | None = None,
) -> Summary:
    """Score a run's journal into a folder, by another bundle or other rules of its site as the case may be.

    Args:
        run: whose journal is read.
        site: with the same cameras in the same order.
        bundle: sealed.
        folder: gets scores and alerts.
        progress: told of rows of the journal.
        shadow: a bundle on trial.
        seal: told of everything before it is written.

    Raises:
        RecordingError: the folder is a run's own.
        AuditError: the audit log or the keys cannot be read.
        RunFolderError: a bundle is of another scoring version.
        TableError: the journal cannot be read.
    """
    for scored_by in (bundle, shadow):
        _check_scoring(run, scored_by)
    if (folder / JOURNAL).exists():
        raise RecordingError(
            f"{folder}: expected another folder to write to than that of a run, got one with {JOURNAL}"
        )
    opener = seal.opener if seal else run.opener()
    with Outputs(folder) as outputs:
        publishing = Publishing(outputs, Summary(), Scoring.start(site, bundle, Layout.of(site), shadow), seal)
        for kept in read_kept(run.folder / JOURNAL, opener):
            publishing.take(kept)
            progress(len(kept.rows))
    for name in (DEAD_LETTERS, LATE):
        (folder / name).unlink()  # of which a journal has none
    return publishing.summary


def _check_scoring(run: RunFolder, bundle: Bundle | None) -> None:
    if bundle is not None and bundle.scoring_version != SCORING_VERSION:
        begun = beginning_of(folder_source(run.folder / AUDIT))
        raise RunFolderError(f"{run.folder}: {other_scoring(begun, bundle.scoring_version)}")


def _refuse_same(read: Path, written: Path) -> None:
    if written.resolve() == read.resolve():
        raise RecordingError(f"{written}: expected another folder to write to than the one that is read")


def first_difference(recorded: Path, replayed: Path) -> Difference | None:
    """The first line in which two files differ."""
    with recorded.open("rb") as one, replayed.open("rb") as other:
        for line, (here, there) in enumerate(zip_longest(one, other), 1):
            if here != there:
                return Difference(recorded.name, line, here, there)
    return None


def record_scenario(scenario: Scenario, folder: Path) -> None:
    """Write a scenario as a recording with its truth.

    Raises:
        RecordingError: the folder holds something else.
    """
    with RecordingWriter(folder, scenario.site) as writer:
        writer.frames(scenario.frames)
        for purchase in scenario.purchases:
            writer.event(purchase)
        writer.truth(scenario.truth)
