"""
Write a backup into a new home.

The home is filled in a folder aside. At the end, this folder gets the home's name. If the home exists, because it is a
volume or because its lake is replaced, the entries of the folder are moved into it. So nobody sees a half-restored
lake. From the moment at which the home changes, a file in it says that the restore is unfinished (`Unfinished`). Before
that moment, a restore that was interrupted begins again. After it, it goes on.

If the lake's files are in a folder elsewhere or in an object store, a mark beside them says the same. Only a place with
this mark is emptied.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from streams.backup.catalog import load_catalogs
from streams.backup.folder import POOL, BackupFolder, name_at
from streams.backup.home_files import BESIDE, ERASURES, RESTORING, belongs_to_backup
from streams.backup.lake_files import LakeFiles, lake_files, write_copy
from streams.backup.manifest import Manifest, Table
from streams.backup.unfinished import Unfinished, unfinished_in
from streams.errors import BackupInvalid, RestoreRefused
from streams.lake.connect import connect
from streams.lake.offsets import OFFSET_TABLES
from streams.lake.one_row import one_row
from streams.private import held
from streams.settings import Settings

__all__ = [
    "Aside",
    "alone",
    "fill_aside",
    "fill_erasures",
    "fill_lake",
    "finish_lake",
    "load_lake",
    "refuse_taken_places",
]

Say = Callable[[str], None]

_MARK = "caf-restoring"
_LOCK = f"{RESTORING}.lock"
_EMPTY = {"venv", ".venv.lock", "m2", "lost+found", RESTORING, _LOCK}
"""What may be in an empty home: what the launcher puts there, and what an interrupted restore left behind."""
_REPLACED = ("lake", "postgres", "warehouse.duckdb", "dbt", "docs", "data_docs")
"""What a restored lake replaces in a home that keeps its broker. What else the home has, it keeps as it is."""


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """
    Let no other process restore into a home until the block ends.

    Raises:
        RestoreRefused: another process does.
    """
    lock = home / _LOCK if home.exists() else home.with_name(f"{home.name}{_LOCK}")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with held(lock) as is_alone:
        if not is_alone:
            raise RestoreRefused(f"another process restores into {home}; wait until it has ended")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


class Aside:
    """
    The folder in which a home is filled: in the home if the home exists, otherwise beside it.

    Args:
        replaces: whether the lake of the home is replaced.
    """

    def __init__(self, settings: Settings, *, replaces: bool) -> None:
        self._settings, self._replaces = settings, replaces
        self._is_placed = False
        home = settings.home
        self.path = home / RESTORING if home.exists() else home.with_name(f"{home.name}{RESTORING}")

    @property
    def settings(self) -> Settings:
        """The settings of a process that works in this folder."""
        return replace(self._settings, home=self.path)

    def make(self) -> None:
        """
        Make the folder, after removing what an interrupted restore left behind.

        Raises:
            RestoreRefused: there is such a folder, and no restore made it.
        """
        if self.path.exists():
            if not (self.path / _MARK).is_file():
                raise RestoreRefused(f"{self.path} is in the way, and no restore made it; move it away")
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True, mode=0o700)
        (self.path / _MARK).touch(mode=0o600)

    def take_its_place(self, unfinished: Unfinished) -> None:
        """
        Give the folder the home's name, or move its entries into the home. The home keeps everything else.

        What is moved and replaced is noted in `unfinished`.
        """
        home = self._settings.home
        unfinished.entries = sorted({entry.name for entry in self.path.iterdir()} - {_MARK, "run", "logs"})
        unfinished.replaced = f"{BESIDE}{name_at(datetime.now(UTC))}" if self._replaces and home.exists() else ""
        unfinished.save(self.path)
        os.sync()  # nothing of the home may be lost once it has its name
        if not home.exists():
            (self.path / _MARK).unlink()
            self.path.rename(home)
            return
        if (self.path / ERASURES).is_dir():
            # These are the home's own records and those of the backup. They are in place before anything is moved. So
            # an interrupted restore forgets no erasure.
            shutil.copytree(self.path / ERASURES, home / ERASURES, dirs_exist_ok=True)
        unfinished.save(home)
        self._is_placed = True
        self.move_in(unfinished)

    def move_in(self, unfinished: Unfinished) -> None:
        """
        Move the entries of the folder into the home, unless it has them, and put away what they replace.

        After an interruption, the same call goes on.
        """
        home = self._settings.home
        if unfinished_in(self.path) != unfinished:
            return  # everything is in the home; what may be in the folder was left by another restore
        away = home / unfinished.replaced if unfinished.replaced else None
        if away:
            away.mkdir(mode=0o700, exist_ok=True)
        for name in sorted({*unfinished.entries, *(_REPLACED if away else ())}):
            is_new = (self.path / name).exists()
            is_old = is_new or name not in unfinished.entries
            if away and name in _REPLACED and is_old and (home / name).exists():
                (home / name).rename(away / name)
            if is_new and not (home / name).exists():
                (self.path / name).rename(home / name)
        os.sync()
        shutil.rmtree(self.path)

    def remove(self) -> None:
        """
        Remove the folder if its entries are not on their way into the home, and the files of a lake elsewhere.

        A restore that fails must leave no copy of the lake.
        """
        if self._is_placed or not self.path.exists():
            return
        shutil.rmtree(self.path, ignore_errors=True)
        if self._settings.lake_data:
            _empty_lake(lake_files(self._settings))


def refuse_taken_places(settings: Settings, *, may_replace: bool) -> None:
    """
    Check that nothing is overwritten.

    Raises:
        RestoreRefused: the home or the place of the lake holds something.
        LakeUnavailable: the lake's object store does not answer.
    """
    home = settings.home
    if settings.lake_data and may_replace:
        raise RestoreRefused("--replace works only if the lake is in the home; let CAF_LAKE_DATA name a new place")
    if mounted := [name for name in _REPLACED if (home / name).is_mount()]:
        raise RestoreRefused(f"{home / mounted[0]} is a disk of its own and cannot be moved; restore into a new home")
    if home.is_symlink():
        raise RestoreRefused(f"{home} is a symbolic link; name the folder itself")
    if home.exists() and {entry.name for entry in home.iterdir()} - _EMPTY and not may_replace:
        raise RestoreRefused(
            f"{home} is not empty; let --home name a new folder, or replace the lake of this home with --replace"
        )
    lake = lake_files(settings)
    if settings.lake_data and lake.is_used() and not lake.has(_MARK):
        raise RestoreRefused(f"{settings.lake_folder} is not empty; let CAF_LAKE_DATA name a new place")


def fill_aside(folder: BackupFolder, name: str, manifest: Manifest, aside: Aside, say: Say) -> None:
    """
    Copy the files of a backup, and check each of them.

    What a new home makes again is left out. Only somebody who changed the manifest, or another version of `caf`, can
    have put it there. It could be a program that the home would run, or a password that others know.

    Raises:
        BackupInvalid: a file is missing or was changed.
        RestoreRefused: the disk has too little room.
    """
    own = f"{name}/home/"
    size = sum(file.size for file in manifest.files)
    in_home = {file.path.removeprefix(own): file for file in manifest.files if file.path.startswith(own)}
    if left_out := sum(not belongs_to_backup(path) for path in in_home):
        say(f"{left_out:,} files are left out, because this version puts no such files into a backup")
    _refuse_full(manifest, aside.settings)
    say(f"Copying {len(manifest.files):,} files, {size / 1e6:,.1f} MB …")
    if aside.settings.lake_data:
        lake = lake_files(aside.settings)
        _empty_lake(lake)
        lake.write(_MARK, [])
    fill_lake(folder, manifest, aside.settings)
    for path, file in in_home.items():
        if belongs_to_backup(path):
            write_copy(aside.path / path, folder.fetch(file))


def _refuse_full(manifest: Manifest, settings: Settings) -> None:
    """
    Check that there is room for a backup on this machine's disks.

    Raises:
        RestoreRefused: there is not.
    """
    lake = settings.home if settings.is_in_object_store else Path(settings.lake_data or settings.home)
    sizes = {settings.home: 0, lake: 0}
    for file in manifest.files:
        is_of_lake = file.path.startswith(f"{POOL}/")
        if not (is_of_lake and settings.is_in_object_store):
            sizes[lake if is_of_lake else settings.home] += file.size
    for place, needed in sizes.items():
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        if needed > (free := shutil.disk_usage(existing).free):
            raise RestoreRefused(
                f"{place} has {free / 1e6:,.0f} MB free, and the backup needs {needed / 1e6:,.0f} MB; make room, or "
                "choose another disk"
            )


def fill_lake(folder: BackupFolder, manifest: Manifest, settings: Settings) -> None:
    """
    Copy those files of the lake that are not there yet, and check each of them.

    Other files are removed: an interrupted erasure in this lake wrote them, and the catalogs that list them are loaded
    again.

    Raises:
        BackupInvalid: a file is missing or was changed.
        LakeUnavailable: the lake's object store does not answer.
    """
    lake, pool = lake_files(settings), f"{POOL}/"
    wanted = {file.path.removeprefix(pool): file for file in manifest.files if file.path.startswith(pool)}
    there = set(lake.names())
    for name in there - {*wanted, _MARK}:
        lake.remove(name)
    for name, file in wanted.items():
        if name not in there:
            lake.write(name, folder.fetch(file))


def finish_lake(settings: Settings) -> None:
    """Say that the files of a lake elsewhere are finished, so that no restore removes them any more."""
    if settings.lake_data:
        lake_files(settings).remove(_MARK)


def _empty_lake(lake: LakeFiles) -> None:
    """Remove what a restore has left unfinished elsewhere. A place without the mark stays as it is."""
    if lake.has(_MARK):
        lake.clear(_MARK)
        lake.remove(_MARK)


def fill_erasures(folder: BackupFolder, home: Path, aside: Aside) -> None:
    """
    Copy the records of all erasures that are known: those of the newest backup, and those of the home, if it exists.

    The backup that is restored may be older than an erasure. What was erased must then be erased again.

    Raises:
        RestoreRefused: the two were recorded with different keys, so half of them would no longer be recognised. Or the
            newest backup cannot be read, and the home has no records of its own, so that erasures may be missing.
    """
    newest, manifest = _newest_readable(folder)
    damaged = folder.names()[-1]
    if newest != damaged and not (home / ERASURES / "key").is_file():
        raise RestoreRefused(
            f"the list of files of the newest backup {damaged} cannot be read, so nobody knows what was erased until "
            f"then. If nothing was erased after {newest}, move the folder {folder.path / damaged} away, and restore"
        )
    own = f"{newest}/home/{ERASURES}/"
    for file in manifest.files:
        if file.path.startswith(own):
            target = aside.path / ERASURES / file.path.removeprefix(own)
            target.unlink(missing_ok=True)
            write_copy(target, folder.fetch(file))
    if (home / ERASURES).is_dir():
        keys = {key.read_bytes() for place in (home, aside.path) if (key := place / ERASURES / "key").is_file()}
        if len(keys) > 1:
            raise RestoreRefused(
                f"the erasures in {home / ERASURES} and those in the backup have different keys; move that folder "
                "away, restore, and request its erasures again"
            )
        shutil.copytree(home / ERASURES, aside.path / ERASURES, dirs_exist_ok=True)


def _newest_readable(folder: BackupFolder) -> tuple[str, Manifest]:
    """
    Return the newest backup whose manifest can be read.

    Raises:
        BackupInvalid: there is none.
    """
    for name in reversed(folder.names()):
        with suppress(BackupInvalid):
            return name, folder.manifest(name)
    raise BackupInvalid(f"no backup in {folder.path} can be read")


def load_lake(folder: BackupFolder, name: str, manifest: Manifest, settings: Settings, command: str) -> None:
    """
    Load the catalogs into the database of a home whose files are in place, and compare the landed rows.

    Args:
        command: the command that finishes the restore.

    Raises:
        BackupInvalid: the rows of a table are not those of the backup.
        LakeUnavailable: PostgreSQL does not answer.
    """
    by_path = {file.path: file for file in manifest.files}

    def rows_of(table: Table) -> IO[bytes]:
        path = f"{name}/catalog/{table.schema}.{table.name}"
        if path not in by_path:
            raise BackupInvalid(f"{path} is missing in the manifest of backup {name}")
        rows = TemporaryFile(dir=settings.home)  # noqa: SIM115  (the caller closes it)
        rows.writelines(folder.fetch(by_path[path]))
        rows.seek(0)
        return rows

    load_catalogs(settings, manifest.tables, rows_of, command)
    with connect(settings) as lake:
        found = {
            table: one_row(lake.execute(f"SELECT count(*) FROM landing.main.{table}"))[0] for table in OFFSET_TABLES
        }
    if found != manifest.rows:
        raise BackupInvalid(f"backup {name} has {manifest.rows} rows, and {found} were restored; use another backup")
