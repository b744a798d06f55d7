"""Put builds off while a bulk of records is arriving, because the figures would be out of date before they are read."""

import time
from collections.abc import Callable

__all__ = ["BULK", "LATELY_SECONDS", "PATIENCE_SECONDS", "Pacing"]

BULK = 10_000
"""
More records than this are a bulk, if they landed recently or the watcher has not evaluated them yet.

Live records arrive at tens a second.
"""
LATELY_SECONDS = 10.0
"""How long a record counts as landed recently. Commits of a bulk are closer together, even on a busy machine."""
PATIENCE_SECONDS = 60.0
"""The longest time that a bulk puts a build off. Without this limit, an endless load would stop all builds."""


class Pacing:
    """Decides whether to build now or later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._put_off_at: float | None = None

    def allows(self, *, lately: int, waiting: int) -> bool:
        """
        Decide whether to build now.

        Args:
            lately: events that landed in the last `LATELY_SECONDS`.
            waiting: records that have landed but are beyond the snapshot.
        """
        if max(lately, waiting) > BULK:
            if self._put_off_at is None:
                self._put_off_at = self._clock()
            if self._clock() - self._put_off_at < PATIENCE_SECONDS:
                return False
        self._put_off_at = None
        return True
