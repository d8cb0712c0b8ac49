"""Where a log is read from: its folder, or the URL under which the folder is served."""

from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from streams.audit.errors import GapError, UnusableError
from streams.audit.tiles import CHECKPOINT

Source = Callable[[str], bytes | None]
"""Gives the content of a file by its path in the log, None where there is none."""
TIMEOUT_S = 30.0
BYTES_MAX = 32 << 20
"""More than the largest bundle; a server that sends more is not believed."""
_MISSING = {404, 410}


def source_of(place: str) -> Source:
    """The source of a log by its folder or URL.

    Raises:
        UnusableError: it is neither.
    """
    if urlsplit(place).scheme in {"http", "https"}:
        return url_source(place)
    folder = Path(place)
    if not folder.is_dir():
        raise UnusableError("log", "a folder, or a URL with http:// or https://", "neither", place)
    return folder_source(folder)


def folder_source(folder: Path) -> Source:
    """A log in a folder."""

    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return read


def url_source(url: str) -> Source:
    """A log that is served; what cannot be reached is a failure of the network, not of the log."""
    prefix = url.rstrip("/")

    def read(path: str) -> bytes | None:
        request = Request(f"{prefix}/{path}", headers={"User-Agent": "vigil-audit"})  # noqa: S310 - checked by source_of
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked by source_of
                content: bytes = answer.read(BYTES_MAX + 1)
        except HTTPError as refused:
            if refused.code in _MISSING:
                return None
            raise OSError(refused.code, f"{refused.code} {refused.reason}", request.full_url) from None
        except URLError as failed:
            raise OSError(0, str(failed.reason), request.full_url) from None
        if len(content) > BYTES_MAX:
            raise OSError(0, f"more than {BYTES_MAX:,} bytes", request.full_url)
        return content

    return read


def checkpoint_of(source: Source) -> bytes:
    """The bytes of a log's checkpoint.

    Raises:
        GapError: there is none.
    """
    encoded = source(CHECKPOINT)
    if encoded is None:
        raise GapError("file", "the checkpoint of a log", "none", CHECKPOINT)
    return encoded
