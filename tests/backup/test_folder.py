"""A backup folder holds whole backups only, says what is wrong with a damaged one, and is closed to others."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from streams.backup.check import check
from streams.backup.folder import BackupFolder, newest
from streams.backup.home_files import home_files
from streams.backup.put_back import Aside, fill_aside, fill_erasures
from streams.cli.main import caf
from streams.errors import BackupFailed, BackupInvalid, MachineUnfit, RestoreRefused, SettingInvalid
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.backup.conftest import CONTENT, HOME

POOLED = "files/landing/main/events/one.parquet"


@pytest.fixture(params=["plain", "encrypted"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, key: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "backups", key if request.param == "encrypted" else None)


def wrong(folder: BackupFolder) -> list[str]:
    return check(folder, lambda _: None).wrong


def read(folder: BackupFolder, name: str) -> dict[str, bytes]:
    files = folder.manifest(name).files
    return {file.path.removeprefix(f"{name}/"): b"".join(folder.fetch(file)) for file in files}


def test_files_come_back_as_they_were(folder: BackupFolder, make: Callable[..., str]) -> None:
    name = make(folder)

    assert read(folder, name) == CONTENT
    assert wrong(folder) == []


def test_altered_and_missing_files_are_named(folder: BackupFolder, make: Callable[..., str]) -> None:
    name = make(folder)
    pooled = folder.path / POOLED
    content = pooled.read_bytes()
    pooled.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (folder.path / name / "home/desk/accounts.json").unlink()
    first, second = wrong(folder)

    assert first.startswith(POOLED)
    assert "was changed" in first
    assert second == f"{name}/home/desk/accounts.json is missing"


def test_file_cut_at_the_end_of_a_block_is_found(folder: BackupFolder, make: Callable[..., str]) -> None:
    make(folder)
    os.truncate(folder.path / POOLED, 1 << 20)

    assert "was changed" in wrong(folder)[0]


def test_symbolic_link_in_place_of_a_file_is_refused(folder: BackupFolder, make: Callable[..., str]) -> None:
    make(folder)
    (folder.path / POOLED).rename(folder.path / "elsewhere")
    (folder.path / POOLED).symlink_to(folder.path / "elsewhere")

    assert wrong(folder)[0].startswith(f"{POOLED} cannot be read")


def test_interrupted_backup_is_no_backup_and_is_removed_by_the_next(
    folder: BackupFolder, make: Callable[..., str]
) -> None:
    (folder.path / ".unfinished").mkdir(parents=True)
    (folder.path / ".unfinished" / "manifest.json").write_text("{}")

    assert folder.names() == []
    assert newest(folder.path) is None
    with pytest.raises(BackupInvalid, match="there is no whole backup"):
        folder.chosen()

    name = make(folder)

    assert folder.names() == [name]
    assert not (folder.path / ".unfinished").exists()


def test_a_backup_that_cannot_be_seen_keeps_its_files(
    folder: BackupFolder, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user may have copied it there, or the disk may fail for a moment."""
    name, lstat = make(folder), Path.lstat

    def refused(path: Path) -> os.stat_result:
        if path == folder.path / name / "manifest.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return lstat(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", refused)
        with pytest.raises(BackupInvalid, match="cannot be read: Permission denied"):
            folder.keep(None)

    assert wrong(folder) == []


