"""What a check of a contest showed, in lines for a terminal."""

from features.events import Disposition
from streams.audit.arguments import names, seen_by
from streams.console.words import counted
from streams.contesting.checking import CheckedContest
from streams.contesting.contest import Contest


def contest_lines(contest: Contest, checked: CheckedContest, *, own_key: bool) -> list[str]:
    """What holds, what is only told, and whose key said so; `own_key`: the one that came in the file."""
    checkpoint, told = checked.signed.checkpoint, contest.told
    decisions = sum(isinstance(record.said, Disposition) for record in contest.records)
    numbers = (len(contest.scores), "score"), (len(contest.alerts), "alert"), (decisions, "human decision")
    seconds = sum(frames != 0 for track in told.tracks for frames in track.columns["frames"])
    vouched = f"{names(checked.vouching)} signed for it" if checked.vouching else "nobody signed for it"
    lines = [
        f"Holds: {', '.join(counted(*number) for number in numbers)} about {contest.person}.",
        (
            f"  Each is an entry of {checkpoint.origin}, of {checkpoint.size:,} entries, root {checkpoint.root.hex()}, "
            f"signed by {names(checked.signed.signed_by)}{seen_by(checked.seen)}."
        ),
        (
            "  Each opens to what is shown. Every score is what the scorecard gives for the features sealed with it: "
            "contributions, sum, band, probability, events and counterfactual."
        ),
        f"  Scorecard {contest.bundle.digest}, as the log says at its beginning, with Vigil {checked.beginning.vigil}.",
        (
            f"  {counted(seconds, 'second')} told, folded anew, give the features sealed with {checked.remade:,} of "
            f"{counted(len(contest.scores), 'score')}."
        ),
        (
            f"Told besides, not proven: {counted(len(told.purchases), 'purchase')}, "
            f"{counted(len(told.changes), 'change')} of identity, the site's name and zones; {vouched}."
        ),
    ]
    if own_key:
        lines.append(
            f"The key came in the file: make sure elsewhere that it is the log's: {' '.join(contest.log_keys)}"
        )
    return lines
