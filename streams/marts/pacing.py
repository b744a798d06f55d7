"""When to build while a bulk is arriving: not at once, since the figures would be out of date before they are read."""

import time
from collections.abc import Callable

__all__ = ["BULK", "LATELY_SECONDS", "PATIENCE_SECONDS", "Pacing"]

BULK = 10_000
"""More records than this that landed lately, or that the watcher has not judged yet, are a bulk: live ones are tens a
second."""
LATELY_SECONDS = 10.0
"""Longer than commits of a bulk are apart, also on a busy machine."""
PATIENCE_SECONDS = 60.0
"""The longest that a bulk puts a build off, so that endless load does not starve the marts."""


class Pacing:
    """Tells whether to build what there is to build now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._put_off_at: float | None = None

    def allows(self, *, lately: int, waiting: int) -> bool:
        """Whether to build, `lately` records having landed and `waiting` ones being beyond the cut."""
        if max(lately, waiting) > BULK:
            if self._put_off_at is None:
                self._put_off_at = self._clock()
            if self._clock() - self._put_off_at < PATIENCE_SECONDS:
                return False
        self._put_off_at = None
        return True
