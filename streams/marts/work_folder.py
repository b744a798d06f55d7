"""Folders for what a build keeps while it works: gone with it, or, if it was killed, when the next one starts."""

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
    A new folder that its owner alone may read: it holds ids of families.

    Who uses one holds the lock in it; those of the same prefix whose users are gone are removed first.
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
