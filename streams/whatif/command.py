"""`vigil whatif`: score a run's journal under another bundle or other rules, and say what differs."""

import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from features.site import Site
from models.bundle import Bundle
from models.records import Alert, Score
from streams import jobs
from streams.audit.run_log import JOURNAL
from streams.codecs.journal import count_rows
from streams.console.whatif_page import whatif_page
from streams.console.whatif_table import whatif_table
from streams.embedded import ALERTS, SCORES, Summary
from streams.runs import RunFolder, load_bundle, open_run, read_lines, standing_scores
from streams.site_file import load_site
from streams.terminal import progress, refuse, say, screen
from streams.whatif.compare import Standing, compare
from streams.whatif.records import RuleChange, Whatif
from streams.whatif.rules import changed_rules

WHATIF = "whatif.json"


def whatif(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `vigil run` or `vigil record` wrote.")],
    bundle: Annotated[Path | None, typer.Option(help="Another bundle to score with.")] = None,
    site: Annotated[Path | None, typer.Option(help="The run's site file with other rules.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for whatif.json and what would have been published.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the comparison as an HTML file, to look at.")] = None,
) -> None:
    """Say what a run would have said under another bundle or other rules: persons, alerts, camera and hour.

    Rules are combinations, thresholds, memory, alerting and how often is scored. A site that differs in anything else,
    on which the journal rests, is refused.
    """
    if not (bundle or site):
        refuse("expected --bundle, --site or both, got neither: what is to be tried?")
    run = open_run(run_folder)
    tried = load_site(site) if site else run.site
    rules = _rules(run, tried, site) if site else []
    if out:
        (out / WHATIF).unlink(missing_ok=True)
    found = _tried(run, tried, load_bundle(bundle) if bundle else run.bundle, rules, out)
    screen.print(whatif_table(found, str(run_folder), run.site.utc_offset_minutes))
    if page:
        page.write_text(whatif_page(found, str(run_folder), run.site.utc_offset_minutes), encoding="utf-8")
        say(f"The page to look at: {page}")
    if out:
        jobs.write_whole(out / WHATIF, msgspec.json.format(msgspec.json.encode(found), indent=1))
        say(f"Everything else:     {out}")


def _rules(run: RunFolder, tried: Site, path: Path) -> list[RuleChange]:
    return [RuleChange(one.field, one.expected, one.got) for one in changed_rules(run.site, tried, path)]


def _tried(run: RunFolder, site: Site, bundle: Bundle, rules: list[RuleChange], out: Path | None) -> Whatif:
    with tempfile.TemporaryDirectory() as scratch, progress("rows") as bar:
        folder = out or Path(scratch)
        task = bar.add_task("Scoring anew", total=count_rows(run.folder / JOURNAL))
        summary = jobs.rescore(run, site, bundle, folder, lambda rows: bar.advance(task, rows))
        return compare(_standing(run.folder, run.bundle, run.summary), _standing(folder, bundle, summary), rules)


def _standing(folder: Path, bundle: Bundle, summary: Summary) -> Standing:
    scores = standing_scores(read_lines(folder / SCORES, Score))
    return Standing.of(bundle, summary, scores, read_lines(folder / ALERTS, Alert))
