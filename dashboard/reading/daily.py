"""
Values that are worked out once a day.

A value that follows each event tells to the second when something happened. So a reader who asks for it again and again
learns of a single alert, even if small counts are hidden.
"""

import threading
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from streams.times import LONDON

__all__ = ["Daily"]

T = TypeVar("T")


class Daily:
    """Keeps each value from its first use on a day in London until the next day."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[date, Any]] = {}

    def of_today(self, key: str, make: Callable[[], T | None]) -> T | None:
        """Return today's value of a key. If there is none yet, `make` works it out. A None is not kept."""
        today = datetime.now(LONDON).date()
        with self._lock:
            day, value = self._kept.get(key, (None, None))
            if day != today:
                value = make()
                if value is not None:
                    self._kept[key] = today, value
            return value
