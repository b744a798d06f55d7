"""Find the quarters that are due to be published, and when the next one will be due."""

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb

from streams.lake.one_row import one_row

__all__ = ["CLOSED_AFTER_DAYS", "begun", "covered", "due", "next_due", "unbegun"]

CLOSED_AFTER_DAYS = 28
"""A quarter closes this many days after its end. Until then, late and corrected events still count."""

_BEGUN = """
    SELECT authority_code, max_by(begins_on, confirmed_at)
    FROM marts.released.beginnings
    GROUP BY authority_code
    ORDER BY authority_code
"""
_UNBEGUN = """
    SELECT DISTINCT authority_code FROM marts.analytics.dim_coverage WHERE kind NOT IN ('alerts', 'history')
    EXCEPT SELECT authority_code FROM marts.released.beginnings ORDER BY ALL
"""
_COVERED = """
    SELECT rests_on
    FROM marts.analytics.int_period_coverage
    WHERE authority_code = ? AND period_kind = 'month'
        AND period_start >= ?::DATE AND period_start < ?::DATE + INTERVAL 3 MONTHS
    GROUP BY rests_on
    HAVING count(*) = 3
"""
_LATEST = "SELECT authority_code, max(quarter_starts_on) FROM marts.public.releases GROUP BY authority_code"
_TODAY = "SELECT max(as_of)::DATE FROM marts.run.as_of"


def due(lake: duckdb.DuckDBPyConnection) -> list[tuple[str, date]]:
    """
    Return the authority and first day of each quarter that has closed and is not published yet.

    The quarters are ordered by authority and time.

    An authority has no due quarters until somebody has confirmed the first quarter to publish. A quarter is due even if
    the records do not cover it, but then it cannot be published (see `covered`).
    """
    latest, (today,) = dict(lake.execute(_LATEST).fetchall()), one_row(lake.execute(_TODAY))
    found = []
    for authority, first in begun(lake).items():
        quarter, on = next_due(first, latest.get(authority))
        while on <= today:
            found.append((authority, quarter))
            quarter, on = next_due(first, quarter)
    return found


def begun(lake: duckdb.DuckDBPyConnection) -> Mapping[str, date]:
    """Return the first quarter to publish, as the quarter's first day, for each authority that has confirmed one."""
    try:
        return dict(lake.execute(_BEGUN).fetchall())
    except duckdb.CatalogException:
        return {}


def unbegun(lake: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the authorities that have covered time, but for which nobody has confirmed a first quarter to publish."""
    return [authority for (authority,) in lake.execute(_UNBEGUN).fetchall()]


def covered(lake: duckdb.DuckDBPyConnection, authority: str, quarter: date) -> set[str]:
    """Return the kinds of figures for which the records cover the whole quarter, for example `re_referrals`."""
    return {kind for (kind,) in lake.execute(_COVERED, [authority, quarter, quarter]).fetchall()}


def next_due(first: date, latest: date | None) -> tuple[date, date]:
    """Return the first day of the quarter that is published after the latest one, and the day on which it closes."""
    quarter = first if latest is None else max(first, _after(latest))
    return quarter, _after(quarter) + timedelta(days=CLOSED_AFTER_DAYS)


def _after(quarter: date) -> date:
    """Return the first day of the next quarter."""
    return date(quarter.year + 1, 1, 1) if quarter.month == 10 else quarter.replace(month=quarter.month + 3)
