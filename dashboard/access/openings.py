"""How often accounts have opened families in an emergency, so that nobody opens family after family with a script."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.private import locked, write_privately

__all__ = ["MOST", "Openings"]

MOST = 10
"""How many families an account may open in an hour. Each of them is an alert that a manager has to deal with."""

_SECONDS = 3600.0


class Openings:
    """
    The openings of the last hour, by account, in a file of the home.

    They are counted for accounts and not for sessions, because a new login is a new session. All pages of a home count
    together.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / "desk" / "openings.json"

    def take(self, account: str) -> bool:
        """Count an opening, unless the account has had as many as it may have. Return whether it was counted."""
        with self._counted() as times:
            is_allowed = len(times.get(account, [])) < MOST
            if is_allowed:
                times.setdefault(account, []).append(time.time())
        return is_allowed

    def give_back(self, account: str) -> None:
        """Forget the last opening of an account, because it did not take place."""
        with self._counted() as times:
            times[account] = times.get(account, [])[:-1]

    @contextmanager
    def _counted(self) -> Iterator[dict[str, list[float]]]:
        """Yield the times of the openings by account, and store what the caller makes of them."""
        with locked(self._file.parent):
            now, known = time.time(), self._known()
            times = {account: [one for one in all_ if 0 <= now - one < _SECONDS] for account, all_ in known.items()}
            yield times
            write_privately(self._file, json.dumps({account: all_ for account, all_ in times.items() if all_}))

    def _known(self) -> dict[str, list[float]]:
        try:
            found: dict[str, list[float]] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return found
