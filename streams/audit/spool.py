"""
Entries that wait in the home until Kafka takes them.

If Kafka does not answer, an alert must still be seen, and who saw it must still be recorded. So the entry is written to
a file of the home, and is on the disk before anything is shown. Each line begins with a hash of the line before it and
of its own entry, so a line that is changed or removed is found when the entries are sent. Whoever can write the file
can compute all hashes again. A key would not prevent that: it would lie in the same home.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from streams.errors import AuditUnavailable
from streams.private import locked, write_privately

__all__ = ["Spool"]

_HASH = 64
_START = b"0" * _HASH


class Spool:
    """The waiting entries of a home. Several processes may use it at the same time."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "audit"
        self._file = self._folder / "waiting"
        self._sent_to = self._folder / "waiting.sent"
        """Holds the hash of the last line that was sent, with which the next line begins."""

    def waits(self) -> bool:
        """Return whether entries wait to be sent."""
        return self._file.exists() and self._file.stat().st_size > 0

    def add(self, entries: Iterable[bytes]) -> None:
        """
        Write entries to the disk, and return when they are there.

        Raises:
            AuditUnavailable: they cannot be written.
        """
        try:
            with locked(self._folder):
                lines, torn = self._lines()
                chain = lines[-1][:_HASH] if lines else self._start()
                if not self._file.exists():
                    write_privately(self._file, b"")  # so that its name also survives a crash
                with self._file.open("r+b") as file:
                    # A crash may have cut off the last line. Nothing was shown for it, because it was not finished.
                    file.truncate(file.seek(0, os.SEEK_END) - torn)
                    file.seek(0, os.SEEK_END)
                    for entry in entries:
                        chain = _chained(chain, entry)
                        file.write(chain + b" " + entry + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise AuditUnavailable(
                "what you want to see or do cannot be recorded, so it is not shown or done: Kafka does not answer, and "
                f"{self._folder} cannot be written ({error.strerror})"
            ) from None

    def send(self, send: Callable[[list[bytes]], None], changed: Callable[[int], bytes]) -> int:
        """
        Hand all waiting entries to `send`, and forget them when it has returned. Return how many there were.

        If `send` raises an error, the entries stay. For each line that does not fit the one before it, the entry that
        `changed` makes from the number of the line is sent too.
        """
        with locked(self._folder):
            lines, _ = self._lines()
            chain, entries = self._start(), []
            for number, line in enumerate(lines, 1):
                entry = line[_HASH + 1 :]
                entries.append(entry)
                if line[:_HASH] != _chained(chain, entry):
                    entries.append(changed(number))
                chain = line[:_HASH]
            if lines:
                send(entries)
                # In this order, a crash between the two lines does not look as if somebody had changed a line.
                write_privately(self._file, b"")
                write_privately(self._sent_to, chain)
            return len(lines)

    def _start(self) -> bytes:
        return self._sent_to.read_bytes() if self._sent_to.exists() else _START

    def _lines(self) -> tuple[list[bytes], int]:
        """Return the whole lines, and the length of a last line that a crash cut off."""
        *lines, torn = (self._file.read_bytes() if self._file.exists() else b"").split(b"\n")
        return lines, len(torn)


def _chained(before: bytes, entry: bytes) -> bytes:
    return hashlib.sha256(before + entry).hexdigest().encode()
