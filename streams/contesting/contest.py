"""A contest: all that a run has of one person, in one file that can be checked alone.

What was published is in it with a proof that opens each record. What is told besides, as the journal has it, the
records vouch for only by the digest of the whole journal; whoever made the file can sign for it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, Self

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from features.events import BasketLine, Rejection, explain
from features.segments import SEGMENT, Segments
from features.site import Camera, Thresholds, Timing
from models.bundle import Bundle
from models.records import Alert, Score
from streams.audit.disclosure import Published
from streams.audit.errors import FormatError
from streams.audit.note import Signer, sign_note

FORMAT: Literal["vigil contest v1"] = "vigil contest v1"


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ContestedRecord(_Part, frozen=True):
    """A record of the log.

    Attributes:
        entry: index in the log.
        said: what was published, or the disposition.
        features: of a score, its sequence features by name; empty of others.
        journal: digest of the journal up to and with the entry it came of, hexadecimal.
        proof: a tlog-proof that opens it.
    """

    entry: int
    said: Published
    features: dict[str, int]
    journal: str
    proof: str


class ContestedTrack(_Part, frozen=True):
    """The seconds of a track: of each column of the journal a list; `frames` is 0 where the track ended."""

    track: str
    camera: str
    columns: dict[str, list[int | list[int]]]

    @classmethod
    def of(cls, track: str, camera: str, rows: Segments) -> Self:
        """The track of these segments."""
        return cls(track, camera, {name: rows[name].tolist() for name in SEGMENT.names or ()})

    @property
    def rows(self) -> Segments:
        """(seconds,) of `SEGMENT`.

        Raises:
            FormatError: the columns are not the journal's.
        """
        names = SEGMENT.names or ()
        if tuple(self.columns) != names:
            raise FormatError("columns", ", ".join(names), ", ".join(self.columns), self.track)
        rows = np.zeros(len(self.columns["frames"]), SEGMENT)
        for name in names:
            rows[name] = self._column(name, rows[name].shape)
        return rows

    def _column(self, name: str, shape: tuple[int, ...]) -> NDArray[np.integer]:
        try:
            values = np.array(self.columns[name], SEGMENT[name].base)
        except (ValueError, OverflowError, TypeError):
            values = np.zeros(0, SEGMENT[name].base)
        if values.shape != shape and (shape[0] or values.size):
            raise FormatError(
                f"columns.{name}", f"{shape[0]} times {SEGMENT[name]}, as of frames", "others", self.track
            )
        return values.reshape(shape)


class ContestedPurchase(_Part, frozen=True):
    """A purchase that may be the person's; what was bought is told only where it counted as the person's.

    Attributes:
        share_permille: how surely it is the person's.
        others: how many others it may be of.
        explicit: whether the till named the person.
        counted: whether its basket was taken to be the person's.
        receipt, lines: None and empty where it was not.
    """

    time_ms: int
    store: str
    till: str
    share_permille: int
    others: int
    explicit: bool
    counted: bool
    receipt: str | None
    lines: list[BasketLine]


class ContestedChange(_Part, frozen=True):
    """News about which tracks are the person; a track that is another's has no name here."""

    kind: Literal["link", "merge", "split"]
    time_ms: int
    confidence: float
    track: str | None
    other: str | None


class Told(_Part, frozen=True):
    """What the journal and the site have of the person besides the records.

    Attributes:
        site: its name.
        utc_offset_minutes: of local time there.
        cameras: those that saw the person.
        thresholds, timing: of the site.
        customers_remembered: whether baskets of one customer token count across visits.
        tracks, purchases, changes: in the order of the journal.
    """

    site: str
    utc_offset_minutes: int
    cameras: list[Camera]
    thresholds: Thresholds
    timing: Timing
    customers_remembered: bool
    tracks: list[ContestedTrack]
    purchases: list[ContestedPurchase]
    changes: list[ContestedChange]


class Contest(_Part, frozen=True):
    """The whole file.

    Attributes:
        person: whom it is about.
        names: all names the person's records have, those of linked tracks among them.
        log_keys: public keys of the log, as text.
        beginnings: tlog-proofs of the log's beginnings, with which site, bundle and version everything was made.
        records: in the order of the log.
        bundle: by which the scores were made.
        told: from the journal.
        digest: SHA-256 of all of the above as JSON, hexadecimal.
        signed: a signed note with the digest; empty where nobody signed.
    """

    format: Literal["vigil contest v1"]
    person: str
    names: list[str]
    log_keys: list[str]
    beginnings: list[str]
    records: list[ContestedRecord]
    bundle: Bundle
    told: Told
    digest: str = ""
    signed: str = ""

    @property
    def scores(self) -> list[Score]:
        """The scores, those that were superseded among them."""
        return [record.said for record in self.records if isinstance(record.said, Score)]

    @property
    def alerts(self) -> list[Alert]:
        """The alerts, and the words that took one back."""
        return [record.said for record in self.records if isinstance(record.said, Alert)]

    @property
    def note(self) -> str:
        """What is signed."""
        return f"{FORMAT}\nsha256 {self.digest}\n"


def sealed(contest: Contest, signers: Sequence[Signer] = ()) -> Contest:
    """The contest with its digest, signed if there are signers."""
    digested = replace(contest, digest=content_digest(contest), signed="")
    return replace(digested, signed=sign_note(digested.note, signers).encoded.decode()) if signers else digested


def content_digest(contest: Contest) -> str:
    """SHA-256 of all but digest and signature, hexadecimal."""
    return sha256(msgspec.json.encode(replace(contest, digest="", signed=""))).hexdigest()


def encode_contest(contest: Contest) -> bytes:
    """The contest as JSON, to be read."""
    return msgspec.json.format(msgspec.json.encode(contest), indent=1) + b"\n"


def decode_contest(encoded: bytes, where: str = "contest.json") -> Contest:
    """A contest out of its JSON, however it is laid out; nothing in it is checked.

    Raises:
        FormatError: it is none, or says more than one.
    """
    try:
        contest = msgspec.json.decode(encoded, type=Contest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = explain(str(error), encoded) if isinstance(error, msgspec.ValidationError) else _no_json(error)
        raise FormatError(why.field, why.expected, why.got, where) from None
    if msgspec.json.format(encoded, indent=0) != msgspec.json.format(msgspec.json.encode(contest), indent=0):
        raise FormatError("$", "the fields of a contest, each once and as Vigil writes it", "others", where)
    return contest


def _no_json(error: Exception) -> Rejection:
    return Rejection("$", "JSON", str(error))
