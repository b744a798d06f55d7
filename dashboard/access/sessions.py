"""
The sessions of people who are logged in. Each session is a file, so all pages of a home know it, and can end it.

The name of a file is a keyed hash of the text in the browser's cookie. So nobody can use a session by reading the
folder. When the key of the hash is replaced, all sessions end.
"""

import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import msgspec

from streams.private import opened_privately

__all__ = ["Session", "Sessions", "open_now"]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the server remembers about a login. `subject` and the tokens are empty if the account is a local one."""

    name: str
    role: str
    mark: str = ""
    """The mark of the local account at the login."""
    subject: str = ""
    """The provider's id of the person."""
    refresh_token: str = ""
    id_token: str = ""
    began: float = msgspec.field(default_factory=time.time)
    confirmed: float = msgspec.field(default_factory=time.time)
    """When the provider last said that the person may log in and has the role."""
    opened: dict[str, float] = {}
    """The families that the person opened in an emergency, each with the time at which that ends."""


def open_now(session: Session) -> dict[str, float]:
    """Return the families that a session has open at this time."""
    return {family_id: until for family_id, until in session.opened.items() if until > time.time()}


class Sessions:
    """
    The sessions of one home. A session ends after a time without use, and after a total time.

    Args:
        secret: a function that returns the key of the hashes.
    """

    def __init__(self, folder: Path, secret: Callable[[], str], *, idle_seconds: float, total_seconds: float) -> None:
        self._folder, self._secret = folder, secret
        self._idle, self._total = idle_seconds, total_seconds

    def begin(self, session: Session) -> str:
        """Store a new session, and return the key for the browser's cookie. Files of ended sessions are removed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in self._folder.glob("*.json"):
            self._read(file)
        for lock in self._folder.glob("*.lock"):
            if not lock.with_suffix(".json").exists():
                lock.unlink(missing_ok=True)
        key = secrets.token_urlsafe(32)
        self._write(self._file(key), session)
        return key

    def find(self, key: str, *, is_use: bool) -> Session | None:
        """Return the session of a key, or None if there is none. `is_use` says that a person uses it now."""
        file = self._file(key)
        session = self._read(file)
        if session and is_use:
            self._touch(file, time.time())
        return session

    def replace(self, key: str, session: Session) -> None:
        """
        Store a session again. This does not count as use. If the session has ended meanwhile, it stays ended.

        The caller holds the session's lock, so that it does not end between these two steps.
        """
        file = self._file(key)
        try:
            used = file.stat().st_mtime
        except FileNotFoundError:
            return
        self._write(file, session, used)

    def open_family(self, key: str, family_id: str, until: float) -> bool:
        """Remember that a session has a family open until a time. Return False if the session has ended."""
        with self.locked(key):
            session = self.find(key, is_use=True)
            if session is None:
                return False
            opened = open_now(session) | {family_id: until}
            self.replace(key, msgspec.structs.replace(session, opened=opened))
        return True

    def end(self, key: str) -> None:
        """End a session. Whoever still has its key, has nothing."""
        with self.locked(key):
            self._file(key).unlink(missing_ok=True)
            # Whoever waits for the lock finds no session, and nobody can begin it again.
            self._lock(key).unlink(missing_ok=True)

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """
        Keep other threads and processes of this home from changing a session at the same time.

        Other sessions are not locked, because the provider may be asked meanwhile. The session must exist.
        """
        with self._lock(key).open("w") as file:
            flock(file, LOCK_EX)
            yield

    def _lock(self, key: str) -> Path:
        return self._file(key).with_suffix(".lock")

    def _file(self, key: str) -> Path:
        return self._folder / f"{hmac.digest(self._secret().encode(), key.encode(), 'sha256').hex()}.json"

    def _read(self, file: Path) -> Session | None:
        try:
            session, used = msgspec.json.decode(file.read_bytes(), type=Session), file.stat().st_mtime
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        now = time.time()
        if now - session.began > self._total or now - used > self._idle:
            file.unlink(missing_ok=True)
            return None
        return session

    def _write(self, file: Path, session: Session, used: float | None = None) -> None:
        with opened_privately(file) as new:
            new.write(msgspec.json.encode(session))
            if used is not None:
                new.flush()
                os.utime(new.fileno(), (used, used))

    def _touch(self, file: Path, at: float) -> None:
        try:
            os.utime(file, (at, at))
        except FileNotFoundError:
            return
