"""
The file in a restored home that says what is left to do.

A home gets its name before everything is done: the broker's later records must land, and all must be verified. The file
is there as long as something is left. It lets `./caf restore` go on after an interruption, and `./caf up` refuse.
"""

import shlex
from pathlib import Path

import msgspec

from streams.backup.home_files import RESTORING
from streams.backup.manifest import Manifest
from streams.errors import RestoreRefused
from streams.private import write_privately

__all__ = ["Unfinished", "forget_unfinished", "refuse_unfinished_home", "unfinished_in"]

_FILE = f"{RESTORING}-unfinished.json"


class Unfinished(msgspec.Struct, kw_only=True):
    """
    A restore that is not finished.

    Attributes:
        folder: the folder of backups.
        key: the key file; empty if there is none.
        name: the name of the backup.
        manifest: the manifest of the backup, without its files and tables.
        is_loaded: whether the catalogs are loaded, and what was erased after the backup is erased from them.
        entries: what is moved into a home that exists.
        replaced: the name of the folder in the home that takes what is replaced; empty if nothing is.
    """

    folder: str
    key: str
    name: str
    manifest: Manifest
    is_loaded: bool = False
    entries: list[str] = []
    replaced: str = ""

    def command(self, home: Path) -> str:
        """Return the command that finishes the restore of a home."""
        key = ["--key", self.key] if self.key else []
        return shlex.join(["./caf", "restore", self.folder, "--backup", self.name, *key, "--home", str(home)])

    def save(self, place: Path) -> None:
        """Write the file into a folder, so that it survives a crash of the machine."""
        write_privately(place / _FILE, msgspec.json.encode(self))


def unfinished_in(place: Path) -> Unfinished | None:
    """Return what the file in a folder says; None if there is no such file."""
    try:
        return msgspec.json.decode((place / _FILE).read_bytes(), type=Unfinished)
    except FileNotFoundError:
        return None


def forget_unfinished(home: Path) -> None:
    """Remove the file from a home, because everything is done."""
    (home / _FILE).unlink(missing_ok=True)


def refuse_unfinished_home(home: Path) -> None:
    """
    Check that no restore of a home is unfinished.

    Raises:
        RestoreRefused: it is. The message names the command that finishes it.
    """
    if (found := unfinished_in(home)) is not None:
        raise RestoreRefused(f"{home} was restored only in part; finish this with: {found.command(home)}")
