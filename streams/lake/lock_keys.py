"""The numbers of all PostgreSQL advisory locks, so that no two are alike."""

from enum import IntEnum

__all__ = ["LockKey"]


class LockKey(IntEnum):
    """What each lock lets one process at a time do, over all processes of a lake."""

    LEADER = 3_001
    """Judge events and publish alerts of families and records."""
    RESTATING = 3_002
    """Number and publish a version of an alert that the build judges."""
    WATCH_TABLES = 3_003
    """Make the watcher's tables, or replace them; held by a transaction."""
    WATCH_NEXT = 3_004
    """Make the tables of another version ready, and keep them until it leads."""
    CREATION = 4_001
    """Create a missing catalog, or change what the role says for itself."""
    PARTITIONS = 4_002
    """Land a partition number, which is the second key."""
    MAINTENANCE = 4_003
    """Maintain the lake; whoever lands gives way to it between batches."""
    IMPORT = 4_011
    """Compare a census with what its authority's returns have told, and send the difference."""
    BUILD = 4_004
    """Build the marts, or find them at rest."""
