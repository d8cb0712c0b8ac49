"""`vigil review-sample`: persons without an alert, drawn at random to be looked at, so that verdicts tell of all."""

from hashlib import file_digest
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta, Struct
from rich.table import Table

from models.propensity import WEIGHT_MAX, drawn
from models.records import Alert
from streams.audit.run_log import JOURNAL
from streams.console.words import clock
from streams.embedded import ALERTS
from streams.jobs import write_whole
from streams.runs import RunFolder, RunFolderError, open_run, read_lines
from streams.terminal import refuse, say, screen

RATE_LEAST = 1_000 // WEIGHT_MAX  # permille; who is drawn at a lower rate would stand for more persons than one may
SHOWN_MOST = 20

Salt = Annotated[str, Meta(min_length=8, max_length=200, pattern=r"^[ -~]*$(?!\n)")]
Rate = Annotated[int, Meta(ge=RATE_LEAST, le=1_000)]


class Drawn(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be looked at, with nothing that says what Vigil thinks."""

    person: str
    camera: str | None
    first_ms: int
    last_ms: int


class ReviewSample(Struct, frozen=True, forbid_unknown_fields=True, tag="review_sample", tag_field="type"):
    """Who was drawn of a run.

    Attributes:
        journal: digest of the run's journal file.
        salt: of the site, text of 8 characters or more.
        rate_permille: how likely each was to be drawn; those with an alert are looked at anyway.
        persons_without_alert: of whom they were drawn.
        persons: in order of time.
    """

    journal: str
    salt: Salt
    rate_permille: Rate
    persons_without_alert: int
    persons: list[Drawn]


def review_sample(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `vigil run` or `vigil record` wrote.")],
    salt: Annotated[str, typer.Option(help="A text of the site's own, at least 8 characters: it draws the lots.")],
    rate: Annotated[
        int, typer.Option(min=RATE_LEAST, max=1_000, help="How many of a thousand persons without an alert are drawn.")
    ] = 50,
    out: Annotated[Path, typer.Option(help="Where the sample goes, for `vigil train --sample`.")] = Path("sample.json"),
) -> None:
    """Draw persons without an alert at random, to be looked at too: verdicts on alerts alone teach a wrong bundle.

    The same run, salt and rate give the same persons. The list says nothing of scores; give each a verdict as a
    disposition.
    """
    try:
        msgspec.convert(salt, Salt)
    except msgspec.ValidationError:
        refuse(f"--salt: expected 8 to 200 printable ASCII characters, got {len(salt)} characters")
    run = open_run(run_folder)
    sample = draw(run, salt, rate)
    write_whole(out, msgspec.json.format(msgspec.json.encode(sample), indent=1))
    table = Table("person", "camera", "from", "to", title=f"{len(sample.persons)} persons to look at")
    for one in sample.persons[:SHOWN_MOST]:
        table.add_row(one.person, one.camera or "", *_span(one, run))
    screen.print(table)
    say(f"Drawn of {sample.persons_without_alert:,} persons without an alert. All of them: {out}")


def _span(one: Drawn, run: RunFolder) -> tuple[str, str]:
    offset = run.site.utc_offset_minutes
    return clock(one.first_ms, offset), clock(one.last_ms, offset)


def draw(run: RunFolder, salt: str, rate_permille: int) -> ReviewSample:
    """Who is drawn of a run."""
    called = persons_called(run)
    others = [name for name in persons_scored(run) if name not in called]
    chosen = [
        Drawn(name, run.scores[name][-1].camera, run.scores[name][0].time_ms, run.scores[name][-1].time_ms)
        for name in others
        if drawn(name, salt, rate_permille)
    ]
    chosen.sort(key=lambda one: (one.first_ms, one.person))
    return ReviewSample(file_sha256(run.folder / JOURNAL), salt, rate_permille, len(others), chosen)


def persons_scored(run: RunFolder) -> list[str]:
    """Of whom the run said anything but that too little was seen, by name."""
    return sorted(name for name, scores in run.scores.items() if any(score.score is not None for score in scores))


def persons_called(run: RunFolder) -> set[str]:
    """Whom an alert was ever raised for, by the name they have in the end."""
    named = {track: person for person, tracks in run.tracks.items() for track in tracks}
    raised = (alert for alert in read_lines(run.folder / ALERTS, Alert) if alert.withdraws is None)
    return {named.get(alert.person, alert.person) for alert in raised}


def load_sample(path: Path) -> ReviewSample:
    """The sample of a file.

    Raises:
        RunFolderError: it is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReviewSample)
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise RunFolderError(f"{path}: expected what `vigil review-sample` writes, {why}") from None


def check_sample(sample: ReviewSample, run: RunFolder, path: Path) -> None:
    """Makes sure that nobody was put into a sample or taken out of it by hand.

    Raises:
        RunFolderError: its persons are not those that its salt and rate draw of the run.
    """
    expected = draw(run, sample.salt, sample.rate_permille)
    if expected != sample:
        changed = {one.person for one in sample.persons} ^ {one.person for one in expected.persons}
        who = ", ".join(sorted(changed)[:3]) or "other times or cameras"
        raise RunFolderError(f"{path}: expected whom its salt and rate draw of {run.folder}, got a difference: {who}")


def file_sha256(path: Path) -> str:
    """The digest of a file, hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
