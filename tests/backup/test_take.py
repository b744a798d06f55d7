"""A backup of a real lake: what is copied, what is not copied again, and what is refused."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from streams.backup.check import check
from streams.backup.folder import BackupFolder
from streams.backup.take import Taken, back_up
from streams.errors import BackupFailed
from streams.kafka import client
from streams.lake import maintain as maintenance
from streams.lake.advisory import LockSession
from streams.lake.connect import connect
from streams.lake.lock_keys import LockKey
from streams.lake.maintain import maintain
from streams.settings import PROJECT, Settings
from streams.stack.ports import free_ports


@pytest.fixture
def own(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a lake for one test. No broker answers, and the client soon stops waiting for it."""
    monkeypatch.setattr(client, "_BOOTSTRAP_TIMEOUT_MS", 300)
    return replace(fresh_settings, kafka=f"127.0.0.1:{free_ports(1)[0]}")


@pytest.fixture
def folder(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "backups")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield place
    subprocess.run(["umount", place], check=True)


def insert(settings: Settings, *, rows: int = 1) -> None:
    with connect(settings, landing="read_write") as lake:
        lake.execute(
            "INSERT INTO landing.main.events BY NAME "
            f"SELECT range AS kafka_offset, 'x' AS topic, uuid()::VARCHAR AS payload FROM range({rows})"
        )


def take(settings: Settings, folder: BackupFolder, keep: int | None = None) -> Taken:
    return back_up(settings, folder, keep=keep, say=lambda _: None)


def test_only_new_files_are_copied_and_only_the_newest_snapshot(own: Settings, folder: BackupFolder) -> None:
    for _ in range(3):
        insert(own)
    first = take(own, folder)
    insert(own)
    second = take(own, folder)
    maintain(own)
    merged = take(own, folder, keep=1)

    assert (first.copied, second.copied, second.files) == (3, 1, 4)
    assert (merged.files, merged.copied, merged.events) == (1, 1, 4)
    assert folder.names() == [merged.name]
    assert len(list((folder.path / "files").rglob("*.parquet"))) == 1
    assert check(folder, lambda _: None).wrong == []


def test_files_stay_while_a_backup_is_made(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "SNAPSHOTS_KEPT", maintenance.SNAPSHOTS_KEPT * 0)
    for _ in range(3):
        insert(own)
    files = set(Path(own.lake_folder).rglob("*.parquet"))
    with closing(LockSession(own, "test")) as session:
        assert session.try_lock(LockKey.BACKUP)
        maintain(own)
        assert all(file.exists() for file in files)
    maintain(own)

    assert not any(file.exists() for file in files)


def test_folder_of_another_lake_is_refused(own: Settings, folder: BackupFolder, tmp_path: Path) -> None:
    """A new, empty home with the old settings must not push out the backups of the home that was lost."""
    insert(own)
    name = take(own, folder).name
    other = replace(own, database=f"{own.database}_other", lake_data=str(tmp_path / "other"))
    with pytest.raises(BackupFailed, match="holds backups of another lake"):
        take(other, folder, keep=1)

    assert folder.names() == [name]


def test_folder_inside_what_it_protects_is_refused(own: Settings) -> None:
    for inside in (own.home / "backups", Path(own.lake_folder) / "backups", own.home.parent):
        with pytest.raises(BackupFailed, match="is not apart from"):
            take(own, BackupFolder(inside))


def test_lost_file_of_the_lake_is_named(own: Settings, folder: BackupFolder) -> None:
    insert(own)
    (lost,) = Path(own.lake_folder).rglob("*.parquet")
    lost.unlink()
    with pytest.raises(BackupFailed, match=lost.name):
        take(own, folder)

    assert folder.names() == []


@pytest.mark.parametrize(("free", "says"), [(60_000, "No space left on device"), (700_000, "MB free, and the backup")])
def test_full_disk_leaves_earlier_backups_whole(own: Settings, small_disk: Path, free: int, says: str) -> None:
    """The disk may be full before the files of the lake are copied, or too small for them."""
    folder = BackupFolder(small_disk / "backups")
    insert(own)
    name = take(own, folder).name
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free - free))
    insert(own, rows=50_000)
    with pytest.raises(BackupFailed, match=says):
        take(own, folder)

    assert folder.names() == [name]
    assert check(folder, lambda _: None).wrong == []
    assert not (folder.path / ".unfinished").exists()


def test_killed_backup_leaves_nothing_that_counts(
    own: Settings, folder: BackupFolder, wait: Callable[[Callable[[], object]], None]
) -> None:
    for _ in range(3):
        insert(own)
    environ = {**os.environ, **own.to_env(), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "streams.cli", "backup", str(folder.path)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        wait(lambda: list(folder.path.glob(".unfinished/catalog/*")))
        process.kill()

    assert process.returncode < 0
    assert folder.names() == []

    taken = take(own, folder)

    assert (taken.files, taken.unlanded) == (3, None)
    assert check(folder, lambda _: None).wrong == []


@pytest.fixture
def wait() -> Callable[[Callable[[], object]], None]:
    """Waits until something is there."""

    def until(found: Callable[[], object]) -> None:
        deadline = time.monotonic() + 120
        while not found():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.001)

    return until
