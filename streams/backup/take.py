"""
Make a backup while everything runs.

1. The files of the home are copied. The file of published figures is one of them, so the lake knows every release in
   the copy.
2. The catalogs are copied in one transaction. This is the moment of the backup.
3. The files of the lake that this copy refers to are copied, unless the pool has them already. No file changes after it
   was written, and the lock `BACKUP` keeps others from removing files until all are copied.
4. The manifest is written. Only then does the backup get its name.
"""

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from streams import names
from streams.backup.catalog import Copied, copy_catalogs
from streams.backup.facts import landed_until, shared_settings, unlanded
from streams.backup.folder import POOL, UNFINISHED, BackupFolder, name_at
from streams.backup.home_files import home_files
from streams.backup.lake_files import lake_files
from streams.backup.manifest import FORMAT, File, Manifest
from streams.errors import BackupFailed, BackupInvalid
from streams.lake.advisory import advisory_lock
from streams.lake.connect import connect
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["Taken", "back_up"]

Say = Callable[[str], None]

_TELL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """
    A finished backup.

    Attributes:
        name: its name in the folder.
        files: the number of files of the lake that it needs.
        bytes: the bytes that it takes, with the files that it shares with earlier backups.
        copied: how many files of the lake were copied. The pool had the others already.
        copied_bytes: the bytes that were written.
        events: the number of landed events in it.
        unlanded: how many records of the input topics had not landed yet; None if the broker did not answer.
        seconds: how long it took.
        removed: older backups that were removed.
    """

    name: str
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    events: int
    unlanded: int | None
    seconds: float
    removed: list[str]


def back_up(settings: Settings, folder: BackupFolder, *, keep: int | None, say: Say) -> Taken:
    """
    Make a backup of the lake and of the home.

    Args:
        keep: how many backups stay in the folder. None means all.
        say: a function that tells a person how far the work is.

    Raises:
        BackupFailed: the folder cannot be written or belongs to another lake, or the lake's files cannot be read.
        BackupInvalid: an earlier backup in the folder is damaged.
        LakeUnavailable: PostgreSQL or the object store does not answer.
        LockTaken: another backup ran for ten minutes.
    """
    began = time.monotonic()
    _refuse_places(settings, folder)
    connect(settings).close()  # a lake that nobody has used yet is made
    with advisory_lock(settings, LockKey.BACKUP):
        try:
            with folder.prepared(settings.home):
                return _Backup(settings, folder, say).take(began, keep)
        except OSError as error:
            with suppress(OSError, BackupInvalid):
                folder.keep(None)  # a full disk gets back what this backup took
            raise BackupFailed(
                f"no backup was made, because {error.filename or folder.path} cannot be read or written "
                f"({error.strerror}); earlier backups are as they were"
            ) from None


class _Backup:
    """One backup that is being made."""

    def __init__(self, settings: Settings, folder: BackupFolder, say: Say) -> None:
        self._settings, self._folder, self._say = settings, folder, say
        self._lake = lake_files(settings)
        self._own: list[File] = []

    def take(self, began: float, keep: int | None) -> Taken:
        settings, folder = self._settings, self._folder
        known = self._known()
        for path in home_files(settings.home, Path(settings.lake_folder).resolve()):
            self._copy_own(settings.home / path, f"home/{path}")
        copied = copy_catalogs(settings, self._store_rows)
        if (lake := known[0]) and lake != copied.lake:
            raise BackupFailed(
                f"{folder.path} holds backups of another lake, which this one must not replace; choose another folder"
            )
        name = name_at(copied.taken_at)
        if any(earlier > name for earlier in folder.names()):
            raise BackupFailed(
                f"{folder.path} has a backup from the future ({folder.names()[-1]}), because a clock was wrong; move "
                "it away"
            )
        pool, new = self._copy_lake(copied, known[1])
        landed = landed_until(settings, copied.snapshots[names.CATALOG_LANDING])
        own = [File(f"{name}/{one.path.partition('/')[2]}", one.size, one.sha256) for one in self._own]
        manifest = Manifest(
            format=FORMAT,
            duckdb=duckdb.__version__,
            lake=copied.lake,
            taken_at=copied.taken_at,
            landed_until=landed.until,
            events_a_day=landed.events_a_day,
            unlanded=unlanded(settings),
            rows=landed.rows,
            settings=shared_settings(settings),
            tables=copied.tables,
            files=[*own, *pool],
        )
        folder.finish(name, manifest)
        return Taken(
            name=name,
            files=len(pool),
            bytes=sum(file.size for file in manifest.files),
            copied=len(new),
            copied_bytes=sum(file.size for file in (*own, *new)),
            events=landed.rows["events"],
            unlanded=manifest.unlanded,
            seconds=time.monotonic() - began,
            removed=folder.keep(keep),
        )

    def _known(self) -> tuple[str, dict[str, File]]:
        """Return the lake of the newest backup, and the files of the lake that the pool has."""
        names_ = self._folder.names()
        if not names_:
            return "", {}
        manifest = self._folder.manifest(names_[-1])
        pool = {file.path: file for file in manifest.files if file.path.startswith(f"{POOL}/")}
        return manifest.lake, {path: file for path, file in pool.items() if self._folder.holds(file)}

    def _store_rows(self, rows: IO[bytes], name: str) -> None:
        self._own.append(self._folder.store(rows, f"{UNFINISHED}/catalog/{name}"))

    def _copy_own(self, source: Path, path: str) -> None:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise BackupFailed(f"the name of {str(source)!r} is not UTF-8; rename the file") from None
        try:
            opened = source.open("rb")
        except FileNotFoundError:
            return  # its owner has just removed it
        with opened:
            self._own.append(self._folder.store(opened, f"{UNFINISHED}/{path}"))

    def _copy_lake(self, copied: Copied, known: Mapping[str, File]) -> tuple[list[File], list[File]]:
        """Copy the files of the lake that the pool lacks. Return all files of the lake, and the copied ones."""
        missing = {path: size for path, size in copied.files.items() if f"{POOL}/{path}" not in known}
        needed, free = sum(missing.values()), shutil.disk_usage(self._folder.path).free
        if needed > free:
            raise BackupFailed(
                f"{self._folder.path} has {free / 1e6:,.0f} MB free, and the backup needs {needed / 1e6:,.0f} MB; "
                "make room, or choose another disk"
            )
        self._say(f"Copying {len(missing):,} of {len(copied.files):,} files, {needed / 1e6:,.1f} MB …")
        new, done, told_at = [], 0, time.monotonic()
        for path, size in missing.items():
            with self._lake.open(path, size) as source:
                new.append(self._folder.store(source, f"{POOL}/{path}"))
            done += size
            if time.monotonic() - told_at >= _TELL_SECONDS:
                told_at = time.monotonic()
                self._say(f"  {done / 1e6:,.1f} of {needed / 1e6:,.1f} MB")
        kept = [file for path in copied.files if (file := known.get(f"{POOL}/{path}"))]
        return [*kept, *new], new


def _refuse_places(settings: Settings, folder: BackupFolder) -> None:
    """Check that the lake and the home are not in the same folder as the backup."""
    lake = [] if settings.is_in_object_store else [Path(settings.lake_folder).resolve()]
    for protected in (settings.home.resolve(), *lake):
        if folder.path.is_relative_to(protected) or protected.is_relative_to(folder.path):
            raise BackupFailed(f"{folder.path} is not apart from {protected}; choose a folder on another disk")
