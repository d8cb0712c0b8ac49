"""What a record says, in lines for a terminal."""

from collections.abc import Iterator

from features.events import Disposition
from models.records import Alert, Score
from streams.audit.disclosure import Opened
from streams.audit.records import Beginning, Kind, Record, Tombstone
from streams.console.view import ABSTAIN
from streams.console.words import contribution, counterfactual, day_and_clock, plain, probability, signed


def record_lines(record: Record) -> list[str]:
    """What anybody may know of a record that is not opened."""
    if isinstance(record, Beginning):
        what = f"scoring version {record.scoring_version}, Vigil {plain(record.vigil)}"
        return [
            f"The beginning of a log: {what}",
            f"  bundle   {record.bundle.hex()}",
            f"  site     {record.site.hex()}",
        ]
    if isinstance(record, Tombstone):
        return [f"A tombstone: {len(record.visits):,} visits were erased ({record.reason})"]
    kind = Kind(record.kind).name.lower() if record.kind in set(Kind) else f"record of kind {record.kind}"
    return [f"A {kind}, sealed: place {record.position:,} in the journal, visit {record.visit.hex()}"]


def opened_lines(opened: Opened) -> list[str]:
    """All that a record says; times are UTC."""
    said = opened.published
    lines = _disposition(said) if isinstance(said, Disposition) else _score(said)
    lines += [
        f"  place    {opened.position:,} in the journal",
        f"  journal  {opened.journal.hex()} up to there",
        f"  visit    {opened.visit.hex()}",
    ]
    features = [f"    {name} {value}" for name, value in opened.features.items()]
    return [*lines, *(["  sequence features, -1 where one could not be told:"] if features else []), *features]


def _disposition(said: Disposition) -> list[str]:
    lines = [
        f"A disposition on {said.person} at {day_and_clock(said.time_ms)} UTC: {said.verdict}",
        f"  reviewer {said.reviewer}",
        f"  id       {said.disposition}",
    ]
    return lines + ([f"  reason   {plain(said.reason)}"] if said.reason else [])


def _score(said: Score | Alert) -> list[str]:
    what = "A score" if isinstance(said, Score) else "An alert"
    told = f"{ABSTAIN}" if said.score is None else f"{said.score} of 1000, {said.band}"
    lines = [f"{what} of {said.person} at {day_and_clock(said.time_ms)} UTC: {told}", f"  id       {said.id}"]
    lines += [f"  camera   {said.camera}"] if said.camera else []
    lines += [f"  event    {event}" for event in said.events]
    return lines + list(_parts(said) if isinstance(said, Score) else _call(said))


def _parts(said: Score) -> Iterator[str]:
    yield f"  kind     {said.kind}, revision {said.revision}" + (f" of {said.supersedes}" if said.supersedes else "")
    yield f"  bundle   {said.bundle}"
    if said.score is None:
        yield f"  {ABSTAIN}: {plain(said.abstain)}"
        return
    yield f"  a reviewer would agree: {probability(said.probability_permille)}"
    yield f"  {said.score - sum(part.points for part in said.contributions):>5}  every person starts with"
    for part in said.contributions:
        yield f"  {signed(part.points):>5}  {plain(contribution(part.feature, part.value, part.points).text)}"
    yield f"  {said.score:>5}  review priority"
    if change := counterfactual(said.band or "", said.counterfactual):
        yield f"  {change}"


def _call(said: Alert) -> Iterator[str]:
    yield f"  score    {said.score_id}"
    if said.withdraws:
        yield f"  takes back {said.withdraws}"
