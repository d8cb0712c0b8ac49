"""Verdicts: of which persons reviewers said that a look was worthwhile, by majority of each one's last word."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from features.events import Disposition, Rejection, parse_event
from streams.runs import RunFolderError


class Verdict(NamedTuple):
    """Whether a look at a person was worthwhile; None where reviewers do not agree. `time_ms`: of the last word."""

    agreed: bool | None
    time_ms: int


def read_dispositions(paths: Iterable[Path]) -> list[Disposition]:
    """The dispositions of files of JSON lines, such as those of a recording.

    Raises:
        RunFolderError: naming the first line that is none.
    """
    return [one for path in paths for one in _of_file(path)]


def _of_file(path: Path) -> Iterable[Disposition]:
    with path.open("rb") as lines:
        for place, line in enumerate(lines, 1):
            if line.strip():
                yield _parsed(line, f"{path}:{place}")


def _parsed(line: bytes, where: str) -> Disposition:
    try:
        event = parse_event(line)
    except Rejection as why:
        raise RunFolderError(f"{where}: {why}") from None
    if not isinstance(event, Disposition):
        raise RunFolderError(f"{where}: $.type: expected disposition, got {type(event).__name__}")
    return event


def verdicts_on(dispositions: Iterable[Disposition], named: Mapping[str, str]) -> dict[str, Verdict]:
    """The verdict on each person.

    Each reviewer's last word counts; a tie, or nobody who was clear, is no verdict. Dispositions of one id are one.

    Args:
        dispositions: in any order.
        named: the name that a person has in the end, by each name it had.
    """
    last = dict[str, dict[str, Disposition]]()
    known = {one.disposition: one for one in dispositions}
    for one in sorted(known.values(), key=lambda one: (one.time_ms, one.disposition)):
        last.setdefault(named.get(one.person, one.person), {})[one.reviewer] = one
    return {person: _majority(list(words.values())) for person, words in last.items()}


def _majority(words: list[Disposition]) -> Verdict:
    said = Counter(word.verdict for word in words)
    time_ms = max(word.time_ms for word in words)
    surplus = said["agree"] - said["disagree"]
    return Verdict(surplus > 0 if surplus else None, time_ms)
