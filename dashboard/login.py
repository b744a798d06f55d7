"""
Who is the desk: names and salted scrypt hashes in a file of the home, and a signed cookie for a working day.

Attempts are counted by name and by address. What the desk opens is written down by id.
"""

import json
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.accounts import Accounts

__all__ = ["COOKIE", "TICKET", "Desk"]

COOKIE = "caf_desk"
"""Name of the session cookie."""
TICKET = "caf_ticket"
"""Name of the cookie that a login form's token must match."""

SESSION_SECONDS = 8 * 3600
_FORM_SECONDS = 3600
_TRIES, _TRY_SECONDS = 5, 300
_COUNTED = 10_000


class Desk:
    """Logins, sessions and what was opened, for one home."""

    def __init__(self, home: Path) -> None:
        self._accounts = Accounts(home)
        secret = self._accounts.secret()
        self._sessions = URLSafeTimedSerializer(secret, salt="session")
        self._forms = URLSafeTimedSerializer(secret, salt="form")
        self._tries: dict[str, deque[float]] = defaultdict(deque)
        self._audit = home / "desk" / "opened.jsonl"

    def enter(self, name: str, password: str, address: str) -> str | None:
        """A new session's cookie; None for a name or password that is wrong."""
        made = self._accounts.check(name, password)
        if made is None:
            for counted in (f"name {name}", f"from {address}"):
                self._tries[counted].append(time.monotonic())
            return None
        self._tries.pop(f"name {name}", None)
        self.note(name, "entered")
        return self._sessions.dumps([name, made])

    def must_wait(self, name: str, address: str) -> bool:
        """Whether the name or the address has failed too often just now."""
        if len(self._tries) > _COUNTED:
            self._tries.clear()
        return any(self._failed(counted) >= _TRIES for counted in (f"name {name}", f"from {address}"))

    def who(self, cookie: str | None) -> str | None:
        """The name of a session that is in force: signed, not too old, of an account that is still as it was."""
        try:
            name, made = self._sessions.loads(cookie or "", max_age=SESSION_SECONDS)
        except (BadSignature, TypeError, ValueError):
            return None
        return name if self._accounts.made(name) == made else None

    def token(self, ticket: str) -> str:
        """What a form must bring back beside the cookie `ticket`."""
        return self._forms.dumps(ticket)

    def fits(self, token: str, ticket: str | None) -> bool:
        """Whether a form was made for the browser that sends it."""
        try:
            return bool(ticket) and self._forms.loads(token, max_age=_FORM_SECONDS) == ticket
        except BadSignature:
            return False

    def note(self, name: str, did: str, alert_id: str | None = None) -> None:
        """Write down who did what, by ids."""
        line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "who": name, "did": did, "alert_id": alert_id}
        with self._audit.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _failed(self, counted: str) -> int:
        tries, since = self._tries.get(counted, deque()), time.monotonic() - _TRY_SECONDS
        while tries and tries[0] < since:
            tries.popleft()
        return len(tries)
