"""Counts failed logins for each name and each network address, so that nobody can try many passwords."""

import threading
import time
from collections import OrderedDict, deque

from dashboard.access.network import network_of

__all__ = ["Failures"]

_MOST, _SECONDS = 5, 300
_COUNTED = 10_000
"""How many names and addresses are counted at most. Beyond this, those whose last failure is oldest are forgotten."""


class Failures:
    """The failed logins of the last five minutes, and those that are being checked. Any thread may use this."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        """The times by name or address. Those with the newest failure come last."""

    def take(self, name: str, address: str) -> bool:
        """
        Count a login as failed before it is checked. Return False, and count nothing, if there were too many.

        If it were counted afterwards, many passwords could be tried at the same time.
        """
        now, counted = time.monotonic(), _counted(name, address)
        with self._lock:
            self._expire(now - _SECONDS, counted)
            if any(len(self._times.get(one, ())) >= _MOST for one in counted):
                return False
            for one in counted:
                self._times.setdefault(one, deque()).append(now)
                self._times.move_to_end(one)
        return True

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name, because somebody has logged in with it, and do not count this login."""
        of_name, of_address = _counted(name, address)
        with self._lock:
            self._times.pop(of_name, None)
            if times := self._times.get(of_address):
                times.pop()

    def _expire(self, since: float, counted: tuple[str, str]) -> None:
        for one in counted:
            times = self._times.get(one, deque())
            while times and times[0] < since:
                times.popleft()
        while self._times:
            oldest = next(iter(self._times.values()))
            if oldest and oldest[-1] >= since and len(self._times) < _COUNTED:
                return
            self._times.popitem(last=False)


def _counted(name: str, address: str) -> tuple[str, str]:
    return f"name {name}", f"from {network_of(address)}"
