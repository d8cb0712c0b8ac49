"""Logs: one JSON object a line on stderr, or text for people; Vigil's own and those of the libraries alike.

What is logged is what the system does, never what a message says: of values that are no plain data only their kind is
shown, and secrets are hidden wherever they stand.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import ExceptionRenderer, JSONRenderer, format_exc_info
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from streams import clock
from streams.settings import Operations

OWN = "vigil"
LIBRARIES = ("aiokafka", "asyncio", "faust", "kafka", "mode", "redis")
HIDDEN = "***"
DEPTH_MAX = 12

_CALLED = r"passw(?:or)?d|passphrase|secret|token|authorization|credential|api[_-]?key|private[_-]?key"
_SECRET = re.compile(_CALLED, re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://(?:[^\s/@:]*:\S*|[^\s/]*)@")
_BEARER = re.compile(r"\bBearer\s+\S+")
_NAMED = re.compile(
    rf"""(?P<name>(?:{_CALLED})[\w.-]{{0,40}}(?:\\*["'])?\s{{0,4}}[:=]\s{{0,4}})"""
    r"""(?:\\*"(?:[^"\\]|\\.)*"|\\*'(?:[^'\\]|\\.)*'|(?:(?:Bearer|Basic)\s+)?\S+)""",
    re.IGNORECASE | re.DOTALL,
)


def logger(name: str) -> BoundLogger:
    """The logger of a part of Vigil, for example `worker`; what is bound to it is in all its lines."""
    bound: BoundLogger = structlog.stdlib.get_logger(f"{OWN}.{name}")
    return bound


def configure(operations: Operations) -> None:
    """Write logs to stderr from now on, in the format and from the level of the settings.

    Libraries are heard from warnings on. `structlog.contextvars.bind_contextvars(worker=...)` puts a field into every
    line, theirs included.
    """
    level = logging.getLevelNamesMapping()[operations.log_level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(operations))
    _route(handler, level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_FIELDS, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=False,
    )


def _route(handler: logging.Handler, level: int) -> None:
    """Everything to one handler, through the root alone."""
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(OWN).setLevel(level)
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(logging.NOTSET)


def _formatter(operations: Operations) -> ProcessorFormatter:
    people = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
    )
    frames = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))  # locals hold poses and passwords
    shown: list[Processor] = [frames, hide_secrets, _in_order, JSONRenderer(partial(json.dumps, allow_nan=False))]
    if operations.log_format == "text":
        shown = [format_exc_info, hide_secrets, people]
    return ProcessorFormatter(foreign_pre_chain=_FIELDS, processors=[ProcessorFormatter.remove_processors_meta, *shown])


def _stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    when = datetime.fromtimestamp(clock.now_ms() / 1_000, UTC)
    event["time"] = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _in_order(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What every line has first."""
    first = {name: event.pop(name) for name in ("time", "level", "logger", "event") if name in event}
    return {**first, **event}


_FIELDS: tuple[Processor, ...] = (
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    _stamp,
)


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A processor: the values of what is named like a secret, and secrets in texts, at any depth."""
    return {_text(key): _under(key, value, DEPTH_MAX) for key, value in event.items()}


def without_secrets(text: str) -> str:
    """A text without credentials in addresses, bearer tokens, and values next to the name of a secret."""
    text = _IN_ADDRESS.sub(f"://{HIDDEN}@", text)
    text = _NAMED.sub(rf"\g<name>{HIDDEN}", text)
    return _BEARER.sub(f"Bearer {HIDDEN}", text)


def _under(key: object, value: object, depth: int) -> object:
    if value is not None and _SECRET.search(_text(key)):
        return HIDDEN
    return _plain(value, depth)


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401 - anything JSON can hold
    if value is None or isinstance(value, Real):
        return _number(value)
    if isinstance(value, str | BaseException | PurePath | datetime):
        return without_secrets(str(value))
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {_text(key): _under(key, one, depth - 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, depth - 1) for one in value]
    return f"<{type(value).__name__}>"


def _number(value: Real | None) -> object:
    """As JSON has it, numpy's among them; what JSON has no number for, as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def _text(key: object) -> str:
    return without_secrets(str(key))
