"""A contest as what the console draws."""

from models.records import Score
from streams.console.view import Band, PersonView, PurchaseMark, RunView
from streams.contesting.contest import Contest, ContestedPurchase, ContestedRecord, Told
from streams.run_view import Seconds, scored_person, second_of, with_journal
from streams.runs import standing_scores


def person_of(contest: Contest) -> PersonView:
    """The person by the scores that stand, with the way, the stays and the purchases."""
    scores = _standing(contest)
    person = scored_person(contest.person, scores, contest.bundle.scorecard.base)
    return with_journal(contest.told.cameras, person, _seconds(contest.told), _purchases(contest.told))


def last_record(contest: Contest) -> ContestedRecord | None:
    """The record of the last score that stands."""
    last = _standing(contest)[-1].id
    return next(
        (record for record in contest.records if isinstance(record.said, Score) and record.said.id == last), None
    )


def run_of(contest: Contest) -> RunView:
    """What a section about the person needs of its run."""
    return RunView(
        title=contest.told.site,
        cameras=tuple(contest.told.cameras),
        bands=tuple(Band(band.name, band.enter) for band in contest.bundle.bands),
        bundle_digest=contest.bundle.digest,
        utc_offset_minutes=contest.told.utc_offset_minutes,
    )


def purchase_words(one: ContestedPurchase) -> str:
    """What was bought and where; of a purchase that did not count, only where."""
    bought = ", ".join(f"{line.quantity} {line.article}" for line in one.lines) if one.counted else "something"
    return f"{bought} at {one.till}"


def _standing(contest: Contest) -> list[Score]:
    """In order of time; where all was taken back, the last word."""
    return standing_scores(iter(contest.scores)).get(contest.person) or contest.scores[-1:]


def _purchases(told: Told) -> list[PurchaseMark]:
    return [PurchaseMark(one.time_ms, purchase_words(one), one.share_permille) for one in told.purchases]


def _seconds(told: Told) -> Seconds:
    places = {camera.name: place for place, camera in enumerate(told.cameras)}
    return [
        second_of(told.cameras, places[track.camera], row)
        for track in told.tracks
        for row in track.rows
        if row["frames"] > 0
    ]
