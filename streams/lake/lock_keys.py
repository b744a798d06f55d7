"""The numbers of all PostgreSQL advisory locks, so that no two are alike."""

from enum import IntEnum

__all__ = ["LockKey"]


class LockKey(IntEnum):
    """The action that each lock protects: only one process of a lake may do it at a time."""

    LEADER = 3_001
    """Evaluate events and publish alerts of families and records."""
    RESTATING = 3_002
    """Number and publish a version of an alert that the build evaluates."""
    WATCH_TABLES = 3_003
    """Make or replace the watcher's tables; a transaction holds this lock."""
    WATCH_NEXT = 3_004
    """Prepare the tables of another version, and keep them until that version leads."""
    CREATION = 4_001
    """Create a missing catalog, or change the settings that the role stores for itself."""
    PARTITIONS = 4_002
    """Land a partition number, which is the second key."""
    MAINTENANCE = 4_003
    """Maintain the lake; landers give way to it between batches."""
    IMPORT = 4_011
    """Compare a census with what earlier returns of its authority reported, and send the difference."""
    BUILD = 4_004
    """Build the marts, or read them while no build changes them."""
