"""Make a row for each erasure that waits for a person."""

from collections.abc import Iterator

import msgspec

from streams.erase.records import Records
from streams.health.row import Row
from streams.settings import Settings

__all__ = ["erasures"]


def erasures(settings: Settings) -> Iterator[Row]:
    """Yield a row for each erasure that waits for an approval, or was interrupted."""
    try:
        found = Records(settings).all()
    except (OSError, msgspec.MsgspecError) as error:
        says = f"the records of erasures in CAF_HOME/erasures cannot be read ({error}): restore them from a backup"
        yield Row(part="erase", state="in trouble", level="red", says=says)
        return
    for one in found:
        if one.state == "requested":
            says = f"erasure {one.id} ({one.requested_by}) waits for approval; './caf erase list' shows why"
            yield Row(part="erase", state="held", level="amber", says=says, since=one.requested_at)
        if one.state == "approved":
            says = f"erasure {one.id} is not finished: repeat './caf erase approve {one.id}'"
            yield Row(part="erase", state="standing still", level="amber", says=says, since=one.approved_at)
