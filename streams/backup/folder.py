"""
The folder that holds backups.

    files/                the pool: files of the lake. They never change, so all backups share them
    20261130T013000.000Z/ one backup: the rows of the catalogs, the files of the home, and the manifest
    encryption            only if the backups are encrypted: the salt, and a text by which the key is recognised
    of-home               the home whose backups these are

A backup gets its name when all of it is on the disk. Until then its folder is called `.unfinished`, so a half-written
backup never counts as a backup.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from streams.backup.manifest import File, Manifest, read_manifest
from streams.backup.seal import BLOCK, ENCRYPTION, seal_of
from streams.errors import BackupFailed, BackupInvalid
from streams.private import held, is_unfinished, write_privately

__all__ = ["POOL", "UNFINISHED", "BackupFolder", "name_at", "newest", "taken_at"]

UNFINISHED = ".unfinished"
MANIFEST = "manifest.json"
POOL = "files"
_OF_HOME = "of-home"
_LOCK = ".lock"
_OWN = {POOL, UNFINISHED, ENCRYPTION, _OF_HOME, _LOCK}
_NAME = "%Y%m%dT%H%M%S.%fZ"


def name_at(moment: datetime) -> str:
    """Return the name of a backup that was taken at this time."""
    return moment.astimezone(UTC).strftime(_NAME)


def taken_at(name: str) -> datetime | None:
    """Return the time that the name of a backup gives, or None if it is not the name of a backup."""
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def newest(folder: Path) -> datetime | None:
    """Return when the newest whole backup in a folder was taken, or None if there is none. No key is needed."""
    times = [taken_at(file.parent.name) for file in folder.glob(f"*/{MANIFEST}")]
    return max((time for time in times if time is not None), default=None)


class BackupFolder:
    """
    A folder with backups.

    Args:
        path: the folder. A relative path and symbolic links are resolved once, so they cannot change their meaning.
        key: the file with the key, if the backups are encrypted.

    Raises:
        BackupInvalid: the key is missing, is not needed, or is not the one with which the backups were encrypted.
        SettingInvalid: the key file cannot be used.
    """

    def __init__(self, path: Path, key: Path | None = None) -> None:
        self.path = path.expanduser().resolve()
        self.key = key
        self._seal = seal_of(self.path, key, is_used=bool(self.names()))

    def names(self) -> list[str]:
        """
        Return the names of all whole backups, oldest first.

        Raises:
            BackupInvalid: the folder or a backup in it cannot be read. If such a backup counted as removed, the files
                that it needs would also be removed.
        """
        try:
            found = [entry.name for entry in self.path.iterdir() if taken_at(entry.name) is not None]
            return sorted(name for name in found if _is_there(self.path / name / MANIFEST))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BackupInvalid(f"{error.filename or self.path} cannot be read: {error.strerror}") from None

    def chosen(self, name: str | None = None) -> str:
        """
        Return the name of a backup. By default, this is the newest one.

        Raises:
            BackupInvalid: there is no such backup.
        """
        names = self.names()
        if not names or (name is not None and name not in names):
            raise BackupInvalid(
                f"there is no whole backup {name or ''} in {self.path}; there are: {', '.join(names) or 'none'}"
            )
        return name or names[-1]

    def manifest(self, name: str) -> Manifest:
        """
        Read the manifest of a backup.

        Raises:
            BackupInvalid: the manifest is damaged, or was written by a newer version.
        """
        blocks = self._stored(f"{name}/{MANIFEST}")
        return read_manifest(b"".join(self._seal.open(blocks, MANIFEST) if self._seal else blocks), name)

    @contextmanager
    def prepared(self, home: Path) -> Iterator[None]:
        """
        Make the folder, close it to others, and remove what an interrupted backup left behind.

        Until the block ends, no other process can make a backup in the folder. The first encrypted backup makes the
        salt, and waits until it is on the disk: without it, nobody can decrypt the backups.

        Args:
            home: the home that is backed up. A folder is for one home.

        Raises:
            BackupFailed: the folder belongs to somebody else or to another home, cannot be closed, or is in use.
            BackupInvalid: somebody has made a backup there meanwhile, with another key or with none.
        """
        self._close()
        with held(self.path / _LOCK) as is_alone:
            if not is_alone:
                raise BackupFailed(f"another process makes a backup in {self.path}; a folder is for one home")
            self._refuse_other(home)
            self._seal = seal_of(self.path, self.key, is_used=bool(self.names()), makes=True)
            self._remove_unfinished()
            (self.path / UNFINISHED).mkdir(mode=0o700)
            try:
                yield
            finally:
                shutil.rmtree(self.path / UNFINISHED, ignore_errors=True)

    def _refuse_other(self, home: Path) -> None:
        file, own = self.path / _OF_HOME, os.fsencode(home.resolve())
        if not file.exists():
            write_privately(file, own)
        elif file.read_bytes() != own:
            raise BackupFailed(
                f"{self.path} has the backups of another home ({os.fsdecode(file.read_bytes())}); choose another "
                f"folder, or remove {file} if {home} has taken its place"
            )

    def _remove_unfinished(self) -> None:
        """Remove what interrupted runs left: a backup without its name, and backups that were being removed."""
        shutil.rmtree(self.path / UNFINISHED, ignore_errors=True)
        whole = set(self.names())
        for entry in self.path.iterdir():
            if taken_at(entry.name) is not None and entry.name not in whole:
                shutil.rmtree(entry)

    def _close(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise BackupFailed(
                f"{self.path} belongs to another user, who could read the backups; choose another folder"
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            if not all(map(_is_own, self.path.iterdir())):
                raise BackupFailed(
                    f"{self.path} is open to other users and holds other files, so it is not closed; choose a folder "
                    "of its own"
                )
            self.path.chmod(0o700)
            if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
                raise BackupFailed(f"{self.path} cannot be closed to other users; choose a disk with permissions")

    def store(self, source: IO[bytes], path: str) -> File:
        """
        Copy an open file to a path below the backup folder.

        The checksum is that of the content before it is encrypted. So a file that is copied again, because it was
        damaged, is still the file that older backups need.
        """
        target, digest, size = self.path / path, hashlib.sha256(), 0
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = target.with_name(f"{target.name}.new")

        def content() -> Iterator[bytes]:
            for block in _blocks(source):
                digest.update(block)
                yield block

        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            for block in self._seal.close(content(), _known_as(path)) if self._seal else content():
                out.write(block)
                size += len(block)
            _sync(out)
        aside.rename(target)
        return File(path, size, digest.hexdigest())

    def holds(self, file: File) -> bool:
        """Return whether a file is there and has its size. Its content is not read."""
        try:
            found = (self.path / file.path).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == file.size

    def fetch(self, file: File) -> Iterator[bytes]:
        """
        Yield the content of a file, and check it.

        Raises:
            BackupInvalid: the file is missing or was changed. The content that was yielded before must not be used.
        """
        digest, size = hashlib.sha256(), 0

        def stored() -> Iterator[bytes]:
            nonlocal size
            for block in self._stored(file.path):
                size += len(block)
                yield block

        for block in self._seal.open(stored(), _known_as(file.path)) if self._seal else stored():
            digest.update(block)
            yield block
        if (size, digest.hexdigest()) != (file.size, file.sha256):
            raise BackupInvalid(f"{file.path} was changed since the backup")

    def finish(self, name: str, manifest: Manifest) -> None:
        """Write the manifest, wait until everything is on the disk, and give the backup its name."""
        content = msgspec.json.encode(manifest)
        target = self.path / UNFINISHED / MANIFEST
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for block in self._seal.close(_parts(content), MANIFEST) if self._seal else [content]:
                out.write(block)
            _sync(out)
        os.sync()
        (self.path / UNFINISHED).rename(self.path / name)
        os.sync()

    def keep(self, count: int | None) -> list[str]:
        """
        Remove the oldest backups until `count` are left, and the files of the lake that no backup needs any more.

        Returns:
            The names of the removed backups.

        Raises:
            BackupInvalid: the manifest of a backup is damaged. No file of the lake is removed, because this backup may
                need it.
        """
        removed = self.names()[:-count] if count else []
        for name in removed:
            (self.path / name / MANIFEST).unlink()
            shutil.rmtree(self.path / name)
        needed = {file.path for name in self.names() for file in self.manifest(name).files}
        for path in list((self.path / POOL).rglob("*")):
            if path.is_file() and str(path.relative_to(self.path)) not in needed:
                path.unlink()
        return removed

    def _stored(self, path: str) -> Iterator[bytes]:
        try:
            number = os.open(self.path / path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise BackupInvalid(f"{path} is missing") from None
        except OSError as error:
            raise BackupInvalid(f"{path} cannot be read: {error.strerror}") from None
        with os.fdopen(number, "rb") as file:
            yield from _blocks(file)


def _is_there(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_own(entry: Path) -> bool:
    return entry.name in _OWN or is_unfinished(entry.name) or taken_at(entry.name) is not None


def _sync(file: IO[bytes]) -> None:
    """Wait until a file is on the disk. Some disks say only now that they are full or broken."""
    file.flush()
    os.fsync(file.fileno())


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _parts(content: bytes) -> Iterator[bytes]:
    return (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))


def _known_as(path: str) -> str:
    """Return the name under which a file is encrypted. It does not contain the name of the backup."""
    first, _, rest = path.partition("/")
    return path if first == POOL else rest
