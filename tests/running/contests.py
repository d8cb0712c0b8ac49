"""A sealed run in which persons are linked and split, pay and are judged, and contests out of it."""

from collections.abc import Sequence
from pathlib import Path

from features.events import BasketLine, Disposition, IdentityChange, Purchase
from models.bundle import default_bundle
from models.scenarios.generate import generate
from streams import jobs
from streams.audit.cosignature import Quorum
from streams.audit.note import Signer, Verifier
from streams.audit.visit_entries import ProvableLog
from streams.audit.visit_keys import VISIT_KEYS
from streams.contesting.checking import CheckedContest, check_contest
from streams.contesting.contest import Contest, decode_contest, encode_contest
from streams.contesting.gathering import gather
from streams.recording import RecordingWriter
from streams.runs import open_run
from tests.running.audit_logs import signer

LINKED, LINKED_TO = "floor/2/1700000081", "corridor/5/1700000092"
"""One person, judged under both names."""
SPLIT, SPLIT_FROM = "floor/3/1700000112", "floor/5/1700000137"
"""Taken to be one person for a while; the first pays, is alerted on and judged."""
PAID = "floor/6/1700000145"
START_MS = 1_700_000_000_000
KEYS = [signer().verifier]
EVENTS: tuple[IdentityChange | Purchase | Disposition, ...] = (
    IdentityChange("c1", "link", START_MS + 170_000, "floor", 2, "corridor", 5, 0.9),
    IdentityChange("c2", "link", START_MS + 150_000, "floor", 3, "floor", 5, 0.8),
    IdentityChange("c3", "split", START_MS + 160_000, "floor", 3, "floor", 5, 0.8),
    Purchase("r1", START_MS + 165_000, "store", "till-1", [BasketLine("Sweet", "sweets", 1, 99)], LINKED),
    Purchase("r3", START_MS + 140_000, "store", "till-1", [BasketLine("Rope", "rope", 1, 899)], SPLIT),
    Purchase("r2", START_MS + 235_000, "store", "till-2", [BasketLine("Tea", "tea", 2, 399)], PAID),
    Disposition("d1", START_MS + 245_000, LINKED, "disagree", "r7", "waited for a friend"),
    Disposition("d2", START_MS + 246_000, LINKED_TO, "unclear", "r8"),
    Disposition("d3", START_MS + 247_000, SPLIT, "agree", "r9", "secret of another"),
)


def sealed_run(folder: Path) -> Path:
    """A run whose log `signer()` signed."""
    scenario = generate(11, 14)
    with RecordingWriter(folder / "recording", scenario.site) as writer:
        writer.frames(scenario.frames)
        for event in sorted((*scenario.purchases, *EVENTS), key=lambda event: event.time_ms):
            writer.event(event)
    run = folder / "run"
    jobs.run_recording(folder / "recording", scenario.site, default_bundle(), run, lambda _: None, signers=[signer()])
    return run


def contest_of(run: Path, person: str, signers: Sequence[Signer] = ()) -> Contest:
    """The contest of a person by the full name."""
    return gather(open_run(run), person, ProvableLog.at(str(run)), run / VISIT_KEYS, [signer().verifier], signers)


def checked(contest: Contest, keys: Sequence[Verifier] = KEYS) -> CheckedContest:
    """What a contest shows once it was written and read."""
    return check_contest(decode_contest(encode_contest(contest)), keys, Quorum())
