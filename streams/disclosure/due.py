"""Which quarters are to be published, and when the next one will be."""

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb

__all__ = ["CLOSED_AFTER_DAYS", "due", "first_quarters", "next_due"]

CLOSED_AFTER_DAYS = 28
"""How long after its end a quarter is open to late and corrected events."""

# The first quarter that has a referral in its first week: before it, history was not told whole.
_FIRST = """
    SELECT authority_code, date_trunc('quarter', min(referred_on) + INTERVAL 3 MONTHS - INTERVAL 7 DAYS)::DATE
    FROM marts.analytics.fct_referrals
    WHERE is_dfe_referral
    GROUP BY authority_code
    ORDER BY authority_code
"""
_LATEST = "SELECT authority_code, max(quarter_starts_on) FROM marts.public.releases GROUP BY authority_code"
_TODAY = "SELECT max(as_of)::DATE FROM marts.run.as_of"


def due(lake: duckdb.DuckDBPyConnection) -> list[tuple[str, date]]:
    """Authorities and first days of their quarters that have closed and are not published, in their order."""
    latest, (today,) = dict(lake.execute(_LATEST).fetchall()), lake.execute(_TODAY).fetchone()
    found = []
    for authority, first in first_quarters(lake).items():
        quarter, on = next_due(first, latest.get(authority))
        while on <= today:
            found.append((authority, quarter))
            quarter, on = next_due(first, quarter)
    return found


def first_quarters(lake: duckdb.DuckDBPyConnection) -> Mapping[str, date]:
    """First day of the first quarter of each authority that can be published at all."""
    return dict(lake.execute(_FIRST).fetchall())


def next_due(first: date, latest: date | None) -> tuple[date, date]:
    """The quarter to be published after the latest one, by its first day, and the day from which on it has closed."""
    quarter = first if latest is None else _after(latest)
    return quarter, _after(quarter) + timedelta(days=CLOSED_AFTER_DAYS)


def _after(quarter: date) -> date:
    """First day of the next quarter."""
    return date(quarter.year + 1, 1, 1) if quarter.month == 10 else quarter.replace(month=quarter.month + 3)
