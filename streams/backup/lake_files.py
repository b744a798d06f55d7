"""The files of a lake, one by one and without looking into them, whether they are in a folder or in an object store."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

from streams.errors import BackupFailed
from streams.lake.objects import Objects
from streams.settings import Settings

__all__ = ["LakeFiles", "lake_files", "write_copy"]


class LakeFiles(Protocol):
    """The files of a lake, by their path below the lake's folder or prefix."""

    def names(self) -> Iterator[str]:
        """Yield the path of each file."""

    def has(self, name: str) -> bool:
        """Return whether there is a file."""

    def open(self, name: str, size: int) -> IO[bytes]:
        """
        Open a file for reading.

        Raises:
            BackupFailed: it cannot be read, or does not have `size` bytes.
            LakeUnavailable: the object store does not answer.
        """

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file. It gets its name when all of its content is there. An error of `content` leaves no file."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def clear(self, kept: str) -> None:
        """Remove everything except the file `kept`."""

    def is_used(self) -> bool:
        """Return whether anything is there."""


def lake_files(settings: Settings) -> LakeFiles:
    """
    Return the files of the lake.

    Raises:
        LakeUnavailable: the lake is in an object store for which there are no credentials.
    """
    return _ObjectFiles(settings) if settings.is_in_object_store else _FolderFiles(Path(settings.lake_folder))


def write_copy(target: Path, content: Iterable[bytes]) -> None:
    """
    Write a file of a backup for its owner alone, into a folder that may not exist yet.

    The file gets its name when all of its content is there. An error of `content` leaves no file of this name.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = target.with_name(f"{target.name}.part")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.writelines(content)
    aside.rename(target)


class _FolderFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Iterator[str]:
        # The caller may remove files meanwhile.
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        yield from (str(path.relative_to(self._folder)) for path in files)

    def has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def open(self, name: str, size: int) -> IO[bytes]:
        path = self._folder / name
        try:
            source = path.open("rb")
        except OSError as error:
            raise BackupFailed(
                f"a file of the lake cannot be read ({path}: {error.strerror}); run './caf verify'"
            ) from None
        if os.fstat(source.fileno()).st_size != size:
            source.close()
            raise _wrong_size(path, size)
        return source

    def write(self, name: str, content: Iterable[bytes]) -> None:
        write_copy(self._folder / name, content)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def clear(self, kept: str) -> None:
        for entry in self._folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != kept:
                entry.unlink()

    def is_used(self) -> bool:
        return self._folder.exists() and any(self._folder.iterdir())


class _ObjectFiles:
    """Each file passes through a temporary file, because its size and checksum must be known before it is used."""

    def __init__(self, settings: Settings) -> None:
        self._objects, self._home = Objects(settings), settings.home

    def names(self) -> Iterator[str]:
        # Some tools make an object with the name of the prefix itself.
        yield from filter(None, [name for name, _ in self._objects.names()])

    def has(self, name: str) -> bool:
        return self._objects.has(name)

    def open(self, name: str, size: int) -> IO[bytes]:
        copy = self._temporary(self._objects.read(name))
        if copy.seek(0, os.SEEK_END) != size:
            copy.close()
            raise _wrong_size(f"{self._objects.store.url}/{name}", size)
        copy.seek(0)
        return copy

    def write(self, name: str, content: Iterable[bytes]) -> None:
        with self._temporary(content) as copy:
            self._objects.write(name, copy)

    def remove(self, name: str) -> None:
        self._objects.remove(name)

    def clear(self, kept: str) -> None:
        for name in self.names():
            if name != kept:
                self._objects.remove(name)

    def is_used(self) -> bool:
        return any(self.names())

    def _temporary(self, content: Iterable[bytes]) -> IO[bytes]:
        """
        Copy content into a file without a name in the home, and return the file, open at its beginning.

        The folder for temporary files may be in memory.
        """
        copy = TemporaryFile(dir=self._home)  # noqa: SIM115  (the caller closes it)
        try:
            copy.writelines(content)
            copy.seek(0)
        except BaseException:
            copy.close()
            raise
        return copy


def _wrong_size(place: object, size: int) -> BackupFailed:
    return BackupFailed(f"a file of the lake does not have its {size} bytes ({place}); run './caf verify'")
