from pathlib import Path

import pytest

from features.events import Disposition
from streams.learning.verdicts import Verdict, read_dispositions, verdicts_on
from streams.runs import RunFolderError


def told(text: str) -> list[Disposition]:
    """Dispositions such as `d1 5 p r1 agree`, one to a line: id, time, person, reviewer, verdict."""
    split = (line.split() for line in text.strip().splitlines())
    return [Disposition(one, int(time), who, verdict, by) for one, time, who, by, verdict in split]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "agreed", "time_ms"),
    [
        ("d1 5 p r1 agree", True, 5),
        ("d1 5 p r1 disagree", False, 5),
        ("d1 5 p r1 unclear", None, 5),
        ("d1 5 p r1 agree\nd2 9 p r1 disagree", False, 9),
        ("d2 9 p r1 disagree\nd1 5 p r1 agree", False, 9),
        ("d1 5 p r1 agree\nd2 9 p r2 disagree", None, 9),
        ("d1 5 p r1 agree\nd2 9 p r2 disagree\nd3 7 p r3 agree", True, 9),
        ("d1 5 p r1 agree\nd2 6 p r2 unclear", True, 6),
        ("d1 5 p r1 agree\nd1 5 p r1 agree\nd2 6 p r2 disagree", None, 6),
        ("d1 5 was r1 agree", True, 5),
        ("d1 5 was r1 agree\nd2 6 p r1 disagree", False, 6),
    ],
)
def test_the_majority_of_last_words_counts(text: str, *, agreed: bool | None, time_ms: int) -> None:
    assert verdicts_on(told(text), {"was": "p"}) == {"p": Verdict(agreed, time_ms)}


def test_a_line_that_is_no_disposition_is_named(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    good = '{"type":"disposition","disposition":"d","time_ms":1,"person":"p","verdict":"agree","reviewer":"r"}\n'
    path.write_text(f"{good}\n{good}")
    assert len(read_dispositions([path])) == 2
    path.write_text(good + good.replace("agree", "guilty"))
    with pytest.raises(RunFolderError, match=r"verdicts.jsonl:2: \$.verdict: expected"):
        read_dispositions([path])
    path.write_text(good + good.replace('"reviewer"', '"age":30,"reviewer"'))
    with pytest.raises(RunFolderError, match=r"verdicts.jsonl:2: \$.age: expected nothing about a person's age"):
        read_dispositions([path])
