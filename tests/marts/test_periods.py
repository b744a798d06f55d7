"""
A warm build rebuilds figures of changed periods, and of periods that are compared with a changed period.

All other figures stay.
"""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.marts import periods
from streams.marts.changes import Change

SCHEMAS = """
    ATTACH ':memory:' AS marts; CREATE SCHEMA marts.analytics;
    ATTACH ':memory:' AS delta; CREATE SCHEMA delta.analytics; CREATE SCHEMA delta.kept;
    CREATE TABLE marts.analytics.int_need_counts (lsoa_code VARCHAR, happened_on DATE, number BIGINT);
    CREATE TABLE marts.analytics.int_need_stocks (lsoa_code VARCHAR, month_starts_on DATE, number BIGINT);
    CREATE TABLE marts.analytics.int_period_coverage (period_kind VARCHAR, period_start DATE);
"""
PERIODS = """
    CREATE OR REPLACE TABLE marts.analytics.int_need_periods AS
    SELECT
        period_kind,
        DATE '2026-01-01' + period_start::INTEGER AS period_start,
        DATE '2026-01-01' + period_end::INTEGER AS period_end,
        period_end >= {today} AS is_partial,
        DATE '2026-01-01' + (2 * period_start - period_end - 1)::INTEGER AS previous_start,
        DATE '2026-01-01' + (3 * period_start - 2 * period_end - 2)::INTEGER AS year_before_start
    FROM (
        SELECT 'day' AS period_kind, day AS period_start, day AS period_end
        FROM range(greatest(0, {today} - 8), {today} + 1) AS days (day)
        UNION ALL
        SELECT 'week', 3 * week, 3 * week + 2
        FROM range({today} // 3 + 1) AS weeks (week)
    )
"""
"""
Periods of days, and of weeks with three days. Days more than eight days ago are left out, and a year is two weeks.
"""
FIGURES = '"marts"."analytics"."figures"'
STATEMENT = f"""
    CREATE OR REPLACE TABLE {FIGURES} AS
    WITH figures AS (
        SELECT
            periods.*,
            coverage.period_start IS NOT NULL AS is_covered,
            (SELECT sum(number) FROM "marts"."analytics"."int_need_counts" AS counts
                WHERE counts.happened_on BETWEEN periods.period_start AND periods.period_end) AS counted,
            (SELECT sum(number) FROM "marts"."analytics"."int_need_stocks" AS stocks
                WHERE stocks.month_starts_on = periods.period_start) AS held
        FROM "marts"."analytics"."int_need_periods" AS periods
        LEFT JOIN "marts"."analytics"."int_period_coverage" AS coverage USING (period_kind, period_start)
    )
    SELECT
        figures.*, previous.counted AS previous_counted, previous.is_covered AS previous_is_covered,
        year_before.counted AS year_before_counted, year_before.held AS year_before_held
    FROM figures
    LEFT JOIN figures AS previous
        ON previous.period_kind = figures.period_kind AND previous.period_start = figures.previous_start
    LEFT JOIN figures AS year_before
        ON year_before.period_kind = figures.period_kind AND year_before.period_start = figures.year_before_start
"""
"""
A small version of `mart_locality_need`.

The table has counts, whether the counts are covered, and the figures with which each count is compared.
"""

IN_DELTA = STATEMENT.replace(FIGURES, "delta.analytics.figures").replace(
    '"marts"."analytics"."int_need_periods"', "delta.analytics.int_need_periods"
)

COUNTED = ["int_need_counts", "int_need_stocks"]
DAY = st.integers(0, 14)
BUILDS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(
            st.tuples(st.sampled_from(["int_need_counts", "int_need_stocks"]), DAY, st.integers(0, 3)), max_size=2
        ),
        st.lists(st.tuples(st.sampled_from(["day", "week"]), DAY), max_size=1),
    ),
    min_size=2,
    max_size=6,
)
"""
Builds, each up to two days after the build before it.

Each build has new counts for some days, and changes which periods are covered.
"""


def change(session: duckdb.DuckDBPyConnection, counts: list, covered: list) -> None:
    for table, day, number in counts:
        column = periods.PARENTS[table]
        session.execute(f"DELETE FROM marts.analytics.{table} WHERE {column} = DATE '2026-01-01' + {day}")
        if number:
            session.execute(f"INSERT INTO marts.analytics.{table} VALUES ('E01', DATE '2026-01-01' + {day}, {number})")
    for kind, day in covered:
        row = f"('{kind}', DATE '2026-01-01' + {day})"
        is_it = f"FROM marts.analytics.int_period_coverage WHERE (period_kind, period_start) = {row}"
        if session.execute(f"SELECT 1 {is_it}").fetchone():
            session.execute(f"DELETE {is_it}")
        else:
            session.execute(f"INSERT INTO marts.analytics.int_period_coverage VALUES {row}")


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(BUILDS)
def test_periods_one_build_after_another_equal_one_full_build(builds):
    session, today = duckdb.connect(), 4
    session.execute(SCHEMAS)
    session.execute(PERIODS.format(today=today))
    session.execute(STATEMENT)
    for days, counts, covered in builds:
        today += days
        for name in periods.PARENTS:
            periods.keep(session, f'"marts"."analytics"."{name}"')
        change(session, counts, covered)
        session.execute(PERIODS.format(today=today))
        periods.find(session)
        session.execute(IN_DELTA)
        changed = "(period_kind, period_start) IN (FROM delta.kept.changed)"
        for replacing in Change(changed, f"(FROM delta.analytics.figures WHERE {changed})").statements(FIGURES):
            session.execute(replacing)
    grown = session.execute(f"FROM {FIGURES} ORDER BY ALL").fetchall()
    session.execute(STATEMENT)

    assert grown == session.execute(f"FROM {FIGURES} ORDER BY ALL").fetchall()


def test_unchanged_periods_are_neither_read_nor_written():
    session = duckdb.connect()
    session.execute(SCHEMAS)
    session.execute(PERIODS.format(today=14))
    for name in periods.PARENTS:
        periods.keep(session, f'"marts"."analytics"."{name}"')
    session.execute("INSERT INTO marts.analytics.int_need_counts VALUES ('E01', DATE '2026-01-07', 1)")
    periods.find(session)

    days = "SELECT period_start - DATE '2026-01-01' FROM {} WHERE period_kind = 'day' ORDER BY ALL"
    changed = session.execute(days.format("delta.kept.changed")).fetchall()
    read = session.execute(days.format("delta.analytics.int_need_periods")).fetchall()
    assert changed == [(6,), (7,), (8,), (14,)], "the day, the two that are compared with it, and today"
    assert read == [(6,), (7,), (8,), (12,), (13,), (14,)], "these, and what they are compared with"
