"""One at a time: whoever builds the marts, or must find them at rest, holds this lock."""

from contextlib import AbstractContextManager

from streams.lake.advisory import advisory_lock
from streams.settings import Settings

__all__ = ["KEY", "build_lock"]

KEY = 4_004
"""Key of the PostgreSQL advisory lock."""


def build_lock(settings: Settings) -> AbstractContextManager[None]:
    """
    Hold the lock; whoever has it is waited for.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    return advisory_lock(settings, KEY)
