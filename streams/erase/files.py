"""Remove what log files still say about a subject, and find what a person must remove."""

import re
from collections.abc import Iterator
from pathlib import Path

from streams.backup.home_files import BESIDE
from streams.erase.subject import Subject
from streams.settings import Settings

__all__ = ["named_in_imports", "overwrite_logs", "replaced_lakes"]

_LOGS = ("logs", "airflow/logs", "dbt/logs")
_NOT_NEWLINE = re.compile(rb"[^\n]")


def overwrite_logs(settings: Settings, subject: Subject) -> int:
    """
    Overwrite the lines of logs that contain an id.

    A log stays open while its program runs. So its lines are overwritten in place, with as many bytes.

    Returns:
        The number of overwritten lines.
    """
    return sum(_overwrite(file, subject) for name in _LOGS for file in _files(settings.home / name))


def named_in_imports(settings: Settings, subject: Subject) -> list[Path]:
    """Return the files of rejected imports that contain an id. They hold other children too, so a person decides."""
    return [file for file in _files(settings.home / "imports") if subject.is_in(file.read_bytes())]


def replaced_lakes(settings: Settings) -> list[Path]:
    """Return the folders in which a restore has kept what it replaced. Nobody can search a lake without its server."""
    return sorted(settings.home.glob(f"{BESIDE}*"))


def _files(folder: Path) -> Iterator[Path]:
    yield from (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _overwrite(file: Path, subject: Subject) -> int:
    count = 0
    try:
        opened = file.open("r+b")
    except FileNotFoundError:
        return 0  # its owner has just removed it
    with opened:
        while line := opened.readline():
            if subject.is_in(line.decode(errors="replace")):
                count += 1
                opened.seek(-len(line), 1)
                opened.write(_NOT_NEWLINE.sub(b"*", line))
    return count
