"""
What is new since the last build, and what it is about: a second set of tables, `delta`, in the same memory.

The statements are those of the whole build, with other names for what they read and write. They see

- the records of the events that are new or changed (`stg_events`, `grows_by: root`);
- all events of the nets of families, persons and addresses that these are about (`streams/build/nets.py`; `grows_by`
  names the column of the family, person or address whose row it is);
- all records that arrived on the days on which records of these events did (`grows_by: received_on`).

Rows of these events, nets and days are then replaced in the tables of the last build.
"""

from collections.abc import Iterable

import duckdb

from streams.build.nets import reach

__all__ = ["EVENT", "GAP", "ORDER", "Delta", "NoRoomBetween"]

_STAGED = '"marts"."staging"."stg_events"'
_LANDED = '"landing"."main"."events"'

_NAME = "topic, record_key, root_source, sent_id"
"""What an event is called by its source; a new one of the name can change what stands of the others."""
EVENT = "topic, record_key, root_source, root_id"
"""What names one event in force."""
ORDER = "occurred_at, root_source, root_id, topic, record_key"
"""As `stg_events` is ordered."""

GAP = 2**32
"""How far apart events behind the last one are numbered, as in `stg_events`: late ones find room between them."""

_LARGEST_SHARE = 0.05
"""Beyond this share of all events a whole build is as quick."""
_LARGEST_REACH = 0.4
"""The same for the records of the nets that they are about."""

_CREATE = """
    ATTACH IF NOT EXISTS ':memory:' AS delta;
    CREATE SCHEMA IF NOT EXISTS delta.landed;
    CREATE SCHEMA IF NOT EXISTS delta.arrived;
    CREATE SCHEMA IF NOT EXISTS delta.nets;
    CREATE SCHEMA IF NOT EXISTS delta.changed;
    CREATE SCHEMA IF NOT EXISTS delta.staging;
    CREATE SCHEMA IF NOT EXISTS delta.intermediate;
    CREATE SCHEMA IF NOT EXISTS delta.alerts;
    CREATE SCHEMA IF NOT EXISTS delta.analytics;
"""

_ROOTS = f"""
    CREATE OR REPLACE TABLE delta.landed.roots AS
    SELECT DISTINCT landed.topic, landed.record_key, landed.root_source, landed.root_id AS sent_id
    FROM {_LANDED} AS landed
    LEFT JOIN marts.run.cut AS cut USING (topic, kafka_partition)
    LEFT JOIN marts.before.cut AS seen USING (topic, kafka_partition)
    WHERE landed.kafka_offset >= coalesce(seen.next_offset, 0)
        AND (landed.kafka_offset < cut.next_offset OR cut.next_offset IS NULL)
"""

_RECORDS = f"""
    CREATE OR REPLACE TABLE delta.landed.places AS
    SELECT topic, kafka_partition, kafka_offset
    FROM (SELECT *, root_id AS sent_id FROM {_LANDED}) SEMI JOIN delta.landed.roots USING ({_NAME});
    CREATE OR REPLACE TABLE delta.landed.events AS
    SELECT landed.*
    FROM {_LANDED} AS landed SEMI JOIN delta.landed.places USING (topic, kafka_partition, kafka_offset);
"""
"""In two steps: where the records of these roots are is found on few columns, then all columns are read of them."""

_DAYS = f"""
    CREATE OR REPLACE TABLE delta.landed.hours AS
    SELECT hour, CAST(hour AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London' AS DATE) AS received_on
    FROM (SELECT DISTINCT date_trunc('hour', received_at) AS hour FROM {_LANDED});
    CREATE OR REPLACE TABLE delta.landed.days AS
    SELECT DISTINCT hours.received_on
    FROM (SELECT topic, root_source, root_id AS sent_id, date_trunc('hour', received_at) AS hour FROM {_LANDED})
    SEMI JOIN delta.landed.roots USING (topic, root_source, sent_id)
    INNER JOIN delta.landed.hours USING (hour);
    CREATE OR REPLACE TABLE delta.arrived.places AS
    SELECT topic, kafka_partition, kafka_offset
    FROM {_LANDED}
    WHERE (topic, root_source, root_id) IN (
        SELECT (topic, root_source, root_id)
        FROM {_LANDED}
        WHERE date_trunc('hour', received_at) IN (
            SELECT hour FROM delta.landed.hours SEMI JOIN delta.landed.days USING (received_on)
        )
    );
    CREATE OR REPLACE VIEW delta.arrived.events AS
    SELECT landed.*
    FROM {_LANDED} AS landed SEMI JOIN delta.arrived.places USING (topic, kafka_partition, kafka_offset);
"""
"""The days of London of what is told under the names of new records, and everything told under a name of these days."""

