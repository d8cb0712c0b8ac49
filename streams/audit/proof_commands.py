"""The commands `vigil audit prove` and `vigil audit check`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from streams.audit.arguments import Needed, Origin, Witnesses, judged, names, quorum_of, seen_by, verifiers_of
from streams.audit.checkpoint import origin_of
from streams.audit.cosignature import Quorum
from streams.audit.disclosure import disclosed, opened, record_of
from streams.audit.errors import UnusableError
from streams.audit.opened_words import opened_lines, record_lines
from streams.audit.proof import SUFFIX, check_proof, parse_proof
from streams.audit.visit_entries import ProvableLog, find_entry, keys_beside
from streams.contesting.checking import check_contest
from streams.contesting.completeness import check_complete
from streams.contesting.contest import decode_contest
from streams.contesting.page import drawn_page
from streams.contesting.report import contest_lines
from streams.terminal import say


def prove(
    place: Annotated[
        str,
        typer.Argument(metavar="LOG", help="Folder of a run or of a log, or the http(s) URL a log is served under."),
    ],
    entry: Annotated[
        str,
        typer.Argument(metavar="ENTRY", help="Which entry: its index, counted from 0, or the id of what it seals."),
    ],
    out: Annotated[Path | None, typer.Option(help=f"File for the proof; else INDEX{SUFFIX}.")] = None,
    visit_keys: Annotated[
        Path | None, typer.Option(help="File of the keys that open what is sealed; else the one beside the log.")
    ] = None,
    *,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="By an id too: prove that it was published, not what it says.")
    ] = False,
) -> None:
    """Write a proof that an entry is in the log: a small text that `check` checks without the log and offline.

    By the *id* of a score, an alert or a disposition, as in scores.jsonl, the proof opens this one record as well and
    nothing else: whoever has the file can read it. By its index, it tells only what is public.
    """
    with judged():
        log = ProvableLog.at(place)
        if entry.isdecimal():
            proof = log.prove(int(entry))
        else:
            found = find_entry(log, visit_keys or keys_beside(place), entry)
            proof = log.prove(found.entry) if sealed else log.prove_opened(found)
    written, encoded = out or Path(f"{proof.leaf_index}{SUFFIX}"), proof.encoded
    written.write_bytes(encoded)
    of = f"entry {proof.leaf_index:,} of {log.claimed.size:,} of {log.claimed.origin}"
    say(f"{written}: {of}, {len(encoded):,} bytes")


def check(
    proof: Annotated[Path, typer.Argument(help=f"File of a proof, *{SUFFIX}, or contest.json.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Public key of the log, as text, file or folder; a contest's own unless you give one."),
    ] = None,
    witness: Witnesses = None,
    quorum: Needed = None,
    leaf: Annotated[
        Path | None, typer.Option(help="File of the entry; else the one in the proof's line `extra`.")
    ] = None,
    origin: Origin = None,
    page: Annotated[
        Path | None, typer.Option(help="Of a contest: write its page anew, from what was checked, to this file.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(help="Of a contest: folder or URL of the log, to see that nothing was left out of it.")
    ] = None,
) -> None:
    """Check a proof offline: the entry is in the log whose key you trust, and enough witnesses saw that log.

    Without witnesses a proof shows that the log's owner signed for the entry. With them it shows as well that the
    owner cannot have shown other people another log. What a proof opens is shown after it was checked. Of
    contest.json, every record is checked, and every score made anew.
    """
    with judged():
        encoded, policy = proof.read_bytes(), quorum_of(witness, quorum)
        if encoded.lstrip().startswith(b"{"):
            _check_contest(encoded, key, policy, str(proof), page, log)
        else:
            _check_entry(encoded, leaf, key or [], policy, origin, str(proof))


def _check_contest(
    encoded: bytes, keys: Sequence[str] | None, policy: Quorum, where: str, page: Path | None, log: str | None
) -> None:
    contest = decode_contest(encoded, where)
    checked = check_contest(contest, verifiers_of(keys or contest.log_keys), policy, where)
    if log:
        check_complete(contest, checked.signed.checkpoint, ProvableLog.at(log), where)
    for line in contest_lines(contest, checked, own_key=not keys):
        say(line)
    if log:
        say(f"Complete: {log} has no other entry of the same visits.")
    if page:
        page.write_text(drawn_page(contest, checked, where), encoding="utf-8")
        say(f"{page}: the page, from what was checked")


def _check_entry(
    encoded: bytes, leaf: Path | None, keys: Sequence[str], policy: Quorum, origin: str | None, where: str
) -> None:
    verifiers, parsed = verifiers_of(keys), parse_proof(encoded, where)
    entry, own = disclosed(parsed.extra, where) if parsed.extra else (None, None)
    entry = leaf.read_bytes() if leaf else entry
    if entry is None:
        raise UnusableError("entry", "a line `extra` with it, or --leaf FILE", "neither", where)
    name = origin or origin_of(parsed.checkpoint, verifiers, where)
    checked = check_proof(parsed, entry, name, verifiers, policy, where)
    record = record_of(entry)
    lines = opened_lines(opened(entry, own, where)) if own else record_lines(record) if record else []
    size = checked.signed.checkpoint.size
    say(
        f"Holds: entry {parsed.leaf_index:,} of {size:,} of {name}, {len(entry):,} bytes, "
        f"signed by {names(checked.signed.signed_by)}{seen_by(checked.seen)}."
    )
    for line in lines:
        say(line)
