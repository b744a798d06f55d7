"""
Periods whose figures are others than at the last build: all other rows of what is made of them stay.

A figure is made of what was counted in its period, of whether that is covered, and of the period itself; and it is
compared with the figures of the period before and of a year before. Ranks are within a period, among all places. So a
period has other figures if one of these changed, of it or of a period that it is compared with.
"""

import duckdb

__all__ = ["PARENTS", "find", "keep"]

PARENTS = {
    "int_need_counts": "happened_on",
    "int_need_stocks": "month_starts_on",
    "int_need_periods": None,
    "int_period_coverage": None,
}
"""What figures are made of that changes while others stay: with the day that a row is of, or it names its period."""

_PERIODS = '"marts"."analytics"."int_need_periods"'

_OTHERS = """(
    (FROM delta.kept.{name} EXCEPT FROM "marts"."analytics"."{name}")
    UNION ALL
    (FROM "marts"."analytics"."{name}" EXCEPT FROM delta.kept.{name})
)"""

_CHANGED = f"""
    CREATE OR REPLACE TABLE delta.kept.changed AS
    WITH periods AS (
        FROM {_PERIODS} UNION FROM delta.kept.int_need_periods
    ),
    days AS (
        {{days}}
    ),
    changed AS (
        {{named}}
        UNION
        SELECT period_kind, period_start
        FROM periods INNER JOIN days ON days.changed_on BETWEEN periods.period_start AND periods.period_end
        UNION
        -- What goes on, in any case: every authority has such periods, so that all are among what is looked at.
        SELECT period_kind, period_start FROM periods WHERE is_partial
    )
    FROM changed
    UNION
    SELECT periods.period_kind, periods.period_start
    FROM periods
    INNER JOIN changed
        ON changed.period_kind = periods.period_kind
        AND changed.period_start IN (periods.previous_start, periods.year_before_start);
    CREATE OR REPLACE TABLE delta.analytics.int_need_periods AS
    WITH compared AS (
        SELECT period_kind, unnest([period_start, previous_start, year_before_start]) AS period_start
        FROM {_PERIODS} SEMI JOIN delta.kept.changed USING (period_kind, period_start)
    )
    FROM {_PERIODS} SEMI JOIN compared USING (period_kind, period_start);
"""


def keep(session: duckdb.DuckDBPyConnection, table: str) -> None:
    """Remember one of the parents as the last build made it, before it is made anew."""
    name = table.rpartition(".")[2]
    session.execute(f"CREATE OR REPLACE TABLE delta.kept.{name} AS FROM {table}")


def find(session: duckdb.DuckDBPyConnection) -> None:
    """
    Make `delta.kept.changed`, the periods with other figures, from the parents as they were kept and as they are now.

    `delta.analytics.int_need_periods` has these and the periods that they are compared with.
    """
    others = {name: _OTHERS.format(name=name) for name in PARENTS}
    days = " UNION ".join(f"SELECT {day} AS changed_on FROM {others[name]}" for name, day in PARENTS.items() if day)
    named = " UNION ".join(
        f"SELECT period_kind, period_start FROM {others[name]}" for name, day in PARENTS.items() if not day
    )
    session.execute(_CHANGED.format(days=days, named=named))
