"""
Find the periods whose figures have changed since the last build. The figures of all other periods are kept.

A figure depends on the counts in its period, on whether the period is covered time, and on the first and last day of
the period. Each figure is also compared with the figures of the previous period and of the period a year before, and
ranks compare all localities within one period. So if the counts, the covered time or the days of a period have changed,
its figures count as changed. The figures of the periods that are compared with it then count as changed as well.
"""

import duckdb

__all__ = ["PARENTS", "find", "keep"]

PARENTS = {
    "int_need_counts": "happened_on",
    "int_need_stocks": "month_starts_on",
    "int_need_periods": None,
    "int_period_coverage": None,
}
"""
The tables from which figures are made, each with the column that contains the day of a row.

The value is None if the rows of a table name their period instead. A change in one of these tables may affect only some
periods.
"""

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
        -- A period that has not ended always counts as changed. Every authority has such periods, so every authority is
        -- compared.
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
    """Keep a copy of one of the `PARENTS` from the last build, before it is rebuilt."""
    name = table.rpartition(".")[2]
    session.execute(f"CREATE OR REPLACE TABLE delta.kept.{name} AS FROM {table}")


def find(session: duckdb.DuckDBPyConnection) -> None:
    """
    Make `delta.kept.changed`, the periods with changed figures, by comparing the kept `PARENTS` with the present ones.

    The function also makes `delta.analytics.int_need_periods`, with the changed periods and the periods that they are
    compared with.
    """
    others = {name: _OTHERS.format(name=name) for name in PARENTS}
    days = " UNION ".join(f"SELECT {day} AS changed_on FROM {others[name]}" for name, day in PARENTS.items() if day)
    named = " UNION ".join(
        f"SELECT period_kind, period_start FROM {others[name]}" for name, day in PARENTS.items() if not day
    )
    session.execute(_CHANGED.format(days=days, named=named))
