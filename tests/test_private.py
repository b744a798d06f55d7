"""A private file is whole or as it was before, on the disk, and closed to others. One process at a time changes it."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams.private import is_unfinished, locked, opened_privately, write_privately
from streams.settings import PROJECT


@pytest.fixture
def careless() -> Iterator[None]:
    """A process that lets others read what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_only_the_owner_can_read_the_file_and_its_folder(tmp_path: Path, careless: None) -> None:
    file = tmp_path / "secrets" / "engineer.properties"
    write_privately(file, "one")
    write_privately(file, b"two")
    with locked(file.parent):
        pass

    assert file.read_text() == "two"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())} == {
        "secrets": 0o700,
        "engineer.properties": 0o600,
        "lock": 0o600,
    }


def test_a_file_that_others_could_read_is_replaced_and_not_written_to(tmp_path: Path) -> None:
    """Whoever has it open, or has made a link in its place, sees nothing of the new content."""
    file, elsewhere = tmp_path / "key", tmp_path / "elsewhere"
    elsewhere.write_text("before")
    elsewhere.chmod(0o644)
    file.symlink_to(elsewhere)
    write_privately(file, "new")

    assert (file.read_text(), elsewhere.read_text()) == ("new", "before")
    assert stat.S_IMODE(file.lstat().st_mode) == 0o600


def test_content_is_on_the_disk_before_the_file_has_its_name_and_then_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    file, sync = tmp_path / "accounts.json", os.fsync

    def noted(number: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{number}").readlink()), file.exists()))
        sync(number)

    monkeypatch.setattr(os, "fsync", noted)
    write_privately(file, "{}")
    (aside, had_name), folder = synced

    assert is_unfinished(Path(aside).name)
    assert not had_name
    assert folder == (str(tmp_path), True)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    write_privately(file, "before")

    def fill_the_disk() -> None:
        with opened_privately(file) as opened:
            opened.write(b"half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        fill_the_disk()

    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_files_that_are_written_at_once_are_never_mixed(tmp_path: Path) -> None:
    file, contents = tmp_path / "session", [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_privately(file, content), contents))

    assert file.read_text() in contents
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["accounts.json", "notes.new", ".hidden", ".venv.lock"])
def test_other_files_are_not_taken_for_left_ones(name: str) -> None:
    assert not is_unfinished(name)


def test_private_files_are_written_in_one_place() -> None:
    """The others write copies whose content they check, or a file that is of use even if it is cut off."""
    backup = {f"streams/backup/{name}.py" for name in ("folder", "lake_files")}
    others = backup | {"streams/importers/rejects.py"}
    files = (path for top in ("streams", "dashboard", "dags") for path in (PROJECT / top).rglob("*.py"))
    found = {str(path.relative_to(PROJECT)) for path in files if "O_CREAT" in path.read_text()}

    assert found - others == {"streams/private.py"}
