"""The settings of a running system: what the file holds and the environment may replace."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from features.events import Name

Port = Annotated[int, Meta(ge=0, le=65_535)]  # 0: any free one
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Text = Annotated[str, Meta(min_length=1)]

SECRETS = frozenset({"password", "client_secret"})  # names of fields whose values are never shown
HIDDEN = "***"
_CREDENTIALS = re.compile(r"^([a-z]+://)?.*@", re.DOTALL)  # of a URL
_QUERY = re.compile(r"[?#].+", re.DOTALL)


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the settings, whose secrets no text of it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, _shown(name, getattr(self, name))) for name in self.__struct_fields__]


class OAuth(_Part, frozen=True):
    """Where tokens come from: the client credentials grant of OAuth 2.0."""

    token_url: Text
    client_id: Text
    client_secret: str = ""
    scope: str = ""


class Security(_Part, frozen=True):
    """How a client proves itself to Kafka and Kafka to it.

    `mechanism` with `username` and `password`, or with `oauth`. The authorities in `ca_file` (PEM) are trusted besides
    the system's, for the broker and for the token server. `certificate_file` and `key_file` (PEM, the key not
    encrypted) are the client's own where the broker asks for them.
    """

    tls: bool = False
    ca_file: Text | None = None
    certificate_file: Text | None = None
    key_file: Text | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    username: Text | None = None
    password: Text | None = None
    oauth: OAuth | None = None


class Kafka(_Part, frozen=True):
    """The broker and the topics.

    `prefix` comes before every topic's name, `group` is the consumer group and names the state's topic. `partitions` is
    how far the work can be spread; state rests on it, so it cannot change while there is state.
    """

    brokers: Annotated[list[Text], Meta(min_length=1)] = field(default_factory=lambda: ["localhost:9092"])
    prefix: str = ""
    group: Name = "vigil"
    partitions: Annotated[int, Meta(ge=1, le=1_000)] = 4
    replicas: Annotated[int, Meta(ge=1, le=7)] = 1
    retention_hours: Positive = 72
    journal_retention_hours: Positive = 24 * 365
    security: Security = Security()


class Redis(_Part, frozen=True):
    """The cache of the live view.

    `url` is redis://host:port/db or, with TLS, rediss://; the authorities in `ca_file` (PEM) are then trusted besides
    the system's. `username` is of the access control list; without one, the default user has the `password`.
    """

    url: Text = "redis://localhost:6379/0"
    username: Text | None = None
    password: Text | None = None
    ca_file: Text | None = None
    prefix: str = "vigil:"


class Live(_Part, frozen=True):
    """The live view: how long what is seen of a person or an alert is shown without news."""

    person_expires_s: Positive = 300
    alert_expires_s: Positive = 3_600
    camera_expires_s: Positive = 3_600


class Worker(_Part, frozen=True):
    """How a worker works.

    `instance`: its name in the group, which a restarted worker takes up again; without one, its host's name.
    `wait_ms`: how long messages are gathered to be worked on together. `snapshot_every_s`: how often the
    state is written. `align_s`: how long poses wait for purchases that the broker holds already. `ahead_ms`: how far
    the time of an event may lie after the time at which its message was written.
    `standbys`: how many other workers keep a copy of the state. `shadow_bundle`: file of a bundle on trial, whose
    scores go to a topic of their own and which raises no alerts. `normality`: file of what is normal at the site.
    """

    instance: Name | None = None
    wait_ms: Annotated[int, Meta(ge=0, le=10_000)] = 50
    snapshot_every_s: Seconds = 2.0
    align_s: Seconds = 5.0
    ahead_ms: Annotated[int, Meta(ge=1_000)] = 60_000
    session_s: Annotated[float, Meta(ge=1)] = 6.0
    standbys: Annotated[int, Meta(ge=0, le=5)] = 0
    shadow_bundle: Text | None = None
    normality: Text | None = None


class Produce(_Part, frozen=True):
    """How a recording is played: frames to a message, and how long a frame waits for its message to fill."""

    frames_per_message: Annotated[int, Meta(ge=1, le=1_000)] = 4
    wait_ms: Annotated[int, Meta(ge=0)] = 300


class Operations(_Part, frozen=True):
    """Where /metrics, /healthz, /readyz and /live are served, and how logs look."""

    host: Text = "127.0.0.1"
    port: Port = 8_070
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Part, frozen=True):
    """Everything that can be set. `site` and `bundle` are files; without a bundle the shipped one scores."""

    site: Text = "site.yaml"
    bundle: Text | None = None
    kafka: Kafka = Kafka()
    redis: Redis | None = None
    live: Live = Live()
    worker: Worker = Worker()
    produce: Produce = Produce()
    operations: Operations = Operations()


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as plain values for logs and people; secrets that are set read `***`."""
    return dict(_without_secrets(msgspec.to_builtins(settings)))


def hide_credentials(url: str) -> str:
    """A URL whose user, password and query, if there are any, read `***`."""
    return _QUERY.sub(f"?{HIDDEN}", _CREDENTIALS.sub(rf"\g<1>{HIDDEN}@", url))


def _without_secrets(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        yield name, dict(_without_secrets(value)) if isinstance(value, dict) else _shown(name, value)


def _shown(name: str, value: object) -> object:
    if name in SECRETS:
        return HIDDEN if value else value
    return hide_credentials(value) if name.endswith("url") and isinstance(value, str) else value
