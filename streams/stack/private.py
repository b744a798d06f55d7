"""A home belongs to its owner: close what other users of the machine could read, and say so."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from streams.settings import Settings
from streams.stack.processes import Say

__all__ = ["close_home", "let_through", "open_package", "report_open_lake", "to_stderr"]

OTHERS = 0o077
PASS = 0o011
_NAMED = 5


def to_stderr(sentence: str) -> None:
    """Write a sentence where it does not mix with the output of a command."""
    print(f"caf: {sentence}", file=sys.stderr, flush=True)


def close_home(home: Path, say: Say = to_stderr) -> None:
    """
    Take all permissions on a home from other users of the machine. If there were any, say so in one sentence.

    Only the home and the entries directly in it are visited. A closed folder closes everything below it, so the start
    takes no longer if the lake has hundreds of thousands of files.

    Two exceptions exist. If root owns the home, others may pass through it, but not list it, because PostgreSQL does
    not run as root and must reach its own folder. The Python environment keeps its permissions for the same reason. It
    contains no data.

    If the file system does not keep permissions, the sentence says so, and the start goes on.
    """
    open_: list[str] = []
    stuck: list[str] = []
    for path, allowed in _entries(home):
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if not mode & OTHERS & ~allowed:
                continue
            name = "the folder itself" if path == home else path.name
            (open_ if _narrow(path, mode & ~(OTHERS & ~allowed)) else stuck).append(name)
    if open_:
        say(f"other users of this machine could reach into {home} ({_list(open_)}); now only its owner can")
    if stuck:
        say(
            f"other users of this machine may be able to read {home} ({_list(stuck)}), and its permissions cannot be "
            "changed; let CAF_HOME name a folder of your own on a file system with permissions"
        )


def report_open_lake(settings: Settings, say: Say = to_stderr) -> None:
    """
    If the lake's files are in a folder outside the home that others may enter, say so.

    The folder keeps its permissions, because whoever made it may have let others in on purpose. New files in it are
    closed to others in any case.
    """
    folder = Path(settings.lake_folder).resolve()
    if "://" in settings.lake_folder or folder.is_relative_to(settings.home.resolve()) or not folder.is_dir():
        return
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        say(f"other users of this machine may enter the lake; unless that is intended, run: chmod 700 {folder}")


def let_through(path: Path) -> list[Path]:
    """
    Let others pass through all folders above a path, but not list these folders.

    Returns:
        The folders that have been changed.
    """
    shut = [folder for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH]
    for folder in shut:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | PASS)
    return shut


def open_package(package: Path, *, libraries: Path, server: Path) -> None:
    """
    Let everybody read and run a package of programs and its libraries, because PostgreSQL does not run as root.

    The package has thousands of files. Its folder and the server's program are opened last. So if these two are open,
    everything is open, and a start need not visit every file.
    """
    if not (_is_open(package) and _is_open(server)):
        files = (path for folder in (libraries, package) for path in folder.rglob("*") if path != server)
        for path in (*files, libraries, package, server):
            if path.exists() and not _is_open(path):
                path.chmod(_opened(path))


def _entries(home: Path) -> Iterator[tuple[Path, int]]:
    """All paths to look at, each with the permissions that others may have on it."""
    yield home, PASS if os.geteuid() == 0 else 0
    environment = Path(sys.prefix)
    for path in sorted(home.iterdir()):
        kept = path.is_symlink() or environment.is_relative_to(path)
        if not kept and (path.is_dir() or path.is_file()):
            yield path, 0


def _narrow(path: Path, mode: int) -> bool:
    """Set the permissions. Some file systems refuse this, and others ignore it."""
    with suppress(OSError):
        path.chmod(mode)
    return stat.S_IMODE(path.stat().st_mode) == mode


def _opened(path: Path) -> int:
    """Return the permissions of a path, so extended that everybody may read and run what its owner may."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6


def _is_open(path: Path) -> bool:
    return _opened(path) == stat.S_IMODE(path.stat().st_mode)


def _list(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join([*names[:_NAMED], *([f"{more} more"] if more > 0 else [])])
