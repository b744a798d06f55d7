"""Delay builds while a very large number of records arrives, because their figures would soon be out of date."""

import time
from collections.abc import Callable

__all__ = ["BULK", "LATELY_SECONDS", "PATIENCE_SECONDS", "Pacing"]

BULK = 10_000
"""
If more records than this have landed recently, or wait for the watcher to evaluate them, builds are delayed.

So many records are called a bulk. In normal operation, a few dozen records arrive per second.
"""
LATELY_SECONDS = 10.0
"""
For this many seconds after it landed, a record counts as having landed recently.

While a bulk arrives, `land` commits more often than this, even on a busy machine.
"""
PATIENCE_SECONDS = 60.0
"""A bulk delays a build for at most this many seconds. Without a limit, an endless load would prevent all builds."""


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
