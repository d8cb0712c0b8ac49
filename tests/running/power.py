"""A disk whose power is cut: what was not synced by then may be torn, gone or as it was before."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from streams.audit.files import Files


class PowerCutError(BaseException):
    """Nothing runs after it, so nothing may catch it."""


class Disk(Files):
    """Ends before the operation of a number, or in the middle of it if it is a write."""

    def __init__(self, folder: Path, random: Random, operations: int = 1_000_000) -> None:
        self._folder, self._random = folder, random
        self._left = self._allowed = operations
        self._content = set[Path]()  # written and not synced
        self._names = dict[Path, set[Path]]()  # new, and the folders on the way to it that were not synced since
        self._before = dict[Path, bytes]()  # what a rename replaced

    @property
    def used(self) -> int:
        return self._allowed - self._left

    def write(self, path: Path, content: bytes) -> None:
        self._content.add(path)
        self._named(path)
        with self._operation():
            super().write(path, content)

    def sync(self, path: Path) -> None:
        with self._operation():
            super().sync(path)
        self._content.discard(path)
        for each, missing in list(self._names.items()):
            missing.discard(path)
            if not missing:
                del self._names[each]
                self._before.pop(each, None)

    def rename(self, path: Path, to: Path) -> None:
        with self._operation():
            if to.exists():
                self._before[to] = to.read_bytes()
            super().rename(path, to)
            self._names.pop(path, None)
            self._named(to)
            if path in self._content:
                self._content.remove(path)
                self._content.add(to)

    def remove(self, path: Path) -> None:
        with self._operation():
            super().remove(path)

    def cut(self) -> None:
        """Lose of what was not synced whatever may be lost."""
        for path in sorted({*self._content, *self._names}):
            if path.exists() and self._random.random() < 0.7:
                self._lose(path)

    def _lose(self, path: Path) -> None:
        if path in self._names and (path in self._before or self._random.random() < 0.5):
            path.write_bytes(self._before[path]) if path in self._before else path.unlink()
        elif path in self._content:
            content = path.read_bytes()
            path.write_bytes(content[: self._random.randint(0, len(content))])

    def _named(self, path: Path) -> None:
        self._names[path] = {above for above in path.parents if above == self._folder or self._folder in above.parents}

    @contextmanager
    def _operation(self) -> Iterator[None]:
        if not self._left:
            raise PowerCutError
        self._left -= 1
        yield
