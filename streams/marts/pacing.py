"""Delays builds while a bulk of records is arriving, because the figures would be out of date before they are read."""

import time
from collections.abc import Callable

__all__ = ["BULK", "LATELY_SECONDS", "PATIENCE_SECONDS", "Pacing"]

BULK = 10_000
"""
More records than this are a bulk, if they landed recently or the watcher has not evaluated them yet.

Live records arrive at tens per second.
"""
LATELY_SECONDS = 10.0
"""Seconds for which a record counts as landed recently. Even on a busy machine, a bulk is committed more often."""
PATIENCE_SECONDS = 60.0
"""The longest time in seconds that a bulk puts a build off. Without a limit, an endless load would stop all builds."""


class Pacing:
    """Decides whether to build now or later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._put_off_at: float | None = None

    def allows(self, *, lately: int, waiting: int) -> bool:
        """
        Return whether to build now.

        Args:
            lately: number of events that landed in the last `LATELY_SECONDS`.
            waiting: number of landed records that are beyond the snapshot.
        """
        if max(lately, waiting) > BULK:
            if self._put_off_at is None:
                self._put_off_at = self._clock()
            if self._clock() - self._put_off_at < PATIENCE_SECONDS:
                return False
        self._put_off_at = None
        return True
