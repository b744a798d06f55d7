"""Make the row that shows how old the newest backup is."""

from datetime import datetime
from pathlib import Path

from streams.backup.folder import newest
from streams.health.row import Row, spell
from streams.settings import Settings

__all__ = ["backups"]

_OLD_HOURS = 26.0
"""A backup is made every day. If the newest is older than this, in hours, a day was missed."""


def backups(settings: Settings, now: datetime, made_at: datetime | None) -> list[Row]:
    """
    Return a row for the folder that `CAF_BACKUP` names; an empty list if it names none.

    Args:
        made_at: when the home was made, if this is known. A new home has a day for its first backup.
    """
    if not settings.backup:
        return []
    folder = Path(settings.backup)
    taken = newest(folder)
    since = taken or made_at
    # A backup from the future shows that a clock was wrong. It must not hide that backups are missing.
    if since is not None and -_OLD_HOURS * 3600 <= (now - since).total_seconds() <= _OLD_HOURS * 3600:
        age = f"newest {spell((now - taken).total_seconds())} old" if taken else "none yet"
        return [Row(part="backup", state="running", address=f"{folder}, {age}")]
    what = (
        f"the newest backup in {folder} is {spell((now - taken).total_seconds())} old"
        if taken
        else (f"there is no backup in {folder}")
    )
    says = f"{what}. Read the log of the DAG back_up, or run './caf backup'"
    return [Row(part="backup", state="not running", level="red", says=says, address=str(folder))]