_ORDERED = f"""
    WITH first AS (
        SELECT min(occurred_at) AS occurred_at FROM delta.changed.stg_events
    ),
    unchanged AS (
        SELECT {ORDER}, events.event_order
        FROM {_STAGED} AS events
        ANTI JOIN delta.landed.roots USING ({_NAME})
    ),
    around AS (
        SELECT * FROM unchanged WHERE occurred_at >= (SELECT occurred_at FROM first)
        UNION ALL
        SELECT {ORDER}, NULL FROM delta.changed.stg_events
    ),
    neighbours AS (
        SELECT
            *,
            coalesce(
                max(event_order) OVER (ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING),
                (SELECT max(event_order) FROM unchanged WHERE occurred_at < (SELECT occurred_at FROM first)),
                0
            ) AS lower,
            min(event_order) OVER (
                ORDER BY {ORDER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS upper
        FROM around
    ),
    counted AS (
        SELECT
            *,
            row_number() OVER (PARTITION BY lower ORDER BY {ORDER}) AS number,
            count(*) OVER (PARTITION BY lower) AS numbers
        FROM neighbours
        WHERE event_order IS NULL
    )
    SELECT
        {EVENT},
        lower + number * coalesce((upper - lower) // (numbers + 1), {GAP}) AS event_order,
        coalesce(upper - lower > numbers, true) AS has_room
    FROM counted
"""
"""Numbers for the new events that lie between those of their neighbours, which keep theirs."""

_REPLACE = f"""
    DELETE FROM {_STAGED} WHERE ({_NAME}) IN (SELECT ({_NAME}) FROM delta.landed.roots);
    INSERT INTO {_STAGED} BY NAME
    SELECT events.* REPLACE (ordered.event_order AS event_order)
    FROM delta.changed.stg_events AS events
    INNER JOIN delta.changed.ordered USING ({EVENT});
    CREATE OR REPLACE TABLE delta.staging.stg_events AS
    FROM {_STAGED} WHERE hash(record_key) IN (FROM delta.nets.touched);
"""


class NoRoomBetween(Exception):
    """Between two events that are neighbours no number is left for one that happened between them."""


class Delta:
    """The tables of what is new, in the session of a build."""

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        """
        Args:
            session: where `marts` is in memory, holds the last build, and knows the cuts of that and of this one.
        """
        self._session = session
        self.staged: dict[str, str] = {}
        """Name of the table that was brought up to date, with that of the table of its new and changed roots."""
        session.execute(_CREATE)
        session.execute(_ROOTS)

    def reach(self, turning: Iterable[tuple[str, str, str]]) -> None:
        """
        Find whom what is new is about.

        Args:
            turning: whose rows the clock changes, see `reach`.
        """
        reach(self._session, turning)

    def is_small(self) -> bool:
        """Whether what landed between the last cut and this one, and all that it reaches, is little beside the rest."""
        roots, reached, events = (
            self._session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("delta.landed.roots", "delta.nets.places", _STAGED)
        )
        return roots <= _LARGEST_SHARE * events and reached <= _LARGEST_REACH * events

    def stage(self, statement: str) -> None:
        """
        Bring `stg_events` up to date.

        Args:
            statement: that by which it is made.

        Raises:
            NoRoomBetween: events must be numbered anew; nothing was changed.
        """
        run = self._session.execute
        run(_RECORDS)
        run(statement.replace(_LANDED, "delta.landed.events").replace(_STAGED, "delta.changed.stg_events"))
        run(f"CREATE OR REPLACE TABLE delta.changed.ordered AS {_ORDERED}")
        if run("SELECT 1 FROM delta.changed.ordered WHERE NOT has_room").fetchone():
            raise NoRoomBetween
        run(_REPLACE)
        self.staged = {"staging.stg_events": "delta.landed.roots"}

    def grow(self, table: str, statement: str, subject: str, grown: list[str]) -> None:
        """
        Bring a table up to date each of whose rows is made of one net alone.

        Args:
            table: its quoted name.
            statement: that by which it is made.
            subject: the column with a name of the row's net.
            grown: the quoted names of the tables that grow, too; beside them it may read events, staged or landed.
        """
        for name in (*grown, _STAGED):
            statement = statement.replace(name, _in_delta(name))
        self._session.execute(statement.replace(_LANDED, "delta.nets.events"))
        self._session.execute(f"DELETE FROM {table} WHERE hash({subject}) IN (FROM delta.nets.touched)")
        self._session.execute(f"INSERT INTO {table} BY NAME FROM {_in_delta(table)}")

    def grow_by_day(self, table: str, statement: str) -> None:
        """
        Bring a table up to date that holds rows of days of arrival, `received_on`.

        Args:
            table: its quoted name.
            statement: that by which it is made, of `landing.events` alone: of the records of a day, and of those of
                their topics, sources and ids.
        """
        self._session.execute(_DAYS)
        self._session.execute(statement.replace(_LANDED, "delta.arrived.events").replace(table, _in_delta(table)))
        for change in (f"DELETE FROM {table}", f"INSERT INTO {table} BY NAME FROM {_in_delta(table)}"):
            self._session.execute(f"{change} WHERE received_on IN (FROM delta.landed.days)")


def _in_delta(table: str) -> str:
    return table.replace('"marts"', '"delta"', 1)
