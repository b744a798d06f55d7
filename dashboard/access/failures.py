"""Counts failed logins for each name and each network address, so that nobody can try many passwords."""

import time
from collections import defaultdict, deque

__all__ = ["Failures"]

_MOST, _SECONDS = 5, 300
_COUNTED = 10_000


class Failures:
    """The failed logins of the last five minutes."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def count(self, name: str, address: str) -> None:
        """Count a failed login."""
        for counted in _counted(name, address):
            self._times[counted].append(time.monotonic())

    def forget(self, name: str) -> None:
        """Forget the failures of a name, because somebody has logged in with it."""
        self._times.pop(f"name {name}", None)

    def are_too_many(self, name: str, address: str) -> bool:
        """Return whether five logins with this name, or from this address, have failed in the last five minutes."""
        if len(self._times) > _COUNTED:
            self._times.clear()
        return any(self._recent(counted) >= _MOST for counted in _counted(name, address))

    def _recent(self, counted: str) -> int:
        times, since = self._times.get(counted, deque()), time.monotonic() - _SECONDS
        while times and times[0] < since:
            times.popleft()
        return len(times)


def _counted(name: str, address: str) -> tuple[str, str]:
    return f"name {name}", f"from {address}"
