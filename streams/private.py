"""Write files that only their owner can read, so that a crash loses none, and let one process at a time do a thing."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["held", "is_unfinished", "locked", "opened_privately", "write_privately"]

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.new")


@contextmanager
def opened_privately(file: Path) -> Iterator[BinaryIO]:
    """
    Open a file for writing that only its owner can read, at no moment readable for others.

    It gets its name when the block has ended and its content is on the disk. Until then, an earlier file with this name
    stays as it is. So nobody sees a half-written file, even after a crash of the machine. If the block fails, nothing
    is left.
    """
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
    _sync(file.parent)


def write_privately(file: Path, content: str | bytes) -> None:
    """Write a whole file that only its owner can read (`opened_privately`). A missing folder is made."""
    if not file.parent.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync(file.parent.parent)
    with opened_privately(file) as opened:
        opened.write(content.encode() if isinstance(content, str) else content)


def is_unfinished(name: str) -> bool:
    """Return whether a file of this name is what a process that was killed left of a private file."""
    return _UNFINISHED.fullmatch(name) is not None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let only one process at a time change what is in a folder. A missing folder is made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def held(file: Path) -> Iterator[bool]:
    """
    Lock a file until the block ends, and yield whether this worked. It does not while another process locks it.

    The block may remove the file.
    """
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        is_held = False
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_held = os.path.samestat(os.fstat(lock.fileno()), file.stat())
        yield is_held


def _sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Some file systems cannot do this, and need not."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EBADF}:
            raise
    finally:
        os.close(number)
