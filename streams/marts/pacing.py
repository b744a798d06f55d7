"""Put builds off while very many records are arriving, because figures that are built now would soon be out of date."""

import time
from collections.abc import Callable

__all__ = ["BULK", "LATELY_SECONDS", "PATIENCE_SECONDS", "Pacing"]

BULK = 10_000
"""
More records than this count as a bulk, if they landed recently or if the watcher has not evaluated them yet.

In normal operation, some tens of records arrive per second.
"""
LATELY_SECONDS = 10.0
"""
For how many seconds a record counts as landed recently. While a bulk arrives, `land` commits more often than this, even
on a busy machine.
"""
PATIENCE_SECONDS = 60.0
"""For how many seconds a bulk may put a build off. Without a limit, there would be no builds under an endless load."""


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
