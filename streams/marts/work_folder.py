"""
Folders for the working files of a build.

A folder is removed when its build ends. If the build was killed, the next build removes the folder when it begins.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["work_folder"]

_LOCK = "in-use"


@contextmanager
def work_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """
    Make a new folder that only its owner can read, because the folder contains ids of families.

    While a process uses its folder, it locks a file in the folder. Before the new folder is made, folders with the same
    prefix that no process uses any more are removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_unused(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError), (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