def test_a_disk_that_fails_when_it_writes_makes_no_backup(
    folder: BackupFolder, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk on the network may take everything, and say only at the end that it has no room."""
    make(folder)
    first = folder.names()

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(OSError, match="Input/output"):
            make(folder)

    assert folder.names() == first


def test_old_backups_are_removed_with_the_files_that_nobody_needs(
    folder: BackupFolder, make: Callable[..., str]
) -> None:
    make(folder, {"files/landing/a": b"a", "files/landing/b": b"b"})
    kept = make(folder, {"files/landing/b": b"b"})
    folder.keep(1)

    assert folder.names() == [kept]
    assert [path.name for path in (folder.path / "files").rglob("*") if path.is_file()] == ["b"]
    assert wrong(folder) == []


def test_nothing_is_removed_if_a_manifest_cannot_be_read(folder: BackupFolder, make: Callable[..., str]) -> None:
    """The damaged backup may still need the files."""
    name = make(folder)
    (folder.path / name / "manifest.json").write_bytes(b"{")
    make(folder, {"files/landing/b": b"b"})
    with pytest.raises(BackupInvalid):
        folder.keep(None)

    assert (folder.path / POOLED).exists()


@pytest.mark.parametrize("changed", [{"format": 2}, {"duckdb": "99.0.0"}])
def test_backup_of_a_newer_version_is_refused(
    folder: BackupFolder, make: Callable[..., str], changed: dict[str, object]
) -> None:
    name = make(folder, **changed)
    with pytest.raises(BackupInvalid, match="was made by a newer version"):
        folder.manifest(name)


@pytest.mark.parametrize(
    "path",
    [
        *("files/../../etc/passwd", "files//tmp/evil", "/tmp/evil", "../evil", "files/./evil", "files/evil/", "", "."),
        *("{name}/home//tmp/evil", "{name}/home/../../evil", "{name}/home/./evil", "files/evil\\u0000"),
    ],
)
def test_manifest_that_leads_outside_its_folder_is_refused(tmp_path: Path, make: Callable[..., str], path: str) -> None:
    folder = BackupFolder(tmp_path / "backups")
    name = make(folder)
    manifest = folder.path / name / "manifest.json"
    manifest.write_text(manifest.read_text().replace(POOLED, path.format(name=name)))
    with pytest.raises(BackupInvalid, match="was changed by somebody"):
        folder.manifest(name)


def test_folder_is_closed_to_others(tmp_path: Path, make: Callable[..., str]) -> None:
    path = tmp_path / "backups"
    path.mkdir()
    path.chmod(0o777)
    make(BackupFolder(path))

    assert [entry for entry in (path, *path.rglob("*")) if entry.stat().st_mode & 0o077] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    os.chown(tmp_path / "backups", 65534, 65534)
    with (
        pytest.raises(BackupFailed, match="belongs to another user"),
        BackupFolder(tmp_path / "backups").prepared(tmp_path),
    ):
        pass


def test_a_folder_is_for_one_home_and_one_backup_at_a_time(folder: BackupFolder, make: Callable[..., str]) -> None:
    """Otherwise two homes would replace each other's rows, and remove each other's backups."""
    make(folder)

    with (
        pytest.raises(BackupFailed, match="has the backups of another home"),
        folder.prepared(Path("/another/home")),
    ):
        pass
    with (
        folder.prepared(HOME),
        pytest.raises(BackupFailed, match="another process makes a backup"),
        folder.prepared(HOME),
    ):
        pass


def test_a_folder_with_files_of_others_is_not_closed(tmp_path: Path) -> None:
    """It may be a folder that other users need, for example a mounted disk."""
    (tmp_path / "letter").touch()
    tmp_path.chmod(0o755)

    with pytest.raises(BackupFailed, match="holds other files"), BackupFolder(tmp_path).prepared(HOME):
        pass
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_damaged_file_that_is_copied_again_serves_all_backups(
    tmp_path: Path, key: Path, make: Callable[..., str]
) -> None:
    """Encrypted again, the file has other bytes than before, and the same content."""
    folder = BackupFolder(tmp_path / "backups", key)
    first = make(folder)
    (folder.path / POOLED).unlink()
    second = make(folder)

    for name in (first, second):
        for file in folder.manifest(name).files:
            assert list(folder.fetch(file))


def test_encrypted_backup_holds_nothing_readable(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    folder = BackupFolder(tmp_path / "backups", key)
    make(folder, {"files/landing/a": b"zqplant" * 9, "home/desk/accounts.json": b"zqplant"}, lake="zqplant")
    files = [path for path in folder.path.rglob("*") if path.is_file()]

    assert len(files) == 6
    assert [path for path in files if b"zqplant" in path.read_bytes()] == []


def test_encrypted_files_cannot_change_places(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    """Somebody without the key cannot pass one file off as another, even with a manifest from the same folder."""
    folder = BackupFolder(tmp_path / "backups", key)
    name = make(folder, {"files/landing/a": b"a", "files/landing/b": b"b"})
    one, other = folder.manifest(name).files
    (folder.path / other.path).write_bytes((folder.path / one.path).read_bytes())
    with pytest.raises(BackupInvalid, match="was changed"):
        b"".join(folder.fetch(other))


def test_key_must_be_the_right_one(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    path, other = tmp_path / "backups", tmp_path / "other"
    make(BackupFolder(path, key))
    other.write_text("quite another passphrase")
    other.chmod(0o600)
    with pytest.raises(BackupInvalid, match="does not open the backups"):
        BackupFolder(path, other)
    with pytest.raises(BackupInvalid, match="are encrypted; name the key file"):
        BackupFolder(path)


def test_looking_at_a_folder_writes_nothing(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    """Somebody may look at the wrong folder, or at a disk that is not mounted. The first backup makes the salt."""
    path = tmp_path / "backups"
    seen = CliRunner().invoke(caf, ["backup", "list", str(path), "--key", str(key)])

    assert (seen.exit_code, seen.output) == (0, "")
    assert not path.exists()

    folder = BackupFolder(path, key)
    name = make(folder)
    assert read(BackupFolder(path, key), name) == CONTENT


def test_a_key_that_somebody_has_used_meanwhile_is_noticed(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    """Both looked at the folder while it was empty. It must not hold plain and encrypted files in the end."""
    keyed, plain = BackupFolder(tmp_path / "backups", key), BackupFolder(tmp_path / "backups")
    make(keyed)

    with pytest.raises(BackupInvalid, match="are encrypted; name the key file"):
        make(plain)


def test_a_full_disk_leaves_no_empty_name_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty one, the folder would belong to no home for ever."""
    folder = BackupFolder(tmp_path / "backups")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"), folder.prepared(HOME):
            pass
    with folder.prepared(HOME):
        pass

    assert (folder.path / "of-home").read_bytes() == bytes(HOME)


def test_folder_with_plain_backups_takes_no_encrypted_ones(tmp_path: Path, key: Path, make: Callable[..., str]) -> None:
    make(BackupFolder(tmp_path / "backups"))
    with pytest.raises(BackupInvalid, match="are not encrypted"):
        BackupFolder(tmp_path / "backups", key)


def test_key_that_protects_nothing_is_refused(tmp_path: Path, key: Path) -> None:
    inside = tmp_path / "backups" / "key"
    inside.parent.mkdir()
    inside.write_bytes(key.read_bytes())
    with pytest.raises(BackupInvalid, match="in the folder that it protects"):
        BackupFolder(tmp_path / "backups", inside)
    key.chmod(0o644)
    with pytest.raises(SettingInvalid, match="chmod 600"):
        BackupFolder(tmp_path / "backups", key)
    key.write_text("short")
    key.chmod(0o600)
    with pytest.raises(SettingInvalid, match="too short"):
        BackupFolder(tmp_path / "backups", key)


def test_relative_path_in_the_settings_is_refused() -> None:
    """Airflow's tasks run in other folders than the person who set the variable."""
    with pytest.raises(SettingInvalid, match="CAF_BACKUP is 'backups'; allowed: a path that begins with /"):
        Settings(backup="backups")


def test_verify_names_what_is_wrong_and_fails(tmp_path: Path, make: Callable[..., str]) -> None:
    folder = BackupFolder(tmp_path / "backups")
    make(folder)
    assert CliRunner().invoke(caf, ["backup", "verify", str(folder.path)]).exit_code == 0
    (folder.path / POOLED).unlink()
    failed = CliRunner().invoke(caf, ["backup", "verify", str(folder.path)])

    assert isinstance(failed.exception, BackupInvalid)
    assert f"{POOLED} is missing" in str(failed.exception)


def restore(folder: BackupFolder, home: Path) -> BaseException | None:
    port = str(free_ports(1)[0])
    words = ["restore", str(folder.path), "--home", str(home), "--yes"]
    return CliRunner().invoke(caf, words, env={"CAF_KAFKA_PORT": port}).exception


def test_restore_of_a_damaged_backup_leaves_nothing(tmp_path: Path, make: Callable[..., str]) -> None:
    folder = BackupFolder(tmp_path / "backups")
    make(folder)
    os.truncate(folder.path / POOLED, 5)
    error = restore(folder, tmp_path / "home")

    assert isinstance(error, BackupInvalid)
    assert POOLED in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["backups"]


def test_what_no_backup_contains_is_not_restored(tmp_path: Path, make: Callable[..., str]) -> None:
    """A manifest that somebody changed could put a program of theirs into the home, or a password that they know."""
    folder, aside = BackupFolder(tmp_path / "backups"), Aside(Settings(home=tmp_path / "home"), replaces=False)
    planted = (
        "venv/bin/python",
        "secrets/kafka/watch.properties",
        "desk/secret",
        "postgres/pg_hba.conf",
        "audit/waiting",
    )
    own = dict.fromkeys((*planted, "notebooks/mine.py", ".restoring-unfinished.json"), b"planted")
    name, said = make(folder, {f"home/{path}": data for path, data in own.items()}), []
    aside.make()
    fill_aside(folder, name, folder.manifest(name), aside, said.append)

    assert [path.name for path in aside.path.rglob("*") if path.is_file() and path.read_bytes()] == ["mine.py"]
    assert said[0].startswith("6 files are left out")


def test_restore_onto_a_full_disk_says_so_before_it_copies(
    tmp_path: Path, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, aside = BackupFolder(tmp_path / "backups"), Aside(Settings(home=tmp_path / "home"), replaces=False)
    name = make(folder)
    aside.make()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(RestoreRefused, match="has 1 MB free, and the backup needs 3 MB"):
        fill_aside(folder, name, folder.manifest(name), aside, lambda _: None)

    assert not (aside.path / "lake").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_home_of_another_user_is_refused_before_anything_is_copied(tmp_path: Path, make: Callable[..., str]) -> None:
    """The servers would refuse it at the end."""
    folder, home = BackupFolder(tmp_path / "backups"), tmp_path / "home"
    make(folder)
    home.mkdir()
    os.chown(home, 65534, 65534)
    error = restore(folder, home)

    assert isinstance(error, MachineUnfit)
    assert list(home.iterdir()) == []


def test_erasures_with_another_key_are_not_lost(tmp_path: Path, make: Callable[..., str]) -> None:
    """Those of the backup could not be recognised with the key of a home that was made anew."""
    folder, home = BackupFolder(tmp_path / "backups"), tmp_path / "home"
    make(folder, {"home/erasures/key": b"one"})
    (home / "erasures").mkdir(parents=True)
    (home / "erasures" / "key").write_bytes(b"another")
    aside = Aside(Settings(home=home), replaces=True)
    aside.make()
    with pytest.raises(RestoreRefused, match="have different keys"):
        fill_erasures(folder, home, aside)
    (home / "erasures" / "key").write_bytes(b"one")
    fill_erasures(folder, home, aside)


def test_no_erasure_is_forgotten_because_the_newest_backup_is_damaged(tmp_path: Path, make: Callable[..., str]) -> None:
    """Only the newest backup, or the home that it is of, knows all erasures."""
    folder, home = BackupFolder(tmp_path / "backups"), tmp_path / "home"
    older, damaged = (make(folder, {"home/erasures/key": b"one"}) for _ in range(2))
    (folder.path / damaged / "manifest.json").write_bytes(b"{")
    aside = Aside(Settings(home=home), replaces=False)
    aside.make()
    with pytest.raises(RestoreRefused, match=f"newest backup {damaged} cannot be read.* after {older}"):
        fill_erasures(folder, home, aside)
    assert not (aside.path / "erasures").exists()
    (home / "erasures").mkdir(parents=True)
    (home / "erasures" / "key").write_bytes(b"one")
    fill_erasures(folder, home, aside)


def test_restore_overwrites_nothing(tmp_path: Path, make: Callable[..., str]) -> None:
    folder = BackupFolder(tmp_path / "backups")
    make(folder)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "home")

    assert isinstance(restore(folder, tmp_path / "home"), RestoreRefused)
    assert isinstance(restore(folder, tmp_path / "link"), RestoreRefused)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


def test_what_a_killed_process_left_of_a_private_file_is_in_no_backup(tmp_path: Path) -> None:
    """It may be a key that a backup must not hold."""
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "accounts.json").touch()
    (tmp_path / "desk" / ".secret.0123abcd.new").touch()

    assert list(home_files(tmp_path, tmp_path / "lake")) == ["desk/accounts.json"]
