"""A warm build inserts new rows into existing tables at the right place in their order."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.marts.delta import Delta, NoRoomBetween

GAP = 2**32
STATEMENT = """
    DROP TABLE IF EXISTS "marts"."staging"."stg_events";
    CREATE TABLE "marts"."staging"."stg_events" AS
    SELECT
        topic,
        record_key,
        root_source,
        root_id,
        root_id AS sent_id,
        arg_max(family_id, kafka_offset) AS family_id,
        arg_max(person_id, kafka_offset) AS person_id,
        arg_max(fact_at, kafka_offset) AS occurred_at,
        row_number() OVER (ORDER BY occurred_at, root_source, root_id, topic, record_key) * {gap} AS event_order
    FROM "landing"."main"."events" GROUP BY topic, record_key, root_source, root_id
"""
"""A small version of `stg_events`: the latest record of a root event counts, and its family is the event's family."""

TABLES = """
    ATTACH ':memory:' AS landing; CREATE SCHEMA IF NOT EXISTS landing.main;
    ATTACH ':memory:' AS marts; CREATE SCHEMA marts.staging; CREATE SCHEMA marts.run; CREATE SCHEMA marts.before;
    CREATE TABLE landing.main.events (
        topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, record_key VARCHAR,
        root_source VARCHAR, root_id VARCHAR, family_id VARCHAR, person_id VARCHAR, fact_at TIMESTAMP,
        received_at TIMESTAMP, linked_person_id VARCHAR, release_family_id VARCHAR, address_id VARCHAR,
        person_ids VARCHAR[], marker_families VARCHAR[], payload VARCHAR
    );
    CREATE TABLE marts.run.cut (topic VARCHAR, kafka_partition INTEGER, next_offset BIGINT);
    CREATE TABLE marts.before.cut AS FROM marts.run.cut;
    CREATE TABLE marts.run.as_of AS SELECT 0 AS as_of;
"""
SHARED = '"marts"."staging"."shared"'
SHARING = f"""
    DROP TABLE IF EXISTS {SHARED};
    CREATE TABLE {SHARED} AS
    SELECT own.family_id, count(*) AS events,
        (SELECT as_of FROM marts.run.as_of) > 5 AS is_over, 5 AS ends_at
    FROM "marts"."staging"."stg_events" AS own
    INNER JOIN "marts"."staging"."stg_events" AS others USING (person_id)
    GROUP BY own.family_id
"""
"""
A small version of a table with figures about families.

The figures depend on the families that share a person, and on the build's time: `is_over` turns true when the time is
greater than 5.
"""
BY_DAY = '"marts"."staging"."by_day"'
ARRIVED = f"""
    DROP TABLE IF EXISTS {BY_DAY};
    CREATE TABLE {BY_DAY} AS
    SELECT
        CAST(received_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London' AS DATE) AS received_on,
        count(*) AS records,
        sum(named)::BIGINT AS names
    FROM (
        SELECT received_at, count(*) OVER (PARTITION BY topic, root_source, root_id) AS named
        FROM "landing"."main"."events"
    )
    GROUP BY ALL
"""
"""
A small version of `int_arrivals`.

The count for a record depends on all records with the same source and id, including records of other days.
"""

ORDERED = "SELECT record_key, root_source, root_id, family_id, occurred_at FROM marts.staging.stg_events ORDER BY {}"

BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12), st.integers(0, 5)), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)
"""
Batches of records that arrive around midnight. Each record has a source, an id and a minute.

There are only a few distinct values, so that many records have the same values.
"""


class Landing:
    """A landing table and the snapshot of a build."""

    def __init__(self) -> None:
        self.session = duckdb.connect()
        self.session.execute(TABLES)
        self._next = 0

    def land(self, records: list[tuple[str, int, int]]) -> None:
        for name in ("cut", "as_of"):
            self.session.execute(f"CREATE OR REPLACE TABLE marts.before.{name} AS FROM marts.run.{name}")
        self.session.execute("UPDATE marts.run.as_of SET as_of = as_of + 2")
        for source, number, minute in records:
            moment = f"2026-01-01 00:{minute:02}"
            family, person = f"F{number + minute}", f"P{number * minute}"
            arrival = f"2026-06-{1 + minute // 2:02} {22 + minute % 2}:30"
            row = ["t", 0, self._next, f"K{number}", source, f"e{number // 2}", family, person, moment, arrival]
            self.session.execute(
                f"INSERT INTO landing.main.events VALUES ({'?, ' * 10} NULL, NULL, NULL, NULL, NULL, NULL)", row
            )
            self._next += 1
        self.session.execute("DELETE FROM marts.run.cut")
        self.session.execute("INSERT INTO marts.run.cut VALUES ('t', 0, ?)", [self._next])

    def build(self, gap: int = GAP) -> None:
        self.session.execute(STATEMENT.format(gap=gap))
        self.session.execute(SHARING)
        self.session.execute(ARRIVED)

    def is_small(self) -> bool:
        delta = Delta(self.session)
        delta.reach([])
        return delta.is_small()

    def rows(self, order: str) -> list[tuple]:
        return self.session.execute(ORDERED.format(order)).fetchall()

    def days(self) -> list[tuple]:
        return self.session.execute("FROM marts.staging.by_day ORDER BY ALL").fetchall()

    def families(self) -> list[tuple]:
        return self.session.execute("FROM marts.staging.shared ORDER BY ALL").fetchall()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(BATCHES)
def test_batches_one_by_one_give_the_same_tables_as_all_at_once(batches):
    """The rows, their order and the counts are equal, even if records arrive late, arrive twice or are corrected."""
    grown, whole = Landing(), Landing()
    for number, batch in enumerate(batches):
        grown.land(batch)
        whole.land(batch)
        if number == 0:
            grown.build()
            continue
        delta = Delta(grown.session)
        delta.reach([(SHARED, "family_id", "ends_at")])
        delta.stage(STATEMENT.format(gap=GAP))
        delta.grow(SHARED, SHARING, "family_id", [SHARED])
        delta.grow_by_day(BY_DAY, ARRIVED)
    whole.build()

    assert grown.rows("event_order") == whole.rows("occurred_at, root_source, root_id, record_key")
    assert grown.families() == whole.families()
    assert grown.days() == whole.days()


def test_where_no_number_is_left_between_neighbours_nothing_changes():
    """If no order number is free between two rows, a full build follows and numbers all rows again."""
    landing = Landing()
    landing.land([("a", 1, 1), ("a", 3, 3)])
    landing.build(gap=1)
    before = landing.rows("event_order")
    landing.land([("a", 2, 2)])
    delta = Delta(landing.session)

    delta.reach([])

    with pytest.raises(NoRoomBetween):
        delta.stage(STATEMENT.format(gap=GAP))
    assert landing.rows("event_order") == before
    assert delta.changes == {}


def test_many_new_rows_are_not_a_small_change():
    landing = Landing()
    landing.land([("a", number, 1) for number in range(30)])
    landing.build()
    landing.land([("a", 31, 1)])
    assert landing.is_small()

    landing.land([("a", 32, 1), ("a", 33, 1)])
    assert not landing.is_small()


def test_row_that_affects_most_families_is_not_a_small_change():
    """There is one new record, but it names a person whom half of the families share."""
    landing = Landing()
    landing.land([("a", number, 1) for number in range(10)] + [("a", number, 0) for number in range(30, 40)])
    landing.build()
    landing.land([("a", 40, 0)])

    assert not landing.is_small()
