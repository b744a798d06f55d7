"""
Folders for the working files of a build.

A folder is removed when its build ends. If the build was killed, the next build removes the folder at its start.
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

    A process that uses a folder locks a file in it. First, folders with the same prefix are removed if their process
    has ended.
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
