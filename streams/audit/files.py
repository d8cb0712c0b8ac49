"""What a log does to its folder: so little that a crash between any two of these can be tried out."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.audit.errors import UnusableError

LOCK = ".lock"


class Files:
    """Writes to a folder."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that nobody relies on yet."""
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def sync(self, path: Path) -> None:
        """Have a file's content, or a folder's names, on the disk before going on."""
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def rename(self, path: Path, to: Path) -> None:
        """Put a file in another one's place, at once."""
        path.replace(to)

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder with all that is in it."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_whole(files: Files, path: Path, content: bytes) -> None:
    """Write a file that is there entirely or not at all, and stays."""
    unfinished = path.with_name(f".{path.name}.new")
    files.write(unfinished, content)
    files.sync(unfinished)
    files.rename(unfinished, path)
    files.sync(path.parent)


def sync_all(files: Files, folder: Path, written: Iterable[Path]) -> None:
    """Have files below a folder on the disk, with the names of all folders on the way to them."""
    folders = {folder}
    for path in written:
        files.sync(path)
        folders.add(path.parent)
    for each in tuple(folders):
        folders.update(above for above in each.parents if folder in above.parents)
    for each in sorted(folders, reverse=True):
        files.sync(each)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a log's folder to oneself; the lock goes with the process, however it ends.

    Raises:
        UnusableError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableError(
                "writer", "nobody else who writes to this log", "another process", str(folder)
            ) from None
        yield
