"""The manifest of a backup: what it contains, up to when it reaches, and a checksum for every file."""

import re
from datetime import datetime
from pathlib import PurePosixPath

import duckdb
import msgspec

from streams.errors import BackupInvalid

__all__ = ["FORMAT", "File", "Manifest", "Table", "read_manifest"]

_TYPE = re.compile(r"[a-z][a-z ]*(\([0-9, ]+\))?(\[\])?")
_KEYS = re.compile(r"(PRIMARY KEY|UNIQUE) \([a-z0-9_, ]+\)")
FORMAT = 1
"""The number of this layout. A program that knows only lower numbers refuses the backup."""


class File(msgspec.Struct, frozen=True):
    """A file as the backup stores it: its path below the backup folder, its bytes, and the SHA-256 of these bytes."""

    path: str
    size: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """A table of a catalog: its columns (name, type, whether NOT NULL), its keys, and the number of its rows."""

    schema: str
    name: str
    columns: list[tuple[str, str, bool]]
    keys: list[str]
    rows: int


class Manifest(msgspec.Struct, kw_only=True):
    """
    What one backup contains.

    Attributes:
        format: `FORMAT` of the program that made the backup.
        duckdb: the version of DuckDB that wrote the catalog and the Parquet files.
        lake: the id of the lake, which a restored lake keeps.
        taken_at: the time of the snapshot, by the clock of PostgreSQL.
        landed_until: when the last landed event had arrived on its topic; None if no event had landed.
        events_a_day: how many events landed a day, in the last seven days before `landed_until`.
        unlanded: how many records of the input topics had not landed yet; None if the broker did not answer.
        rows: the number of rows of each landing table that holds records.
        settings: settings that a restored home should have too, by variable. None of them is secret.
        tables: the tables of the catalogs.
        files: all files, in the pool and in the folder of this backup.
    """

    format: int
    duckdb: str
    lake: str
    taken_at: datetime
    landed_until: datetime | None
    events_a_day: float
    unlanded: int | None
    rows: dict[str, int]
    settings: dict[str, str]
    tables: list[Table]
    files: list[File]


class _Made(msgspec.Struct):
    format: int
    duckdb: str


def read_manifest(content: bytes, name: str) -> Manifest:
    """
    Read a manifest.

    Raises:
        BackupInvalid: the manifest is damaged, was written by a newer version, or contains something that no backup
            contains: a file outside the backup folder, or SQL that is not a type or a key.
    """
    try:
        made = msgspec.json.decode(content, type=_Made)
        if made.format > FORMAT or _numbers(made.duckdb) > _numbers(duckdb.__version__):
            raise BackupInvalid(
                f"backup {name} was made by a newer version (layout {made.format}, DuckDB {made.duckdb}); this version "
                f"reads layout {FORMAT} and DuckDB {duckdb.__version__}. Update caf, then restore"
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError:
        raise BackupInvalid(f"the manifest of backup {name} is damaged; use another backup") from None
    if not all(map(_stays_inside, manifest.files)) or not all(map(_is_plain, manifest.tables)):
        raise BackupInvalid(f"the manifest of backup {name} was changed by somebody; use another backup")
    return manifest


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _stays_inside(file: File) -> bool:
    """
    Return whether a path leads to a file below the backup folder, whatever beginning is taken off it.

    `files//etc/passwd` does not: without `files/`, it is an absolute path.
    """
    path = PurePosixPath(file.path)
    is_plain = str(path) == file.path and "\0" not in file.path
    return is_plain and bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _is_plain(table: Table) -> bool:
    """Return whether the types and keys of a table can be put into a statement."""
    types = all(_TYPE.fullmatch(type_) for _, type_, _ in table.columns)
    return types and all(map(_KEYS.fullmatch, table.keys))
