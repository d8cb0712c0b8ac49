"""Erasures on Kafka: the message that asks a lane for one, and what a lane does about it."""

from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from features.events import Name, Rejection, TimeMs, explain

VISITS_MAX = 1_000  # of one message and of one tombstone
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
VisitId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]


class Erasure(Struct, frozen=True, forbid_unknown_fields=True, tag="erasure", tag_field="type"):
    """That visits are to be erased; whose they were, it does not say.

    Attributes:
        erasure: names it.
        time_ms: when it was asked for.
        partition: of the visits, and of this message.
        visits: ids of their keys, hexadecimal.
        persons: `digest` of the names they may be known by outside of journal and audit log.
        customers: `digest` of the customers, as `store/token`, whose remembered baskets go with them.
        before: by topic, the offset before which everything is deleted that can be read without a key.
        reason: asked for, or by age.
    """

    erasure: Name
    time_ms: TimeMs
    partition: Annotated[int, Meta(ge=0)]
    visits: Annotated[list[VisitId], Meta(min_length=1, max_length=VISITS_MAX)]
    persons: list[Digest] = []
    customers: list[Digest] = []
    before: dict[str, Annotated[int, Meta(ge=0)]] = {}
    reason: Literal["asked", "age"] = "asked"

    @property
    def keys(self) -> list[bytes]:
        """The ids of the keys as bytes."""
        return [bytes.fromhex(visit) for visit in self.visits]

    def is_of(self, person: str) -> bool:
        """Whether a person of this name is erased."""
        return digest(person) in self.persons


_decoder = msgspec.json.Decoder(Erasure)


def decode_erasure(value: bytes) -> Erasure:
    """An erasure out of a message.

    Raises:
        Rejection: it is none, or not as it should be.
    """
    try:
        return _decoder.decode(value)
    except msgspec.ValidationError as why:
        raise explain(str(why), value) from None
    except (msgspec.DecodeError, UnicodeError) as why:
        raise Rejection("$", "an erasure as JSON", str(why)) from None


def digest(name: str) -> str:
    """What an erasure names somebody by."""
    return sha256(name.encode()).hexdigest()
