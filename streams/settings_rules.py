"""What the types of the settings cannot say: fields that need or exclude each other, addresses, names of topics."""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from streams.settings import Kafka, OAuth, Redis, Security, Worker, hide_credentials
from streams.site_rules import Finding, Findings, Item

PREFIX_CHARACTERS_MAX = 128  # a topic's name has at most 249
_OF_TOPICS = re.compile(r"[A-Za-z0-9._-]*")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
_PORTS = range(1, 65_536)
_NEEDED: dict[str | None, tuple[str, ...]] = {None: (), "OAUTHBEARER": ("oauth",)}
_BY_PASSWORD = ("username", "password")
_PROOFS = (*_BY_PASSWORD, "oauth")


def findings(settings: object) -> Findings:
    """Everything wrong or doubtful with the plain value of settings; fields that do not fit their type are left out."""
    kafka = _item(settings, "kafka")
    yield from _kafka(_fitting(kafka, Kafka))
    security = _item(kafka, "security")
    yield from _security(_fitting(security, Security), _fitting(security.get("oauth"), OAuth))
    redis = _item(settings, "redis")
    yield from _redis(_fitting(redis, Redis) if redis else {})
    worker = _fitting(_item(settings, "worker"), Worker)
    yield from _worker(worker)
    yield from _shadow(settings.get("bundle") if isinstance(settings, dict) else None, worker.get("shadow_bundle"))


def _item(owner: object, key: str) -> Item:
    item = owner.get(key) if isinstance(owner, dict) else None
    return item if isinstance(item, dict) else {}


def _fitting(item: object, kind: type[Struct]) -> Item:
    """The fields of an item that fit their types, and the defaults of those left out."""
    given = item if isinstance(item, dict) else {}
    values: Item = {}
    for each in fields(kind):
        with suppress(msgspec.ValidationError):
            values[each.name] = msgspec.convert(given.get(each.name, _default(each)), each.type)
    return values


def _default(of: FieldInfo) -> Any:  # noqa: ANN401 - whatever the field holds
    return of.default if of.default_factory is NODEFAULT else of.default_factory()


def _kafka(kafka: Item) -> Findings:
    for at, broker in enumerate(kafka.get("brokers", [])):
        match = _BROKER.fullmatch(broker)
        if not match or int(match["port"] or 1) not in _PORTS:
            yield Finding(f"$.kafka.brokers[{at}]", "a host or host:port", hide_credentials(broker))
    yield from _topic_parts(kafka)
    if kafka.keys() >= {"retention_hours", "journal_retention_hours"}:
        input_hours, journal_hours = kafka["retention_hours"], kafka["journal_retention_hours"]
        if journal_hours < input_hours:
            expected = f"at least retention_hours, {input_hours}"
            yield Finding("$.kafka.journal_retention_hours", expected, str(journal_hours), warning=True)


def _topic_parts(kafka: Item) -> Findings:
    for name in ("prefix", "group"):
        if not _OF_TOPICS.fullmatch(kafka.get(name, "")):
            yield Finding(f"$.kafka.{name}", "letters, digits and . _ - only, as names of topics have", kafka[name])
    if (length := len(kafka.get("prefix", ""))) > PREFIX_CHARACTERS_MAX:
        yield Finding("$.kafka.prefix", f"at most {PREFIX_CHARACTERS_MAX} characters", str(length))


def _security(security: Item, oauth: Item) -> Findings:
    if "mechanism" in security:
        yield from _proofs(security, security["mechanism"])
    yield from _pair(security, "certificate_file", "key_file")
    yield from _pair(security, "key_file", "certificate_file")
    yield from _without_tls(security, https="https" in oauth.get("token_url", ""))
    yield from _token_url(oauth.get("token_url"))


def _proofs(security: Item, mechanism: str | None) -> Findings:
    needed = _NEEDED.get(mechanism, _BY_PASSWORD)
    for name in (name for name in _PROOFS if name in security):
        given = security[name] is not None
        if name in needed and not given:
            yield Finding(f"$.kafka.security.{name}", f"a value, for mechanism {mechanism} needs it", "nothing")
        if given and name not in needed:
            expected = f"nothing with mechanism {mechanism}" if mechanism else "a mechanism that uses it"
            yield Finding(f"$.kafka.security.{name}", expected, "a value" if mechanism else "none")


def _pair(security: Item, one: str, other: str) -> Findings:
    if security.get(one) and other in security and not security[other]:
        yield Finding(f"$.kafka.security.{other}", f"a file, as {one} is set", "nothing")


def _without_tls(security: Item, *, https: bool) -> Findings:
    if security.get("tls", True):
        return
    for name in ("ca_file", "certificate_file"):
        if security.get(name) and not (name == "ca_file" and https):
            yield Finding("$.kafka.security.tls", f"true, as {name} is set", "false")
    if security.get("mechanism"):
        got = f"false: with {security['mechanism']} alone everything can be read on the way"
        yield Finding("$.kafka.security.tls", "true", got, warning=True)


def _token_url(text: str | None) -> Findings:
    url = _split(text) if text else None
    if text and (url is None or url.scheme not in {"https", "http"} or not url.hostname or "@" in url.netloc):
        expected = "https://host/path, without credentials"
        yield Finding("$.kafka.security.oauth.token_url", expected, hide_credentials(text))
    elif url and url.scheme == "http":
        got = "http, over which the client's secret can be read on the way"
        yield Finding("$.kafka.security.oauth.token_url", "https", got, warning=True)


def _redis(redis: Item) -> Findings:
    if redis.keys() >= set(_BY_PASSWORD) and redis["username"] and not redis["password"]:
        yield Finding("$.redis.password", "a value, as username is set", "nothing")
    if "url" in redis:
        url = _split(redis["url"])
        if url is None or not _is_redis(url):
            expected = "redis://host:port/db or rediss://host:port/db, with username and password in their own fields"
            yield Finding("$.redis.url", expected, hide_credentials(redis["url"]))
        elif url.scheme == "redis":
            yield from _redis_without_tls(redis)


def _is_redis(url: SplitResult) -> bool:
    plain = not (url.query or url.fragment or "@" in url.netloc)
    database = url.path.strip("/")
    return plain and url.scheme in {"redis", "rediss"} and bool(url.hostname) and (not database or database.isdigit())


def _redis_without_tls(redis: Item) -> Findings:
    if redis.get("ca_file"):
        yield Finding("$.redis.url", "rediss://, as ca_file is set", "redis://")
    elif redis.get("password"):
        yield Finding("$.redis.url", "rediss://", "redis://, over which the password can be read", warning=True)


def _split(text: str) -> SplitResult | None:
    with suppress(ValueError):
        url = urlsplit(text)
        if url.port is None or url.port in _PORTS:
            return url
    return None


def _worker(worker: Item) -> Findings:
    yield from _below_session(worker, "snapshot_every_s", worker.get("snapshot_every_s"))
    yield from _below_session(worker, "wait_ms", worker.get("wait_ms", 0) / 1_000)


def _shadow(bundle: object, shadow: str | None) -> Findings:
    if shadow is not None and shadow == bundle:
        expected = "another bundle than the one that scores"
        yield Finding("$.worker.shadow_bundle", expected, f"{shadow} again", warning=True)


def _below_session(worker: Item, name: str, seconds: float | None) -> Findings:
    """A warning where a worker may be taken for gone before it has done what it does each so often."""
    session_s = worker.get("session_s")
    if seconds is not None and session_s is not None and seconds >= session_s:
        yield Finding(f"$.worker.{name}", f"less than session_s, {session_s:g} s", f"{seconds:g} s", warning=True)
