"""Alerts as CloudEvents 1.0: structured JSON, the same bytes for the same alert."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from features.events import Rejection, explain
from models.records import Alert

CONTRACTS = "https://vigil.internal/contracts/1/"  # names the schemas; raised when one of them is broken with
RAISED: Literal["internal.vigil.alert.raised"] = "internal.vigil.alert.raised"
WITHDRAWN: Literal["internal.vigil.alert.withdrawn"] = "internal.vigil.alert.withdrawn"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AlertEvent(Struct, frozen=True, gc=False):
    """An alert in the envelope of CloudEvents 1.0, in JSON's structured mode.

    Attributes:
        id: the alert's; a message with an id that came before is a repeat and holds nothing new.
        source: the site, as `/sites/NAME`.
        type: whether the alert is raised, or an earlier one taken back.
        subject: the person.
        time: of the event that the alert is about, not of its publication; UTC to the millisecond.
        dataschema: names the schema of `data`.
        data: the alert.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Literal["internal.vigil.alert.raised", "internal.vigil.alert.withdrawn"]
    subject: str
    time: str
    datacontenttype: Literal["application/json"]
    dataschema: str
    data: Alert


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AlertEvent)


def cloud_event(alert: Alert, site: str) -> bytes:
    """An alert of a site as the JSON of a CloudEvent."""
    event = AlertEvent(
        "1.0",
        alert.id,
        f"/sites/{quote(site, safe=':@')}",
        RAISED if alert.withdraws is None else WITHDRAWN,
        alert.person,
        rfc3339(alert.time_ms),
        "application/json",
        f"{CONTRACTS}alert.schema.json",
        alert,
    )
    return _encoder.encode(event)


def alert_of(value: bytes) -> Alert:
    """The alert in a CloudEvent.

    Raises:
        Rejection: it is no CloudEvent that holds an alert, or says something else of it than the alert does.
    """
    try:
        event = _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise explain(str(error), value) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Rejection("$", "JSON", str(error)) from None
    if event.id != event.data.id:
        raise Rejection("$.id", f"{event.data.id}, the alert's", event.id)
    expected = RAISED if event.data.withdraws is None else WITHDRAWN
    if event.type != expected:
        raise Rejection("$.type", f"{expected} with withdraws {event.data.withdraws}", event.type)
    return event.data


def rfc3339(time_ms: int) -> str:
    """A time in milliseconds since the epoch, such as 2026-01-31T23:59:59.042Z."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
