"""
Who reads: an account that logged in, by a signed cookie for a working day, or everybody.

Attempts are counted by name and by address. What the desk opens is written down by id.
"""

import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.access.accounts import Accounts
from dashboard.access.audience import ROLES, Audience

__all__ = ["COOKIE", "EVERYBODY", "SESSION_SECONDS", "TICKET", "Door", "Who"]

COOKIE = "caf_desk"
"""Name of the session cookie."""
TICKET = "caf_ticket"
"""Name of the cookie that a login form's token must match."""

SESSION_SECONDS = 8 * 3600
_FORM_SECONDS = 3600
_TRIES, _TRY_SECONDS = 5, 300
_COUNTED = 10_000


@dataclass(frozen=True)
class Who:
    """Somebody who reads: the name of the account, empty without one, and the audience that it belongs to."""

    name: str
    audience: Audience


EVERYBODY = Who("", Audience.EVERYBODY)
"""Whoever is not logged in."""


class Door:
    """Logins, sessions and what was opened, for one home."""

    def __init__(self, home: Path) -> None:
        self._accounts = Accounts(home)
        secret = self._accounts.secret()
        self._sessions = URLSafeTimedSerializer(secret, salt="session")
        self._links = URLSafeTimedSerializer(secret, salt="link")
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

    def link(self, name: str) -> str:
        """
        What an address carries that lets an account in without a form, for as long as a session lasts.

        For whoever reads the home anyway, as the terminal of a demo does.
        """
        return self._links.dumps([name, self._accounts.made(name)])

    def follow(self, link: str) -> str | None:
        """A new session's cookie for a link; None for one that is not, or no longer, good."""
        found = self._named(self._links, link)
        if found is None:
            return None
        name, made = found
        self.note(name, "entered")
        return self._sessions.dumps([name, made])

    def who(self, cookie: str | None) -> Who:
        """Whose session a cookie is: signed, not too old, of an account that is still as it was; else everybody."""
        found = self._named(self._sessions, cookie or "")
        audience = ROLES.get(self._accounts.role(found[0]) or "") if found else None
        return Who(found[0], audience) if found and audience else EVERYBODY

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
        """Write down who did what as what, by ids."""
        at, role = datetime.now(UTC).isoformat(timespec="seconds"), self._accounts.role(name)
        line = {"at": at, "who": name, "role": role, "did": did, "alert_id": alert_id}
        with self._audit.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _named(self, signed: URLSafeTimedSerializer, text: str) -> tuple[str, str] | None:
        """Name and mark of an account, if they were signed here not too long ago and the account is still as it was."""
        try:
            name, made = signed.loads(text, max_age=SESSION_SECONDS)
        except (BadSignature, TypeError, ValueError):
            return None
        return (name, made) if made and self._accounts.made(name) == made else None

    def _failed(self, counted: str) -> int:
        tries, since = self._tries.get(counted, deque()), time.monotonic() - _TRY_SECONDS
        while tries and tries[0] < since:
            tries.popleft()
        return len(tries)
