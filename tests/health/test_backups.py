"""`status` says how old the newest backup is, and is red if a day was missed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.backup.folder import name_at
from streams.health.backups import backups
from streams.settings import Settings

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(backup=str(tmp_path))


def backup(settings: Settings, hours: float, *, is_whole: bool = True) -> None:
    folder = Path(settings.backup) / name_at(NOW - timedelta(hours=hours))
    folder.mkdir()
    if is_whole:
        (folder / "manifest.json").touch()


def test_no_row_if_nobody_asked_for_backups() -> None:
    assert backups(Settings(), NOW, None) == []


def test_age_is_that_of_the_newest_whole_backup(settings: Settings) -> None:
    backup(settings, 30)
    backup(settings, 7)
    backup(settings, 1, is_whole=False)
    (row,) = backups(settings, NOW, None)

    assert (row.level, row.address) == ("well", f"{settings.backup}, newest 7 h old")


@pytest.mark.parametrize(("age", "level"), [(25, "well"), (27, "red")])
def test_missed_day_is_red(settings: Settings, age: float, level: str) -> None:
    backup(settings, age)
    (row,) = backups(settings, NOW, NOW - timedelta(days=9))

    assert row.level == level


def test_folder_that_is_gone_is_red_but_a_new_home_has_a_day(settings: Settings) -> None:
    """A disk that is no longer mounted looks like a folder without backups."""
    (new,) = backups(settings, NOW, NOW - timedelta(hours=1))
    (old,) = backups(settings, NOW, NOW - timedelta(days=9))

    assert (new.level, old.level) == ("well", "red")
    assert "there is no backup in" in old.says
