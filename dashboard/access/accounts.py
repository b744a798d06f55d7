"""
The accounts with which people log in: names, roles and salted scrypt hashes of the passwords.

Only the owner of the home can read the file with the accounts.
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
from pathlib import Path

from dashboard.access.audience import DESK, audience_of
from streams.errors import SettingInvalid
from streams.private import locked, write_privately

__all__ = ["MIN_LENGTH", "Accounts"]

MIN_LENGTH = 12
"""How long a password must be at least."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_N, _R, _P = 2**15, 8, 1
_MEMORY = 64 * 2**20
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each hash needs 32 MiB and a processor. So logins wait for each other, and pages for nobody."""

Account = dict[str, str]


class Accounts:
    """
    The accounts of a home.

    Each account has a random mark. A new password or a new role also gives the account a new mark, which ends its old
    sessions. If an account was created before there were roles, it has the role `desk`.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "desk"
        self._file = self._folder / "accounts.json"
        self.secret_file = self._folder / "secret"

    def add(self, name: str, password: str, role: str | None = None) -> str:
        """
        Add an account, or give an existing account a new password. Return the account's role.

        If no role is given, an existing account keeps its role, and a new account gets the role `desk`.

        Raises:
            SettingInvalid: the name, the password or the role is not allowed.
        """
        role = self.allowed_role(name, password, role)
        salt = secrets.token_bytes(16)
        account = {"made": secrets.token_hex(8), "role": role, "salt": salt.hex(), "hash": _hash(password, salt).hex()}
        with locked(self._folder):
            write_privately(self._file, json.dumps(self._read() | {name: account}))
        return role

    def allowed_role(self, name: str, password: str, role: str | None = None) -> str:
        """
        Return the role that `add` would give an account.

        Raises:
            SettingInvalid: the name, the password or the role is not allowed.
        """
        if not _NAME.fullmatch(name):
            raise SettingInvalid("the name is not allowed; allowed: letters, digits, '.', '_' and '-', at most 64")
        if len(password) < MIN_LENGTH:
            raise SettingInvalid(f"the password is too short; allowed: {MIN_LENGTH} characters or more")
        role = role or self.role(name) or DESK
        if audience_of(role) is None:
            raise SettingInvalid(f"the role {role!r} is not known; allowed: figures, desk, desk:AREA+AREA")
        return role

    def remove(self, name: str) -> None:
        """
        Remove an account. The account's sessions end at once.

        Raises:
            SettingInvalid: no account has this name.
        """
        with locked(self._folder):
            accounts = self._read()
            if name not in accounts:
                raise SettingInvalid(f"no account is called {name!r}; known: {', '.join(sorted(accounts)) or 'none'}")
            del accounts[name]
            write_privately(self._file, json.dumps(accounts))

    def names(self) -> list[str]:
        """The names of all accounts."""
        return sorted(self._read())

    def role(self, name: str) -> str | None:
        """Return the role of an account, or None if there is no such account."""
        account = self._read().get(name)
        return account.get("role", DESK) if account else None

    def made(self, name: str) -> str | None:
        """Return the present mark of an account, or None if there is no such account."""
        account = self._read().get(name)
        return account["made"] if account else None

    def check(self, name: str, password: str) -> str | None:
        """
        Return the account's mark if the password is right, and None if it is wrong.

        Checking an unknown name takes as long as checking a wrong password, so that nobody can find out which names
        exist.
        """
        account = self._read().get(name)
        salt = bytes.fromhex(account["salt"]) if account else b"\0" * 16
        wanted = bytes.fromhex(account["hash"]) if account else b""
        is_right = hmac.compare_digest(_hash(password, salt), wanted)
        return account["made"] if account and is_right else None

    def secret(self) -> str:
        """Return the key that signs sessions. The key is created when it is first needed."""
        if not self.secret_file.exists():
            with locked(self._folder):
                if not self.secret_file.exists():
                    self.new_secret()
        return self.secret_file.read_text()

    def new_secret(self) -> None:
        """Replace the key that signs sessions. All sessions end at once."""
        write_privately(self.secret_file, secrets.token_hex(32))

    def _read(self) -> dict[str, Account]:
        try:
            found: dict[str, Account] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return found


def _hash(password: str, salt: bytes) -> bytes:
    with _AT_ONCE:
        return hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY)
