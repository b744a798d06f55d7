"""The key numbers of all PostgreSQL advisory locks, in one place so that each number is used once."""

from enum import IntEnum

__all__ = ["LockKey"]


class LockKey(IntEnum):
    """The keys of the locks. The text below each key says what a process may do only while it holds the lock."""

    LEADER = 3_001
    """Evaluate events, and publish alerts about families and about rejected records."""
    RESTATING = 3_002
    """Number and publish a version of an alert whose rule only the build evaluates."""
    WATCH_TABLES = 3_003
    """Create or replace the watcher's tables. The lock is held by a transaction, and ends with it."""
    WATCH_NEXT = 3_004
    """Prepare the tables for another version of the watcher, and keep them until that version becomes the leader."""
    INTAKE = 3_005
    """Pass on the records of partners. Kafka refuses a process that has lost the lock."""
    CREATION = 4_001
    """Create what the database lacks, or change its settings and rights."""
    PARTITIONS = 4_002
    """Land all partitions that have a certain partition number. This number is the lock's second key."""
    MAINTENANCE = 4_003
    """Maintain the lake. Landers release their locks between batches, so that maintenance can take them."""
    IMPORT = 4_011
    """Compare a census with what earlier returns of its authority reported, and send the differences as events."""
    BUILD = 4_004
    """Build the marts, or read the marts while no build changes them."""
    RESTORE = 4_022
    """Fill a database from a backup."""
    BACKUP = 4_021
    """Back up the lake. Whoever removes files of the lake holds this lock together with others (`removal`)."""
