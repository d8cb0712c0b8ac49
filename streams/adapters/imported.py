"""What every importer returns, and how it fails."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import ParseError

import msgspec
import yaml

_UNREADABLE = (
    EOFError, IndexError, KeyError, OSError, TypeError, ValueError, msgspec.MsgspecError, tarfile.TarError,
    yaml.YAMLError, zlib.error, ParseError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a data set.

    Attributes:
        person_frames: rows with a person.
        purchases: baskets.
        persons: tracks of tracked persons; of purchases, customers.
        notes: what the source holds that was left out or completed, each with its count and the reason.
    """

    person_frames: int = 0
    purchases: int = 0
    persons: int = 0
    notes: list[str] = field(default_factory=list)


Importer = Callable[[Path, Path], Imported]
"""Reads the data set below a source folder and writes the recording into a target folder."""


class ImportFailure(Exception):  # noqa: N818 - the word for an import that came to nothing
    """A file of a data set that could not be read: which, what was expected, what was there instead."""

    def __init__(self, path: Path, expected: str, got: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}")
        self.path, self.expected, self.got = path, expected, got


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into an ImportFailure that says what was expected there."""
    try:
        yield
    except FileNotFoundError:
        raise ImportFailure(path, expected, "no such file or folder") from None
    except _UNREADABLE as error:
        raise ImportFailure(path, expected, f"{type(error).__name__}: {error}") from error


def files_of(folder: Path, pattern: str, expected: str) -> list[Path]:
    """The files below a folder, by name.

    Raises:
        ImportFailure: there is none.
    """
    if not folder.is_dir():
        raise ImportFailure(folder, expected, "no such folder")
    files = sorted(folder.glob(pattern))
    if not files:
        raise ImportFailure(folder, expected, f"no file {pattern}")
    return files
