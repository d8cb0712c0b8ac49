"""What Kafka's messages hold, as bytes: pose batches, facts, journal blocks, scores, dead letters."""

from collections.abc import Sequence

from features.events import Disposition, IdentityChange, PoseBatch, Purchase, Rejection, parse_event

Fact = Purchase | IdentityChange | Disposition
Headers = Sequence[tuple[str, bytes]]

CONTENT_TYPE = "content-type"
ARROW = b"application/vnd.apache.arrow.stream"
BYTES = b"application/octet-stream"
JSON = b"application/json"
JSON_LINES = b"application/jsonl"
CLOUD_EVENT = b"application/cloudevents+json"
STEP = "vigil-step"  # header of late input: the number of the lane's step, by which a repeat is known
WHY = "vigil-why"  # header of a dead letter: the reason, as JSON; its value is the message that was refused


def decode_fact(value: bytes) -> Fact:
    """A purchase, an identity change or a disposition.

    Raises:
        Rejection: it is none, or not as it should be.
    """
    event = parse_event(value)
    if isinstance(event, PoseBatch):
        raise Rejection("$.type", "purchase, identity or disposition", "poses")
    return event
