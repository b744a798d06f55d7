"""Confirm the first quarter that will be published. A person does this, because published figures never change."""

from datetime import UTC, date, datetime

import duckdb

from streams.disclosure.tables import TABLES
from streams.errors import PublicationInvalid
from streams.lake.connect import connect
from streams.lake.login import login
from streams.lake.one_row import one_row
from streams.marts.lock import build_lock
from streams.settings import Settings
from streams.times import naive

__all__ = ["begin"]

_QUARTERS = {1, 4, 7, 10}
_PUBLISHED = "SELECT max(quarter_starts_on) FROM marts.public.releases WHERE authority_code = ?"


def begin(settings: Settings, authority: str, begins_on: date, why: str) -> None:
    """
    Store the first quarter that an authority publishes, who confirms it, and why.

    Until a quarter has been published, the first quarter may be changed freely. After that, a newly confirmed quarter
    must be later than the last published quarter.

    Raises:
        PublicationInvalid: the date is not the first day of a quarter, or this quarter or a later one is already
            published.
        LakeUnavailable: the lake does not answer.
    """
    if begins_on.day != 1 or begins_on.month not in _QUARTERS:
        raise PublicationInvalid(f"{begins_on} begins no quarter; allowed: the 1st of January, April, July or October")
    with build_lock(settings), connect(settings, landing=None, marts="read_write") as lake:
        lake.execute(TABLES)
        latest = _published(lake, authority)
        if latest is not None and begins_on <= latest:
            raise PublicationInvalid(
                f"{authority} is published up to the quarter from {latest}, and that is final; allowed: a later quarter"
            )
        lake.execute(
            "INSERT INTO marts.released.beginnings VALUES (?, ?, ?, ?, ?)",
            [authority, begins_on, naive(datetime.now(UTC)), login(), why],
        )


def _published(lake: duckdb.DuckDBPyConnection, authority: str) -> date | None:
    published: date | None = one_row(lake.execute(_PUBLISHED, [authority]))[0]
    return published
