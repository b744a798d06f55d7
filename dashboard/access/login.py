"""
Logins and sessions. Readers who are not logged in to an account are anonymous (audience `everybody`).

A signed cookie identifies an account for eight hours. Failed logins are counted for each name and each network address.
A file records logins and the alerts that the desk opens.
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
"""The name of the cookie that a login form's token belongs to."""

SESSION_SECONDS = 8 * 3600
_FORM_SECONDS = 3600
_TRIES, _TRY_SECONDS = 5, 300
_COUNTED = 10_000


@dataclass(frozen=True)
class Who:
    """A reader: the name of the account (empty if the reader is not logged in), and the audience."""

    name: str
    audience: Audience


EVERYBODY = Who("", Audience.EVERYBODY)
"""A reader who is not logged in."""


class Door:
    """Handles the logins and sessions of one home. Records logins and the alerts that are opened."""

    def __init__(self, home: Path) -> None:
        self._accounts = Accounts(home)
        secret = self._accounts.secret()
        self._sessions = URLSafeTimedSerializer(secret, salt="session")
        self._links = URLSafeTimedSerializer(secret, salt="link")
        self._forms = URLSafeTimedSerializer(secret, salt="form")
        self._tries: dict[str, deque[float]] = defaultdict(deque)
        self._audit = home / "desk" / "opened.jsonl"

    def enter(self, name: str, password: str, address: str) -> str | None:
        """Return the cookie of a new session, or None if the name or password is wrong."""
        made = self._accounts.check(name, password)
        if made is None:
            for counted in (f"name {name}", f"from {address}"):
                self._tries[counted].append(time.monotonic())
            return None
        self._tries.pop(f"name {name}", None)
        self.note(name, "entered")
        return self._sessions.dumps([name, made])

    def must_wait(self, name: str, address: str) -> bool:
        """
        Return whether this login must wait.

        It must wait if five logins with this name, or from this address, have failed in the last five minutes.
        """
        if len(self._tries) > _COUNTED:
            self._tries.clear()
        return any(self._failed(counted) >= _TRIES for counted in (f"name {name}", f"from {address}"))

    def link(self, name: str) -> str:
        """
        Return the text for a link that logs an account in without the login form.

        The link is valid as long as a session. Give it only to people who can read the home anyway, for example at the
        terminal of a demo.
        """
        return self._links.dumps([name, self._accounts.made(name)])

    def follow(self, link: str) -> str | None:
        """Return the cookie of a new session for a link, or None if the link is invalid or has expired."""
        found = self._named(self._links, link)
        if found is None:
            return None
        name, made = found
        self.note(name, "entered")
        return self._sessions.dumps([name, made])

    def who(self, cookie: str | None) -> Who:
        """
        Return the account that a session cookie belongs to, and its audience.

        The reader counts as not logged in (audience `everybody`) in three cases: this server did not sign the cookie,
        the cookie is too old, or the account has changed since the login.
        """
        found = self._named(self._sessions, cookie or "")
        audience = ROLES.get(self._accounts.role(found[0]) or "") if found else None
        return Who(found[0], audience) if found and audience else EVERYBODY

    def token(self, ticket: str) -> str:
        """
        Return the token for a login form, which the form must send back. It belongs to the cookie with the value
        `ticket`.
        """
        return self._forms.dumps(ticket)

    def fits(self, token: str, ticket: str | None) -> bool:
        """Return whether a form's token belongs to the cookie of the browser that sends the form."""
        try:
            return bool(ticket) and self._forms.loads(token, max_age=_FORM_SECONDS) == ticket
        except BadSignature:
            return False

    def note(self, name: str, did: str, alert_id: str | None = None) -> None:
        """
        Write to the access log what an account did, with the account's role. If it opened an alert, add the
        alert's id.
        """
        at, role = datetime.now(UTC).isoformat(timespec="seconds"), self._accounts.role(name)
        line = {"at": at, "who": name, "role": role, "did": did, "alert_id": alert_id}
        with self._audit.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _named(self, signed: URLSafeTimedSerializer, text: str) -> tuple[str, str] | None:
        """
        Return the name and mark of an account from a signed text.

        Return None if this server did not sign the text, if the text is too old, or if the account has changed since
        then.
        """
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
