"""
The files of a home that belong to a backup: all except those that a new home makes again.

The list names what is left out. So a folder that a later version adds to the home is in the backup.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from streams.private import is_unfinished

__all__ = ["BESIDE", "ERASURES", "RESTORING", "belongs_to_backup", "home_files"]

_SERVERS = ("postgres", "postgres.new", "postgres.lock", "kafka", "airflow", "lake", "run", "logs")
"""
The catalogs and files of the lake are copied by themselves. The rest of PostgreSQL (the watcher's tables, Airflow's
history) and Kafka's log are not in a backup: see decision 33.
"""
_PASSWORDS = ("secrets", "desk/secret", "desk/sessions")
"""A new home makes new ones. So nobody can log in to a running server with what a backup holds."""
_SENT_LATER = ("audit/waiting", "audit/waiting.sent")
"""Entries that the home will send itself. From a restored home, they would be sent twice."""
_DERIVED = ("warehouse.duckdb", "dbt", "docs", "data_docs", "rules", "nation")
_PROGRAMS = ("venv", ".venv.lock", "m2", "caf-home")
_SPARK = "spark-"
BESIDE = "before-restore-"
"""How the folders begin in which a restore keeps what it has replaced."""
ERASURES = "erasures"
"""The folder of a home with the records of erasures."""
RESTORING = ".restoring"
"""The folder in which a restore prepares a home."""


def _is_remade(name: str) -> bool:
    """Return whether an entry of a home is left out of backups."""
    left_out = (*_SERVERS, *_PASSWORDS, *_SENT_LATER, *_DERIVED, *_PROGRAMS)
    return name in left_out or name.startswith((_SPARK, BESIDE, RESTORING))


def belongs_to_backup(path: str) -> bool:
    """Return whether backups contain a file of a home with this path below the home."""
    file = PurePosixPath(path)
    return not is_unfinished(file.name) and not any(_is_remade(str(entry)) for entry in (file, *file.parents))


def home_files(home: Path, lake: Path) -> Iterator[str]:
    """
    Yield the files of a home that belong to a backup, as paths below the home. `lake` is the folder of the lake.

    Links to folders are not followed.

    Raises:
        OSError: a folder cannot be read.
    """
    return _files_below(home, home, lake)


def _files_below(home: Path, folder: Path, lake: Path) -> Iterator[str]:
    if _is_remade(str(folder.relative_to(home))) or folder.resolve() == lake:
        return
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return  # its owner has just removed it
    for entry in entries:
        name = str(entry.relative_to(home))
        if entry.is_file() and not _is_remade(name) and not is_unfinished(entry.name):
            yield name
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(home, entry, lake)
