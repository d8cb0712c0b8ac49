"""Bytes and numbers in text, of which there is exactly one way to write each."""

import re
from base64 import b64decode, b64encode

from streams.audit.errors import FormatError


def base64_text(value: bytes) -> str:
    """Bytes in standard base64, with padding."""
    return b64encode(value).decode()


def base64_bytes(text: str, field: str, where: str) -> bytes:
    """Bytes out of standard base64, of which there is one way to write them.

    Raises:
        FormatError: it is not that.
    """
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        raise FormatError(field, "base64", repr(text), where) from None
    if base64_text(value) != text:
        raise FormatError(field, f"base64 as {base64_text(value)}", repr(text), where)
    return value


def decimal(text: str, field: str, where: str) -> int:
    """A number below 2**63 without leading zeros.

    Raises:
        FormatError: it is not that.
    """
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >= 1 << 63:
        raise FormatError(field, "a decimal number below 2**63 without leading zeros", repr(text), where)
    return int(text)
