"""What the commands of the audit log take and how they end: keys as text, file or folder, and what does not hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from streams.audit.cosignature import Quorum, Seen, Witness
from streams.audit.errors import AuditError, UnusableError
from streams.audit.keys import load_verifiers, parse_verifier
from streams.audit.note import Verifier
from streams.terminal import aside, refuse

Place = Annotated[
    str, typer.Argument(metavar="FOLDER_OR_URL", help="Folder of the log, or the http(s) URL it is served under.")
]
Keys = Annotated[
    list[str],
    typer.Option(
        "--key",
        help="Public key of the log: the text NAME+HASH+KEY, a file that has it, or a folder of keys. Again for "
        "further keys. Have it from somebody you trust, not from beside the log.",
    ),
]
Origin = Annotated[str | None, typer.Option(help="Name of the log in its checkpoints; else that of its first key.")]
Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness", help="Public key of a witness, as text, file or folder. Again for further witnesses."),
]
Needed = Annotated[
    int | None, typer.Option("--quorum", min=0, help="How many of the witnesses must have cosigned; else all of them.")
]
State = Annotated[Path | None, typer.Option(help="File of the last checkpoint seen; else named after the log.")]
_YEAR_10000_S = 253_402_300_800


@contextmanager
def judged() -> Iterator[None]:
    """What does not hold is said and ends with 1, what cannot be used is refused with 2."""
    try:
        yield
    except UnusableError as unusable:
        refuse(unusable)
    except AuditError as wrong:
        aside.print(f"Does not hold: {wrong}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def verifiers_of(keys: Sequence[str]) -> list[Verifier]:
    """The keys of a log.

    Raises:
        UnusableError: there are none.
    """
    found = _parsed(keys)
    logs = [verifier for verifier in found if not isinstance(verifier, Witness)]
    if not logs:
        raise UnusableError("--key", "the public key of a log", "a witness's" if found else "none")
    return logs


def witnesses_of(keys: Sequence[str]) -> list[Witness]:
    """The keys of witnesses.

    Raises:
        UnusableError: one is none.
    """
    found = _parsed(keys)
    witnesses = [verifier for verifier in found if isinstance(verifier, Witness)]
    if len(witnesses) < len(found):
        raise UnusableError("--witness", "the public key of a witness", "a log's")
    return witnesses


def quorum_of(keys: Sequence[str] | None, needed: int | None) -> Quorum:
    """How many of which witnesses must have cosigned; all of them unless it is said.

    Raises:
        UnusableError: a key is none, or there are fewer.
    """
    witnesses = tuple(witnesses_of(keys or []))
    quorum = Quorum(witnesses, len(witnesses) if needed is None else needed)
    quorum.check_possible()
    return quorum


def names(keys: Sequence[Verifier]) -> str:
    """Who signed, for a sentence."""
    return " and ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)


def seen_by(seen: Sequence[Seen]) -> str:
    """Who cosigned, for the end of a sentence; empty for nobody."""
    told = ", ".join(f"{one.witness.name} at {_when(one.time_s)}" for one in seen)
    return told and f"; seen by {told}"


def _when(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat() if time_s < _YEAR_10000_S else f"second {time_s}"


def _parsed(keys: Sequence[str]) -> list[Verifier]:
    return [verifier for key in keys for verifier in _parsed_one(key)]


def _parsed_one(key: str) -> list[Verifier]:
    path = Path(key)
    if path.is_dir():
        return load_verifiers(path)
    if path.is_file():
        return [parse_verifier(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [parse_verifier(key)]
